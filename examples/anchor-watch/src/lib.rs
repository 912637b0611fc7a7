//! An alarm when the boat leaves a circle around its anchor; a plugin of the buffer ABI.
//! What is watched and how is in `watch.rs`; here is what the server is told.

mod watch;

use serde_json::json;
use wasmi_pdk::signalk::{BufferPlugin, Delta, Position, Server};
use wasmi_pdk::{Error, Result};

use watch::{Verdict, Watch};

/// What the owner sets.
#[derive(Debug, serde::Deserialize)]
#[serde(default)]
pub struct Options {
    /// Metres.
    radius: f64,
    position: Option<Position>,
}

impl Default for Options {
    fn default() -> Self {
        Options { radius: 40.0, position: None }
    }
}

/// The plugin.
#[derive(Debug)]
pub struct AnchorWatch {
    watch: Watch,
    radius: f64,
    /// The context of the own vessel. Deltas of all vessels arrive here, and none says which is
    /// ours: the context is that of our own first delta, which comes back.
    own_context: Option<String>,
    told: Verdict,
}

const POSITION: &str = "navigation.position";
const RADIUS: &str = "navigation.anchor.maxRadius";
const ALARM: &str = "notifications.navigation.anchor";

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
        server.emit(&Delta::new().value(RADIUS, radius));
        server.set_status("Waiting for a position");
        Ok(AnchorWatch {
            watch: Watch::new(options.position, radius),
            radius,
            own_context: own_context(server),
            told: Verdict::Waiting,
        })
    }

    fn stop(&mut self, server: &Server) {
        if matches!(self.told, Verdict::Dragging | Verdict::Blind) {
            server.emit(&alarm(Verdict::Holding, "Anchor watch ended"));
        }
    }

    fn poll(&mut self, server: &Server) {
        let verdict = self.watch.second();
        self.tell(server, verdict);
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
        let first = self.watch.distance().is_none();
        let verdict = self.watch.see(position);
        let mut news = Delta::new().value("navigation.anchor.currentRadius", self.watch.distance());
        if let Some(anchor) = self.watch.anchor().filter(|_| first) {
            let at = json!({ "latitude": anchor.latitude, "longitude": anchor.longitude });
            news = news.value("navigation.anchor.position", at);
        }
        server.emit(&news);
        self.tell(server, verdict);
    }
}

impl AnchorWatch {
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
        let (distance, radius) = (self.watch.distance().unwrap_or_default(), self.radius);
        match verdict {
            Verdict::Waiting => "Waiting for a position".to_owned(),
            Verdict::Holding => format!("Holding: {distance:.0} m of {radius:.0} m"),
            Verdict::Dragging => format!("Anchor drags: {distance:.0} m, limit {radius:.0} m"),
            Verdict::Blind => "No position for 30 s: the anchor is not watched".to_owned(),
        }
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
        Verdict::Dragging => ("emergency", &["visual", "sound"]),
        Verdict::Blind => ("warn", &["visual"]),
    };
    Delta::new().value(ALARM, json!({ "state": state, "method": method, "message": message }))
}

wasmi_pdk::buffer_plugin!(AnchorWatch, poll, delta_handler);
