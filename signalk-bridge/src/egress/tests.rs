//! The rules as tables: what wins over what, and what is not understood.

use super::*;
use serde_json::json;

fn allows(egress: &Egress, to: &str) -> bool {
    egress.check_address(to.parse().unwrap()).is_ok()
}

#[test]
fn the_computers_own_addresses_are_closed_and_the_world_is_open() {
    let egress = Egress::default();
    for (to, open) in [
        ("127.0.0.1:80", false),
        ("127.8.8.8:80", false),
        ("[::1]:80", false),
        ("[::ffff:127.0.0.1]:80", false),
        ("169.254.169.254:80", false),
        ("[fe80::1]:80", false),
        ("0.0.0.0:80", false),
        ("192.168.1.5:80", true),
        ("172.31.255.255:10010", true),
        ("236.6.7.8:10024", true),
        ("[2001:db8::1]:443", true),
    ] {
        assert_eq!(allows(&egress, to), open, "{to}");
    }
}

#[test]
fn a_denial_wins_over_a_permission_and_that_over_the_default() {
    let rules = json!({ "allow": ["127.0.0.1:8080", "10.0.0.0/8", "fe80::/10"], "deny": ["10.1.0.0/16", "8.8.8.8"] });
    let (egress, complaints) = Egress::read(&rules);
    assert_eq!(complaints, Vec::<String>::new());
    for (to, open) in [
        ("127.0.0.1:8080", true),
        ("127.0.0.1:8081", false),
        ("10.2.0.1:1", true),
        ("10.1.2.3:1", false),
        ("[fe80::7]:1", true),
        ("8.8.8.8:53", false),
        ("8.8.4.4:53", true),
    ] {
        assert_eq!(allows(&egress, to), open, "{to}");
    }
    assert!(allows(&Egress::open(), "127.0.0.1:1") && allows(&Egress::open(), "[::1]:1"));
}

#[test]
fn a_rule_may_be_written_in_the_mapped_form() {
    let rules = json!({ "allow": ["[::ffff:127.0.0.1]:8080"], "deny": ["::ffff:10.0.0.1", "::ffff:10.7.0.0/112"] });
    let (egress, complaints) = Egress::read(&rules);
    assert_eq!(complaints, Vec::<String>::new());
    for (to, open) in [
        ("10.0.0.1:80", false),
        ("[::ffff:10.0.0.1]:80", false),
        ("10.0.0.2:80", true),
        ("10.7.200.1:80", false),
        ("10.8.0.1:80", true),
        ("127.0.0.1:8080", true),
    ] {
        assert_eq!(allows(&egress, to), open, "{to}");
    }
}

/// `tcp://host:port`, as a destination.
fn asks(egress: &Egress, url: &str) -> Result<(), Refused> {
    let (scheme, to) = url.split_once("://").unwrap();
    let scheme = Scheme::ALL.into_iter().find(|known| known.name() == scheme).unwrap();
    if let Ok(address) = to.parse() {
        return egress.check(scheme, Destination::Address(address));
    }
    let (name, port) = to.rsplit_once(':').unwrap();
    egress.check(scheme, Destination::Name(name, port.parse().unwrap()))
}

#[test]
fn f61_with_a_list_nothing_else_is_reached() {
    for (list, reached, refused) in [
        (
            "api.example.org",
            &["https://api.example.org:443", "udp://API.example.org.:9"][..],
            &[
                "https://example.org:443",
                "https://xapi.example.org:443",
                "tcp://api.example.org.evil.com:1",
            ][..],
        ),
        (
            "api.example.org:443",
            &["https://api.example.org:443", "tls://api.example.org:443"],
            &["http://api.example.org:80"],
        ),
        (
            "https://tiles.example.org",
            &["https://tiles.example.org:443"],
            &[
                "https://tiles.example.org:8443",
                "wss://tiles.example.org:443",
                "tcp://tiles.example.org:443",
                "http://tiles.example.org:80",
            ],
        ),
        (
            "HTTPS://Tiles.example.org:8443/",
            &["https://tiles.example.org:8443"],
            &["https://tiles.example.org:443"],
        ),
        (
            "tls://pilot.local",
            &["tls://pilot.local:1", "tls://pilot.local:2"],
            &["tcp://pilot.local:1"],
        ),
        (
            "*.example.org",
            &["ws://a.example.org:80", "ws://a.b.example.org:80"],
            &["ws://example.org:80", "ws://.example.org:80", "ws://aexample.org:80"],
        ),
        ("*:443", &["https://a.b:443", "https://10.0.0.1:443"], &["https://a.b:444"]),
        ("wss://*", &["wss://a.b:443"], &["ws://a.b:80", "wss://a.b:80"]),
        (
            "192.168.1.0/24:10110",
            &["tcp://192.168.1.7:10110", "udp://192.168.1.255:10110"],
            &["tcp://192.168.1.7:10111", "tcp://192.168.2.7:10110", "tcp://pilot.local:10110"],
        ),
        (
            "192.168.1.7",
            &["tcp://192.168.1.7:1", "http://192.168.1.7:80"],
            &["tcp://192.168.1.8:1", "tcp://[::1]:1"],
        ),
        (
            "http://192.168.1.7",
            &["http://192.168.1.7:80"],
            &["http://192.168.1.7:81", "udp://192.168.1.7:80"],
        ),
        ("[2001:db8::1]:80", &["http://[2001:db8::1]:80"], &["http://[2001:db8::2]:80"]),
        ("https://[2001:db8::1]", &["https://[2001:db8::1]:443"], &["https://[2001:db8::1]:80"]),
    ] {
        let (egress, complaints) = Egress::read(&json!({ "only": [list] }));
        assert_eq!(complaints, Vec::<String>::new());
        for url in reached {
            assert_eq!(asks(&egress, url), Ok(()), "{list}: {url}");
        }
        for url in refused {
            let text = asks(&egress, url).expect_err(url).to_string();
            assert!(text.contains(url) && text.contains("`only`"), "{list}: {text}");
        }
    }
}

#[test]
fn f61_being_listed_opens_no_address_that_is_closed() {
    let rules =
        json!({ "only": ["pilot.local", "127.0.0.1:8080", "10.0.0.0/8"], "deny": ["10.1.0.0/16"] });
    let (egress, _) = Egress::read(&rules);
    assert_eq!(asks(&egress, "tcp://pilot.local:1"), Ok(()));
    assert_eq!(asks(&egress, "tcp://127.0.0.1:8080"), Ok(()));
    assert!(!allows(&egress, "127.0.0.1:8080") && !allows(&egress, "10.1.2.3:1"));
    assert!(allows(&egress, "10.2.3.4:1"));
    // And what is allowed still has to be listed.
    let (egress, _) = Egress::read(&json!({ "only": [], "allow": ["127.0.0.1"] }));
    assert!(allows(&egress, "127.0.0.1:1") && asks(&egress, "tcp://127.0.0.1:1").is_err());
}

#[test]
fn f61_the_owners_list_stands_in_place_of_the_packages() {
    let plugin = PluginId::from_package("@a/b");
    let declared = ["api.example.org".to_owned(), "no way".to_owned()];
    let options = |egress: Value| Map::from_iter([("egress".to_owned(), egress)]);
    let (egress, complaints) = Egress::of(&plugin, &Map::new(), Some(&declared));
    assert_eq!(complaints.len(), 1);
    assert!(complaints[0].starts_with("signalk.wasmEgress: `no way` is no destination"));
    assert_eq!(asks(&egress, "https://api.example.org:443"), Ok(()));
    let text = asks(&egress, "https://other.example.org:443").unwrap_err().to_string();
    assert_eq!(
        text,
        "https://other.example.org:443 is not among the hosts that the plugin's package declares (`signalk.wasmEgress` in its package.json); add it there, or the owner permits it with \"egress\": {\"only\": [\"other.example.org:443\"]} in plugin-config-data/_a_b.json"
    );
    let owners = options(json!({ "only": ["other.example.org"] }));
    let (egress, complaints) = Egress::of(&plugin, &owners, Some(&declared));
    assert_eq!(complaints, Vec::<String>::new());
    assert!(asks(&egress, "https://api.example.org:443").is_err());
    assert_eq!(asks(&egress, "https://other.example.org:443"), Ok(()));
    // Rules about addresses do not lift the package's list.
    let owners = options(json!({ "allow": ["127.0.0.1"] }));
    let (egress, _) = Egress::of(&plugin, &owners, Some(&declared));
    assert!(asks(&egress, "tcp://127.0.0.1:1").is_err());
    let (egress, _) = Egress::of(&plugin, &Map::new(), None);
    assert_eq!(asks(&egress, "tcp://1.2.3.4:1"), Ok(()));
}

#[test]
fn f56_plugins_listen_on_loopback_and_where_the_owner_says() {
    for (rules, open, closed) in [
        (
            json!([]),
            &["127.0.0.1:0", "127.0.0.9:80", "[::1]:9"][..],
            &["0.0.0.0:0", "[::]:9", "192.168.1.5:9"][..],
        ),
        (
            json!(["0.0.0.0:10111"]),
            &["0.0.0.0:10111", "192.168.1.5:10111"],
            &["0.0.0.0:10112", "[::]:10111", "0.0.0.0:0"],
        ),
        (
            json!(["192.168.1.5"]),
            &["192.168.1.5:0", "192.168.1.5:9"],
            &["0.0.0.0:9", "192.168.1.6:9"],
        ),
        (json!(["[::]:9"]), &["[::]:9", "[2001:db8::1]:9"], &["0.0.0.0:9"]),
    ] {
        let options = Map::from_iter([("listen".to_owned(), rules)]);
        let (egress, complaints) = Egress::of(&PluginId::from_package("p"), &options, None);
        assert_eq!(complaints, Vec::<String>::new());
        let check = |at: &str| egress.check_listen(at.parse().unwrap());
        assert!(open.iter().all(|at| check(at).is_ok()), "{options:?}");
        for at in closed {
            let text = check(at).unwrap_err().to_string();
            assert_eq!(
                text,
                format!(
                    "plugins listen on loopback addresses, not on {at}; the owner permits it with \"listen\": [\"{at}\"] in plugin-config-data/p.json"
                )
            );
        }
    }
    let options = Map::from_iter([("listen".to_owned(), json!(["everywhere"]))]);
    let (_, complaints) = Egress::of(&PluginId::from_package("p"), &options, None);
    assert!(complaints[0].starts_with("listen: `everywhere` is no address"));
}

#[test]
fn each_refusal_names_address_rule_and_remedy() {
    let plugin = PluginId::from_package("p");
    let rules = json!({ "only": ["a.b"], "deny": ["10.0.0.0/8:80"] });
    let options = Map::from_iter([("egress".to_owned(), rules)]);
    let (egress, _) = Egress::of(&plugin, &options, None);
    let denied = |to: &str| egress.check_address(to.parse().unwrap()).unwrap_err().to_string();
    assert_eq!(
        asks(&egress, "udp://10.0.0.1:9").unwrap_err().to_string(),
        "udp://10.0.0.1:9 is not in the list `only` of \"egress\"; the owner permits it by adding \"10.0.0.1:9\" there, in plugin-config-data/p.json"
    );
    assert_eq!(
        denied("10.1.1.1:80"),
        "10.1.1.1:80 is closed to plugins by \"10.0.0.0/8:80\" in `deny` of \"egress\"; the owner opens it by taking that out of plugin-config-data/p.json"
    );
    assert_eq!(
        denied("[::1]:80"),
        "[::1]:80 is closed to plugins; the owner opens it with \"egress\": {\"allow\": [\"[::1]:80\"]} in plugin-config-data/p.json"
    );
}

#[test]
fn what_is_not_understood_is_said_and_opens_nothing() {
    let (egress, complaints) = Egress::read(&json!({ "allow": ["localhost", "10.0.0.0/33", 7] }));
    assert_eq!(complaints.len(), 3);
    assert!(complaints.iter().any(|text| text.contains("`localhost` is no address")));
    assert_eq!(egress, Egress::default());
    assert!(Egress::read(&json!("all")).1[0].starts_with("egress: "));
    let (_, complaints) = Egress::read(&json!({ "onyl": ["a.b"] }));
    assert!(complaints[0].starts_with("egress: `onyl` is not known; expected {\"only\""));
    for bad in [
        "",
        "*",
        "gopher://a.b",
        "a b",
        "a..b",
        "*.*.b",
        "a.*",
        "127.1",
        "0x7f.1",
        "2130706433",
        "a.b:x",
        "a.b:65536",
        "https://a.b/path",
        "user@a.b",
        "\u{e4}.de",
        "10.0.0.0/33",
        "://a",
    ] {
        let (egress, complaints) = Egress::read(&json!({ "only": [bad] }));
        assert_eq!(complaints.len(), usize::from(bad != "*"), "{bad}");
        assert_eq!(asks(&egress, "tcp://a.b:1").is_ok(), bad == "*", "{bad}");
    }
    // Who writes something else than a list meant to close.
    for bad in [json!("a.b"), json!(null), json!({})] {
        let (egress, complaints) = Egress::read(&json!({ "only": bad }));
        assert!(complaints[0].starts_with("egress.only: ") && complaints.len() == 1);
        assert!(asks(&egress, "tcp://a.b:1").is_err());
    }
}

/// F61: one word closes the boat's network to a plugin that has business on the internet only.
#[test]
fn a_word_denies_the_private_nets() {
    let (egress, complaints) = Egress::read(&json!({ "deny": ["private", "8.8.8.8"] }));
    assert_eq!(complaints, [""; 0]);
    let open = |text: &str| egress.check_address(text.parse().unwrap()).is_ok();
    for closed in [
        "10.1.2.3:80",
        "172.16.0.1:80",
        "172.31.255.255:80",
        "192.168.1.1:1",
        "[fd00::1]:80",
        "[::ffff:192.168.1.1]:80",
        "8.8.8.8:53",
    ] {
        assert!(!open(closed), "{closed}");
    }
    for reached in ["172.32.0.1:80", "192.169.0.1:80", "1.1.1.1:53", "[2001:db8::1]:80"] {
        assert!(open(reached), "{reached}");
    }
    for member in ["allow", "only"] {
        let (_, complaints) = Egress::read(&json!({ member: ["private"] }));
        assert_eq!(complaints.len(), usize::from(member == "allow"), "{complaints:?}");
    }
}
