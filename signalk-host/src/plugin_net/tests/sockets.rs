//! TCP, UDP and WebSockets, and the end of everything with its life.

use super::*;

#[test]
fn tcp_data_stops_at_the_window_until_it_is_taken() {
    let mut world = World::open();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    world.please(Effect::TcpConnect { socket: SOCKET, host: "127.0.0.1".into(), port, tls: false });
    let (mut peer, _) = listener.accept().unwrap();
    assert_eq!(world.report(), Report::Connected { socket: SOCKET, result: Ok(String::new()) });
    let sent = std::thread::spawn(move || {
        peer.write_all(&vec![5; 1 << 20]).unwrap();
        let mut answer = String::new();
        peer.read_to_string(&mut answer).unwrap();
        answer
    });
    let (mut got, mut open) = (0, 0);
    while got < 1 << 20 {
        let Report::TcpData { data, .. } = world.report() else { panic!("data") };
        got += data.len();
        open += data.len();
        assert!(open <= signalk_bridge::WINDOW, "{open} bytes that nobody took");
        if open > 200_000 {
            world.please(Effect::Taken { socket: SOCKET, bytes: std::mem::take(&mut open) });
        }
    }
    world.please(Effect::TcpSend { socket: SOCKET, data: Bytes::from_static(b"bye") });
    world.please(Effect::Close { socket: SOCKET, reason: None });
    assert_eq!(sent.join().unwrap(), "bye");
}

/// W19: whatever was open when a plugin ends is closed.
#[test]
fn w19_everything_closes_when_a_life_ends() {
    let mut world = World::open();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    world.please(Effect::TcpConnect { socket: SOCKET, host: "127.0.0.1".into(), port, tls: false });
    let (mut peer, _) = listener.accept().unwrap();
    assert!(matches!(world.report(), Report::Connected { result: Ok(_), .. }));
    world.please(Effect::UdpBind { socket: SocketId(2), ipv6: false, port: 0, options: vec![] });
    let Report::UdpBound { result: Ok(udp), .. } = world.report() else { panic!("bound") };
    world.net.ended(&PluginId::from_package("p"), 1);
    assert_eq!(peer.read(&mut [0]).unwrap(), 0, "the connection is closed");
    let end = Instant::now() + Duration::from_secs(5);
    while UdpSocket::bind(("0.0.0.0", udp)).is_err() {
        assert!(Instant::now() < end, "the port is still in use");
        // Another thread closes the socket, and the system tells nobody when a port is free.
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_other_end_may_close_or_never_be_there() {
    let mut world = World::open();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    world.please(Effect::TcpConnect { socket: SOCKET, host: "127.0.0.1".into(), port, tls: false });
    drop(listener.accept().unwrap());
    assert!(matches!(world.report(), Report::Connected { result: Ok(_), .. }));
    assert!(matches!(world.report(), Report::Closed { error: None, .. }));
    drop(listener);
    world.please(Effect::TcpConnect {
        socket: SocketId(2),
        host: "127.0.0.1".into(),
        port,
        tls: false,
    });
    assert!(matches!(world.report(), Report::Connected { result: Err(_), .. }));
}

#[test]
fn datagrams_come_in_batches_and_options_that_fail_are_said() {
    let mut world = World::open();
    let bad = UdpOption::Join { group: "10.0.0.1".into(), interface: "127.0.0.1".into() };
    let options = vec![UdpOption::Broadcast(true), bad];
    world.please(Effect::UdpBind { socket: SOCKET, ipv6: false, port: 0, options });
    let Report::SocketTrouble { text, .. } = world.report() else { panic!("no such group") };
    assert!(text.contains("10.0.0.1"), "{text}");
    let Report::UdpBound { result: Ok(port), .. } = world.report() else { panic!("bound") };
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    for number in 0..200_u8 {
        peer.send_to(&[number], ("127.0.0.1", port)).unwrap();
    }
    let mut got = Vec::new();
    while got.len() < 200 {
        let Report::Datagrams { datagrams, dropped: 0, .. } = world.report() else { panic!() };
        assert!(datagrams.iter().all(|d| d.from == peer.local_addr().unwrap()));
        got.extend(datagrams.iter().map(|d| d.data[0]));
    }
    assert_eq!(got, (0..200).collect::<Vec<u8>>());
    let (host, port) = ("localhost".to_owned(), peer.local_addr().unwrap().port());
    let data = Bytes::from_static(b"answer");
    world.please(Effect::UdpSend { socket: SOCKET, host, port, data });
    let mut buffer = [0; 9];
    assert_eq!(peer.recv(&mut buffer).unwrap(), 6);
}

#[test]
fn a_web_socket_talks_both_ways_and_says_how_it_was_closed() {
    let mut world = World::open();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("ws://127.0.0.1:{port}/x");
    world.please(Effect::WebSocketConnect {
        socket: SOCKET,
        url,
        headers: vec![],
        protocols: vec![],
    });
    let server = std::thread::spawn(move || {
        use tokio_tungstenite::tungstenite::{self, Message, protocol::CloseFrame};
        let (stream, _): (TcpStream, _) = listener.accept().unwrap();
        let mut socket = tungstenite::accept(stream).unwrap();
        socket.send(Message::text("hello")).unwrap();
        let heard = socket.read().unwrap();
        let frame = CloseFrame { code: 4001.into(), reason: "enough".into() };
        socket.close(Some(frame)).unwrap();
        while socket.read().is_ok() {}
        heard.into_data()
    });
    assert!(matches!(world.report(), Report::Connected { result: Ok(_), .. }));
    let hello = WebSocketMessage::Text("hello".into());
    assert_eq!(world.report(), Report::WebSocketMessage { socket: SOCKET, message: hello });
    let message = WebSocketMessage::Binary(Bytes::from_static(&[1, 2]));
    let bytes = message.weight();
    world.please(Effect::WebSocketSend { socket: SOCKET, message });
    assert_eq!(world.report(), Report::Sent { socket: SOCKET, bytes });
    let close = Some((4001, "enough".to_owned()));
    assert_eq!(world.report(), Report::Closed { socket: SOCKET, error: None, close });
    assert_eq!(&server.join().unwrap()[..], [1, 2]);
}
