//! Does by JSON-RPC what `buffer_radar` does by the buffer ABI: finds a Furuno radar and hands its
//! spokes on. A beacon of 16 bytes goes to `address`:`port` (broadcast); an answer begins with the
//! eleven bytes of `ANSWER` and has `R` at offset 16. Then the delta `radars.furuno.address` is
//! sent, the group `group` joined on `interface`, and when `data_port` is bound the delta
//! `radars.furuno.ready`. Each spoke goes to the stream `radars/furuno`, and with every 64th the
//! delta `radars.furuno.data`: `{"received":n,"lost":n}`, by the number in its first four bytes.

use serde::Deserialize;
use serde_json::{Value, json};
use wasmi_pdk::signalk::net::UdpSocket;
use wasmi_pdk::signalk::{Delta, Plugin, SignalK, State, serve};
use wasmi_pdk::{Result, Router};

const BEACON: [u8; 16] = [1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 8, 1, 0, 0, 0];
const ANSWER: [u8; 11] = [1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0];
const EVERY: u64 = 64;

struct Radar;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Options {
    address: String,
    port: u16,
    group: String,
    interface: String,
    data_port: u16,
}

/// The address of the first radar that answers.
async fn find(sk: &SignalK, options: &Options) -> Result<String> {
    let socket = UdpSocket::create(sk).await?;
    socket.set_broadcast(true).await?;
    socket.send(&options.address, options.port, &BEACON).await?;
    loop {
        let answer = socket.receive().await;
        if answer.data.starts_with(&ANSWER) && answer.data.get(16) == Some(&b'R') {
            return Ok(answer.address);
        }
    }
}

async fn run(sk: SignalK, options: Options) -> Result<()> {
    let say = |path: &str, value: Value| sk.emit(&Delta::new().value(path, value));
    say("radars.furuno.address", find(&sk, &options).await?.into());
    let socket = UdpSocket::create(&sk).await?;
    socket.join(&options.group, &options.interface).await?;
    socket.bind(options.data_port).await?;
    say("radars.furuno.ready", true.into());
    let (mut next, mut received, mut lost) = (0_u32, 0_u64, 0_u64);
    loop {
        let spoke = socket.receive().await.data;
        sk.emit_frame("radars/furuno", &spoke);
        let Some(number) = spoke.first_chunk().copied().map(u32::from_le_bytes) else { continue };
        lost += u64::from(number.wrapping_sub(next));
        next = number.wrapping_add(1);
        received += 1;
        if received.is_multiple_of(EVERY) {
            say("radars.furuno.data", json!({ "received": received, "lost": lost }));
        }
    }
}

impl Plugin for Radar {
    const NAME: &'static str = "Radar";
    type Options = Options;

    async fn start(sk: SignalK, options: Options) -> Result<Self> {
        sk.host().call::<Value>("radar.register", ("Furuno",)).await?;
        let own = sk.clone();
        sk.host().spawn(async move {
            if let Err(error) = run(own, options).await {
                log::error!("{error}");
            }
        });
        Ok(Radar)
    }

    fn methods(router: Router<State<Self>>) -> Router<State<Self>> {
        router.method("radar.list", |_, _: Value| async { Ok(json!(["furuno"])) })
    }
}

wasmi_pdk::plugin!(serve::<Radar>());
