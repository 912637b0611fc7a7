//! Takes what `paths` of its options names and keeps the last speed: what a delta costs that a plugin only looks at.
//! At the end it says how many it took, and the last speed.

use std::cell::Cell;
use std::rc::Rc;

use wasmi_pdk::Result;
use wasmi_pdk::signalk::{Plugin, SignalK, Subscription, serve};

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Options {
    paths: Vec<String>,
}

struct Taker {
    taken: Rc<Cell<u32>>,
    speed: Rc<Cell<f64>>,
}

impl Plugin for Taker {
    const NAME: &'static str = "Taker";
    type Options = Options;

    async fn start(sk: SignalK, options: Options) -> Result<Self> {
        let (taken, speed) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(f64::NAN)));
        let rows: Vec<_> = options.paths.iter().map(|path| Subscription::from(&**path)).collect();
        if !rows.is_empty() {
            let (taken, speed) = (Rc::clone(&taken), Rc::clone(&speed));
            sk.subscribe(&rows, move |delta| {
                taken.set(taken.get() + 1);
                if let Some(knots) = delta.number("navigation.speedOverGround") {
                    speed.set(knots);
                }
            })
            .await?;
        }
        Ok(Taker { taken, speed })
    }

    async fn stop(self: Rc<Self>, sk: SignalK) -> Result<()> {
        sk.set_status(format!("took {}, speed {}", self.taken.get(), self.speed.get()));
        log::info!("took {}, speed {}", self.taken.get(), self.speed.get());
        Ok(())
    }
}

wasmi_pdk::plugin!(serve::<Taker>());
