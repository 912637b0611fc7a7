//! Whether a frame that a plugin emits goes out: the stream is its own, the radar is one that it lists. Frames that do
//! not are counted and said once in a life.

use std::time::Duration;

use bytes::Bytes;
use signalk_bridge::{HandlerFailure, HandlerReply, PluginId};

use super::{
    MOST_STREAMS, Refusal,
    address::canonical,
    radars::{MOST_HELD, Whose, Why, read_ids},
};
use crate::{io::LogLevel, server::Server};

impl Server {
    /// A plugin emits a frame to a stream that the bridge lets it name.
    pub(crate) fn plugin_frame(
        &mut self,
        now: Duration,
        plugin: &PluginId,
        name: &str,
        frame: Bytes,
    ) {
        let name = canonical(name);
        if let Some(radar) = name.strip_prefix("radars/") {
            match self.binary.radars.whose(now, plugin, radar) {
                Whose::Own => {}
                Whose::Unknown => {
                    if !self.binary.radars.hold(plugin, radar, frame) {
                        self.no_room_for_frames(plugin, &name);
                    }
                    return;
                }
                Whose::NotOwn => return self.not_its_radar(plugin, radar),
            }
        }
        self.emit_frame(plugin, &name, frame);
    }

    fn emit_frame(&mut self, plugin: &PluginId, name: &str, frame: Bytes) {
        let Err(refusal) = self.binary.emit(plugin, name, frame, &mut self.outputs) else { return };
        let why = match refusal {
            Refusal::Taken(owner) => format!("plugin `{owner}` emits to it"),
            Refusal::TooMany => {
                format!("the limit of a plugin is {MOST_STREAMS} streams; use fewer names")
            }
        };
        self.refuse_frame(plugin, name, (Why::NotOwn, &why));
    }

    fn no_room_for_frames(&mut self, plugin: &PluginId, name: &str) {
        let why = format!(
            "{} MiB of them wait for its radar_get_radars, which has not answered yet; answer sooner, or send the first frames later",
            MOST_HELD >> 20
        );
        self.refuse_frame(plugin, name, (Why::NoRoom, &why));
    }

    fn not_its_radar(&mut self, plugin: &PluginId, radar: &str) {
        let why = format!("its radar_get_radars does not list `{radar}`; add it there");
        self.refuse_frame(plugin, &format!("radars/{radar}"), (Why::NotOwn, &why));
    }

    /// Counted, and each reason said once in a life.
    fn refuse_frame(&mut self, plugin: &PluginId, name: &str, (why, words): (Why, &str)) {
        if self.binary.radars.refused(plugin, why) {
            let text = format!("frames for the stream `{name}` are lost: {words}");
            let line = format!("plugin `{plugin}`: {text}");
            self.log_line(LogLevel::Warn, plugin.to_string(), line);
            self.lost_frames.push((plugin.clone(), 1, Some(text)));
        } else {
            match self.lost_frames.last_mut() {
                Some((last, count, _)) if last == plugin => *count += 1,
                _ => self.lost_frames.push((plugin.clone(), 1, None)),
            }
        }
    }

    /// A plugin said which radars it has, or could not: frames that waited for that go out, or are lost.
    ///
    /// # Errors
    /// The plugin's failure, or that its answer is no list.
    pub(crate) fn radars_told(
        &mut self,
        now: Duration,
        plugin: &PluginId,
        reply: HandlerReply,
    ) -> Result<(), HandlerFailure> {
        if let Err(HandlerFailure::NotRunning) = reply {
            // A life that has ended, or has not begun, says nothing about the next.
            self.binary.radars.forget(plugin);
            return Err(HandlerFailure::NotRunning);
        }
        let listed = reply.and_then(|text| {
            let no_list =
                || HandlerFailure::Failed("radar_get_radars gave no JSON array".to_owned());
            read_ids(&text).ok_or_else(no_list)
        });
        let (ids, result) = match listed {
            Ok(ids) => (Some(ids), Ok(())),
            Err(failure) => (None, Err(failure)),
        };
        for (radar, frame) in self.binary.radars.told(now, plugin, ids) {
            match self.binary.radars.whose(now, plugin, &radar) {
                Whose::Own => self.emit_frame(plugin, &format!("radars/{radar}"), frame),
                Whose::Unknown | Whose::NotOwn => self.not_its_radar(plugin, &radar),
            }
        }
        result
    }

    /// The life of a plugin is over.
    pub(crate) fn end_binary_streams(&mut self, plugin: &PluginId) {
        self.binary.end_of(plugin, &mut self.outputs);
    }
}
