//! What a delta input handler said: its reply to `deltas.input`, read by the rules about sources.
//!
//! A plugin may change what others say, but nobody may speak in another's name (plugin ABI W21): a value that was in
//! the delta keeps its `$source`, any other is the plugin's own. When a handler is asked, and until when, is
//! `signalk-core/src/intake`.

use serde_json::value::RawValue;
use signalk_model::hash::NameMap;
use signalk_model::{Complaint, Context, Delta, Path, SourceRef, Update};

use crate::error::shown;
use crate::methods::deltas::attribute;
use crate::{PluginId, Rules};

/// Bytes of a reply.
const LONGEST: usize = 1 << 20;
/// Values that a handler may add to one delta.
const MOST_ADDED: usize = 100;

/// What is to become of one delta.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It goes on as it is.
    Pass,
    /// It is gone.
    Drop,
    /// It has other values now.
    Change {
        /// What it had, perhaps with other values; may be empty.
        kept: Delta,
        /// What the plugin says besides, as its own source; may be empty.
        added: Delta,
    },
    /// The handler answered what is no verdict, in words; the delta goes on as it is.
    Garbage(String),
}

/// Reads the reply of a plugin to the deltas that it was handed, each with context, time and source.
///
/// # Errors
/// In words, when the whole reply says nothing about these deltas.
pub fn verdicts(
    plugin: &PluginId,
    package: &str,
    rules: &Rules,
    handed: &[&Delta],
    reply: &str,
) -> Result<Vec<Verdict>, String> {
    if reply.len() > LONGEST {
        return Err(format!("the answer has {} bytes, the limit is {LONGEST}", reply.len()));
    }
    let rows: Vec<&RawValue> =
        serde_json::from_str(reply).map_err(|error| format!("the answer is no array: {error}"))?;
    if rows.len() != handed.len() {
        let (rows, deltas) = (rows.len(), handed.len());
        return Err(format!("the answer has {rows} members for {deltas} deltas"));
    }
    let verdict = |(row, delta): (&&RawValue, &&Delta)| match row.get() {
        "true" => Verdict::Pass,
        "false" => Verdict::Drop,
        text => change((plugin, package, rules), delta, text).unwrap_or_else(Verdict::Garbage),
    };
    Ok(rows.iter().zip(handed).map(verdict).collect())
}

fn change(
    (plugin, package, rules): (&PluginId, &str, &Rules),
    before: &Delta,
    text: &str,
) -> Result<Verdict, String> {
    let parsed = Delta::parse(text.as_bytes())
        .map_err(|error| format!("{}: neither true, false nor a delta: {error}", shown(text)))?;
    // What is left out of a sensor's delta by mistake would be lost.
    let harmless = |complaint: &&Complaint| {
        matches!(
            complaint,
            Complaint::TwoSources { .. }
                | Complaint::SourceRefSpelling { .. }
                | Complaint::Empty { .. }
                | Complaint::UnknownMember { .. }
        )
    };
    if let Some(complaint) = parsed.complaints.iter().find(|complaint| !harmless(complaint)) {
        return Err(format!("{}: {complaint}", shown(text)));
    }
    let after = parsed.delta;
    let same =
        |context: &Context| *context == "vessels.self" || Some(context) == before.context.as_ref();
    if !after.context.as_ref().is_none_or(same) {
        return Err(format!("{}: is of another context; use deltas.emit", shown(text)));
    }
    let (kept, mut added) = sort(before, after);
    let count: usize =
        added.updates.iter().map(|update| update.values.len() + update.meta.len()).sum();
    if count > MOST_ADDED {
        return Err(format!("{count} values are added, the limit is {MOST_ADDED}"));
    }
    if added
        .updates
        .iter()
        .flat_map(|update| &update.values)
        .any(|v| v.path.starts_with("resources."))
    {
        return Err("adds a resource; use deltas.emit".to_owned());
    }
    attribute(&mut added, plugin, package, rules);
    Ok(Verdict::Change { kept, added })
}

/// How often a delta holds a value or a piece of metadata of one source and path, and in which update first.
type Had<'a> = NameMap<(Option<SourceRef>, Path, bool), (usize, &'a Update)>;

/// What was there before, and what is new.
fn sort(before: &Delta, after: Delta) -> (Delta, Delta) {
    let mut had = Had::default();
    for update in &before.updates {
        let key = |path: &Path, is_meta| (update.source_ref.clone(), path.clone(), is_meta);
        let values = update.values.iter().map(|entry| key(&entry.path, false));
        for key in values.chain(update.meta.iter().map(|entry| key(&entry.path, true))) {
            had.entry(key).or_insert((0, update)).0 += 1;
        }
    }
    let empty = || Delta { context: before.context.clone(), updates: Vec::new() };
    let (mut kept, mut added) = (empty(), empty());
    for update in after.updates {
        let mut old: Option<&Update> = None;
        let mut is_kept = |path: &Path, is_meta: bool| {
            let key = (update.source_ref.clone(), path.clone(), is_meta);
            let Some((left, first)) = had.get_mut(&key) else {
                return false;
            };
            let more = *left > 0;
            *left = left.saturating_sub(1);
            if more {
                old.get_or_insert(first);
            }
            more
        };
        let (values, new_values) =
            update.values.into_iter().partition::<Vec<_>, _>(|entry| is_kept(&entry.path, false));
        let (meta, new_meta) =
            update.meta.into_iter().partition::<Vec<_>, _>(|entry| is_kept(&entry.path, true));
        if let Some(old) = old {
            kept.updates.push(Update {
                source: old.source.clone(),
                source_ref: old.source_ref.clone(),
                timestamp: update.timestamp.clone().or_else(|| old.timestamp.clone()),
                values,
                meta,
            });
        }
        if !new_values.is_empty() || !new_meta.is_empty() {
            let (source, source_ref) = (update.source, update.source_ref);
            let (values, meta, timestamp) = (new_values, new_meta, update.timestamp);
            added.updates.push(Update { source, source_ref, timestamp, values, meta });
        }
    }
    (kept, added)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = r#"{"context":"vessels.a","updates":[{"source":{"label":"n","type":"NMEA0183"},"$source":"n.II","timestamp":"2026-01-01T00:00:00.000Z","values":[{"path":"a.b","value":1},{"path":"a.c","value":2}]}]}"#;

    fn read(reply: &str) -> Result<Vec<Verdict>, String> {
        let before = Delta::parse(BEFORE.as_bytes()).unwrap().delta;
        verdicts(&PluginId::from_package("p"), "p", &Rules::default(), &[&before], reply)
    }

    fn changed(reply: &str) -> (String, String) {
        match read(reply).unwrap().remove(0) {
            Verdict::Change { kept, added } => (kept.to_json(), added.to_json()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_delta_passes_is_dropped_or_gets_other_values() {
        assert_eq!(read("[true]").unwrap(), [Verdict::Pass]);
        assert_eq!(read("[ false ]").unwrap(), [Verdict::Drop]);
        let (kept, added) = changed(&format!("[{}]", BEFORE.replace(":1}", ":1.5}")));
        assert_eq!(kept, BEFORE.replace(":1}", ":1.5}"));
        assert_eq!(added, r#"{"context":"vessels.a","updates":[]}"#);
    }

    #[test]
    fn a_corrected_value_stays_its_sources_and_a_new_one_is_the_plugins() {
        // The source object that the plugin writes is not looked at.
        let (kept, added) = changed(
            r#"[{"updates":[{"source":{"label":"liar"},"$source":"n.II","values":[{"path":"a.b","value":3},{"path":"a.new","value":4}]}]}]"#,
        );
        assert_eq!(
            kept,
            r#"{"context":"vessels.a","updates":[{"source":{"label":"n","type":"NMEA0183"},"$source":"n.II","timestamp":"2026-01-01T00:00:00.000Z","values":[{"path":"a.b","value":3}]}]}"#
        );
        assert!(added.contains(r#""values":[{"path":"a.new","value":4}]"#), "{added}");
        assert!(added.contains(r#""$source":"p"#) && !added.contains("n.II"), "{added}");
    }

    #[test]
    fn nobody_speaks_in_anothers_name() {
        for source in ["gps", "p", "p.compass"] {
            let reply = format!(
                r#"[{{"updates":[{{"$source":"{source}","values":[{{"path":"a.b","value":3}}]}}]}}]"#
            );
            let (kept, added) = changed(&reply);
            assert!(kept.ends_with(r#""updates":[]}"#), "{kept}");
            let own = if source == "gps" { "p" } else { source };
            assert!(added.contains(&format!(r#""$source":"{own}""#)), "{added}");
        }
        // Once it was there: the second is somebody else's.
        let twice = r#"[{"updates":[{"$source":"n.II","values":[{"path":"a.b","value":3},{"path":"a.b","value":4}]}]}]"#;
        let (kept, added) = changed(twice);
        assert!(kept.contains(":3}") && !kept.contains(":4}") && added.contains(":4}"));
    }

    #[test]
    fn garbage_is_named_and_changes_nothing() {
        for (reply, says) in [
            ("7", "no array"),
            ("", "no array"),
            ("[]", "0 members for 1 deltas"),
            ("[true,true]", "2 members"),
        ] {
            let error = read(reply).unwrap_err();
            assert!(error.contains(says), "{reply}: {error}");
        }
        let long = format!("[{}1]", " ".repeat(LONGEST));
        assert!(read(&long).unwrap_err().contains("the limit is 1048576"));
        let many = (0..=MOST_ADDED).map(|n| format!(r#"{{"path":"x.y{n}","value":1}}"#));
        let many =
            format!(r#"[{{"updates":[{{"values":[{}]}}]}}]"#, many.collect::<Vec<_>>().join(","));
        for (row, says) in [
            ("[null]", "neither true, false nor a delta"),
            (r#"[{"updates":7}]"#, "neither true, false nor a delta"),
            (r#"[{"updates":[{"values":[{"path":7}]}]}]"#, "path"),
            (r#"[{"context":"vessels.b","updates":[]}]"#, "another context"),
            (
                r#"[{"updates":[{"values":[{"path":"resources.notes.x","value":{}}]}]}]"#,
                "deltas.emit",
            ),
            (many.as_str(), "101 values are added"),
        ] {
            match read(row).unwrap().remove(0) {
                Verdict::Garbage(text) => assert!(text.contains(says), "{row}: {text}"),
                other => panic!("{row}: {other:?}"),
            }
        }
    }
}
