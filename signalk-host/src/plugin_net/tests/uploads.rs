//! Bodies that plugins send in pieces, against real servers: how much of them the host holds, and what a server
//! gets to see when something goes wrong.

use std::sync::{
    atomic::{AtomicUsize, Ordering},
    mpsc::{Receiver, Sender, channel},
};

use signalk_bridge::{ANSWER_WINDOW, PIECE, Upload};

use super::*;

const MIB: usize = 1 << 20;
/// What hyper queues of a body before it asks for more, at most.
const QUEUED: usize = 512 << 10;

/// Bytes that are alive in this process, now and at most.
#[derive(Clone, Default)]
struct Held {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

/// One piece, counted until its last owner lets go of it.
struct Counted(Vec<u8>, Held);

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.now.fetch_sub(self.0.len(), Ordering::SeqCst);
    }
}

impl Held {
    fn piece(&self, value: u8) -> Bytes {
        let now = self.now.fetch_add(PIECE, Ordering::SeqCst) + PIECE;
        self.most.fetch_max(now, Ordering::SeqCst);
        Bytes::from_owner(Counted(vec![value; PIECE], self.clone()))
    }
}

fn upload(url: String, length: Option<u64>) -> Effect {
    let request = FetchRequest {
        method: "PUT".into(),
        url,
        timeout: Duration::from_secs(10),
        redirects: 5,
        most: 1000,
        upload: Some(Upload { length }),
        ..FetchRequest::default()
    };
    Effect::Fetch { id: FETCH, request }
}

/// A server for one connection: its port, what tells it to read on, and what it was sent after the head, to the end
/// of the connection or so many bytes.
fn listener(bytes: usize, answer: &'static str) -> (u16, Sender<()>, Receiver<Vec<u8>>) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    // Or the system alone takes most of what is sent.
    socket.set_recv_buffer_size(64 << 10).unwrap();
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    socket.bind(&any.into()).unwrap();
    socket.listen(1).unwrap();
    let listener = TcpListener::from(socket);
    let port = listener.local_addr().unwrap().port();
    let ((go, told), (seen, got)) = (channel(), channel());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
            head.push(byte[0]);
        }
        let _ = told.recv();
        let (mut body, mut buffer) = (Vec::new(), vec![0; PIECE]);
        while body.len() < bytes {
            match stream.read(&mut buffer) {
                Ok(count @ 1..) => body.extend_from_slice(&buffer[..count]),
                _ => break,
            }
        }
        let _ = stream.write_all(answer.as_bytes());
        let _ = seen.send(body);
    });
    (port, go, got)
}

impl World {
    /// A report, if one comes soon.
    fn soon(&mut self) -> Option<Report> {
        let mut batch = Vec::new();
        let now = Instant::now();
        if self.reports.is_empty() {
            let step = now + Duration::from_millis(500);
            self.runtime.block_on(self.inbox.take(&mut batch, now, Some(step)));
        }
        let reports = batch.into_iter().filter_map(|message| match message {
            ToCore::Input(Input::PluginReport { report, .. }) => Some(report),
            _ => None,
        });
        self.reports.extend(reports);
        self.reports.pop_front()
    }
}

/// R88: whatever its length, the host holds a window of a body, also while the server does not read.
#[test]
fn of_16_mib_to_a_server_that_does_not_read_the_host_holds_a_window() {
    let all = 16 * MIB;
    let (port, go, got) = listener(all, "HTTP/1.1 204 No Content\r\n\r\n");
    let (mut world, held) = (World::open(), Held::default());
    let length = Some(u64::try_from(all).unwrap());
    world.please(upload(format!("http://127.0.0.1:{port}/"), length));
    let (mut written, mut unsent, mut stood_still) = (0, 0, false);
    while written < all {
        // As the bridge does it for a plugin that awaits each piece.
        while unsent <= ANSWER_WINDOW - PIECE && written < all {
            let value = u8::try_from(written / PIECE % 251).unwrap();
            world.please(Effect::FetchWrite { id: FETCH, data: held.piece(value) });
            (written, unsent) = (written + PIECE, unsent + PIECE);
        }
        match world.soon() {
            Some(Report::Fetch { news: FetchNews::Written(bytes), .. }) => unsent -= bytes,
            None => {
                stood_still = true;
                let _ = go.send(());
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(stood_still, "the plugin was never made to wait");
    world.please(Effect::FetchFinish { id: FETCH });
    let answer = loop {
        match world.fetched() {
            FetchNews::Written(_) => {}
            other => break other,
        }
    };
    assert!(matches!(&answer, FetchNews::Whole(head, _) if head.status == 204), "{answer:?}");
    let body = got.recv().unwrap();
    let right = |(at, byte): (usize, &u8)| usize::from(*byte) == at / PIECE % 251;
    assert!(body.len() == all && body.iter().enumerate().all(right), "{} bytes", body.len());
    let most = held.most.load(Ordering::SeqCst);
    assert!(most <= ANSWER_WINDOW + QUEUED, "{most} bytes held");
    assert_eq!(held.now.load(Ordering::SeqCst), 0, "nothing stays");
}

#[test]
fn a_body_that_is_left_is_never_a_whole_one() {
    let (port, go, got) = listener(usize::MAX, "");
    let mut world = World::open();
    world.please(upload(format!("http://127.0.0.1:{port}/"), None));
    world.please(Effect::FetchWrite { id: FETCH, data: Bytes::from_static(b"half") });
    assert_eq!(world.fetched(), FetchNews::Written(4));
    world.please(Effect::FetchCancel { id: FETCH });
    let _ = go.send(());
    let body = got.recv().unwrap();
    assert!(!body.ends_with(b"0\r\n\r\n"), "{:?}", String::from_utf8_lossy(&body));
}

#[test]
fn a_server_may_answer_early_and_send_nobody_elsewhere() {
    let early = "HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let moved =
        "HTTP/1.1 307 Moved\r\nlocation: /there\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    for (answer, failure) in
        [(early, None), (moved, Some("/there, and a body in pieces cannot be sent again"))]
    {
        let (port, go, _got) = listener(0, answer);
        let mut world = World::open();
        world.please(upload(format!("http://127.0.0.1:{port}/"), None));
        world.please(Effect::FetchWrite { id: FETCH, data: Bytes::from_static(b"some") });
        assert_eq!(world.fetched(), FetchNews::Written(4));
        let _ = go.send(());
        match (world.fetched(), failure) {
            (FetchNews::Whole(head, _), None) => assert_eq!(head.status, 413),
            (FetchNews::Failed(text), Some(failure)) => assert!(text.contains(failure), "{text}"),
            (other, _) => panic!("{other:?}"),
        }
    }
}
