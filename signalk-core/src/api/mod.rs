//! HTTP as a function: request to response. The table of routes, and nothing else; what a route does lives in one file per
//! family. The built-in page is the edge's; which file of a package is meant is decided here (`static_files`), and the edge reads it.

mod admin;
mod body;
mod discovery;
mod endpoints;
mod exchange;
mod own_headers;
mod plugins;
mod provider;
mod put;
mod radar;
mod resources;
mod settings;
mod static_files;
mod status;
mod v1;
mod weather;

pub(crate) use self::endpoints::{address_of_plugin, client_headers};
pub(crate) use self::{
    admin::NO_ACCESS_REQUESTS,
    body::{compact, values},
    provider::DefaultProviders,
};

use std::time::Duration;

use crate::{
    http::{HttpRequest, HttpResponse, percent_decode},
    io::{Effect, HttpId, Output},
    plugins::Plugins,
    server::Server,
};

/// What a route may use.
pub(crate) struct Call<'a> {
    pub(crate) now: Duration,
    pub(crate) id: HttpId,
    pub(crate) request: &'a HttpRequest,
    pub(crate) server: &'a mut Server,
    pub(crate) plugins: &'a mut Plugins,
    /// What the route's `{}` and `{*}` matched, decoded.
    pub(crate) captured: Vec<String>,
}

/// A response now, or later under the same id.
pub(crate) enum Answer {
    Now(HttpResponse),
    /// Whoever took [`Call::id`] responds.
    Later,
}

impl From<HttpResponse> for Answer {
    fn from(response: HttpResponse) -> Answer {
        Answer::Now(response)
    }
}

struct Route {
    method: &'static str,
    pattern: &'static str,
    /// Refused while [`crate::Config::writable`] is false.
    writes: bool,
    run: fn(&mut Call<'_>) -> Answer,
}

const fn get(pattern: &'static str, run: fn(&mut Call<'_>) -> Answer) -> Route {
    Route { method: "GET", pattern, writes: false, run }
}

const fn write(
    method: &'static str,
    pattern: &'static str,
    run: fn(&mut Call<'_>) -> Answer,
) -> Route {
    Route { method, pattern, writes: true, run }
}

/// First match wins; endpoints of plugins come after all of these. `{}` is one segment, `{*}` the rest (at least one segment); a trailing slash is ignored except where
/// the pattern has one.
const ROUTES: &[Route] = &[
    get("/signalk/v1/api/resources/charts", resources::charts_v1),
    get("/signalk/v1/api/resources/charts/{}", resources::charts_v1),
    get("/signalk/v1/api/", v1::full),
    get("/signalk/v1/api/snapshot/{*}", v1::snapshot),
    get("/signalk/v1/api/{*}", v1::node),
    get("/signalk/v1/snapshot/{*}", v1::snapshot),
    write("PUT", "/signalk/v1/api/{*}", put::put),
    write("DELETE", "/signalk/v1/api/{*}", put::delete),
    get("/signalk/v1/requests/{}", put::request_state),
    get("/signalk/v1/apps/list", plugins::apps),
    get("/signalk", discovery::endpoints),
    get("/signalk/v2/features", discovery::features),
    get("/signalk/v2/api/resources", resources::types),
    get("/signalk/v2/api/resources/{}/_providers", resources::providers),
    get("/signalk/v2/api/resources/{}/_providers/_default", resources::default_provider),
    write(
        "POST",
        "/signalk/v2/api/resources/{}/_providers/_default/{}",
        resources::choose_default_provider,
    ),
    get("/signalk/v2/api/resources/{}", resources::list),
    get("/signalk/v2/api/resources/{}/{}", resources::get),
    get("/signalk/v2/api/resources/{}/{}/{*}", resources::get),
    write("POST", "/signalk/v2/api/resources/{}", resources::create),
    write("PUT", "/signalk/v2/api/resources/{}/{}", resources::put),
    write("DELETE", "/signalk/v2/api/resources/{}/{}", resources::delete),
    get("/signalk/chart-tiles/{}/{}/{}/{}", resources::tile),
    get("/pmtiles", resources::raw_files),
    get("/pmtiles/{}", resources::raw_file),
    get("/plugins/resources-provider/_config", resources::collections),
    write("POST", "/plugins/resources-provider/_config/{}", resources::add_collection),
    write("DELETE", "/plugins/resources-provider/_config/{}", resources::remove_collection),
    get("/signalk/v2/api/weather", weather::describe),
    get("/signalk/v2/api/weather/_providers", weather::providers),
    get("/signalk/v2/api/weather/_providers/_default", weather::default_provider),
    write(
        "POST",
        "/signalk/v2/api/weather/_providers/_default/{}",
        weather::choose_default_provider,
    ),
    get("/signalk/v2/api/weather/observations", weather::observations),
    get("/signalk/v2/api/weather/forecasts", weather::describe_forecasts),
    get("/signalk/v2/api/weather/forecasts/daily", weather::daily),
    get("/signalk/v2/api/weather/forecasts/point", weather::point),
    get("/signalk/v2/api/weather/warnings", weather::warnings),
    get("/signalk/v2/api/vessels/self/radars", radar::list),
    get("/signalk/v2/api/vessels/self/radars/_providers", radar::providers),
    get("/signalk/v2/api/vessels/self/radars/_providers/_default", radar::default_provider),
    write(
        "POST",
        "/signalk/v2/api/vessels/self/radars/_providers/_default/{}",
        radar::choose_default_provider,
    ),
    get("/signalk/v2/api/vessels/self/radars/{}", radar::info),
    write("PUT", "/signalk/v2/api/vessels/self/radars/{}", radar::controls),
    write("PUT", "/signalk/v2/api/vessels/self/radars/{}/power", radar::power),
    write("PUT", "/signalk/v2/api/vessels/self/radars/{}/range", radar::range),
    write("PUT", "/signalk/v2/api/vessels/self/radars/{}/gain", radar::gain),
    write("PUT", "/signalk/v2/api/vessels/self/radars/{}/sea", radar::sea),
    write("PUT", "/signalk/v2/api/vessels/self/radars/{}/rain", radar::rain),
    get("/signalk/v2/api/vessels/self/radars/{}/capabilities", radar::capabilities),
    get("/signalk/v2/api/vessels/self/radars/{}/state", radar::state),
    get("/signalk/v2/api/vessels/self/radars/{}/controls", radar::all_controls),
    get("/signalk/v2/api/vessels/self/radars/{}/controls/{}", radar::control),
    write("PUT", "/signalk/v2/api/vessels/self/radars/{}/controls/{}", radar::set_control),
    get("/signalk/v2/api/vessels/self/radars/{}/targets", radar::targets),
    write("POST", "/signalk/v2/api/vessels/self/radars/{}/targets", radar::acquire_target),
    write("DELETE", "/signalk/v2/api/vessels/self/radars/{}/targets/{}", radar::cancel_target),
    get("/signalk/v2/api/vessels/self/radars/{}/arpa/settings", radar::arpa_settings),
    write("PUT", "/signalk/v2/api/vessels/self/radars/{}/arpa/settings", radar::set_arpa_settings),
    get("/signalk-host/status", status::status),
    get("/skServer/loginStatus", admin::login_status),
    get("/loginStatus", admin::login_status),
    get("/skServer/plugins", plugins::list),
    get("/plugins", plugins::list),
    get("/skServer/plugins/{}", plugins::info),
    get("/plugins/{}", plugins::info),
    get("/skServer/plugins/{}/config", plugins::config),
    get("/plugins/{}/config", plugins::config),
    get("/skServer/plugins/{}/diagnostics", plugins::diagnostics),
    get("/plugins/{}/diagnostics", plugins::diagnostics),
    write("POST", "/skServer/plugins/{}/reload", plugins::reload),
    write("POST", "/plugins/{}/reload", plugins::reload),
    write("POST", "/skServer/plugins/{}/config", plugins::save_config),
    write("POST", "/plugins/{}/config", plugins::save_config),
    get("/skServer/webapps", plugins::webapps),
    get("/webapps", plugins::webapps),
    get("/skServer/addons", plugins::addons),
    get("/skServer/settings", settings::settings),
    write("PUT", "/skServer/settings", settings::save_settings),
    get("/skServer/vessel", settings::vessel),
    write("PUT", "/skServer/vessel", settings::save_vessel),
    get("/skServer/availablePaths", admin::available_paths),
    get("/skServer/providers", settings::providers),
    write("POST", "/skServer/providers", settings::add_provider),
    write("PUT", "/skServer/providers/{}", settings::change_provider),
    write("DELETE", "/skServer/providers/{}", settings::remove_provider),
    get("/skServer/serialports", admin::serial_ports),
    get("/skServer/multiSourcePaths", admin::multi_source_paths),
    get("/skServer/debugKeys", admin::empty_list),
    get("/skServer/logfiles", admin::empty_list),
    get("/skServer/paths", admin::paths),
    get("/skServer/positionSources", admin::empty_list),
    get("/skServer/priorityGroups", admin::empty_list),
    get("/skServer/sourceAliases", admin::empty_object),
    get("/skServer/ignoredInstanceConflicts", admin::empty_object),
    get("/skServer/livePreferredSources", admin::empty_object),
    get("/skServer/priorityOverrides", admin::empty_object),
    get("/skServer/priorities", admin::priorities),
    get("/skServer/hasAnalyzer", admin::no),
    get("/skServer/security/hasBackup", admin::no_backup),
    get("/skServer/security/config", admin::security_off),
    get("/skServer/security/devices", admin::security_off),
    get("/skServer/security/users", admin::security_off),
    get("/skServer/security/access/requests", admin::no_access_requests),
    get("/", admin::landing_page),
    get("/admin", admin::admin_folder),
];

/// Answers a request, or keeps its id for later.
pub(crate) fn respond(
    now: Duration,
    id: HttpId,
    request: &HttpRequest,
    server: &mut Server,
    plugins: &mut Plugins,
) {
    let answer = answer(now, id, request, server, plugins);
    if let Answer::Now(response) = answer {
        server.respond(id, request, response);
    }
}

/// Begins to answer a request whose body is at the edge, or asks for the whole of it first.
pub(crate) fn respond_to_head(
    now: Duration,
    id: HttpId,
    request: &HttpRequest,
    server: &mut Server,
    plugins: &mut Plugins,
) {
    let path = request.path();
    let routed = ROUTES
        .iter()
        .any(|route| route.method == request.method && matches(route.pattern, path).is_some());
    if !server.config.writable() && is_of_plugins(path) {
        return server.respond_plainly(id, HttpResponse::text(403, READ_ONLY));
    }
    let call = &mut Call { now, id, request, server, plugins, captured: Vec::new() };
    match (!routed).then(|| endpoints::handle_head(call)).flatten() {
        Some(Answer::Now(response)) => call.server.respond_plainly(id, response),
        Some(Answer::Later) => {}
        None => call.server.outputs.push_back(Output::Effect(Effect::HttpReadWhole { id })),
    }
}

fn answer(
    now: Duration,
    id: HttpId,
    request: &HttpRequest,
    server: &mut Server,
    plugins: &mut Plugins,
) -> Answer {
    if request.method == "OPTIONS" {
        return preflight(request).into();
    }
    let method = if request.method == "HEAD" { "GET" } else { request.method.as_str() };
    let path = request.path();
    if !server.config.writable() && is_of_plugins(path) {
        return HttpResponse::text(403, READ_ONLY).into();
    }
    for route in ROUTES.iter().filter(|route| route.method == method) {
        let Some(captured) = matches(route.pattern, path) else { continue };
        if route.writes && !server.config.writable() {
            return HttpResponse::text(403, READ_ONLY).into();
        }
        return (route.run)(&mut Call { now, id, request, server, plugins, captured });
    }
    let call = &mut Call { now, id, request, server, plugins, captured: Vec::new() };
    endpoints::handle(call)
        .or_else(|| static_files::handle(call))
        .unwrap_or_else(|| HttpResponse::not_found(&request.method, path).into())
}

/// Below the list of plugins: their options, diagnostics, endpoints and files. With security on all of it needs an
/// administrator (plugin ABI 8.4): a GET of a plugin may change things, options and logs may hold passwords.
fn is_of_plugins(path: &str) -> bool {
    let path = path.strip_prefix("/skServer").unwrap_or(path);
    path.strip_prefix("/plugins/").is_some_and(|below| !below.is_empty())
}

/// What somebody reads who asks for a WebSocket where none is given, whoever it belongs to.
pub(crate) fn is_closed(target: &str, server: &Server) -> Option<HttpResponse> {
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    let closed = !server.config.writable() && is_of_plugins(path);
    closed.then(|| HttpResponse::text(403, READ_ONLY))
}

/// What the pattern's holes matched, or `None`.
fn matches(pattern: &str, path: &str) -> Option<Vec<String>> {
    if pattern.len() > 1 && pattern.ends_with('/') || !pattern.contains('{') {
        let same =
            pattern == path || (!pattern.ends_with('/') && path.strip_suffix('/') == Some(pattern));
        return same.then(Vec::new);
    }
    let (fixed, _) = pattern.split_once('{')?;
    let mut rest = path.strip_prefix(fixed)?;
    rest = rest.strip_suffix('/').unwrap_or(rest);
    let mut captured = Vec::new();
    let holes = pattern.get(fixed.len()..)?;
    if holes == "{*}" {
        let decoded = rest.split('/').map(|segment| percent_decode(segment, false));
        return (!rest.is_empty()).then(|| decoded.collect());
    }
    let mut segments = rest.split('/');
    for part in holes.split('/') {
        let segment = segments.next()?;
        match part {
            "{*}" if !segment.is_empty() => {
                let all = std::iter::once(segment).chain(segments.by_ref());
                captured.extend(all.map(|segment| percent_decode(segment, false)));
            }
            "{}" if !segment.is_empty() => captured.push(percent_decode(segment, false)),
            "{}" => return None,
            _ if part == segment => {}
            _ => return None,
        }
    }
    segments.next().is_none().then_some(captured)
}

fn preflight(request: &HttpRequest) -> HttpResponse {
    let mut response = HttpResponse::empty(204);
    response
        .headers
        .push(("access-control-allow-methods".into(), "GET,HEAD,PUT,PATCH,POST,DELETE".into()));
    if let Some(asked) = request.header("access-control-request-headers") {
        response.headers.push(("access-control-allow-headers".into(), asked.to_owned()));
        response.headers.push(("vary".into(), "Access-Control-Request-Headers".into()));
    }
    response
}

const READ_ONLY: &str =
    "The server is read-only: security.json exists and security is not supported yet";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_the_reference_does() {
        let some =
            |captured: &[&str]| Some(captured.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>());
        assert_eq!(matches("/signalk/v1/api/", "/signalk/v1/api/"), some(&[]));
        assert_eq!(matches("/signalk/v1/api/", "/signalk/v1/api"), None);
        assert_eq!(matches("/signalk", "/signalk/"), some(&[]));
        assert_eq!(
            matches("/signalk/v1/api/{*}", "/signalk/v1/api/vessels/self/"),
            some(&["vessels", "self"])
        );
        assert_eq!(matches("/signalk/v1/api/{*}", "/signalk/v1/api/a%2Fb"), some(&["a/b"]));
        assert_eq!(matches("/r/{}/{}/{*}", "/r/a/b/c/d%2Fe"), some(&["a", "b", "c", "d/e"]));
        assert_eq!(matches("/r/{}/{}/{*}", "/r/a/b/"), None);
        assert_eq!(matches("/plugins/{}/config", "/plugins/x/config"), some(&["x"]));
        assert_eq!(matches("/plugins/{}/config", "/plugins/x/other"), None);
        assert_eq!(matches("/plugins/{}", "/plugins/x/"), some(&["x"]));
        assert_eq!(matches("/plugins/{}", "/plugins/x/y"), None);
        assert_eq!(matches("/", "/"), some(&[]));
    }
}
