//! Listeners: real connections to them on loopback.

use signalk_bridge::ConnectionId;

use super::*;

const ACCEPTED: SocketId = SocketId(2);

impl World {
    /// A listener, and where it is.
    fn listening(
        options: serde_json::Value,
        at: &str,
    ) -> (World, Result<std::net::SocketAddr, String>) {
        let mut world = World::of(options);
        world.please(Effect::TcpListen { socket: SOCKET, at: at.parse().unwrap() });
        let Report::Listening { socket: SOCKET, result } = world.report() else {
            panic!("no answer")
        };
        (world, result)
    }

    /// The next connection.
    fn knocked(&mut self, peer: &TcpStream) -> ConnectionId {
        let Report::Accepted { listener: SOCKET, connection, from } = self.report() else {
            panic!("nobody")
        };
        assert_eq!(from, peer.local_addr().unwrap());
        connection
    }
}

fn ends(peer: &mut TcpStream) {
    peer.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // Closed with or without something that nobody has read.
    assert!(!matches!(peer.read(&mut [0]), Ok(1..)), "it goes on");
}

#[test]
fn f56_who_connects_is_accepted_and_talks_both_ways() {
    let (mut world, at) = World::listening(json!({}), "127.0.0.1:0");
    let mut peer = TcpStream::connect(at.unwrap()).unwrap();
    peer.write_all(b"early").unwrap();
    let connection = world.knocked(&peer);
    world.please(Effect::TcpAccept { listener: SOCKET, connection, socket: ACCEPTED });
    let Report::TcpData { socket: ACCEPTED, data } = world.report() else { panic!("data") };
    assert_eq!(&data[..], b"early");
    world.please(Effect::TcpSend { socket: ACCEPTED, data: Bytes::from_static(b"answer") });
    let mut buffer = [0; 6];
    peer.read_exact(&mut buffer).unwrap();
    assert_eq!(&buffer, b"answer");
    assert_eq!(world.report(), Report::Sent { socket: ACCEPTED, bytes: 6 });
    // What was accepted outlives the listener, and ends with the other end.
    world.please(Effect::Close { socket: SOCKET, reason: None });
    drop(peer);
    assert_eq!(world.report(), Report::Closed { socket: ACCEPTED, error: None, close: None });
}

#[test]
fn f56_who_is_refused_is_closed_and_with_a_listener_all_who_wait() {
    let (mut world, at) = World::listening(json!({}), "[::1]:0");
    let at = at.unwrap();
    let mut refused = TcpStream::connect(at).unwrap();
    let connection = world.knocked(&refused);
    world.please(Effect::TcpRefuse { listener: SOCKET, connection });
    ends(&mut refused);
    let mut waiting = TcpStream::connect(at).unwrap();
    world.knocked(&waiting);
    world.please(Effect::Close { socket: SOCKET, reason: None });
    ends(&mut waiting);
    let end = Instant::now() + Duration::from_secs(5);
    while TcpStream::connect(at).is_ok() {
        assert!(Instant::now() < end, "the port is still open");
    }
}

/// W19: on stop, crash and reload a life ends.
#[test]
fn w19_listeners_and_those_who_came_end_with_a_life() {
    let (mut world, at) = World::listening(json!({}), "127.0.0.1:0");
    let at = at.unwrap();
    let (mut accepted, mut waiting) =
        (TcpStream::connect(at).unwrap(), TcpStream::connect(at).unwrap());
    let connection = world.knocked(&accepted);
    world.knocked(&waiting);
    world.please(Effect::TcpAccept { listener: SOCKET, connection, socket: ACCEPTED });
    world.net.ended(&PluginId::from_package("p"), 1);
    ends(&mut accepted);
    ends(&mut waiting);
}

#[test]
fn f56_others_than_loopback_are_for_the_owner_to_open() {
    for (options, is_open) in [
        (json!({}), false),
        (json!({ "listen": ["127.0.0.1"] }), false),
        (json!({ "listen": ["0.0.0.0"] }), true),
    ] {
        let (_world, at) = World::listening(options, "0.0.0.0:0");
        match at {
            Ok(at) => assert!(is_open && TcpStream::connect(("127.0.0.1", at.port())).is_ok()),
            Err(text) => {
                assert!(
                    !is_open && text.contains("the owner permits it with \"listen\""),
                    "{text}"
                );
            }
        }
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let (_world, refused) = World::listening(json!({}), &at);
    assert!(refused.unwrap_err().starts_with(&at), "the port is another's");
}
