//! Hostile: answers every request twice, the second time differently. A command without the plugin
//! kit, which would not do that.

use std::io::{BufRead as _, Write as _};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let request: serde_json::Value = serde_json::from_str(&line?)?;
        let id = &request["id"];
        for answer in ["first", "second"] {
            writeln!(out, r#"{{"jsonrpc":"2.0","id":{id},"result":"{answer}"}}"#)?;
        }
    }
    Ok(())
}
