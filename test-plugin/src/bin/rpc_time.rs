//! Answers `time` with its wall clock in milliseconds.

wasmi_pdk::plugin!(test_plugin::time(wasmi_pdk::Router::new()));
