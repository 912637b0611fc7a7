//! `--nmea0183 SOURCE`: the text form of an input. Nothing is opened here.

use std::{net::IpAddr, str::FromStr};

use signalk_core::{Endpoint, config::Pace};

/// Where NMEA 0183 comes from, as typed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct InputSpec {
    /// `?id=`: the name in `$source`.
    pub(crate) id: Option<String>,
    /// The rest.
    pub(crate) endpoint: Endpoint,
}

/// Why a text is not a source.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpecError {
    /// No known form begins like this.
    #[error(
        "unknown source; known are file:PATH, tcp://HOST:PORT, tcp-listen://[ADDRESS]:PORT, udp://[ADDRESS]:PORT and serial:DEVICE"
    )]
    Form,
    /// The part after the last colon is no port.
    #[error("`{0}` is not a port (1 to 65535); the form is {1}")]
    Port(String, &'static str),
    /// A connection needs somebody to connect to.
    #[error("the host is missing; the form is tcp://HOST:PORT")]
    Host,
    /// We listen on an address, not on a name, which may have several.
    #[error(
        "`{0}` is not an address of this machine, as 127.0.0.1; the form is {1}, without ADDRESS for all of them"
    )]
    Address(String, &'static str),
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
        let endpoint = if let Some(rest) = place.strip_prefix("tcp-listen://") {
            let (address, port) = own_address(rest, "tcp-listen://ADDRESS:PORT")?;
            Endpoint::TcpServer { address, port }
        } else if let Some(rest) = place.strip_prefix("tcp://") {
            let (host, port) = address_and_port(rest, "tcp://HOST:PORT")?;
            if host.is_empty() {
                return Err(SpecError::Host);
            }
            Endpoint::TcpClient { host, port }
        } else if let Some(rest) = place.strip_prefix("udp://") {
            let (address, port) = own_address(rest, "udp://ADDRESS:PORT")?;
            Endpoint::Udp { address, port }
        } else if let Some(path) = place.strip_prefix("file:") {
            let path = not_empty(path.strip_prefix("//").unwrap_or(path), "file:PATH")?.into();
            Endpoint::File { path, pace: options.pace()?, stamped: false }
        } else if let Some(device) = place.strip_prefix("serial:") {
            let device = device.strip_prefix("//").unwrap_or(device);
            let device = not_empty(device, "serial:DEVICE")?.into();
            Endpoint::Serial { device, baud: options.baud()? }
        } else {
            return Err(SpecError::Form);
        };
        let id = options.take("id").filter(|id| !id.is_empty());
        options.none_left()?;
        Ok(InputSpec { id, endpoint })
    }
}

/// Without an address: on all of this machine, because gateways send to whichever they know.
fn own_address(text: &str, form: &'static str) -> Result<(Option<IpAddr>, u16), SpecError> {
    let (address, port) = address_and_port(text, form)?;
    if address.is_empty() {
        return Ok((None, port));
    }
    let parsed = address.parse().map_err(|_| SpecError::Address(address, form))?;
    Ok((Some(parsed), port))
}

fn address_and_port(text: &str, form: &'static str) -> Result<(String, u16), SpecError> {
    let (address, port) =
        text.rsplit_once(':').ok_or_else(|| SpecError::Port(text.to_owned(), form))?;
    let port = port.parse().ok().filter(|port| *port > 0);
    let port = port
        .ok_or_else(|| SpecError::Port(text.rsplit(':').next().unwrap_or(text).to_owned(), form))?;
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

    fn pace(&mut self) -> Result<Pace, SpecError> {
        match self.take("pace").as_deref() {
            None | Some("real") => Ok(Pace::Real),
            Some("max") => Ok(Pace::Max),
            Some(other) => Err(SpecError::Value {
                option: "pace",
                value: other.into(),
                expected: "real or max",
            }),
        }
    }

    fn baud(&mut self) -> Result<u32, SpecError> {
        let Some(text) = self.take("baud") else { return Ok(NMEA_BAUD) };
        text.parse().ok().filter(|baud| *baud > 0).ok_or(SpecError::Value {
            option: "baud",
            value: text,
            expected: "a number, for example 4800 or 38400",
        })
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

/// NMEA 0183's own speed.
const NMEA_BAUD: u32 = 4800;

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Endpoint {
        text.parse::<InputSpec>().unwrap().endpoint
    }

    #[test]
    fn every_form_is_understood() {
        assert_eq!(
            place("tcp://gw.local:10110"),
            Endpoint::TcpClient { host: "gw.local".into(), port: 10110 }
        );
        assert_eq!(place("tcp://[::1]:7"), Endpoint::TcpClient { host: "::1".into(), port: 7 });
        assert_eq!(place("udp://:2000"), Endpoint::Udp { address: None, port: 2000 });
        let address = Some([127, 0, 0, 1].into());
        assert_eq!(place("udp://127.0.0.1:2000"), Endpoint::Udp { address, port: 2000 });
        assert_eq!(
            place("tcp-listen://127.0.0.1:10110"),
            Endpoint::TcpServer { address, port: 10110 }
        );
        let address = Some(std::net::Ipv6Addr::LOCALHOST.into());
        assert_eq!(place("tcp-listen://[::1]:7"), Endpoint::TcpServer { address, port: 7 });
        assert_eq!(
            place("file:../a b.log?pace=max"),
            Endpoint::File { path: "../a b.log".into(), pace: Pace::Max, stamped: false }
        );
        assert_eq!(
            place("serial:/dev/ttyUSB0?baud=38400&id=ais"),
            Endpoint::Serial { device: "/dev/ttyUSB0".into(), baud: 38400 }
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
            ("udp://boat.local:2000", "`boat.local` is not an address of this machine"),
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
