//! What a plugin may answer to `initialize`, and what becomes of it (`wit/signalk-plugin.wit`, interface
//! plugin-interface): guests with canned answers. A description by the buffer ABI is the neighbours' matter, all but
//! its schema.

use super::*;

/// A reactor that answers the host's calls 1, 2 and 3 (`initialize`, `start`, `stop`), whatever they say, and copies
/// each request to its log. `initialize` is answered with this line.
fn answering(initialize: &str) -> Vec<u8> {
    let lines = [
        initialize.to_owned(),
        r#"{"jsonrpc":"2.0","id":2,"result":null}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":3,"result":null}"#.to_owned(),
    ];
    let mut iovecs = String::new();
    let mut text = String::new();
    for line in lines {
        for number in [4096 + text.len(), line.len() + 1] {
            let number = u32::try_from(number).unwrap();
            iovecs.extend(number.to_le_bytes().map(|byte| format!("\\{byte:02x}")));
        }
        text += &line;
        text.push('\n');
    }
    wat::parse_str(format!(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 2)
            (data (i32.const 4) "\00\00\01\00\00\80\00\00")
            (data (i32.const 16) "{iovecs}")
            (data (i32.const 4096) {text:?})
            (global $answer (mut i32) (i32.const 16))
            (func (export "rpc_poll") (result i64)
                (if (i32.eqz (call $read (i32.const 0) (i32.const 4) (i32.const 1) (i32.const 0)))
                    (then
                        (i32.store (i32.const 8) (i32.load (i32.const 0)))
                        (drop (call $write (i32.const 2) (i32.const 4) (i32.const 1) (i32.const 0)))
                        (i32.store (i32.const 8) (i32.const 0x8000))
                        (drop (call $write (i32.const 1) (global.get $answer) (i32.const 1) (i32.const 0)))
                        (global.set $answer (i32.add (global.get $answer) (i32.const 8)))))
                (i64.const -1)))"#
    ))
    .unwrap()
}

/// The plugin whose `initialize` has this result.
fn described_as(result: &str, capabilities: Capabilities) -> Drive {
    let line = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
    Drive::new(answering(&line), Purpose::Run, capabilities)
}

/// The same with the usual capabilities; what the session says.
fn said(result: &str) -> Vec<String> {
    described_as(result, Capabilities::default()).said
}

#[test]
fn a_plugin_of_the_same_major_version_starts_and_is_told_what_it_may() {
    let granted = Capabilities::NONE.with(Capability::DataRead).with(Capability::RawSockets);
    let mut drive = described_as(
        r#"{"protocolVersion":"1.7","name":"Canned","schema":{"type":"object"},"more":[]}"#,
        granted,
    );
    assert_eq!(drive.said, [r#"described: Some("Canned") {"type":"object"}"#, "Started"]);
    let asked = drive.server.take().join("\n");
    for part in [
        r#""method":"initialize""#,
        r#""protocolVersion":"1.0""#,
        r#""granted":["dataRead","rawSockets"]"#,
        r#""method":"start""#,
    ] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
    drive.input(Input::Stop);
    drive.at(STOP_DEADLINE.as_millis().try_into().unwrap());
    assert_eq!(drive.said.last().unwrap(), "Stopped");
}

#[test]
fn a_plugin_that_says_nothing_of_itself_starts_too() {
    for nothing in ["null", "{}", r#"{"schema":null,"name":""}"#] {
        assert_eq!(said(nothing), ["described: None {}", "Started"], "{nothing}");
    }
}

#[test]
fn another_major_version_is_refused_with_both_versions() {
    for version in ["2.0", "0.9", "10.0", ""] {
        let text = format!(
            "plugin `p`: speaks protocol version {version}, this host speaks 1.0; use a plugin or a host of the same major version"
        );
        let answer = format!(r#"{{"protocolVersion":"{version}"}}"#);
        assert_eq!(said(&answer), [format!("Failed({text:?})")]);
    }
}

#[test]
fn a_capability_that_the_plugin_requires_must_be_granted() {
    let answer = r#"{"capabilities":{"required":["dataRead","rawSockets"]}}"#;
    let text = r#"plugin `p`: cannot run without the capability `rawSockets`; add "rawSockets": true to wasmCapabilities in its package.json"#;
    assert_eq!(said(answer), [format!("Failed({text:?})")]);
    let granted = Capabilities::default().with(Capability::RawSockets);
    assert_eq!(described_as(answer, granted).said, ["described: None {}", "Started"]);
}

#[test]
fn a_required_capability_that_nobody_knows_is_named() {
    let text = "plugin `p`: asks for the capability `teleport`, which this host does not have";
    let answer = r#"{"capabilities":{"required":["teleport"]}}"#;
    assert_eq!(said(answer), [format!("Failed({text:?})")]);
}

#[test]
fn an_answer_of_another_form_is_refused() {
    for (answer, text) in [
        (r#""Canned""#, "invalid type: string"),
        (r#"{"protocolVersion":1}"#, "expected a string"),
        (r#"{"capabilities":{"required":"dataRead"}}"#, "expected a sequence"),
    ] {
        let said = said(answer);
        let start = r#"Failed("plugin `p`: initialize: the answer is not understood: "#;
        assert!(said[0].starts_with(start) && said[0].contains(text), "{answer}: {said:?}");
    }
}

#[test]
fn a_schema_that_is_no_object_is_named_and_the_plugin_starts_without_one() {
    // Text of JSON, and text of none: a schema is an object, not a text.
    for schema in ["[]", "true", "7", r#""{\"type\":\"object\"}""#, r#""{ type""#] {
        let drive = described_as(&format!(r#"{{"schema":{schema}}}"#), Capabilities::default());
        assert_eq!(drive.said, ["described: None {}", "Started"], "{schema}");
        let log = drive.server.trace.join("\n");
        assert!(log.contains("p warn: the schema is no JSON object; {} is shown"), "{log}");
    }
}

#[test]
fn a_schema_that_is_not_json_spoils_the_answer_and_the_plugin_is_named() {
    let line = r#"{"jsonrpc":"2.0","id":1,"result":{"schema":{ type: object }}}"#;
    let mut drive = Drive::new(answering(line), Purpose::Run, Capabilities::default());
    let log = drive.server.take().join("\n");
    assert!(log.contains("p warn: message is not JSON"), "{log}");
    assert_eq!(drive.poll(), Some(START_DEADLINE));
    drive.at(START_DEADLINE.as_millis().try_into().unwrap());
    assert_eq!(
        drive.said,
        [
            "crashed: plugin `p`: did not answer `initialize` within 30s; answer sooner and do long work afterwards"
        ]
    );
}

#[test]
fn how_a_form_is_drawn_comes_with_the_schema() {
    let said = said(r#"{"name":"P","schema":{"a":1},"uiSchema":{"b":2}}"#);
    assert_eq!(said, [r#"described: Some("P") {"a":1} {"b":2}"#, "Started"]);
    let drive = described_as(r#"{"name":"P","uiSchema":7}"#, Capabilities::default());
    assert_eq!(drive.said, [r#"described: Some("P") {}"#, "Started"]);
    let log = drive.server.trace.join("\n");
    assert!(log.contains("p warn: the uiSchema is no JSON object"), "{log}");
}

/// The buffer ABI hands a schema over as text; text that is no JSON is in the neighbours' tests.
#[test]
fn a_schema_by_the_buffer_abi_that_is_no_object_is_named_too() {
    for schema in ["[]", "7", "null"] {
        let length = schema.len();
        let drive = Drive::wat(&format!(
            r#"{START} (data (i32.const 500) "{schema}")
                (func (export "plugin_schema") (param i32 i32) (result i32)
                    (memory.copy (local.get 0) (i32.const 500) (i32.const {length}))
                    (i32.const {length}))"#
        ));
        assert_eq!(drive.said, [r#"described: Some("Test guest") {}"#, "Started"], "{schema}");
        let warned = ["p warn: the schema is no JSON object; {} is shown"];
        assert_eq!(drive.server.trace, warned, "{schema}");
    }
}
