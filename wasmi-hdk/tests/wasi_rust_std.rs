//! Programs in Rust with `std`, built for wasm32-wasip1, over our WASI.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::expect_used, clippy::panic, reason = "a failing test says where")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use support::platform::TestPlatform;
use wasmi_hdk::vfs::MemoryFs;
use wasmi_hdk::{Engine, Fault, Instance, InstanceConfig, Limits, Module, Platform, Step};

/// The guest, its clock, and how it ended.
struct Guest {
    instance: Instance,
    platform: Arc<TestPlatform>,
    out: String,
}

impl Guest {
    fn start(name: &str) -> Self {
        let path = format!("{}/../target/guests/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(&path);
        let bytes =
            bytes.unwrap_or_else(|error| panic!("{path}: {error}; run `cargo xtask guests`"));
        let module = Module::load(&Engine::new(), name, &bytes, &Limits::default());
        let platform = Arc::new(TestPlatform::default());
        let config = InstanceConfig {
            args: vec![name.into(), "two words".into()],
            env: vec![("PLUGIN_ID".into(), "anchor".into())],
            fs: Some(Box::new(MemoryFs::new())),
            ..InstanceConfig::new(platform.clone())
        };
        let mut instance = Instance::new(&module.expect("it loads"), config).expect("it links");
        instance.begin("_start", &[]).expect("a command");
        Self { instance, platform, out: String::new() }
    }

    /// Runs until the guest waits for input or ends; time jumps to where it waits for it.
    fn run(&mut self) -> Step {
        loop {
            let step = self.instance.run(1_000_000);
            self.out += &String::from_utf8_lossy(&self.instance.take_stdout());
            match step {
                Step::Yielded => {}
                Step::Waiting { until: Some(until), .. } => {
                    let left = until.saturating_sub(self.platform.monotonic());
                    let ms = u64::try_from(left.as_nanos().div_ceil(1_000_000)).expect("small");
                    self.platform.advance_ms(ms);
                }
                step => return step,
            }
        }
    }
}

#[test]
fn files_behave_as_std_expects() {
    let mut guest = Guest::start("wasi_files");
    let step = guest.run();
    assert!(matches!(step, Step::Finished(_)), "{step:?}");
    let wrong: Vec<_> = guest.out.lines().filter(|line| !line.ends_with(": ok")).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(guest.out.lines().count(), 10, "{}", guest.out);
}

#[test]
fn the_world_is_what_the_platform_says() {
    let mut guest = Guest::start("wasi_world");
    let before = guest.platform.monotonic();
    let step = guest.run();
    assert!(matches!(step, Step::Failed(Fault::Exit { code: 7, .. })), "{step:?}");
    let expected = "args: [\"wasi_world\", \"two words\"]\n\
        env: [(\"PLUGIN_ID\", \"anchor\")]\n\
        wall: 1000000 s\n\
        slept: 250 ms\n\
        random: true\n";
    assert_eq!(guest.out, expected);
    assert_eq!(guest.platform.monotonic() - before, Duration::from_millis(250));
    let log = guest.instance.take_log();
    assert_eq!(log.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["going"]);
}

#[test]
fn lines_are_answered_as_they_come() {
    let mut guest = Guest::start("wasi_stdin_lines");
    assert!(matches!(guest.run(), Step::Waiting { stdin: true, until: None }));
    guest.instance.write_stdin(b"a\nhalf ");
    assert!(matches!(guest.run(), Step::Waiting { stdin: true, until: None }));
    assert_eq!(guest.out, "1: a\n");
    guest.instance.write_stdin(b"line\n");
    guest.instance.close_stdin();
    assert!(matches!(guest.run(), Step::Finished(_)));
    assert_eq!(guest.out, "1: a\n2: half line\nend after 2\n");
}

/// The number is that of the list in `traps_of_the_engine.rs`. Where the target comes from Debian's
/// packages its libc has no `pthread_*`: `toolchain/install-rust-targets` adds them.
#[test]
fn trap_19_a_guest_that_starts_a_thread_gets_an_error_and_goes_on() {
    let mut guest = Guest::start("wasi_thread");
    let step = guest.run();
    assert!(matches!(step, Step::Finished(_)), "{step:?}");
    let lines: Vec<_> = guest.out.lines().collect();
    assert!(
        matches!(lines[..], [error, "going on"] if error.starts_with("no thread: ")),
        "{lines:?}"
    );
}
