//! Hostile: `go` executes `unreachable`.

wasmi_pdk::plugin!(test_plugin::ping(wasmi_pdk::Router::new()).method("go", |_, ()| async {
    leave();
    Ok(())
}));

fn leave() {
    std::process::abort()
}
