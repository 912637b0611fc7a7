//! `Core`: takes an input, changes its state, queues what the edge shall do.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use crate::{
    config::Config,
    guest::Platform,
    http::HttpResponse,
    io::{Effect, Input, Output},
};

/// The whole server. See the crate's documentation for how it is driven.
pub struct Core {
    #[allow(dead_code)]
    config: Config,
    #[allow(dead_code)]
    platform: Arc<dyn Platform>,
    outputs: VecDeque<Output>,
}

impl Core {
    /// A server that has not started anything yet: the first outputs open connections and look for plugins.
    pub fn new(config: Config, platform: Arc<dyn Platform>) -> Core {
        Core { config, platform, outputs: VecDeque::new() }
    }

    /// Something happened. Poll afterwards until [`Output::Wait`].
    pub fn handle_input(&mut self, _now: Duration, input: Input) {
        if let Input::Http { id, request } = input {
            let response = match request.path() {
                "/signalk/v1/api/self" => HttpResponse::json_text(200, "\"vessels.urn:mrn:signalk:uuid:\""),
                path => HttpResponse::not_found(&request.method, path),
            };
            let response = response.with_etag(&request);
            self.outputs.push_back(Output::Effect(Effect::HttpRespond { id, response }));
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self, _now: Duration) -> Output {
        self.outputs.pop_front().unwrap_or(Output::Wait { until: None })
    }
}
