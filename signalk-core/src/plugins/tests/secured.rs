//! What is closed below `/plugins`: with a `security.json`, and when the owner has switched WASM off.

use super::handlers::{install, install_endpoints};
use super::*;
use crate::ConfigTexts;
use crate::security::testing::{config, request, token};

/// The status, and what was answered.
fn ask_as(sim: &mut Sim, user: Option<&str>, method: &str, target: &str) -> (u16, String) {
    let token = user.map(|user| token(user, None));
    let request = request(method, target, token.as_deref());
    sim.input(Input::Http { id: HttpId(9), request });
    sim.answer.take().unwrap()
}

/// Plugin ABI 8.4: with security on, everything below `/plugins` needs an administrator.
#[test]
fn with_security_everything_below_plugins_is_an_administrators() {
    let mut config = config(|file| file["allow_readonly"] = json!(true));
    let options = r#"{"enabled":true,"configuration":{"password":"secret"}}"#;
    config.plugin_options.insert("h".into(), options.into());
    let mut sim = Sim::with_config(config);
    install(&mut sim, "h");
    sim.open_stream(5, "/signalk/v1/stream?subscribe=none&serverevents=all");
    let admin = token("admin", None);
    let events = "/signalk/v1/stream?subscribe=none&serverevents=all&token=";
    sim.open_stream(6, &format!("{events}{admin}"));
    sim.boot();
    for mount in ["/plugins", "/skServer/plugins"] {
        for (method, path) in [
            ("POST", "/h/trap"),
            ("GET", "/h/api/x"),
            ("GET", "/h"),
            ("GET", "/h/config"),
            ("GET", "/h/diagnostics"),
            ("POST", "/h/config"),
            ("POST", "/h/reload"),
            ("GET", ""),
        ] {
            for user in [None, Some("ro"), Some("rw")] {
                let (status, body) = ask_as(&mut sim, user, method, &format!("{mount}{path}"));
                assert_eq!(status, 401, "{method} {mount}{path} {user:?}");
                assert!(!body.contains("secret"), "{body}");
            }
        }
        let (status, list) = ask_as(&mut sim, Some("admin"), "GET", mount);
        assert!(status == 200 && list.contains("secret"), "{list}");
        let (status, _) = ask_as(&mut sim, Some("admin"), "GET", &format!("{mount}/h/api/x"));
        assert_eq!(status, 201);
    }
    let all: Vec<_> = sim.frames.iter().map(|(to, text)| (to.0, text.clone())).collect();
    let heard = |id| all.iter().filter(move |(to, _)| *to == id).map(|(_, text)| text.as_str());
    assert!(!heard(5).any(|text| text.contains("PLUGINS_CHANGED") || text.contains("secret")));
    assert!(heard(6).any(|text| text.contains("PLUGINS_CHANGED")));
    let (_, log) = ask_as(&mut sim, Some("admin"), "GET", "/plugins/h/diagnostics?lines=1000");
    assert_eq!(log.matches(r#"\"user\":\"admin\""#).count(), 2, "{log}");
}

/// Requirement F68, plugin ABI 8.5 (W24): what a plugin says of its endpoints, and of nothing else.
#[test]
fn an_endpoint_is_open_to_whom_its_plugin_says() {
    let row = |path: &str, access: &str| json!({ "method": "GET", "path": path, "handler": "h_get", "access": access });
    let rows = json!([
        row("/r", "readonly"), row("/w", "readwrite"), row("/a", "admin"),
        { "method": "GET", "path": "/d", "handler": "h_get" },
        { "method": "PUT", "path": "/config", "handler": "h_get", "access": "readonly" },
        { "method": "PUT", "path": "/:any", "handler": "h_get", "access": "readonly" },
    ]);
    let mut sim = Sim::with_config(config(|_| {}));
    install_endpoints(&mut sim, "h", &rows.to_string());
    sim.boot();
    for (path, method, least) in [
        ("/r", "GET", 1),
        ("/w", "GET", 2),
        ("/a", "GET", 3),
        ("/d", "GET", 3),
        ("/x", "PUT", 1),
        ("/config", "GET", 3),
        ("/config", "PUT", 3),
        ("/diagnostics/", "PUT", 3),
        ("/RELOAD", "PUT", 3),
    ] {
        for (level, user) in [None, Some("ro"), Some("rw"), Some("admin")].into_iter().enumerate() {
            let (status, _) = ask_as(&mut sim, user, method, &format!("/plugins/h{path}"));
            assert_eq!(status == 401, level < least, "{method} {path} {user:?} {status}");
        }
    }
    let mut open = Sim::with_config(config(|file| file["allow_readonly"] = json!(true)));
    install_endpoints(&mut open, "h", &rows.to_string());
    open.boot();
    assert_eq!(ask_as(&mut open, None, "GET", "/plugins/h/r").0, 201);
    assert_eq!(ask_as(&mut open, None, "GET", "/plugins/h/w").0, 401);
}

/// Who may not ask need not send a body first.
#[test]
fn a_streamed_request_is_refused_before_its_body() {
    let mut sim = Sim::with_config(config(|_| {}));
    install(&mut sim, "h");
    sim.boot();
    let request = request("POST", "/plugins/h/trap", Some(&token("rw", None)));
    sim.input(Input::HttpHead { id: HttpId(7), request });
    assert_eq!(sim.answer.take().unwrap().0, 401);
}

/// Plugin ABI 8.4, W27.
#[test]
fn with_the_wasm_interface_off_no_plugin_is_read() {
    let settings = r#"{"interfaces":{"wasm":false}}"#;
    let texts = ConfigTexts { settings: Some(settings.into()), ..ConfigTexts::default() };
    let mut sim = Sim::with_config(Config::from_texts(texts));
    install(&mut sim, "h");
    sim.disk_is_slow = true;
    sim.boot();
    assert_eq!(sim.entry("h")["state"], "disabled");
    assert!(sim.late.is_empty() && sim.runs.is_empty());
}

/// Plugin ABI 8.5, server-api.md 3.9: what would let a plugin act as the user.
#[test]
fn no_token_reaches_a_handler_unless_the_owner_says_so() {
    for (options, passes) in
        [("{\"enabled\":true}", false), (r#"{"enabled":true,"passCredentials":true}"#, true)]
    {
        let mut sim = Sim::with_options(&[("h", options)]);
        install(&mut sim, "h");
        sim.boot();
        let mut request = HttpRequest::get("/plugins/h/api/x?token=t0ken&a=1");
        for name in ["authorization", "x-authorization", "cookie"] {
            request.headers.push((name.to_owned(), "JWT t0ken".to_owned()));
        }
        request.headers.push(("referer".into(), "http://boat/app/?token=t0ken".into()));
        sim.input(Input::Http { id: HttpId(9), request });
        let line = sim.lines("h").pop().unwrap();
        assert_eq!(line.contains("t0ken"), passes, "{line}");
        assert!(line.contains(r#""a":"1""#) && line.contains("http://boat/app/"), "{line}");
    }
}
