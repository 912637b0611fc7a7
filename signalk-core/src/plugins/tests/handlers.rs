//! What clients ask of plugins: HTTP endpoints and PUT, in virtual time.

use super::*;

/// Registers a PUT handler and offers endpoints; logs what it is asked.
fn host_of_handlers() -> Vec<u8> {
    with_endpoints(ENDPOINTS)
}

const ENDPOINTS: &str = r#"[{"method":"GET","path":"/api/:x","handler":"h_get"},{"method":"PATCH","path":"/api/:x","handler":"h_get"},{"method":"POST","path":"/trap","handler":"h_trap"},{"method":"GET","path":"/none","handler":"h_none"}]"#;

fn with_endpoints(endpoints: &str) -> Vec<u8> {
    let http = r#"{"statusCode":201,"body":{"ok":true}}"#;
    let put = r#"{"state":"COMPLETED","statusCode":200,"message":"set"}"#;
    let data =
        |at: usize, text: &str| format!("(data (i32.const {at}) {:?})", text.replace('\\', ""));
    let answer = |name: &str, at: usize, text: &str| {
        format!(
            r#"(func (export "{name}") (param $p i32) (param $n i32) (param $out i32) (param $max i32) (result i32)
                (call $debug (local.get $p) (local.get $n))
                (memory.copy (local.get $out) (i32.const {at}) (i32.const {len}))
                (i32.const {len}))"#,
            len = text.len()
        )
    };
    let body = format!(
        r#"{}{}{}
        (data (i32.const 900) "vessels.selfsteering.target")
        (func (export "http_endpoints") (param $out i32) (param $max i32) (result i32)
            (memory.copy (local.get $out) (i32.const 1000) (i32.const {n})) (i32.const {n}))
        (func (export "plugin_start") (param i32 i32) (result i32)
            (drop (call $register (i32.const 900) (i32.const 12) (i32.const 912) (i32.const 15)))
            (i32.const 0))
        (func (export "h_trap") (param i32 i32 i32 i32) (result i32) unreachable)
        {}{}"#,
        data(1000, endpoints),
        data(2000, http),
        data(3000, put),
        answer("h_get", 2000, http),
        answer("handle_put_vessels_self_steering_target", 3000, put),
        n = endpoints.len(),
    );
    let text = r#"(import "env" "sk_register_put_handler" (func $register (param i32 i32 i32 i32) (result i32)))"#;
    guest_with(text, &body)
}

pub(super) fn install(sim: &mut Sim, name: &str) {
    install_module(sim, name, host_of_handlers());
}

/// With these endpoints; `h_get` answers 201.
pub(super) fn install_endpoints(sim: &mut Sim, name: &str, endpoints: &str) {
    install_module(sim, name, with_endpoints(endpoints));
}

fn install_module(sim: &mut Sim, name: &str, wasm: Vec<u8>) {
    let more = json!({
        "signalk-plugin-enabled-by-default": true,
        "wasmCapabilities": { "putHandlers": true, "httpEndpoints": true },
    });
    sim.install_with(name, wasm, more);
}

pub(super) fn ask(sim: &mut Sim, method: &str, target: &str, body: &str) -> (u16, String) {
    let mut request = HttpRequest::get(target);
    request.method = method.to_owned();
    request.headers.push(("content-type".to_owned(), "application/json".to_owned()));
    request.body = body.to_owned().into();
    sim.input(Input::Http { id: HttpId(9), request });
    sim.answer.take().unwrap()
}

#[test]
fn an_endpoint_answers_by_id_and_by_package_name() {
    let mut sim = Sim::new();
    install(&mut sim, "@signalk/h");
    sim.boot();
    for mount in ["/plugins/_signalk_h", "/skServer/plugins/_signalk_h", "/plugins/@signalk/h"] {
        let (status, body) = ask(&mut sim, "GET", &format!("{mount}/api/a%20b?q=1"), "");
        assert_eq!((status, body.as_str()), (201, r#"{"ok":true}"#), "{mount}");
    }
    let line = sim.lines("_signalk_h").pop().unwrap();
    assert!(
        line.starts_with(
            r#"{"method":"GET","path":"/api/a%20b","query":{"q":"1"},"params":{"x":"a b"},"body":{}"#
        ),
        "{line}"
    );
    assert_eq!(ask(&mut sim, "PUT", "/plugins/_signalk_h/api/x", "{}").0, 404);
    assert_eq!(ask(&mut sim, "PATCH", "/plugins/_signalk_h/api/x", r#"{"a":1}"#).0, 201);
    let line = sim.lines("_signalk_h").pop().unwrap();
    assert!(line.contains(r#""method":"PATCH""#) && line.contains(r#""body":{"a":1}"#), "{line}");
    let (status, body) = ask(&mut sim, "GET", "/plugins/_signalk_h/none", "");
    let diagnostics = sim.get("/plugins/_signalk_h/diagnostics");
    assert_eq!(diagnostics["counters"]["handlerErrors"], 1);
    let line = sim.lines("_signalk_h").pop().unwrap();
    assert_eq!(line, "a handler failed: Handler function h_none not found");
    assert_eq!((status, body.as_str()), (500, r#"{"error":"Handler function h_none not found"}"#));
}

/// `diagnostics` and `reload` are this host's extensions: a plugin that has such endpoints keeps them, and ours stay at
/// the other mount. The routes of plugin ABI 8.4 come first, as there.
#[test]
fn endpoints_of_a_plugin_come_before_our_extensions() {
    let rows = [("GET", "/diagnostics"), ("POST", "/reload"), ("GET", "/config")];
    let rows =
        rows.map(|(method, path)| json!({ "method": method, "path": path, "handler": "h_get" }));
    let mut sim = Sim::new();
    install_endpoints(&mut sim, "own", &json!(rows).to_string());
    install(&mut sim, "h");
    sim.boot();
    assert_eq!(ask(&mut sim, "GET", "/plugins/own/diagnostics", "").0, 201);
    assert_eq!(ask(&mut sim, "POST", "/plugins/own/reload", "{}").0, 201);
    assert_eq!(ask(&mut sim, "GET", "/plugins/own/config", "").0, 200);
    assert_eq!(sim.get("/skServer/plugins/own/diagnostics")["id"], "own");
    assert_eq!(ask(&mut sim, "POST", "/skServer/plugins/own/reload", "{}").0, 200);
    assert_eq!(sim.get("/plugins/h/diagnostics")["id"], "h");
    assert_eq!(ask(&mut sim, "POST", "/plugins/h/reload", "{}").0, 200);
}

/// A plugin that rests for the world with a hundred clients behind: the next is told to come again, and that nothing is
/// broken.
#[test]
fn a_busy_plugin_answers_503_and_when_to_come_again() {
    let endpoints = r#"[{"method":"GET","path":"/slow","handler":"h_slow"}]"#;
    let request = r#"{"url":"https://slow.example/"}"#;
    let body = format!(
        r#"{START} (data (i32.const 1000) {endpoints:?}) (data (i32.const 2000) {request:?})
        (func (export "http_endpoints") (param $out i32) (param i32) (result i32)
            (memory.copy (local.get $out) (i32.const 1000) (i32.const {n})) (i32.const {n}))
        (func (export "h_slow") (param i32 i32 i32 i32) (result i32)
            (call $request (i32.const 2000) (i32.const {m}) (i32.const 3000) (i32.const 100)))"#,
        n = endpoints.len(),
        m = request.len(),
    );
    let imports =
        r#"(import "env" "sk_http_request" (func $request (param i32 i32 i32 i32) (result i32)))"#;
    let mut sim = Sim::new();
    let more = json!({
        "signalk-plugin-enabled-by-default": true,
        "wasmCapabilities": { "network": true, "httpEndpoints": true },
    });
    sim.install_with("p", guest_with(imports, &body), more);
    sim.boot();
    for id in 100..201 {
        let request = HttpRequest::get("/plugins/p/slow");
        sim.input(Input::Http { id: HttpId(id), request });
    }
    let [(HttpId(200), busy)] = &sim.responses[..] else { panic!("{:?}", sim.responses) };
    assert_eq!((busy.status, busy.header("retry-after")), (503, Some("1")));
}

/// W11, W19: a trap is answered, the plugin is restarted, and meanwhile nobody answers.
#[test]
fn w19_a_trap_in_a_handler_is_a_crash_and_its_endpoints_end_with_its_life() {
    let mut sim = Sim::new();
    install(&mut sim, "h");
    sim.boot();
    let (status, body) = ask(&mut sim, "POST", "/plugins/h/trap", "{}");
    assert_eq!(status, 500);
    assert!(body.contains("WASM handler crashed: "), "{body}");
    assert_eq!(sim.state("h"), "crashed");
    let not_running = (503, r#"{"error":"Plugin not running"}"#.to_owned());
    assert_eq!(ask(&mut sim, "GET", "/plugins/h/api/x", ""), not_running);
    sim.advance_to(1.5);
    assert_eq!(ask(&mut sim, "GET", "/plugins/h/api/x", "").0, 201);
    sim.post("h", json!({ "enabled": false }));
    assert_eq!(ask(&mut sim, "GET", "/plugins/h/api/x", ""), not_running);
    // Another module without endpoints takes its place.
    sim.modules.insert("node_modules/h".to_owned(), counter());
    sim.post("h", json!({ "enabled": true }));
    assert_eq!(ask(&mut sim, "GET", "/plugins/h/api/x", "").0, 404);
}

/// W2: one reply, the handler's.
#[test]
fn w02_a_put_is_answered_by_its_handler_and_nobody_else() {
    let mut sim = Sim::new();
    install(&mut sim, "a");
    sim.boot();
    let meta = sim.get("/signalk/v1/api/vessels/self/steering/target/meta");
    assert_eq!(meta["supportsPut"], true);
    let target = "/signalk/v1/api/vessels/self/steering/target";
    let (status, body) = ask(&mut sim, "PUT", target, r#"{"value":{"a":1.0}}"#);
    let reply: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, &reply["state"], &reply["message"]),
        (200, &json!("COMPLETED"), &json!("set"))
    );
    assert_eq!(sim.lines("a").pop().unwrap(), r#"{"a":1}"#);
    let own = sim.get("/signalk/v1/api/self");
    let urn = own.as_str().unwrap().strip_prefix("vessels.").unwrap().to_owned();
    let by_urn = format!("/signalk/v1/api/vessels/{urn}/steering/target");
    assert_eq!(ask(&mut sim, "PUT", &by_urn, r#"{"value":1,"source":"a"}"#).0, 200);
    assert_eq!(ask(&mut sim, "PUT", target, r#"{"value":1,"source":"b"}"#).0, 405);
    assert_eq!(ask(&mut sim, "PUT", target, "{}"), (400, "input is missing a value".to_owned()));
}

#[test]
fn two_handlers_of_one_path_want_a_source() {
    let mut sim = Sim::new();
    install(&mut sim, "a");
    install(&mut sim, "@x/b");
    sim.boot();
    let target = "/signalk/v1/api/vessels/self/steering/target";
    let (status, body) = ask(&mut sim, "PUT", target, r#"{"value":1}"#);
    let reply: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, reply["message"].as_str().unwrap()),
        (
            400,
            "there are multiple sources for the given path, but no source was specified in the request"
        )
    );
    for source in ["a", "@x/b", "_x_b"] {
        let body = json!({ "value": 1, "source": source }).to_string();
        assert_eq!(ask(&mut sim, "PUT", target, &body).0, 200, "{source}");
    }
}

/// W43: no plugin's name makes the server do anything of its own; the reference reads the system's
/// log for a plugin of this name, at this address.
#[test]
fn w43_a_log_viewer_is_a_plugin_like_any_other() {
    let mut sim = Sim::new();
    install(&mut sim, "signalk-logviewer");
    sim.boot();
    let (status, body) = ask(&mut sim, "GET", "/plugins/signalk-logviewer/api/logs?lines=1", "");
    assert_eq!((status, body.as_str()), (201, r#"{"ok":true}"#), "its own handler answers");
    assert!(sim.lines("signalk-logviewer").pop().unwrap().contains(r#""path":"/api/logs""#));
    sim.modules.insert("node_modules/signalk-logviewer".to_owned(), counter());
    sim.post("signalk-logviewer", json!({ "enabled": true }));
    let (status, _) = ask(&mut sim, "GET", "/plugins/signalk-logviewer/api/logs", "");
    assert_eq!(status, 404, "and without one nobody");
}
