//! WebSockets of clients at `/live/:name` and `/flood`: says what was asked for, then repeats every message, bytes in
//! reverse. Texts that it obeys: `close` (4001, "enough"), `trap`, `spin`, `flood` (40 messages of 512 KiB). Whoever
//! leaves is told as `test.left`.

use serde_json::{Value, json};
use wasmi_pdk::Result;
use wasmi_pdk::signalk::websocket::{Event, Mount};
use wasmi_pdk::signalk::{Delta, Plugin, SignalK, serve};

struct Socket;

impl Plugin for Socket {
    const NAME: &'static str = "Socket";
    type Options = serde_json::Map<String, Value>;

    async fn start(sk: SignalK, _: Self::Options) -> Result<Self> {
        let out = sk.clone();
        let mount = Mount::at(&["/live/:name", "/flood"]).speaking(&["v2.test", "v1.test"]);
        sk.serve_websockets(mount, move |client, event| match event {
            Event::Opened(asked) => {
                let text = json!({
                    "path": asked.path, "query": asked.query, "params": asked.params,
                    "cookie": asked.headers.contains_key("cookie"),
                    "agent": asked.headers.get("user-agent"), "protocol": asked.protocol,
                });
                client.send_text(&text.to_string());
            }
            Event::Text(text) if text == "close" => client.close(4001, "enough"),
            Event::Text(text) if text == "trap" => std::process::abort(),
            Event::Text(text) if text == "spin" => loop {
                std::hint::black_box(0);
            },
            Event::Text(text) if text == "flood" => {
                for n in 0..40_u8 {
                    client.send_binary(&vec![n; 512 << 10]);
                }
            }
            Event::Text(text) => client.send_text(&text),
            Event::Binary(mut data) => {
                data.reverse();
                client.send_binary(&data);
            }
            Event::Closed(end) => {
                out.emit(&Delta::new().value("test.left", json!(end.reason)));
                out.emit(&Delta::new().value("test.code", json!(end.code)));
            }
        })
        .await?;
        Ok(Socket)
    }
}

wasmi_pdk::plugin!(serve::<Socket>());
