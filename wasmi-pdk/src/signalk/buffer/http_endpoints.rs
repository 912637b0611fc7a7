//! Endpoints by the exports that every server of these plugins knows: `http_endpoints` names them, `handle_http`
//! answers.

use serde_json::{Value, json};

use super::{BufferPlugin, SERVER, Slot};
use crate::signalk::http::{HttpRequest, Reply};
use crate::{Error, Result};

/// The export that answers; `buffer_plugin!` has it.
const HANDLER: &str = "handle_http";

impl<P: BufferPlugin> Slot<P> {
    /// `http_endpoints`: the rows as JSON, all with the one handler.
    pub(crate) fn http_endpoints() -> String {
        let rows = P::endpoints().into_iter().filter_map(|endpoint| {
            let mut row = serde_json::to_value(endpoint).ok()?;
            *row.get_mut("handler")? = HANDLER.into();
            Some(row)
        });
        Value::from_iter(rows).to_string()
    }

    /// `handle_http`: the response as JSON.
    pub(crate) fn handle_http(&self, json: &[u8]) -> String {
        let reply = self.respond(json).or_else(|error| {
            Ok::<_, Error>(Reply::json(json!({ "error": error.to_string() }))?.status(500))
        });
        let text = reply.and_then(|reply| Ok(serde_json::to_string(&reply)?));
        text.unwrap_or_else(|_| r#"{"statusCode":500}"#.to_owned())
    }

    fn respond(&self, json: &[u8]) -> Result<Reply> {
        let request: HttpRequest = serde_json::from_slice(json)?;
        match self.0.borrow_mut().as_mut() {
            Some(plugin) => plugin.respond(&SERVER, &request),
            None => Err(Error::message("the plugin is not started")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signalk::Server;
    use crate::signalk::http::Endpoint;

    struct Echo;

    impl BufferPlugin for Echo {
        const ID: &'static str = "echo";
        const NAME: &'static str = "Echo";
        type Options = serde_json::Map<String, Value>;

        fn start(_: &Server, _: Self::Options) -> Result<Self> {
            Ok(Echo)
        }

        fn endpoints() -> Vec<Endpoint> {
            vec![Endpoint::get("/echo/:what", "").readonly()]
        }

        fn respond(&mut self, _: &Server, request: &HttpRequest) -> Result<Reply> {
            match request.params.get("what") {
                Some(what) => Ok(Reply::text(what)),
                None => Err(Error::message("nothing to say")),
            }
        }
    }

    #[test]
    fn endpoints_are_named_and_answered_and_a_refusal_is_500() {
        let rows: Value = serde_json::from_str(&Slot::<Echo>::http_endpoints()).unwrap();
        let row = json!({ "method": "GET", "path": "/echo/:what", "handler": HANDLER, "access": "readonly" });
        assert_eq!(rows, json!([row]));
        let slot = Slot::<Echo>::new();
        let ask = |text: &str| -> Value {
            serde_json::from_str(&slot.handle_http(text.as_bytes())).unwrap()
        };
        let request = r#"{"method":"GET","path":"/echo/a","params":{"what":"a"}}"#;
        assert_eq!(ask(request)["body"]["error"], "the plugin is not started");
        slot.start(b"");
        assert_eq!(ask(request)["body"], "a");
        let refused = ask(r#"{"method":"GET","path":"/echo"}"#);
        assert_eq!(
            (&refused["statusCode"], &refused["body"]["error"]),
            (&json!(500), &json!("nothing to say"))
        );
        assert_eq!(ask("nonsense")["statusCode"], 500);
    }
}
