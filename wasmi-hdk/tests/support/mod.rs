//! Runs the cases of `tests/conformance/wasi.json` against anything that answers WASI calls.
//!
//! A case is data: steps that lay arguments into guest memory, make a call and
//! compare errno and bytes. Who answers is a [`World`]: the functions themselves,
//! a guest under the engine, another implementation.

#![allow(dead_code, missing_docs, reason = "each test file uses its part")]
#![allow(unreachable_pub, reason = "shared by several test crates")]

pub mod direct;
pub mod platform;

use std::collections::BTreeMap;

use serde_json::Value;
use wasmi_hdk::wasi::{Errno, WasiResult};

/// Where arguments are laid out; below it nothing is touched.
const SCRATCH: u32 = 1024;

/// One guest and its host, as a case sees them.
pub trait World {
    fn read(&mut self, addr: u32, len: usize) -> Vec<u8>;
    fn write(&mut self, addr: u32, bytes: &[u8]);
    /// Makes a call; integers are given as 64 bits and cut to the parameter's type.
    fn call(&mut self, name: &str, args: &[u64]) -> WasiResult;
    /// Makes the suspended call again.
    fn again(&mut self) -> WasiResult;
    fn write_stdin(&mut self, bytes: &[u8]);
    fn close_stdin(&mut self);
    fn take_stdout(&mut self) -> Vec<u8>;
    fn take_log(&mut self) -> Vec<String>;
    fn advance_ms(&mut self, by: u64);
    fn set_wall_ms(&mut self, to: u64);
}

/// The whole table: `(name, case)`.
pub fn cases() -> Vec<(String, Value)> {
    // Compiled in: a test that runs as WebAssembly sees no file outside its own crate.
    let text = include_str!("../../../tests/conformance/wasi.json");
    let table: Vec<Value> = serde_json::from_str(text).expect("wasi.json is JSON");
    table.into_iter().map(|case| (case["name"].as_str().expect("name").to_owned(), case)).collect()
}

/// Runs one case; the text says what differed.
pub fn run(world: &mut dyn World, case: &Value) -> Result<(), String> {
    let mut runner = Runner { world, names: BTreeMap::new(), last: Vec::new() };
    for (index, step) in array(&case["steps"]).iter().enumerate() {
        runner.step(step).map_err(|what| format!("step {index} {step}: {what}"))?;
    }
    Ok(())
}

struct Runner<'w> {
    world: &'w mut dyn World,
    names: BTreeMap<String, u64>,
    /// What the call under way must leave in memory.
    last: Vec<Check>,
}

enum Check {
    Bytes { addr: u32, is: Vec<u8> },
    Number { addr: u32, size: usize, is: Option<u64>, save: Option<String> },
    Events { events: u32, count: u32, is: Vec<Value> },
    Dirents { buf: u32, used: u32, names: Vec<String> },
}

impl Runner<'_> {
    fn step(&mut self, step: &Value) -> Result<(), String> {
        let object = step.as_object().ok_or("a step is an object")?;
        if let Some(name) = step["call"].as_str() {
            let args = self.arguments(array(&step["args"]))?;
            let result = self.world.call(name, &args);
            return self.judge(step, &result);
        }
        if object.contains_key("again") {
            let result = self.world.again();
            return self.judge(step, &result);
        }
        if let Some(text) = step["stdin"].as_str() {
            self.world.write_stdin(text.as_bytes());
        } else if object.contains_key("close_stdin") {
            self.world.close_stdin();
        } else if let Some(by) = step["advance_ms"].as_u64() {
            self.world.advance_ms(by);
        } else if let Some(to) = step["wall_ms"].as_u64() {
            self.world.set_wall_ms(to);
        } else if let Some(text) = step["stdout"].as_str() {
            same(&String::from_utf8_lossy(&self.world.take_stdout()).as_ref(), &text)?;
        } else if let Some(lines) = step["log"].as_array() {
            let lines: Vec<_> = lines.iter().filter_map(|l| l.as_str().map(String::from)).collect();
            same(&self.world.take_log(), &lines)?;
        } else {
            return Err("unknown step".into());
        }
        Ok(())
    }

    fn judge(&mut self, step: &Value, result: &WasiResult) -> Result<(), String> {
        let wanted = if let Some(code) = step["exit"].as_i64() {
            format!("Exit({code})")
        } else if let Some(wait) = step.get("suspend") {
            let until = wait["until_ms"].as_u64();
            format!("Suspend(stdin: {}, until_ms: {until:?})", wait["stdin"] == true)
        } else {
            step["errno"].as_str().unwrap_or("Success").to_owned()
        };
        let found = match result {
            WasiResult::Exit(code) => format!("Exit({code})"),
            WasiResult::Suspend(wait) => {
                let until = wait.until.map(|at| at.as_millis());
                format!("Suspend(stdin: {}, until_ms: {until:?})", wait.stdin)
            }
            WasiResult::Errno(errno) => errno.name().to_owned(),
        };
        // Several answers may be right: "Inval|Badf".
        if !wanted.split('|').any(|one| one == found) {
            return Err(format!("wanted {wanted}, found {found}"));
        }
        if *result == WasiResult::Errno(Errno::Success) {
            for check in std::mem::take(&mut self.last) {
                self.check(check)?;
            }
        }
        Ok(())
    }

    fn arguments(&mut self, list: &[Value]) -> Result<Vec<u64>, String> {
        let mut at = SCRATCH;
        self.last.clear();
        let mut args = Vec::new();
        for value in list {
            self.argument(value, &mut at, &mut args)?;
        }
        Ok(args)
    }

    fn argument(&mut self, value: &Value, at: &mut u32, args: &mut Vec<u64>) -> Result<(), String> {
        if let Some(number) = number(value) {
            args.push(number);
        } else if let Some(name) = value.as_str() {
            args.push(*self.names.get(name).ok_or_else(|| format!("no `{name}` was saved"))?);
        } else if let Some(bytes) = text_or_hex(value, "path", "path_hex") {
            args.extend([u64::from(*at), len(&bytes)]);
            self.lay(at, &bytes);
        } else if let Some(buffers) = value["iov"].as_array() {
            self.iovecs(buffers, array(&value["is"]), at, args);
        } else if let Some(kind) = value["out"].as_str() {
            let size = if kind == "u64" { 8 } else { 4 };
            let (is, save) = (number(&value["is"]), value["save"].as_str().map(String::from));
            args.push(u64::from(*at));
            self.last.push(Check::Number { addr: *at, size, is, save });
            self.lay(at, &[0xaa; 8]);
        } else if let Some(size) = value["buf"].as_u64() {
            args.extend([u64::from(*at), size]);
            if let Some(is) = text_or_hex(value, "text", "hex") {
                self.last.push(Check::Bytes { addr: *at, is });
            }
            self.lay(at, &vec![0xaa; usize::try_from(size).expect("small")]);
        } else if let Some(size) = value["struct"].as_u64() {
            args.push(u64::from(*at));
            self.fields(&value["is"], *at)?;
            self.lay(at, &vec![0xaa; usize::try_from(size).expect("small")]);
        } else if let Some(list) = value["subscriptions"].as_array() {
            self.subscriptions(list, array(&value["events"]), at, args)?;
        } else if let Some(size) = value["dirents"].as_u64() {
            let names = array(&value["names"]);
            let names = names.iter().filter_map(|n| n.as_str().map(String::from)).collect();
            let buf = *at;
            self.lay(at, &vec![0xaa; usize::try_from(size).expect("small")]);
            let cookie = number(&value["cookie"]).unwrap_or(0);
            args.extend([u64::from(buf), size, cookie, u64::from(*at)]);
            self.last.push(Check::Dirents { buf, used: *at, names });
            self.lay(at, &[0; 4]);
        } else {
            return Err(format!("unknown argument {value}"));
        }
        Ok(())
    }

    fn iovecs(&mut self, buffers: &[Value], is: &[Value], at: &mut u32, args: &mut Vec<u64>) {
        let mut table = Vec::new();
        for (index, buffer) in buffers.iter().enumerate() {
            // A text is written by the guest, a number is room to read into, a pair is raw.
            let (addr, size) = match (buffer.as_str(), buffer.as_u64(), buffer.as_array()) {
                (Some(text), ..) => (*at, self.lay(at, text.as_bytes())),
                (_, Some(size), _) => {
                    (*at, self.lay(at, &vec![0xaa; usize::try_from(size).expect("small")]))
                }
                (_, _, Some(raw)) => {
                    let raw: Vec<_> =
                        raw.iter().filter_map(|n| u32::try_from(n.as_u64()?).ok()).collect();
                    (raw[0], raw[1])
                }
                _ => panic!("iov: {buffer}"),
            };
            table.extend(addr.to_le_bytes());
            table.extend(size.to_le_bytes());
            if let Some(is) = is.get(index).and_then(Value::as_str) {
                self.last.push(Check::Bytes { addr, is: is.into() });
            }
        }
        *at = at.next_multiple_of(8);
        args.extend([u64::from(*at), u64::try_from(buffers.len()).expect("small")]);
        self.lay(at, &table);
    }

    fn fields(&mut self, is: &Value, base: u32) -> Result<(), String> {
        for (place, is) in is.as_object().into_iter().flatten() {
            let (kind, offset) = place.split_once('@').ok_or("a field is `u64@32`")?;
            let addr = base + offset.parse::<u32>().map_err(|error| error.to_string())?;
            let size = kind[1..].parse::<usize>().map_err(|error| error.to_string())? / 8;
            let save = is.as_str().map(String::from);
            self.last.push(Check::Number { addr, size, is: number(is), save });
        }
        Ok(())
    }

    fn subscriptions(
        &mut self,
        list: &[Value],
        events: &[Value],
        at: &mut u32,
        args: &mut Vec<u64>,
    ) -> Result<(), String> {
        let start = *at;
        for item in list {
            let mut bytes = [0_u8; 48];
            bytes[..8].copy_from_slice(&item["userdata"].as_u64().unwrap_or(0).to_le_bytes());
            let mut id = |value: u64| {
                bytes[16..20].copy_from_slice(&u32::try_from(value).expect("u32").to_le_bytes());
            };
            if let Some(clock) = item["clock"].as_u64() {
                id(clock);
                let timeout = match item["timeout_ms"].as_u64() {
                    Some(ms) => ms * 1_000_000,
                    None => item["timeout_ns"].as_u64().unwrap_or(0),
                };
                bytes[24..32].copy_from_slice(&timeout.to_le_bytes());
                bytes[40] = u8::from(item["absolute"] == true);
            } else {
                let (fd, tag) = if item.get("read").is_some() {
                    (&item["read"], 1)
                } else {
                    (&item["write"], 2)
                };
                let fd = match fd.as_str() {
                    Some(name) => *self.names.get(name).ok_or("unknown name")?,
                    None => fd.as_u64().ok_or("an fd")?,
                };
                id(fd);
                bytes[8] = tag;
            }
            if let Some(tag) = item["tag"].as_u64() {
                bytes[8] = u8::try_from(tag).expect("u8");
            }
            self.lay(at, &bytes);
        }
        let out = *at;
        self.lay(at, &vec![0xaa; list.len() * 32]);
        let count = *at;
        self.lay(at, &[0xaa; 4]);
        let given = u64::try_from(list.len()).expect("small");
        args.extend([u64::from(start), u64::from(out), given, u64::from(count)]);
        self.last.push(Check::Events { events: out, count, is: events.to_vec() });
        Ok(())
    }

    fn lay(&mut self, at: &mut u32, bytes: &[u8]) -> u32 {
        let size = u32::try_from(bytes.len()).expect("small");
        self.world.write(*at, bytes);
        *at = (*at + size).next_multiple_of(8);
        size
    }

    fn check(&mut self, check: Check) -> Result<(), String> {
        match check {
            Check::Bytes { addr, is } => same(&self.world.read(addr, is.len()), &is),
            Check::Number { addr, size, is, save } => {
                let found = little_endian(&self.world.read(addr, size));
                if let Some(name) = save {
                    self.names.insert(name, found);
                }
                is.map_or(Ok(()), |is| same(&found, &is))
            }
            Check::Events { events, count, is } => {
                let found = little_endian(&self.world.read(count, 4));
                same(&found, &u64::try_from(is.len()).expect("small"))?;
                for (index, is) in (0_u32..).zip(&is) {
                    let bytes = self.world.read(events + index * 32, 32);
                    let part = |from: usize, to: usize| little_endian(&bytes[from..to]);
                    let named = is["errno"].as_str().unwrap_or("Success");
                    let errno = Errno::ALL.iter().find(|errno| errno.name() == named);
                    let errno = u64::from(errno.ok_or("no such errno")?.raw());
                    same(&part(0, 8), &is["userdata"].as_u64().unwrap_or(0))?;
                    same(&part(8, 10), &errno)?;
                    for (field, from, to) in
                        [("type", 10, 11), ("bytes", 16, 24), ("flags", 24, 26)]
                    {
                        if let Some(is) = is[field].as_u64() {
                            same(&part(from, to), &is)
                                .map_err(|what| format!("{field}: {what}"))?;
                        }
                    }
                }
                Ok(())
            }
            Check::Dirents { buf, used, names } => {
                let used =
                    usize::try_from(little_endian(&self.world.read(used, 4))).expect("small");
                let bytes = self.world.read(buf, used);
                let mut found = Vec::new();
                let mut rest = bytes.as_slice();
                while rest.len() >= 24 {
                    let size = usize::try_from(little_endian(&rest[16..20])).expect("small");
                    // The last entry may be cut off: then its name is not compared.
                    let Some(name) = rest.get(24..24 + size) else { break };
                    found.push(String::from_utf8_lossy(name).into_owned());
                    rest = &rest[24 + size..];
                }
                found.sort();
                same(&found, &names)
            }
        }
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("small")
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_i64().map(i64::cast_unsigned))
}

fn text_or_hex(value: &Value, text: &str, hex: &str) -> Option<Vec<u8>> {
    if let Some(text) = value[text].as_str() {
        return Some(text.into());
    }
    let hex = value[hex].as_str()?;
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
    Some((0..hex.len()).step_by(2).map(byte).collect())
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn same<T: PartialEq + std::fmt::Debug>(found: &T, wanted: &T) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("wanted {wanted:?}, found {found:?}")) }
}
