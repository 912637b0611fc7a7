//! Methods that the host offers to a plugin: a name and a typed handler, answered at once or later.
//!
//! Who executes the futures is not decided here; `client.rs` does it.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};
use wasmi_rpc::{ErrorCode, ErrorObject, Params, RpcResult};

/// `Send` where there are threads; nothing in a browser, whose objects cannot be sent.
#[cfg(not(target_family = "wasm"))]
pub trait MaybeSend: Send {}
#[cfg(not(target_family = "wasm"))]
impl<T: Send> MaybeSend for T {}

/// `Send` where there are threads; nothing in a browser, whose objects cannot be sent.
#[cfg(target_family = "wasm")]
pub trait MaybeSend {}
#[cfg(target_family = "wasm")]
impl<T> MaybeSend for T {}

/// `Sync` where there are threads; nothing in a browser.
#[cfg(not(target_family = "wasm"))]
pub trait MaybeSync: Sync {}
#[cfg(not(target_family = "wasm"))]
impl<T: Sync> MaybeSync for T {}

/// `Sync` where there are threads; nothing in a browser.
#[cfg(target_family = "wasm")]
pub trait MaybeSync {}
#[cfg(target_family = "wasm")]
impl<T> MaybeSync for T {}

/// A future that owns all it needs.
#[cfg(not(target_family = "wasm"))]
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
/// A future that owns all it needs.
#[cfg(target_family = "wasm")]
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T>>>;

#[cfg(not(target_family = "wasm"))]
type Handler = Arc<dyn Fn(Params) -> BoxFuture<RpcResult> + Send + Sync>;
#[cfg(target_family = "wasm")]
type Handler = Arc<dyn Fn(Params) -> BoxFuture<RpcResult>>;

/// The host's methods, by name. Cheap to clone.
#[derive(Clone, Default)]
pub struct HostMethods {
    handlers: BTreeMap<String, Handler>,
}

impl HostMethods {
    /// None at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Offers a method that is answered when its future is done. Other calls go on meanwhile.
    ///
    /// Parameters are any type that reads from the JSON array or object; `()` for none.
    ///
    /// ```
    /// use wasmi_hdk::{ErrorObject, HostMethods};
    /// let mut methods = HostMethods::new();
    /// methods.register("add", |(a, b): (i64, i64)| async move { Ok::<_, ErrorObject>(a + b) });
    /// ```
    pub fn register<P, R, E, F>(
        &mut self,
        name: &str,
        handler: impl Fn(P) -> F + MaybeSend + MaybeSync + 'static,
    ) where
        P: DeserializeOwned,
        R: Serialize,
        E: Into<ErrorObject>,
        F: Future<Output = Result<R, E>> + MaybeSend + 'static,
    {
        let call = move |params: Params| -> BoxFuture<RpcResult> {
            match read_params(params.as_deref()) {
                Ok(params) => {
                    let answer = handler(params);
                    Box::pin(async move { answer_of(answer.await) })
                }
                Err(error) => Box::pin(ready(Err(error))),
            }
        };
        self.handlers.insert(name.to_owned(), Arc::new(call));
    }

    /// Offers a method that is answered at once.
    pub fn register_now<P, R, E>(
        &mut self,
        name: &str,
        handler: impl Fn(P) -> Result<R, E> + MaybeSend + MaybeSync + 'static,
    ) where
        P: DeserializeOwned,
        R: Serialize,
        E: Into<ErrorObject>,
    {
        let call = move |params: Params| -> BoxFuture<RpcResult> {
            let answer = read_params(params.as_deref());
            Box::pin(ready(answer.and_then(|params| answer_of(handler(params)))))
        };
        self.handlers.insert(name.to_owned(), Arc::new(call));
    }

    /// Names of the methods, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.handlers.keys().map(String::as_str)
    }

    /// Calls a method. A name that nobody offers, and parameters that do not fit, are answered
    /// with the error that JSON-RPC has for it.
    pub fn call(&self, method: &str, params: Params) -> BoxFuture<RpcResult> {
        match self.handlers.get(method) {
            Some(handler) => handler(params),
            None => {
                let text = format!("the host has no method `{method}`");
                Box::pin(ready(Err(ErrorCode::MethodNotFound.with(text))))
            }
        }
    }
}

impl fmt::Debug for HostMethods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.handlers.keys()).finish()
    }
}

/// No parameters read as `()`, and as a struct or tuple with nothing required in it.
fn read_params<P: DeserializeOwned>(params: Option<&RawValue>) -> Result<P, ErrorObject> {
    let text = params.map_or("null", RawValue::get);
    let read = match serde_json::from_str(text) {
        Ok(read) => return Ok(read),
        Err(error) => error,
    };
    let empty = if params.is_none() { ["[]", "{}"].as_slice() } else { &[] };
    let unit = matches!(text.trim(), "[]" | "{}").then_some("null");
    empty
        .iter()
        .copied()
        .chain(unit)
        .find_map(|text| serde_json::from_str(text).ok())
        .ok_or_else(|| ErrorCode::InvalidParams.with(format!("Invalid params: {read}")))
}

fn answer_of<R: Serialize, E: Into<ErrorObject>>(result: Result<R, E>) -> RpcResult {
    let value = result.map_err(Into::into)?;
    to_raw_value(&value).map_err(|error| {
        ErrorCode::InternalError.with(format!("the result cannot be written as JSON: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;

    fn call(methods: &HostMethods, method: &str, params: Option<&str>) -> Result<String, i32> {
        let params = params.map(|text| RawValue::from_string(text.to_owned()).unwrap());
        match block_on(methods.call(method, params)) {
            Ok(value) => Ok(value.get().to_owned()),
            Err(error) => Err(error.code()),
        }
    }

    #[test]
    fn handlers_are_typed() {
        let mut methods = HostMethods::new();
        methods.register("add", |(a, b): (i64, i64)| async move { Ok::<_, ErrorObject>(a + b) });
        methods.register_now("now", |()| Ok::<_, ErrorObject>("noon"));
        methods.register_now("fail", |()| Err::<(), _>(ErrorCode::NotFound));
        assert_eq!(call(&methods, "add", Some("[1,2]")), Ok("3".to_owned()));
        assert_eq!(call(&methods, "add", Some("[1]")), Err(-32602));
        for nothing in [None, Some("[]"), Some("{}")] {
            assert_eq!(call(&methods, "now", nothing), Ok("\"noon\"".to_owned()), "{nothing:?}");
        }
        assert_eq!(call(&methods, "fail", None), Err(-32043));
        assert_eq!(call(&methods, "absent", None), Err(-32601));
        assert_eq!(methods.names().collect::<Vec<_>>(), ["add", "fail", "now"]);
    }
}
