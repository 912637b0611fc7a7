//! `--nmea0183 SOURCE`: the text form of an input. Nothing is opened here.

use std::{fmt, path::PathBuf, str::FromStr};

/// Where NMEA 0183 comes from, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InputSpec {
    /// `?id=`: the name in `$source`.
    pub(crate) id: Option<String>,
    /// The rest.
    pub(crate) place: Place,
}

/// The five forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A log.
    File {
        /// Relative to the working directory.
        path: PathBuf,
        /// `?pace=max`.
        as_fast_as_possible: bool,
    },
    /// A gateway that we connect to.
    Tcp {
        /// A name or an address.
        host: String,
        /// Never 0.
        port: u16,
    },
    /// A port that gateways connect to.
    TcpListen {
        /// Empty: every address.
        address: String,
        /// 0: any.
        port: u16,
    },
    /// A port that datagrams are sent to.
    Udp {
        /// Empty: every address.
        address: String,
        /// 0: any.
        port: u16,
    },
    /// A serial line.
    Serial {
        /// `/dev/ttyUSB0`, `COM3`.
        device: String,
        /// 4800 is NMEA 0183's own.
        baud: u32,
    },
}

/// Why a text is not a source.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpecError {
    /// No known form begins like this.
    #[error("unknown source; known are file:PATH, tcp://HOST:PORT, tcp-listen://:PORT, udp://:PORT and serial:DEVICE")]
    Form,
    /// The part after the last colon is no port.
    #[error("`{0}` is not a port (1 to 65535); the form is {1}")]
    Port(String, &'static str),
    /// A connection needs somebody to connect to.
    #[error("the host is missing; the form is tcp://HOST:PORT")]
    Host,
    /// Nothing after the colon.
    #[error("the name is missing; the form is {0}")]
    Name(&'static str),
    /// `?what=`
    #[error("unknown option `{0}`; known are {1}")]
    Option(String, &'static str),
    /// `?known=wrong`
    #[error("`{value}` is not a value of `{option}`; it is {expected}")]
    Value {
        /// Before the `=`.
        option: &'static str,
        /// After it.
        value: String,
        /// In words.
        expected: &'static str,
    },
}

impl FromStr for InputSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let (place, query) = text.split_once('?').unwrap_or((text, ""));
        let mut options = Options::parse(query)?;
        let place = if let Some(rest) = place.strip_prefix("tcp-listen://") {
            let (address, port) = address_and_port(rest, "tcp-listen://[ADDRESS]:PORT")?;
            Place::TcpListen { address, port }
        } else if let Some(rest) = place.strip_prefix("tcp://") {
            let (host, port) = address_and_port(rest, "tcp://HOST:PORT")?;
            if host.is_empty() {
                return Err(SpecError::Host);
            }
            if port == 0 {
                return Err(SpecError::Port("0".into(), "tcp://HOST:PORT"));
            }
            Place::Tcp { host, port }
        } else if let Some(rest) = place.strip_prefix("udp://") {
            let (address, port) = address_and_port(rest, "udp://[ADDRESS]:PORT")?;
            Place::Udp { address, port }
        } else if let Some(path) = place.strip_prefix("file:") {
            let as_fast_as_possible = match options.take("pace").as_deref() {
                None | Some("real") => false,
                Some("max") => true,
                Some(other) => {
                    return Err(SpecError::Value {
                        option: "pace",
                        value: other.into(),
                        expected: "real or max",
                    });
                }
            };
            let path = path.strip_prefix("//").unwrap_or(path);
            Place::File {
                path: not_empty(path, "file:PATH")?.into(),
                as_fast_as_possible,
            }
        } else if let Some(device) = place.strip_prefix("serial:") {
            let baud = match options.take("baud") {
                None => 4800,
                Some(text) => text.parse().ok().filter(|baud| *baud > 0).ok_or(SpecError::Value {
                    option: "baud",
                    value: text,
                    expected: "a number, for example 4800 or 38400",
                })?,
            };
            let device = device.strip_prefix("//").unwrap_or(device);
            Place::Serial { device: not_empty(device, "serial:DEVICE")?.into(), baud }
        } else {
            return Err(SpecError::Form);
        };
        let id = options.take("id");
        options.none_left()?;
        Ok(InputSpec { id, place })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File { path, .. } => write!(f, "file:{}", path.display()),
            Place::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Place::TcpListen { address, port } => write!(f, "tcp-listen://{address}:{port}"),
            Place::Udp { address, port } => write!(f, "udp://{address}:{port}"),
            Place::Serial { device, baud } => write!(f, "serial:{device} ({baud} baud)"),
        }
    }
}

fn address_and_port(text: &str, form: &'static str) -> Result<(String, u16), SpecError> {
    let (address, port) =
        text.rsplit_once(':').ok_or_else(|| SpecError::Port(text.to_owned(), form))?;
    let port = port.parse().map_err(|_| SpecError::Port(port.to_owned(), form))?;
    let address = address.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(address);
    Ok((address.to_owned(), port))
}

fn not_empty<'a>(text: &'a str, form: &'static str) -> Result<&'a str, SpecError> {
    if text.is_empty() { Err(SpecError::Name(form)) } else { Ok(text) }
}

struct Options(Vec<(String, String)>);

impl Options {
    fn parse(query: &str) -> Result<Options, SpecError> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        Ok(Options(
            pairs
                .map(|pair| {
                    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (key.to_owned(), value.to_owned())
                })
                .collect(),
        ))
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.remove(at).1)
    }

    fn none_left(self) -> Result<(), SpecError> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((key, _)) => {
                Err(SpecError::Option(key, "id, pace (of file:) and baud (of serial:)"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        text.parse::<InputSpec>().unwrap().place
    }

    #[test]
    fn every_form_is_understood() {
        assert_eq!(place("tcp://gw.local:10110"), Place::Tcp { host: "gw.local".into(), port: 10110 });
        assert_eq!(place("tcp://[::1]:7"), Place::Tcp { host: "::1".into(), port: 7 });
        assert_eq!(place("udp://:2000"), Place::Udp { address: String::new(), port: 2000 });
        assert_eq!(
            place("tcp-listen://127.0.0.1:0"),
            Place::TcpListen { address: "127.0.0.1".into(), port: 0 }
        );
        assert_eq!(
            place("file:../a b.log?pace=max"),
            Place::File { path: "../a b.log".into(), as_fast_as_possible: true }
        );
        assert_eq!(
            place("serial:/dev/ttyUSB0?baud=38400&id=ais"),
            Place::Serial { device: "/dev/ttyUSB0".into(), baud: 38400 }
        );
        assert_eq!("udp://:1?id=gps".parse::<InputSpec>().unwrap().id.as_deref(), Some("gps"));
    }

    #[test]
    fn a_mistake_is_answered_with_the_right_form() {
        for (text, part) in [
            ("usb:1", "known are file:PATH"),
            ("tcp://:1", "host is missing"),
            ("tcp://x", "tcp://HOST:PORT"),
            ("udp://:99999", "`99999` is not a port"),
            ("file:", "file:PATH"),
            ("file:x?pace=slow", "real or max"),
            ("serial:/dev/x?baud=fast", "a number"),
            ("udp://:1?speed=2", "unknown option `speed`"),
        ] {
            let error = text.parse::<InputSpec>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
