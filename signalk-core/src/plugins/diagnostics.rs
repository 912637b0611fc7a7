//! `GET /plugins/:id/diagnostics`: what the owner of a plugin that misbehaves needs to know.
//!
//! Extension of plugin ABI W40, W41; the shape and its units are in signalk-core/DIAGNOSTICS.md and pinned by
//! `tests/diagnostics.rs`. Collecting is `record.rs`'s work.

use std::time::Duration;

use serde_json::{Value, json};
use signalk_bridge::{ExportUse, Session, Status, Usage};
use wasmi_hdk::{LogLine, supervisor};

use super::Plugins;
use super::plugin::{Plugin, State};
use super::record::Record;
use super::routes::At;

/// Log lines that are shown unless a client asks for more or fewer.
pub(crate) const LINES: usize = 100;

impl Plugins {
    /// Everything about one plugin, by id or package name, with its last `lines` log lines.
    pub(crate) fn diagnostics(&self, id: &str, lines: usize) -> Option<Value> {
        let (at, plugin) = self.find(id)?;
        let record = &plugin.record;
        let allowance = self.settings.allowance();
        let (allowance, _) =
            allowance.narrowed_by(plugin.manifest.id.as_str(), plugin.options.limits());
        let limits = &allowance.limits;
        let usage = record.usage(plugin.session.as_ref().map(Session::usage));
        Some(json!({
            "id": plugin.manifest.id,
            "name": plugin.name(),
            "packageName": plugin.manifest.package_name,
            "version": plugin.manifest.version,
            "state": if self.settings.enabled { plugin.state.as_str() } else { "disabled" },
            "enabled": plugin.enabled(),
            "statusMessage": record.status_text(),
            "lastError": record.last_error.as_ref().map(|error| json!({
                "text": error.text, "remedy": error.remedy, "timeMs": error.at_ms,
            })),
            "complaints": plugin.all_complaints(),
            "unknownImports": record.unknown_imports,
            "capabilities": plugin.held(),
            "module": {
                "folder": plugin.dir,
                "file": plugin.manifest.wasm,
                "bytes": plugin.module.as_ref().map(|module| module.bytes),
                "sha256": plugin.module.as_ref().map(|module| &module.hash),
            },
            "supervision": supervision(plugin, self.clock),
            "memory": { "bytes": record.memory_bytes(), "limitBytes": limits.memory_bytes },
            "storage": record.storage(),
            "fuel": {
                "used": record.fuel_used(),
                "perSecond": record.fuel_per_second(self.clock),
                "limitPerSecond": limits.fuel_per_second,
            },
            "exports": exports(&usage),
            "counters": counters(plugin, self.routes.count(at)),
            "subscriptions": plugin.session.as_ref().map(Session::subscriptions).unwrap_or_default(),
            "log": log(record, lines),
        }))
    }

    /// For the host's own page: of each plugin what changes from second to second.
    pub(crate) fn status_json(&self) -> Value {
        let limits = self.settings.allowance();
        let status = |(at, plugin): (At, &Plugin)| {
            let record = &plugin.record;
            let id = plugin.manifest.id.as_str();
            let (allowance, _) = limits.clone().narrowed_by(id, plugin.options.limits());
            let mut status = counters(plugin, self.routes.count(at));
            let more = json!({
                "id": id,
                "name": plugin.name(),
                "version": plugin.manifest.version,
                "state": plugin.state.as_str(),
                "enabled": plugin.enabled(),
                "capabilities": plugin.held(),
                "statusMessage": record.status_text(),
                "statusType": match record.status { Some(Status::Error(_)) => "error", _ => "status" },
                "memoryBytes": record.memory_bytes(),
                "memoryLimit": allowance.limits.memory_bytes,
                "fuelUsed": record.fuel_used(),
                "fuelPerSecond": record.fuel_per_second(self.clock),
                "storage": record.storage(),
                "restarts": record.restarts,
                "lastError": record.last_error.as_ref().map(|error| &error.text),
                "lastErrorRemedy": record.last_error.as_ref().and_then(|e| e.remedy.as_ref()),
                "lastErrorTimeMs": record.last_error.as_ref().map(|error| error.at_ms),
                "unknownImports": record.unknown_imports,
            });
            if let (Value::Object(status), Value::Object(more)) = (&mut status, more) {
                status.extend(more);
            }
            status
        };
        self.plugins.iter().enumerate().map(status).collect()
    }
}

impl Plugins {
    /// Over all plugins, as of now: what they have subscribed to, and what is kept for their next lives.
    pub(crate) fn totals_json(&self) -> Value {
        let buffers = self.plugins.iter().map(|plugin| plugin.buffer.len());
        let (deltas, plugins) = buffers
            .fold((0, 0), |(deltas, plugins), len| (deltas + len, plugins + usize::from(len > 0)));
        let running = self.plugins.iter().filter(|plugin| plugin.state == State::Running).count();
        let subscriptions = (0..self.plugins.len()).map(|at| self.routes.count(at));
        json!({
            "plugins": self.plugins.len(),
            "running": running,
            "subscriptions": subscriptions.sum::<usize>(),
            "buffering": plugins,
            "deltasBuffered": deltas,
        })
    }
}

/// Every number only grows while the server runs, but for the last two.
fn counters(plugin: &Plugin, subscriptions: usize) -> Value {
    let (record, totals) = (&plugin.record, plugin.record.totals());
    json!({
        "hostCalls": totals.host_calls,
        "hostCallErrors": totals.host_call_errors,
        "hostCallsDropped": totals.host_calls_dropped,
        "deltasIn": totals.deltas_in,
        "deltasOut": totals.deltas_out,
        "deltasInDropped": totals.deltas_in_dropped.saturating_add(plugin.buffer.dropped),
        "deltasOutDropped": totals.deltas_out_dropped,
        "badDeltas": totals.bad_deltas,
        "pollsMissed": totals.polls_missed,
        "guestFaults": totals.guest_faults,
        "datagramsDropped": totals.datagrams_dropped,
        "datagramsNotSent": totals.datagrams_not_sent,
        "tcpDropped": totals.tcp_dropped,
        "tcpAccepted": totals.tcp_accepted,
        "tcpRefused": totals.tcp_refused,
        "logLinesDropped": record.log_lines_dropped(),
        "throttled": record.throttled(),
        "handlerErrors": record.handler_errors,
        "requests": totals.requests,
        "requestsFailed": totals.requests_failed,
        "inputsAnswered": record.inputs.handed,
        "inputsChanged": record.inputs.changed,
        "inputsDropped": record.inputs.dropped,
        "inputsSkipped": record.inputs.skipped,
        "inputFailures": record.inputs.failures,
        "savesFailed": record.saves_failed,
        "framesLost": record.frames_lost,
        "crashes": record.crashes.all,
        "traps": record.crashes.traps,
        "deadlineHits": record.crashes.deadlines,
        "deltasBuffered": plugin.buffer.len(),
        "subscriptions": subscriptions,
    })
}

fn exports(usage: &Usage) -> Value {
    let row =
        |row: &ExportUse| (row.export.to_string(), json!({ "calls": row.calls, "fuel": row.fuel }));
    Value::Object(usage.rows().iter().map(row).collect())
}

fn log(record: &Record, lines: usize) -> Value {
    let line = |(at, line): (i64, &LogLine)| json!({ "timeMs": at, "level": line.level.as_str(), "text": line.text });
    record.last_lines(lines).map(line).collect()
}

fn supervision(plugin: &Plugin, now: Option<Duration>) -> Value {
    let next = match plugin.supervisor.state() {
        supervisor::State::BackingOff { until } => {
            let rest = until.saturating_sub(now.unwrap_or_default());
            Some(u64::try_from(rest.as_millis()).unwrap_or(u64::MAX))
        }
        _ => None,
    };
    json!({
        "restarts": plugin.record.restarts,
        "crashesInSeries": plugin.supervisor.crashes(),
        "nextRestartInMs": next,
        "reloading": plugin.reload.is_some(),
    })
}
