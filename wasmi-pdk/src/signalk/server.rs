//! [`SignalK`]: the server as a JSON-RPC plugin sees it. One method here is one row of the host's
//! method table (`wit/signalk-plugin.wit`). Who handles what it delivers is `server/handlers.rs`.

mod handlers;
mod words;

use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::handlers::{Handlers, Subscribing};
pub use self::words::{AlarmState, Backlog, PutReply, Subscription, WhenFull};
use super::net::encode;
use super::{Delta, Incoming};
use crate::{Call, Host, Result};

/// The server. Clones are the same server.
#[derive(Clone)]
pub struct SignalK {
    host: Host,
    handlers: Rc<Handlers>,
}

impl SignalK {
    pub(super) fn new(host: Host) -> Self {
        SignalK { host, handlers: Rc::default() }
    }

    /// The host, for methods that are not named here.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Sends a delta and goes on; a refusal is logged.
    pub fn emit(&self, delta: &Delta) {
        let sent = self.emit_confirmed(delta);
        self.host.spawn(async move {
            if let Err(error) = sent.await {
                log::warn!("deltas.emit: {error}");
            }
        });
    }

    /// Sends a delta; done when the server has taken it.
    pub fn emit_confirmed(&self, delta: &Delta) -> Call<()> {
        self.host.call("deltas.emit", (delta,))
    }

    /// Sends a frame to who listens to a binary stream: `plugins/<id>/<name>`, or `radars/<id>` of a
    /// radar provider. A refusal is in the plugin's log.
    pub fn emit_frame(&self, stream: &str, frame: &[u8]) {
        if let Err(error) = self.host.notify("streams.emit", (stream, encode(frame))) {
            log::warn!("streams.emit: {error}");
        }
    }

    /// Calls `handle` with each delta of the own vessel that has one of these paths.
    ///
    /// # Errors
    /// What the server says: a capability that is missing, too many subscriptions.
    pub async fn subscribe(
        &self,
        rows: &[Subscription],
        handle: impl Fn(&Delta) + 'static,
    ) -> Result<u64> {
        self.subscribe_to("vessels.self", rows, handle).await
    }

    /// [`SignalK::subscribe`] for any context, `vessels.*` for all vessels.
    ///
    /// # Errors
    /// As [`SignalK::subscribe`].
    pub async fn subscribe_to(
        &self,
        context: &str,
        rows: &[Subscription],
        handle: impl Fn(&Delta) + 'static,
    ) -> Result<u64> {
        self.subscribe_within(context, rows, None, handle).await
    }

    /// [`SignalK::subscribe_to`] that says what becomes of its deltas while the plugin is busy. Without a backlog they
    /// wait with those of its other subscriptions, and the oldest of all goes for one too many.
    ///
    /// # Errors
    /// As [`SignalK::subscribe`].
    pub async fn subscribe_within(
        &self,
        context: &str,
        rows: &[Subscription],
        backlog: impl Into<Option<Backlog>>,
        handle: impl Fn(&Delta) + 'static,
    ) -> Result<u64> {
        #[derive(Serialize)]
        struct Params<'a> {
            context: &'a str,
            subscribe: &'a [Subscription],
            #[serde(skip_serializing_if = "Option::is_none")]
            backlog: Option<Backlog>,
        }
        #[derive(Deserialize)]
        struct Subscribed {
            subscription: u64,
            #[serde(default)]
            warnings: Vec<String>,
        }
        let handlers = &self.handlers;
        let params = Params { context, subscribe: rows, backlog: backlog.into() };
        let subscribing = Subscribing::new(handlers);
        let answer = self.host.call::<Subscribed>("deltas.subscribe", params).await?;
        for warning in &answer.warnings {
            log::warn!("deltas.subscribe: {warning}");
        }
        handlers.known.borrow_mut().push((answer.subscription, Rc::new(handle)));
        let early = std::mem::take(&mut *handlers.early.borrow_mut());
        for (subscription, deltas) in early {
            self.deliver(subscription, deltas);
        }
        drop(subscribing);
        Ok(answer.subscription)
    }

    /// Ends a subscription.
    ///
    /// # Errors
    /// What the server says.
    pub async fn unsubscribe(&self, subscription: u64) -> Result<()> {
        self.handlers.known.borrow_mut().retain(|(id, _)| *id != subscription);
        self.host.call::<Value>("deltas.unsubscribe", (subscription,)).await?;
        Ok(())
    }

    /// Calls `handle` with each delta of the own vessel that another sends and that has one of these paths (`*` stands
    /// for anything), before it is in the model: it may pass, be dropped, or get other values. A second handler takes
    /// the place of the first. `handle` has to be quick: navigation data waits for it, 20 ms at most.
    ///
    /// ```
    /// # use wasmi_pdk::signalk::{Incoming, SignalK};
    /// # async fn start(sk: SignalK) -> wasmi_pdk::Result<()> {
    /// sk.on_input(&["navigation.headingMagnetic"], |mut delta| {
    ///     for entry in delta.updates.iter_mut().flat_map(|update| &mut update.values) {
    ///         if let Some(heading) = entry.value.as_f64() {
    ///             entry.value = (heading + 0.05).into();
    ///         }
    ///     }
    ///     Incoming::Change(delta)
    /// })
    /// .await
    /// # }
    /// ```
    ///
    /// # Errors
    /// What the server says: the capability `deltaInputHandler` is missing, too many paths.
    pub async fn on_input(
        &self,
        paths: &[&str],
        handle: impl Fn(Delta) -> Incoming + 'static,
    ) -> Result<()> {
        self.on_input_of("vessels.self", paths, handle).await
    }

    /// [`SignalK::on_input`] for any context, `*` for all.
    ///
    /// # Errors
    /// As [`SignalK::on_input`].
    pub async fn on_input_of(
        &self,
        context: &str,
        paths: &[&str],
        handle: impl Fn(Delta) -> Incoming + 'static,
    ) -> Result<()> {
        *self.handlers.input.borrow_mut() = Some(Rc::new(handle));
        self.host.call("deltas.intercept", (paths, context)).await
    }

    /// The value at a path of the own vessel; `None` when there is none.
    ///
    /// # Errors
    /// What the server says, or a value of another type.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>> {
        let node = self.host.call::<Value>("paths.get", (path,)).await?;
        let value = match node {
            Value::Object(mut node) if node.contains_key("value") => node.remove("value"),
            Value::Null => None,
            other => Some(other),
        };
        Ok(serde_json::from_value(value.unwrap_or_default())?)
    }

    /// Metadata of a path; `None` when there is none.
    ///
    /// # Errors
    /// What the server says.
    pub async fn meta(&self, path: &str) -> Result<Option<Value>> {
        self.host.call("meta.get", (path,)).await
    }

    /// Adds to the metadata of a path.
    ///
    /// # Errors
    /// What the server says.
    pub async fn set_meta(&self, path: &str, meta: &Value) -> Result<()> {
        self.host.call("meta.set", (path, meta)).await
    }

    /// Asks for a change at a path of the own vessel, as a client does by PUT: of another plugin, of a
    /// device, of a notification's state. Done when it has come to its end, whether well or not.
    ///
    /// # Errors
    /// What the server says: a capability that is missing, a path of metadata, too many that wait.
    pub async fn put(&self, path: &str, value: impl Serialize) -> Result<PutReply> {
        self.host.call("put.send", (path, value)).await
    }

    /// [`SignalK::put`] where several offer the path: the id of a plugin, or a device's `$source`.
    ///
    /// # Errors
    /// As [`SignalK::put`].
    pub async fn put_to(
        &self,
        source: &str,
        path: &str,
        value: impl Serialize,
    ) -> Result<PutReply> {
        self.host.call("put.send", (path, value, source)).await
    }

    /// The options as they are stored now.
    ///
    /// # Errors
    /// What the server says, or options of another form.
    pub async fn read_options<O: DeserializeOwned>(&self) -> Result<O> {
        self.host.call("options.read", ()).await
    }

    /// Stores the options; the plugin is not restarted.
    ///
    /// # Errors
    /// What the server says.
    pub async fn save_options<O: Serialize>(&self, options: &O) -> Result<()> {
        self.host.call("options.save", (options,)).await
    }

    /// Shows a text beside the plugin's name.
    pub fn set_status(&self, text: impl Into<String>) {
        self.tell("status.set", (text.into(),));
    }

    /// Shows a text as an error; the plugin goes on.
    pub fn set_error(&self, text: impl Into<String>) {
        self.tell("status.error", (text.into(),));
    }

    /// Raises or changes an alarm; `path` with or without its leading `notifications.`.
    pub fn raise(&self, path: &str, state: AlarmState, message: &str) {
        self.tell("notifications.raise", (path, state, message));
    }

    /// Back to normal.
    pub fn clear(&self, path: &str) {
        self.tell("notifications.clear", (path,));
    }

    fn tell(&self, method: &'static str, params: impl Serialize) {
        let call = self.host.call::<Value>(method, params);
        self.host.spawn(async move {
            if let Err(error) = call.await {
                log::warn!("{method}: {error}");
            }
        });
    }
}
