//! Where clients carry their tokens (server-api.md 6.4 for HTTP, 3.9 for sockets). Whether a token is good is
//! `token.rs`.

use crate::http::HttpRequest;

/// The cookie with the token.
pub(crate) const COOKIE: &str = "JAUTHENTICATION";

/// A token as it was found.
pub(crate) struct Found<'a> {
    pub(crate) token: std::borrow::Cow<'a, str>,
    pub(crate) by_cookie: bool,
}

impl<'a> Found<'a> {
    /// Of a request: cookie, then header. The address is not looked at: it would stand in histories and logs.
    pub(crate) fn in_request(request: &'a HttpRequest) -> Option<Found<'a>> {
        Found::in_cookie(request).or_else(|| Found::in_header(request))
    }

    /// Of an upgrade request: browsers cannot give a header along, so the address comes first.
    pub(crate) fn in_upgrade(request: &'a HttpRequest) -> Option<Found<'a>> {
        let asked = request.query("token").filter(|token| !token.is_empty());
        let asked = asked.map(|token| Found { token: token.into(), by_cookie: false });
        // The browser sends the cookie whichever page asks; a page of somebody else must not speak as the user.
        let in_cookie = || Found::in_cookie(request).filter(|_| !is_foreign(request));
        asked.or_else(|| Found::in_header(request)).or_else(in_cookie)
    }

    fn in_cookie(request: &'a HttpRequest) -> Option<Found<'a>> {
        let cookies = request.headers.iter().filter(|(name, _)| name == "cookie");
        let pairs = cookies.flat_map(|(_, value)| value.split(';'));
        let mut named = pairs.filter_map(|pair| pair.trim().split_once('='));
        let (_, token) = named.find(|(name, token)| *name == COOKIE && !token.is_empty())?;
        Some(Found { token: token.into(), by_cookie: true })
    }

    fn in_header(request: &'a HttpRequest) -> Option<Found<'a>> {
        let of = |name: &str| request.header(name).and_then(bearer);
        let token = of("authorization").or_else(|| of("x-authorization"))?;
        Some(Found { token: token.into(), by_cookie: false })
    }
}

/// Whether a page asks that is not this server's own: cookies know no ports, so browsers send them along also for a
/// page that another server of the same computer serves. A proxy that changes `Host` says which it was in
/// `X-Forwarded-Host`, which no page of others can set together with a cookie.
pub(crate) fn is_foreign(request: &HttpRequest) -> bool {
    let Some(origin) = request.header("origin") else { return false };
    // Browsers over TLS and on the computer itself know it best; no page can say it.
    if request.header("sec-fetch-site") == Some("same-origin") {
        return false;
    }
    let Some((scheme, authority)) = origin.split_once("://") else { return true };
    let default_port = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    let hosts = [request.header("host"), request.header("x-forwarded-host")];
    !hosts.into_iter().flatten().any(|host| {
        let host = host.strip_suffix(default_port).unwrap_or(host);
        host.eq_ignore_ascii_case(authority)
    })
}

/// What follows `Bearer` or `JWT`. Another scheme is none of ours: a proxy may have asked for it.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    ["bearer", "jwt"].contains(&scheme.to_ascii_lowercase().as_str()).then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(target: &str, headers: &[(&str, &str)]) -> HttpRequest {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        HttpRequest { headers: headers.collect(), ..HttpRequest::get(target) }
    }

    fn http(headers: &[(&str, &str)]) -> Option<(String, bool)> {
        let request = with("/?token=q", headers);
        Found::in_request(&request).map(|found| (found.token.into_owned(), found.by_cookie))
    }

    #[test]
    fn a_request_carries_it_in_a_cookie_or_a_header_and_not_in_its_address() {
        assert_eq!(http(&[]), None);
        assert_eq!(http(&[("authorization", "Bearer b")]), Some(("b".into(), false)));
        assert_eq!(http(&[("authorization", "JWT b")]), Some(("b".into(), false)));
        assert_eq!(http(&[("x-authorization", "JWT x")]), Some(("x".into(), false)));
        assert_eq!(http(&[("authorization", "Basic dTpw")]), None);
        let both = [("authorization", "JWT b"), ("cookie", "a=1; JAUTHENTICATION=c")];
        assert_eq!(http(&both), Some(("c".into(), true)));
        assert_eq!(http(&[("cookie", "JAUTHENTICATION=; b=2")]), None);
        assert_eq!(http(&[("cookie", "XJAUTHENTICATION=c")]), None);
    }

    #[test]
    fn an_upgrade_carries_it_in_its_address_first() {
        let headers = [("authorization", "JWT b"), ("cookie", "JAUTHENTICATION=c")];
        let of = |target: &str, headers: &[(&str, &str)]| {
            let request = with(target, headers);
            Found::in_upgrade(&request).map(|found| found.token.into_owned())
        };
        assert_eq!(of("/signalk/v1/stream?token=q", &headers).as_deref(), Some("q"));
        assert_eq!(of("/signalk/v1/stream", &headers).as_deref(), Some("b"));
        assert_eq!(of("/signalk/v1/stream?token=", &headers[1..]).as_deref(), Some("c"));
        let cookie = headers[1];
        let own = [cookie, ("host", "boat:3000"), ("origin", "http://boat:3000")];
        assert_eq!(of("/signalk/v1/stream", &own).as_deref(), Some("c"));
        let foreign = [cookie, ("host", "boat:3000"), ("origin", "http://boat:1880")];
        assert_eq!(of("/signalk/v1/stream", &foreign), None, "a page of another port");
    }

    #[test]
    fn a_page_is_our_own_if_its_origin_is_this_host() {
        for (headers, expected) in [
            (&[][..], false),
            (&[("origin", "http://boat:3000"), ("host", "boat:3000")], false),
            (&[("origin", "http://Boat"), ("host", "boat:80")], false),
            (&[("origin", "https://boat"), ("host", "boat:443")], false),
            (&[("origin", "http://boat"), ("host", "boat:443")], true),
            (&[("origin", "http://boat:1880"), ("host", "boat:3000")], true),
            (&[("origin", "null"), ("host", "boat:3000")], true),
            (&[("origin", "http://boat:3000")], true),
            (&[("origin", "https://b"), ("host", "::1:3000"), ("x-forwarded-host", "b")], false),
            (&[("origin", "https://b"), ("host", "x"), ("sec-fetch-site", "same-origin")], false),
            (&[("origin", "https://b"), ("host", "x"), ("sec-fetch-site", "same-site")], true),
        ] {
            assert_eq!(is_foreign(&with("/", headers)), expected, "{headers:?}");
        }
    }
}
