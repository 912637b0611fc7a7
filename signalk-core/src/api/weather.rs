//! `/signalk/v2/api/weather`: observations, forecasts and warnings for a position, by a plugin (plugin ABI 11.2). Who
//! is asked and who is the default: `provider.rs`.

use serde_json::{Map, Value, json};
use signalk_bridge::{Handler, HandlerReply, PluginId, WeatherHandler};
use signalk_model::json as js;

use super::{
    Answer, Call, body,
    provider::{Provided, bad_answer, error_text, no_answer},
    resources::client,
};
use crate::{http::HttpResponse, plugins::Later, query, resources::failed, server::Server};

/// What a client wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Observations,
    /// Of this type.
    Forecasts(&'static str),
    Warnings,
}

/// `GET /signalk/v2/api/weather`
pub(super) fn describe(_: &mut Call<'_>) -> Answer {
    let text = |what: &str| json!({ "description": format!("{what} for the supplied location.") });
    let body = json!({
        "forecasts": text("Forecast data"),
        "observations": text("Observation data"),
        "warnings": text("Weather warnings"),
    });
    HttpResponse::json(200, &body).into()
}

/// `GET .../forecasts`
pub(super) fn describe_forecasts(_: &mut Call<'_>) -> Answer {
    let text = |kind: &str, of: &str| json!({ "description": format!("{kind} forecast data for the requested number of {of}.") });
    let body = json!({ "daily": text("Daily", "days"), "point": text("Point", "intervals") });
    HttpResponse::json(200, &body).into()
}

/// `GET .../_providers`
pub(super) fn providers(call: &mut Call<'_>) -> Answer {
    Provided::Weather.list(call).into()
}

/// `GET .../_providers/_default`
pub(super) fn default_provider(call: &mut Call<'_>) -> Answer {
    Provided::Weather.show_default(call).into()
}

/// `POST .../_providers/_default/{id}`
pub(super) fn choose_default_provider(call: &mut Call<'_>) -> Answer {
    Provided::Weather.choose(call).into()
}

/// `GET .../observations`
pub(super) fn observations(call: &mut Call<'_>) -> Answer {
    ask(call, Wanted::Observations).into()
}

/// `GET .../forecasts/daily`
pub(super) fn daily(call: &mut Call<'_>) -> Answer {
    ask(call, Wanted::Forecasts("daily")).into()
}

/// `GET .../forecasts/point`
pub(super) fn point(call: &mut Call<'_>) -> Answer {
    ask(call, Wanted::Forecasts("point")).into()
}

/// `GET .../warnings`
pub(super) fn warnings(call: &mut Call<'_>) -> Answer {
    ask(call, Wanted::Warnings).into()
}

/// Asks the provider; a response at once is a refusal.
fn ask(call: &mut Call<'_>, wanted: Wanted) -> Option<HttpResponse> {
    let (_, text) = call.request.target.split_once('?').unwrap_or_default();
    let query = query::parse(text);
    let asked = position(&query)
        .and_then(|position| Ok((chosen(call, &query)?, wanted.request(position, query))));
    let (plugin, request) = match asked {
        Ok(asked) => asked,
        Err(why) => return Some(failed(400, &why)),
    };
    let (client, from) = (client(call), plugin.clone());
    let then = Box::new(move |later: &mut Later<'_>, reply: HandlerReply| {
        let response = understand(later.server, &from, wanted, reply);
        later.server.respond(client.id, &client.request, response);
    });
    let handler = Handler::Weather(wanted.handler());
    call.plugins.call_handler(call.now, &plugin, handler, request, call.server, then);
    None
}

/// Latitude and longitude in degrees. Texts as in the reference.
fn position(query: &Map<String, Value>) -> Result<Value, String> {
    let given = |name: &str| query.get(name).filter(|value| value.as_str() != Some(""));
    let (Some(latitude), Some(longitude)) = (given("lat"), given("lon")) else {
        return Err("Location not supplied!".to_owned());
    };
    match (number(latitude), number(longitude)) {
        (Some(latitude), Some(longitude)) => {
            Ok(json!({ "latitude": latitude, "longitude": longitude }))
        }
        _ => Err("Invalid position data!".to_owned()),
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_str()?.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// The provider that the client names, by id or package name, or the default.
fn chosen(call: &Call<'_>, query: &Map<String, Value>) -> Result<PluginId, String> {
    let ids = Provided::Weather.ids(call.plugins);
    let default = Provided::Weather.default(call.server, call.plugins);
    let Some(default) = default else { return Err("No providers registered!".to_owned()) };
    match query.get("provider").and_then(Value::as_str).filter(|name| !name.is_empty()) {
        None => Ok(default),
        Some(name) => call
            .plugins
            .id_of(name)
            .filter(|id| ids.contains(id))
            .ok_or_else(|| format!("Requested provider not found! ({name})")),
    }
}

impl Wanted {
    fn handler(self) -> WeatherHandler {
        match self {
            Wanted::Observations => WeatherHandler::Observations,
            Wanted::Forecasts(_) => WeatherHandler::Forecasts,
            Wanted::Warnings => WeatherHandler::Warnings,
        }
    }

    /// For people who read why there is no answer.
    fn name(self) -> &'static str {
        match self {
            Wanted::Observations => "getObservations",
            Wanted::Forecasts(_) => "getForecasts",
            Wanted::Warnings => "getWarnings",
        }
    }

    /// Byte for byte as the ABI has it: guests search in the text.
    fn request(self, position: Value, query: Map<String, Value>) -> String {
        let mut request = Map::from_iter([("position".to_owned(), position)]);
        if let Wanted::Forecasts(kind) = self {
            request.insert("type".to_owned(), kind.into());
        }
        if self != Wanted::Warnings {
            request.insert("options".to_owned(), options(query));
        }
        js::value_text(&Value::Object(request))
    }
}

/// What the query says besides position and provider.
fn options(mut query: Map<String, Value>) -> Value {
    for name in ["lat", "lon", "provider"] {
        query.shift_remove(name);
    }
    let (count, date) = (query.shift_remove("count"), query.shift_remove("date"));
    let mut options = Map::from_iter([("custom".to_owned(), Value::Object(query))]);
    if let Some(count) = count.as_ref().and_then(number) {
        options.insert("maxCount".to_owned(), count.into());
    }
    if let Some(date) = date.filter(|date| date.as_str().is_some_and(has_date)) {
        options.insert("startDate".to_owned(), date);
    }
    Value::Object(options)
}

/// Whether `YYYY-MM-DD` is in it.
fn has_date(text: &str) -> bool {
    text.as_bytes().windows(10).any(|ten| {
        ten.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    })
}

fn understand(
    server: &mut Server,
    plugin: &PluginId,
    wanted: Wanted,
    reply: HandlerReply,
) -> HttpResponse {
    let text = match reply {
        Ok(text) => text,
        Err(failure) => return no_answer(wanted.name(), &failure),
    };
    match body::values(&text) {
        Ok(Value::Array(mut rows)) => {
            if let Wanted::Forecasts(kind) = wanted {
                rows.retain(|row| row.get("type").and_then(Value::as_str) == Some(kind));
            }
            HttpResponse::json_text(200, js::value_text(&Value::Array(rows)))
        }
        Ok(Value::Object(members)) if members.contains_key("error") => {
            let told = error_text(&members).unwrap_or_else(|| "Weather provider error!".to_owned());
            failed(502, &told)
        }
        _ => bad_answer(server, plugin, wanted.name(), "a JSON array"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(wanted: Wanted, text: &str) -> Result<String, String> {
        let query = query::parse(text);
        position(&query).map(|position| wanted.request(position, query))
    }

    #[test]
    fn requests_are_those_of_the_abi_byte_for_byte() {
        let query = "lat=60.10&lon=-25&provider=p&count=5&date=2026-11-21T00:00Z&units=si&a[b]=1";
        for (wanted, expected) in [
            (
                Wanted::Observations,
                r#"{"position":{"latitude":60.1,"longitude":-25},"options":{"custom":{"units":"si","a":{"b":"1"}},"maxCount":5,"startDate":"2026-11-21T00:00Z"}}"#,
            ),
            (
                Wanted::Forecasts("daily"),
                r#"{"position":{"latitude":60.1,"longitude":-25},"type":"daily","options":{"custom":{"units":"si","a":{"b":"1"}},"maxCount":5,"startDate":"2026-11-21T00:00Z"}}"#,
            ),
            (Wanted::Warnings, r#"{"position":{"latitude":60.1,"longitude":-25}}"#),
        ] {
            assert_eq!(request(wanted, query).unwrap(), expected);
        }
        assert_eq!(
            request(Wanted::Observations, "lat=0&lon=0&count=many&date=today").unwrap(),
            r#"{"position":{"latitude":0,"longitude":0},"options":{"custom":{}}}"#
        );
    }

    #[test]
    fn a_position_that_is_none_is_refused() {
        for (query, why) in [
            ("", "Location not supplied!"),
            ("lat=60", "Location not supplied!"),
            ("lat=60&lon=", "Location not supplied!"),
            ("lat=60&lon=east", "Invalid position data!"),
            ("lat=60&lon=NaN", "Invalid position data!"),
            ("lat=60&lat=61&lon=25", "Invalid position data!"),
        ] {
            assert_eq!(request(Wanted::Warnings, query).unwrap_err(), why, "{query}");
        }
    }
}
