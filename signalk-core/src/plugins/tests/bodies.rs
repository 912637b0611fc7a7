//! Bodies of 16 MiB each way, deadlines and what a handler never sees: HTTP endpoints in virtual time.

use bytes::Bytes;

use super::*;

const MIB: usize = 1 << 20;

/// `up`: the length of its request. `down`: a body of 16 MiB, in base64 or as text.
/// `spin`: never ends. `echo`: says what it was asked.
fn host_of_bodies() -> Vec<u8> {
    let endpoints = r#"[{"method":"POST","path":"/up","handler":"h_up"},{"method":"GET","path":"/down","handler":"h_down"},{"method":"POST","path":"/down","handler":"h_down"},{"method":"POST","path":"/down/said","handler":"h_down","maxResponse":23000000},{"method":"GET","path":"/spin","handler":"h_spin"},{"method":"GET","path":"/echo","handler":"h_echo"}]"#;
    let head = r#"{"headers":{"Content-Type":"image/png"},"bodyBase64":""#;
    let data =
        |at: usize, text: &str| format!("(data (i32.const {at}) {text:?})").replace("\\\\", "\\");
    let base64 = 16 * MIB / 3 * 4 + 4;
    let body = format!(
        r#"{}{}
        (data (i32.const 1800) "\"}}")
        {START}
        (func (export "http_endpoints") (param $out i32) (param $max i32) (result i32)
            (memory.copy (local.get $out) (i32.const 1000) (i32.const {n})) (i32.const {n}))
        (func (export "h_up") (param $p i32) (param $n i32) (param $out i32) (param $max i32) (result i32)
            (memory.copy (local.get $out) (i32.const 1900) (i32.const 28))
            (call $number (i32.add (local.get $out) (i32.const 25)) (local.get $n))
            (i32.const 28))
        (data (i32.const 1900) "{{\"body\":{{\"length\":        }}}}")
        (func $number (param $at i32) (param $n i32)
            (loop $next
                (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
                (local.set $n (i32.div_u (local.get $n) (i32.const 10)))
                (local.set $at (i32.sub (local.get $at) (i32.const 1)))
                (br_if $next (local.get $n))))
        (func (export "h_down") (param $p i32) (param $n i32) (param $out i32) (param $max i32) (result i32)
            (if (i32.lt_u (local.get $max) (i32.const {whole})) (then (return (i32.const {whole}))))
            (memory.copy (local.get $out) (i32.const 1700) (i32.const {head_len}))
            (memory.fill (i32.add (local.get $out) (i32.const {head_len})) (i32.const 65) (i32.const {base64}))
            (memory.copy (i32.add (local.get $out) (i32.const {tail})) (i32.const 1800) (i32.const 2))
            (i32.const {whole}))
        (func (export "h_spin") (param i32 i32 i32 i32) (result i32) (loop (br 0)) (i32.const 0))
        (func (export "h_echo") (param $p i32) (param $n i32) (param $out i32) (param $max i32) (result i32)
            (call $debug (local.get $p) (local.get $n))
            (i32.store16 (local.get $out) (i32.const 0x7d7b))
            (i32.const 2))"#,
        data(1000, endpoints),
        data(1700, head),
        n = endpoints.len(),
        head_len = head.len(),
        tail = head.len() + base64,
        whole = head.len() + base64 + 2,
    );
    // 64 MiB: room for a request and a reply of this size.
    let text = format!(
        r#"(module
            (import "env" "sk_debug" (func $debug (param i32 i32)))
            (memory (export "memory") 1024)
            {HEAP}
            {body})"#
    );
    wat::parse_str(text).unwrap()
}

/// Guests in other languages than Rust need their toolchain.
#[cfg(not(target_family = "wasm"))]
fn built_if_there(name: &str) -> Option<Vec<u8>> {
    let path = format!("{}/../target/guests/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
    let there = std::path::Path::new(&path).exists();
    if !there {
        eprintln!("skipped: {path} is missing; run `cargo xtask guests`");
    }
    there.then(|| built(name))
}

fn running() -> Sim {
    let mut sim = Sim::new();
    let more = json!({
        "signalk-plugin-enabled-by-default": true,
        "wasmCapabilities": { "httpEndpoints": true },
    });
    sim.install_with("b", host_of_bodies(), more);
    sim.boot();
    assert_eq!(sim.state("b"), "running", "{:?}", sim.log);
    sim
}

fn ask(
    sim: &mut Sim,
    method: &str,
    path: &str,
    kind: &str,
    body: impl Into<Bytes>,
) -> (u16, String) {
    let mut request = HttpRequest::get(&format!("/plugins/b{path}"));
    request.method = method.to_owned();
    request.headers.push(("content-type".to_owned(), kind.to_owned()));
    request.body = body.into();
    sim.input(Input::Http { id: HttpId(9), request });
    sim.answer.take().unwrap_or_default()
}

#[test]
fn a_body_of_16_mib_reaches_a_plugin() {
    let mut sim = running();
    let raw = vec![0; 16 * MIB];
    let (status, reply) = ask(&mut sim, "POST", "/up", "application/octet-stream", raw);
    // In base64, with what is around it.
    let length: usize =
        reply.trim_start_matches("{\"length\":").trim_end_matches('}').parse().unwrap();
    assert_eq!(status, 200);
    assert!((22_369_624..22_370_000).contains(&length), "{length}");
    let mut json = vec![b' '; 16 * MIB];
    json[0] = b'[';
    json[16 * MIB - 1] = b']';
    let (status, reply) = ask(&mut sim, "POST", "/up", "application/json", json);
    assert!(status == 200 && reply.len() < 30, "compact: {reply}");
    // Two bytes each: as values they would take half a gigabyte.
    let zeros = format!("[{}0]", "0,".repeat(8 * MIB - 2));
    let (status, reply) = ask(&mut sim, "POST", "/up", "application/json", zeros);
    assert_eq!(status, 200);
    assert!(reply.starts_with("{\"length\":1677"), "{reply}");
}

/// W13: a reply that does not fit is asked for again where that does no harm, has its room where its author said so,
/// and is refused by name where not.
#[test]
fn w13_a_body_of_16_mib_comes_from_a_plugin() {
    let mut sim = running();
    for (method, path) in [("GET", "/down"), ("POST", "/down/said")] {
        let (status, body) = ask(&mut sim, method, path, "text/plain", "");
        assert_eq!((status, body.len()), (200, 16 * MIB + 2), "{method} {path}");
    }
    let (status, body) = ask(&mut sim, "POST", "/down", "text/plain", "");
    assert_eq!(status, 500);
    assert!(body.contains("needs 2236") && body.contains("the limit is 1048575"), "{body}");
    assert_eq!(sim.state("b"), "running");
}

/// W12: the deadline fires, the client hears of it, the plugin is a crashed one and comes back.
#[test]
fn w12_a_handler_that_never_ends_is_answered_504_and_its_neighbour_goes_on() {
    let mut sim = running();
    sim.install("counter", counter());
    sim.boot();
    // Each look at the clock takes 10 ms: a slice of the loop is worth two looks.
    sim.clock.tick.store(10_000, Ordering::Relaxed);
    let (status, body) = ask(&mut sim, "GET", "/spin", "text/plain", "");
    sim.clock.tick.store(0, Ordering::Relaxed);
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["error"]), (504, &json!("Plugin handler timeout")));
    assert!(body["message"].as_str().unwrap().contains("10s"), "{body}");
    assert_eq!((sim.state("b").as_str(), sim.state("counter").as_str()), ("crashed", "running"));
    let later = sim.now().as_secs_f64() + 1.5;
    sim.advance_to(later);
    assert_eq!(ask(&mut sim, "GET", "/echo", "text/plain", "").0, 200);
}

/// Its own time does not pass while it waits for the network; that of the client does.
#[cfg(not(target_family = "wasm"))]
#[test]
fn w12_a_handler_that_waits_too_long_for_the_network_is_answered_504() {
    let options = r#"{"enabled":true,"configuration":{"url":"http://a.b","http":1}}"#;
    let mut sim = Sim::with_options(&[("f", options)]);
    let more = json!({ "wasmCapabilities": { "network": true, "httpEndpoints": true } });
    let Some(wasm) = built_if_there("as_fetch_plain") else { return };
    sim.install_with("f", wasm, more);
    sim.boot();
    assert_eq!(sim.state("f"), "running", "{:?}", sim.log);
    sim.input(Input::Http { id: HttpId(9), request: HttpRequest::get("/plugins/f/fetch") });
    sim.advance_to(59.0);
    assert!(sim.answer.is_none(), "{:?}", sim.answer);
    sim.advance_to(61.0);
    let (status, body) = sim.answer.take().unwrap();
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["error"]), (504, &json!("Plugin handler timeout")));
    assert_eq!(sim.state("f"), "running");
}

/// W23, W45: no credentials; a body that is not there is `{}`, not null.
#[test]
fn w23_handlers_see_no_credentials_unless_the_owner_says_so() {
    let mut sim = running();
    let get = |sim: &mut Sim| {
        let mut request = HttpRequest::get("/plugins/b/echo");
        for (name, value) in [("cookie", "a=b"), ("authorization", "Bearer x"), ("x-y", "z")] {
            request.headers.push((name.to_owned(), value.to_owned()));
        }
        sim.input(Input::Http { id: HttpId(9), request });
        sim.lines("b").pop().unwrap()
    };
    let line = get(&mut sim);
    assert!(line.contains(r#""body":{},"headers":{"x-y":"z"},"user":null}"#), "{line}");
    let by_hand = r#"{"enabled":true,"passCredentials":true}"#;
    sim.files.insert("plugin-config-data/b.json".to_owned(), by_hand.to_owned());
    assert_eq!(sim.reload("b").0, 200);
    let line = get(&mut sim);
    assert!(line.contains(r#""cookie":"a=b","authorization":"Bearer x""#), "{line}");
}
