//! WebSockets of clients to a buffer plugin: the export `on_event`, and what the plugin says.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{BufferPlugin, SERVER, Server, Slot};
use crate::Result;
use crate::signalk::bytes::Base64;
use crate::signalk::websocket::{Mount, told};

/// One client's WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockingClient {
    number: u64,
}

impl BlockingClient {
    /// The one of this number, as [`BlockingClient::number`] said.
    #[must_use]
    pub fn numbered(number: u64) -> Self {
        BlockingClient { number }
    }

    /// Tells it from other clients; never used again.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// More than 1 MiB, the client is gone, or does not keep up.
    pub fn send_text(&self, text: &str) -> Result<()> {
        self.send(serde_json::json!({ "connection": self.number, "text": text }))
    }

    /// Sends a binary message.
    ///
    /// # Errors
    /// As [`BlockingClient::send_text`].
    pub fn send_binary(&self, data: &[u8]) -> Result<()> {
        self.send(serde_json::json!({ "connection": self.number, "data": Base64(data) }))
    }

    /// Closes it after what was sent. `code` is 1000, or 3000 to 4999.
    ///
    /// # Errors
    /// Another code, a long reason, or the client is gone.
    pub fn close(&self, code: u16, reason: &str) -> Result<()> {
        SERVER.call("websocket.close", (self.number, code, reason))
    }

    fn send(&self, params: Value) -> Result<()> {
        SERVER.call("websocket.send", params)
    }
}

impl Server {
    /// Clients may open WebSockets at these paths below `/plugins/<id>`, and [`BufferPlugin::client`] is told what they
    /// do. Takes the place of what was served before; needs `httpEndpoints`.
    ///
    /// # Errors
    /// What the host says: no capability, too many paths, `on_event` is not named in `buffer_plugin!`.
    pub fn serve_websockets(&self, mount: impl Into<Mount>) -> Result<()> {
        self.call("websocket.register", mount.into())
    }
}

/// What `on_event` is told.
#[derive(Deserialize)]
struct Told<'a> {
    method: &'a str,
    #[serde(borrow)]
    params: &'a RawValue,
}

impl<P: BufferPlugin> Slot<P> {
    /// `on_event`. What is not known is passed over: later hosts tell more.
    pub(crate) fn event(&self, json: &[u8]) {
        let Ok(Told { method, params }) = serde_json::from_slice(json) else { return };
        match (told(method, params.get()), self.0.borrow_mut().as_mut()) {
            (Ok(Some((number, event))), Some(plugin)) => {
                plugin.client(&SERVER, BlockingClient { number }, event);
            }
            (Err(error), _) => SERVER.debug(&format!("[ERROR] {method}: {error}")),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signalk::websocket::Event;

    #[derive(Default)]
    struct Heard(std::rc::Rc<std::cell::RefCell<Vec<String>>>);

    thread_local! {
        static HEARD: std::rc::Rc<std::cell::RefCell<Vec<String>>> = std::rc::Rc::default();
    }

    impl BufferPlugin for Heard {
        const ID: &'static str = "heard";
        const NAME: &'static str = "Heard";
        type Options = Value;

        fn start(_: &Server, _: Value) -> Result<Self> {
            Ok(Heard(HEARD.with(std::rc::Rc::clone)))
        }

        fn client(&mut self, _: &Server, client: BlockingClient, event: Event) {
            self.0.borrow_mut().push(format!("{} {event:?}", client.number()));
        }
    }

    #[test]
    fn what_a_client_does_is_told_and_what_is_not_known_is_passed_over() {
        let slot = Slot::<Heard>::new();
        slot.start(b"");
        for text in [
            r#"{"method":"websocket.message","params":{"connection":3,"text":"a"}}"#,
            r#"{"method":"websocket.message","params":{"connection":3,"data":"AQ=="}}"#,
            r#"{"method":"tomorrow","params":{}}"#,
            "no JSON",
            r#"{"method":"websocket.closed","params":{"connection":3,"code":4001}}"#,
        ] {
            slot.event(text.as_bytes());
        }
        let heard = HEARD.with(|heard| heard.borrow().clone());
        let end = "3 Closed(End { code: Some(4001), reason: None })";
        assert_eq!(heard, [r#"3 Text("a")"#, "3 Binary([1])", end]);
    }
}
