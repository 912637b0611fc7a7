//! Plugins of the buffer ABI (plugin ABI chapters 2 to 4 and 7): exports that the server calls one
//! by one, `env.sk_*` imports, no messages. They run on the reference server as well.
//! The exports and imports themselves are in `exports.rs`.

mod call;
mod clients;
mod endpoints;
mod http_endpoints;
mod stream;
mod web;

use std::cell::RefCell;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::http::{Endpoint, HttpRequest, Reply};
use super::input::Batch;
use super::values::{Heads, Values};
use super::websocket::Event;
use super::{Delta, Incoming};
use crate::{Result, exports, log_lines};

pub use clients::BlockingClient;
pub use endpoints::BlockingExchange;
pub use stream::{BlockingBody, BlockingUpload};
pub use web::BlockingWebSocket;

/// A plugin of the buffer ABI. Made with `buffer_plugin!`.
///
/// Calls come one at a time and must return soon: nothing can be awaited. A request by HTTP returns
/// with its answer; meanwhile nothing else of the plugin runs.
pub trait BufferPlugin: Sized + 'static {
    /// Not the identity (that is the package's name), but some tools show it.
    const ID: &'static str;
    /// Shown in the list of plugins.
    const NAME: &'static str;
    /// JSON Schema of the options, as text.
    const SCHEMA: &'static str = "{}";
    /// How a form for the options is drawn (`uiSchema` of react-jsonschema-form), as text, when `plugin_ui_schema` is
    /// named in `buffer_plugin!`.
    const UI_SCHEMA: &'static str = "";
    /// The owner's options.
    type Options: DeserializeOwned + Default;

    /// Begins the work. An error leaves the plugin in state `error` and its text as status.
    ///
    /// # Errors
    /// Whatever keeps the plugin from working.
    fn start(server: &Server, options: Self::Options) -> Result<Self>;

    /// Ends the work.
    fn stop(&mut self, server: &Server) {
        let _ = server;
    }

    /// Called once a second, when `poll` is named in `buffer_plugin!`.
    fn poll(&mut self, server: &Server) {
        let _ = server;
    }

    /// Called with every delta of the server, when `delta_handler` is named in `buffer_plugin!`.
    /// A list `signalk.wasmSubscribe` in package.json saves the work for other paths.
    fn delta(&mut self, server: &Server, delta: &Delta) {
        let _ = (server, delta);
    }

    /// Called with the values that came since the call before, when `values_handler` is named in `buffer_plugin!`: on
    /// this project's server in place of [`BufferPlugin::delta`], which goes on to be called on others. A list
    /// `signalk.wasmSubscribe` in package.json leaves only values of those paths.
    fn values(&mut self, server: &Server, values: Values<'_>) {
        let _ = (server, values);
    }

    /// Called with each delta that [`Server::intercept`] asked for, before it is in the model, when
    /// `delta_input_handler` is named in `buffer_plugin!`.
    fn input(&mut self, server: &Server, delta: Delta) -> Incoming {
        let _ = (server, delta);
        Incoming::Pass
    }

    /// What clients may ask below `/plugins/<id>`, when `http_endpoints` is named in `buffer_plugin!`; needs the
    /// capability
    /// `httpEndpoints`. Every server of these plugins knows it. The `handler` of a row is not used:
    /// [`BufferPlugin::respond`] answers all.
    #[must_use]
    fn endpoints() -> Vec<Endpoint> {
        Vec::new()
    }

    /// Answers a request to one of [`BufferPlugin::endpoints`]. A GET may be asked twice.
    ///
    /// # Errors
    /// Whatever keeps it from answering: the client gets 500 with the text.
    fn respond(&mut self, server: &Server, request: &HttpRequest) -> Result<Reply> {
        let _ = (server, request);
        Err(crate::Error::message("the plugin answers no requests"))
    }

    /// Called when a [`BlockingWebSocket`] has a message or is over, when `on_ws_message` is named in
    /// `buffer_plugin!`: [`BlockingWebSocket::number`] says which. Receive until there is nothing.
    fn message(&mut self, server: &Server, connection: u32) {
        let _ = (server, connection);
    }

    /// Called with what a client does at a WebSocket of the plugin ([`Server::serve_websockets`]), when `on_event` is
    /// named in `buffer_plugin!`.
    fn client(&mut self, server: &Server, client: BlockingClient, event: Event) {
        let _ = (server, client, event);
    }

    /// Called with what a client asks of an endpoint ([`Server::serve_http`]), when `http_handler` is named in
    /// `buffer_plugin!`. `exchange`: the bodies, if the endpoint is streamed. A GET that is not streamed may be asked
    /// twice.
    ///
    /// # Errors
    /// Whatever keeps it from answering: the client gets 500 with the text.
    fn answer(
        &mut self,
        server: &Server,
        request: &HttpRequest,
        exchange: Option<BlockingExchange>,
    ) -> Result<Reply> {
        let _ = (server, request, exchange);
        Err(crate::Error::message("the plugin answers no requests"))
    }
}

/// The server, through its `env.sk_*` functions.
#[derive(Debug)]
pub struct Server(());

impl Server {
    /// Writes a line to the debug log.
    pub fn debug(&self, text: &str) {
        exports::sk::debug(text);
    }

    /// Shows a text beside the plugin's name.
    pub fn set_status(&self, text: &str) {
        exports::sk::set_status(text);
    }

    /// Shows a text as an error.
    pub fn set_error(&self, text: &str) {
        exports::sk::set_error(text);
    }

    /// Sends a delta.
    pub fn emit(&self, delta: &Delta) {
        match serde_json::to_string(delta) {
            Ok(text) => exports::sk::handle_message(&text, 1),
            Err(error) => self.debug(&format!("[ERROR] a delta cannot be written: {error}")),
        }
    }

    /// The node at a path of the own vessel: for a leaf the object with `value` and `timestamp`,
    /// for `<path>.value` the bare value. `None` also when it has another form, or more than
    /// 64 KiB.
    #[must_use]
    pub fn get_self_path<T: DeserializeOwned>(&self, path: &str) -> Option<T> {
        serde_json::from_slice(&exports::sk::get_self_path(path)?).ok()
    }

    /// Deltas of others with one of these paths (`navigation.*`) come to [`BufferPlugin::input`]; no path: none does
    /// any more. Needs the capability `deltaInputHandler`; whether it worked.
    #[must_use]
    pub fn intercept(&self, paths: &[&str]) -> bool {
        let wish = serde_json::json!({ "paths": paths }).to_string();
        exports::sk::register_delta_input_handler(&wish)
    }

    /// The stored options.
    #[must_use]
    pub fn read_config<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&exports::sk::read_config()?).ok()
    }

    /// Stores the options; whether it worked.
    pub fn save_config<T: Serialize>(&self, options: &T) -> bool {
        serde_json::to_string(options).is_ok_and(|text| exports::sk::save_config(&text))
    }
}

/// Where the exports of one module keep its plugin, and what the server has told it about numbers.
pub struct Slot<P>(RefCell<Option<P>>, RefCell<Heads>);

const SERVER: Server = Server(());

impl<P: BufferPlugin> Slot<P> {
    /// No plugin yet.
    #[must_use]
    pub const fn new() -> Self {
        Slot(RefCell::new(None), RefCell::new(Heads::new()))
    }

    /// `plugin_start`: 0, or 1 with the reason as error status.
    pub(crate) fn start(&self, config: &[u8]) -> i32 {
        log_lines::install();
        let text = if config.is_empty() { b"{}" } else { config };
        let started = serde_json::from_slice(text)
            .map_err(|error| crate::Error::message(format!("options: {error}")))
            .and_then(|options| P::start(&SERVER, options));
        match started {
            Ok(plugin) => {
                *self.0.borrow_mut() = Some(plugin);
                0
            }
            Err(error) => {
                SERVER.set_error(&error.to_string());
                1
            }
        }
    }

    /// `plugin_stop`.
    pub(crate) fn stop(&self) -> i32 {
        let plugin = self.0.borrow_mut().take();
        if let Some(mut plugin) = plugin {
            plugin.stop(&SERVER);
        }
        0
    }

    /// `poll`.
    pub(crate) fn poll(&self) -> i32 {
        if let Some(plugin) = self.0.borrow_mut().as_mut() {
            plugin.poll(&SERVER);
        }
        0
    }

    /// `on_ws_message`.
    pub(crate) fn message(&self, connection: u32) {
        if let Some(plugin) = self.0.borrow_mut().as_mut() {
            plugin.message(&SERVER, connection);
        }
    }

    /// `delta_handler`. What is no delta is passed over: other servers add kinds of messages.
    pub(crate) fn delta(&self, json: &[u8]) {
        if let Some(plugin) = self.0.borrow_mut().as_mut()
            && let Ok(delta) = serde_json::from_slice(json)
        {
            plugin.delta(&SERVER, &delta);
        }
    }
}

impl<P: BufferPlugin> Slot<P> {
    /// `values_handler`. What is not of this form is passed over.
    pub(crate) fn values(&self, block: &[u8]) {
        let mut heads = self.1.borrow_mut();
        // Names are learned also while there is no plugin.
        let values = heads.read(block);
        if let (Some(plugin), Some(values)) = (self.0.borrow_mut().as_mut(), values) {
            plugin.values(&SERVER, values);
        }
    }

    /// `delta_input_handler`: a word for each delta. What is no batch gets none, so that all of it passes.
    pub(crate) fn input(&self, json: &[u8]) -> String {
        let Ok(batch) = serde_json::from_slice::<Batch>(json) else { return String::new() };
        let mut plugin = self.0.borrow_mut();
        let said = batch.deltas.into_iter().map(|delta| match plugin.as_mut() {
            Some(plugin) => plugin.input(&SERVER, delta),
            None => Incoming::Pass,
        });
        serde_json::to_string(&said.collect::<Vec<_>>()).unwrap_or_default()
    }
}

impl<P: BufferPlugin> Default for Slot<P> {
    fn default() -> Self {
        Slot::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Halves;

    impl BufferPlugin for Halves {
        const ID: &'static str = "halves";
        const NAME: &'static str = "Halves";
        type Options = serde_json::Value;

        fn start(_: &Server, _: Self::Options) -> Result<Self> {
            Ok(Halves)
        }

        fn input(&mut self, _: &Server, delta: Delta) -> Incoming {
            match delta.number("a.b") {
                Some(value) if value < 0.0 => Incoming::Drop,
                Some(value) => Incoming::Change(Delta::new().value("a.b", value / 2.0)),
                None => Incoming::Pass,
            }
        }
    }

    #[test]
    fn each_delta_of_a_batch_has_its_answer() {
        let slot = Slot::<Halves>::new();
        let delta = |value: &str| {
            format!(r#"{{"updates":[{{"values":[{{"path":"a.b","value":{value}}}]}}]}}"#)
        };
        let batch = format!(r#"{{"deltas":[{},{},{}]}}"#, delta("4"), delta("-1"), delta("null"));
        assert_eq!(slot.input(batch.as_bytes()), "[true,true,true]", "it is not started");
        assert_eq!(slot.start(b"{}"), 0);
        let halved = r#"{"updates":[{"values":[{"path":"a.b","value":2.0}]}]}"#;
        assert_eq!(slot.input(batch.as_bytes()), format!("[{halved},false,true]"));
        assert_eq!(slot.input(b"[]"), "");
    }
}
