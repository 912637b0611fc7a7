//! All well-behaved methods in one guest, for benches.

wasmi_pdk::plugin!(test_plugin::all());
