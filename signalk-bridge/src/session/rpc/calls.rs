//! What a JSON-RPC plugin asks of the host: each call goes through the table of methods, and its
//! answer goes back when there is one.

use std::time::Duration;

use wasmi_hdk::{ErrorObject, Input as PluginInput, Params};
use wasmi_rpc::RequestId;

use super::{Common, Rpc};
use crate::methods::later::Answer;
use crate::session::Output;
use crate::{ExchangeNews, HandlerCallId, PutId, Report, SignalK, methods};

impl Rpc {
    /// News of the world.
    pub(in crate::session) fn report(
        &mut self,
        report: Report,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) {
        let answers = self.world.report(report);
        self.tell(answers, common, now, signalk);
    }

    /// What came of a wish of an exchange.
    pub(in crate::session) fn exchange(
        &mut self,
        id: HandlerCallId,
        news: ExchangeNews,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) {
        self.world.net.exchange_news(id, news);
        let answers = self.world.settle();
        self.tell(answers, common, now, signalk);
    }

    /// A PUT of the plugin has come to its end.
    pub(in crate::session) fn put_done(
        &mut self,
        (id, reply): (PutId, String),
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) {
        let answers = self.world.put_done(id, reply);
        self.tell(answers, common, now, signalk);
    }

    /// Gives answers that the world owed, and looks what there is to do.
    pub(super) fn tell(
        &mut self,
        answers: Vec<(RequestId, Answer)>,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) {
        count_late(&answers, common);
        self.answer(answers, common, now, signalk);
        self.look(common, now, signalk);
    }

    /// Gives answers that were waited for.
    fn answer(
        &mut self,
        answers: Vec<(RequestId, Answer)>,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) {
        for (id, answer) in answers {
            let result = answer.map_err(|error| {
                if !error.is_quiet() {
                    common.complain(error.to_string(), now, signalk);
                }
                ErrorObject::from(&error)
            });
            self.plugin.handle_input(now, PluginInput::Respond { id, result });
        }
    }

    /// What the network wants of the edge and of the log.
    pub(super) fn look(&mut self, common: &mut Common, now: Duration, signalk: &mut dyn SignalK) {
        common.outputs.extend(self.world.effects().map(Output::Effect));
        let wishes = self.world.net.take_wishes().into_iter();
        common.outputs.extend(wishes.map(|(id, wish)| Output::Exchange { id, wish }));
        for text in self.world.net.take_troubles() {
            common.complain(format!("plugin `{}`: {text}", common.id()), now, signalk);
        }
        let (requests, failed) = self.world.net.take_requests();
        common.account.counters.requests += requests;
        common.account.counters.requests_failed += failed;
        let (datagrams, pieces) = self.world.net.take_dropped();
        common.account.counters.datagrams_dropped += datagrams;
        common.account.counters.datagrams_not_sent += self.world.net.take_not_sent();
        common.account.counters.tcp_dropped += pieces;
        let (accepted, refused) = self.world.net.take_connections();
        common.account.counters.tcp_accepted += accepted;
        common.account.counters.tcp_refused += refused;
    }

    /// One call of the host by name, through the one choke point; `id`: who wants an answer.
    pub(super) fn perform(
        &mut self,
        id: Option<RequestId>,
        call: (&str, Params),
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) {
        let (method, params) = call;
        let params = params.as_ref().map_or("", |params| params.get());
        let net = &mut self.world.net;
        let reply = methods::call(method, params, &mut common.account, net, signalk, now);
        self.plugin.charge(common.account.take_owed() + self.world.net.take_work());
        let answer = match (id, reply) {
            (Some(id), Ok(reply)) => {
                let answer = self.world.begin(id.clone(), reply);
                answer.map(|answer| (id, answer))
            }
            (Some(id), Err(error)) => Some((id, Err(error))),
            (None, Ok(reply)) => {
                self.world.forget(reply);
                None
            }
            // A failure has nobody to go to but the log.
            (None, Err(error)) if error.is_quiet() => None,
            (None, Err(error)) => {
                common.complain(error.to_string(), now, signalk);
                None
            }
        };
        let mut answers = self.world.settle();
        count_late(&answers, common);
        answers.extend(answer);
        self.answer(answers, common, now, signalk);
        self.look(common, now, signalk);
    }
}

/// A call that fails at once is counted by the table of methods, one that fails later here.
fn count_late(answers: &[(RequestId, Answer)], common: &mut Common) {
    let is_failed = |answer: &Answer| answer.as_ref().is_err_and(|error| !error.is_quiet());
    let failed = answers.iter().filter(|(_, answer)| is_failed(answer)).count();
    common.account.counters.host_call_errors += u64::try_from(failed).unwrap_or(u64::MAX);
}
