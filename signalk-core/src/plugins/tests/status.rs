//! What plugins say about themselves, as the admin UI's dashboard hears it (PROVIDERSTATUS; plugin ABI 4.2, 8.4).

use super::*;

/// Says `fine` at its first poll, `no wind` as an error at its second, `fine` again at its third.
fn moody() -> Vec<u8> {
    let text = r#"(import "env" "sk_set_status" (func $status (param i32 i32)))
        (import "env" "sk_set_error" (func $error (param i32 i32)))
        (global $polls (mut i32) (i32.const 0))"#;
    let body = format!(
        r#"{START} (data (i32.const 900) "fineno wind")
        (func (export "poll") (result i32)
            (global.set $polls (i32.add (global.get $polls) (i32.const 1)))
            (if (i32.eq (global.get $polls) (i32.const 2))
                (then (call $error (i32.const 904) (i32.const 7)))
                (else (call $status (i32.const 900) (i32.const 4))))
            (i32.const 0))"#
    );
    // Imports come before globals.
    let (imports, global) = text.split_once("(global").unwrap();
    guest_with(imports, &format!("(global{global} {body}"))
}

fn row(frames: &[Value]) -> Option<Value> {
    let last = frames.iter().rfind(|frame| frame["type"] == "PROVIDERSTATUS")?;
    last["data"].as_array().unwrap().iter().find(|row| row["id"] == "m").cloned()
}

#[test]
fn the_dashboard_hears_what_a_running_plugin_says() {
    let mut sim = Sim::new();
    sim.install("m", moody());
    sim.boot();
    sim.open_stream(5, "/signalk/v1/stream?subscribe=none&serverevents=all");
    let mut told = Vec::new();
    for second in 1..=3 {
        sim.advance_to(f64::from(second) + 0.01);
        let row =
            row(&sim.heard(5)).unwrap_or_else(|| panic!("nothing was told in second {second}"));
        assert_eq!(row["statusType"], "plugin");
        told.push(row);
    }
    let member = |name: &str| told.iter().map(|row| row[name].clone()).collect::<Vec<_>>();
    assert_eq!(member("type"), ["status", "error", "status"]);
    assert_eq!(member("message"), ["fine", "no wind", "fine"]);
    assert_eq!(member("lastError"), [json!(null), json!("no wind"), json!("no wind")]);
    let times = member("timeStamp");
    assert!(times[0] != times[1] && times[1] != times[2], "{times:?}");
    assert_eq!(told[2]["lastErrorTimeStamp"], times[1]);
}
