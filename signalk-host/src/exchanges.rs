//! Clients' requests that are not answered completely, as the core's task sees them: where their answers go, who reads
//! their bodies, who sends streamed answers.

use std::collections::BTreeMap;

use bytes::Bytes;
use signalk_core::{HttpId, HttpResponse};
use tokio::sync::{mpsc, oneshot};

use crate::http::Answer;

/// What the core wants of a body that is still with its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// All of it, in one request.
    Whole,
    /// The next piece.
    Piece,
}

/// What follows in a streamed answer.
#[derive(Debug)]
pub(crate) enum Next {
    /// Bytes.
    Piece(Bytes),
    /// Nothing: it is whole.
    End,
}

/// What the core's task keeps of them.
#[derive(Default)]
pub(crate) struct Exchanges {
    answers: BTreeMap<HttpId, oneshot::Sender<Answer>>,
    bodies: BTreeMap<HttpId, mpsc::UnboundedSender<Want>>,
    /// Bounded by the bridge's window. One that is dropped before [`Next::End`] breaks the answer off.
    streams: BTreeMap<HttpId, mpsc::UnboundedSender<Next>>,
}

impl Exchanges {
    /// A request came; `body`: its head only.
    pub(crate) fn open(
        &mut self,
        id: HttpId,
        answer: oneshot::Sender<Answer>,
        body: Option<mpsc::UnboundedSender<Want>>,
    ) {
        self.answers.insert(id, answer);
        self.bodies.extend(body.map(|body| (id, body)));
    }

    /// Where the one answer of a request goes; nothing of its body is wanted any more.
    pub(crate) fn take(&mut self, id: HttpId) -> Option<oneshot::Sender<Answer>> {
        self.bodies.remove(&id);
        self.answers.remove(&id)
    }

    /// Reads on, or all of it.
    pub(crate) fn want(&mut self, id: HttpId, want: Want) {
        if let Some(body) = self.bodies.get(&id) {
            // The client may have gone.
            let _ = body.send(want);
        }
        if want == Want::Whole {
            self.bodies.remove(&id);
        }
    }

    /// Begins a streamed answer.
    pub(crate) fn respond(&mut self, id: HttpId, response: HttpResponse, length: Option<u64>) {
        let Some(answer) = self.answers.remove(&id) else { return };
        let (sender, pieces) = mpsc::unbounded_channel();
        self.streams.insert(id, sender);
        let _ = answer.send(Answer::Stream { head: response, length, pieces });
    }

    /// The next piece of a streamed answer.
    pub(crate) fn write(&mut self, id: HttpId, piece: Bytes) {
        if let Some(stream) = self.streams.get(&id) {
            let _ = stream.send(Next::Piece(piece));
        }
    }

    /// The end of a streamed answer, whole or broken off.
    pub(crate) fn end(&mut self, id: HttpId, complete: bool) {
        if let Some(stream) = self.streams.remove(&id)
            && complete
        {
            let _ = stream.send(Next::End);
        }
        self.bodies.remove(&id);
    }

    /// The client is gone.
    pub(crate) fn forget(&mut self, id: HttpId) {
        self.answers.remove(&id);
        self.bodies.remove(&id);
        self.streams.remove(&id);
    }
}
