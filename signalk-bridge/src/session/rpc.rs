//! The life of a JSON-RPC plugin. Until the kit's own driver lands, such plugins are refused by name.

use std::convert::Infallible;
use std::time::Duration;

use wasmi_hdk::Module;

use super::{Common, Output, SessionConfig};
use crate::{BridgeError, Manifest, SignalK};

pub(super) struct Rpc(Infallible);

impl Rpc {
    pub(super) fn new(
        _: &Module,
        _: SessionConfig,
        manifest: &Manifest,
        _: Duration,
    ) -> Result<Rpc, BridgeError> {
        let reason = "JSON-RPC plugins are not supported by this build".to_owned();
        Err(BridgeError::Unsupported { plugin: manifest.id.clone(), reason })
    }
    pub(super) fn stop(&mut self, _: Duration) {
        match self.0 {}
    }
    pub(super) fn ran(&mut self, _: wasmi_hdk::Ran, _: Duration) {
        match self.0 {}
    }
    pub(super) fn poll(&mut self, _: &mut Common, _: Duration, _: &mut dyn SignalK) -> Output {
        match self.0 {}
    }
}
