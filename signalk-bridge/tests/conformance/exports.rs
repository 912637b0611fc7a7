//! Every export of the specification, in guests that have nothing else: called when and how it
//! should be, and what comes of results that lie.

use signalk_bridge::{
    Capabilities, Delivery, Handler, Input, Interface, RadarHandler, ResourceHandler,
    WeatherHandler,
};

use crate::call::Faults;
use crate::guest::{self, Flavour};
use crate::spec::{Export, Type};
use crate::world::{self, World};

/// One row of the table.
pub(crate) struct Row {
    pub(crate) ty: String,
    pub(crate) granted: String,
    pub(crate) denied: String,
    pub(crate) spoilt: String,
}

const REQUEST: &str = r#"{"k":"å"}"#;

/// The row of one export with one type.
pub(crate) fn row(export: &Export, flavour: Flavour, ty: &Type, faults: &mut Faults) -> Row {
    let mut judge = Judge { export, flavour, ty, faults };
    let (granted, denied, spoilt) = match (export.name.as_str(), handler(export)) {
        (_, Some(handler)) => judge.handler(&handler),
        ("plugin_name" | "plugin_schema" | "http_endpoints", _) => judge.text(),
        ("plugin_start", _) => judge.start(),
        ("delta_handler", _) => judge.delta(),
        ("values_handler", _) => judge.values(),
        ("plugin_stop" | "poll", _) => judge.number(),
        ("_start" | "_initialize", _) => judge.entry(),
        ("allocate" | "__new", _) => judge.allocator(),
        ("deallocate" | "__pin" | "__unpin", _) => judge.companion(),
        ("responseHandler", _) => judge.response(),
        ("plugin_id", _) => judge.id(),
        ("__collect", _) => judge.collector(),
        _ => judge.silent(),
    };
    Row { ty: ty.show(), granted, denied, spoilt }
}

/// `memory` and `__rtti_base`, which are no functions: without them.
pub(crate) fn thing(export: &Export, faults: &mut Faults) -> (String, String) {
    if export.name != "memory" {
        return ("never read".into(), "-".into());
    }
    for flavour in [Flavour::Buffer, Flavour::AssemblyScript] {
        let text = module(flavour, "").replace(r#"(export "memory")"#, "");
        let world = World::new(&text, world::all(), Interface::Auto);
        if !world.last().starts_with("crashed") && !world.last().starts_with("Failed") {
            faults.push(format!("without memory {flavour:?}: {:?}", world.said));
        }
    }
    ("read and written".into(), "missing: does not start".into())
}

/// The handler that an export is, if it is one.
fn handler(export: &Export) -> Option<Handler> {
    let name = export.name.as_str();
    let has = |exports: &[&str]| exports.contains(&name);
    match name {
        "<http handler>" => {
            return Some(Handler::Http {
                handler: name_of(export),
                repeatable: true,
                largest_reply: None,
                streamed: false,
            });
        }
        "handle_put_<context>_<path>" => {
            let (context, path) = ("vessels.self".into(), "a.b".into());
            return Some(Handler::Put { context, path });
        }
        _ => {}
    }
    let resources = ResourceHandler::ALL.iter().find(|handler| has(handler.exports()));
    let weather = WeatherHandler::ALL.iter().find(|handler| has(handler.exports()));
    let radar = RadarHandler::ALL.iter().find(|handler| has(handler.exports()));
    resources
        .map(|handler| Handler::Resources(*handler))
        .or(weather.map(|handler| Handler::Weather(*handler)))
        .or(radar.map(|handler| Handler::Radar(*handler)))
}

fn name_of(export: &Export) -> String {
    match export.name.as_str() {
        "<http handler>" => "handle_x".to_owned(),
        "handle_put_<context>_<path>" => "handle_put_vessels_self_a_b".to_owned(),
        name => name.to_owned(),
    }
}

type Cells = (String, String, String);

/// What handlers, texts and the rest have to come to.
struct Judge<'a> {
    export: &'a Export,
    flavour: Flavour,
    ty: &'a Type,
    faults: &'a mut Faults,
}

impl Judge<'_> {
    fn demand(&mut self, holds: bool, what: &str, found: &dyn std::fmt::Debug) {
        if !holds {
            let (name, ty) = (&self.export.name, self.ty.show());
            self.faults.push(format!("{name} {:?} {ty}: {what}: {found:?}", self.flavour));
        }
    }

    /// The export with this body.
    fn function(&self, body: &str) -> String {
        format!(r#"(func (export "{}") {} {body})"#, name_of(self.export), self.ty.wat())
    }

    fn world(&self, body: &str) -> World {
        self.world_with(body, world::all())
    }

    fn world_with(&self, body: &str, rights: Capabilities) -> World {
        World::new(&module(self.flavour, body), rights, Interface::Auto)
    }

    /// `() -> text` or `(out, max) -> length`: three good answers and the ones that lie.
    fn text(&mut self) -> Cells {
        let good = match self.flavour {
            Flavour::Buffer => "(i32.store16 (local.get 0) (i32.const 0x5d5b)) (i32.const 2)",
            _ => "(i32.const 600)",
        };
        // AssemblyScript guests have a name already.
        let with = |judge: &Self, body: &str| {
            let text = module(judge.flavour, &judge.function(body));
            let text = if judge.export.name == "plugin_name" {
                text.replace(r#"(func (export "plugin_name") (result i32) (i32.const 100))"#, "")
            } else {
                text
            };
            World::new(&text, world::all(), Interface::Auto)
        };
        let world = with(self, good);
        self.demand(world.last() == "Started", "does not start", &world.said);
        let ways: &[&str] = match self.flavour {
            Flavour::Buffer => &["(i32.const -1)", "(i32.const 0x7fffffff)"],
            _ => &["(i32.const -65536)", "(i32.const 3)", "(i32.const 520)", "(i32.const 300)"],
        };
        for way in ways {
            let world = with(self, way);
            self.demand(world.last() == "Started", "ends the plugin", &world.said);
            let quiet = self.flavour == Flavour::Buffer && *way == "(i32.const -1)";
            self.demand(quiet || !world.server.trace.is_empty(), "not said", &way);
        }
        let mut denied = "-".to_owned();
        if self.export.name == "http_endpoints" {
            let body = match self.flavour {
                Flavour::Buffer => {
                    "(memory.copy (local.get 0) (i32.const 700) (i32.const 49)) (i32.const 49)"
                }
                _ => "(i32.const 800)",
            };
            let world = self.world_with(&self.function(body), world::without("httpEndpoints"));
            let said = world.server.trace.iter().any(|line| line.contains("httpEndpoints"));
            let offered = world.server.trace.iter().any(|line| line.contains("registers Http"));
            self.demand(said && offered, "not allowed and said", &world.server.trace);
            denied = "allowed, said (W17)".to_owned();
        }
        ("text taken".into(), denied, format!("nothing taken, said ({} ways)", ways.len()))
    }

    fn start(&mut self) -> Cells {
        let said = match (self.flavour, self.ty.params.len()) {
            (Flavour::AssemblyScript, 1) => {
                "(call $say (local.get 0) (i32.load (i32.sub (local.get 0) (i32.const 4))))"
            }
            _ => "(call $say (local.get 0) (local.get 1))",
        };
        let world = self.world(&self.function(&format!("{said} (i32.const 0)")));
        let config = r#"{"radius":30,"enableDebug":false}"#;
        let found = world.server.trace.join("\n").replace('\0', "");
        self.demand(found.contains(config), "not the configuration", &found);
        self.demand(world.last() == "Started", "does not start", &world.said);
        let world = self.world(&self.function("(i32.const 7)"));
        let failed = world.last().contains("Plugin start() returned error code: 7");
        self.demand(failed, "7 is no failure", &world.said);
        let world = self.world(&self.function("unreachable"));
        self.demand(world.last().starts_with("crashed"), "a trap is no crash", &world.said);
        ("0: started; 7: failed".into(), "-".into(), "trap: crashed".into())
    }

    /// `poll` and `plugin_stop`.
    fn number(&mut self) -> Cells {
        let stops = self.export.name == "plugin_stop";
        let drive = |world: &mut World| {
            world.at(1000);
            world.input(Input::Stop);
        };
        let say = "(call $say (i32.const 0) (i32.const 1))";
        let mut world = self.world(&self.function(&format!("{say} (i32.const 3)")));
        drive(&mut world);
        let trace = world.server.trace.join("\n");
        self.demand(trace.contains("returned error code: 3"), "its number is not said", &trace);
        self.demand(world.last() == "Stopped", "does not stop", &world.said);
        let mut world = self.world(&self.function("unreachable"));
        drive(&mut world);
        let crashed = world.said.iter().any(|said| said.starts_with("crashed"));
        self.demand(crashed != stops, "trap", &world.said);
        let trap = if stops { "trap: stopped all the same" } else { "trap: crashed" };
        ("called; 3 is said".into(), "-".into(), trap.into())
    }

    fn delta(&mut self) -> Cells {
        let say = match self.flavour {
            Flavour::Buffer => "(call $say (local.get 0) (local.get 1))",
            _ => "(call $say (local.get 0) (i32.load (i32.sub (local.get 0) (i32.const 4))))",
        };
        let body = self.function(say);
        let mut seen = Vec::new();
        for rights in [world::all(), world::without("dataRead")] {
            let mut world = self.world_with(&body, rights);
            world.server.trace.clear();
            let json = r#"{"updates":[]}"#.into();
            world.input(Input::Deltas(vec![Delivery { subscription: None, delta: json }]));
            seen.push(world.server.trace.join("\n").replace('\0', ""));
        }
        self.demand(seen[0].contains(r#"{"updates":[]}"#) && seen[1].is_empty(), "calls", &seen);
        ("called with the delta".into(), "not called".into(), "-".into())
    }

    /// What it is given is bytes: the names among them are seen in a log. An allocator that lies ends the plugin.
    fn values(&mut self) -> Cells {
        let length = match self.ty.params.len() {
            1 => "(i32.load (i32.sub (local.get 0) (i32.const 4)))",
            _ => "(local.get 1)",
        };
        let body = self.function(&format!("(call $say (local.get 0) {length})"));
        let json = r#"{"updates":[{"values":[{"path":"a.b","value":1}]}]}"#;
        let give = |world: &mut World| {
            let delta = json.into();
            world.input(Input::Deltas(vec![Delivery { subscription: None, delta }]));
        };
        let mut seen = Vec::new();
        for rights in [world::all(), world::without("dataRead")] {
            let mut world = self.world_with(&body, rights);
            world.server.trace.clear();
            give(&mut world);
            seen.push(world.server.trace.join("\n"));
        }
        self.demand(seen[0].contains("a.b\0") && seen[1].is_empty(), "calls", &seen);
        let mut world = self.world(&self.function("unreachable"));
        give(&mut world);
        self.demand(world.last().starts_with("crashed"), "trap", &world.said);
        ("called with the values".into(), "not called".into(), "trap: crashed".into())
    }

    /// Called once and first; what it does wrong is a failure to load.
    fn entry(&mut self) -> Cells {
        let say = "(call $say (i32.const 0) (i32.const 1))";
        let world = self.world(&self.function(say));
        self.demand(world.server.trace.len() == 1, "not once", &world.server.trace);
        self.demand(world.last() == "Started", "does not start", &world.said);
        let world = self.world(&self.function("unreachable"));
        self.demand(world.last().starts_with("Failed"), "trap", &world.said);
        ("once, first".into(), "-".into(), "trap: failed to load".into())
    }

    /// `allocate` and `__new`: null and memory that is not there.
    fn allocator(&mut self) -> Cells {
        for pointer in ["0", "-65536", "131070"] {
            let start =
                r#"(func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))"#;
            let text = module(self.flavour, start);
            let from = text.find(&format!(r#"(func (export "{}")"#, self.export.name)).unwrap();
            let to = from + end_of(&text[from..]);
            let bad = self.function(&format!("(i32.const {pointer})"));
            let text = format!("{}{bad}{}", &text[..from], &text[to..]);
            let world = World::new(&text, world::all(), Interface::Auto);
            let named = world.last().contains(&self.export.name);
            self.demand(world.last().starts_with("crashed") && named, pointer, &world.said);
        }
        let spoilt = "0 or beside memory: crashed, said".into();
        ("asked for room, never for 0 bytes".into(), "-".into(), spoilt)
    }

    /// `deallocate`, `__pin`, `__unpin`: called for what was allocated, and not missed.
    fn companion(&mut self) -> Cells {
        let give = if self.ty.results.is_empty() { "" } else { "(local.get 0)" };
        let body = self.function(&format!("(call $say (i32.const 0) (i32.const 1)) {give}"));
        let world = self.world(&body);
        self.demand(!world.server.trace.is_empty(), "not called", &world.said);
        let world = self.world("");
        self.demand(world.last() == "Started", "missed", &world.said);
        ("called; may be missing".into(), "-".into(), "-".into())
    }

    /// Never called: a trap in it harms nobody.
    fn silent(&mut self) -> Cells {
        let mut world = self.world(&self.function("unreachable"));
        world.at(1000);
        world.input(Input::Stop);
        self.demand(world.last() == "Stopped", "called", &world.said);
        ("never called".into(), "-".into(), "-".into())
    }

    /// `plugin_id`: asked where an options file may have that name.
    fn id(&mut self) -> Cells {
        let body = self.function("unreachable");
        let without = self.world(&body);
        self.demand(without.last() == "Started", "called", &without.said);
        // `a` and what is behind it, or the object that is `N`.
        let give = match self.flavour {
            Flavour::Buffer => "(i32.store8 (local.get 0) (i32.const 97)) (i32.const 1)",
            _ => "(i32.const 100)",
        };
        for (body, id) in [(give, true), ("(i32.const -65536)", false)] {
            let text = module(self.flavour, &self.function(body));
            let world = World::with(&text, world::all(), Interface::Auto, |config| {
                config.wants_id = true;
            });
            let found = world.ids.first().is_some_and(|id| !id.is_empty());
            self.demand(found == id && world.last() == "Started", body, &(&world.ids, &world.said));
        }
        ("only where an old options file may have its name".into(), "-".into(), "no name".into())
    }

    /// `responseHandler`: an answer of as-fetch, which a fetch in `plugin_start` asks for.
    fn response(&mut self) -> Cells {
        let url: String = "http://a.b".bytes().map(|byte| format!("\\{byte:02x}\\00")).collect();
        let fetch = format!(
            r#"(import "as-fetch" "_fetchGET" (func $fetch (param i32 i32 i32 i32)))
            (data (i32.const 1192) "\02\00\00\00\14\00\00\00{url}")"#
        );
        let start = r#"(func (export "plugin_start") (param i32 i32) (result i32)
            (call $fetch (i32.const 1200) (i32.const 1) (i32.const 0) (i32.const 5)) (i32.const 0))"#;
        let asked = |judge: &Self, handler: &str, rights| {
            let text = module(judge.flavour, &format!("{start}{handler}"));
            let (head, rest) = text.split_once('(').unwrap_or_default();
            let rest = rest.strip_prefix("module").unwrap_or_default();
            World::new(&format!("{head}(module {fetch} {rest}"), rights, Interface::Auto)
        };
        let world = asked(self, "", world::all());
        let trace = world.server.trace.join("\n");
        let told = trace.contains("@0000000000c90005") && trace.contains(":GET b\"\"");
        self.demand(told && world.last() == "Started", "not status, callback and body", &trace);
        let denied = asked(self, "", world::without("network"));
        let refused = denied.last().contains("network capability not granted");
        self.demand(refused, "asked without the capability", &denied.said);
        let trap = asked(self, &self.function("unreachable"), world::all());
        self.demand(trap.last().starts_with("crashed"), "trap", &trap.said);
        (
            "called with status 201, the body and the callback's number".into(),
            "never called: `_fetchGET` traps".into(),
            "trap: crashed".into(),
        )
    }

    /// `__collect`: when nothing else is to be done, after so many calls that something lies about.
    fn collector(&mut self) -> Cells {
        let deltas = r#"(func (export "delta_handler") (param i32))"#;
        let mut seen = Vec::new();
        for (body, calls) in
            [("unreachable", 900), ("(call $say (i32.const 0) (i32.const 1))", 1100)]
        {
            let mut world = self.world(&format!("{deltas}{}", self.function(body)));
            world.server.trace.clear();
            for _ in 0..calls {
                let delta = r#"{"updates":[]}"#.into();
                world.input(Input::Deltas(vec![Delivery { subscription: None, delta }]));
            }
            // What was heaped up is given out.
            world.at(500);
            seen.push((world.last() == "Started", world.server.trace.len()));
        }
        self.demand(seen == [(true, 0), (true, 1)], "not once in 1000 calls", &seen);
        ("when idle, after 1000 calls or 8 MiB".into(), "-".into(), "-".into())
    }

    fn handler(&mut self, handler: &Handler) -> Cells {
        let (buffer, shape) = (self.flavour == Flavour::Buffer, self.ty.params.len());
        let (body, reply) = match (buffer, shape, self.ty.results.len()) {
            (_, 4, _) => {
                ("(memory.copy (local.get 2) (local.get 0) (local.get 1)) (local.get 1)", REQUEST)
            }
            (true, _, _) => ("(i32.store16 (local.get 0) (i32.const 0x5d5b)) (i32.const 2)", "[]"),
            (false, 0, _) => ("(i32.const 100)", "N"),
            (false, 1, 0) => ("", ""),
            (false, 1, _) => ("(local.get 0)", REQUEST),
            (false, _, _) => ("(call $say (local.get 0) (local.get 1)) (i32.const 100)", "N"),
        };
        let request = if buffer && shape == 2 { "" } else { REQUEST };
        let ask = |judge: &Self, body: &str| {
            let mut world = judge.world(&judge.function(body));
            world.server.trace.clear();
            let reply = world.ask(handler.clone(), request);
            (reply, world)
        };
        let (got, world) = ask(self, body);
        self.demand(got == format!("Ok({reply:?})"), "wrong reply", &got);
        if !buffer && shape == 2 {
            let bytes = world.server.trace.join("\n").contains(REQUEST);
            self.demand(bytes, "not the bytes", &world.server.trace);
        }
        let mut ways = 0;
        let mut tell = |body: &str, words: &str, lives: bool, judge: &mut Self| {
            ways += 1;
            let (got, mut world) = ask(judge, body);
            judge.demand(got.contains(words), body, &got);
            // Nothing else is disturbed: it polls, and it stops.
            world.at(5000);
            judge.demand(lives != world.last().starts_with("crashed"), body, &world.said);
        };
        if !self.ty.results.is_empty() {
            if buffer || shape == 4 {
                tell("(i32.const -5)", "Ok(\"\")", true, self);
                tell("(i32.const 0x7fffffff)", "TooLarge", true, self);
            } else {
                tell("(i32.const -65536)", "not a string", true, self);
                tell("(i32.const 3)", "not a string", true, self);
                tell("(i32.const 520)", "Err(", true, self);
                tell("(i32.const 300)", "not a string: 300", true, self);
                tell("(i32.const 0)", "Ok(\"\")", true, self);
            }
        }
        tell("unreachable", "Crashed", false, self);
        let mut missing = self.world("");
        let got = missing.ask(handler.clone(), request);
        self.demand(got.contains("NotFound"), "missing export", &got);
        let mut stopped = self.world(&self.function(body));
        stopped.input(Input::Stop);
        let got = stopped.ask(handler.clone(), request);
        self.demand(got.contains("NotRunning"), "use after stop", &got);
        let denied = match handler {
            Handler::Http { .. } => "see `http_endpoints`",
            Handler::Put { .. } => "see `sk_register_put_handler`",
            Handler::Resources(_) => "see `sk_register_resource_provider`",
            Handler::Weather(_) => "see `sk_register_weather_provider`",
            Handler::Radar(_) => "see `sk_register_radar_provider`",
            Handler::DeltaInput => "see `deltas.intercept`",
        };
        (
            "request in, reply out".into(),
            denied.into(),
            format!("error; only a trap ends it ({ways} ways)"),
        )
    }
}

/// The end of the first list of a text.
fn end_of(text: &str) -> usize {
    let mut depth = 0_i32;
    for (at, byte) in text.bytes().enumerate() {
        depth += i32::from(byte == b'(') - i32::from(byte == b')');
        if depth == 0 {
            return at + 1;
        }
    }
    text.len()
}

/// A guest of the flavour with this body, and with a `plugin_start` if that is not in it.
fn module(flavour: Flavour, body: &str) -> String {
    let start = r#"(func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))"#;
    let start = if body.contains("\"plugin_start\"") { "" } else { start };
    let mut kept = guest::flavour(flavour).to_owned();
    // What the body has itself.
    for name in ["__new", "responseHandler"] {
        if body.contains(&format!("\"{name}\"")) {
            let from = kept.find(&format!(r#"(func (export "{name}")"#)).unwrap();
            let to = from + end_of(&kept[from..]);
            kept.replace_range(from..to, "");
        }
    }
    let endpoints = r#"[{"method":"GET","path":"/x","handler":"handle"}]"#;
    let units: String = endpoints.bytes().map(|byte| format!("\\{byte:02x}\\00")).collect();
    let bytes: String = endpoints.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    format!(
        r#"(module
            (import "env" "sk_debug" (func $say (param i32 i32)))
            (memory (export "memory") 2 2)
            (global $heap (mut i32) (i32.const 16384))
            (data (i32.const 292) "\09\00\00\00\04\00\00\00a\00b\00")
            (data (i32.const 512) "\02\00\00\00\ff\ff\ff\7f")
            (data (i32.const 592) "\02\00\00\00\04\00\00\00[\00]\00")
            (data (i32.const 700) "{bytes}")
            (data (i32.const 792) "\02\00\00\00\62\00\00\00{units}")
            {report} {kept} {start} {body})"#,
        report = guest::REPORT,
    )
}
