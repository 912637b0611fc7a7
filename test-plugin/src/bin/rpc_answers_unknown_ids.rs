//! Hostile: `go` answers three requests that nobody made, then its own.

wasmi_pdk::plugin!(test_plugin::hostile(|| async {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    out.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":987654321,\"result\":1}\n")?;
    out.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":\"never asked\",\"result\":2}\n")?;
    out.write_all(
        b"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1,\"message\":\"what?\"}}\n",
    )?;
    Ok(())
}));
