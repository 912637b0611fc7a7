//! Input connections as configured: `pipedProviders` of `settings.json`, and what an edge adds. Opening them is the edge's.

use serde_json::Value;

use super::settings::Settings;

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
        /// Port.
        port: u16,
    },
    /// Listen for datagrams.
    Udp {
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
            Endpoint::TcpServer { port } => format!("tcp-listen://:{port}"),
            Endpoint::Udp { port } => format!("udp://:{port}"),
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
        }
    }
}

/// The connections of `settings.json`; those of a kind that is not supported are complaints.
pub(super) fn from_settings(
    settings: &Settings,
    complaints: &mut Vec<String>,
) -> Vec<ConnectionConfig> {
    let providers = settings.get("pipedProviders").and_then(Value::as_array);
    providers
        .into_iter()
        .flatten()
        .filter_map(|provider| from_provider(provider, complaints))
        .collect()
}

fn from_provider(provider: &Value, complaints: &mut Vec<String>) -> Option<ConnectionConfig> {
    let label = provider.get("id").and_then(Value::as_str).unwrap_or("unnamed").to_owned();
    let enabled = provider.get("enabled").and_then(Value::as_bool).unwrap_or(true);
    let options = provider.pointer("/pipeElements/0/options");
    let kind_name = options.and_then(|o| o.get("type")).and_then(Value::as_str).unwrap_or("");
    let sub = options.and_then(|o| o.get("subOptions")).cloned().unwrap_or(Value::Null);
    let understood = match kind_name {
        "NMEA0183" => endpoint(&sub).map(|endpoint| (ConnectionKind::Nmea0183, endpoint)),
        "SignalK" => endpoint(&sub).map(|endpoint| (ConnectionKind::SignalK, endpoint)),
        "FileStream" => file(&sub),
        _ => None,
    };
    if understood.is_none() && enabled {
        let way =
            sub.get("type").or_else(|| sub.get("dataType")).and_then(Value::as_str).unwrap_or("?");
        complaints.push(format!("settings.json: connection `{label}` of type {kind_name} over {way} is not supported and not opened"));
    }
    understood.map(|(kind, endpoint)| ConnectionConfig { label, kind, endpoint, enabled })
}

fn endpoint(sub: &Value) -> Option<Endpoint> {
    let text = |name: &str| {
        sub.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    match sub.get("type").and_then(Value::as_str)? {
        "tcp" => Some(Endpoint::TcpClient { host: text("host")?, port: number(sub, "port")? }),
        "tcpserver" => Some(Endpoint::TcpServer { port: number(sub, "port").unwrap_or(10110) }),
        "udp" => Some(Endpoint::Udp { port: number(sub, "port")? }),
        "serial" => Some(Endpoint::Serial {
            device: text("device")?,
            baud: number(sub, "baudrate").unwrap_or(4800),
        }),
        _ => None,
    }
}

fn file(sub: &Value) -> Option<(ConnectionKind, Endpoint)> {
    let kind = match sub.get("dataType").and_then(Value::as_str)? {
        "NMEA0183" => ConnectionKind::Nmea0183,
        "SignalK" => ConnectionKind::SignalK,
        _ => return None,
    };
    let path = sub.get("filename").and_then(Value::as_str)?.to_owned();
    Some((kind, Endpoint::File { path, pace: Pace::Real }))
}

/// The admin UI saves ports as text or as number.
fn number<N: TryFrom<u64>>(sub: &Value, name: &str) -> Option<N> {
    let value = sub.get(name)?;
    let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    N::try_from(number).ok()
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
}
