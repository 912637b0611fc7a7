//! A plugin of the buffer ABI with `wasmi-pdk` that uses methods which have no import of their own: a PUT, a
//! subscription, clients' WebSockets, streamed bodies. `c_by_name`, `go_by_name` and `as_by_name` do the same by
//! `sk_call`.
//!
//! The start opens `/live` to WebSockets and subscribes to `navigation.speedOverGround`, once a second at most; the
//! first poll puts 1.5 to `steering.target` and logs `put JSON`. A client is greeted with `hello`, and what it says is
//! sent back.
//! `delta_handler` logs `delta`. POST /count answers `{"pieces": n}` of its body; GET /down streams two million `x`. A
//! client that leaves is logged: `left`.

use wasmi_pdk::Result;
use wasmi_pdk::signalk::http::{Endpoint, HttpRequest, Reply};
use wasmi_pdk::signalk::websocket::{Event, Mount};
use wasmi_pdk::signalk::{
    BlockingClient, BlockingExchange, BufferPlugin, Delta, Server, Subscription,
};

/// The plugin.
#[derive(Debug)]
pub struct ByName {
    has_put: bool,
}

impl BufferPlugin for ByName {
    const ID: &'static str = "by-name";
    const NAME: &'static str = "Methods by name";
    type Options = serde_json::Map<String, serde_json::Value>;

    fn start(server: &Server, _: Self::Options) -> Result<Self> {
        let down = Endpoint::get("/down", "").streamed().readonly();
        server.serve_http(&[Endpoint::post("/count", "").streamed(), down])?;
        server.serve_websockets(Mount::at(&["/live"]).readonly())?;
        let path = "navigation.speedOverGround".to_owned();
        let every_second = Subscription { path, period: Some(1000), ..Subscription::default() };
        server.subscribe(&[every_second])?;
        Ok(ByName { has_put: false })
    }

    fn poll(&mut self, server: &Server) {
        if std::mem::replace(&mut self.has_put, true) {
            return;
        }
        match server.call::<serde_json::Value>("put.send", ("steering.target", 1.5)) {
            Ok(reply) => server.debug(&format!("put {reply}")),
            Err(error) => server.debug(&format!("put {error}")),
        }
    }

    fn delta(&mut self, server: &Server, delta: &Delta) {
        if delta.number("navigation.speedOverGround").is_some() {
            server.debug("delta");
        }
    }

    fn client(&mut self, server: &Server, client: BlockingClient, event: Event) {
        let sent = match event {
            Event::Opened(_) => client.send_text("hello"),
            Event::Text(text) => client.send_text(&text),
            Event::Binary(data) => client.send_binary(&data),
            Event::Closed(_) => {
                server.debug("closed");
                Ok(())
            }
        };
        if let Err(error) = sent {
            server.debug(&error.to_string());
        }
    }

    fn answer(
        &mut self,
        server: &Server,
        request: &HttpRequest,
        exchange: Option<BlockingExchange>,
    ) -> Result<Reply> {
        let Some(mut exchange) = exchange else { return Ok(Reply::text("no exchange")) };
        let answered = match request.path.as_str() {
            "/count" => count(&mut exchange),
            _ => down(&exchange),
        };
        answered.inspect_err(|_| server.debug("left"))
    }
}

fn count(exchange: &mut BlockingExchange) -> Result<Reply> {
    let mut pieces = 0;
    while exchange.read_chunk()?.is_some() {
        pieces += 1;
    }
    Reply::json(serde_json::json!({ "pieces": pieces }))
}

fn down(exchange: &BlockingExchange) -> Result<Reply> {
    exchange.respond(200, &[("content-length", "2000000")])?;
    for _ in 0..40 {
        exchange.write(&[b'x'; 50_000])?;
    }
    Ok(Reply::streamed())
}

wasmi_pdk::buffer_plugin!(ByName, poll, delta_handler, on_event, http_handler);
