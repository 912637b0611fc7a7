//! Every method of the host for buffer plugins, by its name: calls that return when they are answered.
//!
//! `sk_call` is a function of this host only: on signalk-server a module that uses it does not load. The methods, their
//! capabilities and params are those of `wit/signalk-plugin.wit`.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Server;
use crate::exports::sk;
use crate::signalk::{PutReply, Subscription};
use crate::{Error, Result};

impl Server {
    /// Calls a method and returns with its answer; meanwhile nothing else of the plugin runs.
    ///
    /// ```
    /// # use wasmi_pdk::signalk::Server;
    /// # fn poll(server: &Server) -> wasmi_pdk::Result<()> {
    /// let meta: Option<serde_json::Value> = server.call("meta.get", ("navigation.speedOverGround",))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// What the host says, with its code: no such method, no capability, params that do not fit, a failure of the
    /// network. Or an answer of another form.
    pub fn call<T: DeserializeOwned>(&self, method: &str, params: impl Serialize) -> Result<T> {
        let params = serde_json::to_string(&params)?;
        let answer = sk::call(method, &params).map_err(|error| failure(&error))?;
        Ok(serde_json::from_slice(&answer)?)
    }

    /// Asks for a change, as a client does by PUT; returns when it has come to its end. Needs `dataWrite`.
    ///
    /// # Errors
    /// What the host says; a refusal by whoever has the path is an answer.
    pub fn put(&self, path: &str, value: impl Serialize) -> Result<PutReply> {
        self.call("put.send", (path, value))
    }

    /// [`Server::put`] where several offer the path: the id of a plugin, or a device's `$source`.
    ///
    /// # Errors
    /// As [`Server::put`].
    pub fn put_to(&self, source: &str, path: &str, value: impl Serialize) -> Result<PutReply> {
        self.call("put.send", (path, value, source))
    }

    /// Asks for values of the own vessel: from now on `delta` is called with what is subscribed, and with nothing else.
    /// The last values come at once. Needs `dataRead`.
    ///
    /// # Errors
    /// What the host says.
    pub fn subscribe(&self, rows: &[Subscription]) -> Result<()> {
        let params = serde_json::json!({ "subscribe": rows });
        self.call::<Value>("deltas.subscribe", params).map(drop)
    }
}

/// What `sk_call_error` says.
fn failure(error: &[u8]) -> Error {
    #[derive(serde::Deserialize)]
    struct Failure {
        code: i32,
        message: String,
        #[serde(default)]
        data: Value,
    }
    match serde_json::from_slice(error) {
        Ok(Failure { code, message, data }) => Error::with_data(code, message, data),
        Err(_) => Error::message(String::from_utf8_lossy(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_its_code_and_words() {
        let error = failure(br#"{"code":-32040,"message":"add it","data":{"call":"put.send"}}"#);
        assert_eq!((error.code(), error.to_string().contains("add it")), (-32040, true));
        assert!(failure(b"nonsense").to_string().contains("nonsense"));
    }
}
