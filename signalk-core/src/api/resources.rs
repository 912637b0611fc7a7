//! Addresses of resources and charts (server-api.md 4.2): what a request means, and which of it is refused before
//! anybody is asked. Who has the resources is `crate::resources`.

use serde_json::{Map, Value, json};
use signalk_model::{
    json as js,
    resource::{ResourceType, violations_text},
};

use super::{Answer, Call};
use crate::{
    http::{HttpRequest, HttpResponse, percent_decode},
    identity::uuid_v4,
    resources::{Client, Question, Turn, completed, failed},
};

/// `GET /signalk/v2/api/resources`
pub(super) fn types(call: &mut Call<'_>) -> Answer {
    HttpResponse::json(200, &call.server.resources.described(call.plugins)).into()
}

/// `GET .../{type}`
pub(super) fn list(call: &mut Call<'_>) -> Answer {
    let Some(kind) = served(call) else { return not_here(call) };
    let mut query = parameters(call.request);
    if let Some(standard) = ResourceType::from_name(&kind) {
        let violations = standard.query_violations(&mut query);
        if !violations.is_empty() {
            return failed(400, &violations_text(&violations)).into();
        }
    }
    ask(call, &kind, Question::List(query), false)
}

/// `GET .../{type}/{id}` and `GET .../{type}/{id}/{member}/...`
pub(super) fn get(call: &mut Call<'_>) -> Answer {
    let Some(kind) = served(call) else { return not_here(call) };
    let Some(id) = call.captured.get(1).cloned() else { return not_here(call) };
    let property =
        call.captured.get(2..).filter(|rest| !rest.is_empty()).map(|rest| rest.join("."));
    ask(call, &kind, Question::Get { id, property }, false)
}

/// `POST .../{type}`
pub(super) fn create(call: &mut Call<'_>) -> Answer {
    let Some(kind) = served(call) else { return not_here(call) };
    let value = match body(call.request) {
        Ok(value) => value,
        Err(refusal) => return refusal.into(),
    };
    if let Some(refusal) = invalid(&kind, &value) {
        return refusal.into();
    }
    let own = value.get("identifier").and_then(Value::as_str).filter(|_| kind == "charts");
    let id = own.map_or_else(|| uuid_v4(&*call.server.platform), str::to_owned);
    ask(call, &kind, Question::Set { id, value }, true)
}

/// `PUT .../{type}/{id}`
pub(super) fn put(call: &mut Call<'_>) -> Answer {
    let Some(kind) = served(call) else { return not_here(call) };
    let id = call.captured.get(1).cloned().unwrap_or_default();
    if ResourceType::from_name(&kind).is_some_and(|standard| !standard.takes_id(&id)) {
        return failed(400, &format!("Invalid resource id provided ({id})")).into();
    }
    let value = match body(call.request) {
        Ok(value) => value,
        Err(refusal) => return refusal.into(),
    };
    if let Some(refusal) = invalid(&kind, &value) {
        return refusal.into();
    }
    ask(call, &kind, Question::Set { id, value }, false)
}

/// `DELETE .../{type}/{id}`
pub(super) fn delete(call: &mut Call<'_>) -> Answer {
    let Some(kind) = served(call) else { return not_here(call) };
    let id = call.captured.get(1).cloned().unwrap_or_default();
    ask(call, &kind, Question::Delete { id }, false)
}

/// `GET .../{type}/_providers`
pub(super) fn providers(call: &mut Call<'_>) -> Answer {
    let kind = captured(call, 0);
    let providers = call.server.resources.providers(&kind, call.plugins);
    HttpResponse::json(200, &providers.iter().map(|provider| provider.id()).collect()).into()
}

/// `GET .../{type}/_providers/_default`
pub(super) fn default_provider(call: &mut Call<'_>) -> Answer {
    let kind = captured(call, 0);
    match call.server.resources.default_provider(&kind, call.plugins) {
        Some(provider) => HttpResponse::json(200, &provider.id().into()).into(),
        None => failed(404, &format!("Resource type not found! ({kind})")).into(),
    }
}

/// `POST .../{type}/_providers/_default/{id}`
pub(super) fn choose_default_provider(call: &mut Call<'_>) -> Answer {
    let (kind, id) = (captured(call, 0), captured(call, 1));
    let providers = call.server.resources.providers(&kind, call.plugins);
    if providers.is_empty() {
        return failed(400, &format!("Invalid resource type ({kind}) supplied!")).into();
    }
    let id = call.plugins.id_of(&id).map_or(id, |plugin| plugin.to_string());
    if !providers.iter().any(|provider| provider.id() == id) {
        return failed(400, &format!("Resource provider not found for {kind}!")).into();
    }
    call.server.choose_default_provider(&kind, &id);
    completed(201, &id).into()
}

/// `GET /plugins/resources-provider/_config`
pub(super) fn collections(call: &mut Call<'_>) -> Answer {
    HttpResponse::json(200, &call.server.resources.options.shown()).into()
}

/// `POST /plugins/resources-provider/_config/{name}`
pub(super) fn add_collection(call: &mut Call<'_>) -> Answer {
    let body = body(call.request).unwrap_or_default();
    let description =
        body.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (client, name) = (client(call), captured(call, 0));
    turn(call).change_collections(client, &name, Some(&description));
    Answer::Later
}

/// `DELETE /plugins/resources-provider/_config/{name}`: its files stay.
pub(super) fn remove_collection(call: &mut Call<'_>) -> Answer {
    let (client, name) = (client(call), captured(call, 0));
    turn(call).change_collections(client, &name, None);
    Answer::Later
}

/// `GET /signalk/chart-tiles/{chart}/{z}/{x}/{y}`
pub(super) fn tile(call: &mut Call<'_>) -> Answer {
    let numbers = |at: usize| leading_number(&captured(call, at));
    let (z, x, y) = (numbers(1), numbers(2), numbers(3));
    match checked_tile(z, x, y) {
        Ok(tile) => {
            let (client, chart) = (client(call), captured(call, 0));
            call.server.ask_tile(client, chart, tile);
            Answer::Later
        }
        Err(why) => HttpResponse::html(400, why).into(),
    }
}

/// `GET /signalk/v1/api/resources/charts` and `.../charts/{id}`
pub(super) fn charts_v1(call: &mut Call<'_>) -> Answer {
    let (client, id) = (client(call), call.captured.first().cloned());
    call.server.ask_charts_v1(client, id);
    Answer::Later
}

/// `GET /pmtiles/`
pub(super) fn raw_files(call: &mut Call<'_>) -> Answer {
    HttpResponse::json(200, &call.server.raw_files()).into()
}

/// `GET /pmtiles/{file}`
pub(super) fn raw_file(call: &mut Call<'_>) -> Answer {
    let (client, name) = (client(call), captured(call, 0));
    call.server.ask_raw_file(client, name);
    Answer::Later
}

fn ask(call: &mut Call<'_>, kind: &str, question: Question, created: bool) -> Answer {
    let wanted = call.request.query("provider").filter(|id| !id.is_empty());
    let client = client(call);
    turn(call).ask(client, kind, question, created, wanted.as_deref());
    Answer::Later
}

fn turn<'a>(call: &'a mut Call<'_>) -> Turn<'a> {
    Turn { now: call.now, server: call.server, plugins: call.plugins }
}

/// The type, when somebody has resources of it.
fn served(call: &Call<'_>) -> Option<String> {
    let kind = call.captured.first()?;
    (!call.server.resources.asked(kind, call.plugins).is_empty()).then(|| kind.clone())
}

fn captured(call: &Call<'_>, at: usize) -> String {
    call.captured.get(at).cloned().unwrap_or_default()
}

/// Whom to answer later: the body is not kept.
pub(super) fn client(call: &Call<'_>) -> Client {
    let headers = call.request.headers.iter();
    let kept = headers.filter(|(name, _)| KEPT.contains(&name.as_str())).cloned().collect();
    let request = HttpRequest {
        method: call.request.method.clone(),
        target: call.request.target.clone(),
        headers: kept,
        body: bytes::Bytes::new(),
        ..HttpRequest::default()
    };
    Client { id: call.id, request }
}

fn not_here(call: &Call<'_>) -> Answer {
    HttpResponse::not_found(&call.request.method, call.request.path()).into()
}

/// The value, as JavaScript reads it. No body at all is an empty object, as in the reference.
pub(super) fn body(request: &HttpRequest) -> Result<Value, HttpResponse> {
    if request.body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    super::body::read_resource(&request.body, js::parse)
}

fn invalid(kind: &str, value: &Value) -> Option<HttpResponse> {
    let violations = ResourceType::from_name(kind)?.violations(value);
    (!violations.is_empty()).then(|| failed(400, &violations_text(&violations)))
}

/// The query: a value that is JSON is what it says, any other is a text; a name that comes twice is a list of texts.
fn parameters(request: &HttpRequest) -> Map<String, Value> {
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    let mut texts: Map<String, Value> = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
        let text = Value::String(percent_decode(text, true));
        match texts.entry(percent_decode(name, true)) {
            serde_json::map::Entry::Vacant(place) => drop(place.insert(text)),
            serde_json::map::Entry::Occupied(mut place) => match place.get_mut() {
                Value::Array(all) => all.push(text),
                one => *one = json!([one.take(), text]),
            },
        }
    }
    let understood = |(name, value): (String, Value)| {
        let parsed = value.as_str().and_then(|text| js::parse(text.as_bytes()).ok());
        (name, parsed.unwrap_or(value))
    };
    texts.into_iter().map(understood).collect()
}

/// As JavaScript's `parseInt`: `12.png` is 12.
pub(super) fn leading_number(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

/// In the words of the reference's charts plugin.
fn checked_tile(z: Option<u64>, x: Option<u64>, y: Option<u64>) -> Result<(u8, u32, u32), String> {
    let shown =
        |number: Option<u64>| number.map_or_else(|| "NaN".to_owned(), |number| number.to_string());
    let zoom = z.and_then(|z| u8::try_from(z).ok()).filter(|z| *z <= MAX_ZOOM);
    let Some(zoom) = zoom else {
        return Err(format!("Invalid zoom {} (must be an integer in [0, {MAX_ZOOM}])", shown(z)));
    };
    let size = 1u64 << zoom;
    let inside = |name: &str, number: Option<u64>| {
        let small =
            number.filter(|number| *number < size).and_then(|number| u32::try_from(number).ok());
        small.ok_or_else(|| {
            format!(
                "Invalid {name} {} at zoom {zoom} (must be an integer in [0, {size}))",
                shown(number)
            )
        })
    };
    Ok((zoom, inside("x", x)?, inside("y", y)?))
}

/// What an answer's form depends on.
const KEPT: [&str; 5] = ["if-none-match", "accept-encoding", "range", "if-range", "host"];

const MAX_ZOOM: u8 = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_json_where_they_can_be() {
        let request =
            HttpRequest::get("/x?bbox=%5B24,60,26,61%5D&limit=5&name=a+b&empty=&twice=1&twice=2");
        assert_eq!(
            Value::Object(parameters(&request)).to_string(),
            r#"{"bbox":[24,60,26,61],"limit":5,"name":"a b","empty":"","twice":["1","2"]}"#
        );
    }

    #[test]
    fn a_tile_outside_its_zoom_level_is_refused_in_the_words_of_the_reference() {
        assert_eq!(checked_tile(Some(3), Some(7), Some(0)), Ok((3, 7, 0)));
        assert_eq!(
            checked_tile(Some(3), Some(8), Some(0)).unwrap_err(),
            "Invalid x 8 at zoom 3 (must be an integer in [0, 8))"
        );
        assert_eq!(
            checked_tile(Some(25), Some(0), Some(0)).unwrap_err(),
            "Invalid zoom 25 (must be an integer in [0, 24])"
        );
        assert!(checked_tile(Some(1), Some(0), None).unwrap_err().starts_with("Invalid y NaN"));
        assert_eq!(leading_number("12.png"), Some(12));
        assert_eq!(leading_number("-1"), None);
    }
}
