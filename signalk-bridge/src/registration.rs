//! What a plugin offers: PUT handlers, providers, HTTP endpoints.
//!
//! Clauses: plugin ABI 4.7, 8.5. Whoever keeps the registrations (`signalk-core`)
//! ends them with the plugin's life; registering twice replaces.

use serde::Deserialize;

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
    /// An extension for JSON-RPC plugins: bodies of requests and answers in pieces (`http.read`, `http.respond`, `http.write`).
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

const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];

impl Endpoint {
    /// Reads what `http_endpoints` answered: the endpoints that are understood, and complaints
    /// about the rest.
    pub fn read(text: &str) -> (Vec<Endpoint>, Vec<String>) {
        if text.trim().is_empty() {
            return (Vec::new(), Vec::new());
        }
        let rows: Vec<serde_json::Value> = match serde_json::from_str(text) {
            Ok(rows) => rows,
            Err(error) => {
                let text = format!("http_endpoints is no JSON array ({error}): no endpoints");
                return (Vec::new(), vec![text]);
            }
        };
        let mut complaints = Vec::new();
        let mut endpoints = Vec::new();
        for row in rows {
            match Endpoint::deserialize(&row) {
                Err(error) => complaints.push(format!("http_endpoints: {row}: {error}; skipped")),
                Ok(mut endpoint) => {
                    endpoint.method.make_ascii_uppercase();
                    if METHODS.contains(&endpoint.method.as_str()) {
                        endpoints.push(endpoint);
                    } else {
                        let method = &endpoint.method;
                        complaints.push(format!(
                            "http_endpoints: method {method} is not one of GET, POST, PUT, DELETE; skipped"
                        ));
                    }
                }
            }
        }
        (endpoints, complaints)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_leniently_and_bad_ones_are_named() {
        let text = r#"[{"method":"get","path":"/api/data","handler":"handle_data"},
            {"method":"PATCH","path":"/x","handler":"h"},
            {"method":"POST","handler":"h"},
            {"method":"Put","path":"/y","handler":"h","access":"readonly"}]"#;
        let (endpoints, complaints) = Endpoint::read(text);
        let seen: Vec<_> = endpoints.iter().map(|e| (e.method.as_str(), e.access)).collect();
        assert_eq!(seen, [("GET", Access::Admin), ("PUT", Access::Readonly)]);
        assert_eq!(complaints.len(), 2);
        assert!(
            complaints[0].contains("PATCH") && complaints[1].contains("path"),
            "{complaints:?}"
        );
    }

    #[test]
    fn what_is_no_array_gives_no_endpoints() {
        assert_eq!(Endpoint::read("").1, Vec::<String>::new());
        assert!(Endpoint::read("{}").1[0].contains("no JSON array"));
    }
}
