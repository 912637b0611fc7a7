//! A network of a test's own: broadcast, multicast and 172.31.0.0/16 without touching anybody's.
//!
//! The test runs itself again in a new network namespace of Linux, whose only interface is loopback:
//! as root, else as root of a user namespace of its own. Where neither is permitted, or `unshare` or
//! `ip` is missing, the test says so and shows nothing; with `CI` set that is a failure.

use std::process::Command;

/// Marks the process inside.
const INSIDE: &str = "SIGNALK_TEST_NAMESPACE";

/// 172.31.0.1 on loopback, with broadcast; groups of IPv4 by it, of IPv6 by `ff15::/16` if there is IPv6.
const SETUP: &str = "ip link set lo up && ip link set lo multicast on \
    && ip addr add 172.31.0.1/16 dev lo brd 172.31.255.255 \
    && ip route add 224.0.0.0/4 dev lo && (ip -6 route add local ff15::/16 dev lo || true) \
    && exec \"$0\" \"$@\"";

/// Whether the caller is inside. If not, its test (by its whole name) has been run there, or skipped.
pub(crate) fn inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let Some(way) = ["-n", "-rn"].into_iter().find(|way| is_permitted(way)) else {
        let why = "neither `unshare -n` nor `unshare -rn` with `ip` works here";
        assert!(!in_ci(), "{test}: {why}; install util-linux and iproute2, and permit namespaces");
        eprintln!("SKIPPED: {test}: {why}");
        return false;
    };
    let own = std::env::current_exe().unwrap();
    let status = enter(way)
        .arg(own)
        .args([test, "--exact", "--nocapture", "--include-ignored"])
        .env(INSIDE, "1")
        .status()
        .unwrap();
    assert!(status.success(), "{test} failed in its namespace");
    false
}

/// Whether there is IPv6 inside. If not, that is said, and with `CI` set a failure: else nobody would know that a test
/// of it has never run.
pub(crate) fn has_ipv6(test: &str) -> bool {
    let Err(error) = std::net::UdpSocket::bind("[::1]:0") else { return true };
    assert!(!in_ci(), "{test}: no IPv6 here: {error}; permit it, also on loopback");
    eprintln!("SKIPPED: {test}: no IPv6 here: {error}");
    false
}

fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|ci| !ci.is_empty())
}

fn is_permitted(way: &str) -> bool {
    enter(way).arg("true").output().is_ok_and(|output| output.status.success())
}

/// What is added as arguments runs in a new namespace.
fn enter(way: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args([way, "--", "sh", "-c", SETUP]);
    command
}
