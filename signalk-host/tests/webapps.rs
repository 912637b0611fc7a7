//! Web pages of packages, from real folders: what is served, and what never is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{fs, path::Path};

use common::{Host, eventually, http};
use serde_json::{Value, json};

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A chart app with `public`, an app without it, a plugin with files, a library.
fn install(config: &Path) {
    let modules = config.join("node_modules");
    let package = |name: &str, more: Value| {
        let mut package =
            json!({ "name": name, "version": "1.0.0", "keywords": ["signalk-webapp"] });
        package.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        write(&modules.join(name), "package.json", package.to_string().as_bytes());
        modules.join(name)
    };
    let chart = package("@signalk/chart", json!({ "signalk": { "displayName": "Chart" } }));
    write(&chart, "public/index.html", b"<h1>chart</h1>");
    write(&chart, "public/a b/index.html", b"inner");
    write(&chart, "public/app.js", b"plain script");
    write(&chart, "public/app.js.gz", b"pretend gzip");
    write(&chart, "public/big.bin", &(0..=255).cycle().take(300_000).collect::<Vec<u8>>());
    write(&chart, "public/.hidden", b"secret");
    write(&chart, "inside.txt", b"inside the package");
    write(config, "outside.txt", b"secret");
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink("../inside.txt", chart.join("public/in.txt")).unwrap();
        symlink(config.join("outside.txt"), chart.join("public/absolute.txt")).unwrap();
        symlink("../../../../outside.txt", chart.join("public/up.txt")).unwrap();
        symlink(config, chart.join("public/folder")).unwrap();
    }
    write(&package("bare", json!({})), "index.html", b"bare");
    write(&package("library", json!({ "keywords": [] })), "index.html", b"library");
    let plugin = package(
        "files",
        json!({ "keywords": ["signalk-wasm-plugin"], "wasmManifest": "p.wasm",
                "wasmCapabilities": { "staticFiles": true }, "signalk-plugin-enabled-by-default": true }),
    );
    write(&plugin, "public/view.html", b"view");
    write(&plugin, "p.wasm", b"none");
    let off = package(
        "off",
        json!({ "keywords": ["signalk-webapp", "signalk-wasm-plugin"], "wasmManifest": "p.wasm" }),
    );
    write(&off, "public/index.html", b"off");
}

fn started() -> Host {
    let host = Host::start_with(&[], &[], install);
    eventually(
        "the packages",
        || host.json("/skServer/webapps").as_array().filter(|apps| !apps.is_empty()).map(|_| ()),
        || host.log(),
    );
    host
}

fn get(host: &Host, path: &str, headers: &[&str]) -> (u16, String, Vec<u8>) {
    let response = http(&host.address, "GET", path, headers, b"");
    (response.status, response.head, response.body)
}

#[test]
fn pages_are_served_below_the_name_of_their_package() {
    let host = started();
    let (status, head, body) = get(&host, "/@signalk/chart/", &[]);
    assert_eq!((status, body.as_slice()), (200, b"<h1>chart</h1>".as_slice()));
    for line in [
        "content-type: text/html; charset=utf-8",
        "cache-control: public, max-age=0",
        "etag: w/\"e-",
    ] {
        assert!(head.contains(line), "{line}: {head}");
    }
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: w/")).unwrap();
    let known = format!("If-None-Match: W/{tag}");
    assert_eq!(get(&host, "/@signalk/chart/", &[&known]).0, 304);

    let (status, head, _) = get(&host, "/@signalk/chart", &[]);
    assert!(status == 301 && head.contains("location: /@signalk/chart/"), "{head}");
    assert_eq!(get(&host, "/@signalk/chart/a%20b/", &[]).2, b"inner");
    let (status, head, _) = get(&host, "/@signalk/chart/a%20b", &[]);
    assert!(status == 301 && head.contains("location: /@signalk/chart/a%20b/"), "{head}");
    assert_eq!(get(&host, "/bare/", &[]).2, b"bare");
    assert_eq!(get(&host, "/library/", &[]).0, 404);
    assert_eq!(http(&host.address, "POST", "/bare/", &[], b"").status, 404);

    let apps = host.json("/skServer/webapps");
    let names: Vec<_> =
        apps.as_array().unwrap().iter().map(|app| app["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["@signalk/chart", "bare"], "a disabled plugin's page is not listed");
    assert_eq!(apps[0]["signalk"]["displayName"], "Chart");
    assert_eq!(host.json("/signalk/v1/apps/list")[0]["location"], "/@signalk/chart/");
    assert_eq!(host.json("/skServer/addons"), json!([]));
}

#[test]
fn ranges_and_compressed_neighbours_are_sent_as_asked_for() {
    let host = started();
    let whole: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let (status, head, body) = get(&host, "/@signalk/chart/big.bin", &[]);
    assert!(status == 200 && body == whole, "{head}");
    let (status, head, body) = get(
        &host,
        "/@signalk/chart/big.bin",
        &["Range: bytes=250000-250099", "Accept-Encoding: gzip"],
    );
    assert_eq!((status, body.as_slice()), (206, &whole[250_000..250_100]));
    assert!(head.contains("content-range: bytes 250000-250099/300000"), "{head}");
    let (status, head, body) = get(&host, "/@signalk/chart/app.js", &["Accept-Encoding: gzip, br"]);
    assert_eq!((status, body.as_slice()), (200, b"pretend gzip".as_slice()));
    assert!(head.contains("content-encoding: gzip") && head.contains("text/javascript"), "{head}");
    assert_eq!(get(&host, "/@signalk/chart/app.js", &[]).2, b"plain script");
}

#[cfg(unix)]
#[test]
fn no_path_and_no_link_leads_out_of_a_package() {
    let host = Host::start_with(&[], &[], |config| {
        install(config);
        // Its `public` leads out of it, which does not make all of it public.
        let linked = config.join("node_modules/linked");
        write(&linked, "package.json", br#"{"name":"linked","keywords":["signalk-webapp"]}"#);
        write(config, "dist/index.html", b"dist");
        std::os::unix::fs::symlink("../../dist", linked.join("public")).unwrap();
    });
    eventually(
        "the packages",
        || host.json("/skServer/webapps").as_array().filter(|apps| apps.len() == 3).map(|_| ()),
        || host.log(),
    );
    assert_eq!(get(&host, "/linked/", &[]).0, 404);
    assert_eq!(get(&host, "/linked/package.json", &[]).0, 404);
    assert_eq!(get(&host, "/bare/package.json", &[]).0, 200, "what it would have been");
    assert_eq!(get(&host, "/@signalk/chart/in.txt", &[]).2, b"inside the package");
    for path in [
        "absolute.txt",
        "up.txt",
        "folder/outside.txt",
        "folder/settings.json",
        ".hidden",
        "../package.json",
        "..%2fpackage.json",
        "%2e%2e/package.json",
        "a%20b/../../package.json",
        "..%5cpackage.json",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "app.js%00",
    ] {
        let (status, _, body) = get(&host, &format!("/@signalk/chart/{path}"), &[]);
        assert_eq!(status, 404, "{path}: {}", String::from_utf8_lossy(&body));
    }
}

/// Documents promise `public` below `/plugins/{id}/`; the address itself stays the plugin's information.
#[test]
fn w45_a_plugins_public_folder_is_below_its_own_address() {
    let host = started();
    assert_eq!(get(&host, "/plugins/files/view.html", &[]).2, b"view");
    assert_eq!(get(&host, "/skServer/plugins/files/view.html", &[]).2, b"view");
    assert_eq!(host.json("/plugins/files/")["id"], "files");
    for path in [
        "/plugins/files/p.wasm",
        "/plugins/files/../p.wasm",
        "/files/view.html",
        "/plugins/off/index.html",
    ] {
        assert_eq!(get(&host, path, &[]).0, 404, "{path}");
    }
}
