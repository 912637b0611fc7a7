//! Hostile: `go` writes a line of 100 MB, far above any bound, and then answers as if nothing had been.

wasmi_pdk::plugin!(test_plugin::hostile(|| async {
    use std::io::Write as _;
    let piece = vec![b'x'; 1 << 16]; // On the stack there is not so much room.
    let mut out = std::io::stdout().lock();
    out.write_all(br#"{"jsonrpc":"2.0","method":"flood","params":[""#)?;
    for _ in 0..100_000_000 / piece.len() + 1 {
        out.write_all(&piece)?;
    }
    out.write_all(b"\"]}\n")?;
    Ok(())
}));
