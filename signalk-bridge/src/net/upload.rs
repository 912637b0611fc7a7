//! Requests by HTTP whose body the plugin writes in pieces.
//!
//! The counterpart of a streamed answer (`fetch`): who writes waits while the server is behind, so
//! of a body of any length the host holds a window. A server may answer before the body has ended:
//! the answer waits for [`Net::upload_finish`], and what is still written goes nowhere.

use bytes::Bytes;

use super::fetch::Terms;
use super::outflow::Outflow;
use super::{Completed, Net, Outcome, Wait};
use crate::effect::{Effect, FetchId, FetchNews, Upload};

/// A request whose body has not ended.
#[derive(Debug)]
pub(super) struct Uploading {
    flow: Outflow,
    /// The server answered early, or the request failed.
    news: Option<FetchNews>,
}

impl Net {
    /// Begins a request; its body follows by [`Net::upload_write`].
    ///
    /// # Errors
    /// In words, when it cannot be sent.
    pub(crate) fn upload(
        &mut self,
        method: &str,
        url: &str,
        headers: Vec<(String, String)>,
        length: Option<u64>,
        terms: Terms,
    ) -> Result<FetchId, String> {
        let upload = Some(Upload { length });
        let id = self.fetch_with(method, url, headers, (Bytes::new(), upload), terms)?;
        self.uploads.insert(id, Uploading { flow: Outflow::new(length), news: None });
        Ok(id)
    }

    /// A piece of the body could not be read: it is no whole one any more.
    pub(crate) fn upload_spoilt(&mut self, id: FetchId, text: String) {
        if let Some(upload) = self.uploads.get_mut(&id) {
            upload.flow.spoil(text);
        }
    }

    /// Writes a piece of the body; a wait: until there is room for the next.
    ///
    /// # Errors
    /// In words; the request is broken then, unless the piece only found no room and is written again.
    pub(crate) fn upload_write(
        &mut self,
        id: FetchId,
        data: Bytes,
    ) -> Result<Option<Wait>, String> {
        let upload = self.uploads.get_mut(&id).ok_or_else(|| no_upload(id))?;
        if let Some(FetchNews::Failed(text)) = &upload.news {
            let text = text.clone();
            self.uploads.remove(&id);
            self.fetches.remove(&id);
            self.requests.1 += 1;
            return Err(text);
        }
        let waits = upload.flow.write(&data)?;
        if data.is_empty() {
            return Ok(None);
        }
        if upload.news.is_some() {
            upload.flow.sent(data.len());
            return Ok(None);
        }
        self.effects.push_back(Effect::FetchWrite { id, data });
        Ok(waits.then_some(Wait::Upload(id)))
    }

    /// Who waits for room does not any more: the next write takes its place.
    pub(crate) fn upload_write_dropped(&mut self, id: FetchId) {
        if let Some(upload) = self.uploads.get_mut(&id) {
            upload.flow.leave();
        }
    }

    /// Ends the body; the answer is waited for.
    ///
    /// # Errors
    /// In words: it has no body in pieces, or that is not whole; the request is given up then.
    pub(crate) fn upload_finish(&mut self, id: FetchId) -> Result<Wait, String> {
        let Uploading { flow, news } = self.uploads.remove(&id).ok_or_else(|| no_upload(id))?;
        match news {
            // The answer stands, whatever the rest of the body would have been.
            Some(news) => {
                let done = self.fetch_news(id, news);
                self.completed.extend(done);
            }
            None => {
                if let Err(text) = flow.whole() {
                    self.fetch_cancel(id);
                    return Err(format!("{text}; the request is given up"));
                }
                self.effects.push_back(Effect::FetchFinish { id });
            }
        }
        Ok(Wait::Fetch(id))
    }

    /// News of a request whose body has not ended; others are given back.
    pub(super) fn upload_news(
        &mut self,
        id: FetchId,
        news: FetchNews,
    ) -> Result<Option<Completed>, FetchNews> {
        let room = Completed { wait: Wait::Upload(id), outcome: Outcome::Number(0) };
        match (self.uploads.get_mut(&id), news) {
            // Of a body that has ended nobody waits for room.
            (None, FetchNews::Written(_)) => Ok(None),
            (None, news) => Err(news),
            (Some(upload), FetchNews::Written(bytes)) => {
                Ok(upload.flow.sent(bytes).then_some(room))
            }
            (Some(upload), news) => {
                upload.news = Some(news);
                Ok(upload.flow.sent(usize::MAX).then_some(room))
            }
        }
    }

    /// The request is forgotten: who waits for room is told.
    pub(super) fn upload_ended(&mut self, id: FetchId, why: &str) {
        if let Some(upload) = self.uploads.remove(&id)
            && upload.flow.waits()
        {
            self.complete(Some(Wait::Upload(id)), Err(why.to_owned()));
        }
    }
}

fn no_upload(id: FetchId) -> String {
    format!(
        "request {} takes no body: it has ended or failed, or was not begun by `http.open`",
        id.0
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::FetchHead;
    use crate::exchange::PIECE;

    fn begun(length: Option<u64>) -> (Net, FetchId) {
        let mut net = Net::new();
        let id = net.upload("put", "http://a.b/", vec![], length, Terms::default()).unwrap();
        let effects = net.take_effects();
        assert!(
            matches!(&effects[0], Effect::Fetch { request, .. } if request.upload == Some(Upload { length }))
        );
        (net, id)
    }

    fn piece(bytes: usize) -> Bytes {
        Bytes::from(vec![7; bytes])
    }

    fn answered() -> FetchNews {
        FetchNews::Whole(FetchHead::default(), Bytes::new())
    }

    #[test]
    fn a_body_with_a_piece_that_could_not_be_read_is_given_up() {
        let (mut net, id) = begun(None);
        net.upload_write(id, piece(1)).unwrap();
        net.upload_spoilt(id, "no base64".to_owned());
        net.upload_write(id, piece(1)).unwrap();
        assert_eq!(net.upload_finish(id).unwrap_err(), "no base64; the request is given up");
    }

    #[test]
    fn who_writes_waits_while_the_server_is_behind() {
        let (mut net, id) = begun(None);
        assert_eq!(net.upload_write(id, piece(PIECE)), Ok(None));
        assert_eq!(net.upload_write(id, piece(PIECE)), Ok(Some(Wait::Upload(id))));
        assert!(net.upload_write(id, piece(1)).unwrap_err().contains("waits for room already"));
        assert_eq!(net.fetch_news(id, FetchNews::Written(PIECE - 1)), None);
        let room = net.fetch_news(id, FetchNews::Written(1)).unwrap();
        assert_eq!(room.wait, Wait::Upload(id));
        assert_eq!(net.take_effects().len(), 2);
        // The piece that was refused is missing.
        assert!(net.upload_finish(id).unwrap_err().contains("given up"));
        assert_eq!(net.take_effects(), [Effect::FetchCancel { id }]);
    }

    #[test]
    fn the_next_write_takes_the_place_of_one_that_was_taken_back() {
        let (mut net, id) = begun(None);
        net.upload_write(id, piece(PIECE)).unwrap();
        net.upload_write(id, piece(PIECE)).unwrap();
        net.upload_write_dropped(id);
        assert_eq!(net.upload_write(id, piece(1)), Ok(Some(Wait::Upload(id))));
        assert_eq!(net.fetch_news(id, FetchNews::Written(PIECE)), None);
        let room = net.fetch_news(id, FetchNews::Written(PIECE)).unwrap();
        assert_eq!(room.wait, Wait::Upload(id));
        assert!(net.upload_finish(id).is_ok(), "it is whole");
    }

    #[test]
    fn the_answer_comes_when_the_body_has_ended() {
        let (mut net, id) = begun(Some(3));
        net.upload_write(id, piece(3)).unwrap();
        let wait = net.upload_finish(id).unwrap();
        assert_eq!(net.take_effects().pop_back(), Some(Effect::FetchFinish { id }));
        assert_eq!(net.fetch_news(id, FetchNews::Written(3)), None);
        let done = net.fetch_news(id, answered()).unwrap();
        assert_eq!((done.wait, wait), (wait, Wait::Fetch(id)));
        assert!(net.upload_write(id, piece(1)).unwrap_err().contains("takes no body"));
        assert!(net.upload_finish(id).is_err());
    }

    #[test]
    fn a_body_of_another_length_is_given_up() {
        for (writes, why) in [
            (&[2][..], "2 bytes were written of a content-length of 3"),
            (&[2, 2], "more than the content-length of 3"),
        ] {
            let (mut net, id) = begun(Some(3));
            for bytes in writes {
                let _ = net.upload_write(id, piece(*bytes));
            }
            assert!(net.upload_finish(id).unwrap_err().contains(why));
            assert_eq!(net.take_effects().pop_back(), Some(Effect::FetchCancel { id }));
        }
    }

    #[test]
    fn an_early_answer_waits_and_the_rest_of_the_body_goes_nowhere() {
        let (mut net, id) = begun(None);
        net.upload_write(id, piece(PIECE)).unwrap();
        net.upload_write(id, piece(PIECE)).unwrap();
        let room = net.fetch_news(id, answered()).unwrap();
        assert_eq!(room.wait, Wait::Upload(id), "who waits for room need not");
        net.take_effects();
        assert_eq!(net.upload_write(id, piece(PIECE)), Ok(None));
        assert!(net.take_effects().is_empty());
        let wait = net.upload_finish(id).unwrap();
        let done = net.take_completed();
        assert_eq!(done[0].wait, wait);
        assert!(matches!(done[0].outcome, Outcome::Answer(..)));
    }

    #[test]
    fn the_answer_to_a_body_in_pieces_may_come_in_pieces() {
        let mut net = Net::new();
        let terms = Terms { streamed: true, ..Terms::default() };
        let id = net.upload("put", "http://a.b/", vec![], None, terms).unwrap();
        assert!(net.fetch_more(id).is_err(), "there is no answer yet");
        net.fetch_news(id, FetchNews::Head(FetchHead::default()));
        let wait = net.upload_finish(id).unwrap();
        let done = net.take_completed();
        assert_eq!((done[0].wait, &done[0].outcome), (wait, &Outcome::Head(FetchHead::default())));
        assert_eq!(net.fetch_more(id), Ok(Wait::Fetch(id)));
    }

    #[test]
    fn a_failure_is_told_to_who_writes_next() {
        let (mut net, id) = begun(None);
        net.fetch_news(id, FetchNews::Failed("reset".into()));
        assert_eq!(net.upload_write(id, piece(1)), Err("reset".into()));
        assert!(net.upload_finish(id).unwrap_err().contains("takes no body"));
        assert_eq!(net.take_requests(), (1, 1));
    }

    #[test]
    fn who_waits_is_told_when_the_request_is_left_or_the_plugin_stops() {
        for stops in [false, true] {
            let (mut net, id) = begun(None);
            net.upload_write(id, piece(PIECE)).unwrap();
            net.upload_write(id, piece(PIECE)).unwrap();
            let mut told = match stops {
                true => net.cancel_fetches(),
                false => {
                    net.fetch_cancel(id);
                    vec![]
                }
            };
            told.extend(net.take_completed());
            let failed = |done: &&Completed| {
                done.wait == Wait::Upload(id) && matches!(done.outcome, Outcome::Failed(_))
            };
            assert_eq!(told.iter().filter(failed).count(), 1, "{told:?}");
            assert_eq!(net.take_effects().pop_back(), Some(Effect::FetchCancel { id }));
        }
    }
}
