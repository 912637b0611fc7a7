//! A plugin's URL as people may see it: in logs, in its status, in what clients read.
//!
//! URLs carry secrets: an API key in the query, a token in the fragment, a name and a password
//! before the host. None of them helps to know the request by. What a URL means is the edge's
//! parser's business; here are only texts, also those that are no URL.

/// `url` without `user:password@`, and up to its query or fragment.
///
/// ```
/// use signalk_bridge::shown_url;
/// assert_eq!(shown_url("https://me:pw@a.b/wind?appid=key"), "https://a.b/wind");
/// ```
pub fn shown_url(url: &str) -> String {
    let open = url.split(['?', '#']).next().unwrap_or_default();
    let is_slash = |sign| matches!(sign, '/' | '\\');
    // A redirect may leave out the scheme; parsers take any number of slashes, of both kinds.
    let scheme = match open.starts_with(is_slash) {
        true => 0,
        false => open.find(':').map_or(0, |colon| colon + 1),
    };
    let (scheme, rest) = open.split_at(scheme);
    let (before, rest) = rest.split_at(rest.len() - rest.trim_start_matches(is_slash).len());
    if scheme.is_empty() && before.len() < 2 {
        return open.to_owned();
    }
    let host = rest.find(is_slash).unwrap_or(rest.len());
    let (host, path) = rest.split_at(host);
    let host = host.rsplit('@').next().unwrap_or_default();
    format!("{scheme}{before}{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_left_out_and_the_rest_stays() {
        for (url, shown) in [
            ("https://a.b/wind?lat=1&appid=key2", "https://a.b/wind"),
            ("https://a.b?appid=key2", "https://a.b"),
            ("https://a.b/wind#token", "https://a.b/wind"),
            ("http://user:pass@a.b:80/c@d", "http://a.b:80/c@d"),
            ("wss://user:p@ss@[::1]:3000/stream", "wss://[::1]:3000/stream"),
            ("http:\\\\user:pass@a.b\\c", "http:\\\\a.b\\c"),
            ("//user:pass@a.b/c", "//a.b/c"),
            ("/c@d/e?token=f", "/c@d/e"),
            ("file:///etc/passwd", "file:///etc/passwd"),
            ("user:pass@a.b", "user:a.b"),
            ("", ""),
        ] {
            assert_eq!(shown_url(url), shown, "{url}");
        }
    }
}
