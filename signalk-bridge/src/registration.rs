//! What a plugin offers: PUT handlers, providers, HTTP endpoints, a delta input handler.
//!
//! Clauses: plugin ABI 4.7, 8.5. Whoever keeps the registrations (`signalk-core`)
//! ends them with the plugin's life; registering twice replaces.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::shown;

/// One thing that a plugin offers from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registration {
    /// Clients may PUT to this path.
    Put {
        /// `vessels.self` or a full context.
        context: String,
        /// Dotted.
        path: String,
    },
    /// Provides resources of a type.
    Resources {
        /// `routes`, `notes` or any other name.
        kind: String,
    },
    /// Provides weather.
    Weather {
        /// For people.
        name: String,
    },
    /// Provides radars.
    Radar {
        /// For people.
        name: String,
    },
    /// Answers HTTP below `/plugins/<id>`; the whole list, in order.
    Http(Vec<Endpoint>),
    /// Takes WebSockets of clients below `/plugins/<id>`.
    WebSockets {
        /// All paths, in order, Express 4 syntax.
        paths: Vec<String>,
        /// Subprotocols that it speaks.
        protocols: Vec<String>,
        /// Who may open one while security is on.
        access: Access,
    },
    /// Sees deltas before they are in the model, and may change or drop them.
    DeltaInput {
        /// `vessels.self`, another, or a pattern.
        context: String,
        /// Path patterns; none: the handler is taken off.
        paths: Vec<String>,
    },
}

/// One HTTP endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Endpoint {
    /// `GET`, `POST`, `PUT` or `DELETE`, in capitals.
    pub method: String,
    /// Below the plugin's mount, Express 4 syntax: `/api/tiles/:z/:x/:y`.
    pub path: String,
    /// Export (or JSON-RPC handler) name.
    pub handler: String,
    /// Who may call it.
    #[serde(default)]
    pub access: Access,
    /// An extension: bytes that its reply may have, for methods that cannot be asked twice: in the buffer ABI
    /// they get a buffer of this size instead of 1 MiB. At most 24 MiB.
    #[serde(default, rename = "maxResponse")]
    pub largest_reply: Option<u32>,
    /// An extension for JSON-RPC plugins: bodies of requests and answers in pieces (`http.read`, `http.respond`,
    /// `http.write`).
    #[serde(default)]
    pub stream: bool,
}

/// Who may call an endpoint (plugin ABI W24).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Whoever may read.
    Readonly,
    /// Whoever may write.
    Readwrite,
    /// The owner.
    #[default]
    Admin,
}

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/// Endpoints of a plugin: each is looked at for each request.
const MOST: usize = 200;
/// Bytes of the whole list.
const LONGEST: usize = 256 << 10;
/// Bytes of a path or of a handler's name.
const LONGEST_NAME: usize = 1000;
/// Rows that are complained about one by one.
const MOST_COMPLAINTS: usize = 5;

impl Endpoint {
    /// Reads what `http_endpoints` answered: the endpoints that are understood, and complaints
    /// about the rest, few whatever the answer.
    pub fn read(text: &str) -> (Vec<Endpoint>, Vec<String>) {
        if text.trim().is_empty() {
            return (Vec::new(), Vec::new());
        }
        let (endpoints, complaints) = Endpoint::rows(text)
            .unwrap_or_else(|reason| (Vec::new(), vec![format!("{reason}: no endpoints")]));
        let complaint = |text| format!("http_endpoints: {text}");
        (endpoints, complaints.into_iter().map(complaint).collect())
    }

    /// [`Endpoint::read`] of a list; why it is none.
    pub(crate) fn rows(text: &str) -> Result<(Vec<Endpoint>, Vec<String>), String> {
        if text.len() > LONGEST {
            return Err(format!("has {} bytes, the limit is {LONGEST}", text.len()));
        }
        let rows: Vec<&RawValue> =
            serde_json::from_str(text).map_err(|error| format!("is no JSON array ({error})"))?;
        let (mut endpoints, mut complaints, mut more) = (Vec::new(), Vec::new(), 0_usize);
        for row in &rows {
            match Endpoint::row(row.get()) {
                Ok(endpoint) if endpoints.len() < MOST => endpoints.push(endpoint),
                Err(reason) if complaints.len() < MOST_COMPLAINTS => {
                    complaints.push(format!("{reason}; skipped"));
                }
                _ => more += 1,
            }
        }
        if more > 0 {
            complaints.push(format!(
                "{more} more rows are skipped; the limit is {MOST}, and each has method, path and handler"
            ));
        }
        Ok((endpoints, complaints))
    }

    fn row(text: &str) -> Result<Endpoint, String> {
        let mut endpoint: Endpoint =
            serde_json::from_str(text).map_err(|error| format!("{}: {error}", shown(text)))?;
        endpoint.method.make_ascii_uppercase();
        if !METHODS.contains(&endpoint.method.as_str()) {
            let shown = shown(&endpoint.method);
            return Err(format!("method {shown} is not one of GET, POST, PUT, PATCH, DELETE"));
        }
        for (what, text) in [("path", &endpoint.path), ("handler", &endpoint.handler)] {
            if text.len() > LONGEST_NAME {
                return Err(format!(
                    "a {what} of {} bytes, the limit is {LONGEST_NAME}",
                    text.len()
                ));
            }
        }
        Ok(endpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_leniently_and_bad_ones_are_named() {
        let text = r#"[{"method":"get","path":"/api/data","handler":"handle_data"},
            {"method":"TRACE","path":"/x","handler":"h"},
            {"method":"POST","handler":"h"},
            {"method":"Put","path":"/y","handler":"h","access":"readonly"}]"#;
        let (endpoints, complaints) = Endpoint::read(text);
        let seen: Vec<_> = endpoints.iter().map(|e| (e.method.as_str(), e.access)).collect();
        assert_eq!(seen, [("GET", Access::Admin), ("PUT", Access::Readonly)]);
        assert_eq!(complaints.len(), 2);
        assert!(
            complaints[0].contains("TRACE") && complaints[1].contains("path"),
            "{complaints:?}"
        );
    }

    #[test]
    fn rows_and_complaints_are_bounded() {
        let (endpoints, complaints) = Endpoint::read(&format!("[{}1]", "1,".repeat(100_000)));
        assert_eq!(endpoints, []);
        assert!(complaints.len() <= 6, "{}", complaints.len());
        assert!(complaints.last().unwrap().contains("more rows"), "{complaints:?}");

        let row = r#"{"method":"GET","path":"/a","handler":"h"}"#;
        let (endpoints, complaints) = Endpoint::read(&format!("[{}]", vec![row; 250].join(",")));
        assert_eq!(endpoints.len(), 200);
        assert!(complaints.len() == 1 && complaints[0].contains("limit is 200"), "{complaints:?}");

        let (endpoints, complaints) = Endpoint::read(&format!("[{row}{}]", " ".repeat(256 << 10)));
        assert_eq!(endpoints, []);
        assert!(complaints.len() == 1 && complaints[0].contains("262144"), "{complaints:?}");
    }

    #[test]
    fn names_that_nobody_can_ask_for_are_skipped() {
        let long = "x".repeat(1001);
        let text = format!(
            r#"[{{"method":"GET","path":"/{long}","handler":"h"}},{{"method":"GET","path":"/a","handler":"{long}"}}]"#
        );
        let (endpoints, complaints) = Endpoint::read(&text);
        assert_eq!((endpoints.len(), complaints.len()), (0, 2));
        assert!(complaints.iter().all(|text| text.len() < 300), "{complaints:?}");
    }

    #[test]
    fn what_is_no_array_gives_no_endpoints() {
        assert_eq!(Endpoint::read("").1, Vec::<String>::new());
        assert!(Endpoint::read("{}").1[0].contains("no JSON array"));
    }
}
