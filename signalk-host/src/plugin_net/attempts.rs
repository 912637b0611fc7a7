//! A whole answer by HTTP: one that is kept, or of as many attempts as are wished, each in its turn.
//!
//! The rules are `signalk_bridge`'s: `Retry`, `Turns`, `Cache`. An attempt is everything up to the end of the body, so
//! one that breaks in the middle of it is made again. What the owner's rules refuse is neither asked for again nor
//! answered with what was kept.

use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use signalk_bridge::{FetchHead, FetchRequest, Found, KeptAnswer};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    fetch::{Answer, Failure, Web, late, whole},
    line::Line,
};

/// What one attempt came to.
enum Attempt {
    Answer(FetchHead, Bytes),
    /// There may be a better one after a pause.
    Again(Duration),
}

impl Web {
    /// The answer, or why there is none.
    pub(super) async fn whole(
        &mut self,
        request: &FetchRequest,
        mut line: Option<Line>,
    ) -> Result<(FetchHead, Bytes), String> {
        let mut attempt = 1;
        loop {
            if let Found::Fresh(head, body) = self.kept.look(request)? {
                return Ok((head, body));
            }
            let turn = match &mut line {
                Some(line) => line.turn().await,
                None => None,
            };
            // While it waited another one may have brought it.
            let known = match self.kept.look(request)? {
                Found::Fresh(head, body) => return Ok((head, body)),
                Found::Older(known) => Some(known),
                Found::Nothing => None,
            };
            let made = self.attempt(&asking(request, known.as_ref()), attempt).await;
            drop(turn);
            match made {
                Ok(Attempt::Again(pause)) => sleep(pause).await,
                Ok(Attempt::Answer(head, body)) => {
                    return Ok(self.kept.answered(request, known, head, body));
                }
                Err(failure) => return self.kept.failed(known, failure),
            }
            attempt += 1;
        }
    }

    async fn attempt(&mut self, request: &FetchRequest, attempt: u32) -> Result<Attempt, Failure> {
        let end = Instant::now() + request.timeout;
        let made = timeout_at(end, async {
            let (answer, head) = self.ask(request, None).await?;
            match pause(request, attempt, &answer) {
                // With its connection: whoever asks to be left alone is.
                Some(pause) => Ok(Attempt::Again(pause)),
                None => Ok(Attempt::Answer(head, whole(answer, request.most).await?)),
            }
        });
        match made.await.unwrap_or_else(|_| Err(Failure::Passing(late(request)))) {
            Err(Failure::Passing(text)) => match request.retry.pause(attempt, None, None) {
                Some(pause) => Ok(Attempt::Again(pause)),
                None => Err(Failure::Passing(text)),
            },
            made => made,
        }
    }
}

/// The request by which a server can say that what is kept still holds.
fn asking(request: &FetchRequest, known: Option<&KeptAnswer>) -> FetchRequest {
    let mut asking = request.clone();
    asking.headers.extend(known.map(KeptAnswer::conditions).unwrap_or_default());
    asking
}

/// How long to wait before the request is sent once more; `None`: this is its answer.
fn pause(request: &FetchRequest, attempt: u32, answer: &Answer) -> Option<Duration> {
    let after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    request.retry.pause(attempt, Some(answer.status().as_u16()), after)
}
