//! A `World` made of the functions themselves, without an engine.

use std::sync::Arc;

use wasmi_hdk::vfs::{Fs, MemoryFs};
use wasmi_hdk::wasi::{self, StdoutTo, WasiConfig, WasiResult, WasiState};
use wasmi_hdk::{GuestMemory, Limits, Val, ValType};

use super::World;
use super::platform::TestPlatform;

/// State, memory and world of a guest that is not there.
pub struct Direct {
    pub state: WasiState,
    pub memory: Vec<u8>,
    pub platform: Arc<TestPlatform>,
    last: (String, Vec<u64>),
}

/// Arguments `prog`, `x y`; environment `PLUGIN_ID=test`, `EMPTY=`; standard input open.
pub fn config(fs: Option<Box<dyn Fs>>, limits: Limits) -> WasiConfig {
    WasiConfig {
        args: vec!["prog".into(), "x y".into()],
        env: vec![("PLUGIN_ID".into(), "test".into()), ("EMPTY".into(), String::new())],
        stdin_open: true,
        stdout: StdoutTo::Bytes,
        fs,
        limits,
    }
}

impl Direct {
    pub fn new() -> Self {
        Self::with(Some(Box::new(MemoryFs::new())), Limits::default())
    }

    pub fn with(fs: Option<Box<dyn Fs>>, limits: Limits) -> Self {
        Self {
            state: WasiState::new(config(fs, limits)),
            memory: vec![0; 4 << 16],
            platform: Arc::new(TestPlatform::default()),
            last: Default::default(),
        }
    }
}

impl World for Direct {
    fn read(&mut self, addr: u32, len: usize) -> Vec<u8> {
        let addr = usize::try_from(addr).expect("fits");
        self.memory[addr..addr + len].to_vec()
    }

    fn write(&mut self, addr: u32, bytes: &[u8]) {
        let addr = usize::try_from(addr).expect("fits");
        self.memory[addr..addr + bytes.len()].copy_from_slice(bytes);
    }

    fn call(&mut self, name: &str, args: &[u64]) -> WasiResult {
        self.last = (name.to_owned(), args.to_vec());
        let row = wasi::table().iter().find(|row| row.name == name);
        let row = row.unwrap_or_else(|| panic!("no call `{name}`"));
        assert_eq!(row.params.len(), args.len(), "{name}: number of arguments");
        let args: Vec<Val> =
            row.params.iter().zip(args).map(|(ty, arg)| value(*ty, *arg)).collect();
        let mut memory = GuestMemory::new(&mut self.memory);
        (row.run)(&mut self.state, &mut memory, &*self.platform, &args)
    }

    fn again(&mut self) -> WasiResult {
        let (name, args) = self.last.clone();
        self.call(&name, &args)
    }

    fn write_stdin(&mut self, bytes: &[u8]) {
        self.state.write_stdin(bytes);
    }

    fn close_stdin(&mut self) {
        self.state.close_stdin();
    }

    fn take_stdout(&mut self) -> Vec<u8> {
        self.state.take_stdout()
    }

    fn take_log(&mut self) -> Vec<String> {
        let lines = self.state.take_log();
        lines.into_iter().map(|line| format!("{}: {}", line.level, line.text)).collect()
    }

    fn advance_ms(&mut self, by: u64) {
        self.platform.advance_ms(by);
    }

    fn set_wall_ms(&mut self, to: u64) {
        self.platform.set_wall_ms(to);
    }
}

/// The number as the type of the parameter holds it.
pub fn value(ty: ValType, number: u64) -> Val {
    let [a, b, c, d, ..] = number.to_le_bytes();
    match ty {
        ValType::I32 => Val::from(u32::from_le_bytes([a, b, c, d])),
        _ => Val::from(number),
    }
}
