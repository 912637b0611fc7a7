//! Owners write into options files by hand while the server runs: nothing of it is undone, and it holds from the
//! plugin's next start by its owner (plugin ABI 1.5; `saving/merge.rs`).

use super::*;

const FILE: &str = "plugin-config-data/counter.json";

/// A running plugin, and its options file with something that the owner has written since.
fn sim(by_hand: &str) -> Sim {
    let mut sim = Sim::with_options(&[("counter", r#"{"enabled":true}"#)]);
    sim.install("counter", guest(START));
    sim.boot();
    sim.files.insert(FILE.to_owned(), by_hand.to_owned());
    sim
}

fn file(sim: &Sim) -> Value {
    serde_json::from_str(&sim.files[FILE]).unwrap()
}

fn memory_limit(sim: &mut Sim) -> u64 {
    sim.get("/plugins/counter/diagnostics")["memory"]["limitBytes"].as_u64().unwrap()
}

#[test]
fn a_saved_configuration_keeps_what_the_owner_wrote_and_starts_with_it() {
    let mut sim = sim(r#"{"enabled":true,"limits":{"memoryMiB":64},"mine":1}"#);
    assert_eq!(memory_limit(&mut sim), 256 << 20);
    let (status, _) = sim.post("counter", json!({ "enabled": true, "configuration": { "a": 1 } }));
    assert_eq!((status, sim.state("counter").as_str()), (200, "running"));
    let saved = json!({ "enabled": true, "limits": { "memoryMiB": 64 }, "mine": 1, "configuration": { "a": 1 } });
    assert_eq!(file(&sim), saved);
    assert_eq!(memory_limit(&mut sim), 64 << 20);
    assert_eq!(sim.get("/plugins/counter/config")["mine"], json!(1));
}

#[test]
fn a_reload_reads_what_the_owner_wrote() {
    let mut sim = sim(r#"{"enabled":true,"limits":{"memoryMiB":64}}"#);
    assert_eq!(sim.reload("counter").0, 200);
    assert_eq!((memory_limit(&mut sim), sim.state("counter").as_str()), (64 << 20, "running"));
    sim.files.insert(FILE.to_owned(), r#"{"enabled":false}"#.to_owned());
    assert_eq!(sim.reload("counter").0, 200);
    assert_ne!(sim.state("counter"), "running");
}

#[test]
fn a_reload_of_what_is_damaged_says_so_and_goes_on_with_what_it_said_before() {
    let mut sim = sim(r#"{"enabled":true,"limits":"#);
    assert_eq!(sim.reload("counter").0, 200);
    assert_eq!((memory_limit(&mut sim), sim.state("counter").as_str()), (256 << 20, "running"));
    assert!(sim.log.iter().any(|line| line.contains("what it said before holds")), "{:?}", sim.log);
    assert_eq!(sim.files[FILE], r#"{"enabled":true,"limits":"#, "and the owner can go on writing");
}

/// What lets a plugin do more is for who may write the file, not for whoever reaches the port.
#[test]
fn a_client_cannot_give_a_plugin_more_rights() {
    let mut sim = sim(r#"{"enabled":true}"#);
    let body = json!({
        "enabled": true, "configuration": {}, "egress": { "allow": ["127.0.0.1"] },
        "limits": { "memoryMiB": 64 }, "passCredentials": true,
    });
    assert_eq!(sim.post("counter", body).0, 200);
    assert_eq!(file(&sim), json!({ "enabled": true, "configuration": {} }));
    assert_eq!(memory_limit(&mut sim), 256 << 20);
}
