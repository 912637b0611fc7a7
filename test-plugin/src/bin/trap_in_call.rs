//! Hostile: `go` executes `unreachable`.

wasmi_pdk::plugin!(test_plugin::hostile(|| async {
    leave();
    Ok(())
}));

fn leave() {
    std::process::abort()
}
