//! `put.send`: a plugin asks for a change, as a client does by PUT (F50): of a plugin's path, of a device, of a
//! notification.
//!
//! Which handler takes it, and by when it must have answered, are the server's rules, the same for
//! all who ask (plugin ABI 10.2). Taking PUTs is `put.register`, in `register.rs`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Caller;
use super::network::{Give, Reply};
use crate::net::Wait;
use crate::{BridgeError, PutRequest};

pub(super) mod params {
    #![allow(non_upper_case_globals, reason = "named as the function that takes them")]
    pub(in crate::methods) const send: &[&str] = &["path", "value", "source", "context"];
}

/// Bytes of a value's JSON: it is built as values in the server's own step.
const LONGEST_VALUE: usize = 64 << 10;
/// Bytes of a path, a context or a source.
const LONGEST_NAME: usize = 1000;

/// Params of `put.send`.
#[derive(Debug, Clone, Deserialize)]
pub struct Send {
    /// Dotted.
    pub path: String,
    /// Any JSON, null too.
    pub value: Box<RawValue>,
    /// Whose, when several offer the path: the id of a plugin, or a `$source`.
    #[serde(default)]
    pub source: Option<String>,
    /// `vessels.self` when left out.
    #[serde(default)]
    pub context: Option<String>,
}

/// Asks for a change; answers when it has come to its end: `{"state", "statusCode", "message"?, ..}`.
///
/// # Errors
/// [`BridgeError::BadParams`] for a path of metadata (that is the owner's) and for what is too long;
/// [`BridgeError::TooManyDeltas`]: each counts as a delta; [`BridgeError::Network`] when too many wait.
pub(crate) fn send(caller: &mut Caller<'_>, params: Send) -> Result<Reply, BridgeError> {
    let context = params.context.unwrap_or_else(|| "vessels.self".to_owned());
    let names = [Some(&params.path), params.source.as_ref(), Some(&context)];
    if names.iter().flatten().any(|name| name.len() > LONGEST_NAME) {
        let text = format!("path, source and context may have {LONGEST_NAME} bytes each");
        return Err(caller.bad_params(text));
    }
    let value = params.value.get();
    if value.len() > LONGEST_VALUE {
        let text = format!("the value has {} bytes, at most {LONGEST_VALUE}", value.len());
        return Err(caller.bad_params(text));
    }
    if params.path.split('.').any(|segment| segment == "meta") {
        let text =
            "metadata is saved by its owner only; `meta.set` changes it while the server runs";
        return Err(caller.bad_params(text));
    }
    let request =
        PutRequest { context, path: params.path, source: params.source, value: value.to_owned() };
    caller.account.charge_delta(caller.now, caller.call)?;
    let id = caller.net(|net| net.put_begun())?;
    let plugin = caller.plugin().clone();
    caller.signalk.put(&plugin, id, request);
    Ok(Reply::later(caller.call, Wait::Put(id), Give::Put))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Reply, call};
    use crate::fake::Fake;
    use crate::net::Net;
    use crate::{Account, Capabilities, Capability, PluginId};

    fn try_put(net: &mut Net, fake: &mut Fake, params: &str) -> Result<Reply, String> {
        let rights = Capabilities::NONE.with(Capability::DataWrite);
        let mut account = Account::new(PluginId::from_package("p"), rights, 1000);
        let done = call("put.send", params, &mut account, net, fake, Duration::ZERO);
        done.map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_too_long_or_the_owners_is_refused_before_the_server_sees_it() {
        let (mut net, mut fake) = (Net::new(), Fake::default());
        let long = "x".repeat(1001);
        let large = format!("\"{}\"", "x".repeat(64 << 10));
        for (params, text) in [
            (r#"{"path":"a.b"}"#.to_owned(), "missing field `value`"),
            (format!(r#"["{long}",1]"#), "1000 bytes"),
            (format!(r#"["a.b",{large}]"#), "at most 65536"),
            (r#"["a.b.meta.zones",[]]"#.to_owned(), "metadata"),
        ] {
            let refused = try_put(&mut net, &mut fake, &params).unwrap_err();
            assert!(refused.contains("`put.send`") && refused.contains(text), "{refused}");
        }
        assert!(fake.puts.is_empty());
    }

    #[test]
    fn who_asks_too_much_at_once_is_told_to_wait() {
        let (mut net, mut fake) = (Net::new(), Fake::default());
        let mut put = || try_put(&mut net, &mut fake, r#"["a.b",1]"#);
        assert!((0..100).all(|_| matches!(put(), Ok(Reply::Later(..)))));
        let refused = put().unwrap_err();
        assert!(refused.contains("100 PUTs"), "{refused}");
        net.put_done(crate::PutId(1), "{}".to_owned());
        assert!(try_put(&mut net, &mut fake, r#"["a.b",1]"#).is_ok());
    }
}
