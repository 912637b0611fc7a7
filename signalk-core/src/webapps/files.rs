//! One file of a package's pages: which is meant, and what the client gets of it.
//!
//! The edge finds it and tells the facts; everything else is decided here, so
//! that every edge serves alike. Paths are steps by name only: nothing that
//! leads upwards gets this far, and what links do inside a folder is the edge's
//! to refuse.

use crate::{
    http::{HttpRequest, HttpResponse, percent_decode},
    range::{Asked, byte_range},
};

/// A file that a client wants.
#[derive(Debug, Clone)]
pub struct StaticFile {
    /// The package's folder, in the edge's own words; no link may lead out of it.
    pub package: String,
    /// Without a folder `public` in the package, the package itself is meant.
    pub or_package: bool,
    /// Below that folder, `/` between names, checked; a page (`index.html`) where the address is a folder.
    pub path: String,
    /// Ready-compressed neighbours that the client takes, best first: the same name and [`Coding::ending`].
    pub codings: Vec<Coding>,
    request: HttpRequest,
}

/// How a neighbour of a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// `br`
    Brotli,
    /// `gzip`
    Gzip,
}

/// What the edge found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing, or nothing that may be shown.
    Missing,
    /// A folder.
    Folder,
    /// A file.
    File(FileFacts),
}

/// What is known of a file, or of the compressed neighbour that is sent in its stead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileFacts {
    /// In bytes.
    pub length: u64,
    /// When it was last written, milliseconds since the Unix epoch.
    pub modified_ms: u64,
    /// It is the neighbour.
    pub coding: Option<Coding>,
}

/// What the client gets.
#[derive(Debug)]
pub enum FileAnswer {
    /// This, and nothing of the file.
    Whole(HttpResponse),
    /// This, with a piece of the file as its body.
    Piece {
        /// Everything but the body.
        head: HttpResponse,
        /// The first byte.
        offset: u64,
        /// How many bytes.
        length: u64,
    },
}

impl Coding {
    /// Of the neighbour's name.
    pub fn ending(self) -> &'static str {
        match self {
            Coding::Brotli => ".br",
            Coding::Gzip => ".gz",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Coding::Brotli => "br",
            Coding::Gzip => "gzip",
        }
    }
}

impl StaticFile {
    /// `below` is the rest of the address, still percent-encoded. `None`: no file is meant by it.
    pub(crate) fn new(
        package: &str,
        or_package: bool,
        below: &str,
        request: &HttpRequest,
    ) -> Option<StaticFile> {
        let mut names = Vec::new();
        let (folder, last) = below.rsplit_once('/').unwrap_or(("", below));
        for step in folder.split('/').filter(|step| !step.is_empty()).chain([last]) {
            let name = percent_decode(step, false);
            // Hidden files stay hidden, as in the reference.
            let is_plain = !name.starts_with('.') && !name.contains(['/', '\\', '\0', ':']);
            names.push(is_plain.then_some(name)?);
        }
        if last.is_empty() {
            names.pop();
            names.push("index.html".to_owned());
        }
        // Of a range of the file itself; the neighbour is another file.
        let takes = |coding: &Coding| {
            request.header("range").is_none()
                && request.header("accept-encoding").is_some_and(|it| accepts(it, coding.name()))
        };
        Some(StaticFile {
            package: package.to_owned(),
            or_package,
            path: names.join("/"),
            codings: [Coding::Brotli, Coding::Gzip].into_iter().filter(takes).collect(),
            request: HttpRequest { body: bytes::Bytes::new(), ..request.clone() },
        })
    }

    /// What the client gets, once the edge has looked.
    pub fn answer(&self, found: Found) -> FileAnswer {
        let whole = match found {
            Found::Missing => HttpResponse::not_found(&self.request.method, self.request.path()),
            Found::Folder => into_folder(&self.request),
            Found::File(facts) => return self.piece(facts),
        };
        FileAnswer::Whole(for_everybody(whole))
    }

    fn piece(&self, facts: FileFacts) -> FileAnswer {
        let FileFacts { length, modified_ms, coding } = facts;
        let tag = format!("W/\"{length:x}-{modified_ms:x}\"");
        let mut head = HttpResponse::empty(200)
            .with("content-type", content_type(&self.path))
            .with("cache-control", "public, max-age=0")
            .with("accept-ranges", "bytes")
            .with("vary", "Accept-Encoding")
            .with("etag", tag.as_str());
        if let Some(coding) = coding {
            head = head.with("content-encoding", coding.name());
        }
        let head = for_everybody(head);
        if self.request.header("if-none-match").is_some_and(|known| names_tag(known, &tag)) {
            let mut same = HttpResponse { status: 304, ..head };
            same.headers
                .retain(|(name, _)| !matches!(&**name, "content-type" | "content-encoding"));
            return FileAnswer::Whole(same);
        }
        let if_range = self.request.header("if-range").is_none_or(|known| known == tag);
        let asked = self.request.header("range").filter(|_| if_range && coding.is_none());
        match asked.map(|range| byte_range(range, length)) {
            None | Some(Asked::Ignored) => FileAnswer::Piece { head, offset: 0, length },
            Some(Asked::Bytes(from, to)) => {
                let range = format!("bytes {from}-{to}/{length}");
                // Compressed on the way, it would not be the range that was asked for.
                let mut head =
                    head.with("content-range", range).with("content-encoding", "identity");
                head.status = 206;
                FileAnswer::Piece { head, offset: from, length: to - from + 1 }
            }
            Some(Asked::Outside) => {
                let mut outside = for_everybody(HttpResponse::error(416, "Range Not Satisfiable"));
                outside.headers.push(("content-range".into(), format!("bytes */{length}")));
                FileAnswer::Whole(outside)
            }
        }
    }
}

/// 301 from a folder's bare name to its page, with the reference's body.
pub(crate) fn into_folder(request: &HttpRequest) -> HttpResponse {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    // Two slashes would begin the name of another host.
    let path = format!("/{}/", path.trim_matches('/'));
    let to = if query.is_empty() { path } else { format!("{path}?{query}") };
    let mut response = HttpResponse::redirecting_page(&to);
    response.headers.push(("location".into(), to));
    response
}

fn for_everybody(response: HttpResponse) -> HttpResponse {
    response
        .with("access-control-allow-origin", "*")
        .with("access-control-allow-credentials", "true")
}

/// By the ending, with the character set of texts.
fn content_type(path: &str) -> String {
    let guess = mime_guess::from_path(path).first_or_octet_stream();
    let kind = guess.essence_str();
    let is_text = kind.starts_with("text/")
        || matches!(
            kind,
            "application/javascript" | "application/json" | "application/manifest+json"
        );
    if is_text { format!("{kind}; charset=utf-8") } else { kind.to_owned() }
}

fn names_tag(header: &str, tag: &str) -> bool {
    let strong = tag.trim_start_matches("W/");
    header.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == strong)
}

/// Named by itself and not forbidden; `*` is too little to send something special for.
fn accepts(header: &str, coding: &str) -> bool {
    header.split(',').any(|one| {
        let (name, quality) = one.split_once(";q=").unwrap_or((one, "1"));
        name.trim() == coding && quality.trim().parse::<f64>().is_ok_and(|quality| quality > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(below: &str, headers: &[(&str, &str)]) -> Option<StaticFile> {
        let mut request = HttpRequest::get(&format!("/app/{below}"));
        request.headers =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        StaticFile::new("dir", true, below, &request)
    }

    fn path(below: &str) -> Option<String> {
        wanted(below, &[]).map(|file| file.path)
    }

    #[test]
    fn w45_only_names_inside_the_folder_are_meant() {
        for (below, meant) in [
            ("", "index.html"),
            ("a.js", "a.js"),
            ("a//b/", "a/b/index.html"),
            ("a%20b.txt", "a b.txt"),
            ("..a", ""),
            ("x/..%2f..%2fsecret", ""),
            ("../secret", ""),
            ("x/%2e%2e/secret", ""),
            ("x/../../secret", ""),
            ("%5c..%5csecret", ""),
            ("c:/windows", ""),
            ("a%00b", ""),
            (".git/config", ""),
            ("a/.", ""),
        ] {
            assert_eq!(path(below).unwrap_or_default(), meant, "{below}");
        }
    }

    fn answered(
        file: &StaticFile,
        coding: Option<Coding>,
    ) -> (u16, Vec<String>, Option<(u64, u64)>) {
        let facts = FileFacts { length: 0xf68a, modified_ms: 0x1a1fbe6a04c, coding };
        let (response, piece) = match file.answer(Found::File(facts)) {
            FileAnswer::Whole(response) => (response, None),
            FileAnswer::Piece { head, offset, length } => (head, Some((offset, length))),
        };
        let shown = ["content-type", "etag", "content-range", "content-encoding", "cache-control"];
        let headers = response.headers.iter().filter(|(name, _)| shown.contains(&&**name));
        (response.status, headers.map(|(n, v)| format!("{n}: {v}")).collect(), piece)
    }

    #[test]
    fn a_file_is_sent_as_the_reference_sends_it() {
        let tag = "etag: W/\"f68a-1a1fbe6a04c\"";
        assert_eq!(
            answered(&wanted("", &[]).unwrap(), None),
            (
                200,
                vec![
                    "content-type: text/html; charset=utf-8".to_owned(),
                    "cache-control: public, max-age=0".to_owned(),
                    tag.to_owned(),
                ],
                Some((0, 0xf68a))
            )
        );
        let (status, headers, piece) = answered(
            &wanted("i.png", &[("if-none-match", "\"x\", W/\"f68a-1a1fbe6a04c\"")]).unwrap(),
            None,
        );
        assert_eq!((status, piece), (304, None));
        assert!(headers.contains(&tag.to_owned()) && headers.len() == 2, "{headers:?}");
    }

    #[test]
    fn ranges_are_answered_unless_the_file_has_changed() {
        let get = |headers: &[(&str, &str)]| answered(&wanted("a.bin", headers).unwrap(), None);
        let (status, headers, piece) = get(&[("range", "bytes=10-19")]);
        assert_eq!((status, piece), (206, Some((10, 10))));
        assert!(headers.contains(&"content-range: bytes 10-19/63114".to_owned()), "{headers:?}");
        assert!(headers.contains(&"content-encoding: identity".to_owned()), "{headers:?}");
        assert_eq!(get(&[("range", "bytes=99999-")]).0, 416);
        assert_eq!(get(&[("range", "bytes=0-1"), ("if-range", "W/\"old\"")]).0, 200);
        assert_eq!(get(&[("range", "bytes=0-1"), ("if-range", "W/\"f68a-1a1fbe6a04c\"")]).0, 206);
    }

    #[test]
    fn compressed_neighbours_are_for_those_who_take_them() {
        let codings =
            |header: &str| wanted("a.js", &[("accept-encoding", header)]).unwrap().codings;
        assert_eq!(codings("gzip, deflate, br"), [Coding::Brotli, Coding::Gzip]);
        assert_eq!(codings("gzip;q=0.5, br;q=0"), [Coding::Gzip]);
        assert!(codings("*").is_empty());
        let ranged = wanted("a.js", &[("accept-encoding", "br"), ("range", "bytes=0-1")]).unwrap();
        assert!(ranged.codings.is_empty());
        let file = wanted("a.js", &[("accept-encoding", "br")]).unwrap();
        let (_, headers, _) = answered(&file, Some(Coding::Brotli));
        assert!(headers.contains(&"content-encoding: br".to_owned()), "{headers:?}");
        assert!(
            headers.contains(&"content-type: text/javascript; charset=utf-8".to_owned()),
            "{headers:?}"
        );
    }

    #[test]
    fn a_folder_leads_to_its_page() {
        let to = |target: &str| {
            let response = into_folder(&HttpRequest::get(target));
            (response.status, response.header("location").unwrap().to_owned(), response.body.len())
        };
        // The reference's page for this address has 171 bytes.
        assert_eq!(to("/@signalk/freeboard-sk"), (301, "/@signalk/freeboard-sk/".to_owned(), 171));
        assert_eq!(to("/app?zoom=1").1, "/app/?zoom=1");
        assert_eq!(to("//evil.example").1, "/evil.example/");
    }
}
