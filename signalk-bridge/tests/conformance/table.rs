//! The table as a document.

use std::fmt::Write as _;

use signalk_bridge::Capability;

use crate::call::{self, Faults};
use crate::guest::Flavour;
use crate::spec::{Export, Import, Key, Spec, Type};
use crate::{cases, exports, instead, rpc, wasi, weaknesses};

const HEAD: &str = "# Conformance

Written by `UPDATE_CONFORMANCE=1 cargo test -p signalk-bridge --test conformance`; the same test fails
when another table comes out, or when a test named in the last one is gone. Each cell was seen: a guest
of that flavour was made from `plugin-abi.json` with the type in the row, driven through `Session`, and
its answer, its memory, the counters, the log and what server and world saw were compared with the
specification.

B is the buffer ABI, AS AssemblyScript, RPC a JSON-RPC plugin. *Of*: the section of `plugin-abi.md`.
*Granted*: everything is. *Denied*: everything but the row's capability. *Spoilt*: every pointer beside,
across and at the end of memory, every length too long, one at a time; the number of ways in brackets;
nothing was written, the plugin lived on. *Other types*: the same call with `i64`, with `f64`, with one
parameter more, with the result left out or added (plugin ABI 4.1). `said` is one line in the plugin's
log that names call and remedy, `counted` a counter of its diagnostics. What this host does not serve
says so.

`by sk_call`: the same call of a plugin by exports, in both flavours, answered as a JSON-RPC plugin is; denied,
with bad params and with every pointer spoilt it answers -1, and `sk_call_error` says the same code.

A method of JSON-RPC plugins is called after those that make what it needs, a socket or a request; what
those of the network ask of the world in all their forms is in `src/methods/tests/network.rs`:
`granted_each_row_asks_the_edge_for_its_work`, `denied_each_row_says_what_to_add_and_asks_for_nothing`,
`what_cannot_be_is_said_with_its_limit`. Guests of real compilers (Rust as library, reactor and command,
C, Go, AssemblyScript) make every call as well: `src/session/tests/guests.rs`.
";

/// The last table, which grows with every test of the workspace: it is shown as it was.
pub(crate) const SHOWN: &str = "\n## Weaknesses of the reference host\n";

/// All of it, and what is wrong.
pub(crate) fn whole(spec: &Spec, faults: &mut Faults) -> String {
    let mut text = HEAD.to_owned();
    imports(spec, faults, &mut text);
    system(spec, faults, &mut text);
    out(spec, faults, &mut text);
    own(faults, &mut text);
    methods(faults, &mut text);
    instead(spec, faults, &mut text);
    matrix(spec, faults, &mut text);
    weak(&mut text);
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn row(cells: &[&str], text: &mut String) {
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

fn head(title: &str, columns: &[&str], text: &mut String) {
    let _ = writeln!(text, "\n## {title}\n");
    row(columns, text);
    let _ = writeln!(text, "|{}", "---|".repeat(columns.len()));
}

/// The same in both flavours is said once.
fn both(cells: &[String]) -> String {
    match cells {
        [one, rest @ ..] if rest.iter().all(|other| other == one) => one.clone(),
        cells => cells.join(" / "),
    }
}

fn flavours(import: &Import) -> &'static [Flavour] {
    match import.module.as_str() {
        "as-fetch" => &[Flavour::AssemblyScript],
        "env" => &[Flavour::Buffer, Flavour::AssemblyScript],
        _ => &[Flavour::Buffer, Flavour::AssemblyScript, Flavour::JsonRpc],
    }
}

fn imports(spec: &Spec, faults: &mut Faults, text: &mut String) {
    let columns = ["import", "of", "type", "for", "granted", "denied", "spoilt", "other types"];
    head("Imports of `env` and `as-fetch`", &columns, text);
    for import in spec.imports.iter().filter(|i| i.module != "wasi_snapshot_preview1") {
        let case = cases::case(&import.name);
        let all = flavours(import);
        let names = if all.len() == 2 { "B, AS" } else { "AS" };
        for ty in &import.declared_variants {
            let mut cells = [vec![], vec![], vec![]];
            let before = faults.len();
            for flavour in all {
                cells[0].push(call::granted(import, case, *flavour, ty, faults));
                cells[1].push(call::denied(import, case, *flavour, ty, faults));
                cells[2].push(call::spoilt(import, case, *flavour, ty, faults));
                for strange in call::strange(ty) {
                    call::granted(import, case, *flavour, &strange, faults);
                }
            }
            let other = if faults.len() == before { "same" } else { "DIFFERS" };
            let name = format!("`{}`", import.name);
            let [granted, denied, spoilt] = cells.map(|cells| both(&cells));
            row(
                &[&name, &import.section, &ty.show(), names, &granted, &denied, &spoilt, other],
                text,
            );
        }
    }
}

fn instead(spec: &Spec, faults: &mut Faults, text: &mut String) {
    head("What JSON-RPC plugins call instead of imports", &["import", "by"], text);
    for (import, by) in instead::rows(spec, faults) {
        row(&[&import, &by], text);
    }
}

fn system(spec: &Spec, faults: &mut Faults, text: &mut String) {
    let columns = ["call", "of", "type", "granted: errno", "without `storage`", "spoilt: errno"];
    head("WASI preview 1, in B, AS and RPC", &columns, text);
    for import in spec.imports.iter().filter(|i| i.module == "wasi_snapshot_preview1") {
        let case = wasi::case(&import.name);
        let ty = &import.declared_variants[0];
        let mut cells = [vec![], vec![], vec![]];
        for flavour in flavours(import) {
            cells[0].push(call::granted(import, case, *flavour, ty, faults));
            cells[1].push(call::denied(import, case, *flavour, ty, faults));
            cells[2].push(call::spoilt(import, case, *flavour, ty, faults));
        }
        let name = format!("`{}`", import.name);
        let [granted, denied, spoilt] = cells.map(|cells| both(&cells));
        row(&[&name, &import.section, &ty.show(), &granted, &denied, &spoilt], text);
    }
}

fn out(spec: &Spec, faults: &mut Faults, text: &mut String) {
    head("Exports", &["export", "of", "for", "type", "called", "denied", "spoilt"], text);
    for export in &spec.exports {
        let name = match &export.legacy_name_of {
            Some(newer) => format!("`{}`, before `{newer}`", export.name),
            None => format!("`{}`", export.name),
        };
        if !each_type(export, &name, faults, text) {
            let (called, spoilt) = exports::thing(export, faults);
            row(&[&name, &export.section, "all", "-", &called, "-", &spoilt], text);
        }
    }
}

/// A row for each type of an export; false: it is no function.
fn each_type(export: &Export, name: &str, faults: &mut Faults, text: &mut String) -> bool {
    let script = export.assemblyscript.iter().chain(&export.assemblyscript_alternatives);
    let types = export.buffer.iter().map(|ty| (Flavour::Buffer, "B", ty));
    let types: Vec<_> = types.chain(script.map(|ty| (Flavour::AssemblyScript, "AS", ty))).collect();
    for (flavour, short, ty) in &types {
        let exports::Row { ty, granted, denied, spoilt } =
            exports::row(export, *flavour, ty, faults);
        row(&[name, &export.section, short, &ty, &granted, &denied, &spoilt], text);
    }
    !types.is_empty()
}

/// What this host calls and the specification does not know.
fn own(faults: &mut Faults, text: &mut String) {
    let columns = ["export", "of", "for", "type", "called", "denied", "spoilt"];
    head("Exports of this host", &columns, text);
    let of = |types: &[&str]| Type {
        params: types.iter().map(|ty| (*ty).to_owned()).collect(),
        results: Vec::new(),
    };
    let export = Export {
        name: "values_handler".to_owned(),
        section: "EXTENSIONS.md".to_owned(),
        buffer: Some(of(&["i32", "i32"])),
        assemblyscript: Some(of(&["i32", "i32"])),
        assemblyscript_alternatives: vec![of(&["i32"])],
        legacy_name_of: None,
    };
    each_type(&export, &format!("`{}`", export.name), faults, text);
}

fn methods(faults: &mut Faults, text: &mut String) {
    let columns = ["method", "capability", "granted", "denied", "bad params: code", "by `sk_call`"];
    head("Methods of JSON-RPC plugins", &columns, text);
    for rpc::Row { method, needs, granted, denied, spoilt, by_name } in rpc::rows(faults) {
        row(&[&format!("`{method}`"), needs, &granted, &denied, &spoilt, by_name], text);
    }
}

/// Capability to everything that needs it, from the tables by which the host itself decides; that each row is refused
/// without its capability, and never with it, is a test beside those tables, and above for what the specification
/// names.
fn matrix(spec: &Spec, faults: &mut Faults, text: &mut String) {
    head("Capabilities", &["capability", "imports", "methods", "else"], text);
    for import in spec.imports.iter().filter(|import| import.module == "env") {
        let Some(key) = import.capability.as_deref() else { continue };
        let row = signalk_bridge::host_calls().find(|(name, _)| *name == import.name);
        if row.is_some_and(|(_, needs)| needs.is_none_or(|needs| needs.key() != key)) {
            faults.push(format!("`{}` needs `{key}` in plugin-abi.json: {row:?}", import.name));
        }
    }
    for Key { key } in &spec.capabilities {
        if Capability::from_key(key).is_none() {
            faults.push(format!("the capability `{key}` of plugin-abi.json is not known"));
        }
    }
    for needs in Capability::ALL.into_iter().map(Some).chain([None]) {
        let key = needs.map_or("-", Capability::key);
        let served = signalk_bridge::host_calls().filter(|row| row.1 == needs).map(|row| row.0);
        let others = spec.imports.iter().filter(|import| import.module != "env");
        let others = others.filter(|import| import.capability.as_deref() == Some(key));
        let imports = names(served.chain(others.map(|import| import.name.as_str())));
        let methods = signalk_bridge::methods::METHODS.iter();
        let methods = methods.filter(|method| method.needs == needs);
        let methods = names(methods.map(|method| method.name));
        let other = match key {
            "dataRead" => "`delta_handler` `values_handler`",
            "httpEndpoints" => "`http_endpoints`: allowed and said without it",
            "storage" => "the preopened root",
            "serialPorts" => "nothing exists that needs it",
            "staticFiles" => "never required",
            "serverEvents" => "nothing is served",
            _ => "",
        };
        row(&[&format!("`{key}`"), &imports, &methods, other], text);
    }
}

fn names<'a>(all: impl Iterator<Item = &'a str>) -> String {
    all.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ")
}

fn weak(text: &mut String) {
    head("Weaknesses of the reference host", &["W", "what", "tests that bear its name"], text);
    let tests = weaknesses::tests();
    for (number, title) in (1..).zip(weaknesses::TITLES) {
        let of = tests.get(&number).map_or("**none yet**".to_owned(), |tests| tests.join("<br>"));
        row(&[&format!("W{number}"), title, &of], text);
    }
}
