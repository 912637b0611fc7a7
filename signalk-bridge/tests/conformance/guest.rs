//! Guests as text of WebAssembly, one for each import, flavour and type.
//!
//! `plugin_start` prepares (a bound socket, a connection, a registration); `poll` makes the one
//! call that is measured and logs what came of it:
//! - `=` and 16 hexadecimal digits: the result, sign-extended, or the bits of a float;
//! - `!` and how many bytes of the guest's data the call changed;
//! - `:` and text: what it wrote into the buffer that it was given, or the object that it gave.

use std::fmt::Write as _;

use crate::spec::Type;

/// Which convention the guest speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    Buffer,
    AssemblyScript,
    /// A command that speaks JSON-RPC; here only its WASI calls.
    JsonRpc,
}

/// One argument of a call, or two of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Arg {
    /// As it stands.
    Number(i64),
    Float(f64),
    /// Address and length of a text.
    Text(&'static str),
    /// Address and size of a buffer that the call writes to.
    Room(u32),
    /// Address of so many bytes that the call writes to.
    Out(u32),
    /// Address of bytes that the call reads.
    In(&'static [u8]),
    /// An object: a string.
    Script(&'static str),
    /// An object: an array buffer.
    Object(&'static str),
    /// An object: `[["a", "b"]]`.
    Headers,
}

/// What a guest is made of.
pub(crate) struct Plan<'a> {
    pub(crate) flavour: Flavour,
    pub(crate) module: &'a str,
    pub(crate) name: &'a str,
    /// As the guest declares the import.
    pub(crate) ty: &'a Type,
    /// The arguments in the order of the canonical type; those that the declared type lacks are
    /// left out.
    pub(crate) args: &'a [Arg],
    /// What `plugin_start` does first.
    pub(crate) setup: &'a str,
    /// This argument (counted as words) has this value instead.
    pub(crate) spoilt: Option<(usize, i64)>,
}

/// First byte after the guest's memory.
pub(crate) const END: i64 = 131_072;
/// Where data is laid out; below [`WATCHED`] nothing may change on its own.
const DATA: usize = 1024;
const WATCHED: usize = 8192;
/// An object that claims to be larger than memory.
pub(crate) const LIAR: i64 = 520;

/// Words and data of the arguments.
pub(crate) struct Laid {
    pub(crate) words: Vec<Word>,
    data: String,
    /// The first buffer that the call writes to.
    room: Option<usize>,
}

/// What one word of the arguments is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Word {
    Number(i64),
    Float(f64),
    /// The length is the next word.
    Pointer(i64),
    /// Of the pointer before.
    Length(i64),
    /// Of bytes whose number the call knows.
    Alone(i64),
    /// Of an object of AssemblyScript.
    Object(i64),
}

impl Word {
    fn value(self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "addresses and lengths")]
        match self {
            Word::Float(value) => value,
            Word::Number(value)
            | Word::Pointer(value)
            | Word::Length(value)
            | Word::Alone(value)
            | Word::Object(value) => value as f64,
        }
    }
}

/// Lays the arguments out.
pub(crate) fn lay(args: &[Arg]) -> Laid {
    let mut laid = Laid { words: vec![], data: String::new(), room: None };
    let mut at = DATA;
    let place = |bytes: &[u8], at: &mut usize, data: &mut String| {
        let address = *at;
        let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let _ = writeln!(data, r#"(data (i32.const {address}) "{escaped}")"#);
        *at = (address + bytes.len() + 31) & !15;
        assert!(*at < WATCHED, "the arguments are too long");
        i64::try_from(address).unwrap()
    };
    let object = |class: u32, bytes: &[u8]| {
        let size = u32::try_from(bytes.len()).unwrap();
        [&[0; 8][..], &class.to_le_bytes(), &size.to_le_bytes(), bytes].concat()
    };
    for arg in args {
        let length = |len: usize| Word::Length(i64::try_from(len).unwrap());
        match *arg {
            Arg::Number(value) => laid.words.push(Word::Number(value)),
            Arg::Float(value) => laid.words.push(Word::Float(value)),
            Arg::Text(text) => {
                let address = place(text.as_bytes(), &mut at, &mut laid.data);
                laid.words.extend([Word::Pointer(address), length(text.len())]);
            }
            Arg::Room(size) => {
                let size = usize::try_from(size).unwrap();
                let address = place(&vec![b'Z'; size], &mut at, &mut laid.data);
                laid.room.get_or_insert(usize::try_from(address).unwrap());
                laid.words.extend([Word::Pointer(address), length(size)]);
            }
            Arg::Out(size) => {
                let bytes = vec![b'Z'; usize::try_from(size).unwrap()];
                laid.words.push(Word::Alone(place(&bytes, &mut at, &mut laid.data)));
            }
            Arg::In(bytes) => {
                laid.words.push(Word::Alone(place(bytes, &mut at, &mut laid.data)));
            }
            Arg::Script(text) => {
                let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
                let address = place(&object(2, &units), &mut at, &mut laid.data);
                laid.words.push(Word::Object(address + 16));
            }
            Arg::Object(text) => {
                let address = place(&object(1, text.as_bytes()), &mut at, &mut laid.data);
                laid.words.push(Word::Object(address + 16));
            }
            Arg::Headers => {
                let string = |text: &str| {
                    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
                    object(2, &units)
                };
                let word = |value: i64| u32::try_from(value).unwrap().to_le_bytes();
                let name = place(&string("x-a"), &mut at, &mut laid.data) + 16;
                let value = place(&string("b"), &mut at, &mut laid.data) + 16;
                let pair = place(&[word(name), word(value)].concat(), &mut at, &mut laid.data);
                let header = [word(pair), word(pair), word(8), word(2)].concat();
                let inner = place(&object(3, &header), &mut at, &mut laid.data) + 16;
                let list = place(&word(inner), &mut at, &mut laid.data);
                let header = [word(list), word(list), word(4), word(1)].concat();
                let outer = place(&object(3, &header), &mut at, &mut laid.data) + 16;
                laid.words.push(Word::Object(outer));
            }
        }
    }
    laid
}

/// The module's text.
pub(crate) fn wat(plan: &Plan<'_>) -> String {
    let laid = lay(plan.args);
    let mut call = String::new();
    for (index, ty) in plan.ty.params.iter().enumerate() {
        let value = match (plan.spoilt, laid.words.get(index)) {
            #[allow(clippy::cast_precision_loss, reason = "addresses and lengths")]
            (Some((at, value)), _) if at == index => value as f64,
            (_, Some(word)) => word.value(),
            (_, None) => 99.0,
        };
        // Whole numbers, but for the floats of `trace`, are the same in all types.
        let _ = match ty.as_str() {
            "f64" => write!(call, " (f64.const {value})"),
            #[allow(clippy::cast_possible_truncation, reason = "whole numbers of 32 bits")]
            ty => write!(call, " ({ty}.const {})", value as i64),
        };
    }
    let call = format!("(call $call{call})");
    let result = match plan.ty.results.first().map(String::as_str) {
        None => call,
        Some("i32") => {
            format!("(local.set $n {call}) (local.set $r (i64.extend_i32_s (local.get $n)))")
        }
        Some("f64") => format!(
            "(local.set $f {call}) (local.set $r (i64.reinterpret_f64 (local.get $f)))
             (local.set $n (i32.trunc_sat_f64_s (local.get $f)))"
        ),
        Some(_) => format!("(local.set $r {call}) (local.set $n (i32.wrap_i64 (local.get $r)))"),
    };
    let shown = match (laid.room, plan.module) {
        (_, "as-fetch") => "(if (i32.gt_s (local.get $n) (i32.const 0)) (then
                (call $show (local.get $n) (i32.load (i32.sub (local.get $n) (i32.const 4))))))"
            .to_owned(),
        (Some(room), "env") => format!(
            "(if (i32.gt_s (local.get $n) (i32.const 0)) (then
                (call $show (i32.const {room}) (local.get $n))))"
        ),
        _ => String::new(),
    };
    let measured = format!(
        "(local $r i64) (local $n i32) (local $f f64)
         (memory.copy (i32.const 65536) (i32.const 0) (i32.const {WATCHED}))
         {result}
         (call $compare) (call $hex (i32.const 61) (local.get $r)) {shown}"
    );
    let setup = plan.setup;
    let life = match plan.flavour {
        Flavour::JsonRpc => {
            // Locals come first.
            let (locals, rest) = measured.split_once('\n').unwrap_or_default();
            format!(r#"(func (export "_start") {locals} {setup} {rest})"#)
        }
        _ => format!(
            r#"(func (export "plugin_start") (param i32 i32) (result i32) {setup} (i32.const 0))
               (func (export "poll") (result i32) {measured} (i32.const 0))
               {}"#,
            flavour(plan.flavour)
        ),
    };
    let (module, name, ty) = (plan.module, plan.name, plan.ty.wat());
    format!(
        r#"(module
            (import "{module}" "{name}" (func $call {ty}))
            {imports}
            (import "wasi_snapshot_preview1" "path_open"
                (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
            (memory (export "memory") 2 2)
            (global $heap (mut i32) (i32.const 16384))
            (data (i32.const 512) "\01\00\00\00\ff\ff\ff\7f")
            {data} {REPORT} {say} {life})"#,
        imports = imports(plan.flavour),
        data = laid.data,
        say = say(plan.flavour),
    )
}

/// What preparations may call.
fn imports(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::JsonRpc => {
            r#"(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))"#
        }
        _ => {
            r#"(import "env" "sk_debug" (func $debug (param i32 i32)))
            (import "env" "sk_udp_create" (func $udp (param i32) (result i32)))
            (import "env" "sk_udp_bind" (func $bind (param i32 i32) (result i32)))
            (import "env" "sk_tcp_create" (func $tcp (result i32)))
            (import "env" "sk_tcp_connect" (func $connect (param i32 i32 i32 i32) (result i32)))
            (import "env" "sk_tcp_set_line_buffering" (func $lines (param i32 i32) (result i32)))
            (import "env" "sk_register_radar_provider" (func $radar (param i32 i32) (result i32)))"#
        }
    }
}

fn say(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::JsonRpc => {
            r#"(func $say (param $at i32) (param $len i32)
                (i32.store (i32.const 12200) (local.get $at))
                (i32.store (i32.const 12204) (local.get $len))
                (i32.store (i32.const 12208) (i32.const 12220))
                (i32.store (i32.const 12212) (i32.const 1))
                (i32.store8 (i32.const 12220) (i32.const 10))
                (drop (call $write (i32.const 2) (i32.const 12200) (i32.const 2) (i32.const 12216))))"#
        }
        _ => {
            "(func $say (param $at i32) (param $len i32)
                (call $debug (local.get $at) (local.get $len)))"
        }
    }
}

/// Memory management as the flavour has it; it only goes up.
pub(crate) fn flavour(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::Buffer => {
            r#"(func (export "allocate") (param $n i32) (result i32)
                (global.get $heap)
                ;; Large buffers share one place; what is beyond memory is never read.
                (if (i32.lt_u (local.get $n) (i32.const 32768)) (then
                    (global.set $heap (i32.add (global.get $heap) (local.get $n))))))"#
        }
        Flavour::AssemblyScript => {
            r#"(data (i32.const 92) "\02\00\00\00\02\00\00\00N\00")
            (func (export "plugin_name") (result i32) (i32.const 100))
            (func (export "__new") (param $n i32) (param $class i32) (result i32)
                (local $p i32)
                (local.set $p (i32.add (global.get $heap) (i32.const 16)))
                (i32.store (i32.sub (local.get $p) (i32.const 8)) (local.get $class))
                (i32.store (i32.sub (local.get $p) (i32.const 4)) (local.get $n))
                (global.set $heap (i32.and (i32.add (local.get $p)
                    (i32.add (local.get $n) (i32.const 31))) (i32.const -16)))
                (local.get $p))
            (func (export "responseHandler") (param $body i32) (param i32 i32 i32)
                (call $hex (i32.const 64) (i64.extend_i32_u (i32.add (local.get 3)
                    (i32.shl (local.get 1) (i32.const 16)))))
                (call $show (local.get $body) (i32.load (i32.sub (local.get $body) (i32.const 4)))))"#
        }
        Flavour::JsonRpc => "",
    }
}

/// How results get into the log.
pub(crate) const REPORT: &str = r#"
    (data (i32.const 12320) "0123456789abcdef")
    (data (i32.const 12340) "data/a")
    (func $hex (param $label i32) (param $n i64)
        (local $i i32)
        (i32.store8 (i32.const 12288) (local.get $label))
        (local.set $i (i32.const 16))
        (loop $more
            (i32.store8 (i32.add (i32.const 12288) (local.get $i))
                (i32.load8_u (i32.add (i32.const 12320)
                    (i32.wrap_i64 (i64.and (local.get $n) (i64.const 15))))))
            (local.set $n (i64.shr_u (local.get $n) (i64.const 4)))
            (local.set $i (i32.sub (local.get $i) (i32.const 1)))
            (br_if $more (local.get $i)))
        (call $say (i32.const 12288) (i32.const 17)))
    (func $show (param $at i32) (param $len i32)
        (i32.store8 (i32.const 12400) (i32.const 58))
        (if (i32.gt_u (local.get $len) (i32.const 1000)) (then (local.set $len (i32.const 1000))))
        (memory.copy (i32.const 12401) (local.get $at) (local.get $len))
        (call $say (i32.const 12400) (i32.add (local.get $len) (i32.const 1))))
    (func $compare
        (local $i i32) (local $n i64)
        (loop $more
            (if (i32.ne (i32.load8_u (local.get $i))
                    (i32.load8_u (i32.add (i32.const 65536) (local.get $i))))
                (then (local.set $n (i64.add (local.get $n) (i64.const 1)))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $more (i32.lt_u (local.get $i) (i32.const 8192))))
        (call $hex (i32.const 33) (local.get $n)))
"#;
