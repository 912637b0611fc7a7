//! TLS against a device that has signed its own certificate.

use rustls::{ServerConfig, ServerConnection, StreamOwned, pki_types::CertificateDer};

use super::*;

/// How a device ends a connection.
#[derive(Clone, Copy)]
enum Goodbye {
    Proper,
    None,
}

/// Answers the first five bytes with themselves, in capitals; its port, and the fingerprint of its certificate.
fn device(name: &str) -> (u16, String) {
    device_that(name, Goodbye::Proper)
}

fn device_that(name: &str, goodbye: Goodbye) -> (u16, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    let own = own.self_signed(&key).unwrap().der().clone();
    serving_until(own, &key, goodbye)
}

/// The same with this certificate.
fn serving(own: CertificateDer<'static>, key: &rcgen::KeyPair) -> (u16, String) {
    serving_until(own, key, Goodbye::Proper)
}

fn serving_until(
    own: CertificateDer<'static>,
    key: &rcgen::KeyPair,
    goodbye: Goodbye,
) -> (u16, String) {
    use sha2::{Digest, Sha256};
    let hex: String = Sha256::digest(&own).iter().map(|byte| format!("{byte:02x}")).collect();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            let mut heard = [0; 5];
            if stream.read_exact(&mut heard).is_ok() {
                stream.write_all(&heard.to_ascii_uppercase()).unwrap();
                if matches!(goodbye, Goodbye::Proper) {
                    stream.conn.send_close_notify();
                }
                let _ = stream.flush();
            }
        }
    });
    (port, format!("sha256:{hex}"))
}

fn connect(world: &mut World, port: u16) -> Result<String, String> {
    let host = "127.0.0.1".into();
    world.please(Effect::TcpConnect { socket: SOCKET, host, port, tls: true });
    match world.report() {
        Report::Connected { socket: SOCKET, result } => result,
        other => panic!("{other:?}"),
    }
}

#[test]
fn f56_a_device_is_refused_by_its_certificate_until_the_owner_trusts_that() {
    let (port, fingerprint) = device("pilot.local");
    let allow = json!({ "allow": ["127.0.0.1"] });
    let (other_port, other) = device("pilot.local");
    for trust in [json!([]), json!([other])] {
        let mut world = World::of(json!({ "egress": allow, "trust": trust }));
        let text = connect(&mut world, port).unwrap_err();
        let expected = format!(
            "127.0.0.1:{port}: the server's certificate is not accepted: nobody known has signed it; if it is the right device, the owner trusts it with \"trust\": [\"{fingerprint}\"] in plugin-config-data/p.json"
        );
        assert_eq!(text, expected);
        // HTTP asks in the same way.
        world.fetch(format!("https://127.0.0.1:{port}/"), 100, false);
        let text = world.failure();
        assert!(text.contains(&fingerprint), "{text}");
    }
    let trusting = || World::of(json!({ "egress": allow, "trust": [fingerprint] }));
    assert!(connect(&mut trusting(), other_port).is_err(), "that one only");
    let mut world = trusting();
    assert_eq!(connect(&mut world, port), Ok(String::new()));
    world.please(Effect::TcpSend { socket: SOCKET, data: Bytes::from_static(b"hello") });
    let mut got = Vec::new();
    loop {
        match world.report() {
            Report::TcpData { data, .. } => got.extend_from_slice(&data),
            // Another task says this: it may come last.
            Report::Sent { bytes: 5, .. } => {}
            Report::Closed { error: None, .. } => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(got, b"HELLO");
}

/// `openssl req -x509` makes such ones, and most devices do.
#[test]
fn f56_a_certificate_that_is_its_own_authority_is_said_so_and_can_be_trusted() {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let (port, fingerprint) = serving(params.self_signed(&key).unwrap().der().clone(), &key);
    let egress = json!({ "allow": ["127.0.0.1"] });
    let text = connect(&mut World::of(json!({ "egress": egress })), port).unwrap_err();
    let expected = format!(
        "127.0.0.1:{port}: the server's certificate is not accepted: it is its own authority (CA:TRUE); if it is the right device, the owner trusts it with \"trust\": [\"{fingerprint}\"] in plugin-config-data/p.json"
    );
    assert_eq!(text, expected);
    let mut world = World::of(json!({ "egress": egress, "trust": [fingerprint] }));
    assert_eq!(connect(&mut world, port), Ok(String::new()));
}

/// The device hears five bytes, says five, and is gone without the goodbye of TLS.
#[test]
fn f56_an_answer_that_is_cut_is_said_in_plain_words() {
    let (port, fingerprint) = device_that("pilot.local", Goodbye::None);
    let egress = json!({ "allow": ["127.0.0.1"] });
    let mut world = World::of(json!({ "egress": egress, "trust": [fingerprint] }));
    assert_eq!(connect(&mut world, port), Ok(String::new()));
    world.please(Effect::TcpSend { socket: SOCKET, data: Bytes::from_static(b"hello") });
    let text = loop {
        match world.report() {
            Report::Closed { error, .. } => break error.unwrap(),
            Report::TcpData { .. } | Report::Sent { .. } => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(text, "the other end broke the TLS connection off; what it sent may be incomplete");
}

/// An authority of the boat's own signs for its devices: their names count then, as with any authority.
#[test]
fn f56_an_authority_of_the_owners_own_signs_for_devices() {
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = params.self_signed(&ca_key).unwrap();
    let der = Bytes::copy_from_slice(authority.der());
    let issuer = rcgen::Issuer::new(params, ca_key);
    let signed = |name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let own = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        serving(own.signed_by(&key, &issuer).unwrap().der().clone(), &key).0
    };
    let (port, misnamed, stranger) =
        (signed("127.0.0.1"), signed("pilot.local"), device("127.0.0.1").0);
    let mut egress = Egress::open();
    egress.trust_authorities(vec![der]);
    let mut world = World::new(egress);
    assert_eq!(connect(&mut world, port), Ok(String::new()));
    for port in [misnamed, stranger] {
        let mut egress = Egress::open();
        egress.trust_authorities(vec![Bytes::copy_from_slice(authority.der())]);
        assert!(connect(&mut World::new(egress), port).is_err());
    }
    // Its task serves one after the other.
    drop(world);
    assert!(connect(&mut World::open(), port).is_err(), "for this plugin only");
}

#[test]
fn f56_who_speaks_no_tls_is_said_and_rules_are_asked_first() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        listener.accept().unwrap().0.write_all(b"220 pilot.local ESMTP\r\n")
    });
    let mut world = World::open();
    let text = connect(&mut world, port).unwrap_err();
    assert!(text.contains("no TLS"), "{text}");
    let mut world = World::new(Egress::default());
    let text = connect(&mut world, port).unwrap_err();
    assert!(text.contains("is closed to plugins"), "{text}");
    let rules = json!({ "only": [format!("tcp://127.0.0.1:{port}")], "allow": ["127.0.0.1"] });
    let mut world = World::of(json!({ "egress": rules }));
    let text = connect(&mut world, port).unwrap_err();
    assert!(text.contains(&format!("tls://127.0.0.1:{port} is not in the list")), "{text}");
}
