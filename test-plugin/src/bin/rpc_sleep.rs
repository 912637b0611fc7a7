//! Answers `sleep [ms]` after that long.

wasmi_pdk::plugin!(test_plugin::sleep_for(wasmi_pdk::Router::new()));
