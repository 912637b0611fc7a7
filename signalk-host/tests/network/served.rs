//! An HTTP server of a test's own: each request on a thread of its own is answered by what the test says, which may
//! wait for other requests or for the test.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use super::{PATIENCE, port};

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    /// In lower case.
    head: String,
    body: Vec<u8>,
}

impl Asked {
    fn read(stream: &mut TcpStream) -> Asked {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
            head.push(byte[0]);
        }
        let text = String::from_utf8(head).unwrap();
        let mut words = text.split(' ').map(str::to_owned);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut asked = Asked { method, path, head: text.to_lowercase(), body: Vec::new() };
        asked.body = vec![0; asked.header("content-length").parse().unwrap_or(0)];
        stream.read_exact(&mut asked.body).unwrap();
        asked
    }

    /// The first part of the path.
    pub(crate) fn first(&self) -> &str {
        self.path.split('/').nth(1).unwrap_or_default()
    }

    /// The value of a header; empty: not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// A response.
pub(crate) fn answer(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let headers: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let len = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\n{headers}connection: close\r\ncontent-length: {len}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// The server; it listens until the process ends.
pub(crate) struct Web {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Web {
    pub(crate) fn new(reply: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let web = Web { port: port(&listener), asked: Arc::default() };
        let (asked, reply) = (Arc::clone(&web.asked), Arc::new(reply));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (asked, reply, mut stream) =
                    (Arc::clone(&asked), Arc::clone(&reply), stream.unwrap());
                thread::spawn(move || {
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    let request = Asked::read(&mut stream);
                    asked.lock().unwrap().push(request.clone());
                    // Who asked may be gone.
                    let _ = stream.write_all(&reply(&request));
                });
            }
        });
        web
    }

    pub(crate) fn url(&self, first: &str) -> String {
        format!("http://127.0.0.1:{}/{first}", self.port)
    }

    /// All requests up to now.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}
