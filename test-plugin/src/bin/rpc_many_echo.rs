//! Calls the host many times, in a row (`many_echo`) and all at once (`echo_at_once`).

wasmi_pdk::plugin!(test_plugin::echo_at_once(test_plugin::many_echo(wasmi_pdk::Router::new())));
