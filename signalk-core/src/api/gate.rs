//! Whether somebody may do what they ask for: every request passes here once, whatever answers it. What a route needs
//! is its row in `routes.rs`, or what a plugin said of its endpoint; everything else of plugins is an administrator's.

use serde_json::json;

use super::is_of_plugins;
use crate::binary::is_binary_stream;
use crate::http::{HttpRequest, HttpResponse};
use crate::plugins::Plugins;
use crate::security::{BadToken, Caller, Needs, cleared, is_foreign};
use crate::server::Server;

/// The caller, if it may; otherwise what it reads (server-api.md 6.4).
pub(super) fn admit(
    needs: Needs,
    caller: Result<Caller, BadToken>,
    request: &HttpRequest,
) -> Result<Caller, HttpResponse> {
    let is_safe = ["GET", "HEAD", "OPTIONS"].contains(&request.method.as_str());
    match caller {
        Ok(caller)
            if caller.by_cookie && !is_safe && needs != Needs::Nothing && is_foreign(request) =>
        {
            Err(HttpResponse::error(403, FOREIGN))
        }
        Ok(caller) if caller.may(needs) => Ok(caller),
        Ok(caller) => Err(refusal(&caller, request)),
        // Nobody in particular, where that does.
        Err(_) if needs == Needs::Nothing => Ok(Caller::default()),
        Err(_) => Err(without_cookies(HttpResponse::html(401, "bad auth token"))),
    }
}

/// The same for an upgrade request. What a stream may carry is asked for each message.
pub(crate) fn admit_socket(
    request: &HttpRequest,
    server: &Server,
    plugins: &Plugins,
) -> Result<Caller, HttpResponse> {
    let caller = server.security.upgrader(request, server.unix_seconds());
    // DIFFERENCE: a bad token is refused at every address, also where nothing is.
    let caller =
        caller.map_err(|bad| HttpResponse::json(401, &json!({ "error": bad.to_string() })))?;
    let path = request.path();
    let needs = if is_of_plugins(path) {
        plugins.socket_needs(path)
    } else if is_binary_stream(path) {
        Needs::READ
    } else {
        Needs::Nothing
    };
    if caller.may(needs) { Ok(caller) } else { Err(refusal(&caller, request)) }
}

/// What somebody reads who may not.
fn refusal(caller: &Caller, request: &HttpRequest) -> HttpResponse {
    let accepts = request.header("accept").unwrap_or_default();
    if caller.is_unknown() {
        HttpResponse::html(401, "Unauthorized")
    } else if accepts.contains("application/json") && !accepts.contains("text/html") {
        HttpResponse::json(401, &json!({ "error": "Permission Denied" }))
    } else {
        HttpResponse::text(401, DENIED)
    }
}

/// A browser forgets its token.
pub(super) fn without_cookies(response: HttpResponse) -> HttpResponse {
    cleared().into_iter().fold(response, |response, cookie| response.with("set-cookie", cookie))
}

const FOREIGN: &str = "a page of another server asks with this server's cookie: its Origin is not the Host (a proxy has to pass Host or X-Forwarded-Host on)";
const DENIED: &str =
    "You do not have permission to view this resource, <a href='/admin/#/login'>Please Login</a>";
