//! Messages as they go over the wire. A server's frames are not masked, so the bytes are the same for every client:
//! they are made once, and many messages together are one piece of memory.
//!
//! The frames themselves are written by `tungstenite`.

use std::{collections::VecDeque, io::IoSlice};

use bytes::{Buf, Bytes};
use tokio_tungstenite::tungstenite::protocol::{
    CloseFrame,
    frame::{
        Frame, FrameHeader,
        coding::{Data, OpCode},
    },
};

/// A header is never longer.
const HEADER: usize = 10;

/// RFC 6455, 5.5.1: what a close frame has room for, after the code.
const REASON: usize = 123;

/// From here on a payload is sent from where it is: a copy would cost more than one more buffer in a write.
const LONG: usize = 16 << 10;

/// One message for clients.
#[derive(Debug, Clone)]
pub(crate) enum Message {
    /// JSON.
    Text(Bytes),
    /// A frame of a binary stream.
    Binary(Bytes),
}

impl Message {
    pub(crate) fn payload(&self) -> &Bytes {
        match self {
            Message::Text(payload) | Message::Binary(payload) => payload,
        }
    }

    fn kind(&self) -> Data {
        match self {
            Message::Text(_) => Data::Text,
            Message::Binary(_) => Data::Binary,
        }
    }
}

/// How a client wants its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Frames, of text or binary.
    WebSocket,
    /// One line each; binary streams have none.
    Lines,
}

impl Framing {
    /// These messages, in order, in as few pieces as are worth it: short messages are joined, a long one stays where it
    /// is.
    pub(crate) fn pieces(self, messages: &[Message]) -> Vec<Bytes> {
        let length = |message: &Message| message.payload().len();
        let joined: usize = messages.iter().map(length).filter(|length| *length < LONG).sum();
        let mut pieces = Vec::new();
        let mut out = Vec::with_capacity(joined + HEADER * messages.len());
        for message in messages {
            if self == Framing::WebSocket {
                header(message.kind(), length(message), &mut out);
            }
            if length(message) < LONG {
                out.extend_from_slice(message.payload());
            } else {
                pieces.extend([std::mem::take(&mut out).into(), message.payload().clone()]);
            }
            if self == Framing::Lines {
                out.extend_from_slice(b"\r\n");
            }
        }
        pieces.push(out.into());
        pieces.retain(|piece: &Bytes| !piece.is_empty());
        pieces
    }
}

fn header(kind: Data, length: usize, out: &mut Vec<u8>) {
    let header = FrameHeader { opcode: OpCode::Data(kind), ..FrameHeader::default() };
    // Writing to memory does not fail, and every usize is a u64 where this runs.
    let _ = header.format(u64::try_from(length).unwrap_or(u64::MAX), out);
}

/// A ping without payload.
pub(crate) fn ping() -> Bytes {
    control(Frame::ping(Bytes::new()))
}

/// The last frame; a long reason is cut.
pub(crate) fn close(code: u16, reason: &str) -> Bytes {
    let reason = reason.get(..reason.floor_char_boundary(REASON)).unwrap_or_default();
    control(Frame::close(Some(CloseFrame { code: code.into(), reason: reason.into() })))
}

fn control(frame: Frame) -> Bytes {
    let mut out = Vec::new();
    let _ = frame.format(&mut out);
    out.into()
}

/// Pieces that are written together, with as few writes as the system allows.
#[derive(Debug)]
pub(crate) struct Batch(pub(crate) VecDeque<Bytes>);

impl Buf for Batch {
    fn remaining(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    fn has_remaining(&self) -> bool {
        self.0.iter().any(|piece| !piece.is_empty())
    }

    fn chunk(&self) -> &[u8] {
        self.0.iter().find(|piece| !piece.is_empty()).map_or(&[], |piece| piece)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let pieces = self.0.iter().filter(|piece| !piece.is_empty());
        slices.iter_mut().zip(pieces).map(|(slice, piece)| *slice = IoSlice::new(piece)).count()
    }

    fn advance(&mut self, mut count: usize) {
        while let Some(first) = self.0.front_mut() {
            let step = count.min(first.len());
            first.advance(step);
            count -= step;
            if !first.is_empty() {
                return;
            }
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::{
        self,
        protocol::{Role, WebSocket},
    };

    use super::*;

    /// What a client understands.
    fn read(bytes: &[u8]) -> Vec<tungstenite::Message> {
        let stream = std::io::Cursor::new(bytes.to_vec());
        let mut client = WebSocket::from_raw_socket(stream, Role::Client, None);
        std::iter::from_fn(|| client.read().ok()).collect()
    }

    #[test]
    fn a_client_reads_the_messages_of_a_piece_whatever_their_length() {
        let texts = [0, 1, 125, 126, 65_535, 65_536, 3].map(|length| "x".repeat(length));
        let messages: Vec<Message> =
            texts.iter().map(|text| Message::Text(text.clone().into())).collect();
        let read = read(&Framing::WebSocket.pieces(&messages).concat());
        let got: Vec<_> = read.iter().map(|message| message.to_text().unwrap()).collect();
        assert_eq!(got, texts);
        let lines = ["{}", "1"].map(|text| Message::Text(text.into()));
        assert_eq!(Framing::Lines.pieces(&lines), ["{}\r\n1\r\n"]);
    }

    #[test]
    fn a_long_message_is_not_copied_and_short_ones_are_joined() {
        let long = Bytes::from(vec![7; LONG]);
        let short = Bytes::from_static(&[1, 2]);
        let messages =
            [&short, &short, &long, &short].map(|payload| Message::Binary(payload.clone()));
        let pieces = Framing::WebSocket.pieces(&messages);
        assert_eq!(pieces.len(), 3);
        assert_eq!(pieces[1].as_ptr(), long.as_ptr());
        let read = read(&pieces.concat());
        let expected =
            [&short, &short, &long, &short].map(|b| tungstenite::Message::Binary(b.clone()));
        assert_eq!(read, expected);
    }

    #[test]
    fn control_frames_are_understood_and_a_long_reason_is_cut_between_characters() {
        assert_eq!(read(&ping()), [tungstenite::Message::Ping(Bytes::new())]);
        let reason = "ä".repeat(100);
        let [tungstenite::Message::Close(Some(close))] = &read(&close(1008, &reason))[..] else {
            panic!("no close")
        };
        assert_eq!((u16::from(close.code), close.reason.as_str()), (1008, "ä".repeat(61).as_str()));
    }

    #[test]
    fn a_batch_is_written_in_order_whatever_the_system_takes_at_a_time() {
        for step in 1..8 {
            let mut batch = Batch(
                ["ab", "", "cde", "f"].map(|text| Bytes::from_static(text.as_bytes())).into(),
            );
            let mut written = Vec::new();
            while batch.has_remaining() {
                let mut slices = [IoSlice::new(&[]); 2];
                let filled = batch.chunks_vectored(&mut slices);
                let offered: Vec<u8> =
                    slices[..filled].iter().flat_map(|slice| slice.to_vec()).collect();
                let taken = step.min(offered.len());
                written.extend_from_slice(&offered[..taken]);
                batch.advance(taken);
            }
            assert_eq!(written, b"abcdef", "{step}");
            assert_eq!((batch.remaining(), batch.chunk()), (0, &b""[..]));
        }
    }
}
