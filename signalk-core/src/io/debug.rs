//! How inputs and effects are printed for a programmer: of what clients, plugins and files say only the length, because
//! a message may be a login, and a frame its token. Requests, answers and reports see to that themselves.

use std::fmt;

use super::{ConnectionEvent, Effect, Input};
use crate::guest::BodyNews;

/// A variant with these members, which are in scope under their names.
macro_rules! show {
    ($f:expr, $name:literal $(, $member:ident)*) => {
        $f.debug_struct($name)$(.field(stringify!($member), $member))*.finish()
    };
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::HttpRespond { id, response } => show!(f, "HttpRespond", id, response),
            Effect::HttpReadWhole { id } => show!(f, "HttpReadWhole", id),
            Effect::HttpRead { id } => show!(f, "HttpRead", id),
            Effect::HttpRespondStream { id, response, length } => {
                show!(f, "HttpRespondStream", id, response, length)
            }
            Effect::HttpWrite { id, piece } => {
                let bytes = &piece.len();
                show!(f, "HttpWrite", id, bytes)
            }
            Effect::HttpEnd { id, complete } => show!(f, "HttpEnd", id, complete),
            Effect::StreamSend { id, frame } => {
                let bytes = &frame.len();
                show!(f, "StreamSend", id, bytes)
            }
            Effect::StreamSendMany { ids, frame } => {
                let bytes = &frame.len();
                show!(f, "StreamSendMany", ids, bytes)
            }
            Effect::StreamAccept { id, limit, protocol } => {
                show!(f, "StreamAccept", id, limit, protocol)
            }
            Effect::StreamSendBinary { ids, frame } => {
                let bytes = &frame.len();
                show!(f, "StreamSendBinary", ids, bytes)
            }
            Effect::StreamClose { id, code, reason } => show!(f, "StreamClose", id, code, reason),
            Effect::StreamReject { id, response } => show!(f, "StreamReject", id, response),
            Effect::OpenConnection { id, endpoint } => show!(f, "OpenConnection", id, endpoint),
            Effect::CloseConnection { id } => show!(f, "CloseConnection", id),
            Effect::ReadPackage { plugin, dir } => show!(f, "ReadPackage", plugin, dir),
            Effect::ReadModule { plugin, dir, wasm, want_code, fs, trust } => {
                show!(f, "ReadModule", plugin, dir, wasm, want_code, fs, trust)
            }
            Effect::SaveFile { ticket, name, bytes, before } => {
                let (bytes, before) = (&bytes.len(), &before.as_ref().map(bytes::Bytes::len));
                show!(f, "SaveFile", ticket, name, bytes, before)
            }
            Effect::Plugin { plugin, life, egress, effect } => {
                show!(f, "Plugin", plugin, life, egress, effect)
            }
            Effect::PluginEnded { plugin, life } => show!(f, "PluginEnded", plugin, life),
            Effect::Storage { ticket, task } => show!(f, "Storage", ticket, task),
            Effect::CheckPassword { ticket, check } => show!(f, "CheckPassword", ticket, check),
            Effect::HttpRespondFile { id, response, file, offset, length } => {
                show!(f, "HttpRespondFile", id, response, file, offset, length)
            }
            Effect::HttpRespondStatic { id, file } => show!(f, "HttpRespondStatic", id, file),
            Effect::Log { level, area, target, text } => show!(f, "Log", level, area, target, text),
            Effect::Stopped => f.write_str("Stopped"),
        }
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Http { id, request } => show!(f, "Http", id, request),
            Input::HttpHead { id, request } => show!(f, "HttpHead", id, request),
            Input::HttpBody { id, news: BodyNews::Piece(piece) } => {
                let bytes = &piece.len();
                show!(f, "HttpBody", id, bytes)
            }
            Input::HttpBody { id, news } => show!(f, "HttpBody", id, news),
            Input::HttpGone { id } => show!(f, "HttpGone", id),
            Input::StreamOpened { id, request } => show!(f, "StreamOpened", id, request),
            Input::StreamMessage { id, text } => {
                let bytes = &text.len();
                show!(f, "StreamMessage", id, bytes)
            }
            Input::StreamBinary { id, data } => {
                let bytes = &data.len();
                show!(f, "StreamBinary", id, bytes)
            }
            Input::StreamClosed { id, close } => show!(f, "StreamClosed", id, close),
            Input::StreamQueue { id, bytes } => show!(f, "StreamQueue", id, bytes),
            Input::Connection { id, event } => show!(f, "Connection", id, event),
            Input::Packages { found, complaints } => {
                let found: &Vec<&String> = &found.iter().map(|package| &package.dir).collect();
                show!(f, "Packages", found, complaints)
            }
            Input::Report(report) => f.debug_tuple("Report").field(report).finish(),
            Input::Ran { plugin, ran } => show!(f, "Ran", plugin, ran),
            Input::RunLost { plugin, reason } => show!(f, "RunLost", plugin, reason),
            Input::PluginReport { plugin, life, report } => {
                show!(f, "PluginReport", plugin, life, report)
            }
            Input::Tick => f.write_str("Tick"),
            Input::Shutdown => f.write_str("Shutdown"),
        }
    }
}

impl fmt::Debug for ConnectionEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectionEvent::Opened => f.write_str("Opened"),
            ConnectionEvent::Bytes(bytes) => f.debug_tuple("Bytes").field(&bytes.len()).finish(),
            ConnectionEvent::Closed { reason } => show!(f, "Closed", reason),
            ConnectionEvent::Failed { error } => show!(f, "Failed", error),
            ConnectionEvent::Finished => f.write_str("Finished"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::{StreamId, Ticket};

    #[test]
    fn a_login_and_its_token_are_not_printed() {
        let said = b"{\"login\":{\"password\":\"harbour\"}}".as_slice();
        let id = StreamId(7);
        let texts = [
            format!("{:?}", Input::StreamMessage { id, text: said.into() }),
            format!("{:?}", Effect::StreamSend { id, frame: said.into() }),
            format!("{:?}", Effect::StreamSendMany { ids: [id].into(), frame: said.into() }),
            format!(
                "{:?}",
                Effect::SaveFile {
                    ticket: Ticket(1),
                    name: "security.json".to_owned(),
                    bytes: said.into(),
                    before: Some(said.into()),
                }
            ),
        ];
        let bytes = said.len();
        assert_eq!(texts[0], format!("StreamMessage {{ id: StreamId(7), bytes: {bytes} }}"));
        for text in texts {
            assert!(!text.contains("harbour") && text.contains(&bytes.to_string()), "{text}");
        }
    }
}
