//! Hostile: `go` ends the program with code 1 instead of answering.

wasmi_pdk::plugin!(test_plugin::ping(wasmi_pdk::Router::new()).method("go", |_, ()| async {
    leave();
    Ok(())
}));

fn leave() {
    std::process::exit(1)
}
