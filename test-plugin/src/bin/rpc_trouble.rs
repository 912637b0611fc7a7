//! Fails in an orderly way (`fail`), panics (`panic`) and logs (`log`), each with the text given.

wasmi_pdk::plugin!(test_plugin::trouble(wasmi_pdk::Router::new()));
