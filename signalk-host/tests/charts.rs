//! Charts over real HTTP: MBTiles and PMTiles files that the test itself writes, damaged ones between them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::{fs, io::Read, path::Path};

use common::{Host, http};
use pmtiles::{PmTilesWriter, TileCoord, TileType};
use serde_json::{Value, json};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n a picture of the sea";
const VECTOR: &[u8] =
    b"\x1a\x05layer of a vector tile, of which there is enough to make compressing worth while";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut zipped = Vec::new();
    let level = flate2::Compression::default();
    flate2::read::GzEncoder::new(bytes, level).read_to_end(&mut zipped).unwrap();
    zipped
}

/// Rows are counted from the south: tile 2/1/1 lies in row 2.
fn mbtiles(path: &Path, metadata: &[(&str, &str)], tiles: &[(u8, u32, u32, &[u8])]) {
    let database = rusqlite::Connection::open(path).unwrap();
    database
        .execute_batch(
            "CREATE TABLE metadata (name text, value text);
             CREATE TABLE tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob);
             CREATE UNIQUE INDEX tile_index ON tiles (zoom_level, tile_column, tile_row);",
        )
        .unwrap();
    for row in metadata {
        database.execute("INSERT INTO metadata VALUES (?1, ?2)", *row).unwrap();
    }
    for tile in tiles {
        database.execute("INSERT INTO tiles VALUES (?1, ?2, ?3, ?4)", *tile).unwrap();
    }
}

fn pmtiles(path: &Path, count: u32) {
    let writer = PmTilesWriter::new(TileType::Mvt)
        .min_zoom(8)
        .max_zoom(8)
        .bounds(20.0, 59.0, 25.0, 61.0)
        .metadata(r#"{"name":"Depths","description":"of the sea","vector_layers":[{"id":"depth"},{"id":"rocks"}]}"#);
    let mut writer = writer.create(fs::File::create(path).unwrap()).unwrap();
    for n in 0..count {
        let tile = TileCoord::new(8, n % 256, n / 256).unwrap();
        writer
            .add_tile(tile, format!("{}{n}", String::from_utf8_lossy(VECTOR)).as_bytes())
            .unwrap();
    }
    writer.finalize().unwrap();
}

fn fill(dir: &Path) {
    let charts = dir.join("charts/baltic");
    fs::create_dir_all(&charts).unwrap();
    let described = [
        ("name", "Harbour"),
        ("format", "png"),
        ("bounds", "24.5,60.0,25.5,60.5"),
        ("minzoom", "2"),
        ("maxzoom", "3"),
        ("scale", "12000"),
    ];
    mbtiles(&charts.join("harbour.mbtiles"), &described, &[(2, 1, 2, PNG), (3, 2, 5, PNG)]);
    // Says nothing of itself.
    mbtiles(&charts.join("silent.mbtiles"), &[], &[(4, 8, 8, &gzip(VECTOR))]);
    pmtiles(&charts.join("depths.pmtiles"), 1000);
    fs::write(charts.join("torn.mbtiles"), "SQLite format 3\0and then nothing").unwrap();
    fs::write(charts.join("empty.mbtiles"), "").unwrap();
    fs::write(charts.join("wrong.pmtiles"), "this is a text").unwrap();
    let torn = fs::read(charts.join("depths.pmtiles")).unwrap();
    fs::write(charts.join("cut.pmtiles"), &torn[..200]).unwrap();
    mbtiles(&charts.join("endless.mbtiles"), &described, &[]);
    let database = rusqlite::Connection::open(charts.join("endless.mbtiles")).unwrap();
    database
        .execute_batch(
            "DROP TABLE tiles;
             CREATE VIEW tiles AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n)
             SELECT 2 AS zoom_level, 1 AS tile_column, -1 - i % 2 AS tile_row, x'00' AS tile_data FROM n;",
        )
        .unwrap();
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn charts_are_found_described_and_their_tiles_are_served() {
    let host = Host::start_with(&["--no-plugins"], &[], fill);
    let list = host.json("/signalk/v2/api/resources/charts");
    let ids: Vec<&String> = list.as_object().unwrap().keys().collect();
    assert_eq!(ids, ["depths", "endless", "harbour", "silent"], "{}", host.log());
    assert_eq!(
        list["harbour"],
        json!({
            "identifier": "harbour", "name": "Harbour", "description": "", "bounds": [24.5, 60, 25.5, 60.5],
            "minzoom": 2, "maxzoom": 3, "format": "png", "type": "tilelayer", "scale": 12000,
            "url": "/signalk/chart-tiles/harbour/{z}/{x}/{y}", "layers": [],
        })
    );
    let silent = &list["silent"];
    assert_eq!(
        (&silent["minzoom"], &silent["maxzoom"], &silent["format"]),
        (&json!(4), &json!(4), &json!("pbf"))
    );
    assert_eq!(
        (silent["bounds"][0].as_f64(), silent["bounds"][1].as_f64()),
        (Some(0.0), Some(0.0))
    );
    let depths = &list["depths"];
    assert_eq!(
        (&depths["name"], &depths["layers"]),
        (&json!("Depths"), &json!(["depth", "rocks"]))
    );
    assert_eq!((&depths["format"], &depths["bounds"]), (&json!("pbf"), &json!([20, 59, 25, 61])));
    let v1 = host.json("/signalk/v1/api/resources/charts/harbour");
    assert_eq!(v1["tilemapUrl"], list["harbour"]["url"]);
    for damaged in ["torn.mbtiles", "empty.mbtiles", "wrong.pmtiles", "cut.pmtiles"] {
        host.logged(damaged);
    }

    let tile = host.get("/signalk/chart-tiles/harbour/2/1/1");
    assert_eq!((tile.status, tile.body.as_slice()), (200, PNG));
    assert_eq!(header(&tile.head, "content-type"), Some("image/png"));
    assert!(header(&tile.head, "cache-control").unwrap().contains("max-age"));
    let etag = header(&tile.head, "etag").unwrap().replace("w/", "W/");
    let again = http(
        &host.address,
        "GET",
        "/signalk/chart-tiles/harbour/2/1/1",
        &[&format!("If-None-Match: {etag}")],
        b"",
    );
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(host.get("/signalk/chart-tiles/harbour/2/0/0").status, 404);
    assert_eq!(host.get("/signalk/chart-tiles/nochart/2/0/0").status, 404);
    assert_eq!(host.get("/signalk/chart-tiles/harbour/2/4/0").status, 400);
    assert_eq!(host.get("/signalk/chart-tiles/endless/2/1/1").status, 500, "ended");
}

#[test]
fn vector_tiles_are_compressed_for_those_that_take_it() {
    let host = Host::start_with(&["--no-plugins"], &[], fill);
    host.json("/signalk/v2/api/resources/charts/depths");
    for (chart, tile, plain) in
        [("silent", "4/8/7", VECTOR.to_vec()), ("depths", "8/5/0", [VECTOR, b"5"].concat())]
    {
        let address = format!("/signalk/chart-tiles/{chart}/{tile}");
        let zipped = http(&host.address, "GET", &address, &["Accept-Encoding: gzip"], b"");
        assert_eq!(zipped.status, 200, "{}", host.log());
        assert_eq!(header(&zipped.head, "content-encoding"), Some("gzip"));
        assert_eq!(header(&zipped.head, "content-type"), Some("application/x-protobuf"));
        let mut unzipped = Vec::new();
        flate2::read::GzDecoder::new(zipped.body.as_slice()).read_to_end(&mut unzipped).unwrap();
        assert_eq!(unzipped, plain);
        let tile = host.get(&address);
        assert_eq!((header(&tile.head, "content-encoding"), tile.body), (None, plain));
    }
}

#[test]
fn a_pmtiles_file_is_read_by_ranges_and_whole_in_little_memory() {
    let large = 64 << 20;
    let host = Host::start_with(&["--no-plugins"], &[], |dir| {
        fill(dir);
        let file = fs::OpenOptions::new()
            .write(true)
            .open(dir.join("charts/baltic/depths.pmtiles"))
            .unwrap();
        file.set_len(large).unwrap();
    });
    host.json("/signalk/v2/api/resources/charts/depths");
    let list = host.json("/pmtiles/");
    assert_eq!(list, json!(["depths.pmtiles"]));
    let address = "/pmtiles/depths.pmtiles";
    let piece =
        http(&host.address, "GET", address, &["Range: bytes=0-6", "Accept-Encoding: gzip"], b"");
    assert_eq!((piece.status, piece.body.as_slice()), (206, &b"PMTiles"[..]));
    assert_eq!(header(&piece.head, "content-range"), Some(format!("bytes 0-6/{large}").as_str()));
    assert_eq!(header(&piece.head, "content-length"), Some("7"));
    let outside = http(&host.address, "GET", address, &[&format!("Range: bytes={large}-")], b"");
    assert_eq!(outside.status, 416);
    let before = host.memory_kb();
    let whole = host.get(address);
    assert_eq!((whole.status, whole.body.len()), (200, usize::try_from(large).unwrap()));
    let grown = host.memory_kb().saturating_sub(before);
    assert!(grown < 8 << 10, "{grown} kB for a file of 64 MB");
    assert_eq!(host.get("/pmtiles/harbour.mbtiles").status, 404);
    assert_eq!(host.get("/pmtiles/..%2F..%2Fsettings.json").status, 404);
}

#[test]
fn a_chart_that_comes_goes_or_changes_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let named = elsewhere.path().to_str().unwrap();
    let host = Host::start_in(dir.path(), &["--no-plugins", "--charts", named]);
    assert_eq!(host.json("/signalk/v2/api/resources/charts"), json!({}));
    let path = elsewhere.path().join("new.mbtiles");
    let described = [("format", "png"), ("minzoom", "0"), ("maxzoom", "0")];
    mbtiles(&path, &described, &[(0, 0, 0, PNG)]);
    let list = host.json("/signalk/v2/api/resources/charts");
    assert_eq!(list["new"]["maxzoom"], 0, "{list}");
    let first = host.get("/signalk/chart-tiles/new/0/0/0");
    assert_eq!(first.body, PNG);
    fs::remove_file(&path).unwrap();
    let changed = [PNG, b", changed"].concat();
    mbtiles(&path, &described, &[(0, 0, 0, &changed)]);
    fs::File::open(&path).unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    host.json("/signalk/v2/api/resources/charts");
    let second = host.get("/signalk/chart-tiles/new/0/0/0");
    assert_eq!(second.body, changed);
    assert_ne!(header(&first.head, "etag"), header(&second.head, "etag"));
    fs::remove_file(&path).unwrap();
    host.json("/signalk/v2/api/resources/charts");
    assert_eq!(host.get("/signalk/chart-tiles/new/0/0/0").status, 404);
}

#[test]
fn resources_are_files_that_survive_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let route = json!({ "name": "Home", "feature": { "type": "Feature", "geometry": { "type": "LineString", "coordinates": [[24.9, 60.1], [25, 60.2]] } } });
    let host = Host::start_in(dir.path(), &["--no-plugins"]);
    let api = "/signalk/v2/api/resources/routes";
    let created = http(&host.address, "POST", api, &[], route.to_string().as_bytes());
    assert_eq!(created.status, 201);
    let created: Value = serde_json::from_slice(&created.body).unwrap();
    let id = created["id"].as_str().unwrap().to_owned();
    let file = dir.path().join("resources/routes").join(&id);
    assert_eq!(fs::read_to_string(&file).unwrap(), route.to_string());
    // Whatever the power does: it was answered, so it is there.
    drop(host);
    fs::write(dir.path().join("resources/routes/damaged"), "{\"na").unwrap();
    fs::create_dir(dir.path().join("resources/routes/folder")).unwrap();
    let host = Host::start_in(dir.path(), &["--no-plugins"]);
    let list = host.json(api);
    assert_eq!(list.as_object().unwrap().len(), 1);
    assert_eq!(
        (&list[&id]["name"], &list[&id]["$source"]),
        (&json!("Home"), &json!("resources-provider"))
    );
    assert!(list[&id]["timestamp"].as_str().unwrap().ends_with('Z'));
    host.logged("resources/routes/damaged");
    let gone = http(&host.address, "DELETE", &format!("{api}/{id}"), &[], b"");
    assert_eq!(gone.status, 200);
    assert!(!file.exists());
    assert_eq!(http(&host.address, "DELETE", &format!("{api}/{id}"), &[], b"").status, 404);
}

#[test]
fn a_list_of_5000_waypoints_takes_little_memory_and_a_box_chooses_from_it() {
    let host = Host::start_with(&["--no-plugins"], &[], |dir| {
        let folder = dir.join("resources/waypoints");
        fs::create_dir_all(&folder).unwrap();
        for n in 0..5000 {
            let place = [20.0 + f64::from(n % 100) / 10.0, 55.0 + f64::from(n / 100) / 10.0];
            let waypoint = json!({
                "name": format!("Waypoint {n}"), "description": "One of very many that somebody collected over the years",
                "feature": { "type": "Feature", "geometry": { "type": "Point", "coordinates": place }, "properties": {}, "id": "" },
                "type": "default",
            });
            fs::write(
                folder.join(format!("{n:08x}-0000-4000-8000-000000000000")),
                waypoint.to_string(),
            )
            .unwrap();
        }
    });
    let address = "/signalk/v2/api/resources/waypoints";
    let first = host.get(address);
    let list: Value = serde_json::from_slice(&first.body).unwrap();
    assert_eq!(list.as_object().unwrap().len(), 5000);
    let before = host.memory_kb();
    let begun = std::time::Instant::now();
    for _ in 0..10 {
        assert_eq!(host.get(address).body.len(), first.body.len());
    }
    let each = begun.elapsed() / 10;
    let grown = host.memory_kb().saturating_sub(before);
    println!(
        "5,000 waypoints: {} bytes, {each:?} each, {grown} kB more after ten more lists",
        first.body.len()
    );
    assert!(grown < 16 << 10, "{grown} kB");
    let inside = host.json(&format!("{address}?bbox=[20.05,55.05,20.35,55.25]"));
    assert_eq!(inside.as_object().unwrap().len(), 6);
    assert_eq!(host.json(&format!("{address}?limit=3")).as_object().unwrap().len(), 3);
}
