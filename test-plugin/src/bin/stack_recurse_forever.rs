//! Hostile: `go` calls itself without end, each time with a frame on the stack in linear memory.

wasmi_pdk::plugin!(test_plugin::hostile(|| async {
    fn down(depth: u64) -> u64 {
        let frame = std::hint::black_box([depth; 8]);
        if frame[0] == u64::MAX { 0 } else { down(depth + 1) + frame[7] }
    }
    Ok(down(0))
}));
