//! Answers `nested_echo` by calling the host, which may call back, and so on.

wasmi_pdk::plugin!(test_plugin::nested_echo(wasmi_pdk::Router::new()));
