//! Every route of the table, asked by everybody; and what is in no table.

use serde_json::json;

use super::routes::ROUTES;
use crate::http::HttpResponse;
use crate::security::testing::{World, body, config, request, token};
use crate::security::{Level, Needs};

const USERS: [(Option<&str>, Level); 4] = [
    (None, Level::Nobody),
    (Some("ro"), Level::Readonly),
    (Some("rw"), Level::Readwrite),
    (Some("admin"), Level::Admin),
];

fn ask(world: &mut World, method: &str, path: &str, user: Option<&str>) -> Option<HttpResponse> {
    let token = user.map(|user| token(user, None));
    world.ask(request(method, path, token.as_deref()))
}

/// Of the gate, not of a route that says 401 by itself.
fn is_refused(answer: Option<&HttpResponse>) -> bool {
    let Some(answer) = answer.filter(|answer| answer.status == 401) else { return false };
    let text = String::from_utf8_lossy(&answer.body);
    text == "Unauthorized" || text.contains("do not have permission")
}

#[test]
fn every_route_lets_in_who_may_and_nobody_else() {
    for open in [false, true] {
        let mut world = World::new(config(|file| file["allow_readonly"] = json!(open)));
        for route in ROUTES {
            let path = route.pattern.replace("{*}", "x/y").replace("{}", "x");
            for (user, level) in USERS {
                let level = if open { level.max(Level::Readonly) } else { level };
                let may = match route.needs {
                    Needs::Nothing | Needs::NoBadToken => true,
                    Needs::Login => user.is_some(),
                    Needs::AtLeast(needed) => level >= needed,
                };
                let answer = ask(&mut world, route.method, &path, user);
                let refused = is_refused(answer.as_ref());
                assert_eq!(refused, !may, "{} {path} by {user:?}, {answer:?}", route.method);
            }
        }
    }
}

/// Server-api.md 6.5, row by row: so that the table itself is right, not only followed.
#[test]
fn the_table_says_what_the_specification_says() {
    let needs =
        |method: &str, path: &str| super::routes::find(method, path).map(|(route, _)| route.needs);
    for (method, path, expected) in [
        ("GET", "/signalk", Needs::Nothing),
        ("GET", "/skServer/loginStatus", Needs::Nothing),
        ("POST", "/signalk/v1/auth/login", Needs::Nothing),
        ("GET", "/signalk/v2/features", Needs::NoBadToken),
        ("GET", "/signalk/v1/apps/list", Needs::NoBadToken),
        ("GET", "/signalk/v1/requests/x", Needs::NoBadToken),
        ("GET", "/signalk/v1/api/", Needs::READ),
        ("GET", "/signalk/v1/api/vessels/self", Needs::READ),
        ("GET", "/signalk/v1/snapshot/vessels/self", Needs::READ),
        ("GET", "/signalk/v2/api/resources/routes", Needs::READ),
        ("GET", "/skServer/webapps", Needs::READ),
        ("GET", "/skServer/availablePaths", Needs::READ),
        ("PUT", "/signalk/v1/api/vessels/self/a", Needs::WRITE),
        ("POST", "/signalk/v2/api/resources/routes", Needs::WRITE),
        ("DELETE", "/signalk/v2/api/resources/routes/x", Needs::WRITE),
        ("PUT", "/signalk/v2/api/vessels/self/radars/x/gain", Needs::WRITE),
        ("GET", "/plugins/freeboard-sk", Needs::Login),
        ("GET", "/plugins/x", Needs::ADMIN),
        ("GET", "/plugins/freeboard-sk/config", Needs::ADMIN),
        ("GET", "/skServer/plugins", Needs::ADMIN),
        ("GET", "/skServer/settings", Needs::ADMIN),
        ("PUT", "/skServer/vessel", Needs::ADMIN),
        ("GET", "/skServer/serialports", Needs::ADMIN),
        ("GET", "/skServer/logfiles", Needs::ADMIN),
        ("GET", "/skServer/security/users", Needs::ADMIN),
        ("GET", "/signalk-host/status", Needs::ADMIN),
    ] {
        assert_eq!(needs(method, path), Some(expected), "{method} {path}");
    }
    // What changes anything is never open to who may only read.
    for route in ROUTES.iter().filter(|route| route.method != "GET") {
        let is_login = route.pattern.contains("/log");
        let asks_for_access = route.pattern == "/signalk/v1/access/requests";
        let writes = matches!(route.needs, Needs::AtLeast(Level::Readwrite | Level::Admin));
        assert!(writes || is_login || asks_for_access, "{} {}", route.method, route.pattern);
    }
}

/// Secured/auth, readonly: the words and the cookies.
#[test]
fn a_refusal_says_what_the_reference_says() {
    let mut world = World::new(config(|_| {}));
    let path = "/skServer/settings";
    let none = ask(&mut world, "GET", path, None).unwrap();
    assert_eq!((none.status, &*none.body), (401, &b"Unauthorized"[..]));
    let low = ask(&mut world, "GET", path, Some("rw")).unwrap();
    assert!(low.status == 401 && low.header("content-type").unwrap().starts_with("text/plain"));
    let mut program = request("GET", path, Some(&token("rw", None)));
    program.headers.push(("accept".into(), "application/json".into()));
    assert_eq!(body(&world.ask(program).unwrap()), json!({ "error": "Permission Denied" }));
    for (path, status) in [
        ("/signalk/v1/api/self", 401),
        ("/signalk/v1/apps/list", 401),
        ("/skServer/loginStatus", 200),
        ("/signalk", 200),
    ] {
        let answer = world.ask(request("GET", path, Some("xxx"))).unwrap();
        let cleared = answer.headers.iter().filter(|(name, _)| name == "set-cookie").count();
        let clears = path != "/signalk";
        assert_eq!((answer.status, cleared), (status, if clears { 2 } else { 0 }), "{path}");
    }
}

#[test]
fn what_no_row_names_is_not_found_or_an_administrators() {
    let mut world = World::new(config(|file| file["allow_readonly"] = json!(true)));
    for (path, anybody) in [
        ("/skServer/users", 404),
        ("/security.json", 404),
        ("/../security.json", 404),
        ("/plugins/x/y", 401),
        ("/skServer/plugins/x/y", 401),
        ("/plugins/..%2f..%2fsecurity.json", 401),
    ] {
        let answer = ask(&mut world, "GET", path, None).unwrap();
        assert_eq!(answer.status, anybody, "{path}");
        let admin = ask(&mut world, "GET", path, Some("admin")).unwrap();
        assert_eq!(admin.status, 404, "{path}");
    }
    let preflight = ask(&mut world, "OPTIONS", "/skServer/settings", None).unwrap();
    assert_eq!(preflight.status, 204);
    let head = ask(&mut world, "HEAD", "/skServer/settings", None).unwrap();
    assert_eq!(head.status, 401);
}

#[test]
fn administrators_see_users_and_devices_and_no_secret() {
    let mut world = World::new(config(|_| {}));
    let mut all = String::new();
    for path in ["config", "users", "devices", "access/requests"] {
        let path = format!("/skServer/security/{path}");
        let answer = ask(&mut world, "GET", &path, Some("admin")).unwrap();
        assert_eq!(answer.status, 200);
        all += &String::from_utf8_lossy(&answer.body);
    }
    assert!(all.contains(r#"{"userId":"rw","type":"readwrite","isOIDC":false}"#), "{all}");
    assert!(all.contains(r#""clientId":"d-1""#) && all.contains(r#""expiration":"NEVER""#));
    assert!(!all.contains("$2b$") && !all.contains("key of the tests"), "{all}");
}
