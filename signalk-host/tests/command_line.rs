//! What a person sees who starts and stops the program, also when something is wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{fs, net::TcpListener};

use common::{Host, command, http};

#[test]
fn it_starts_answers_and_stops_in_good_order() {
    let mut host = Host::start(&[]);
    let discovery = host.json("/signalk");
    let url = format!("http://{}/signalk/v1/api/", host.address);
    assert_eq!(discovery["endpoints"]["v1"]["signalk-http"], url.as_str());
    host.signal("TERM");
    assert_eq!(host.wait().code(), Some(0), "{}", host.log());
    host.logged("stopped");
}

#[test]
fn the_root_leads_to_the_page_and_the_page_is_complete() {
    let host = Host::start(&[]);
    let root = host.get("/");
    assert_eq!(root.status, 302);
    assert!(root.head.contains("location: /admin/"), "{}", root.head);
    assert_eq!(host.get("/admin").status, 301);
    let page = host.get("/admin/");
    assert_eq!(page.status, 200);
    assert!(page.head.contains("content-type: text/html; charset=utf-8"), "{}", page.head);
    let page_text = String::from_utf8(page.body).unwrap();
    let named =
        page_text.split(['"', '\'']).filter(|text| text.ends_with(".js") || text.ends_with(".css"));
    let mut files = 0;
    for file in named {
        assert_eq!(
            host.get(&format!("/admin/{}", file.trim_start_matches("./"))).status,
            200,
            "{file}"
        );
        files += 1;
    }
    assert!(files >= 2, "{page_text}");
    assert_eq!(host.get("/admin/none.js").status, 404);

    let tag = page.head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let again = http(&host.address, "GET", "/admin/", &[&format!("If-None-Match: {tag}")], b"");
    assert_eq!((again.status, again.body.len()), (304, 0));
}

#[test]
fn a_large_answer_is_compressed_and_a_small_one_is_not() {
    let host = Host::start(&[]);
    let accept = &["Accept-Encoding: gzip"];
    let page = http(&host.address, "GET", "/admin/style.css", accept, b"");
    assert!(page.head.contains("content-encoding: gzip"), "{}", page.head);
    let small = http(&host.address, "GET", "/signalk", accept, b"");
    assert!(!small.head.contains("content-encoding"), "{}", small.head);
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let host = Host::start(&[]);
    let body = vec![b'x'; (10 << 20) + 1];
    let answer = http(&host.address, "PUT", "/signalk/v1/api/vessels/self/a/b", &[], &body);
    assert_eq!(answer.status, 413);
    assert_eq!(host.get("/signalk").status, 200);
}

#[test]
fn a_port_in_use_is_named_with_the_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let dir = tempfile::tempdir().unwrap();
    let output =
        command(&["--port", &port, "--config", dir.path().to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains(&format!("port {port}")) && error.contains("--port"), "{error}");
}

#[test]
fn a_configuration_directory_that_is_a_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config");
    fs::write(&file, "").unwrap();
    let output = command(&["--port", "0", "--config", file.to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("this is a file") && error.contains("--config"), "{error}");
}

#[test]
fn a_wrong_option_is_a_usage_error() {
    for args in [
        &["--port", "99999"][..],
        &["--nmea0183", "ftp://x"],
        &["--nmea0183", "file:x?pace=2"],
        &["sail"],
    ] {
        let output = command(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn help_shows_examples() {
    let output = command(&["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for part in [
        "Examples:",
        "signalk-host --demo",
        "tcp://HOST:PORT",
        "SIGNALK_NODE_CONFIG_DIR",
        "DISABLEPLUGINS",
    ] {
        assert!(help.contains(part), "{part}:\n{help}");
    }
    assert!(command(&["version"]).output().unwrap().stdout.starts_with(b"signalk-host "));
}

#[test]
fn the_variables_of_the_reference_are_honoured() {
    let port = common::free_port().to_string();
    let host = Host::start_with(&[], &[("NMEA0183PORT", &port)], |_| {});
    host.logged(&format!("tcp-listen://:{port}"));
}

#[test]
fn broken_files_in_the_directory_are_named_and_the_server_goes_on() {
    let host = Host::start_with(&["--plugin", "nowhere/at-all"], &[], |dir| {
        fs::create_dir(dir.join("settings.json")).unwrap();
        fs::write(dir.join("baseDeltas.json"), "[{").unwrap();
        fs::write(dir.join("node_modules"), "not a folder").unwrap();
    });
    assert_eq!(host.get("/signalk").status, 200);
    for part in [
        "settings.json: cannot be read",
        "baseDeltas.json",
        "node_modules: cannot be read",
        "nowhere/at-all: there is no such folder",
    ] {
        host.logged(part);
    }
}
