//! Methods of `test-plugin` for the peer: ping, many_echo, prime_sieve.

use std::sync::Arc;

use serde_json::{Value, json};
use wasmi_plugin_pdk::server::PluginServer;
use wasmi_plugin_pdk::transport::{JsonRpcTransport, Transport};

fn main() {
    PluginServer::new_with_transport()
        .with_method("ping", |_, _: Value| async { Ok("pong") })
        .with_method("many_echo", |host: Arc<JsonRpcTransport>, (count,): (u32,)| async move {
            let mut right = 0_u32;
            for number in 0..count {
                let answer = host.call("echo", json!([number])).await?;
                right += u32::from(answer.result == json!([number]));
            }
            Ok(right)
        })
        .with_method("prime_sieve", |_, (limit,): (usize,)| async move { Ok(count_primes(limit)) })
        .run();
}

fn count_primes(limit: usize) -> usize {
    let mut composite = vec![false; limit];
    let mut count = 0;
    for number in 2..limit {
        if composite[number] {
            continue;
        }
        count += 1;
        for multiple in (number.saturating_mul(number)..limit).step_by(number) {
            composite[multiple] = true;
        }
    }
    count
}
