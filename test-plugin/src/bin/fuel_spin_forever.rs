//! Hostile: `go` computes for ever and never returns.

wasmi_pdk::plugin!(test_plugin::hostile(|| async {
    let mut turns = 0_u64;
    loop {
        turns = std::hint::black_box(turns.wrapping_add(1));
        if turns == u64::MAX {
            return Ok(turns);
        }
    }
}));
