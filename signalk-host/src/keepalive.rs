//! Peers that lost their power or left the WiFi say no goodbye: the system asks them now and then, and a connection
//! whose peer answers nothing ends with an error. So their places and descriptors come back without anybody having to
//! send.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// Of silence, before the system asks for the first time.
const IDLE: Duration = Duration::from_secs(60);
/// Between questions.
const INTERVAL: Duration = Duration::from_secs(15);
/// Questions without an answer: after `IDLE` + `INTERVAL` * `PROBES`, two minutes, the peer is gone.
const PROBES: u32 = 4;

/// Has the system look after the peer. A system that cannot leaves the connection as it is: every other bound still
/// holds.
pub(crate) fn watch(stream: &TcpStream) {
    let asks = TcpKeepalive::new().with_time(IDLE).with_interval(INTERVAL).with_retries(PROBES);
    if let Err(error) = SockRef::from(stream).set_tcp_keepalive(&asks) {
        tracing::debug!(%error, "a connection without keepalive");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_system_asks_a_silent_peer_and_gives_up_in_two_minutes() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        watch(&stream);
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        let patience = socket.tcp_keepalive_time().unwrap()
            + socket.tcp_keepalive_interval().unwrap() * socket.tcp_keepalive_retries().unwrap();
        assert_eq!(patience, Duration::from_secs(120));
    }
}
