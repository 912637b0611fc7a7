//! Modules that are no good: each is refused with a sentence that says what is wrong and what
//! helps, and nothing of the host is harmed.

#![allow(clippy::unwrap_used)]

mod common;

use common::{call, config, load, module, one};
use wasmi_hdk::{Engine, Instance, Limits, LoadError, Module, Val};

fn refuse(bytes: &[u8]) -> String {
    Module::load(&Engine::new(), "bad", bytes, &Limits::default()).unwrap_err().to_string()
}

fn refuse_text(text: &str) -> String {
    let bytes = wat::parse_str(text).unwrap();
    refuse(&bytes)
}

/// A section: its number, its size, its bytes.
fn section(id: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![id];
    let mut size = body.len();
    loop {
        let byte = u8::try_from(size & 0x7f).unwrap();
        size >>= 7;
        if size == 0 {
            out.push(byte);
            break;
        }
        out.push(byte | 0x80);
    }
    out.extend_from_slice(body);
    out
}

fn custom(name: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(name.len()).unwrap()];
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(body);
    section(0, &bytes)
}

const HEADER: &[u8] = b"\0asm\x01\0\0\0";
const GOOD: &str = r#"(module (memory (export "memory") 1)
  (func (export "seven") (result i32) (i32.const 7)))"#;

#[test]
fn bytes_that_are_no_module() {
    assert_eq!(refuse(b""), "bad: not a WebAssembly module (it begins with \"\")");
    assert_eq!(
        refuse(b"<!DOCTYPE html>"),
        "bad: not a WebAssembly module (it begins with \"<!DOCTYP\")"
    );
    assert_eq!(
        refuse(&[0x1f, 0x8b, 8, 0]),
        "bad: not a WebAssembly module (it begins with \"\\\\x1f\\\\x8b\\\\x08\\\\x00\")"
    );
}

#[test]
fn a_component_is_refused_by_name() {
    let text = refuse_text("(component)");
    assert!(text.starts_with("bad: this is a WebAssembly component"), "{text}");
    assert!(text.contains("wasm32-wasip1"), "{text}");
}

#[test]
fn a_truncated_module_says_where() {
    let bytes = wat::parse_str(GOOD).unwrap();
    // Cuts between two sections are modules without the rest; each must be an error or a value.
    let mut refused = 0;
    for cut in 4..bytes.len() {
        let loaded = Module::load(&Engine::new(), "cut", &bytes[..cut], &Limits::default());
        if let Err(error) = loaded {
            assert!(error.to_string().starts_with("cut: invalid module at byte 0x"), "{error}");
            refused += 1;
        }
    }
    assert!(refused > bytes.len() / 2, "{refused} of {}", bytes.len());
}

#[test]
fn flipped_bytes_never_panic() {
    let bytes = wat::parse_str(GOOD).unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            if let Ok(module) = Module::load(&Engine::new(), "flip", &bytes, &Limits::default())
                && let Ok(mut guest) = Instance::new(&module, config())
                && guest.begin("seven", &[]).is_ok()
            {
                guest.run(1000);
            }
        }
    }
}

#[test]
fn ill_typed_code_is_refused_at_load() {
    let text = refuse_text("(module (func (result i32) (i64.const 1)))");
    assert!(text.starts_with("bad: invalid module at byte 0x"), "{text}");
}

#[test]
fn ill_typed_code_of_a_large_module_is_a_fault_at_the_first_call() {
    let mut text = String::from(
        r#"(module (func (export "good") (result i32) (i32.const 7))
      (func (export "bad") (result i32) (i64.const 1))"#,
    );
    text += &format!("(memory 2) (data (i32.const 0) \"{}\"))", "x".repeat(100_000));
    let mut guest = Instance::new(&module(&text), config()).unwrap();
    assert_eq!(one(call(&mut guest, "good", &[])), Val::I32(7));
    let fault = common::fault(call(&mut guest, "bad", &[]));
    assert!(fault.starts_with("guest: call `bad` reached invalid code"), "{fault}");
    let bytes = wat::parse_str(&text).unwrap();
    assert!(Module::check("guest", &bytes, &Limits::default()).is_err());
}

#[test]
fn fifty_megabytes_of_custom_section() {
    let mut bytes = wat::parse_str(GOOD).unwrap();
    bytes.extend(custom("junk", &vec![0; 50 << 20]));
    assert_eq!(
        refuse(&bytes),
        "bad: the size of custom sections is 52428800, the limit is 16777216; \
         strip the module of names and debug information"
    );
    let limits = Limits { custom_section_bytes: 60 << 20, ..Limits::default() };
    let module = Module::load(&Engine::new(), "big", &bytes, &limits).unwrap();
    assert!(module.has_export("seven"));
    bytes.extend(custom("junk", &vec![0; 20 << 20]));
    assert!(refuse(&bytes).starts_with("bad: the size of the module is 734"), "module_bytes");
}

#[test]
fn a_name_section_that_is_not_utf8_is_ignored() {
    let mut bytes = wat::parse_str(GOOD).unwrap();
    bytes.extend(custom("name", &[0, 4, 3, 0xff, 0xfe, 0xfd]));
    let module = Module::load(&Engine::new(), "names", &bytes, &Limits::default()).unwrap();
    let mut guest = Instance::new(&module, config()).unwrap();
    assert_eq!(one(call(&mut guest, "seven", &[])), Val::I32(7));
    // Names that the module lives by must be text.
    let mut bytes = HEADER.to_vec();
    bytes.extend(section(0, &[2, 0xff, 0xfe]));
    assert!(refuse(&bytes).contains("UTF-8"), "{}", refuse(&bytes));
}

#[test]
fn a_data_segment_out_of_range() {
    let text = r#"(module (memory 1) (data (i32.const 65535) "xyz"))"#;
    let error = Instance::new(&module(text), config()).unwrap_err();
    assert!(matches!(error, LoadError::Start { .. }));
    assert!(error.to_string().starts_with("guest: cannot be started: "), "{error}");
}

#[test]
fn a_known_import_with_the_wrong_type() {
    let text = r#"(module (import "wasi_snapshot_preview1" "fd_write"
      (func (param i32 i64) (result i32))))"#;
    assert_eq!(
        refuse_text(text),
        "bad: import wasi_snapshot_preview1.fd_write is declared as (i32, i64) -> (i32), \
         the host has (i32, i32, i32, i32) -> (i32)"
    );
}

#[test]
fn an_unknown_import_of_wasi_is_a_stub() {
    let text = r#"(module
      (import "wasi_snapshot_preview1" "sock_open" (func $open (param i32) (result i32)))
      (import "wasi_unstable" "proc_fork" (func $fork))
      (func (export "open") (result i32) (call $open (i32.const 1)))
      (func (export "fork") (call $fork)))"#;
    let mut guest = common::instance(text);
    assert_eq!(one(call(&mut guest, "open", &[])), Val::I32(52));
    assert_eq!(
        common::fault(call(&mut guest, "fork", &[])),
        "guest: call `fork` used the missing host function wasi_unstable.proc_fork"
    );
}

#[test]
fn imports_that_nobody_has() {
    for (kind, text) in [
        ("table", r#"(module (import "env" "it" (table 1 funcref)))"#),
        ("global", r#"(module (import "env" "it" (global i32)))"#),
    ] {
        assert_eq!(
            refuse_text(text),
            format!(
                "bad: imports the {kind} env.it; the host offers functions and a memory: link the module \
                 with a {kind} of its own"
            )
        );
    }
}

#[test]
fn a_memory_that_is_imported_is_a_fresh_one_within_the_limits() {
    let text = |pages: u32| {
        format!(
            r#"(module (import "env" "memory" (memory {pages}))
              (data (i32.const 8) "\07")
              (func (export "f") (result i32) (i32.load8_u (i32.const 8))))"#
        )
    };
    let mut instance = common::instance(&text(2));
    assert_eq!(one(call(&mut instance, "f", &[])), Val::I32(7));
    assert_eq!((instance.stats().memory_bytes, instance.memory().load_u8(8)), (2 << 16, Ok(7)));
    let second = text(1).replace("(data", "(memory 1) (data");
    let both = load(&second, &Limits::default()).and_then(|both| Instance::new(&both, config()));
    assert!(both.is_err(), "one memory, imported or its own");
    let limits = Limits { memory_bytes: 1 << 16, ..Limits::default() };
    let module = load(&text(2), &limits).unwrap();
    let error = Instance::new(&module, wasmi_hdk::InstanceConfig { limits, ..config() });
    let error = error.unwrap_err().to_string();
    assert!(error.contains("memory"), "{error}");
}

#[test]
fn a_command_that_ends_well_can_still_be_called() {
    let text = |code: i32| {
        format!(
            r#"(module
              (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
              (memory (export "memory") 1)
              (func (export "_start") (call $exit (i32.const {code})))
              (func (export "f") (result i32) (i32.const 5)))"#
        )
    };
    let mut instance = common::instance(&text(0));
    assert!(common::fault(call(&mut instance, "_start", &[])).contains("code 0"));
    assert_eq!(one(call(&mut instance, "f", &[])), Val::I32(5));
    let mut instance = common::instance(&text(3));
    assert!(common::fault(call(&mut instance, "_start", &[])).contains("code 3"));
    assert!(instance.has_ended());
}

#[test]
fn what_nobody_has_is_listed() {
    let module = module(
        r#"(module (import "env" "f" (func)) (import "env" "g" (func))
          (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
          (import "wasi_snapshot_preview1" "no_such" (func (result i32))))"#,
    );
    let mut offered = wasmi_hdk::Imports::new();
    let nothing = |_: &mut wasmi_hdk::HostCtx<'_>, _: &wasmi_hdk::FuncType, _: &[Val]| {
        Ok(wasmi_hdk::HostReturn::nothing())
    };
    offered.define("env", "f", std::sync::Arc::new(nothing));
    assert_eq!(module.unknown_imports(&offered), ["env.g", "wasi_snapshot_preview1.no_such"]);
}

#[test]
fn the_same_import_twice_with_different_types() {
    let text = r#"(module
      (import "env" "f" (func $a (param i32))) (import "env" "f" (func $b (param i64)))
      (func (export "a") (call $a (i32.const 1))) (func (export "b") (call $b (i64.const 1))))"#;
    let fault = common::fault(call(&mut common::instance(text), "b", &[]));
    assert!(fault.contains("missing host function env.f"), "{fault}");
}

#[test]
fn too_many_of_anything() {
    let limits =
        Limits { functions: 10, module_imports: 3, module_exports: 3, ..Limits::default() };
    let many = |item: &dyn Fn(usize) -> String| -> String {
        let items: String = (0..11).map(item).collect();
        load(&format!("(module {items})"), &limits).unwrap_err().to_string()
    };
    assert!(many(&|_| "(func)".into()).contains("build it for size"));
    assert!(many(&|_| "(import \"a\" \"b\" (func))".into()).contains("import only what is called"));
    assert!(
        many(&|i| format!("(global (export \"{i}\") i32 (i32.const 0))"))
            .contains("export only what the host calls")
    );
}

#[test]
fn an_export_with_references_cannot_be_called_but_does_no_harm() {
    let text = r#"(module (func (export "ref") (param funcref)) (func (export "ok")))"#;
    let mut guest = common::instance(text);
    assert_eq!(
        guest.begin("ref", &[]).unwrap_err().to_string(),
        "guest: `ref` takes (ref) -> (), not the 0 values given"
    );
    assert!(guest.begin("ok", &[]).is_ok());
}

#[test]
fn features_that_the_engine_does_not_have_are_named() {
    let text = refuse_text("(module (memory 1 1 shared))");
    assert!(text.starts_with("bad: invalid module at byte 0x"), "{text}");
    assert!(text.contains("threads"), "{text}");
}
