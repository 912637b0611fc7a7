//! F46, T4: a plugin is loaded or started anew a thousand times while numbered deltas come at a thousand a second, and
//! what it makes of them is compared with what was sent.

use std::collections::BTreeSet;

use super::*;

/// Sends each delta of `n.i` on as `n.o`.
fn echo() -> Vec<u8> {
    guest(&format!(
        r#"{START}
        (func (export "delta_handler") (param $p i32) (param $n i32) (local $at i32) (local $end i32)
            (local.set $at (local.get $p))
            (local.set $end (i32.sub (i32.add (local.get $p) (local.get $n)) (i32.const 4)))
            (block $none
                (loop $next
                    (br_if $none (i32.ge_u (local.get $at) (local.get $end)))
                    ;; n.i"
                    (if (i32.eq (i32.load (local.get $at)) (i32.const 0x22692e6e)) (then
                        (i32.store8 (i32.add (local.get $at) (i32.const 2)) (i32.const 111))
                        (call $emit (local.get $p) (local.get $n))
                        (return)))
                    (local.set $at (i32.add (local.get $at) (i32.const 1)))
                    (br $next))))"#
    ))
}

/// A run of it: the numbers that went in and came out.
struct Numbers {
    sim: Sim,
    sent: u64,
    told: Vec<u64>,
    /// Numbers that came while it was loaded or started anew.
    meanwhile: BTreeSet<u64>,
    dice: u64,
}

impl Numbers {
    fn new() -> Numbers {
        let options = json!({ "enabled": true, "limits": { "deltasPerSecond": 100_000 } });
        let mut sim = Sim::with_options(&[("s", &options.to_string())]);
        sim.install("s", echo());
        sim.boot();
        sim.open_stream(2, "/signalk/v1/stream?subscribe=all&sendCachedValues=false");
        Numbers { sim, sent: 0, told: Vec::new(), meanwhile: BTreeSet::new(), dice: 1 }
    }

    /// Below `most`, by no law but always the same (Knuth, The Art of Computer Programming 3.3.4, line 26).
    fn roll(&mut self, most: u64) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.dice >> 33) % most
    }

    /// So many deltas, one a millisecond.
    fn flow(&mut self, count: u64) {
        for _ in 0..count {
            self.sent += 1;
            self.sim.delta("n.i", self.sent);
            let now = self.sim.now() + Duration::from_millis(1);
            self.sim.advance_to(now.as_secs_f64());
        }
    }

    /// Takes what clients have heard.
    fn listen(&mut self) {
        for frame in self.sim.heard(2) {
            let updates = frame["updates"].as_array().into_iter().flatten();
            let values =
                updates.flat_map(|update| update["values"].as_array().into_iter().flatten());
            let own = values.filter(|value| value["path"] == "n.o");
            self.told.extend(own.filter_map(|value| value["value"].as_u64()));
        }
    }

    fn ask(&mut self, reloads: bool) {
        if !reloads {
            let turn = self.sent;
            return self
                .sim
                .send_post("s", json!({ "enabled": true, "configuration": { "turn": turn } }));
        }
        let mut request = HttpRequest::get("/plugins/s/reload");
        request.method = "POST".to_owned();
        self.sim.input(Input::Http { id: HttpId(3), request });
    }

    /// A reload or a restart, while the disk takes its time and deltas go on.
    fn anew(&mut self, reloads: bool) {
        self.sim.disk_is_slow = true;
        self.ask(reloads);
        // package.json, then the module.
        while !self.sim.late.is_empty() {
            let during = self.roll(20);
            let before = self.sent;
            self.flow(during);
            self.meanwhile.extend(before + 1..=self.sent);
            let report = self.sim.late.remove(0);
            self.sim.input(Input::Report(report));
        }
        self.sim.disk_is_slow = false;
        assert_eq!(self.sim.answer.take().map(|(status, _)| status), Some(200));
    }
}

impl Numbers {
    /// A thousand times, with deltas in between and some rest at the end.
    fn run(reloads: bool) -> Numbers {
        let mut numbers = Numbers::new();
        for _ in 0..1000 {
            numbers.anew(reloads);
            let between = numbers.roll(10);
            numbers.flow(between);
            numbers.listen();
        }
        numbers.flow(1);
        let end = numbers.sim.now() + Duration::from_secs(2);
        numbers.sim.advance_to(end.as_secs_f64());
        numbers.listen();
        assert!(numbers.sent > 10_000, "{} sent", numbers.sent);
        numbers
    }

    fn dropped(&mut self) -> (Value, Value) {
        let mut counters = self.sim.get("/plugins/s/diagnostics")["counters"].take();
        (counters["deltasInDropped"].take(), counters["deltasOutDropped"].take())
    }
}

#[test]
fn f46_over_a_thousand_reloads_no_delta_is_lost_or_doubled() {
    let mut numbers = Numbers::run(true);
    assert!(numbers.meanwhile.len() > 10_000, "{} came during reloads", numbers.meanwhile.len());
    let wrong = numbers.told.iter().zip(1..).find(|(told, sent)| *told != sent);
    assert_eq!((numbers.told.len() as u64, wrong), (numbers.sent, None));
    assert_eq!(numbers.dropped(), (json!(0), json!(0)));
}

/// A saved configuration stops the plugin and starts it (plugin ABI 8.4): what comes in between finds nobody, and what
/// was gathered for it in the milliseconds before is not handed to the next life. Nothing is told twice or out of
/// order.
#[test]
fn f46_over_a_thousand_restarts_nothing_is_doubled_and_the_order_is_kept() {
    let numbers = Numbers::run(false);
    assert!(numbers.told.is_sorted_by(|one, next| one < next), "in order, none twice");
    assert!(numbers.told.len() > 1000, "{} told", numbers.told.len());
    assert_eq!(numbers.told.last(), Some(&numbers.sent));
}
