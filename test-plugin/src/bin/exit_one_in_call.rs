//! Hostile: `go` ends the program with code 1 instead of answering.

wasmi_pdk::plugin!(test_plugin::hostile(|| async {
    leave();
    Ok(())
}));

fn leave() {
    std::process::exit(1)
}
