//! `/signalk/v2/api/vessels/self/radars`: radars that plugins have (plugin ABI 11.3). Addresses and what is refused
//! before a plugin is asked; `radar/owner.rs`: whose a radar is; `radar/ask.rs`: what it is asked and what its answer
//! means. The spokes themselves are binary streams (`crate::binary`).

mod ask;
mod owner;

use std::f64::consts::TAU;

use serde_json::{Map, Value, json};
use signalk_bridge::RadarHandler;

use self::{
    ask::{Ask, Meaning, not_found, radar_not_found, respond},
    owner::{Listing, Search},
};
use super::{
    Answer, Call,
    provider::Provided,
    resources::{body, client, leading_number},
};
use crate::{http::HttpResponse, plugins::Later, resources::failed};

/// `GET /radars`
pub(super) fn list(call: &mut Call<'_>) -> Answer {
    let listing = Listing::new(client(call), Provided::Radar.ids(call.plugins));
    listing.go_on(&mut later(call));
    Answer::Later
}

/// `GET /radars/_providers`
pub(super) fn providers(call: &mut Call<'_>) -> Answer {
    uncached(Provided::Radar.list(call)).into()
}

/// `GET /radars/_providers/_default`
pub(super) fn default_provider(call: &mut Call<'_>) -> Answer {
    uncached(Provided::Radar.show_default(call)).into()
}

/// `POST /radars/_providers/_default/{id}`
pub(super) fn choose_default_provider(call: &mut Call<'_>) -> Answer {
    uncached(Provided::Radar.choose(call)).into()
}

/// `GET /radars/{id}`
pub(super) fn info(call: &mut Call<'_>) -> Answer {
    let ask = Ask::new(RadarHandler::Info, "getRadarInfo", Meaning::Info);
    find_or(call, not_found, Ok(ask))
}

/// `PUT /radars/{id}`
pub(super) fn controls(call: &mut Call<'_>) -> Answer {
    let ask = payload(call).map(|controls| {
        let fails = "Failed to update radar controls";
        Ask::new(RadarHandler::SetControls, "setControls", Meaning::True(fails))
            .with("controls", controls)
    });
    find_or(call, not_found, ask)
}

/// `PUT /radars/{id}/power`
pub(super) fn power(call: &mut Call<'_>) -> Answer {
    let ask = body(call.request).and_then(|body| {
        let state = body.get("value").cloned().unwrap_or_default();
        if !matches!(state.as_str(), Some("off" | "standby" | "transmit" | "warming")) {
            let text = "Invalid power state. Must be: off, standby, transmit, or warming";
            return Err(failed(400, text));
        }
        Ok(shortcut("power", state, RadarHandler::SetPower, "state", POWER))
    });
    find_or(call, not_found, ask)
}

/// `PUT /radars/{id}/range`
pub(super) fn range(call: &mut Call<'_>) -> Answer {
    let ask = body(call.request).and_then(|body| {
        let range = body.get("value").cloned().unwrap_or_default();
        if range.as_f64().is_none_or(|range| range <= 0.0) {
            let text = "Invalid range value. Must be a positive number (meters)";
            return Err(failed(400, text));
        }
        Ok(shortcut("range", range, RadarHandler::SetRange, "range", RANGE))
    });
    find_or(call, not_found, ask)
}

/// `PUT /radars/{id}/gain`
pub(super) fn gain(call: &mut Call<'_>) -> Answer {
    automatic(call, "gain", RadarHandler::SetGain, GAIN)
}

/// `PUT /radars/{id}/sea`
pub(super) fn sea(call: &mut Call<'_>) -> Answer {
    automatic(call, "sea", RadarHandler::SetSea, SEA)
}

/// `PUT /radars/{id}/rain`
pub(super) fn rain(call: &mut Call<'_>) -> Answer {
    automatic(call, "rain", RadarHandler::SetRain, RAIN)
}

/// `GET /radars/{id}/capabilities`
pub(super) fn capabilities(call: &mut Call<'_>) -> Answer {
    find(call, Ok(Ask::new(RadarHandler::Capabilities, "getCapabilities", Meaning::Object)))
}

/// `GET /radars/{id}/state`
pub(super) fn state(call: &mut Call<'_>) -> Answer {
    find(call, Ok(Ask::new(RadarHandler::State, "getState", Meaning::Object)))
}

/// `GET /radars/{id}/controls`
pub(super) fn all_controls(call: &mut Call<'_>) -> Answer {
    find(call, Ok(Ask::new(RadarHandler::State, "getState", Meaning::Controls)))
}

/// `GET /radars/{id}/controls/{control}`
pub(super) fn control(call: &mut Call<'_>) -> Answer {
    let id = captured(call, 1);
    let meaning = Meaning::Control(id.clone());
    let ask = Ask::new(RadarHandler::Control, "getControl", meaning).with("controlId", id);
    find(call, Ok(ask))
}

/// `PUT /radars/{id}/controls/{control}`
pub(super) fn set_control(call: &mut Call<'_>) -> Answer {
    let id = captured(call, 1);
    let ask = payload(call).map(|value| {
        let meaning = Meaning::Success("Failed to set control");
        Ask::new(RadarHandler::SetControl, "setControl", meaning)
            .with("controlId", id)
            .with("value", value)
    });
    find(call, ask)
}

/// `GET /radars/{id}/targets`
pub(super) fn targets(call: &mut Call<'_>) -> Answer {
    find(call, Ok(Ask::new(RadarHandler::Targets, "ARPA targets", Meaning::Object)))
}

/// `POST /radars/{id}/targets`
pub(super) fn acquire_target(call: &mut Call<'_>) -> Answer {
    let ask = body(call.request).and_then(|body| {
        let number = |name: &str| body.get(name).filter(|value| value.is_number()).cloned();
        let (Some(bearing), Some(distance)) = (number("bearing"), number("distance")) else {
            let text = "Invalid request. Must provide bearing (radians) and distance (meters)";
            return Err(failed(400, text));
        };
        if bearing.as_f64().is_none_or(|bearing| !(0.0..TAU).contains(&bearing)) {
            return Err(failed(400, "Bearing must be in radians [0, 2π)"));
        }
        if distance.as_f64().is_none_or(|distance| distance <= 0.0) {
            return Err(failed(400, "Distance must be a positive number (meters)"));
        }
        let ask = Ask::new(RadarHandler::AcquireTarget, "target acquisition", Meaning::Target);
        Ok(ask.with("bearing", bearing).with("distance", distance))
    });
    find(call, ask)
}

/// `DELETE /radars/{id}/targets/{target}`
pub(super) fn cancel_target(call: &mut Call<'_>) -> Answer {
    let ask = match leading_number(&captured(call, 1)) {
        Some(target) => {
            let handler = RadarHandler::CancelTarget;
            Ok(Ask::new(handler, "target cancellation", Meaning::Cancelled)
                .with("targetId", target))
        }
        None => Err(failed(400, "Invalid target ID. Must be a number")),
    };
    find(call, ask)
}

/// `GET /radars/{id}/arpa/settings`
pub(super) fn arpa_settings(call: &mut Call<'_>) -> Answer {
    find(call, Ok(Ask::new(RadarHandler::ArpaSettings, "ARPA settings", Meaning::Object)))
}

/// `PUT /radars/{id}/arpa/settings`
pub(super) fn set_arpa_settings(call: &mut Call<'_>) -> Answer {
    let ask = body(call.request).map(|mut body| {
        let settings = body.get_mut("value").map(Value::take).unwrap_or(body);
        let meaning = Meaning::Success("Failed to update ARPA settings");
        Ask::new(RadarHandler::SetArpaSettings, "ARPA settings", meaning).with("settings", settings)
    });
    find(call, ask)
}

/// Finds out whose the radar is, and asks. What was wrong with the request is said only when there is such a radar, as
/// in the reference.
fn find(call: &mut Call<'_>, ask: Result<Ask, HttpResponse>) -> Answer {
    find_or(call, radar_not_found, ask)
}

/// The same, with other words when there is no such radar.
fn find_or(
    call: &mut Call<'_>,
    missing: fn(&str) -> HttpResponse,
    ask: Result<Ask, HttpResponse>,
) -> Answer {
    let radar = captured(call, 0);
    let next = Box::new(move |later: &mut Later<'_>, client, radar: String, plugin| match ask {
        Ok(ask) => ask.put(later, client, &radar, plugin),
        Err(refusal) => respond(later, &client, refusal),
    });
    let providers = Provided::Radar.ids(call.plugins);
    let search = Search::new(client(call), radar, missing, providers, next);
    search.go_on(&mut later(call));
    Answer::Later
}

fn later<'a>(call: &'a mut Call<'_>) -> Later<'a> {
    Later { now: call.now, server: call.server, plugins: call.plugins }
}

fn captured(call: &Call<'_>, at: usize) -> String {
    call.captured.get(at).cloned().unwrap_or_default()
}

/// A body whose only member is `value` is an envelope; any other is the payload: compound controls have a `value` of
/// their own.
fn payload(call: &Call<'_>) -> Result<Value, HttpResponse> {
    body(call.request).map(|body| match body {
        Value::Object(mut members) if members.len() == 1 && members.contains_key("value") => {
            members.get_mut("value").map(Value::take).unwrap_or_default()
        }
        body => body,
    })
}

/// The routes of one control: the present setter, or the one of signalk-server 2.23 where a plugin has only that.
fn shortcut(
    control: &'static str,
    value: Value,
    older: RadarHandler,
    member: &'static str,
    (name, fails): (&'static str, &'static str),
) -> Ask {
    Ask::new(RadarHandler::SetControl, name, Meaning::Success(fails))
        .with("controlId", control)
        .with("value", value.clone())
        .or(Ask::new(older, name, Meaning::True(fails)).with(member, value))
}

fn automatic(
    call: &mut Call<'_>,
    control: &'static str,
    older: RadarHandler,
    texts: (&'static str, &'static str),
) -> Answer {
    let ask = body(call.request).and_then(|mut body| {
        let value = match body.get_mut("value") {
            Some(value) if value.is_object() => value.take(),
            _ => body,
        };
        if value.get("auto").and_then(Value::as_bool).is_none() {
            let text = format!("Invalid {control} value. Must have \"auto\" boolean property");
            return Err(failed(400, &text));
        }
        Ok(shortcut(control, value, older, control, texts))
    });
    find_or(call, not_found, ask)
}

/// Radar data may change at any time.
fn uncached(response: HttpResponse) -> HttpResponse {
    response.with("cache-control", "no-cache")
}

/// The answer of the list.
fn listed(radars: Map<String, Value>) -> HttpResponse {
    HttpResponse::json(200, &json!({ "version": API_VERSION, "radars": radars }))
}

/// Of the radar API that these routes are.
const API_VERSION: &str = "3.4.0";

const POWER: (&str, &str) = ("setPower", "Failed to set radar power state");
const RANGE: (&str, &str) = ("setRange", "Failed to set radar range");
const GAIN: (&str, &str) = ("setGain", "Failed to set radar gain");
const SEA: (&str, &str) = ("setSea", "Failed to set radar sea clutter");
const RAIN: (&str, &str) = ("setRain", "Failed to set radar rain clutter");
