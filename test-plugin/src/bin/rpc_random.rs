//! Answers `random [n]` with n bytes from WASI `random_get`.

wasmi_pdk::plugin!(test_plugin::random(wasmi_pdk::Router::new()));
