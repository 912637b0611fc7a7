//! Where an answer sends a request next: as `fetch` of browsers does it.

use http::{HeaderMap, Method, StatusCode, header};
use signalk_bridge::shown_url;
use url::Url;

/// What is asked.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: bytes::Bytes,
    /// The body comes in pieces instead.
    pub(super) in_pieces: bool,
}

impl Ask {
    /// Its URL as people may see it.
    pub(super) fn shown(&self) -> String {
        shown_url(self.url.as_str())
    }

    /// The next one after this answer; `None`: the answer stands.
    pub(super) fn after(
        &self,
        status: StatusCode,
        answer: &HeaderMap,
    ) -> Option<Result<Ask, String>> {
        if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let location = answer.get(header::LOCATION)?;
        let text = String::from_utf8_lossy(location.as_bytes());
        let url = match self.url.join(&text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => url,
            _ => {
                let text = shown_url(&text);
                return Some(Err(format!("{} is redirected to `{text}`", self.shown())));
            }
        };
        let mut next = Ask { url, ..self.clone() };
        let was_post = self.method == Method::POST;
        let becomes_get = match status.as_u16() {
            301 | 302 => was_post,
            303 => self.method != Method::HEAD,
            _ => false,
        };
        if becomes_get {
            next.method = Method::GET;
            next.body = bytes::Bytes::new();
            next.in_pieces = false;
            next.headers.remove(header::CONTENT_TYPE);
            next.headers.remove(header::CONTENT_ENCODING);
        }
        if next.url.origin() != self.url.origin() {
            for secret in [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION] {
                next.headers.remove(secret);
            }
        }
        Some(Ok(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(method: Method) -> Ask {
        let headers = HeaderMap::from_iter([
            (header::AUTHORIZATION, "Bearer x".parse().unwrap()),
            (header::CONTENT_TYPE, "text/plain".parse().unwrap()),
        ]);
        let url = Url::parse("http://a.b/c/d?e").unwrap();
        let body = bytes::Bytes::from_static(b"x");
        Ask { method, url, headers, body, in_pieces: true }
    }

    fn after(method: Method, status: u16, location: &str) -> Option<Result<Ask, String>> {
        let answer = HeaderMap::from_iter([(header::LOCATION, location.parse().unwrap())]);
        ask(method).after(StatusCode::from_u16(status).unwrap(), &answer)
    }

    #[test]
    fn posts_become_gets_and_keep_their_method_where_the_status_says_so() {
        for (method, status, expected) in [
            (Method::POST, 301, Method::GET),
            (Method::POST, 302, Method::GET),
            (Method::PUT, 302, Method::PUT),
            (Method::PUT, 303, Method::GET),
            (Method::HEAD, 303, Method::HEAD),
            (Method::POST, 307, Method::POST),
            (Method::DELETE, 308, Method::DELETE),
        ] {
            let next = after(method, status, "../x").unwrap().unwrap();
            assert_eq!((next.method.clone(), next.url.as_str()), (expected, "http://a.b/x"));
            assert_eq!(next.body.is_empty(), next.method == Method::GET);
            assert_eq!(next.in_pieces, next.method != Method::GET);
        }
        assert!(after(Method::GET, 200, "/").is_none() && after(Method::GET, 304, "/").is_none());
    }

    #[test]
    fn secrets_stay_with_their_origin() {
        let holds = |location: &str| {
            let next = after(Method::GET, 302, location).unwrap().unwrap();
            next.headers.contains_key(header::AUTHORIZATION)
        };
        assert!(holds("/x") && holds("http://a.b/y"));
        assert!(!holds("https://a.b/x") && !holds("http://a.b:8080/") && !holds("//c.d/"));
    }

    #[test]
    fn other_schemes_are_not_followed() {
        assert!(after(Method::GET, 302, "file:///etc/passwd").unwrap().is_err());
    }
}
