//! A plugin of the buffer ABI with `wasmi-pdk` that fetches and talks: `url` is asked by POST when it starts,
//! `ws` is connected to and sent a text and bytes.
//!
//! Configuration: `url`, `ws`. What came is in the log: `fetched 201 12 knots`, `heard Text("hello")`, `over: ...`.

use std::time::Duration;

use wasmi_pdk::Result;
use wasmi_pdk::signalk::net::{Message, Request};
use wasmi_pdk::signalk::{BlockingWebSocket, BufferPlugin, Server};

/// Public, as the plugin: natively nobody calls what the server does.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Options {
    url: String,
    ws: String,
}

/// The plugin, and its connection until that is over.
#[derive(Debug)]
pub struct Web {
    socket: Option<BlockingWebSocket>,
}

impl BufferPlugin for Web {
    const ID: &'static str = "buffer-web";
    const NAME: &'static str = "Web of the buffer ABI";
    type Options = Options;

    fn start(server: &Server, options: Options) -> Result<Self> {
        let request = Request::post(options.url, "bottom").header("x-mine", "1");
        let response = server.fetch(&request)?;
        server.debug(&format!("fetched {} {}", response.status, response.text()));
        let socket = server.connect(&options.ws)?;
        socket.send(&Message::Text("hello".to_owned()))?;
        socket.send(&Message::Binary(b"bytes".to_vec()))?;
        Ok(Web { socket: Some(socket) })
    }

    fn message(&mut self, server: &Server, connection: u32) {
        let Some(socket) = self.socket.take_if(|socket| socket.number() == connection) else {
            return;
        };
        loop {
            match socket.receive(Duration::ZERO) {
                Ok(Some(message)) => server.debug(&format!("heard {message:?}")),
                Ok(None) => break self.socket = Some(socket),
                Err(error) => break server.debug(&format!("over: {error}")),
            }
        }
    }
}

wasmi_pdk::buffer_plugin!(Web, on_ws_message);
