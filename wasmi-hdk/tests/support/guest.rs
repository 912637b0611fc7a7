//! A `World` made of a real guest under the engine: a module that imports every
//! call and exports it again.

#![allow(missing_docs, unreachable_pub, reason = "shared by several test crates")]

use std::fmt::Write as _;
use std::sync::Arc;

use wasmi_hdk::vfs::{Fs, MemoryFs};
use wasmi_hdk::wasi::{self, Errno, WasiResult, WasiWait};
use wasmi_hdk::{Engine, Fault, Instance, InstanceConfig, Limits, Module, Step, Val, ValType};

use crate::support::World;
use crate::support::direct::{config, value};
use crate::support::platform::TestPlatform;

/// One instance of the forwarding module.
pub struct Guest {
    instance: Instance,
    platform: Arc<TestPlatform>,
}

/// The text of a module with all calls of the table, each passed on.
pub fn forwarder() -> String {
    let (mut imports, mut exports) = (String::new(), String::new());
    for row in wasi::table() {
        let name = row.name;
        let params: String =
            row.params.iter().fold(String::new(), |text, ty| text + " " + word(*ty));
        let result = if row.returns { "(result i32)" } else { "" };
        let module = wasi::MODULE;
        writeln!(
            imports,
            r#"(import "{module}" "{name}" (func ${name} (param{params}) {result}))"#
        )
        .expect("text");
        let gets =
            (0..row.params.len()).fold(String::new(), |text, at| format!("{text} local.get {at}"));
        writeln!(
            exports,
            r#"(func (export "{name}") (param{params}) {result} {gets} call ${name})"#
        )
        .expect("text");
    }
    format!("(module {imports} (memory (export \"memory\") 4) {exports})")
}

fn word(ty: ValType) -> &'static str {
    if ty == ValType::I32 { "i32" } else { "i64" }
}

impl Guest {
    pub fn new(module: &Module) -> Self {
        let platform = Arc::new(TestPlatform::default());
        let fs: Option<Box<dyn Fs>> = Some(Box::new(MemoryFs::new()));
        let like = config(fs, Limits::default());
        let config = InstanceConfig {
            args: like.args,
            env: like.env,
            fs: like.fs,
            ..InstanceConfig::new(platform.clone())
        };
        Self { instance: Instance::new(module, config).expect("the forwarder links"), platform }
    }

    pub fn module() -> Module {
        let bytes = wat::parse_str(forwarder()).expect("the forwarder is a module");
        Module::load(&Engine::new(), "forwarder", &bytes, &Limits::default()).expect("it loads")
    }

    fn go_on(&mut self) -> WasiResult {
        for _ in 0..10_000 {
            match self.instance.run(100_000) {
                Step::Yielded => {}
                Step::Finished(values) => {
                    let number = values.first().and_then(|value| value.i32()).expect("an errno");
                    let errno = Errno::ALL.iter().find(|errno| errno.number() == number);
                    return WasiResult::Errno(*errno.expect("a known errno"));
                }
                Step::Waiting { stdin, until } => {
                    return WasiResult::Suspend(WasiWait { stdin, until });
                }
                Step::Failed(Fault::Exit { code, .. }) => return WasiResult::Exit(code),
                other => panic!("{other:?}"),
            }
        }
        panic!("the call does not end")
    }
}

impl World for Guest {
    fn read(&mut self, addr: u32, len: usize) -> Vec<u8> {
        let len = u32::try_from(len).expect("small");
        self.instance.memory().read(addr, len).expect("inside").to_vec()
    }

    fn write(&mut self, addr: u32, bytes: &[u8]) {
        self.instance.memory().write(addr, bytes).expect("inside");
    }

    fn call(&mut self, name: &str, args: &[u64]) -> WasiResult {
        let row = wasi::table().iter().find(|row| row.name == name).expect("a call");
        let args: Vec<Val> =
            row.params.iter().zip(args).map(|(ty, arg)| value(*ty, *arg)).collect();
        self.instance.begin(name, &args).expect("it begins");
        self.go_on()
    }

    fn again(&mut self) -> WasiResult {
        self.go_on()
    }

    fn write_stdin(&mut self, bytes: &[u8]) {
        self.instance.write_stdin(bytes);
    }

    fn close_stdin(&mut self) {
        self.instance.close_stdin();
    }

    fn take_stdout(&mut self) -> Vec<u8> {
        self.instance.take_stdout()
    }

    fn take_log(&mut self) -> Vec<String> {
        let lines = self.instance.take_log();
        lines.into_iter().map(|line| format!("{}: {}", line.level, line.text)).collect()
    }

    fn advance_ms(&mut self, by: u64) {
        self.platform.advance_ms(by);
    }

    fn set_wall_ms(&mut self, to: u64) {
        self.platform.set_wall_ms(to);
    }
}
