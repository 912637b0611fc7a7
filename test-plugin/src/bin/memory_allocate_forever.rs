//! Hostile: `go` allocates a megabyte at a time and keeps it, for ever.

wasmi_pdk::plugin!(test_plugin::hostile(|| async {
    let mut kept = Vec::new();
    loop {
        kept.push(vec![0x5a_u8; 1 << 20]);
        if std::hint::black_box(kept.len()) == usize::MAX {
            return Ok(());
        }
    }
}));
