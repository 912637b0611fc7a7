//! TCP of a plugin, without an edge: what is kept, what is lost and counted, what is sent.

use super::*;
use crate::effect::Report;

const ID: SocketId = SocketId(1);

fn connected() -> Net {
    let mut net = Net::new();
    assert_eq!(net.tcp_create(), Ok(ID));
    net.tcp_connect(ID, "pilot.local", 10110, false).unwrap();
    assert_eq!(net.tcp_connected(ID), Some(false));
    net.handle_report(Report::Connected { socket: ID, result: Ok(String::new()) });
    net.take_effects();
    net
}

fn arrives(net: &mut Net, data: &[u8]) {
    net.handle_report(Report::TcpData { socket: ID, data: Bytes::copy_from_slice(data) });
}

fn closes(net: &mut Net, error: Option<&str>) {
    let error = error.map(str::to_owned);
    net.handle_report(Report::Closed { socket: ID, error, close: None });
}

fn lines(net: &mut Net) -> Vec<String> {
    let lines = std::iter::from_fn(|| net.tcp_pop_line(ID));
    lines.map(|line| String::from_utf8(line).unwrap()).collect()
}

#[test]
fn w39_lines_are_split_by_bytes_however_they_come() {
    let text = "$GPRMC,\u{e4}\r\n\n\r\nlast\u{2603}".as_bytes();
    for size in 1..=text.len() {
        let mut net = connected();
        for piece in text.chunks(size) {
            arrives(&mut net, piece);
        }
        assert_eq!(lines(&mut net), ["$GPRMC,\u{e4}"]);
        closes(&mut net, None);
        assert_eq!(net.tcp_connected(ID), Some(false), "there is more to read");
        assert_eq!(lines(&mut net), ["last\u{2603}"]);
        assert_eq!(net.tcp_connected(ID), None);
    }
}

#[test]
fn w39_nothing_is_sent_before_the_connection_and_1_mib_waits_at_most() {
    let mut net = Net::new();
    net.tcp_create().unwrap();
    let byte = || Bytes::from_static(b"x");
    assert!(net.tcp_send(ID, byte()).unwrap_err().contains("not connected"));
    let mut net = connected();
    net.tcp_send(ID, vec![0; MOST_UNSENT].into()).unwrap();
    assert!(net.tcp_send(ID, byte()).is_err());
    net.handle_report(Report::Sent { socket: ID, bytes: 1 });
    assert_eq!(net.tcp_send(ID, byte()), Ok(()));
    closes(&mut net, None);
    assert!(net.tcp_send(ID, byte()).is_err());
}

#[test]
fn w39_raw_bytes_that_did_not_fit_stay_and_the_other_end_waits() {
    let mut net = connected();
    net.tcp_set_lines(ID, false).unwrap();
    arrives(&mut net, b"abcdef");
    net.tcp_pop_raw(ID, 4);
    assert!(net.take_effects().is_empty());
    assert_eq!(net.tcp_peek_raw(ID).unwrap().unwrap(), &b"ef"[..]);
    net.tcp_pop_raw(ID, 9);
    assert_eq!(net.take_effects(), [Effect::Taken { socket: ID, bytes: 6 }]);
    assert_eq!(net.tcp_peek_raw(ID), Ok(None));
}

#[test]
fn all_that_came_is_taken_at_once_and_the_end_is_told_once() {
    let mut net = connected();
    assert_eq!(net.tcp_take(ID), Ok(None));
    arrives(&mut net, b"one\ntwo\nrest");
    let lines = vec![b"one".to_vec(), b"two".to_vec()];
    assert_eq!(net.tcp_take(ID), Ok(Some(Received::Lines(lines))));
    net.tcp_set_lines(ID, false).unwrap();
    arrives(&mut net, b"ab");
    arrives(&mut net, b"cd");
    net.take_effects();
    assert_eq!(net.tcp_take(ID), Ok(Some(Received::Bytes(Bytes::from_static(b"abcd")))));
    assert_eq!(net.take_effects(), [Effect::Taken { socket: ID, bytes: 4 }]);
    closes(&mut net, Some("reset"));
    assert_eq!(net.tcp_take(ID), Ok(Some(Received::Lines(vec![b"rest".to_vec()]))));
    assert_eq!(net.tcp_take(ID), Ok(Some(Received::End(Some("reset".into())))));
    assert_eq!(net.tcp_take(ID), Err("socket 1 not found".into()));
}

#[test]
fn modes_have_their_own_queues() {
    let mut net = connected();
    arrives(&mut net, b"one\ntwo");
    net.tcp_set_lines(ID, false).unwrap();
    arrives(&mut net, b"raw");
    assert_eq!(net.tcp_pending(ID), Some(1));
    net.tcp_set_lines(ID, true).unwrap();
    arrives(&mut net, b"!\n");
    assert_eq!(net.tcp_pending(ID), Some(2));
    assert_eq!(lines(&mut net), ["one", "two!"]);
    assert_eq!(net.tcp_peek_raw(ID).unwrap().unwrap(), &b"raw"[..]);
}

#[test]
fn w39_why_a_connection_ended_can_be_asked() {
    let mut net = connected();
    assert_eq!(net.tcp_last_error(ID), Some(""));
    closes(&mut net, Some("reset by peer"));
    assert_eq!((net.tcp_connected(ID), net.tcp_last_error(ID)), (None, Some("reset by peer")));
    assert_eq!(net.tcp_last_error(SocketId(9)), None);
    assert!(net.tcp_connect(ID, "a", 1, false).is_err(), "a new one has to be created");
}

#[test]
fn w39_raw_bytes_are_never_lost_however_small_their_pieces() {
    let mut net = connected();
    net.tcp_set_lines(ID, false).unwrap();
    for number in 0..3000_u32 {
        arrives(&mut net, &number.to_le_bytes()[..1]);
    }
    assert_eq!(net.tcp_pending(ID), Some(1000), "small pieces are joined");
    let Ok(Some(Received::Bytes(all))) = net.tcp_take(ID) else { panic!("no bytes") };
    assert_eq!(all.len(), 3000);
    assert!((0..3000_u32).zip(&all).all(|(number, byte)| number.to_le_bytes()[0] == *byte));
    assert_eq!(net.take_dropped(), (0, 0));
}

#[test]
fn raw_bytes_that_nobody_reads_stop_the_other_end_whatever_the_mode() {
    let mut net = connected();
    let piece = vec![b'x'; 64 << 10];
    for _ in 0..1000 {
        net.tcp_set_lines(ID, false).unwrap();
        arrives(&mut net, &piece);
        net.tcp_set_lines(ID, true).unwrap();
    }
    let effects = net.take_effects();
    let told: usize = effects
        .iter()
        .map(|effect| if let Effect::Taken { bytes, .. } = effect { *bytes } else { 0 })
        .sum();
    assert!(told <= 2 << 20, "the edge may send {told} bytes more");
}

#[test]
fn lines_of_a_socket_hold_8_mib_and_less_when_there_are_many_sockets() {
    let mut net = connected();
    let line = [vec![b'x'; 60_000], vec![b'\n']].concat();
    for _ in 0..500 {
        arrives(&mut net, &line);
    }
    assert_eq!(net.tcp_pending(ID), Some((8 << 20) / 60_000));
    for _ in 0..63 {
        net.tcp_create().unwrap();
    }
    assert_eq!(net.tcp_pending(ID), Some((1 << 20) / 60_000), "its share has become smaller");
    assert_eq!(net.take_dropped(), (0, 500 - (1 << 20) / 60_000));
}

#[test]
fn the_oldest_lines_go_and_a_line_without_an_end_is_cut() {
    let mut net = connected();
    for number in 0..1005 {
        arrives(&mut net, format!("{number}\n").as_bytes());
    }
    assert_eq!((lines(&mut net)[0].as_str(), net.take_dropped()), ("5", (0, 5)));
    arrives(&mut net, &vec![b'x'; LONGEST_LINE + 3]);
    assert_eq!(net.tcp_pop_line(ID).unwrap().len(), LONGEST_LINE);
    arrives(&mut net, b"\n");
    assert_eq!(lines(&mut net), ["xxx"]);
}
