//! Remembers between calls: `set [key, value]`, `get [key]`.

wasmi_pdk::plugin!(test_plugin::state());
