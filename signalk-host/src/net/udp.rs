//! NMEA 0183 over UDP: each datagram holds whole sentences.

use std::net::IpAddr;

use bytes::Bytes;
use signalk_core::ConnectionEvent;
use tokio::net::UdpSocket;

use super::{Way, failed, listening};

/// The largest datagram there can be.
const DATAGRAM: usize = 65_535;

pub(super) async fn listen(way: &Way, address: Option<IpAddr>, port: u16) -> ConnectionEvent {
    let (name, place) = listening("udp", address, port);
    let socket = match UdpSocket::bind(place).await {
        Ok(socket) => socket,
        Err(error) => return failed(&name, &error),
    };
    way.event(ConnectionEvent::Opened).await;
    let mut buffer = vec![0; DATAGRAM];
    loop {
        match socket.recv(&mut buffer).await {
            Ok(length) => way.bytes(whole_lines(&buffer[..length])).await,
            Err(error) => return failed(&name, &error),
        }
    }
}

/// Some senders leave out the end of the last line.
fn whole_lines(datagram: &[u8]) -> Bytes {
    if datagram.ends_with(b"\n") {
        return Bytes::copy_from_slice(datagram);
    }
    let mut lines = Vec::with_capacity(datagram.len() + 2);
    lines.extend_from_slice(datagram);
    lines.extend_from_slice(b"\r\n");
    lines.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_always_ends_its_line() {
        assert_eq!(&whole_lines(b"$A*00")[..], b"$A*00\r\n");
        assert_eq!(&whole_lines(b"$A*00\n")[..], b"$A*00\n");
    }
}
