//! What clients ask over HTTP, below `/plugins/<id>`: how the watch goes, where anchor and boat are, and to drop the
//! anchor where the boat is.

use serde::Deserialize;
use serde_json::json;
use wasmi_pdk::Result;
use wasmi_pdk::signalk::http::{Endpoint, HttpRequest, Reply};
use wasmi_pdk::signalk::{Delta, Server};

use super::watch::{Verdict, Watch};
use super::{AnchorWatch, DISTANCE, Options, POSITION_OF_ANCHOR, RADIUS};

/// Who may read may look; who drops the anchor must be allowed to write. A server that does not know the difference
/// lets its owner in and nobody else.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/status", "").readonly(),
        Endpoint::get("/api/position", "").readonly(),
        Endpoint::post("/api/drop", "").readwrite(),
    ]
}

/// The body of a drop; `{}` keeps the radius.
#[derive(Deserialize)]
struct Wish {
    /// Metres.
    radius: Option<f64>,
}

impl AnchorWatch {
    pub(crate) fn respond_to(&mut self, server: &Server, request: &HttpRequest) -> Result<Reply> {
        match request.path.as_str() {
            "/api/drop" => self.drop_here(server, request),
            "/api/position" => Reply::json(json!({
                "anchor": self.watch.as_ref().and_then(Watch::anchor),
                "vessel": self.vessel,
            })),
            _ => self.status(),
        }
    }

    fn status(&self) -> Result<Reply> {
        let (state, message) = match self.watch {
            Some(_) => (state(self.told), self.text(self.told)),
            None => ("up", "The anchor is up".to_owned()),
        };
        Reply::json(json!({
            "state": state,
            "message": message,
            "radius": self.radius,
            "distance": self.watch.as_ref().and_then(Watch::distance),
        }))
    }

    /// Also in the options: the owner sees it there, and it holds after a restart.
    fn drop_here(&mut self, server: &Server, request: &HttpRequest) -> Result<Reply> {
        let radius = request.json::<Wish>()?.radius.unwrap_or(self.radius);
        if !(radius.is_finite() && radius >= 1.0) {
            return refused(400, "radius must be 1 m or more");
        }
        let Some(here) = self.vessel else {
            return refused(409, "no position of the boat is known yet");
        };
        if !server.save_config(&Options { anchored: true, radius, position: Some(here) }) {
            return refused(500, "the options cannot be saved");
        }
        let mut watch = Watch::new(Some(here), radius, false);
        let verdict = watch.see(here);
        (self.watch, self.radius) = (Some(watch), radius);
        let news = Delta::new().value(RADIUS, radius).value(POSITION_OF_ANCHOR, json!(here));
        server.emit(&news.value(DISTANCE, 0));
        self.save(server, verdict);
        self.tell(server, verdict);
        self.status()
    }
}

fn refused(status: u16, why: &str) -> Result<Reply> {
    Ok(Reply::json(json!({ "error": why }))?.status(status))
}

fn state(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Waiting => "waiting",
        Verdict::Holding => "holding",
        Verdict::Dragging | Verdict::DraggingBlind => "dragging",
        Verdict::Blind => "blind",
    }
}
