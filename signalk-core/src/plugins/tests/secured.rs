//! What is closed below `/plugins`: with a `security.json`, and when the owner has switched WASM off.

use super::handlers::{ask, install};
use super::*;
use crate::ConfigTexts;

/// Plugin ABI 8.4: with security on, everything below `/plugins` needs an administrator; there is none yet.
#[test]
fn with_security_nothing_below_plugins_is_open() {
    let texts = ConfigTexts { security: Some("{}".into()), ..ConfigTexts::default() };
    let mut config = Config::from_texts(texts);
    let options = r#"{"enabled":true,"configuration":{"password":"secret"}}"#;
    config.plugin_options.insert("h".into(), options.into());
    let mut sim = Sim::with_config(config);
    install(&mut sim, "h");
    sim.open_stream(5, "/signalk/v1/stream?subscribe=none&serverevents=all");
    sim.boot();
    for mount in ["/plugins", "/skServer/plugins"] {
        for (method, path) in [
            ("POST", "h/trap"),
            ("GET", "h/api/x"),
            ("GET", "h/config"),
            ("GET", "h/diagnostics"),
            ("POST", "h/config"),
        ] {
            let (status, body) = ask(&mut sim, method, &format!("{mount}/{path}"), "{}");
            assert_eq!(status, 403, "{method} {mount}/{path}");
            assert!(body.contains("security.json"), "{body}");
        }
        let (status, list) = ask(&mut sim, "GET", mount, "");
        assert_eq!(status, 200);
        assert!(list.contains(r#""enabled":true"#) && !list.contains("secret"), "{list}");
    }
    let heard: String = sim.heard(5).iter().map(Value::to_string).collect();
    assert!(heard.contains("PLUGINS_CHANGED") && !heard.contains("secret"), "{heard}");
    assert_eq!(sim.entry("h")["state"], "running");
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
        sim.input(Input::Http { id: HttpId(9), request });
        let line = sim.lines("h").pop().unwrap();
        assert_eq!(line.contains("t0ken"), passes, "{line}");
        assert!(line.contains(r#""a":"1""#), "{line}");
    }
}
