//! Which plugin has which radar: what each answered to `radar_get_radars`, and frames that wait for such an answer.
//! Without it any plugin could draw on another's radar picture (plugin ABI 12, W22).

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use serde_json::Value;
use signalk_bridge::PluginId;

use crate::api::values;

/// An answer holds for clients' requests this long (plugin ABI 11.3), and a radar that it lacked is asked for again
/// after.
const FRESH: Duration = Duration::from_secs(1);

/// Bytes of frames that may wait for one plugin's answer.
pub(super) const MOST_HELD: usize = 1 << 20;

/// Radars that one plugin may have.
const MOST_RADARS: usize = 64;

/// What is known of every plugin's radars.
#[derive(Debug, Default)]
pub(crate) struct Radars {
    known: BTreeMap<PluginId, Known>,
}

#[derive(Debug, Default)]
struct Known {
    ids: Vec<String>,
    /// When it last answered.
    answered: Option<Duration>,
    /// That answer was a list.
    listed: bool,
    ask: Ask,
    held: VecDeque<(String, Bytes)>,
    held_bytes: usize,
    /// Frames that went nowhere.
    refused: u64,
    /// What was said about that.
    said: BTreeSet<Why>,
}

/// Why a frame went nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// As many as may wait for the plugin's answer do.
    NoRoom,
    /// The stream is not its own.
    NotOwn,
}

/// Whether frames wait for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Ask {
    #[default]
    Nothing,
    /// The plugin is to be asked.
    Wanted,
    /// It was asked.
    Asked,
}

/// Whether a radar is a plugin's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    Own,
    NotOwn,
    /// Its answer will tell.
    Unknown,
}

impl Radars {
    /// Whether a frame of this radar may come from this plugin.
    pub(super) fn whose(&mut self, now: Duration, plugin: &PluginId, radar: &str) -> Whose {
        let known = self.known.entry(plugin.clone()).or_default();
        let is_fresh = known.is_fresh(now);
        if known.ids.iter().any(|id| id == radar) {
            Whose::Own
        } else if is_fresh {
            Whose::NotOwn
        } else {
            Whose::Unknown
        }
    }

    /// Keeps a frame until the plugin has said which radars it has; false: there is no room for it.
    pub(super) fn hold(&mut self, plugin: &PluginId, radar: &str, frame: Bytes) -> bool {
        let known = self.known.entry(plugin.clone()).or_default();
        if known.ask == Ask::Nothing {
            known.ask = Ask::Wanted;
        }
        if known.held_bytes + frame.len() > MOST_HELD {
            return false;
        }
        known.held_bytes += frame.len();
        known.held.push_back((radar.to_owned(), frame));
        true
    }

    /// Whether somebody is to be asked.
    pub(crate) fn want_answers(&self) -> bool {
        self.known.values().any(|known| known.ask == Ask::Wanted)
    }

    /// Who is to be asked now, for frames that wait.
    pub(crate) fn take_wanted(&mut self) -> Vec<PluginId> {
        let wanted = self.known.iter_mut().filter(|(_, known)| known.ask == Ask::Wanted);
        let taken = wanted.map(|(plugin, known)| {
            known.ask = Ask::Asked;
            plugin.clone()
        });
        taken.collect()
    }

    /// An answer (`None`: none that can be understood), and the frames that waited for it.
    pub(super) fn told(
        &mut self,
        now: Duration,
        plugin: &PluginId,
        ids: Option<Vec<String>>,
    ) -> VecDeque<(String, Bytes)> {
        let known = self.known.entry(plugin.clone()).or_default();
        known.listed = ids.is_some();
        if let Some(ids) = ids {
            known.ids = ids;
        }
        (known.answered, known.ask) = (Some(now), Ask::Nothing);
        known.held_bytes = 0;
        std::mem::take(&mut known.held)
    }

    /// The radars of a plugin, if it said so a moment ago.
    pub(crate) fn fresh(&self, now: Duration, plugin: &PluginId) -> Option<&[String]> {
        let known = self.known.get(plugin)?;
        (known.listed && known.is_fresh(now)).then_some(&*known.ids)
    }

    /// A frame went nowhere. True: the first one for this reason.
    pub(super) fn refused(&mut self, plugin: &PluginId, why: Why) -> bool {
        let known = self.known.entry(plugin.clone()).or_default();
        known.refused += 1;
        known.said.insert(why)
    }

    /// Frames that went nowhere, by plugin.
    pub(super) fn refused_json(&self) -> Value {
        let refused = self.known.iter().filter(|(_, known)| known.refused > 0);
        let counts = refused.map(|(plugin, known)| (plugin.to_string(), known.refused.into()));
        Value::Object(counts.collect())
    }

    /// The plugin's life is over.
    pub(super) fn forget(&mut self, plugin: &PluginId) {
        self.known.remove(plugin);
    }
}

impl Known {
    fn is_fresh(&self, now: Duration) -> bool {
        self.answered.is_some_and(|at| now.saturating_sub(at) < FRESH)
    }
}

/// The ids in an answer to `radar_get_radars`; `None`: it is no array.
pub(super) fn read_ids(text: &str) -> Option<Vec<String>> {
    let Ok(Value::Array(ids)) = values(text) else { return None };
    Some(ids.iter().filter_map(|id| id.as_str().map(str::to_owned)).take(MOST_RADARS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever lost frames for want of room learns afterwards, too, that the radar is not its own.
    #[test]
    fn each_reason_is_said_once() {
        let (mut radars, plugin) = (Radars::default(), PluginId::from_package("p"));
        let frame = Bytes::from(vec![0; MOST_HELD / 2]);
        let kept = [(); 3].map(|()| radars.hold(&plugin, "r", frame.clone()));
        assert_eq!(kept, [true, true, false]);
        let said = [Why::NoRoom, Why::NoRoom, Why::NotOwn, Why::NotOwn]
            .map(|why| radars.refused(&plugin, why));
        assert_eq!(said, [true, false, true, false]);
        assert_eq!(radars.refused_json()["p"], 4);
    }
}
