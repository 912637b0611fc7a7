//! News of the world reaches a library guest: a call that rests goes on, a callback is queued.
//!
//! Clauses: plugin ABI 5.3 to 5.5; for HTTP and WebSockets of the buffer ABI `abi/env/web.rs`; for calls by name
//! `by_name.rs`. What the world is asked for is `net/`.

use super::Exports;
use crate::abi::adapt::results;
use crate::abi::env::web::{Hearing, give_streamed, hear, put};
use crate::abi::library::{Library, Outcome};
use crate::abi::queue::{Give, Pending, Rest, Shared, Until};
use crate::abi::work::{Response, Work};
use crate::net::{self, Completed};
use crate::session::Common;
use crate::{FetchHead, Report};

impl Exports {
    /// News of the world.
    pub(in crate::session) fn report(&mut self, report: Report, common: &mut Common) {
        self.mail.push(report);
        if let Some(mut library) = self.library.take() {
            self.deliver(&mut library, common);
            self.library = Some(library);
        }
    }

    /// Hands the mail to the guest's network, and goes on with a call that waited for it.
    pub(super) fn deliver(&mut self, library: &mut Library, common: &mut Common) {
        while let Some(report) = self.mail.pop() {
            let Some(shared) = library.shared() else { continue };
            let all = shared.net.handle_report(report);
            for completed in all {
                self.completed(completed, library, common);
            }
        }
        self.read_letters(library, common);
        self.heard(library, common, None);
        self.received(library, common);
        let responses = library.shared().map(|shared| std::mem::take(&mut shared.responses));
        library.queue.extend(responses.unwrap_or_default().into_iter().map(Work::Response));
        self.wants(library, common);
        let Some(shared) = library.shared() else { return };
        let (requests, failed) = shared.net.take_requests();
        common.account.counters.requests += requests;
        common.account.counters.requests_failed += failed;
        let (datagrams, pieces) = shared.net.take_dropped();
        common.account.counters.datagrams_dropped += datagrams;
        common.account.counters.datagrams_not_sent += shared.net.take_not_sent();
        common.account.counters.tcp_dropped += pieces;
        let (accepted, refused) = shared.net.take_connections();
        common.account.counters.tcp_accepted += accepted;
        common.account.counters.tcp_refused += refused;
    }

    /// The end of a wait.
    pub(super) fn completed(
        &mut self,
        completed: Completed,
        library: &mut Library,
        common: &mut Common,
    ) {
        let stops = self.stop_until.is_some();
        if let Some(shared) = library.shared()
            && let Some(callback) = shared.awaited.remove(&completed.wait)
        {
            match response(callback, completed.outcome, shared, stops) {
                Some(response) => shared.responses.push(response),
                None => shared.handed_over(true),
            }
            return;
        }
        let Outcome::Rests(Rest { until, .. }) = &library.outcome else { return };
        match until {
            Until::World(wait) | Until::Call(Pending::Later(wait, _))
                if *wait == completed.wait => {}
            _ => return,
        }
        match std::mem::replace(&mut library.outcome, Outcome::More) {
            Outcome::Rests(Rest { until: Until::Call(Pending::Later(wait, later)), give, ty }) => {
                let to = (give, ty);
                self.answered((wait, later), completed.outcome, to, library, common);
            }
            Outcome::Rests(rest) => give_outcome(rest, completed.outcome, library, stops),
            _ => {}
        }
        self.resumed(library, common);
    }

    /// A guest that waits for a message goes on when there is one, or with `otherwise`.
    pub(super) fn heard(
        &mut self,
        library: &mut Library,
        common: &mut Common,
        otherwise: Option<i32>,
    ) {
        let Outcome::Rests(rest) = &library.outcome else { return };
        let (Until::Message { socket, .. }, Give::Message(room)) = (&rest.until, rest.give) else {
            return;
        };
        let (socket, ty) = (*socket, rest.ty.clone());
        let Some(instance) = library.guest.instance() else { return };
        let Some(shared) = instance.state::<Shared>() else { return };
        let number = match (hear(shared, socket, room), otherwise) {
            (Hearing::Nothing, None) => return,
            (Hearing::Nothing, Some(number)) => number,
            (Hearing::Number(number), _) => number,
            (Hearing::Message(message), _) => {
                let len = put(&mut instance.memory(), room, &message);
                instance.charge(u64::try_from(len).unwrap_or(0) / 8);
                len
            }
        };
        library.resume(&results(&ty, number));
        self.resumed(library, common);
    }

    /// A guest that could not go on has ended.
    pub(super) fn resumed(&mut self, library: &mut Library, common: &mut Common) {
        if let Outcome::Crashed(crash) = std::mem::replace(&mut library.outcome, Outcome::More) {
            self.crashed(crash, library, common);
        }
    }

    /// A plugin that stops waits for nothing in the world any more.
    pub(super) fn cancel(&mut self, library: &mut Library, common: &mut Common) {
        if let Some(shared) = library.shared() {
            shared.web.failed("the plugin stops".to_owned());
            shared.web.rests.clear();
        }
        self.heard(library, common, Some(-1));
        self.give_up(library, common);
        let Some(shared) = library.shared() else { return };
        let mut cancelled = shared.net.cancel_fetches();
        cancelled.extend(shared.net.ws_give_up());
        cancelled.extend(shared.net.take_completed());
        self.wants(library, common);
        for completed in cancelled {
            self.completed(completed, library, common);
        }
    }
}

/// Goes on with what the world said.
fn give_outcome(rest: Rest, outcome: net::Outcome, library: &mut Library, stops: bool) {
    if let (Until::World(wait), Some(instance)) = (&rest.until, library.guest.instance())
        && let Some(number) = give_streamed(instance, rest.give, *wait, &outcome)
    {
        if let (Give::Response { .. }, Some(shared)) = (rest.give, library.shared()) {
            shared.fetch_works();
        }
        return library.resume(&results(&rest.ty, number));
    }
    let number = match (rest.give, outcome) {
        (Give::Body | Give::Response { .. }, net::Outcome::Answer(head, body)) => {
            if let Some(shared) = library.shared() {
                shared.fetch_works();
            }
            return library.resume_with(rest, head, body);
        }
        (Give::Body, outcome) => {
            if let (net::Outcome::Failed(text), Some(shared), false) =
                (outcome, library.shared(), stops)
            {
                shared.fetch_failed(&text);
            }
            0
        }
        (
            Give::Response { .. } | Give::Sent(_) | Give::Piece { .. } | Give::Socket(_),
            net::Outcome::Failed(text),
        ) => {
            if let Some(shared) = library.shared() {
                match rest.give {
                    Give::Response { .. } | Give::Piece { .. } if !stops => {
                        shared.fetch_failed(&text)
                    }
                    _ => shared.say_once(text.clone()),
                }
                shared.web.failed(text);
            }
            -1
        }
        (Give::Socket(id), net::Outcome::Number(_)) => i32::try_from(id.0).unwrap_or(-1),
        (_, net::Outcome::Number(number)) => number,
        (
            _,
            net::Outcome::Answer(..)
            | net::Outcome::Head(_)
            | net::Outcome::Piece(_)
            | net::Outcome::Json(_),
        ) => 0,
        (_, net::Outcome::Failed(text)) => {
            if let Some(shared) = library.shared() {
                shared.say_once(text);
            }
            -1
        }
    };
    library.resume(&results(&rest.ty, number));
}

/// The answer to a request that nobody rests for; a guest that stops hears of none.
fn response(
    callback: i32,
    outcome: net::Outcome,
    shared: &mut Shared,
    stops: bool,
) -> Option<Response> {
    let (head, body) = match outcome {
        _ if stops => return None,
        net::Outcome::Answer(head, body) => {
            shared.fetch_works();
            (head, body)
        }
        net::Outcome::Failed(text) => {
            shared.fetch_failed(&text);
            Default::default()
        }
        net::Outcome::Number(_)
        | net::Outcome::Head(_)
        | net::Outcome::Piece(_)
        | net::Outcome::Json(_) => Default::default(),
    };
    let FetchHead { status, redirected, .. } = head;
    Some(Response { callback, sent: true, status: status.into(), redirected, body })
}
