//! HTTP and WebSockets of library guests: functions of this host, beside those of the ABI.
//!
//! Requirements R85 to R87; EXTENSIONS.md has them for authors. A request rests until it is
//! answered, a connection until it is made, so a guest in any language waits as if it blocked.
//! What does not fit the guest's buffer stays here and the call answers how much room it needs
//! (plugin ABI 2.6): nothing is asked for twice, and no message is cut. Here is what both share; the work itself is
//! `net/fetch.rs` and `net/websocket.rs`; how a resting call goes on `session/library/world.rs`.

mod http;
mod stream;
mod websocket;

use super::Answer;
use super::call::Call;
use crate::abi::queue::Shared;
use crate::net::Net;

pub(crate) use self::http::give_response;
pub(super) use self::http::{http_request, http_response};
pub(crate) use self::stream::{Rests, give as give_streamed};
pub(super) use self::stream::{http_close, http_finish, http_open, http_read, http_send};
pub(crate) use self::websocket::{Hearing, Room, hear, put};
pub(super) use self::websocket::{ws_close, ws_connect, ws_receive, ws_send};

/// What is kept of the web for one instance.
#[derive(Debug, Default)]
pub(crate) struct Web {
    /// Why the last call failed that did.
    error: String,
    /// The last response, when it did not fit: until it is read, or the next request.
    response: Option<Vec<u8>>,
    /// Of streamed answers.
    pub(crate) rests: Rests,
}

/// `(outPtr, outMax) -> length`: why the last of these calls failed that did; what fits of it.
pub(super) fn last_error(call: &mut Call<'_, '_>) -> Answer {
    let Some((buffer, capacity)) = call.room(0) else { return Answer::Number(-1) };
    let (mut memory, Some(shared)) = call.ctx.memory_and_state::<Shared>() else {
        return Answer::Number(-1);
    };
    let text = &shared.web.error;
    let mut end = text.len().min(size(capacity));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let written = memory.write(buffer, text.get(..end).unwrap_or_default().as_bytes());
    match written {
        Ok(()) => Answer::Number(number(end)),
        Err(fault) => {
            call.fault(fault);
            Answer::Number(-1)
        }
    }
}

impl Web {
    /// A call failed later.
    pub(crate) fn failed(&mut self, why: String) {
        self.error = why;
    }
}

impl Call<'_, '_> {
    /// One call of the network; a failure can be read by the guest.
    fn web<T>(&mut self, run: impl FnOnce(&mut Net) -> Result<T, String>) -> Option<T> {
        match run(&mut self.shared()?.net) {
            Ok(done) => Some(done),
            Err(text) => {
                self.failed(text);
                None
            }
        }
    }

    /// The failure of a call, in words.
    fn failed(&mut self, why: impl std::fmt::Display) -> Answer {
        let text = why.to_string();
        self.say(&text);
        if let Some(shared) = self.shared() {
            shared.web.error = text;
        }
        Answer::Number(-1)
    }

    /// The failure of a call whose arguments cannot be read, which was said.
    fn unread(&mut self) -> Answer {
        if let Some(shared) = self.shared() {
            "an address or a length is out of range, or too long; the plugin's log has more"
                .clone_into(&mut shared.web.error);
        }
        Answer::Number(-1)
    }

    /// Whether the guest may wait here; else it is said. Asked before anything is sent.
    fn may_rest(&mut self) -> bool {
        let may = self.ctx.may_wait();
        if !may {
            self.failed(
                "nothing can be waited for inside `allocate`, `__new` and their like; call it outside of them",
            );
        }
        may
    }
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn size(capacity: u32) -> usize {
    usize::try_from(capacity).unwrap_or(usize::MAX)
}
