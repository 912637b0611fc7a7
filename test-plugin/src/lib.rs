//! Methods that more than one guest of `bin/` offers. One guest has one behaviour; `rpc_methods`
//! has all well-behaved ones, for benches that compare the same work on different hosts.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::{Value, value::RawValue};
use wasmi_pdk::{Cx, Error, ErrorCode, Result, Router, sleep};

/// What `set` and `get` remember.
pub type Memory = RefCell<BTreeMap<String, Value>>;

/// `ping` answers "pong".
pub fn ping<S: 'static>(router: Router<S>) -> Router<S> {
    router.method("ping", |_, ()| async { Ok("pong") })
}

/// `ping`, and this misbehaviour by two names: `go`, which tests of the host kit call, and `start`,
/// which a server calls by itself.
pub fn hostile<R, F, Fut>(misbehave: F) -> Router
where
    R: Serialize + 'static,
    F: Fn() -> Fut + Clone + 'static,
    Fut: Future<Output = Result<R>> + 'static,
{
    let start = misbehave.clone();
    ping(Router::new())
        .method("go", move |_, ()| misbehave())
        .method("start", move |_, _: IgnoredAny| start())
}

/// `add [a, b]`: their sum.
pub fn add<S: 'static>(router: Router<S>) -> Router<S> {
    router.method("add", |_, (a, b): (i64, i64)| async move { Ok(a + b) })
}

/// `echo` answers its parameters as they are.
pub fn echo<S: 'static>(router: Router<S>) -> Router<S> {
    router.method("echo", |_, params: Box<RawValue>| async move { Ok(params) })
}

/// `nested_echo {value, depth}`: the host's `echo` is given `{value, depth - 1}` until depth is 0;
/// a host that hands this back to `nested_echo` builds a tower of calls.
pub fn nested_echo<S: 'static>(router: Router<S>) -> Router<S> {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Nested {
        value: Value,
        depth: u32,
    }
    router.method("nested_echo", |cx: Cx<S>, Nested { value, depth }| async move {
        match depth.checked_sub(1) {
            None => Ok(value),
            Some(depth) => cx.host.call("echo", Nested { value, depth }).await,
        }
    })
}

/// `many_echo [n]`: calls the host's `echo` with 0, 1, ... n-1, one after the other, and answers
/// how many came back right.
pub fn many_echo<S: 'static>(router: Router<S>) -> Router<S> {
    router.method("many_echo", |cx: Cx<S>, count: u32| async move {
        let mut right = 0_u32;
        for number in 0..count {
            let (echoed,): (u32,) = cx.host.call("echo", (number,)).await?;
            right += u32::from(echoed == number);
        }
        Ok(right)
    })
}

/// `echo_at_once [n]`: like `many_echo`, with all calls under way together.
pub fn echo_at_once<S: 'static>(router: Router<S>) -> Router<S> {
    router.method("echo_at_once", |cx: Cx<S>, count: u32| async move {
        let calls: Vec<_> =
            (0..count).map(|number| cx.host.call::<(u32,)>("echo", (number,))).collect();
        let mut right = 0_u32;
        for (number, call) in (0..count).zip(calls) {
            right += u32::from(call.await?.0 == number);
        }
        Ok(right)
    })
}

/// `give_up [ms]`: asks the host for `slow` and waits this long; answers whether that was in vain.
pub fn give_up<S: 'static>(router: Router<S>) -> Router<S> {
    router.method("give_up", |cx: Cx<S>, millis: u64| async move {
        let limit = Duration::from_millis(millis);
        Ok(cx.host.call_within::<Value>(limit, "slow", ()).await.is_err())
    })
}

/// `random [n]`: n random bytes.
pub fn random<S: 'static>(router: Router<S>) -> Router<S> {
    router.method("random", |_, count: usize| async move {
        let mut bytes = vec![0_u8; count];
        getrandom::fill(&mut bytes).map_err(Error::message)?;
        Ok(bytes)
    })
}

/// `time`: milliseconds since the Unix epoch.
pub fn time<S: 'static>(router: Router<S>) -> Router<S> {
    router.method("time", |_, ()| async {
        Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?)
    })
}

/// `sleep [ms]`: answers after this long, with the milliseconds that its own clock saw pass.
pub fn sleep_for<S: 'static>(router: Router<S>) -> Router<S> {
    router.method("sleep", |_, millis: u64| async move {
        let start = std::time::Instant::now();
        sleep(Duration::from_millis(millis)).await;
        Ok(u64::try_from(start.elapsed().as_millis())?)
    })
}

/// `prime_sieve [limit]`: how many primes are below the limit, by the sieve of Eratosthenes.
pub fn prime_sieve<S: 'static>(router: Router<S>) -> Router<S> {
    router.method("prime_sieve", |_, limit: usize| async move { Ok(count_primes(limit)) })
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

/// `set [key, value]` and `get [key]`: what was set in an earlier call.
pub fn state() -> Router<Memory> {
    Router::with_state(Memory::default())
        .method("set", |cx, (key, value): (String, Value)| async move {
            Ok(cx.state.borrow_mut().insert(key, value))
        })
        .method("get", |cx, key: String| async move { Ok(cx.state.borrow().get(&key).cloned()) })
}

/// `fail [text]`, `panic [text]`, `log [level, text]`: the ways to be noticed.
pub fn trouble<S: 'static>(router: Router<S>) -> Router<S> {
    router
        .method("fail", |_, text: String| async move {
            Err::<(), _>(Error::with_data(-32000, text, [1, 2, 3]))
        })
        .method("panic", |_, text: String| async move { crash(&text) })
        .method("log", |_, (level, text): (String, String)| async move {
            let level: log::Level =
                level.parse().map_err(|_| Error::new(ErrorCode::InvalidParams, "no such level"))?;
            log::log!(target: "test_plugin", level, "{text}");
            Ok(())
        })
}

#[expect(clippy::panic, reason = "this guest's behaviour")]
fn crash(text: &str) -> Result<()> {
    panic!("{text}")
}

/// All well-behaved methods.
pub fn all() -> Router<Memory> {
    let router = add(sleep_for(time(random(prime_sieve(state())))));
    trouble(give_up(echo_at_once(many_echo(nested_echo(echo(ping(router)))))))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_sieve_counts_primes() {
        assert_eq!([0, 1, 2, 3, 100, 1000].map(super::count_primes), [0, 0, 0, 1, 25, 168]);
    }
}
