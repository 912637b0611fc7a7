//! A list of calls as JSON, made one after the other: any import with any argument, good or bad.
//!
//! `["sk_udp_send", 1, "127.0.0.1", 9000, {"hex": "0100"}]` and what it gives are one line of the
//! log: `sk_udp_send -> 2`. An argument is
//! - a number: an `i32` as it stands, which lets a test name any address and length;
//! - a text: address and length of its UTF-8 bytes;
//! - `{"hex": "00ff"}`: address and length of these bytes; `{"zeros": n}`: of so many zeros;
//! - `{"max": n}`: address and length of a buffer; what the call writes (its result says how
//!   much) is shown after the result;
//! - `{"out": n}`: the address only of `n` bytes, zero at first; they are shown in hexadecimal;
//! - `{"iov": "text"}`: the address of one iovec of WASI, whose buffer holds the text;
//! - `{"script": "text"}`: the address of a string of AssemblyScript;
//! - `{"counted": n}`: address and length of `n` bytes; the first four count such arguments from 0
//!   (little-endian), so that a lost one is seen.
//!
//! `["repeat", n, CALL]` makes one call many times and shows the last result. Names that begin with
//! `std_` are in `world.rs`.

use serde_json::Value;

use crate::{abi, imports, world};

/// Makes the calls of a list; each gives a line that begins with `prefix`.
pub fn run(prefix: &str, calls: &Value) {
    for call in calls.as_array().map_or(&[][..], Vec::as_slice) {
        let line = one(call);
        abi::debug(&format!("{prefix}{line}"));
    }
}

/// Makes one call: `sk_tcp_connected -> 1`.
#[must_use]
pub fn one(call: &Value) -> String {
    let name = call[0].as_str().unwrap_or_default();
    let given = call.as_array().and_then(|all| all.get(1..)).unwrap_or_default();
    if name == "repeat" {
        let times = call[1].as_u64().unwrap_or_default();
        let last = (0..times).fold(String::new(), |_, _| one(&call[2]));
        return format!("{times} times {last}");
    }
    if name.starts_with("std_") {
        return format!("{name} -> {}", world::ask(name, given));
    }
    let mut numbers = Vec::new();
    let mut buffers = Vec::new();
    for argument in given {
        match argument {
            Value::Number(number) => numbers.push(number.as_i64().unwrap_or_default()),
            other => {
                let mut kept = Buffer::of(other);
                let [at, len] = abi::pair_mut(&mut kept.bytes).map(i64::from);
                match kept.kind {
                    Kind::In | Kind::Max => numbers.extend([at, len]),
                    Kind::Out | Kind::Iovec(_) => numbers.push(at),
                    // Behind the number of its class and its size.
                    Kind::Script => numbers.push(at + 8),
                }
                buffers.push(kept);
            }
        }
    }
    let Some(result) = imports::call(name, &numbers) else {
        return format!("{name} -> no such import with {} arguments", numbers.len());
    };
    let mut line = format!("{name} -> {result}");
    for buffer in &buffers {
        buffer.show(result, &mut line);
    }
    line
}

thread_local! {
    static COUNTED: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

enum Kind {
    In,
    Max,
    Out,
    /// With the bytes that it points to.
    Iovec(#[allow(dead_code, reason = "kept for the call")] Vec<u8>),
    Script,
}

struct Buffer {
    kind: Kind,
    bytes: Vec<u8>,
}

impl Buffer {
    fn of(argument: &Value) -> Self {
        let size = |key: &str| {
            argument[key].as_u64().map(|n| vec![0_u8; usize::try_from(n).unwrap_or_default()])
        };
        if let Some(bytes) = size("max") {
            return Buffer { kind: Kind::Max, bytes };
        }
        if let Some(bytes) = size("out") {
            return Buffer { kind: Kind::Out, bytes };
        }
        if let Some(bytes) = size("counted") {
            return Buffer { kind: Kind::In, bytes: counted(bytes) };
        }
        if let Some(text) = argument["iov"].as_str() {
            let mut behind = text.as_bytes().to_vec();
            let bytes = abi::pair_mut(&mut behind).map(i32::to_le_bytes).concat();
            return Buffer { kind: Kind::Iovec(behind), bytes };
        }
        if let Some(text) = argument["script"].as_str() {
            return Buffer { kind: Kind::Script, bytes: string_object(text) };
        }
        let bytes = match (argument.as_str(), argument["hex"].as_str(), size("zeros")) {
            (Some(text), _, _) => text.as_bytes().to_vec(),
            (_, Some(hex), _) => from_hex(hex),
            (_, _, zeros) => zeros.unwrap_or_default(),
        };
        Buffer { kind: Kind::In, bytes }
    }

    fn show(&self, result: i32, line: &mut String) {
        // Black box: the compiler has not seen that the host wrote here.
        let bytes = std::hint::black_box(&self.bytes[..]);
        match self.kind {
            Kind::In | Kind::Iovec(_) | Kind::Script => {}
            Kind::Max => {
                let count = usize::try_from(result).unwrap_or_default().min(bytes.len());
                *line += " ";
                *line += &String::from_utf8_lossy(&bytes[..count]);
            }
            Kind::Out => {
                *line += " ";
                for byte in bytes {
                    *line += &format!("{byte:02x}");
                }
            }
        }
    }
}

fn counted(mut bytes: Vec<u8>) -> Vec<u8> {
    let number = COUNTED.replace(COUNTED.get().wrapping_add(1));
    for (byte, of) in bytes.iter_mut().zip(number.to_le_bytes()) {
        *byte = of;
    }
    bytes
}

/// Class and size, then the text as UTF-16.
fn string_object(text: &str) -> Vec<u8> {
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let size = u32::try_from(units.len()).unwrap_or_default();
    [&2_u32.to_le_bytes()[..], &size.to_le_bytes(), &units].concat()
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] * 16 + pair[1]).collect()
}
