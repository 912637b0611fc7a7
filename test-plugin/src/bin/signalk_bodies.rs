//! Endpoints with bodies in pieces, below `/plugins/<id>`:
//! - `POST /echo`: what comes goes back, with the length that the request says; `POST /count`: how
//!   many bytes came, and their `sum`; `GET /down?bytes=n`: so many bytes of [`pattern`].
//! - `GET /short`, `/much`, `/fails`, `/trap`: begins an answer and ends it as its name says.
//! - `POST /idle`: never reads; `GET /silent`: begins an answer and writes nothing.
//! - `POST /whole`: the same as `/count`, by a handler that takes the body in one message.
//!
//! A handler that is dropped before its end logs `left <path>`; `/idle` says when it `waits in` itself.

use std::rc::Rc;

use serde_json::{Map, Value, json};
use wasmi_pdk::signalk::http::{Endpoint, Exchange, HttpCall, HttpRequest, Reply, handle};
use wasmi_pdk::signalk::{Plugin, SignalK, State, serve};
use wasmi_pdk::{Error, Result, Router};

struct Bodies;

/// Says so when it is dropped early.
struct Presence(String);

impl Drop for Presence {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            log::info!("left {}", self.0);
        }
    }
}

/// The byte at a place: of no period that a piece could have.
fn pattern(at: usize) -> u8 {
    u8::try_from(at % 251).unwrap_or_default()
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte)).sum()
}

async fn echo(request: &HttpRequest, mut exchange: Exchange) -> Result<Reply> {
    let length =
        request.headers.get("content-length").map(|text| ("content-length", text.as_str()));
    exchange.respond(200, length.as_slice()).await?;
    while let Some(chunk) = exchange.read_chunk().await? {
        exchange.write(&chunk).await?;
    }
    Ok(Reply::streamed())
}

async fn count(mut exchange: Exchange) -> Result<Reply> {
    let (mut bytes, mut all) = (0, 0);
    while let Some(chunk) = exchange.read_chunk().await? {
        bytes += chunk.len();
        all += sum(&chunk);
    }
    Reply::json(json!({ "bytes": bytes, "sum": all }))
}

async fn down(request: &HttpRequest, exchange: Exchange) -> Result<Reply> {
    let bytes = request.query.get("bytes").and_then(Value::as_str).unwrap_or_default();
    let headers = [("content-type", "image/png"), ("content-length", bytes)];
    exchange.respond(200, &headers).await?;
    let bytes: usize = bytes.parse()?;
    let mut at = 0;
    while at < bytes {
        let end = bytes.min(at + (64 << 10));
        let piece: Vec<u8> = (at..end).map(pattern).collect();
        exchange.write(&piece).await?;
        at = end;
    }
    Ok(Reply::streamed())
}

async fn ends_badly(how: &str, exchange: Exchange) -> Result<Reply> {
    let length =
        if how == "short" || how == "much" { &[("content-length", "10")][..] } else { &[] };
    exchange.respond(200, length).await?;
    exchange.write(b"12345").await?;
    match how {
        "much" => exchange.write(b"1234567890").await?,
        "fails" => return Err(Error::message("the sensor is gone")),
        #[allow(clippy::panic, reason = "what the handler is for")]
        "trap" => panic!("planned"),
        _ => {}
    }
    Ok(Reply::streamed())
}

impl Bodies {
    async fn answer(sk: SignalK, _: Rc<Bodies>, call: HttpCall) -> Result<Reply> {
        let mut presence = Presence(call.request.path.clone());
        let reply = match (call.handler.as_str(), call.exchange(&sk)) {
            ("echo", Some(exchange)) => echo(&call.request, exchange).await,
            ("count", Some(exchange)) => count(exchange).await,
            ("down", Some(exchange)) => down(&call.request, exchange).await,
            ("idle", _) => {
                log::info!("waits in {}", presence.0);
                std::future::pending().await
            }
            ("silent", Some(exchange)) => {
                exchange.respond(200, &[]).await?;
                std::future::pending().await
            }
            (how, Some(exchange)) => ends_badly(how, exchange).await,
            (_, None) => {
                let bytes = call.request.bytes();
                Reply::json(json!({ "bytes": bytes.len(), "sum": sum(bytes) }))
            }
        };
        presence.0.clear();
        reply
    }
}

impl Plugin for Bodies {
    const NAME: &'static str = "Bodies";
    type Options = Map<String, Value>;

    async fn start(sk: SignalK, _: Self::Options) -> Result<Self> {
        let mut endpoints = vec![Endpoint::post("/whole", "whole")];
        for name in ["echo", "count", "idle"] {
            endpoints.push(Endpoint::post(&format!("/{name}"), name).streamed());
        }
        for name in ["down", "short", "much", "fails", "trap", "silent"] {
            endpoints.push(Endpoint::get(&format!("/{name}"), name).streamed().readonly());
        }
        sk.serve_http(&endpoints).await?;
        Ok(Bodies)
    }

    fn methods(router: Router<State<Self>>) -> Router<State<Self>> {
        handle(router, Self::answer)
    }
}

wasmi_pdk::plugin!(serve::<Bodies>());
