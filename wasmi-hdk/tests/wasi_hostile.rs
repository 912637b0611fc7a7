//! Whatever a guest passes, it gets an answer: never a panic, never work without bound.

#![allow(clippy::expect_used, clippy::panic, reason = "a failing test says where")]

mod support;

use proptest::prelude::*;
use support::World;
use support::direct::{Direct, value};
use wasmi_hdk::vfs::{MemoryFs, Quota};
use wasmi_hdk::wasi::{self, Errno, StdoutTo, WasiResult, WasiState, WasiWait};
use wasmi_hdk::{GuestMemory, Level, Limits};

/// Numbers that break careless code, and any others.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..10_u64,
        any::<u64>(),
        any::<u32>().prop_map(u64::from),
        0..70_000_u64,
        (0..64_u32).prop_map(|bit| 1 << bit),
        (0..64_u32).prop_map(|bit| (1_u64 << bit).wrapping_sub(1)),
        (0..40_u64).prop_map(|below| (1 << 16) - below),
        (0..40_u64).prop_map(|below| (1 << 32) - below),
    ]
}

fn calls() -> impl Strategy<Value = Vec<(usize, [u64; 9])>> {
    let args = proptest::array::uniform9(number());
    proptest::collection::vec((0..wasi::table().len(), args), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_arguments_over_any_memory_are_answered(
        calls in calls(),
        fill in proptest::collection::vec(any::<u8>(), 1..300),
        input in proptest::collection::vec(any::<u8>(), 0..50),
    ) {
        let quota = Quota { max_bytes: 1 << 20, max_files: 50 };
        let fs = Some(Box::new(MemoryFs::with_quota(quota)) as Box<_>);
        let mut guest = Direct::with(fs, Limits { stdout_bytes: 1000, ..Limits::default() });
        guest.state.write_stdin(&input);
        guest.memory = fill.iter().copied().cycle().take(1 << 16).collect();
        for (row, args) in calls {
            let row = &wasi::table()[row];
            let args: Vec<_> = row.params.iter().zip(args).map(|(ty, arg)| value(*ty, arg)).collect();
            let mut memory = GuestMemory::new(&mut guest.memory);
            let _answer = (row.run)(&mut guest.state, &mut memory, &*guest.platform, &args);
            prop_assert!(guest.state.stdout_len() <= 1000);
            prop_assert!(guest.state.take_charge() < 40_000_000, "{}", row.name);
        }
        let (usage, quota) = guest.state.storage().expect("there are files");
        prop_assert!(usage.bytes <= quota.max_bytes && usage.files <= quota.max_files);
    }

    #[test]
    fn a_guest_without_memory_and_files_is_answered_too(calls in calls()) {
        let mut guest = Direct::with(None, Limits::default());
        for (row, args) in calls {
            let row = &wasi::table()[row];
            let args: Vec<_> = row.params.iter().zip(args).map(|(ty, arg)| value(*ty, arg)).collect();
            let mut memory = GuestMemory::new(&mut []);
            let _answer = (row.run)(&mut guest.state, &mut memory, &*guest.platform, &args);
        }
    }
}

fn succeeded() -> WasiResult {
    WasiResult::Errno(Errno::Success)
}

#[test]
fn random_of_the_whole_memory_is_filled_in_turns() {
    let mut guest = Direct::new();
    guest.memory = vec![0; 5 << 20];
    let pause = WasiResult::Suspend(WasiWait {
        stdin: false,
        until: Some(std::time::Duration::from_secs(10)),
    });
    let mut turns = 1;
    let mut answer = guest.call("random_get", &[7, (5 << 20) - 7]);
    while answer == pause {
        assert!(guest.state.take_charge() > 0);
        turns += 1;
        answer = guest.again();
    }
    assert_eq!((answer, turns), (succeeded(), 5));
    assert!(guest.memory[7..].iter().all(|byte| *byte != 0), "no byte was left out");
    assert!(guest.memory[..7].iter().all(|byte| *byte == 0));
}

#[test]
fn a_flood_on_stdout_rests_until_the_host_takes_some() {
    let limits = Limits { stdout_bytes: 1000, ..Limits::default() };
    let mut guest = Direct::with(None, limits);
    guest.write(1024, &[0, 0, 0, 0, 0x58, 2, 0, 0]);
    let write = |guest: &mut Direct| {
        let answer = guest.call("fd_write", &[1, 1024, 1, 2048]);
        (answer, u32::from_le_bytes(guest.read(2048, 4).try_into().expect("four")))
    };
    assert_eq!(write(&mut guest), (succeeded(), 600));
    assert_eq!(write(&mut guest), (succeeded(), 400));
    let (answer, _) = write(&mut guest);
    assert!(matches!(answer, WasiResult::Suspend(WasiWait { stdin: false, until: Some(_) })));
    assert_eq!(guest.take_stdout().len(), 1000);
    assert_eq!(guest.again(), succeeded());
    assert_eq!(guest.take_stdout().len(), 600);
}

#[test]
fn a_flood_on_stdout_that_is_log_is_cut_as_the_log_is() {
    let mut config = support::direct::config(None, Limits::default());
    config.stdout = StdoutTo::Log;
    let mut guest = Direct::new();
    guest.state = WasiState::new(config);
    guest.memory = vec![b'x'; 1 << 20];
    guest.write(0, &[64, 0, 0, 0, 0xc0, 0xff, 0xf, 0]);
    for fill in [b'x', b'\n', b'x'] {
        guest.memory[64..].fill(fill);
        for _ in 0..4 {
            assert_eq!(guest.call("fd_write", &[1, 0, 1, 32]), succeeded());
        }
    }
    assert!(guest.state.take_stdout().is_empty());
    let log = guest.state.take_log();
    assert!(log.len() < 210, "{} lines", log.len());
    assert!(log[0].text.ends_with("(4185856 bytes cut)"), "{}", log[0].text.len());
    assert_eq!(log[0].level, Level::Debug);
    guest.state.finish_log();
    assert!(guest.state.take_log().iter().all(|line| line.text.len() < 9000));
}

#[test]
fn a_gigabyte_on_stderr_leaves_a_bounded_log_and_a_count() {
    let mut guest = Direct::new();
    guest.memory = vec![b'\n'; 1 << 20];
    guest.memory[1 << 19..].fill(b'x');
    guest.write(0, &[64, 0, 0, 0, 0xc0, 0xff, 0xf, 0]);
    for _ in 0..4 {
        assert_eq!(guest.call("fd_write", &[2, 0, 1, 32]), succeeded());
    }
    assert!(guest.state.take_charge() > 200_000, "the bytes are paid for");
    guest.state.finish_log();
    let log = guest.state.take_log();
    assert!(log.len() < 210, "{} lines", log.len());
    assert!(log.iter().all(|line| line.text.len() < 9000));
}

#[test]
fn a_clock_that_goes_backwards_is_not_shown() {
    let mut guest = Direct::new();
    let now = |guest: &mut Direct| {
        assert_eq!(guest.call("clock_time_get", &[1, 0, 1024]), succeeded());
        u64::from_le_bytes(guest.read(1024, 8).try_into().expect("eight"))
    };
    assert_eq!(now(&mut guest), 10_000_000_000);
    guest.platform.set_monotonic_ms(3);
    assert_eq!(now(&mut guest), 10_000_000_000);
    guest.platform.set_monotonic_ms(10_001);
    assert_eq!(now(&mut guest), 10_001_000_000);
}

#[test]
fn open_files_are_limited() {
    let limits = Limits { open_files: 10, ..Limits::default() };
    let mut guest = Direct::with(Some(Box::new(MemoryFs::new())), limits);
    guest.write(1024, b"data/f");
    let open = [3, 0, 1024, 6, 1, 66, 0, 0, 2048];
    for fd in 4..10 {
        assert_eq!(guest.call("path_open", &open), succeeded());
        assert_eq!(guest.read(2048, 1), [fd]);
    }
    assert_eq!(guest.call("path_open", &open), WasiResult::Errno(Errno::Mfile));
    assert_eq!(guest.call("fd_close", &[5]), succeeded());
    assert_eq!(guest.call("path_open", &open), succeeded());
    assert_eq!(guest.read(2048, 1), [5], "the lowest free number");
}

#[test]
fn a_nested_call_that_gave_up_leaves_no_old_deadline() {
    let mut guest = Direct::new();
    let mut subscription = [0; 48];
    subscription[16] = 1;
    subscription[24..32].copy_from_slice(&50_000_000_u64.to_le_bytes());
    guest.write(1024, &subscription);
    guest.write(8192, &[0, 0, 0, 0, 1, 0, 0, 0]);
    let sleep = [1024, 2048, 1, 4096];
    let until = |answer: WasiResult| match answer {
        WasiResult::Suspend(wait) => wait.until.expect("a time").as_millis(),
        other => panic!("{other:?}"),
    };
    assert_eq!(until(guest.call("poll_oneoff", &sleep)), 10_050);
    // A read that waits remembers nothing, so nothing of the sleep is forgotten.
    assert!(matches!(guest.call("fd_read", &[0, 8192, 1, 2048]), WasiResult::Suspend(_)));
    guest.state.abandon_call();
    guest.advance_ms(10);
    assert_eq!(until(guest.call("poll_oneoff", &sleep)), 10_050);
    guest.state.abandon_call();
    guest.advance_ms(30);
    assert_eq!(until(guest.call("poll_oneoff", &sleep)), 10_090);
}

#[test]
fn files_come_back_when_the_guest_is_gone() {
    let mut guest = Direct::new();
    guest.write(1024, b"data/f");
    assert_eq!(guest.call("path_open", &[3, 0, 1024, 6, 1, 66, 0, 0, 2048]), succeeded());
    let fs = guest.state.take_fs().expect("there were files");
    assert_eq!(fs.usage().files, 4);
    assert_eq!(guest.call("fd_close", &[3]), WasiResult::Errno(Errno::Badf));
    assert!(guest.state.take_fs().is_none());
}
