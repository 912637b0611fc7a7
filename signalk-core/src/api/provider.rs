//! What the APIs of weather and radar have in common: who provides, who is the default, and what a client reads when a
//! plugin gives no answer (plugin ABI 11.2, 11.3).

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value, json};
use signalk_bridge::{HandlerFailure, PluginId};

use super::{Answer, Call};
use crate::{
    http::HttpResponse,
    plugins::Plugins,
    resources::{completed, failed, told},
    server::Server,
};

/// An API that plugins provide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Provided {
    Weather,
    Radar,
}

/// Which provider clients chose; kept in memory, as in the reference.
pub(crate) type DefaultProviders = BTreeMap<Provided, PluginId>;

impl Provided {
    /// Ids and names in the order in which they registered.
    pub(super) fn providers(self, plugins: &Plugins) -> Vec<(PluginId, String)> {
        match self {
            Provided::Weather => plugins.weather_providers(),
            Provided::Radar => plugins.radar_providers(),
        }
    }

    /// Only the ids.
    pub(super) fn ids(self, plugins: &Plugins) -> VecDeque<PluginId> {
        self.providers(plugins).into_iter().map(|(id, _)| id).collect()
    }

    /// The chosen one while it is there, else the first.
    pub(super) fn default(self, server: &Server, plugins: &Plugins) -> Option<PluginId> {
        let ids = self.ids(plugins);
        let chosen = server.default_providers.get(&self).filter(|chosen| ids.contains(chosen));
        chosen.or(ids.front()).cloned()
    }

    /// `GET .../_providers`
    pub(super) fn list(self, call: &Call<'_>) -> HttpResponse {
        let default = self.default(call.server, call.plugins);
        let rows = self.providers(call.plugins).into_iter().map(|(id, name)| {
            let is_default = default.as_ref() == Some(&id);
            (id.to_string(), json!({ "name": name, "isDefault": is_default }))
        });
        HttpResponse::json(200, &Value::Object(rows.collect()))
    }

    /// `GET .../_providers/_default`: without a member when there is none.
    pub(super) fn show_default(self, call: &Call<'_>) -> HttpResponse {
        let id = self.default(call.server, call.plugins);
        let members = id.map(|id| ("id".to_owned(), Value::from(id.as_str())));
        HttpResponse::json(200, &Value::Object(members.into_iter().collect::<Map<_, _>>()))
    }

    /// `POST .../_providers/_default/{id}`: the id, or the package name.
    pub(super) fn choose(self, call: &mut Call<'_>) -> HttpResponse {
        let wanted = call.captured.first().cloned().unwrap_or_default();
        let id = call.plugins.id_of(&wanted).filter(|id| self.ids(call.plugins).contains(id));
        let Some(id) = id else { return failed(400, &format!("Provider {wanted} not found!")) };
        let message = format!("Default provider set to {id}.");
        call.server.default_providers.insert(self, id);
        completed(200, &message)
    }
}

/// What a client reads when a plugin gave no answer to `what`; its log has a line about that by now.
///
/// DIFFERENCE: in the reference such a failure looks like an empty answer (W37).
pub(super) fn no_answer(what: &str, failure: &HandlerFailure) -> HttpResponse {
    match failure {
        HandlerFailure::NotFound { .. } => {
            failed(501, &format!("Provider does not support {what}"))
        }
        HandlerFailure::NotRunning => failed(503, &failure.to_string()),
        HandlerFailure::Busy(_) => failed(503, &failure.to_string()).with("retry-after", "1"),
        failure => failed(502, &failure.to_string()),
    }
}

/// The answer of a plugin is no JSON, or not that which was asked for.
pub(super) fn bad_answer(
    server: &mut Server,
    plugin: &PluginId,
    what: &str,
    wanted: &str,
) -> HttpResponse {
    let text = format!("the provider's answer is not {wanted}");
    server.garbage.push((plugin.clone(), format!("{what}: {text}")));
    failed(502, &text)
}

/// The text of an `error` member.
pub(super) fn error_text(members: &Map<String, Value>) -> Option<String> {
    members.get("error").filter(|error| !error.is_null()).map(told)
}

impl From<Option<HttpResponse>> for Answer {
    /// `None`: later.
    fn from(response: Option<HttpResponse>) -> Answer {
        response.map_or(Answer::Later, Answer::Now)
    }
}
