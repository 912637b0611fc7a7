//! Hostile: `go` writes bytes that are no JSON, no UTF-8 and no request, then answers.

wasmi_pdk::plugin!(test_plugin::hostile(|| async {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    out.write_all(
        b"\n\n{\xff\xfe\0}\n]]]\n{\"jsonrpc\":\"1.0\"}\n[]\n42\nContent-Length: pigs\n\n",
    )?;
    Ok(())
}));
