//! A plugin of the buffer ABI with `wasmi-pdk` that fetches and talks: `url` is asked by POST when it starts,
//! `ws` is connected to and sent a text and bytes; `stream` is sent `bytes` bytes by PUT and then read.
//!
//! Configuration: `url`, `ws`, `stream`, `bytes`. What came is in the log: `fetched 201 12 knots`, `sent 200 ..`, `read
//! ..`,
//! `heard Text("hello")`, `over: ...`.

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
    stream: String,
    bytes: usize,
}

/// The plugin, and its connection until that is over.
#[derive(Debug)]
pub struct Web {
    socket: Option<BlockingWebSocket>,
}

/// Sends a body and reads one, neither of which is here as a whole.
fn stream(server: &Server, options: &Options) -> Result<()> {
    let put = Request::new("PUT", options.stream.as_str());
    let mut upload = server.upload(&put, u64::try_from(options.bytes).ok())?;
    let piece = vec![b'x'; options.bytes.min(100_000)];
    let mut left = options.bytes;
    while left > 0 {
        let next = left.min(piece.len());
        upload.write(piece.get(..next).unwrap_or_default())?;
        left -= next;
    }
    let response = upload.finish()?;
    server.debug(&format!("sent {} {}", response.status, response.text()));
    let mut body = server.fetch_body(&Request::get(options.stream.as_str()))?;
    let (mut buffer, mut bytes) = (vec![0; 10_000], 0);
    loop {
        match body.read(&mut buffer)? {
            0 => break,
            count => bytes += count,
        }
    }
    server.debug(&format!("read {} {bytes}", body.head.status));
    Ok(())
}

impl BufferPlugin for Web {
    const ID: &'static str = "buffer-web";
    const NAME: &'static str = "Web of the buffer ABI";
    type Options = Options;

    fn start(server: &Server, options: Options) -> Result<Self> {
        if !options.stream.is_empty() {
            stream(server, &options)?;
        }
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
