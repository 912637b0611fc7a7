//! Answers `echo` with its own parameters.

wasmi_pdk::plugin!(test_plugin::echo(wasmi_pdk::Router::new()));
