//! wasi-common's WASI, through wasmi_wasi, as a `World` of the conformance table.
//!
//! It blocks and has the clocks of the machine, so rows that wait or name a time
//! are not for it; each such row says so (`"oracle"`).

#[path = "../../../wasmi-hdk/tests/support/mod.rs"]
pub mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};

use support::World;
use tempfile::TempDir;
use wasmi::{Engine, Instance, Linker, Memory, Module, Store, Val};
use wasmi_hdk::ValType;
use wasmi_hdk::wasi::{self, Errno, WasiResult};
use wasmi_wasi::wasi_common::pipe::WritePipe;
use wasmi_wasi::{WasiCtx, WasiCtxBuilder};

/// One guest over the other implementation.
pub struct Oracle {
    store: Store<WasiCtx>,
    instance: Instance,
    memory: Memory,
    stdout: Shared,
    last: (String, Vec<u64>),
    _folder: TempDir,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Oracle {
    /// A guest with the three folders in a temporary one.
    pub fn new(forwarder: &[u8]) -> Self {
        let folder = TempDir::new().expect("temporary folder");
        for name in ["data", "config", "tmp"] {
            std::fs::create_dir(folder.path().join(name)).expect("made");
        }
        let root =
            wasmi_wasi::Dir::open_ambient_dir(folder.path(), wasmi_wasi::ambient_authority());
        let stdout = Shared::default();
        let mut builder = WasiCtxBuilder::new();
        builder.args(&["prog".into(), "x y".into()]).expect("args");
        builder.env("PLUGIN_ID", "test").expect("env");
        builder.env("EMPTY", "").expect("env");
        builder.stdout(Box::new(WritePipe::new(stdout.clone())));
        builder.preopened_dir(root.expect("opens"), "/").expect("preopen");
        let engine = Engine::default();
        let module = Module::new(&engine, forwarder).expect("module");
        let mut linker = Linker::new(&engine);
        wasmi_wasi::add_to_linker(&mut linker, |ctx| ctx).expect("links");
        let mut store = Store::new(&engine, builder.build());
        let instance = linker.instantiate_and_start(&mut store, &module).expect("starts");
        let memory = instance.get_memory(&store, "memory").expect("memory");
        Self { store, instance, memory, stdout, last: Default::default(), _folder: folder }
    }
}

impl World for Oracle {
    fn read(&mut self, addr: u32, len: usize) -> Vec<u8> {
        let addr = usize::try_from(addr).expect("fits");
        self.memory.data(&self.store)[addr..addr + len].to_vec()
    }

    fn write(&mut self, addr: u32, bytes: &[u8]) {
        let addr = usize::try_from(addr).expect("fits");
        self.memory.data_mut(&mut self.store)[addr..addr + bytes.len()].copy_from_slice(bytes);
    }

    fn call(&mut self, name: &str, args: &[u64]) -> WasiResult {
        self.last = (name.to_owned(), args.to_vec());
        let row = wasi::table().iter().find(|row| row.name == name).expect("a call");
        let args: Vec<Val> = row
            .params
            .iter()
            .zip(args)
            .map(|(ty, arg)| match ty {
                ValType::I32 => Val::I32(*arg as i32),
                _ => Val::I64(*arg as i64),
            })
            .collect();
        let func = self.instance.get_func(&self.store, name).expect("forwarded");
        let mut results = vec![Val::I32(0); usize::from(row.returns)];
        match func.call(&mut self.store, &args, &mut results) {
            Ok(()) => {
                let number = results.first().and_then(Val::i32).expect("an errno");
                let errno = Errno::ALL.iter().find(|errno| errno.number() == number);
                WasiResult::Errno(*errno.unwrap_or_else(|| panic!("{name}: errno {number}")))
            }
            Err(error) => match error.i32_exit_status() {
                Some(code) => WasiResult::Exit(code),
                // It traps where we answer a number: the guest is told less, the fault is the same.
                None if error.to_string().contains("Pointer out of bounds") => {
                    WasiResult::Errno(Errno::Fault)
                }
                None if error.to_string().contains("Invalid ") => WasiResult::Errno(Errno::Inval),
                None => panic!("{name}: {error}"),
            },
        }
    }

    fn again(&mut self) -> WasiResult {
        let (name, args) = self.last.clone();
        self.call(&name, &args)
    }

    fn write_stdin(&mut self, _: &[u8]) {
        panic!("rows with input are not for the oracle");
    }

    fn close_stdin(&mut self) {
        panic!("rows with input are not for the oracle");
    }

    fn take_stdout(&mut self) -> Vec<u8> {
        std::mem::take(&mut *self.stdout.0.lock().expect("not poisoned"))
    }

    fn take_log(&mut self) -> Vec<String> {
        panic!("rows with a log are not for the oracle");
    }

    fn advance_ms(&mut self, _: u64) {
        panic!("rows with a time are not for the oracle");
    }

    fn set_wall_ms(&mut self, _: u64) {
        panic!("rows with a time are not for the oracle");
    }
}
