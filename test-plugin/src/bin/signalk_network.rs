//! Does on the network what its configuration lists, and sends what comes of it as deltas
//! `test.net.<name>`, a number `n` that counts up in each:
//! - `udp`: [{`name`, `ipv6`, `port`, `group`, `interface`, `to` {`host`, `port`}, `echo`}]: joins,
//!   binds, says its `port`, sends `beacon` to `to`, by broadcast if it must; then `text` and `from`
//!   of each datagram, with `dropped`; with `echo` the datagram goes back.
//! - `tcp`: [{`name`, `host`, `port`, `raw`, `tls`}]: sends `hello` and a line break; then each `line`, or
//!   `hex` of what comes; at the end `closed` and why.
//! - `listen`: [{`name`, `host`, `port`, `raw`}]: listens and says its `port`; of each connection `from`, and goes on
//!   as with one of `tcp`.
//! - `http`: [{`name`, `url`, `method`, `body`, `attempts`, `stream`, `upload`, `cached`, `times`}]: `status`,
//!   `length` and the first 100 characters `text`; sent up to `attempts` times without a pause; with
//!   `cached` asked `times` times of the host's cache, `texts` of all and how they came to serve; with `upload` that
//!   many bytes `x` are its body, in pieces.
//! - `ws`: [{`name`, `url`}]: sends `hello`; then each `text`; at the end `closed`, the code.
//!
//! What fails says how: `failed`.

use std::cell::Cell;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use wasmi_pdk::Result;
use wasmi_pdk::signalk::net::{
    Message, Request, Retry, TcpLines, TcpLinesListener, TcpListener, TcpStream, UdpSocket,
    WebSocket,
};
use wasmi_pdk::signalk::{Delta, Plugin, SignalK, serve};

struct Network;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Options {
    udp: Vec<Udp>,
    tcp: Vec<Tcp>,
    listen: Vec<Tcp>,
    http: Vec<Http>,
    ws: Vec<Ws>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Udp {
    name: String,
    ipv6: bool,
    port: u16,
    group: String,
    interface: String,
    to: Option<To>,
    echo: bool,
}

#[derive(Deserialize)]
struct To {
    host: String,
    port: u16,
}

#[derive(Deserialize)]
struct Tcp {
    name: String,
    host: String,
    port: u16,
    #[serde(default)]
    raw: bool,
    #[serde(default)]
    tls: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Http {
    name: String,
    url: String,
    method: Option<String>,
    body: Option<String>,
    attempts: u32,
    stream: bool,
    upload: Option<usize>,
    cached: bool,
    times: u32,
}

#[derive(Deserialize)]
struct Ws {
    name: String,
    url: String,
}

/// Where one of them reports to.
struct Report {
    sk: SignalK,
    name: String,
    count: Cell<u32>,
}

impl Report {
    fn say(&self, mut value: Value) {
        self.count.set(self.count.get() + 1);
        value["n"] = self.count.get().into();
        self.sk.emit(&Delta::new().value(format!("test.net.{}", self.name), value));
    }
}

async fn udp(sk: SignalK, options: Udp, report: &Report) -> Result<()> {
    let socket = if options.ipv6 {
        UdpSocket::create_v6(&sk).await?
    } else {
        UdpSocket::create(&sk).await?
    };
    socket.set_multicast_loopback(true).await?;
    if !options.group.is_empty() {
        socket.join(&options.group, &options.interface).await?;
    }
    if options.to.as_ref().is_some_and(|to| to.host.ends_with(".255")) {
        socket.set_broadcast(true).await?;
    }
    report.say(json!({ "port": socket.bind(options.port).await? }));
    if let Some(to) = &options.to {
        socket.send(&to.host, to.port, b"beacon").await?;
    }
    loop {
        let datagram = socket.receive().await;
        let text = String::from_utf8_lossy(&datagram.data).into_owned();
        report.say(json!({ "text": text, "from": datagram.address, "dropped": socket.dropped() }));
        if options.echo {
            socket.send(&datagram.address, datagram.port, &datagram.data).await?;
        }
    }
}

async fn tcp(sk: SignalK, options: Tcp, report: &Report) -> Result<()> {
    let Tcp { host, port, .. } = &options;
    match (options.raw, options.tls) {
        (true, false) => bytes(TcpStream::connect(&sk, host, *port).await?, report).await,
        (true, true) => bytes(TcpStream::connect_tls(&sk, host, *port).await?, report).await,
        (false, false) => lines(TcpLines::connect(&sk, host, *port).await?, report).await,
        (false, true) => lines(TcpLines::connect_tls(&sk, host, *port).await?, report).await,
    }
}

async fn listen(sk: SignalK, options: Tcp, report: &Report) -> Result<()> {
    if options.raw {
        let listener = TcpListener::bind(&sk, &options.host, options.port).await?;
        report.say(json!({ "port": listener.local().port }));
        loop {
            let (stream, from) = listener.accept().await?;
            report.say(json!({ "from": from.address }));
            bytes(stream, report).await?;
        }
    }
    let listener = TcpLinesListener::bind(&sk, &options.host, options.port).await?;
    report.say(json!({ "port": listener.local().port }));
    loop {
        let (stream, from) = listener.accept().await?;
        report.say(json!({ "from": from.address }));
        lines(stream, report).await?;
    }
}

async fn bytes(stream: TcpStream, report: &Report) -> Result<()> {
    stream.send(b"hello\n").await?;
    while let Some(data) = stream.receive().await? {
        let hex: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
        report.say(json!({ "hex": hex }));
    }
    report.say(json!({ "closed": "" }));
    Ok(())
}

async fn lines(stream: TcpLines, report: &Report) -> Result<()> {
    stream.send(b"hello\n").await?;
    while let Some(line) = stream.receive().await? {
        report.say(json!({ "line": line }));
    }
    report.say(json!({ "closed": "" }));
    Ok(())
}

async fn http(sk: SignalK, options: Http, report: &Report) -> Result<()> {
    let method = options.method.as_deref().unwrap_or("GET");
    let mut request = Request::new(method, options.url);
    if let Some(body) = options.body {
        request = request.body(body).header("content-type", "text/plain");
    }
    if options.attempts > 0 {
        let retry = Retry { attempts: options.attempts, first: Duration::ZERO, ..Retry::default() };
        request = request.retry(retry);
    }
    if options.cached {
        let request = request.cached();
        let (mut texts, mut cached) = (Vec::new(), Vec::new());
        for _ in 0..options.times {
            let response = request.send(&sk).await?;
            texts.push(response.text());
            cached.push(response.cached.map(|cached| format!("{cached:?}")));
        }
        report.say(json!({ "texts": texts, "cached": cached }));
        return Ok(());
    }
    let (status, body) = if let Some(bytes) = options.upload {
        let length = u64::try_from(bytes).ok();
        let upload = request.upload(&sk, length).await?;
        let piece = vec![b'x'; bytes.min(64 << 10)];
        let mut left = bytes;
        while left > 0 {
            let next = left.min(piece.len());
            upload.write(piece.get(..next).unwrap_or_default()).await?;
            left -= next;
        }
        let response = upload.finish().await?;
        (response.status, response.body)
    } else if options.stream {
        let mut streamed = request.stream(&sk).await?;
        let mut all = Vec::new();
        while let Some(piece) = streamed.next().await? {
            all.extend(piece);
        }
        (streamed.head.status, all)
    } else {
        let response = request.send(&sk).await?;
        (response.status, response.body)
    };
    let text: String = String::from_utf8_lossy(&body).chars().take(100).collect();
    report.say(json!({ "status": status, "length": body.len(), "text": text }));
    Ok(())
}

async fn ws(sk: SignalK, options: Ws, report: &Report) -> Result<()> {
    let socket = WebSocket::connect(&sk, &options.url).await?;
    socket.send_text("hello").await?;
    while let Some(message) = socket.receive().await? {
        match message {
            Message::Text(text) => report.say(json!({ "text": text })),
            Message::Binary(data) => report.say(json!({ "length": data.len() })),
        }
    }
    report.say(json!({ "closed": socket.closed().and_then(|closed| closed.code) }));
    Ok(())
}

impl Network {
    /// Runs a part beside the others; how it fails is reported as well.
    fn spawn<O: 'static>(
        sk: &SignalK,
        name: &str,
        options: O,
        run: impl AsyncFnOnce(SignalK, O, &Report) -> Result<()> + 'static,
    ) {
        let report = Report { sk: sk.clone(), name: name.to_owned(), count: Cell::new(0) };
        let own = sk.clone();
        sk.host().spawn(async move {
            if let Err(error) = run(own, options, &report).await {
                report.say(json!({ "failed": error.to_string() }));
            }
        });
    }
}

impl Plugin for Network {
    const NAME: &'static str = "Network";
    type Options = Options;

    async fn start(sk: SignalK, options: Options) -> Result<Self> {
        for part in options.udp {
            Network::spawn(&sk, &part.name.clone(), part, udp);
        }
        for part in options.tcp {
            Network::spawn(&sk, &part.name.clone(), part, tcp);
        }
        for part in options.listen {
            Network::spawn(&sk, &part.name.clone(), part, listen);
        }
        for part in options.http {
            Network::spawn(&sk, &part.name.clone(), part, http);
        }
        for part in options.ws {
            Network::spawn(&sk, &part.name.clone(), part, ws);
        }
        Ok(Network)
    }
}

wasmi_pdk::plugin!(serve::<Network>());
