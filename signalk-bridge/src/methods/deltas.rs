//! `deltas.emit`, `deltas.subscribe`, `deltas.unsubscribe`.
//!
//! Clauses: plugin ABI 7.1 to 7.3. The rules that hold for every delta
//! (context, timestamp, discarding) are the server's (`Delta::normalise`);
//! here is what holds for plugins: source, version, budget.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use signalk_model::{Delta, SourceRef, Update};

use super::Caller;
use crate::account::{Backlog, Subscription};
use crate::{
    Account, BridgeError, PluginId, Rules, SubscribeRequest, SubscribeRow, SubscriptionId, Version,
};

pub(super) mod params {
    #![allow(non_upper_case_globals, reason = "named as the function that takes them")]
    pub(in crate::methods) const emit: &[&str] = &["delta", "version"];
    pub(in crate::methods) const subscribe: &[&str] =
        &["context", "subscribe", "path", "policy", "period", "minPeriod", "backlog"];
    pub(in crate::methods) const unsubscribe: &[&str] = &["subscription"];
}

/// Subscriptions that one plugin may hold, and rows of one of them.
const MOST_SUBSCRIPTIONS: usize = 200;

/// Params of `deltas.emit`.
#[derive(Debug, Clone, Deserialize)]
pub struct Emit {
    /// The delta, as JSON.
    pub delta: Box<RawValue>,
    /// 2 for a version 2 delta; anything else is version 1.
    #[serde(default)]
    pub version: Option<i64>,
}

/// Params of `deltas.subscribe`: rows, or one row inline.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscribe {
    /// `vessels.self` when left out.
    #[serde(default)]
    pub context: Option<String>,
    /// Rows.
    #[serde(default)]
    pub subscribe: Vec<SubscribeRow>,
    /// Path pattern of the one inline row.
    #[serde(default)]
    pub path: Option<String>,
    /// Of the inline row.
    #[serde(default)]
    pub policy: Option<String>,
    /// Of the inline row, milliseconds.
    #[serde(default)]
    pub period: Option<u32>,
    /// Of the inline row, milliseconds.
    #[serde(default)]
    pub min_period: Option<u32>,
    /// What becomes of its deltas while the plugin is busy; left out: they wait with all others.
    #[serde(default)]
    pub backlog: Option<Backlog>,
}

/// Answer of `deltas.subscribe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribed {
    /// Stands in every `deltas` notification that it causes.
    pub subscription: SubscriptionId,
    /// What was ignored or corrected.
    pub warnings: Vec<String>,
}

/// Params of `deltas.unsubscribe`.
#[derive(Debug, Clone, Deserialize)]
pub struct Unsubscribe {
    /// One subscription; left out: all of them.
    #[serde(default)]
    pub subscription: Option<SubscriptionId>,
}

/// Sends one delta.
///
/// # Errors
/// [`BridgeError::BadParams`] when it is no delta, [`BridgeError::TooManyDeltas`].
pub fn emit(caller: &mut Caller<'_>, params: Emit) -> Result<(), BridgeError> {
    let version = if params.version == Some(2) { Version::V2 } else { Version::V1 };
    send(caller, params.delta.get().as_bytes(), version)
}

/// Sends one delta given as JSON bytes.
///
/// # Errors
/// As [`emit`].
pub fn send(caller: &mut Caller<'_>, json: &[u8], version: Version) -> Result<(), BridgeError> {
    caller.account.charge_delta(caller.now, caller.call)?;
    let parsed = match Delta::parse(json) {
        Ok(parsed) => parsed,
        Err(error) => {
            caller.account.counters.bad_deltas += 1;
            return Err(caller.bad_params(error));
        }
    };
    for complaint in parsed.complaints {
        caller.account.counters.bad_deltas += complaint.count();
        caller.warn(complaint);
    }
    send_parsed(caller, parsed.delta, version);
    Ok(())
}

/// Sends a delta that the host made on behalf of the plugin.
pub(super) fn send_parsed(caller: &mut Caller<'_>, mut delta: Delta, version: Version) {
    let Account { package, rules, .. } = &*caller.account;
    attribute(&mut delta, caller.account.plugin(), package, rules);
    let plugin = caller.plugin().clone();
    caller.account.counters.deltas_out += 1;
    match version {
        Version::V2 => caller.signalk.emit_delta(&plugin, delta, Version::V2),
        Version::V1 => {
            let resources = take_resources(&mut delta);
            if !delta.updates.is_empty() {
                caller.signalk.emit_delta(&plugin, delta, Version::V1);
            }
            if let Some(resources) = resources {
                caller.signalk.emit_delta(&plugin, resources, Version::V2);
            }
        }
    }
}

/// The plugin is the source: no foreign `$source`; what is below its own name, or the package's, is
/// its own (plugin ABI 7.2). The owner may let it keep what it said.
pub(crate) fn attribute(delta: &mut Delta, plugin: &PluginId, package: &str, rules: &Rules) {
    let own = Own::new(plugin, package, rules);
    for update in &mut delta.updates {
        if rules.lenient_source {
            own.lenient(update);
        } else {
            own.strict(update);
        }
    }
}

/// The names that are a plugin's own.
struct Own<'a> {
    /// What its data is called.
    name: &'a str,
    /// All that it may call itself.
    all: [&'a str; 3],
}

impl<'a> Own<'a> {
    fn new(plugin: &'a PluginId, package: &'a str, rules: &'a Rules) -> Own<'a> {
        let name = rules.source_name.as_deref().unwrap_or(plugin);
        Own { name, all: [name, plugin, package] }
    }

    /// What follows one of its names; `None`: not below any.
    fn below(&self, text: &str) -> Option<String> {
        let mut own = self.all.iter().filter(|own| !own.is_empty());
        let sub = own.find_map(|own| text.strip_prefix(own)?.strip_prefix('.'))?;
        is_label(sub).then(|| sub.to_owned())
    }

    fn strict(&self, update: &mut Update) {
        let own = update.source_ref.as_ref().and_then(|source| self.below(source));
        let label = || {
            let label = update.source.as_ref()?.label()?;
            let label = Some(label).filter(|label| is_label(label) && !self.all.contains(label))?;
            Some(self.below(label).unwrap_or_else(|| label.to_owned()))
        };
        let name = match own.or_else(label) {
            Some(sub) => format!("{}.{sub}", self.name),
            None => self.name.to_owned(),
        };
        if let Some(source) = &mut update.source {
            *source = Arc::new(source.with_label(&name));
        }
        update.source_ref = Some(SourceRef::from(name));
    }

    /// As the reference server: `$source` as given; of a `source` the label, if it is one; the model
    /// computes `$source` from it.
    fn lenient(&self, update: &mut Update) {
        if update.source_ref.as_ref().is_some_and(|source| !source.is_empty()) {
            return;
        }
        match &mut update.source {
            Some(source) if source.label().is_some_and(is_label) => {}
            Some(source) => *source = Arc::new(source.with_label(self.name)),
            None => update.source_ref = Some(SourceRef::from(self.name)),
        }
    }
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// Resources in the v1 model are always wrong: they become a version 2 delta (plugin ABI 7.3).
fn take_resources(delta: &mut Delta) -> Option<Delta> {
    let is_resource = |path: &str| path.starts_with("resources.");
    let has = |update: &Update| update.values.iter().any(|value| is_resource(&value.path));
    if !delta.updates.iter().any(has) {
        return None;
    }
    let mut resources = delta.clone();
    for update in &mut resources.updates {
        update.values.retain(|value| is_resource(&value.path));
        update.meta.clear();
    }
    for update in &mut delta.updates {
        update.values.retain(|value| !is_resource(&value.path));
    }
    resources.updates.retain(|update| !update.values.is_empty());
    delta.updates.retain(|update| !update.values.is_empty() || !update.meta.is_empty());
    Some(resources)
}

/// Begins a subscription.
///
/// # Errors
/// [`BridgeError::BadParams`] without a row, or with too many.
pub fn subscribe(caller: &mut Caller<'_>, params: Subscribe) -> Result<Subscribed, BridgeError> {
    let mut rows = params.subscribe;
    if let Some(path) = params.path {
        let (policy, period, min_period) = (params.policy, params.period, params.min_period);
        rows.push(SubscribeRow { path, policy, period, min_period });
    }
    if rows.is_empty() {
        return Err(caller.bad_params("give rows in `subscribe`, or a `path`"));
    }
    if rows.len() > MOST_SUBSCRIPTIONS || caller.account.subscriptions.len() >= MOST_SUBSCRIPTIONS {
        return Err(caller.bad_params(format_args!(
            "more than {MOST_SUBSCRIPTIONS} subscriptions; use patterns as in `navigation.*`, or end old ones"
        )));
    }
    if let Some(Backlog { most, .. }) = params.backlog
        && !(1..=Backlog::MOST).contains(&most)
    {
        let limit = Backlog::MOST;
        return Err(caller.bad_params(format_args!("`backlog.most` is {most}, not 1 to {limit}")));
    }
    let context = params.context.unwrap_or_else(|| "vessels.self".to_owned());
    let id = caller.account.next_subscription(params.backlog);
    let plugin = caller.plugin().clone();
    let warnings = caller.signalk.subscribe(&plugin, id, &SubscribeRequest { context, rows });
    Ok(Subscribed { subscription: id, warnings })
}

/// Ends one subscription, or all; answers how many ended.
///
/// # Errors
/// None: an unknown number ends nothing.
pub fn unsubscribe(caller: &mut Caller<'_>, params: Unsubscribe) -> Result<usize, BridgeError> {
    let plugin = caller.plugin().clone();
    let wanted = |held: &Subscription| params.subscription.is_none_or(|wanted| wanted == held.id);
    let (ended, kept): (Vec<_>, Vec<_>) =
        std::mem::take(&mut caller.account.subscriptions).into_iter().partition(wanted);
    caller.account.subscriptions = kept;
    for held in &ended {
        caller.signalk.unsubscribe(&plugin, held.id);
    }
    Ok(ended.len())
}
