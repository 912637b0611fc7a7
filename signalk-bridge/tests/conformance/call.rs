//! One import called by one guest, and whether what came of it is what the specification says.

use std::collections::BTreeSet;

use signalk_bridge::{Capabilities, Interface};

use crate::cases::{Case, Gives};
use crate::guest::{self, Arg, END, Flavour, LIAR, Plan, Word};
use crate::spec::{Import, Type};
use crate::world::{self, World};

/// What one call came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// As `Gives` says it, or `did not return`.
    pub(crate) bits: Option<u64>,
    /// Bytes of the guest's data that changed.
    pub(crate) changed: Option<u64>,
    pub(crate) shown: Option<String>,
    /// Log lines, effects and registrations, without the measuring itself.
    pub(crate) seen: Vec<String>,
    pub(crate) last: String,
    pub(crate) errors: u64,
    pub(crate) faults: u64,
    pub(crate) unknown: Vec<String>,
}

/// Runs the plan to the end of its first `poll`.
pub(crate) fn run(plan: &Plan<'_>, rights: Capabilities) -> Outcome {
    let interface = match plan.flavour {
        Flavour::JsonRpc => Interface::JsonRpc,
        _ => Interface::Auto,
    };
    let mut world = World::new(&guest::wat(plan), rights, interface);
    if plan.flavour != Flavour::JsonRpc {
        world.server.trace.clear();
        world.effects.clear();
        world.at(1000);
    }
    let mut outcome = Outcome {
        last: world.last().to_owned(),
        errors: world.counters().host_call_errors,
        faults: world.counters().guest_faults,
        unknown: world.unknown.clone(),
        ..Outcome::default()
    };
    for line in &world.server.trace {
        let text = line.split_once(": ").map_or("", |(_, text)| text);
        let number = |text: &str| u64::from_str_radix(text, 16).ok();
        match text.split_at_checked(1) {
            Some(("=", rest)) if rest.len() == 16 => outcome.bits = number(rest),
            Some(("!", rest)) if rest.len() == 16 => outcome.changed = number(rest),
            Some((":", rest)) => outcome.shown = Some(rest.to_owned()),
            _ => outcome.seen.push(line.clone()),
        }
    }
    outcome.seen.extend(world.effects.iter().map(|effect| format!("{effect:?}")));
    outcome
}

/// What goes wrong is collected, so that one run tells everything.
pub(crate) type Faults = Vec<String>;

/// Everything granted: the cell of the table, and what is wrong with it.
pub(crate) fn granted(
    import: &Import,
    case: &Case,
    flavour: Flavour,
    ty: &Type,
    faults: &mut Faults,
) -> String {
    let plan = plan(import, case, flavour, ty);
    let got = run(&plan, world::all());
    let mut wrong = |what: &str| {
        faults.push(format!("{} {flavour:?} {}: {what}: {got:?}", case.name, ty.show()))
    };
    if !got.unknown.is_empty() {
        wrong("not linked");
    }
    let cell = match case.gives {
        Gives::Ends(words) => {
            if !got.last.contains(words) {
                wrong("does not end the plugin as it should");
            }
            format!("ends: `{words}`")
        }
        gives => {
            if !holds(gives, ty, &got) {
                wrong("wrong answer");
            }
            if !lives(flavour, &got) {
                wrong("the plugin did not survive");
            }
            show(gives)
        }
    };
    let seen = got.seen.iter().any(|line| line.contains(case.does));
    if !(case.does.is_empty() && got.seen.is_empty() || !case.does.is_empty() && seen) {
        wrong("not what the server or the world should see");
    }
    cell
}

/// Without its capability: the failure value, nothing touched, nothing done, counted and said.
pub(crate) fn denied(
    import: &Import,
    case: &Case,
    flavour: Flavour,
    ty: &Type,
    faults: &mut Faults,
) -> String {
    // What the specification leaves open, this host's own table may ask for.
    let mut rows = signalk_bridge::host_calls().filter(|_| import.module == "env");
    let own = rows.find(|(name, _)| *name == import.name).and_then(|(_, needs)| needs);
    let own = own.map(|needs| needs.key().to_owned());
    let Some(capability) = import.capability.clone().or(own) else { return "-".to_owned() };
    let plan = Plan { setup: "", ..plan(import, case, flavour, ty) };
    let got = run(&plan, world::without(&capability));
    let mut wrong =
        |what: &str| faults.push(format!("{} {flavour:?} denied: {what}: {got:?}", case.name));
    if import.module == "as-fetch" && case.name != "_initAsyncify" {
        if !got.last.contains("network capability not granted") {
            wrong("does not trap");
        }
        return "trap: network capability not granted".to_owned();
    }
    // Without `storage` there is no preopened root: EBADF.
    let value = if is_wasi(import) { 8 } else { failure(import, ty) };
    if got.bits != Some(bits(value, ty)) {
        wrong("not the failure value");
    }
    if got.changed != Some(0) || !lives(flavour, &got) {
        wrong("touched memory, or ended the plugin");
    }
    if is_wasi(import) {
        return "8 EBADF".to_owned();
    }
    if import.status == "unmerged-optional" || case.name == "_initAsyncify" {
        return format!("{value}, never served");
    }
    let said = format!("`{}` needs the capability `{capability}`", case.name);
    if got.seen.len() != 1 || !got.seen[0].contains(&said) || got.errors != 1 {
        wrong("not said and counted once, or something was done");
    }
    if ty.results.is_empty() { "nothing, said".to_owned() } else { format!("{value}, said") }
}

/// Every pointer and length spoilt in every way: the failure value, nothing touched, counted.
pub(crate) fn spoilt(
    import: &Import,
    case: &Case,
    flavour: Flavour,
    ty: &Type,
    faults: &mut Faults,
) -> String {
    if import.name == "args_get" && flavour != Flavour::JsonRpc {
        return "no arguments, nothing written".to_owned();
    }
    let (mut tried, mut errnos) = (0, BTreeSet::new());
    for (index, value) in ways(&guest::lay(arguments(import, case, ty)).words) {
        if index >= ty.params.len() {
            continue;
        }
        tried += 1;
        let plan = Plan { spoilt: Some((index, value)), ..plan(import, case, flavour, ty) };
        let got = run(&plan, world::all());
        let name = case.name;
        let mut wrong = |what: &str| {
            faults.push(format!("{name} {flavour:?} argument {index} = {value}: {what}: {got:?}"));
        };
        if matches!(case.gives, Gives::Ends(_)) {
            if !got.last.starts_with("crashed") {
                wrong("does not end");
            }
            continue;
        }
        let failed = match got.bits {
            Some(errno) if is_wasi(import) => {
                errnos.insert(errno);
                errno != 0
            }
            found => found == Some(bits(failure(import, ty), ty)),
        };
        if !failed {
            wrong("not the failure value");
        }
        if got.changed != Some(0) {
            wrong("touched memory");
        }
        if !lives(flavour, &got) {
            wrong("ended the plugin");
        }
        if !is_wasi(import) && served(import) && got.faults == 0 {
            wrong("not counted");
        }
    }
    if tried == 0 {
        return "-".to_owned();
    }
    match case.gives {
        Gives::Ends(_) => format!("ends all the same ({tried} ways)"),
        _ if ty.results.is_empty() => format!("nothing, counted ({tried} ways)"),
        _ if !served(import) => format!("{} ({tried} ways)", failure(import, ty)),
        _ if is_wasi(import) => {
            let all: Vec<String> = errnos.iter().map(u64::to_string).collect();
            format!("{} ({tried} ways)", all.join(", "))
        }
        _ => format!("{}, counted ({tried} ways)", failure(import, ty)),
    }
}

fn is_wasi(import: &Import) -> bool {
    import.module == "wasi_snapshot_preview1"
}

/// A command that has returned has done all it could.
fn lives(flavour: Flavour, got: &Outcome) -> bool {
    got.last == "Started" || flavour == Flavour::JsonRpc && got.last.contains("code 0")
}

/// Whether it does anything at all.
fn served(import: &Import) -> bool {
    !matches!(import.status.as_str(), "unmerged-optional" | "legacy-stub")
        && import.name != "_initAsyncify"
}

/// Which argument, and what instead: every pointer beside memory, across its end and at it, every
/// length too long.
pub(crate) fn ways(words: &[Word]) -> Vec<(usize, i64)> {
    let mut ways = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let values: &[i64] = match word {
            Word::Number(_) | Word::Float(_) => &[],
            Word::Pointer(_) | Word::Alone(_) => &[-65_536, END - 1, END, -1],
            Word::Length(_) => &[-1, END, i64::from(i32::MAX), i64::from(i32::MIN)],
            Word::Object(_) => &[-65_536, END + 8, 3, LIAR],
        };
        ways.extend(values.iter().map(|value| (index, *value)));
    }
    ways
}

fn plan<'a>(import: &'a Import, case: &Case, flavour: Flavour, ty: &'a Type) -> Plan<'a> {
    let args = arguments(import, case, ty);
    let (module, name) = (&import.module, &import.name);
    Plan { flavour, module, name, ty, args, setup: case.setup, spoilt: None }
}

fn arguments(import: &Import, case: &Case, ty: &Type) -> &'static [Arg] {
    let utf8 = import.name == "console.log" && ty.params.len() == 2;
    if utf8 { crate::cases::CONSOLE_LOG_UTF8 } else { case.args }
}

/// What a call answers that fails.
fn failure(import: &Import, ty: &Type) -> i64 {
    match import.error_value {
        _ if ty.results.is_empty() => 0,
        Some(value) => value,
        None => 0,
    }
}

fn bits(value: i64, ty: &Type) -> u64 {
    match ty.results.first().map(String::as_str) {
        None => 0,
        #[allow(clippy::cast_precision_loss, reason = "small")]
        Some("f64") => (value as f64).to_bits(),
        Some(_) => value.cast_unsigned(),
    }
}

fn holds(gives: Gives, ty: &Type, got: &Outcome) -> bool {
    let Some(found) = got.bits else { return false };
    let is = |value: usize| found == bits(i64::try_from(value).unwrap(), ty);
    match gives {
        Gives::Nothing => found == bits(0, ty),
        Gives::Is(value) => found == bits(if ty.results.is_empty() { 0 } else { value }, ty),
        // Without a result the guest cannot know, and does not show.
        Gives::Wrote(_) | Gives::Object(_) if ty.results.is_empty() => true,
        Gives::Wrote(text) => is(text.len()) && got.shown.as_deref() == Some(text),
        Gives::Object(text) => found != 0 && got.shown.as_deref() == Some(text),
        Gives::Between(from, to) => match ty.results.first().map(String::as_str) {
            Some("f64") => (from..to).contains(&f64::from_bits(found)),
            _ => true,
        },
        Gives::Ends(_) => true,
    }
}

fn show(gives: Gives) -> String {
    match gives {
        Gives::Nothing => "done".to_owned(),
        Gives::Is(value) => value.to_string(),
        Gives::Wrote(text) => {
            format!("{} `{}`", text.len(), text.replace('\r', "\\r").replace('\n', "\\n"))
        }
        Gives::Object(text) => format!("object `{}`", text.replace('"', "'")),
        Gives::Between(from, to) => format!("{from} <= x < {to:e}"),
        Gives::Ends(words) => words.to_owned(),
    }
}

/// The type with other numbers, one more parameter, and a result that comes or goes: it must link
/// and do the same (plugin ABI 4.1).
pub(crate) fn strange(ty: &Type) -> Vec<Type> {
    let all = |types: &[String], to: &str| -> Vec<String> {
        types.iter().map(|ty| if ty == "i32" { to.to_owned() } else { ty.clone() }).collect()
    };
    let with = |params: Vec<String>, results: Vec<String>| Type { params, results };
    let mut more = ty.params.clone();
    more.push("i32".to_owned());
    let toggled = if ty.results.is_empty() { vec!["i32".to_owned()] } else { vec![] };
    vec![
        with(all(&ty.params, "i64"), all(&ty.results, "i64")),
        with(all(&ty.params, "f64"), all(&ty.results, "f64")),
        with(more, ty.results.clone()),
        with(ty.params.clone(), toggled),
    ]
}
