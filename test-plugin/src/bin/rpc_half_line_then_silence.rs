//! Hostile: `go` writes the first half of an answer and is never heard of again.

wasmi_pdk::plugin!(test_plugin::hostile(|| async {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    out.write_all(br#"{"jsonrpc":"2.0","id":1,"resu"#)?;
    out.flush()?;
    drop(out);
    std::future::pending::<wasmi_pdk::Result<()>>().await
}));
