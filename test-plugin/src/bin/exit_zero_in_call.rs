//! Hostile: `go` ends the program with code 0 instead of answering.

wasmi_pdk::plugin!(test_plugin::hostile(|| async {
    leave();
    Ok(())
}));

fn leave() {
    std::process::exit(0)
}
