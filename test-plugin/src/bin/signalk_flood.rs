//! Hostile: sends 100,000 deltas as fast as it can, `test.flood` counting up, while it starts.

use wasmi_pdk::Result;
use wasmi_pdk::signalk::{Delta, Plugin, SignalK, serve};

struct Flood;

impl Plugin for Flood {
    const NAME: &'static str = "Flood";
    type Options = serde_json::Map<String, serde_json::Value>;

    async fn start(sk: SignalK, _: Self::Options) -> Result<Self> {
        let (mut taken, mut refused) = (0_u32, 0_u32);
        for number in 0..100_000_u32 {
            match sk.emit_confirmed(&Delta::new().value("test.flood", number)).await {
                Ok(()) => taken += 1,
                Err(_) => refused += 1,
            }
        }
        sk.set_status(format!("{taken} taken, {refused} refused"));
        Ok(Flood)
    }
}

wasmi_pdk::plugin!(serve::<Flood>());
