//! Plugins of a Signal K server (feature `signalk`): deltas in and out, options, status, alarms.
//!
//! A JSON-RPC plugin implements [`Plugin`]; the handshake, the options and the routing of deltas
//! are done here. The shortest useful one:
//!
//! ```
//! use wasmi_pdk::Result;
//! use wasmi_pdk::signalk::{self, Delta, SignalK};
//!
//! #[derive(Default, serde::Deserialize)]
//! #[serde(default)]
//! struct Options { factor: f64 }
//!
//! struct Doubler;
//!
//! impl signalk::Plugin for Doubler {
//!     const NAME: &'static str = "Doubler";
//!     const SCHEMA: &'static str =
//!         r#"{"type":"object","properties":{"factor":{"type":"number","default":2}}}"#;
//!     type Options = Options;
//!
//!     async fn start(sk: SignalK, options: Options) -> Result<Self> {
//!         let out = sk.clone();
//!         sk.subscribe(&["navigation.speedOverGround".into()], move |delta| {
//!             if let Some(speed) = delta.number("navigation.speedOverGround") {
//!                 out.emit(&Delta::new().value("test.speed", speed * options.factor));
//!             }
//!         })
//!         .await?;
//!         Ok(Doubler)
//!     }
//! }
//!
//! wasmi_pdk::plugin!(signalk::serve::<Doubler>());
//! ```
//!
//! Sockets, HTTP and WebSockets are in [`net`]; what clients ask of the plugin is in [`http`] and [`websocket`].
//!
//! Plugins of the older buffer ABI, which also run on the reference server, implement
//! [`BufferPlugin`] instead.

mod buffer;
mod bytes;
mod delta;
pub mod http;
mod input;
pub mod net;
mod rows;
mod server;
pub mod values;
pub mod websocket;

use std::cell::RefCell;
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use buffer::{
    BlockingBody, BlockingClient, BlockingExchange, BlockingUpload, BlockingWebSocket,
    BufferPlugin, Server, Slot,
};
pub use delta::{Delta, PathValue, Position, Update, timestamp};
pub use input::Incoming;
pub use server::{AlarmState, Backlog, PutReply, SignalK, Subscription, WhenFull};

use crate::{Cx, Error, ErrorCode, Result, Router};

/// Version of the methods and of the handshake that this kit speaks.
pub const PROTOCOL_VERSION: &str = "1.0";

/// The hand-over of deltas that this kit asks for where the host knows it.
const ROWS: &str = "rows";

/// A plugin of a Signal K server, over JSON-RPC.
pub trait Plugin: Sized + 'static {
    /// Shown in the list of plugins.
    const NAME: &'static str;
    /// JSON Schema of the options, as text.
    const SCHEMA: &'static str = "{}";
    /// How a form for the options is drawn (`uiSchema` of react-jsonschema-form), as text.
    const UI_SCHEMA: Option<&'static str> = None;
    /// The owner's options. What is missing in a file that a person wrote should have a default:
    /// `#[serde(default)]`.
    type Options: DeserializeOwned + Default + 'static;

    /// Begins the work: subscribes, and gives the plugin's state.
    fn start(sk: SignalK, options: Self::Options) -> impl Future<Output = Result<Self>> + 'static;

    /// Ends the work. Subscriptions end by themselves.
    fn stop(self: Rc<Self>, sk: SignalK) -> impl Future<Output = Result<()>> + 'static {
        drop((self, sk));
        std::future::ready(Ok(()))
    }

    /// Adds methods of the plugin's own, for other users of the host.
    fn methods(router: Router<State<Self>>) -> Router<State<Self>> {
        router
    }
}

/// What a served plugin consists of; the state in methods of its own.
pub struct State<P> {
    started: RefCell<Option<(SignalK, Rc<P>)>>,
    starting: RefCell<Option<SignalK>>,
}

impl<P> State<P> {
    fn client_event(&self, number: u64, event: websocket::Event) -> std::future::Ready<()> {
        let sk = self.starting.borrow().clone();
        if let Some(sk) = sk {
            sk.client_event(number, event);
        }
        std::future::ready(())
    }

    /// The server and the plugin, while it is started.
    #[must_use]
    pub fn started(&self) -> Option<(SignalK, Rc<P>)> {
        self.started.borrow().clone()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Initialize {
    protocol_version: String,
    #[serde(default)]
    hand_over: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Description {
    protocol_version: &'static str,
    name: &'static str,
    schema: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ui_schema: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hand_over: Option<&'static str>,
}

#[derive(Deserialize)]
struct Start {
    #[serde(default)]
    options: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Deltas {
    subscription: u64,
    deltas: Vec<Delta>,
}

/// The router of a plugin, for `plugin!`.
#[must_use]
pub fn serve<P: Plugin>() -> Router<State<P>> {
    let state = State { started: RefCell::new(None), starting: RefCell::new(None) };
    let router = Router::with_state(state)
        .method("initialize", |_, params: Initialize| async move {
            describe(&params, P::NAME, P::SCHEMA, P::UI_SCHEMA)
        })
        .method("start", |cx: Cx<State<P>>, params: Start| async move {
            let options = read_options(params.options.as_deref())?;
            let sk = SignalK::new(cx.host.clone());
            *cx.state.starting.borrow_mut() = Some(sk.clone());
            let plugin = P::start(sk.clone(), options).await?;
            *cx.state.started.borrow_mut() = Some((sk, Rc::new(plugin)));
            Ok(())
        })
        .method("stop", |cx: Cx<State<P>>, ()| async move {
            let started = cx.state.started.borrow_mut().take();
            cx.state.starting.borrow_mut().take();
            if let Some((sk, plugin)) = started {
                sk.forget_handlers();
                plugin.stop(sk).await?;
            }
            Ok(())
        })
        .notification("deltas", |cx: Cx<State<P>>, Deltas { subscription, deltas }| {
            let sk = cx.state.starting.borrow().clone();
            if let Some(sk) = sk {
                sk.deliver(subscription, deltas);
            }
            std::future::ready(())
        })
        .notification("udp.received", |cx: Cx<State<P>>, params: Box<RawValue>| {
            let sk = cx.state.starting.borrow().clone();
            if let Some(sk) = sk {
                sk.inboxes().receive(params.get());
            }
            std::future::ready(())
        })
        .method("deltas.input", |cx: Cx<State<P>>, input::Batch { deltas }| {
            let sk = cx.state.starting.borrow().clone();
            let count = deltas.len();
            let said = match sk.and_then(|sk| sk.input_handler()) {
                Some(handle) => deltas.into_iter().map(|delta| handle(delta)).collect(),
                None => vec![Incoming::Pass; count],
            };
            std::future::ready(Ok(said))
        })
        .notification("websocket.opened", |cx: Cx<State<P>>, told: websocket::Opened| {
            cx.state.client_event(told.connection, websocket::Event::Opened(told.request))
        })
        .notification("websocket.message", |cx: Cx<State<P>>, told: websocket::Message| {
            cx.state.client_event(told.connection, told.event())
        })
        .notification("websocket.closed", |cx: Cx<State<P>>, told: websocket::Closed| {
            cx.state.client_event(told.connection, websocket::Event::Closed(told.end()))
        })
        .notification_text("rows", |cx: Cx<State<P>>, text| {
            let sk = cx.state.starting.borrow().clone();
            sk.map_or(Some(()), |sk| sk.deliver_rows(text))
        });
    P::methods(router)
}

fn describe(
    asked: &Initialize,
    name: &'static str,
    schema: &str,
    ui_schema: Option<&str>,
) -> Result<Description> {
    let major = |version: &str| version.split('.').next().map(str::to_owned);
    let host = &asked.protocol_version;
    if major(host) != major(PROTOCOL_VERSION) {
        let text = format!("the host speaks version {host}, this plugin {PROTOCOL_VERSION}");
        return Err(Error::new(ErrorCode::InvalidParams, text));
    }
    let schema = RawValue::from_string(schema.to_owned())?;
    let ui_schema = ui_schema.map(|text| RawValue::from_string(text.to_owned())).transpose()?;
    // The cheapest form that both know.
    let hand_over = asked.hand_over.iter().any(|form| form == ROWS).then_some(ROWS);
    Ok(Description { protocol_version: PROTOCOL_VERSION, name, schema, ui_schema, hand_over })
}

/// Options as the owner wrote them; `enableDebug` also opens the log.
fn read_options<O: DeserializeOwned + Default>(options: Option<&RawValue>) -> Result<O> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Debug {
        #[serde(default)]
        enable_debug: bool,
    }
    let Some(options) = options.map(RawValue::get).filter(|text| *text != "null") else {
        return Ok(O::default());
    };
    if serde_json::from_str::<Debug>(options).is_ok_and(|debug| debug.enable_debug) {
        log::set_max_level(log::LevelFilter::Debug);
    }
    serde_json::from_str(options)
        .map_err(|error| Error::new(ErrorCode::InvalidParams, format!("options: {error}")))
}

#[cfg(test)]
mod tests;
