//! What the server holds while bodies of 16 MiB go through a plugin by exports, both ways at once: read from one
//! server, sent to another (R88). Counted by its allocator, not measured by a clock. The edge is played here; what the
//! real one holds is
//! `signalk-host/src/plugin_net/tests/uploads.rs`.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::{
    alloc::System,
    collections::VecDeque,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use bytes::Bytes;
use serde_json::json;
use signalk_bridge::{ANSWER_WINDOW, FetchHead, FetchId, FetchNews, PIECE, PluginId};
use signalk_core::{Config, Input, PluginEffect, PluginReport};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use workspace_tests::Sim;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The most that was held at any look.
static MOST: AtomicUsize = AtomicUsize::new(0);

const ALL: usize = 16 << 20;

/// Bytes that are allocated now.
fn held() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

fn look() {
    MOST.fetch_max(held(), Ordering::Relaxed);
}

/// When it is polled first, reads the answer to request 1 in pieces of its own and sends them with request 2.
fn guest() -> Vec<u8> {
    let ask = r#"{"url":"http://a.b/","stream":true}"#;
    let open = format!(r#"{{"url":"http://c.d/","method":"PUT","length":{ALL}}}"#);
    let text = |text: &str| text.replace('"', "\\22");
    wat::parse_str(format!(
        r#"(module
            (import "env" "sk_http_request" (func $ask (param i32 i32 i32 i32) (result i32)))
            (import "env" "sk_http_open" (func $open (param i32 i32) (result i32)))
            (import "env" "sk_http_send" (func $send (param i32 i32 i32) (result i32)))
            (import "env" "sk_http_finish" (func $finish (param i32 i32 i32) (result i32)))
            (import "env" "sk_http_read" (func $read (param i32 i32 i32) (result i32)))
            (memory (export "memory") 3)
            (global $began (mut i32) (i32.const 0))
            (data (i32.const 100) "{}") (data (i32.const 300) "{}")
            (func (export "allocate") (param i32) (result i32) (i32.const 4096))
            (func (export "deallocate") (param i32 i32))
            (func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))
            (func (export "poll") (result i32) (local $n i32)
                (if (global.get $began) (then (return (i32.const 0))))
                (global.set $began (i32.const 1))
                (drop (call $ask (i32.const 100) (i32.const {}) (i32.const 2000) (i32.const 1000)))
                (if (i32.ne (call $open (i32.const 300) (i32.const {})) (i32.const 2)) (then (unreachable)))
                (block $end (loop $more
                    (local.set $n (call $read (i32.const 1) (i32.const 65536) (i32.const 60000)))
                    (if (i32.lt_s (local.get $n) (i32.const 0)) (then (unreachable)))
                    (br_if $end (i32.eqz (local.get $n)))
                    (br_if $more (i32.eq (local.get $n) (call $send (i32.const 2) (i32.const 65536) (local.get $n))))
                    (unreachable)))
                (if (i32.lt_s (call $finish (i32.const 2) (i32.const 2000) (i32.const 1000)) (i32.const 0)) (then (unreachable)))
                (i32.const 0)))"#,
        text(ask),
        text(&open),
        ask.len(),
        open.len()
    ))
    .unwrap()
}

/// The two servers.
#[derive(Default)]
struct Edge {
    /// Bytes that the first has given.
    given: usize,
    /// Bytes that came to the second, and those of them that it has not taken.
    got: usize,
    waiting: VecDeque<Bytes>,
    most_waiting: usize,
    finished: bool,
}

fn byte(at: usize) -> u8 {
    u8::try_from(at % 251).unwrap()
}

impl Edge {
    fn answer(&mut self, effect: PluginEffect) -> Option<(FetchId, FetchNews)> {
        let head = FetchHead { status: 200, ..FetchHead::default() };
        Some(match effect {
            PluginEffect::Fetch { id, request } if request.upload.is_none() => {
                assert!(request.streamed);
                (id, FetchNews::Head(head))
            }
            PluginEffect::FetchMore { id } if self.given == ALL => (id, FetchNews::End),
            PluginEffect::FetchMore { id } => {
                let piece = (self.given..ALL.min(self.given + PIECE)).map(byte).collect::<Bytes>();
                self.given += piece.len();
                (id, FetchNews::Piece(piece))
            }
            PluginEffect::FetchWrite { data, .. } => {
                assert!(data.iter().enumerate().all(|(at, it)| *it == byte(self.got + at)));
                self.got += data.len();
                self.waiting.push_back(data);
                let waiting: usize = self.waiting.iter().map(Bytes::len).sum();
                self.most_waiting = self.most_waiting.max(waiting);
                return None;
            }
            PluginEffect::FetchFinish { id } => {
                self.finished = true;
                (id, FetchNews::Whole(head, Bytes::new()))
            }
            _ => return None,
        })
    }
}

fn tell(sim: &mut Sim, life: u64, id: FetchId, news: FetchNews) {
    let (plugin, report) = (PluginId::from_package("bodies"), PluginReport::Fetch { id, news });
    sim.input(Input::PluginReport { plugin, life, report });
}

#[test]
fn sixteen_mib_go_through_a_plugin_by_exports_in_a_window_each_way() {
    let mut sim = Sim::with_config(Config::default());
    let package = json!({
        "name": "bodies", "version": "1.0.0", "keywords": ["signalk-wasm-plugin"],
        "wasmManifest": "plugin.wasm", "wasmCapabilities": { "network": true },
        "signalk-plugin-enabled-by-default": true,
    });
    sim.install(&package.to_string(), &guest());
    let (mut edge, mut lives) = (Edge::default(), 0);
    sim.advance(Duration::from_secs(2));
    assert!(!sim.wanted.is_empty(), "{:?}", sim.log);
    let before = held();
    MOST.store(before, Ordering::Relaxed);
    sim.probe = look;
    loop {
        let wanted = std::mem::take(&mut sim.wanted);
        let is_idle = wanted.is_empty();
        for (_, life, effect) in wanted {
            lives = life;
            if let Some((id, news)) = edge.answer(effect) {
                tell(&mut sim, life, id, news);
            }
        }
        // The second server takes something only when nothing else goes on.
        if is_idle {
            let Some(taken) = edge.waiting.pop_front() else { break };
            tell(&mut sim, lives, FetchId(2), FetchNews::Written(taken.len()));
        }
    }
    let most = MOST.load(Ordering::Relaxed).saturating_sub(before);
    println!("16 MiB each way: {most} bytes at most beside what was there");
    assert_eq!((edge.given, edge.got, edge.finished), (ALL, ALL, true), "{:?}", sim.log);
    assert!(edge.most_waiting > PIECE && edge.most_waiting <= ANSWER_WINDOW);
    assert!(most < 512 << 10, "{most} bytes were held at once");
}
