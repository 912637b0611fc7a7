//! The owner's rules: whom a plugin reaches, however it is named.

use super::*;

/// W26: by address, by name, by redirect, and spelled otherwise.
#[test]
fn w26_own_services_are_out_of_reach_however_they_are_named() {
    let (closed_port, _asked) = server(vec![answer("200 OK", b"secret")]);
    for host in
        ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0"]
    {
        let mut world = World::new(Egress::default());
        world.fetch(format!("http://{host}:{closed_port}/"), 100, false);
        let text = world.failure();
        assert!(text.contains("is closed to plugins"), "{host}: {text}");
    }
    // The owner opened one port; its server sends elsewhere.
    let (open_port, _asked) = server(vec![answer(
        &format!("302 Found\r\nlocation: http://localhost:{closed_port}/"),
        b"",
    )]);
    let rules = json!({ "allow": [format!("127.0.0.1:{open_port}")] });
    let mut world = World::new(Egress::read(&rules).0);
    world.fetch(format!("http://127.0.0.1:{open_port}/"), 100, false);
    let text = world.failure();
    assert!(text.contains("is closed to plugins"), "{text}");
    // Sockets obey the same rules.
    let mut world = World::new(Egress::default());
    world.please(Effect::TcpConnect {
        socket: SOCKET,
        host: "localhost".into(),
        port: closed_port,
        tls: false,
    });
    let Report::Connected { result: Err(text), .. } = world.report() else { panic!("refused") };
    assert!(text.contains("is closed to plugins"), "{text}");
    let url = format!("ws://127.0.0.1:{closed_port}/");
    world.please(Effect::WebSocketConnect {
        socket: SOCKET,
        url,
        headers: vec![],
        protocols: vec![],
    });
    let Report::Connected { result: Err(text), .. } = world.report() else { panic!("refused") };
    assert!(text.contains("is closed to plugins"), "{text}");
    world.please(Effect::UdpBind { socket: SocketId(2), ipv6: false, port: 0, options: vec![] });
    assert!(matches!(world.report(), Report::UdpBound { result: Ok(_), .. }));
    let data = Bytes::from_static(b"x");
    world.please(Effect::UdpSend { socket: SocketId(2), host: "127.0.0.1".into(), port: 9, data });
    let Report::SocketTrouble { text, .. } = world.report() else { panic!("refused") };
    assert!(text.contains("is closed to plugins"), "{text}");
}

/// F61: each way out asks the list, each redirect too, and being listed opens no address.
#[test]
fn f61_what_is_not_listed_is_out_of_reach_by_every_way() {
    let (other, _asked) = server(vec![answer("200 OK", b"secret")]);
    let (listed, asked) = server(vec![
        answer("200 OK", b"here"),
        answer(&format!("302 Found\r\nlocation: http://127.0.0.1:{other}/"), b""),
    ]);
    let (here, there) =
        (format!("http://localhost:{listed}/"), format!("http://localhost:{other}/"));
    let rules =
        json!({ "only": [format!("http://localhost:{listed}")], "allow": ["127.0.0.1", "::1"] });
    let mut world = World::new(Egress::read(&rules).0);
    world.fetch(here.clone(), 100, false);
    assert!(matches!(world.fetched(), FetchNews::Whole(_, body) if &body[..] == b"here"));
    world.fetch(here.clone(), 100, false);
    let text = world.failure();
    let expected = format!("http://127.0.0.1:{other} is not in the list `only`");
    assert!(text.contains(&expected), "{text}");
    assert_eq!(asked.iter().take(2).count(), 2, "the redirect was seen");
    world.fetch(there, 100, false);
    let text = world.failure();
    assert!(text.contains("is not in the list `only`"), "{text}");
    // Another scheme than the listed one.
    let refused = |world: &mut World, effect| {
        world.please(effect);
        let text = match world.report() {
            Report::Connected { result: Err(text), .. } | Report::SocketTrouble { text, .. } => {
                text
            }
            other => panic!("{other:?}"),
        };
        assert!(text.contains("is not in the list `only`"), "{text}");
    };
    let tcp = |host: &str| Effect::TcpConnect {
        socket: SOCKET,
        host: host.into(),
        port: listed,
        tls: false,
    };
    refused(&mut world, tcp("localhost"));
    refused(&mut world, tcp("127.0.0.1"));
    // It is not even looked up: a name server is told nothing.
    refused(&mut world, tcp("c2VjcmV0.evil.invalid"));
    let url = format!("ws://localhost:{listed}/");
    let (headers, protocols) = (vec![], vec![]);
    refused(&mut world, Effect::WebSocketConnect { socket: SOCKET, url, headers, protocols });
    world.please(Effect::UdpBind { socket: SocketId(2), ipv6: false, port: 0, options: vec![] });
    assert!(matches!(world.report(), Report::UdpBound { result: Ok(_), .. }));
    for host in ["127.0.0.1", "localhost", "c2VjcmV0.evil.invalid"] {
        let (host, data) = (host.into(), Bytes::from_static(b"x"));
        refused(&mut world, Effect::UdpSend { socket: SocketId(2), host, port: listed, data });
    }
    // Listed, but it stands for a closed address.
    let rules = json!({ "only": ["localhost"] });
    let mut world = World::new(Egress::read(&rules).0);
    world.fetch(here, 100, false);
    let text = world.failure();
    assert!(text.contains("is closed to plugins"), "{text}");
}
