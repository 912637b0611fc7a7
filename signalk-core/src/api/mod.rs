//! HTTP as a function: request to response. Here is the way of a request: what would answer it, whether the caller may
//! have that (`gate`), and only then the answer. The routes are a table (`routes`); what a route does lives in one file
//! per family. The built-in page is the edge's; which file of a package is meant is decided here (`static_files`), and
//! the edge reads it.

mod admin;
mod body;
mod discovery;
mod endpoints;
mod exchange;
mod gate;
#[cfg(test)]
mod gate_tests;
mod media_type;
mod own_headers;
mod plugins;
mod provider;
mod put;
mod radar;
mod resources;
mod routes;
mod security;
mod settings;
mod static_files;
mod status;
mod v1;
mod weather;

pub(crate) use self::body::{are_few, is_too_much};
pub(crate) use self::endpoints::{address_of_plugin, client_headers};
pub(crate) use self::{
    body::{compact, values},
    gate::admit_socket,
    provider::DefaultProviders,
};

use std::time::Duration;

use self::routes::Route;
use crate::{
    http::{HttpRequest, HttpResponse},
    io::{Effect, HttpId, Output},
    plugins::{FoundEndpoint, Plugins},
    security::{Caller, Needs},
    server::Server,
};

/// What a route may use.
pub(crate) struct Call<'a> {
    pub(crate) now: Duration,
    pub(crate) id: HttpId,
    pub(crate) request: &'a HttpRequest,
    pub(crate) server: &'a mut Server,
    pub(crate) plugins: &'a mut Plugins,
    /// Who asks; what the route needs is given.
    pub(crate) caller: Caller,
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

/// Begins to answer a request whose body is at the edge, or asks for the whole of it first. Who may not ask need not
/// send it.
pub(crate) fn respond_to_head(
    now: Duration,
    id: HttpId,
    request: &HttpRequest,
    server: &mut Server,
    plugins: &mut Plugins,
) {
    let found = Found::by(request, server, plugins);
    let caller = match admitted(&found, request, server) {
        Ok(caller) => caller,
        Err(refused) => return server.respond(id, request, refused),
    };
    match found {
        Found::Endpoint(endpoint, inner) if endpoint.streams => {
            let captured = Vec::new();
            let call = &mut Call { now, id, request, server, plugins, caller, captured };
            if let Answer::Now(response) = endpoints::handle_head(call, endpoint, inner) {
                call.server.respond_plainly(id, response);
            }
        }
        _ => server.outputs.push_back(Output::Effect(Effect::HttpReadWhole { id })),
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
    let found = Found::by(request, server, plugins);
    let caller = match admitted(&found, request, server) {
        Ok(caller) => caller,
        Err(refused) => return refused.into(),
    };
    let renewed = server.security.renewed(&caller, is_secure(request), server.unix_seconds());
    let captured = Vec::new();
    let answer = found.answer(&mut Call { now, id, request, server, plugins, caller, captured });
    match (answer, renewed) {
        // DIFFERENCE: an answer that comes later renews nothing: the client's next question will.
        (Answer::Now(response), Some(cookies)) if response.header("set-cookie").is_none() => {
            cookies
                .into_iter()
                .fold(response, |response, cookie| response.with("set-cookie", cookie))
                .into()
        }
        (answer, _) => answer,
    }
}

fn admitted(
    found: &Found<'_>,
    request: &HttpRequest,
    server: &Server,
) -> Result<Caller, HttpResponse> {
    let caller = server.security.caller(request, server.unix_seconds());
    gate::admit(found.needs(), caller, request)
}

/// What would answer a request.
enum Found<'a> {
    /// A row of the table, and what its holes matched.
    Route(&'static Route, Vec<String>),
    /// A plugin's own, and the path below its mount.
    Endpoint(FoundEndpoint, &'a str),
    /// A file of a package.
    File(static_files::Wanted),
    /// Nothing below the mount of plugins, where nobody shall learn what there is.
    NothingOfPlugins,
    Nothing,
}

impl<'a> Found<'a> {
    fn by(request: &'a HttpRequest, server: &Server, plugins: &Plugins) -> Found<'a> {
        let method = if request.method == "HEAD" { "GET" } else { request.method.as_str() };
        if let Some((route, captured)) = routes::find(method, request.path()) {
            let own = if route.yields { endpoints::find(request, plugins) } else { None };
            return match own {
                Some((endpoint, inner)) => Found::Endpoint(endpoint, inner),
                None => Found::Route(route, captured),
            };
        }
        if let Some((endpoint, inner)) = endpoints::find(request, plugins) {
            return Found::Endpoint(endpoint, inner);
        }
        match static_files::find(request, server, plugins) {
            Some(wanted) => Found::File(wanted),
            None if is_of_plugins(request.path()) => Found::NothingOfPlugins,
            None => Found::Nothing,
        }
    }

    fn needs(&self) -> Needs {
        match self {
            Found::Route(route, _) => route.needs,
            Found::Endpoint(endpoint, _) => endpoint.needs,
            Found::File(wanted) => wanted.needs(),
            Found::NothingOfPlugins => Needs::ADMIN,
            Found::Nothing => Needs::Nothing,
        }
    }

    fn answer(self, call: &mut Call<'_>) -> Answer {
        match self {
            Found::Route(route, captured) => {
                call.captured = captured;
                (route.run)(call)
            }
            Found::Endpoint(endpoint, inner) => endpoints::handle(call, endpoint, inner),
            Found::File(wanted) => static_files::handle(call, wanted),
            Found::NothingOfPlugins | Found::Nothing => {
                HttpResponse::not_found(&call.request.method, call.request.path()).into()
            }
        }
    }
}

/// Below the list of plugins: their options, diagnostics, endpoints and files (plugin ABI 8.4).
fn is_of_plugins(path: &str) -> bool {
    let path = path.strip_prefix("/skServer").unwrap_or(path);
    path.strip_prefix("/plugins").is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

/// The client came over TLS, as a proxy says; of several the first in the list, which the client talked to.
fn is_secure(request: &HttpRequest) -> bool {
    let first = request.header("x-forwarded-proto").and_then(|list| list.split(',').next());
    first.is_some_and(|proto| proto.trim().eq_ignore_ascii_case("https"))
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

/// Status and message for a device that asks for access, also over the stream (server-api.md 6.6).
pub(crate) fn no_access_requests(security_is_on: bool) -> (u16, &'static str) {
    if security_is_on { (403, NO_REQUESTS_TAKEN) } else { (404, NO_ACCESS_REQUESTS) }
}

const NO_REQUESTS_TAKEN: &str =
    "This server takes no access requests: its owner adds the device to security.json.";
pub(crate) const NO_ACCESS_REQUESTS: &str =
    "Access requests not available. Server security may not be enabled.";
