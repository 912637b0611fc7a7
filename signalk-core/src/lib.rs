//! The whole Signal K server as a value: no I/O, no clock, no threads.
//!
//! An edge moves bytes and time; everything that a Signal K server *decides* is decided here, and so a test, a browser
//! page and a boat run the same server. One rule drives it: **after each input, poll until the core says wait.**
//!
//! 1. read configuration texts into a [`Config`], build a [`Core`];
//! 2. poll [`Core::poll_output`]: carry out each [`Output::Effect`], run each [`Output::Run`] on any thread,
//!    until [`Output::Wait`];
//! 3. sleep until its time or until something happened, hand that in with [`Core::handle_input`], go to 2.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use signalk_core::{Config, Core, Effect, HttpId, HttpRequest, Input, Output, Platform};
//!
//! struct World;
//! impl Platform for World {
//!     fn monotonic(&self) -> Duration { Duration::ZERO }
//!     fn wall_clock(&self) -> Duration { Duration::from_secs(1_767_323_045) }
//!     fn fill_random(&self, buf: &mut [u8]) { buf.fill(7) }
//! }
//!
//! let now = Duration::ZERO;
//! let mut core = Core::new(Config::default(), Arc::new(World));
//! core.handle_input(now, Input::Http { id: HttpId(1), request: HttpRequest::get("/signalk/v1/api/self") });
//! loop {
//!     match core.poll_output(now) {
//!         Output::Effect(Effect::HttpRespond { response, .. }) => {
//!             assert_eq!(response.status, 200);
//!             assert!(response.body.starts_with(b"\"vessels.urn:mrn:signalk:uuid:"));
//!         }
//!         Output::Wait { .. } => break,
//!         _ => {}
//!     }
//! }
//! ```
//!
//! What is not here: sockets, files, threads (`signalk-host`), what a plugin may call (`signalk-bridge`), the data
//! model (`signalk-model`).

pub mod config;
pub mod demo;
mod guest;
pub mod http;
pub mod input;
mod io;
pub mod resources;
pub mod webapps;

mod api;
mod binary;
mod connection;
mod core;
mod devices;
mod identity;
mod intake;
mod notifications;
mod pipeline;
mod plugin_host;
mod plugins;
mod providers;
mod put;
mod query;
mod range;
mod requests;
mod saving;
mod security;
mod server;
mod stream;
mod timer;
mod zones;

pub use crate::config::{Config, ConfigTexts, ConnectionConfig, ConnectionKind, Endpoint};
pub use crate::core::Core;
pub use crate::guest::{
    BodyNews, Egress, Limits, Platform, PluginEffect, PluginId, PluginReport, Quota, Ran, Run,
};
pub use crate::http::{HttpRequest, HttpResponse};
pub use crate::io::{
    ConnectionEvent, ConnectionId, Effect, FoundPackage, HttpId, Input, LogArea, LogLevel,
    ModuleFiles, Output, Report, StreamId, Ticket,
};
pub use crate::saving::keep_foreign_changes;
pub use crate::security::{PasswordCheck, Secret, SecurityFile};
pub use signalk_model::hash::seed_tables;
