//! Who handles what the host delivers, and what came before its handler was known.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::SignalK;
use crate::signalk::net::Inboxes;
use crate::signalk::rows::Rows;
use crate::signalk::websocket::{Client, Event};
use crate::signalk::{Delta, Incoming};

type Handler = Rc<dyn Fn(&Delta)>;

pub(in crate::signalk) type ClientHandler = Rc<dyn Fn(Client, Event)>;

pub(in crate::signalk) type InputHandler = Rc<dyn Fn(Delta) -> Incoming>;

/// Who handles which subscription, and what came before the handler was known.
#[derive(Default)]
pub(super) struct Handlers {
    pub(super) known: RefCell<Vec<(u64, Handler)>>,
    pub(super) early: RefCell<Vec<(u64, Vec<Delta>)>>,
    pub(super) subscribing: Cell<u32>,
    pub(super) input: RefCell<Option<InputHandler>>,
    pub(super) clients: RefCell<Option<ClientHandler>>,
    pub(super) inboxes: Inboxes,
    pub(super) rows: RefCell<Rows>,
}

impl Handlers {
    fn find(&self, subscription: u64) -> Option<Handler> {
        let known = self.known.borrow();
        known.iter().find(|(id, _)| *id == subscription).map(|(_, run)| Rc::clone(run))
    }
}

/// Deliveries that are kept for subscriptions whose answers have not come. The host answers in the
/// turn that makes the subscription, so a turn's worth is enough.
const MOST_EARLY: usize = 1000;

/// A subscription is being made, until this is dropped, be it with the future that makes it.
pub(super) struct Subscribing<'a>(&'a Handlers);

impl<'a> Subscribing<'a> {
    pub(super) fn new(handlers: &'a Handlers) -> Self {
        handlers.subscribing.set(handlers.subscribing.get() + 1);
        Subscribing(handlers)
    }
}

impl Drop for Subscribing<'_> {
    fn drop(&mut self) {
        let left = self.0.subscribing.get().saturating_sub(1);
        self.0.subscribing.set(left);
        if left == 0 {
            // Nobody waits for them: they are those of a subscription that was given up.
            self.0.early.borrow_mut().clear();
        }
    }
}

impl SignalK {
    /// Where datagrams of sockets wait.
    pub(in crate::signalk) fn inboxes(&self) -> &Inboxes {
        &self.handlers.inboxes
    }

    /// Hands deltas to their handler. Deltas may overtake the answer that names their
    /// subscription; they are kept while one is awaited.
    pub(in crate::signalk) fn deliver(&self, subscription: u64, deltas: Vec<Delta>) {
        match self.handlers.find(subscription) {
            Some(handle) => deltas.iter().for_each(|delta| handle(delta)),
            None => self.keep_early(subscription, deltas),
        }
    }

    /// The same for deltas that come as rows; `None`: the text is something else.
    pub(in crate::signalk) fn deliver_rows(&self, text: &str) -> Option<()> {
        let mut found: Option<(u64, Option<Handler>)> = None;
        self.handlers.rows.borrow_mut().read(text, |subscription, delta| {
            if found.as_ref().is_none_or(|(id, _)| *id != subscription) {
                found = Some((subscription, self.handlers.find(subscription)));
            }
            match &found {
                Some((_, Some(handle))) => handle(delta),
                _ => self.keep_early(subscription, vec![delta.clone()]),
            }
        })
    }

    /// Nobody handles this subscription, or not yet.
    fn keep_early(&self, subscription: u64, deltas: Vec<Delta>) {
        let mut early = self.handlers.early.borrow_mut();
        let count = deltas.len();
        if self.handlers.subscribing.get() == 0 {
            log::debug!("{count} deltas of subscription {subscription}, which nobody handles");
        } else if early.len() >= MOST_EARLY {
            log::warn!(
                "{count} deltas of subscription {subscription} are dropped: {MOST_EARLY} others \
                 wait already for the answer of `deltas.subscribe`"
            );
        } else {
            early.push((subscription, deltas));
        }
    }

    pub(in crate::signalk) fn client_handler(&self) -> Option<ClientHandler> {
        self.handlers.clients.borrow().clone()
    }

    pub(in crate::signalk) fn set_client_handler(&self, handle: impl Fn(Client, Event) + 'static) {
        *self.handlers.clients.borrow_mut() = Some(Rc::new(handle));
    }

    pub(in crate::signalk) fn input_handler(&self) -> Option<InputHandler> {
        self.handlers.input.borrow().clone()
    }

    pub(in crate::signalk) fn forget_handlers(&self) {
        self.handlers.input.borrow_mut().take();
        self.handlers.clients.borrow_mut().take();
        self.handlers.known.borrow_mut().clear();
        self.handlers.early.borrow_mut().clear();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;
    use crate::host::host_of;
    use crate::runtime::Shared;

    #[test]
    fn a_subscription_that_is_given_up_keeps_no_deltas() {
        let shared = Rc::new(Shared::default());
        let sk = SignalK::new(host_of(&shared));
        let early = || sk.handlers.early.borrow().len();
        {
            let rows = ["navigation.*".into()];
            let mut first = pin!(sk.subscribe(&rows, |_| {}));
            assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            for _ in 0..2 * MOST_EARLY {
                sk.deliver(9, vec![Delta::new()]);
            }
            assert_eq!(early(), MOST_EARLY);
        }
        assert_eq!((early(), sk.handlers.subscribing.get()), (0, 0));
        sk.deliver(9, vec![Delta::new()]);
        assert_eq!(early(), 0);
    }
}
