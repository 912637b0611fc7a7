//! An alarm when the boat leaves a circle around its anchor; a plugin of the buffer ABI.
//! What is watched and how is in `watch.rs`, what is kept over a restart in `keep.rs`, what clients ask
//! in `web.rs`; here is what the server is told.

mod keep;
mod watch;
mod web;

use serde_json::json;
use wasmi_pdk::signalk::http::{Endpoint, HttpRequest, Reply};
use wasmi_pdk::signalk::{BufferPlugin, Delta, Position, Server};
use wasmi_pdk::{Error, Result};

use keep::{Keep, Kept};
use watch::{Verdict, Watch};

/// What the owner sets.
#[derive(Debug, serde::Deserialize, serde::Serialize)]
#[serde(default)]
pub struct Options {
    /// The anchor is down. Off and on again drops it anew, where the boat is then.
    anchored: bool,
    /// Metres.
    radius: f64,
    position: Option<Position>,
}

impl Default for Options {
    fn default() -> Self {
        Options { anchored: true, radius: 40.0, position: None }
    }
}

/// The plugin.
#[derive(Debug)]
pub struct AnchorWatch {
    /// `None`: the anchor is up.
    watch: Option<Watch>,
    keep: Keep,
    radius: f64,
    /// The context of the own vessel. Deltas of all vessels arrive here, and none says which is
    /// ours: the context is that of our own first delta, which comes back.
    own_context: Option<String>,
    /// Where the boat was last seen.
    vessel: Option<Position>,
    told: Verdict,
}

const POSITION: &str = "navigation.position";
const RADIUS: &str = "navigation.anchor.maxRadius";
const POSITION_OF_ANCHOR: &str = "navigation.anchor.position";
const DISTANCE: &str = "navigation.anchor.currentRadius";
const ALARM: &str = "notifications.navigation.anchor";
/// In the plugin's own folder (capability `storage`).
const KEPT: &str = "/data/anchor.json";

impl BufferPlugin for AnchorWatch {
    const ID: &'static str = "anchor-watch";
    const NAME: &'static str = "Anchor watch";
    const SCHEMA: &'static str = include_str!("../schema.json");
    type Options = Options;

    fn start(server: &Server, options: Options) -> Result<Self> {
        let radius = options.radius;
        if !(radius.is_finite() && radius > 0.0) {
            return Err(Error::message(format!("radius is {radius} m, it must be above 0")));
        }
        let keep = Keep::at(KEPT);
        let watch = if options.anchored {
            server.emit(&Delta::new().value(RADIUS, radius));
            server.set_status("Waiting for a position");
            Some(resume(server, &keep, options.position, radius))
        } else {
            let done = keep.forget();
            trouble(server, "The anchor from before may come back", done);
            let paths = [POSITION_OF_ANCHOR, RADIUS, DISTANCE];
            server.emit(&paths.iter().fold(Delta::new(), |all, path| all.value(*path, ())));
            // A life that crashed while it dragged left the alarm up.
            server.emit(&alarm(Verdict::Holding, "The anchor is up"));
            server.set_status("The anchor is up");
            None
        };
        let own_context = own_context(server);
        let (vessel, told) = (None, Verdict::Waiting);
        Ok(AnchorWatch { watch, keep, radius, own_context, vessel, told })
    }

    fn stop(&mut self, server: &Server) {
        if !matches!(self.told, Verdict::Waiting | Verdict::Holding) {
            server.emit(&alarm(Verdict::Holding, "Anchor watch ended"));
        }
    }

    fn poll(&mut self, server: &Server) {
        if let Some(watch) = &mut self.watch {
            let verdict = watch.second();
            self.tell(server, verdict);
        }
    }

    fn endpoints() -> Vec<Endpoint> {
        web::endpoints()
    }

    fn respond(&mut self, server: &Server, request: &HttpRequest) -> Result<Reply> {
        self.respond_to(server, request)
    }

    fn delta(&mut self, server: &Server, delta: &Delta) {
        if self.own_context.is_none() && delta.number(RADIUS) == Some(self.radius) {
            self.own_context.clone_from(&delta.context);
        }
        if self.own_context.is_none() || self.own_context != delta.context {
            return;
        }
        let positions = delta.values().filter(|(path, _)| *path == POSITION);
        let Some((_, value)) = positions.last() else { return };
        // Null, "known to be unavailable", is no position; the seconds count on.
        let Ok(position) = serde_json::from_value::<Position>(value.clone()) else { return };
        self.vessel = Some(position);
        let Some(watch) = &mut self.watch else { return };
        let first = watch.distance().is_none();
        let verdict = watch.see(position);
        let mut news = Delta::new().value(DISTANCE, watch.distance());
        if let Some(anchor) = watch.anchor().filter(|_| first) {
            let at = json!({ "latitude": anchor.latitude, "longitude": anchor.longitude });
            news = news.value(POSITION_OF_ANCHOR, at);
        }
        server.emit(&news);
        if first || verdict != self.told {
            self.save(server, verdict);
        }
        self.tell(server, verdict);
    }
}

impl AnchorWatch {
    /// Before the alarm is told: a crash in between must not lose it.
    fn save(&self, server: &Server, verdict: Verdict) {
        let Some(anchor) = self.watch.as_ref().and_then(Watch::anchor) else { return };
        let kept = self.keep.save(Kept { anchor, dragging: verdict == Verdict::Dragging });
        trouble(server, "After a restart the anchor would be where the boat is then", kept);
    }

    fn tell(&mut self, server: &Server, verdict: Verdict) {
        let text = self.text(verdict);
        if verdict != self.told {
            // "Waiting" to "holding" is the normal beginning.
            server.emit(&alarm(verdict, &text));
            self.told = verdict;
            server.set_status(&text);
        } else if verdict == Verdict::Holding {
            server.set_status(&text);
        }
    }

    fn text(&self, verdict: Verdict) -> String {
        let radius = self.radius;
        let distance = match self.watch.as_ref().and_then(Watch::distance) {
            Some(distance) => format!("{distance:.0} m"),
            None => "as before the restart".to_owned(),
        };
        match verdict {
            Verdict::Waiting => "Waiting for a position".to_owned(),
            Verdict::Holding => format!("Holding: {distance} of {radius:.0} m"),
            Verdict::Dragging => format!("Anchor drags: {distance}, limit {radius:.0} m"),
            Verdict::DraggingBlind => {
                format!("Anchor drags: {distance}, limit {radius:.0} m; no position for 30 s")
            }
            Verdict::Blind => "No position for 30 s: the anchor is not watched".to_owned(),
        }
    }
}

/// The anchor that the owner set, or that was kept; else the first position will be it.
fn resume(server: &Server, keep: &Keep, set: Option<Position>, radius: f64) -> Watch {
    let kept = keep.load().unwrap_or_else(|error| {
        trouble(server, "The anchor from before is not known", Err(error));
        None
    });
    let anchor = set.or(kept.map(|kept| kept.anchor));
    // Of another anchor it says nothing.
    let dragged = kept.is_some_and(|kept| kept.dragging && Some(kept.anchor) == anchor);
    Watch::new(anchor, radius, dragged)
}

fn trouble(server: &Server, what: &str, done: std::io::Result<()>) {
    if let Err(error) = done {
        server.debug(&format!("[WARN] {what}: {KEPT}: {error}"));
    }
}

/// A server that knows its vessel's number says so; others leave it to the delta that comes back.
fn own_context(server: &Server) -> Option<String> {
    let mmsi =
        server.get_self_path::<String>("mmsi").map(|mmsi| format!("urn:mrn:imo:mmsi:{mmsi}"));
    let urn = mmsi.or_else(|| server.get_self_path::<String>("uuid"))?;
    Some(format!("vessels.{urn}"))
}

fn alarm(verdict: Verdict, message: &str) -> Delta {
    let (state, method): (_, &[&str]) = match verdict {
        Verdict::Waiting | Verdict::Holding => ("normal", &[]),
        Verdict::Dragging | Verdict::DraggingBlind => ("emergency", &["visual", "sound"]),
        Verdict::Blind => ("warn", &["visual"]),
    };
    Delta::new().value(ALARM, json!({ "state": state, "method": method, "message": message }))
}

wasmi_pdk::buffer_plugin!(AnchorWatch, poll, delta_handler, http_endpoints);
