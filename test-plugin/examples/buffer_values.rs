//! A plugin of the buffer ABI with `wasmi-pdk` that takes values without JSON, on servers that have them.
//!
//! It adds up the own vessel's `navigation.speedOverGround`, keeps its position, the text of `navigation.state` and the
//! zones of that speed, and says in its log, once a second if something came:
//! `12 values, speed 9500, at 60500 24000, state motoring, zones [..], lost 0` (thousandths). `as_values`, `c_values`
//! and
//! `go_values` say the same.

use wasmi_pdk::Result;
use wasmi_pdk::signalk::values::Values;
use wasmi_pdk::signalk::{BufferPlugin, Delta, Position, Server};

/// The plugin.
#[derive(Debug, Default)]
pub struct Sums {
    values: u32,
    speed: f64,
    at: Option<Position>,
    state: String,
    zones: String,
    lost: u32,
}

impl BufferPlugin for Sums {
    const ID: &'static str = "buffer-values";
    const NAME: &'static str = "Values in Rust";
    type Options = serde::de::IgnoredAny;

    fn start(_: &Server, _: Self::Options) -> Result<Self> {
        Ok(Sums::default())
    }

    fn poll(&mut self, server: &Server) {
        if self.values == 0 {
            return;
        }
        let Sums { values, speed, state, zones, lost, .. } = self;
        let at = self.at.unwrap_or(Position { latitude: 0.0, longitude: 0.0 });
        let (latitude, longitude) = (at.latitude * 1000.0, at.longitude * 1000.0);
        server.debug(&format!(
            "{values} values, speed {:.0}, at {latitude:.0} {longitude:.0}, state {state}, zones {zones}, lost {lost}",
            *speed * 1000.0
        ));
        *values = 0;
    }

    /// On other servers.
    fn delta(&mut self, server: &Server, _: &Delta) {
        server.debug("a delta");
    }

    fn values(&mut self, _: &Server, values: Values<'_>) {
        self.lost += values.lost();
        for value in values {
            self.values += 1;
            let head = value.head();
            if !head.is_own() {
                continue;
            }
            match value.path() {
                "navigation.speedOverGround" if head.is_meta() => {
                    let zones = value.member("zones").and_then(|zones| zones.json());
                    zones.unwrap_or_default().clone_into(&mut self.zones);
                }
                "navigation.speedOverGround" => self.speed += value.number().unwrap_or(0.0),
                "navigation.position" => self.at = value.position(),
                "navigation.state" => value.text().unwrap_or_default().clone_into(&mut self.state),
                _ => {}
            }
        }
    }
}

wasmi_pdk::buffer_plugin!(Sums, poll, delta_handler, values_handler);
