//! The real binary, started on a free port with a configuration directory of its own, and small clients for it.
//!
//! A real process has a real clock: whatever takes time is asked for until it is there, for a bounded time. Only the
//! power cut comes after a chosen pause, because its moment is what is tested. `SIGNALK_HOST_BINARY` names another
//! binary than the one under test: for figures of a release build.

// Each test file uses some of it.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub(crate) mod guest;
pub(crate) mod namespace;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket, stream::MaybeTlsStream};

/// Generous, because builds run beside the tests.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server.
pub(crate) struct Host {
    child: Child,
    /// `127.0.0.1:PORT`
    pub(crate) address: String,
    dir: Option<tempfile::TempDir>,
    log: Arc<Mutex<String>>,
}

/// A command line of the binary, without any variable of the caller that it would honour.
pub(crate) fn command(args: &[&str]) -> Command {
    let built = env!("CARGO_BIN_EXE_signalk-host");
    let binary = std::env::var("SIGNALK_HOST_BINARY").unwrap_or_else(|_| built.to_owned());
    let mut command = Command::new(binary);
    command.args(args);
    for name in [
        "PORT",
        "SIGNALK_NODE_CONFIG_DIR",
        "DISABLEPLUGINS",
        "NMEA0183PORT",
        "TCPSTREAMPORT",
        "RUST_LOG",
        "DEBUG",
    ] {
        command.env_remove(name);
    }
    command
}

impl Host {
    /// With these options, in an empty configuration directory.
    pub(crate) fn start(args: &[&str]) -> Host {
        Host::start_with(args, &[], |_| {})
    }

    /// After `prepare` has filled the configuration directory.
    pub(crate) fn start_with(
        args: &[&str],
        env: &[(&str, &str)],
        prepare: impl FnOnce(&Path),
    ) -> Host {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path());
        let mut host = Host::spawn(dir.path(), args, env);
        host.dir = Some(dir);
        host
    }

    /// In a directory that outlives it.
    pub(crate) fn start_in(dir: &Path, args: &[&str]) -> Host {
        Host::spawn(dir, args, &[])
    }

    fn spawn(dir: &Path, args: &[&str], env: &[(&str, &str)]) -> Host {
        let mut serve = command(&["serve", "--port", "0", "--config"]);
        Host::run(serve.arg(dir).args(args).envs(env.iter().copied()))
    }

    /// By this command line, which runs the server.
    pub(crate) fn run(command: &mut Command) -> Host {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = collect(child.stderr.take().unwrap());
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address =
            line.split("http://").nth(1).map(|rest| rest.trim().trim_end_matches('/').to_owned());
        let Some(address) = address else { panic!("not ready: {line}\n{}", log.lock().unwrap()) };
        Host { child, address, dir: None, log }
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until the log has this text.
    pub(crate) fn logged(&self, text: &str) {
        eventually(
            &format!("log with `{text}`"),
            || self.log().contains(text).then_some(()),
            || self.log(),
        );
    }

    /// Status, head and body of a GET.
    pub(crate) fn get(&self, path: &str) -> Response {
        http(&self.address, "GET", path, &[], b"")
    }

    /// The JSON of a path, waited for until it is there.
    pub(crate) fn json(&self, path: &str) -> Value {
        let found = || {
            let response = self.get(path);
            (response.status == 200).then(|| serde_json::from_slice(&response.body).unwrap())
        };
        eventually(path, found, || self.log())
    }

    /// The value of a path of the own vessel, waited for until `wanted`.
    pub(crate) fn value(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let url = format!("/signalk/v1/api/vessels/self/{}/value", path.replace('.', "/"));
        let found = || {
            let response = self.get(&url);
            let value: Value =
                serde_json::from_slice(&response.body).ok().filter(|_| response.status == 200)?;
            wanted(&value).then_some(value)
        };
        eventually(path, found, || self.log())
    }

    pub(crate) fn stream(&self, query: &str) -> Stream {
        Stream::open(&self.address, query)
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let child = &mut self.child;
        let log = Arc::clone(&self.log);
        eventually(
            "the end of the process",
            || child.try_wait().unwrap(),
            || log.lock().unwrap().clone(),
        )
    }

    /// As a power cut does it, after a while.
    pub(crate) fn kill_after(&self, pause: Duration) -> thread::JoinHandle<()> {
        let process = self.child.id().to_string();
        thread::spawn(move || {
            thread::sleep(pause);
            Command::new("kill").args(["-KILL", &process]).status().unwrap();
        })
    }

    /// Processor time of all its threads, those that ended included, in steps of 10 ms: user and system in
    /// `/proc/PID/stat`.
    pub(crate) fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let (_, after_name) = stat.rsplit_once(") ").unwrap();
        let ticks =
            after_name.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap());
        Duration::from_millis(10 * ticks.sum::<u64>())
    }

    /// Resident memory in kB.
    pub(crate) fn memory_kb(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(mut from: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let log = Arc::new(Mutex::new(String::new()));
    let into = Arc::clone(&log);
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            into.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
    });
    log
}

/// Asks until there is an answer.
pub(crate) fn eventually<T>(
    what: &str,
    mut ask: impl FnMut() -> Option<T>,
    log: impl Fn() -> String,
) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "waited in vain for {what}; log:\n{}", log());
        thread::sleep(Duration::from_millis(10));
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) struct Response {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// One exchange over a connection of its own.
pub(crate) fn http(
    address: &str,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &[u8],
) -> Response {
    try_http(address, method, path, headers, body).expect("an answer")
}

/// `None`: there was no answer.
pub(crate) fn try_http(
    address: &str,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &[u8],
) -> Option<Response> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).ok()?;
    // The server may refuse before it has read everything.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let body = answer.split_off(end + 4);
    let body = if head.contains("transfer-encoding: chunked") { unchunked(&body) } else { body };
    Some(Response { status, head, body })
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            break;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 2 + size + 2..];
    }
    body
}

/// A WebSocket client.
pub(crate) struct Stream(pub(crate) WebSocket<MaybeTlsStream<TcpStream>>);

impl Stream {
    pub(crate) fn open(address: &str, query: &str) -> Stream {
        Stream::try_open(address, query).unwrap()
    }

    pub(crate) fn try_open(address: &str, query: &str) -> Result<Stream, tungstenite::Error> {
        let (socket, _) = tungstenite::connect(format!("ws://{address}/signalk/v1/stream{query}"))?;
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
        }
        Ok(Stream(socket))
    }

    pub(crate) fn send(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).unwrap();
    }

    /// The next JSON value; `None`: closed.
    pub(crate) fn next(&mut self) -> Option<Value> {
        loop {
            match self.0.read() {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                Ok(Message::Close(_)) | Err(tungstenite::Error::ConnectionClosed) => return None,
                Ok(_) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Reads until a value of this path comes.
    pub(crate) fn value_of(&mut self, path: &str) -> Value {
        loop {
            let message = self.next().expect("still open");
            if let Some(value) = values(&message).into_iter().find(|(name, _)| name == path) {
                return value.1;
            }
        }
    }
}

/// Path and value of everything in a delta.
pub(crate) fn values(delta: &Value) -> Vec<(String, Value)> {
    let updates = delta["updates"].as_array().into_iter().flatten();
    let rows = updates.filter_map(|update| update["values"].as_array()).flatten();
    rows.map(|row| (row["path"].as_str().unwrap_or_default().to_owned(), row["value"].clone()))
        .collect()
}

/// A sentence with its checksum and end.
pub(crate) fn sentence(text: &str) -> String {
    let sum = text.bytes().skip(1).fold(0, |sum, byte| sum ^ byte);
    format!("{text}*{sum:02X}\r\n")
}

/// Heading true in degrees.
pub(crate) fn heading(degrees: f64) -> String {
    sentence(&format!("$IIHDT,{degrees:.1},T"))
}

/// Whether a value is this angle.
pub(crate) fn is_degrees(value: &Value, degrees: f64) -> bool {
    value.as_f64().is_some_and(|value| (value.to_degrees() - degrees).abs() < 0.01)
}
