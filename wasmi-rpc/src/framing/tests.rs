//! Any split of the stream yields the same pieces; bounds hold; the stream goes on after faults.

use proptest::prelude::*;

use super::*;

/// The pieces as words; `split` gives the lengths of the reads, over and over.
fn pieces(framing: Framing, max: usize, bytes: &[u8], split: &[usize]) -> Vec<String> {
    let mut decoder = Decoder::new(framing, max);
    let mut pieces = Vec::new();
    let mut sink = |frame: Frame<'_>, _: Framing| {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        pieces.push(match frame {
            Frame::Message(bytes) => text(bytes),
            Frame::Unterminated(bytes) => format!("unterminated {}", text(bytes)),
            Frame::Oversized { size, head } => format!("oversized {size} {}", text(head)),
            Frame::BadHeader(reason) => format!("bad header: {reason}"),
            Frame::Truncated { size } => format!("truncated {size}"),
        });
    };
    let mut rest = bytes;
    for length in split.iter().cycle().map(|length| length.max(&1)) {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at((*length).min(rest.len()));
        decoder.feed(now, &mut sink);
        rest = later;
    }
    decoder.finish(&mut sink);
    pieces
}

const WHOLE: &[usize] = &[usize::MAX];

#[test]
fn lines_and_headers_mix_and_blank_lines_are_nothing() {
    let stream = b"\n{1}\r\n\r\n  Content-Length: 4\r\nContent-Type: x\r\n\r\n{22}content-length:3\n\n{3}{4}\nlast";
    assert_eq!(
        pieces(Framing::Auto, 100, stream, WHOLE),
        ["{1}\r", "{22}", "{3}", "{4}", "unterminated last"]
    );
}

#[test]
fn a_message_above_the_bound_is_skipped_to_its_end() {
    assert_eq!(
        pieces(Framing::Auto, 5, b"123456\n12345\n", WHOLE),
        ["oversized 6 123456", "12345"]
    );
    assert_eq!(
        pieces(Framing::Auto, 5, b"Content-Length: 6\n\n123456Content-Length: 5\n\n12345", &[7]),
        ["oversized 6 123456", "12345"]
    );
    let long = [vec![b'x'; 5000], b"\nok\n".to_vec()].concat();
    let found = pieces(Framing::Newline, 100, &long, &[33]);
    assert_eq!((found[0].len(), found[1].as_str()), ("oversized 5000 ".len() + HEAD, "ok"));
}

#[test]
fn headers_that_cannot_be_followed_are_reported_and_the_stream_goes_on() {
    for (stream, first) in [
        ("Content-Length: pigs\n{1}\n", "bad header: Content-Length is not a number"),
        ("Content-Length: -1\n{1}\n", "bad header: Content-Length is not a number"),
        ("Content-Length: +1\n{1}\n", "bad header: Content-Length is not a number"),
        ("Content-Length: \n{1}\n", "bad header: Content-Length is not a number"),
        ("Content-Type: x\n\n{1}\n", "bad header: Content-Length is missing"),
        ("Content-\n{1}\n", "bad header: a header line has no colon"),
        ("Content-Type: x\n{1}\n", "bad header: a header section ends with an empty line"),
        ("Content-Length: 1\nContent-Length: 2\n{1}\n", "bad header: two different Content-Length"),
        ("Content-\u{ff}\n{1}\n", "bad header: a header line has no colon"),
    ] {
        assert_eq!(
            pieces(Framing::Auto, 100, stream.as_bytes(), WHOLE),
            [first, "{1}"],
            "{stream}"
        );
    }
    let endless = [b"Content-".to_vec(), vec![b'C'; 100_000], b"\n{1}\n".to_vec()].concat();
    assert_eq!(
        pieces(Framing::Auto, 100, &endless, &[100]),
        ["bad header: a header line is too long", "{1}"]
    );
}

#[test]
fn a_line_that_only_begins_like_a_header_is_a_line() {
    for line in ["Cheese", "Cheese: x", "C", "c:", "Connected", "Config: {1}", "content", "Conten-"]
    {
        let stream = format!("{line}\n{{1}}\n{{2}}\n");
        for split in [WHOLE, &[1], &[3]] {
            assert_eq!(
                pieces(Framing::Auto, 100, stream.as_bytes(), split),
                [line, "{1}", "{2}"],
                "{split:?}"
            );
        }
    }
    let long = [vec![b'C'; 5000], b"\n{1}\n".to_vec()].concat();
    assert_eq!(pieces(Framing::Auto, 100, &long, &[7])[1..], ["{1}"]);
}

#[test]
fn the_end_inside_a_message_is_reported() {
    assert_eq!(pieces(Framing::Auto, 9, b"{1}\n{\"ha", WHOLE), ["{1}", "unterminated {\"ha"]);
    assert_eq!(pieces(Framing::Auto, 9, b"Content-Length: 9\n\nfour", WHOLE), ["truncated 4"]);
    assert_eq!(pieces(Framing::Auto, 2, b"Content-Length: 9\n\nfour", WHOLE), ["truncated 4"]);
    assert_eq!(pieces(Framing::Auto, 2, b"four", WHOLE), ["truncated 4"]);
    assert_eq!(pieces(Framing::Auto, 9, b"Content", WHOLE), ["unterminated Content"]);
    assert_eq!(pieces(Framing::Auto, 9, b"Content-L", WHOLE), ["truncated 9"]);
    assert_eq!(pieces(Framing::Auto, 9, b" \n", WHOLE), Vec::<String>::new());
}

#[test]
fn a_fixed_framing_does_not_look_for_the_other() {
    assert_eq!(pieces(Framing::Newline, 99, b"Content-Length: 1\n", WHOLE), ["Content-Length: 1"]);
    assert_eq!(
        pieces(Framing::ContentLength, 99, b"{1}\nContent-Length: 1\n\n7", WHOLE),
        ["bad header: a header line has no colon", "7"]
    );
}

#[test]
fn an_absurd_length_takes_no_memory() {
    let mut decoder = Decoder::new(Framing::Auto, 100);
    decoder.feed(b"Content-Length: 18446744073709551615\n\n", &mut |_, _| {});
    decoder.feed(&[b'x'; 10_000], &mut |_, _| {});
    assert!(decoder.buffer.capacity() <= HEADER_LINE);
}

proptest! {
    #[test]
    fn any_split_yields_the_same_pieces(
        parts in prop::collection::vec(prop_oneof![
            "\\{[a-z\"]{0,20}\\}\n",
            "Content-Length: [0-9]{1,2}\r\n\r\n[a-z]{0,30}",
            "[\\PC\r\nC]{0,10}",
        ], 0..8),
        split in prop::collection::vec(1_usize..12, 1..6),
        max in 1_usize..40,
        framing in prop::sample::select(&[Framing::Auto, Framing::Newline, Framing::ContentLength]),
    ) {
        let stream = parts.concat().into_bytes();
        prop_assert_eq!(
            pieces(framing, max, &stream, &split),
            pieces(framing, max, &stream, WHOLE)
        );
    }

    #[test]
    fn garbage_never_panics_and_the_buffer_stays_bounded(
        bytes in prop::collection::vec(any::<u8>(), 0..2000), split in 1_usize..50,
    ) {
        let mut decoder = Decoder::new(Framing::Auto, 64);
        for piece in bytes.chunks(split) {
            decoder.feed(piece, &mut |frame, _| {
                if let Frame::Message(bytes) = frame {
                    assert!(bytes.len() <= 64);
                }
            });
            prop_assert!(decoder.buffer.len() <= HEADER_LINE);
        }
        decoder.finish(&mut |_, _| {});
    }
}
