//! Input connections as configured: `pipedProviders` of `settings.json`, and what an edge adds. Opening them is the
//! edge's.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use serde_json::Value;

use super::{settings::Settings, settings_form::number};

/// One configured input.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectionConfig {
    /// The user's name for it: the label of its sources.
    pub label: String,
    /// What its bytes mean.
    pub kind: ConnectionKind,
    /// Where they come from.
    pub endpoint: Endpoint,
    /// A disabled one is listed and not opened.
    pub enabled: bool,
}

/// What an input's bytes mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionKind {
    /// NMEA 0183 sentences.
    Nmea0183,
    /// One Signal K delta per line.
    SignalK,
    /// The reference's log of all its inputs: `MILLISECONDS;KIND;LINE`.
    Multiplexed,
}

/// Where an input's bytes come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Endpoint {
    /// The built-in boat. Driven by the core itself; never given to an edge.
    Demo {
        /// The same seed sails the same course.
        seed: u64,
    },
    /// Connect to.
    TcpClient {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// Listen for peers.
    TcpServer {
        /// On this address of the machine only; `None`: on all.
        address: Option<IpAddr>,
        /// Port.
        port: u16,
    },
    /// Listen for datagrams.
    Udp {
        /// On this address of the machine only; `None`: on all, broadcasts too.
        address: Option<IpAddr>,
        /// Port.
        port: u16,
    },
    /// A serial device.
    Serial {
        /// For example `/dev/ttyUSB0`.
        device: String,
        /// Bits per second.
        baud: u32,
    },
    /// A recorded file.
    File {
        /// Its path.
        path: String,
        /// How fast.
        pace: Pace,
        /// Lines are handed on with the time and the tag before them.
        stamped: bool,
    },
}

/// How fast a recorded file is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// About as fast as it was recorded: a line of sentences per tenth of a second where it has no times of its own.
    Real,
    /// As fast as it can be read.
    Max,
}

impl Endpoint {
    /// In words, for status and log.
    pub fn describe(&self) -> String {
        match self {
            Endpoint::Demo { seed } => format!("demo boat {seed}"),
            Endpoint::TcpClient { host, port } => format!("tcp://{host}:{port}"),
            Endpoint::TcpServer { address, port } => {
                format!("tcp-listen://{}", own_address(*address, *port))
            }
            Endpoint::Udp { address, port } => format!("udp://{}", own_address(*address, *port)),
            Endpoint::Serial { device, baud } => format!("serial:{device}?baud={baud}"),
            Endpoint::File { path, .. } => format!("file:{path}"),
        }
    }
}

impl ConnectionKind {
    /// The reference's name of it.
    pub fn name(self) -> &'static str {
        match self {
            ConnectionKind::Nmea0183 => "NMEA0183",
            ConnectionKind::SignalK => "SignalK",
            ConnectionKind::Multiplexed => "Multiplexed",
        }
    }
}

fn own_address(address: Option<IpAddr>, port: u16) -> String {
    address.map_or_else(|| format!(":{port}"), |address| SocketAddr::new(address, port).to_string())
}

/// The connections of `settings.json`; those of a kind that is not supported are complaints.
pub(super) fn from_settings(
    settings: &Settings,
    complaints: &mut Vec<String>,
) -> Vec<ConnectionConfig> {
    complaints.extend(refused(settings).into_values().map(|why| format!("settings.json: {why}")));
    settings.piped_providers().iter().filter_map(|provider| connection(provider).ok()).collect()
}

/// Those that are switched on and cannot be opened: name and reason.
pub(crate) fn refused(settings: &Settings) -> BTreeMap<String, String> {
    let enabled = settings.piped_providers().iter().filter(|provider| is_enabled(provider));
    enabled.filter_map(|provider| connection(provider).err()).collect()
}

/// A connection that does not say is switched on.
pub(crate) fn is_enabled(provider: &Value) -> bool {
    provider.get("enabled").and_then(Value::as_bool).unwrap_or(true)
}

/// An entry of `pipedProviders`; else its name, and why it is not opened.
pub(crate) fn connection(provider: &Value) -> Result<ConnectionConfig, (String, String)> {
    let label = provider.get("id").and_then(Value::as_str).unwrap_or("unnamed").to_owned();
    let enabled = is_enabled(provider);
    let options = provider.pointer("/pipeElements/0/options");
    let kind_name = options.and_then(|o| o.get("type")).and_then(Value::as_str).unwrap_or("");
    let sub = options.and_then(|o| o.get("subOptions")).cloned().unwrap_or(Value::Null);
    let understood = match kind_name {
        "NMEA0183" => endpoint(&sub).map(|endpoint| (ConnectionKind::Nmea0183, endpoint)),
        "SignalK" => endpoint(&sub).map(|endpoint| (ConnectionKind::SignalK, endpoint)),
        "FileStream" => file(&sub),
        _ => None,
    };
    match understood {
        Some((kind, endpoint)) => Ok(ConnectionConfig { label, kind, endpoint, enabled }),
        None => {
            let way = sub.get("type").or_else(|| sub.get("dataType")).and_then(Value::as_str);
            let why = format!(
                "connection `{label}` of type {kind_name} over {} is not supported and not opened",
                way.unwrap_or("?")
            );
            Err((label, why))
        }
    }
}

fn endpoint(sub: &Value) -> Option<Endpoint> {
    let text = |name: &str| {
        sub.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    match sub.get("type").and_then(Value::as_str)? {
        "tcp" => Some(Endpoint::TcpClient { host: text("host")?, port: member(sub, "port")? }),
        "tcpserver" => {
            Some(Endpoint::TcpServer { address: None, port: member(sub, "port").unwrap_or(10110) })
        }
        "udp" => Some(Endpoint::Udp { address: None, port: member(sub, "port")? }),
        "serial" => Some(Endpoint::Serial {
            device: text("device")?,
            baud: member(sub, "baudrate").unwrap_or(4800),
        }),
        _ => None,
    }
}

fn file(sub: &Value) -> Option<(ConnectionKind, Endpoint)> {
    let kind = match sub.get("dataType").and_then(Value::as_str)? {
        "NMEA0183" => ConnectionKind::Nmea0183,
        "SignalK" => ConnectionKind::SignalK,
        "Multiplexed" => ConnectionKind::Multiplexed,
        _ => return None,
    };
    let path = sub.get("filename").and_then(Value::as_str)?.to_owned();
    let stamped = kind == ConnectionKind::Multiplexed;
    Some((kind, Endpoint::File { path, pace: Pace::Real, stamped }))
}

fn member<N: TryFrom<u64>>(sub: &Value, name: &str) -> Option<N> {
    N::try_from(number(sub.get(name)?)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn piped_providers_of_the_reference_are_understood() {
        let text = r#"{"pipedProviders":[
            {"id":"gps","enabled":true,"pipeElements":[{"type":"providers/simple","options":{"type":"NMEA0183","subOptions":{"type":"tcp","host":"10.0.0.1","port":"10110"}}}]},
            {"id":"log","pipeElements":[{"type":"providers/simple","options":{"type":"FileStream","subOptions":{"dataType":"NMEA0183","filename":"a.log"}}}]},
            {"id":"can","enabled":true,"pipeElements":[{"type":"providers/simple","options":{"type":"NMEA2000","subOptions":{"type":"canbus-canboatjs"}}}]}]}"#;
        let mut complaints = Vec::new();
        let settings = Settings::parse(Some(text), &mut complaints);
        let connections = from_settings(&settings, &mut complaints);
        assert_eq!(connections.len(), 2);
        assert_eq!(
            connections[0].endpoint,
            Endpoint::TcpClient { host: "10.0.0.1".into(), port: 10110 }
        );
        assert_eq!(connections[1].endpoint.describe(), "file:a.log");
        assert_eq!(
            complaints,
            [
                "settings.json: connection `can` of type NMEA2000 over canbus-canboatjs is not supported and not opened"
            ]
        );
    }

    #[test]
    fn a_multiplexed_log_is_an_input_and_a_disabled_unknown_one_is_no_complaint() {
        let text = r#"{"pipedProviders":[
            {"id":"log","pipeElements":[{"type":"providers/simple","options":{"type":"FileStream","subOptions":{"dataType":"Multiplexed","filename":"a.log"}}}]},
            {"id":"can","enabled":false,"pipeElements":[{"type":"providers/canbus"}]}]}"#;
        let mut complaints = Vec::new();
        let settings = Settings::parse(Some(text), &mut complaints);
        let connections = from_settings(&settings, &mut complaints);
        assert_eq!(connections[0].kind, ConnectionKind::Multiplexed);
        let stamped = matches!(connections[0].endpoint, Endpoint::File { stamped: true, .. });
        assert!(stamped && complaints.is_empty(), "{complaints:?}");
    }

    #[test]
    fn a_listener_says_on_which_address() {
        let address = Some([127, 0, 0, 1].into());
        let endpoint = Endpoint::TcpServer { address, port: 10110 };
        assert_eq!(endpoint.describe(), "tcp-listen://127.0.0.1:10110");
        let address = Some(std::net::Ipv6Addr::LOCALHOST.into());
        assert_eq!(Endpoint::Udp { address, port: 7 }.describe(), "udp://[::1]:7");
        assert_eq!(Endpoint::Udp { address: None, port: 7 }.describe(), "udp://:7");
    }
}
