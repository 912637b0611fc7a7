//! Deltas and datagrams on their way to a JSON-RPC plugin: in batches, when it rests.

use std::time::Duration;

use serde_json::value::RawValue;
use wasmi_hdk::Input as PluginInput;

use super::{Common, Phase, Rpc};

/// Deltas and bytes that are handed over at once.
const MOST: usize = 256;
const MOST_BYTES: usize = 256 << 10;

impl Rpc {
    /// Hands over datagrams at once and deltas on the beat when the guest rests; they queue up meanwhile, and so come
    /// in batches.
    pub(super) fn flush(&mut self, common: &mut Common, now: Duration) -> bool {
        if self.out || self.stuffed || !matches!(self.phase, Phase::Starting | Phase::Running) {
            return false;
        }
        // A plugin may look for its device before it is started.
        for text in self.world.datagrams() {
            let params = RawValue::from_string(text).ok();
            let method = "udp.received".to_owned();
            self.plugin.handle_input(now, PluginInput::Notify { method, params });
            self.stuffed = true;
        }
        for (method, text) in self.clients.take() {
            let (method, params) = (method.to_owned(), RawValue::from_string(text).ok());
            self.plugin.handle_input(now, PluginInput::Notify { method, params });
            self.stuffed = true;
        }
        if self.phase == Phase::Running && common.is_beat(now) {
            self.hand_over(common, now);
        }
        self.stuffed
    }

    /// Deltas in the form that the plugin asked for, oldest first.
    fn hand_over(&mut self, common: &mut Common, now: Duration) {
        let (mut count, mut bytes) = (0, 0);
        while count < MOST && bytes < MOST_BYTES {
            let rows = self.rows.as_mut().and_then(|rows| rows.next(common));
            let (method, (params, some)) = match rows {
                Some(rows) => ("rows", rows),
                None => match next_deltas(common, MOST - count) {
                    Some(deltas) => ("deltas", deltas),
                    None if common.waiting.pop_front().is_some() => continue,
                    None => break,
                },
            };
            count += some;
            bytes += params.len();
            let (method, params) = (method.to_owned(), RawValue::from_string(params).ok());
            self.plugin.handle_input(now, PluginInput::Notify { method, params });
        }
        common.account.counters.deltas_in += u64::try_from(count).unwrap_or(u64::MAX);
        self.stuffed |= count > 0;
    }
}

/// The params of the next `deltas`, of one subscription, and how many deltas they hold; `None`: the oldest is of no
/// subscription, or none waits.
fn next_deltas(common: &mut Common, most: usize) -> Option<(String, usize)> {
    let id = common.waiting.front()?.subscription?;
    let mut text = format!(r#"{{"subscription":{},"deltas":["#, id.0);
    let mut count = 0;
    while count < most && text.len() < MOST_BYTES {
        let Some(next) = common.waiting.front().filter(|next| next.subscription == Some(id)) else {
            break;
        };
        if count > 0 {
            text.push(',');
        }
        text.push_str(next.delta.json());
        common.waiting.pop_front();
        count += 1;
    }
    text.push_str("]}");
    Some((text, count))
}
