//! [`Plugin`]: the form for plugins that are a type of their own, with a start and a stop.

use serde::de::DeserializeOwned;

use crate::{Cx, IntoRouter, Result, Router};

/// A plugin as a type. The host calls `start` once before anything else and `stop` at the end;
/// a host that knows neither just calls the methods.
///
/// ```
/// use std::cell::Cell;
/// use wasmi_pdk::{Cx, Plugin, Result, Router};
///
/// #[derive(Default)]
/// struct Counter { count: Cell<i64> }
///
/// #[derive(serde::Deserialize, Default)]
/// #[serde(default)]
/// struct Options { first: i64 }
///
/// impl Plugin for Counter {
///     type Options = Options;
///
///     fn methods(router: Router<Self>) -> Router<Self> {
///         router.method("next", |cx, ()| async move {
///             Ok(cx.state.count.replace(cx.state.count.get() + 1))
///         })
///     }
///
///     async fn start(cx: Cx<Self>, options: Options) -> Result<()> {
///         cx.state.count.set(options.first);
///         Ok(())
///     }
/// }
///
/// wasmi_pdk::plugin!(Counter::default());
/// ```
pub trait Plugin: Sized + 'static {
    /// The owner's options, from member `options` of the parameters of `start`.
    type Options: DeserializeOwned + Default + 'static;

    /// Adds the methods.
    fn methods(router: Router<Self>) -> Router<Self> {
        router
    }

    /// Begins the work.
    fn start(cx: Cx<Self>, options: Self::Options) -> impl Future<Output = Result<()>> + 'static {
        let _ = (cx, options);
        std::future::ready(Ok(()))
    }

    /// Ends it.
    fn stop(cx: Cx<Self>) -> impl Future<Output = Result<()>> + 'static {
        let _ = cx;
        std::future::ready(Ok(()))
    }
}

#[derive(serde::Deserialize)]
struct StartParams<O> {
    options: Option<O>,
}

impl<P: Plugin> IntoRouter for P {
    type State = P;

    fn into_router(self) -> Router<P> {
        let router = Router::with_state(self)
            .method("start", |cx: Cx<P>, params: Option<StartParams<P::Options>>| {
                P::start(cx, params.and_then(|params| params.options).unwrap_or_default())
            })
            .method("stop", |cx: Cx<P>, ()| P::stop(cx));
        P::methods(router)
    }
}
