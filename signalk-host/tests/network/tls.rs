//! HTTPS, WebSockets and TCP, with certificates of an authority that the owner trusts, and of one that nobody does.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use tokio_tungstenite::tungstenite::{self, Message, protocol::CloseFrame};

use super::{Owner, port, reported};

type Secure = rustls::StreamOwned<rustls::ServerConnection, TcpStream>;

/// An authority of the test's own, and a server's certificate by it.
struct Authority {
    root: String,
    config: Arc<rustls::ServerConfig>,
}

impl Authority {
    fn new() -> Authority {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut root = rcgen::CertificateParams::new(Vec::new()).unwrap();
        root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let pem = pem(root.self_signed(&key).unwrap().der());
        let issuer = rcgen::Issuer::new(root, key);
        let own_key = rcgen::KeyPair::generate().unwrap();
        let own = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let own = own.signed_by(&own_key, &issuer).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(own_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.der().clone()], key)
            .unwrap();
        Authority { root: pem, config: config.into() }
    }

    /// Serves connections, one thread each; the port.
    fn serve(&self, run: fn(Secure)) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = port(&listener);
        let config = Arc::clone(&self.config);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let config = Arc::clone(&config);
                thread::spawn(move || {
                    let connection = rustls::ServerConnection::new(config).unwrap();
                    run(rustls::StreamOwned::new(connection, stream));
                });
            }
        });
        port
    }
}

fn pem(certificate: &[u8]) -> String {
    let lines = STANDARD.encode(certificate).into_bytes();
    let lines = lines.chunks(64).map(|line| str::from_utf8(line).unwrap()).collect::<Vec<_>>();
    let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
    format!("{begin}\n{}\n{end}\n", lines.join("\n"))
}

/// Answers 300 000 bytes; to a POST, its body.
fn web(mut stream: Secure) {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        request.push(byte[0]);
    }
    let body = if request.starts_with(b"POST") {
        let mut body = vec![0; 4];
        stream.read_exact(&mut body).unwrap();
        body
    } else {
        vec![b'x'; 300_000]
    };
    let len = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {len}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body).unwrap();
    stream.conn.send_close_notify();
    stream.flush().unwrap();
}

/// Answers each text with itself and an exclamation mark, and closes after the first.
fn talk(stream: Secure) {
    let Ok(mut socket) = tungstenite::accept(stream) else { return };
    let heard = socket.read().unwrap().into_text().unwrap();
    socket.send(Message::text(format!("{heard}!"))).unwrap();
    let frame = CloseFrame { code: 4001.into(), reason: "enough".into() };
    socket.close(Some(frame)).unwrap();
    while socket.read().is_ok() {}
}

/// Answers a line with another, and closes.
fn feed(mut stream: Secure) {
    let mut byte = [0];
    while stream.read(&mut byte).unwrap_or(0) == 1 && byte != *b"\n" {}
    if byte == *b"\n" {
        stream.write_all(b"$GPRMC,1\r\n").unwrap();
        stream.conn.send_close_notify();
        stream.flush().unwrap();
    }
}

/// F56: for plugins of both interfaces.
#[test]
fn f56_tcp_with_tls_carries_lines_and_says_whose_certificate_it_does_not_take() {
    let (known, unknown) = (Authority::new(), Authority::new());
    let work = tempfile::tempdir().unwrap();
    let root = work.path().join("root.pem");
    fs::write(&root, &known.root).unwrap();
    let roots = [("SSL_CERT_FILE", root.to_str().unwrap())];
    let (port, other) = (known.serve(feed), unknown.serve(feed));
    // The other authority has the same name, but another key.
    let refused =
        "the server's certificate is not accepted: the authority that it names has not signed it";
    let tcp = json!([
        { "name": "known", "host": "localhost", "port": port, "tls": true },
        { "name": "raw", "host": "localhost", "port": port, "tls": true, "raw": true },
        { "name": "named", "host": "127.0.0.1", "port": port, "tls": true },
        { "name": "strange", "host": "localhost", "port": other, "tls": true },
    ]);
    let host = Owner::generous().host(&json!({ "tcp": tcp }), &roots);
    host.value("test.net.known", |value| value["closed"] == "" && value["n"] == 2);
    host.value("test.net.raw", |value| value["closed"] == "");
    let failed = |name: &str| reported(&host, name, "failed").as_str().unwrap().to_owned();
    assert!(failed("strange").contains(refused), "{}", failed("strange"));
    assert!(failed("named").contains("not valid for name"), "{}", failed("named"));
    for (port, text) in [(port, "tcp line $GPRMC,1"), (other, refused)] {
        let owner = Owner { guest: "buffer_sockets", ..Owner::generous() };
        let tcp = json!({ "address": "localhost", "port": port, "tls": true });
        owner.host(&json!({ "tcp": tcp }), &roots).logged(text);
    }
}

#[test]
fn https_and_wss_work_with_the_owners_authority_and_with_no_other() {
    let (known, unknown) = (Authority::new(), Authority::new());
    let work = tempfile::tempdir().unwrap();
    let root = work.path().join("root.pem");
    fs::write(&root, &known.root).unwrap();
    let (web_port, ws_port) = (known.serve(web), known.serve(talk));
    let (other_web, other_ws) = (unknown.serve(web), unknown.serve(talk));
    let url = |scheme: &str, port: u16| format!("{scheme}://localhost:{port}/");
    let configuration = json!({
        "http": [
            { "name": "whole", "url": url("https", web_port) },
            { "name": "streamed", "url": url("https", web_port), "stream": true },
            { "name": "posted", "url": url("https", web_port), "method": "POST", "body": "body" },
            { "name": "strange", "url": url("https", other_web), "method": "POST", "body": "body" },
        ],
        "ws": [
            { "name": "ws", "url": url("wss", ws_port) },
            { "name": "strangews", "url": url("wss", other_ws) },
        ],
    });
    let roots = [("SSL_CERT_FILE", root.to_str().unwrap())];
    let host = Owner::generous().host(&configuration, &roots);
    for name in ["whole", "streamed"] {
        assert_eq!(reported(&host, name, "length"), 300_000, "{name}");
    }
    assert_eq!(reported(&host, "posted", "text"), "body");
    assert_eq!(reported(&host, "ws", "closed"), 4001);
    for name in ["strange", "strangews"] {
        let failed = reported(&host, name, "failed");
        assert!(failed.as_str().unwrap().contains("certificate"), "{name}: {failed}");
    }
    assert_eq!(host.json("/signalk-host/status")["plugins"]["net"]["state"], "running");
}
