//! Plugin development kit: what the author of a plugin imports.
//!
//! A plugin is a set of named async methods that the host may call, and it may call the host from
//! inside them. The shortest complete plugin, a library crate of type `cdylib` built for
//! `wasm32-wasip1`, or a program's `main.rs`:
//!
//! ```
//! use wasmi_pdk::{Router, plugin};
//!
//! plugin!(Router::new().method("add", |_, (a, b): (i64, i64)| async move { Ok(a + b) }));
//! ```
//!
//! The macro makes both forms of plugin (they speak the same JSON-RPC 2.0 over stdin and stdout):
//!
//! - the *reactor*, which the host prefers: the export `rpc_poll` reads what there is, works until
//!   nothing can go on, writes, and returns the nanoseconds until it wants to be called again, or
//!   -1 for "when input arrives". Between two calls nothing is on the stack.
//! - the *command*, in a program: `main` does the same in a loop until stdin ends, for any WASI
//!   host that knows nothing but pipes.
//!
//! Methods with state, calls to the host, time:
//!
//! ```
//! use std::cell::Cell;
//! use std::time::Duration;
//! use wasmi_pdk::{Router, sleep};
//!
//! let router = Router::with_state(Cell::new(0_u32))
//!     .method("count", |cx, ()| async move {
//!         cx.state.set(cx.state.get() + 1);
//!         Ok(cx.state.get())
//!     })
//!     .method("slow_echo", |cx, text: String| async move {
//!         sleep(Duration::from_millis(10)).await;
//!         let echoed: String = cx.host.call("echo", (text,)).await?;
//!         log::info!("the host answered {echoed}");
//!         Ok(echoed)
//!     });
//! # drop(router);
//! ```
//!
//! Log records of `log` (and of `tracing`, with the feature of that name) and panics become lines
//! on stderr that begin with their level: `[info] my_plugin: text`.
//!
//! | Feature | Adds |
//! |---|---|
//! | `tracing` | a subscriber that writes the same lines |
//! | `signalk` | module `signalk`: typed deltas, options, status, network; the buffer ABI |

mod calls;
mod error;
mod executor;
// The one file with unsafe code, JSON-RPC's border as well as the buffer ABI's.
#[path = "signalk/exports.rs"]
pub mod exports;
mod host;
mod log_lines;
mod params;
mod plugin;
mod router;
mod runtime;
#[cfg(feature = "signalk")]
pub mod signalk;
mod stdio;
mod time;

pub use error::{Error, Result};
pub use host::{Call, Host};
pub use plugin::Plugin;
pub use router::{Cx, IntoRouter, Router};
pub use runtime::{Connection, Next, Read, Runtime};
pub use time::{Sleep, sleep};
pub use wasmi_rpc::{ErrorCode, ErrorObject, RawValue};

/// Makes a plugin of a [`Router`] or of a type that implements [`Plugin`].
///
/// At the root of a `cdylib` or of a program. Expands to the export `rpc_poll` and to `main`.
#[macro_export]
macro_rules! plugin {
    ($plugin:expr) => {
        $crate::__export_rpc_poll!($plugin);

        /// The command form: serves stdin until it ends.
        pub fn main() {
            $crate::exports::run_command(|| $crate::IntoRouter::into_router($plugin));
        }
    };
}
