//! The table of host methods: name, capability, handler. Each exists once,
//! whatever convention the guest speaks.
//!
//! A [`Caller`] is the only way into a handler and [`admit`] the only way to a
//! `Caller`: that is the choke point for capabilities. JSON-RPC and `sk_call` come
//! in by `call`, with JSON; the other imports of the buffer ABI by [`admit`], with typed values.
//! `wit/signalk-plugin.wit` describes the same rows to authors.

pub mod deltas;
pub mod exchange;
pub mod fetch;
pub mod intercept;
pub(crate) mod later;
pub mod log;
pub mod meta;
pub(crate) mod network;
pub mod notifications;
pub mod options;
pub mod paths;
pub mod put;
pub mod register;
pub mod status;
pub mod streams;
pub mod tcp;
pub mod udp;
pub mod websocket;
pub mod ws;

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use wasmi_hdk::{Level, LogLine};

use self::network::Reply;
use crate::error::shown;
use crate::net::Net;
use crate::{Account, BridgeError, Capability, PluginId, SignalK};

/// One row: what a plugin may call.
#[derive(Debug, Clone, Copy)]
pub struct Method {
    /// As called: `deltas.emit`.
    pub name: &'static str,
    /// Without it the call is denied; `None`: everybody may.
    pub needs: Option<Capability>,
    /// Names of the parameters in their order, for calls with an array.
    pub params: &'static [&'static str],
    run: fn(&mut Caller<'_>, &str) -> Result<Reply, BridgeError>,
}

macro_rules! method {
    { $name:literal, run: $family:ident::$run:ident } => { method!(@ $name, None, $family, $run) };
    { $name:literal, needs: $needs:expr, run: $family:ident::$run:ident } => {
        method!(@ $name, Some($needs), $family, $run)
    };
    // The world answers, later.
    { $name:literal, asks: $family:ident::$run:ident } => {
        method!(@asks $name, None, $family, $run)
    };
    { $name:literal, needs: $needs:expr, asks: $family:ident::$run:ident } => {
        method!(@asks $name, Some($needs), $family, $run)
    };
    (@asks $name:literal, $needs:expr, $family:ident, $run:ident) => {
        Method {
            name: $name,
            needs: $needs,
            params: $family::params::$run,
            run: |caller, params| {
                let params = caller.read(params, $family::params::$run)?;
                $family::$run(caller, params)
            },
        }
    };
    (@ $name:literal, $needs:expr, $family:ident, $run:ident) => {
        Method {
            name: $name,
            needs: $needs,
            params: $family::params::$run,
            run: |caller, params| {
                let params = caller.read(params, $family::params::$run)?;
                let answer = $family::$run(caller, params)?;
                caller.answer(answer).map(Reply::Now)
            },
        }
    };
}

/// Every method of the host.
pub const METHODS: &[Method] = &[
    method! { "deltas.emit", needs: Capability::DataWrite, run: deltas::emit },
    method! { "deltas.subscribe", needs: Capability::DataRead, run: deltas::subscribe },
    method! { "deltas.unsubscribe", needs: Capability::DataRead, run: deltas::unsubscribe },
    method! { "deltas.intercept", needs: Capability::DeltaInputHandler, run: intercept::register },
    method! { "paths.get", needs: Capability::DataRead, run: paths::get },
    method! { "meta.get", needs: Capability::DataRead, run: meta::get },
    method! { "meta.set", needs: Capability::DataWrite, run: meta::set },
    method! { "options.read", run: options::read },
    method! { "options.save", asks: options::save },
    method! { "status.set", run: status::set },
    method! { "status.error", run: status::error },
    method! { "notifications.raise", needs: Capability::DataWrite, run: notifications::raise },
    method! { "notifications.clear", needs: Capability::DataWrite, run: notifications::clear },
    method! { "log", run: log::log },
    method! { "put.register", needs: Capability::PutHandlers, run: register::put },
    method! { "put.send", needs: Capability::DataWrite, asks: put::send },
    method! { "resources.register", needs: Capability::ResourceProvider, run: register::resources },
    method! { "weather.register", needs: Capability::WeatherProvider, run: register::weather },
    method! { "radar.register", needs: Capability::RadarProvider, run: register::radar },
    method! { "http.register", needs: Capability::HttpEndpoints, run: register::http },
    method! { "http.request", needs: Capability::Network, asks: fetch::request },
    method! { "http.next", needs: Capability::Network, asks: fetch::next },
    method! { "http.open", needs: Capability::Network, asks: fetch::open },
    method! { "http.send", needs: Capability::Network, asks: fetch::send },
    method! { "http.finish", needs: Capability::Network, asks: fetch::finish },
    method! { "http.cancel", needs: Capability::Network, run: fetch::cancel },
    method! { "http.read", needs: Capability::HttpEndpoints, asks: exchange::read },
    method! { "http.respond", needs: Capability::HttpEndpoints, run: exchange::respond },
    method! { "http.write", needs: Capability::HttpEndpoints, asks: exchange::write },
    method! { "websocket.register", needs: Capability::HttpEndpoints, run: websocket::register },
    method! { "websocket.send", needs: Capability::HttpEndpoints, run: websocket::send },
    method! { "websocket.close", needs: Capability::HttpEndpoints, run: websocket::close },
    method! { "streams.emit", run: streams::emit },
    method! { "udp.create", needs: Capability::RawSockets, run: udp::create },
    method! { "udp.bind", needs: Capability::RawSockets, asks: udp::bind },
    method! { "udp.set", needs: Capability::RawSockets, asks: udp::set },
    method! { "udp.join", needs: Capability::RawSockets, asks: udp::join },
    method! { "udp.leave", needs: Capability::RawSockets, asks: udp::leave },
    method! { "udp.send", needs: Capability::RawSockets, run: udp::send },
    method! { "udp.close", needs: Capability::RawSockets, run: udp::close },
    method! { "tcp.connect", needs: Capability::RawSockets, asks: tcp::connect },
    method! { "tcp.listen", needs: Capability::RawSockets, asks: tcp::listen },
    method! { "tcp.accept", needs: Capability::RawSockets, asks: tcp::accept },
    method! { "tcp.send", needs: Capability::RawSockets, asks: tcp::send },
    method! { "tcp.receive", needs: Capability::RawSockets, asks: tcp::receive },
    method! { "tcp.close", needs: Capability::RawSockets, run: tcp::close },
    method! { "ws.connect", needs: Capability::Network, asks: ws::connect },
    method! { "ws.send", needs: Capability::Network, asks: ws::send },
    method! { "ws.receive", needs: Capability::Network, asks: ws::receive },
    method! { "ws.close", needs: Capability::Network, run: ws::close },
];

/// A plugin whose right to one call has been checked.
pub struct Caller<'a> {
    /// The row that it was admitted to.
    pub(crate) call: &'static str,
    /// The plugin's books.
    pub(crate) account: &'a mut Account,
    /// The server.
    pub(crate) signalk: &'a mut dyn SignalK,
    /// Its network; `None` where a convention has its own way to it.
    pub(crate) net: Option<&'a mut Net>,
    /// Monotonic time.
    pub(crate) now: Duration,
}

/// Lets a plugin in to one method, if it may.
///
/// # Errors
/// [`BridgeError::UnknownMethod`], [`BridgeError::CapabilityDenied`].
pub fn admit<'a>(
    method: &str,
    account: &'a mut Account,
    signalk: &'a mut dyn SignalK,
    now: Duration,
) -> Result<Caller<'a>, BridgeError> {
    account.counters.host_calls += 1;
    let admitted = row(method, account.plugin()).and_then(|row| {
        if let Some(capability) = row.needs {
            account.capabilities().require(capability, account.plugin(), row.name)?;
        }
        Ok(row.name)
    });
    match admitted {
        Ok(call) => Ok(Caller { call, account, signalk, net: None, now }),
        Err(error) => {
            account.counters.host_call_errors += 1;
            Err(error)
        }
    }
}

/// Calls a method by its name: `params` is the text of an object or array, or `""`.
///
/// # Errors
/// Whatever [`admit`] or the handler says.
pub(crate) fn call(
    method: &str,
    params: &str,
    account: &mut Account,
    net: &mut Net,
    signalk: &mut dyn SignalK,
    now: Duration,
) -> Result<Reply, BridgeError> {
    let row = row(method, account.plugin()).inspect_err(|_| {
        account.counters.host_calls += 1;
        account.counters.host_call_errors += 1;
    })?;
    let mut caller = admit(method, account, signalk, now)?;
    caller.net = Some(net);
    let answer = caller.charge(params).and_then(|()| (row.run)(&mut caller, params));
    if answer.as_ref().is_err_and(|error| !error.is_quiet()) {
        account.counters.host_call_errors += 1;
    }
    answer
}

fn row(name: &str, plugin: &PluginId) -> Result<&'static Method, BridgeError> {
    METHODS
        .iter()
        .find(|method| method.name == name)
        .ok_or_else(|| BridgeError::UnknownMethod { plugin: plugin.clone(), method: shown(name) })
}

/// What becomes a delta: the server parses, keeps and sends it in its own step.
const DELTAS: [&str; 4] = ["deltas.emit", "meta.set", "notifications.raise", "notifications.clear"];
/// Bytes of the params of such a call, as of a delta of the buffer ABI.
const LONGEST_DELTA: usize = 1 << 20;

impl Caller<'_> {
    /// Params are the plugin's work, and those of a delta are bounded.
    fn charge(&mut self, params: &str) -> Result<(), BridgeError> {
        if DELTAS.contains(&self.call) && params.len() > LONGEST_DELTA {
            self.account.counters.bad_deltas += 1;
            let len = params.len();
            return Err(self.bad_params(format_args!(
                "{len} bytes, the limit is {LONGEST_DELTA}; send less at a time"
            )));
        }
        self.account.owe(params.len());
        Ok(())
    }

    /// Who calls.
    pub fn plugin(&self) -> &PluginId {
        self.account.plugin()
    }

    pub(crate) fn bad_params(&self, reason: impl std::fmt::Display) -> BridgeError {
        BridgeError::BadParams {
            plugin: self.plugin().clone(),
            call: self.call,
            reason: reason.to_string(),
        }
    }

    pub(crate) fn warn(&mut self, text: impl std::fmt::Display) {
        let plugin = self.plugin().clone();
        let line = LogLine { level: Level::Warn, text: text.to_string() };
        self.signalk.log(&plugin, line);
    }

    /// Params as an object, or as an array in the order of `names`.
    fn read<P: DeserializeOwned>(&self, params: &str, names: &[&str]) -> Result<P, BridgeError> {
        let params = if params.is_empty() { "{}" } else { params };
        if !params.trim_start().starts_with('[') {
            return serde_json::from_str(params).map_err(|error| self.bad_params(error));
        }
        let values: Vec<Box<RawValue>> =
            serde_json::from_str(params).map_err(|error| self.bad_params(error))?;
        if values.len() > names.len() {
            let most = names.len();
            return Err(
                self.bad_params(format_args!("{} parameters, at most {most}", values.len()))
            );
        }
        let named: indexmap::IndexMap<&str, Box<RawValue>> =
            names.iter().copied().zip(values).collect();
        let text = serde_json::to_string(&named).map_err(|error| self.bad_params(error))?;
        serde_json::from_str(&text).map_err(|error| self.bad_params(error))
    }

    fn answer<R: Serialize>(&self, answer: R) -> Result<Box<RawValue>, BridgeError> {
        serde_json::value::to_raw_value(&answer).map_err(|error| self.bad_params(error))
    }
}

#[cfg(test)]
mod tests;
