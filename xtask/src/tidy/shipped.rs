//! What of a file is shipped: its text without comments and without modules for tests, and with each
//! `use` of a group spelt out, so that words can be looked for.
//!
//! It relies on rustfmt's layout, which CI demands, instead of parsing Rust.

/// The text without comments and without modules for tests; at its end one full path per line for
/// each name of `use a::{b, c::d};`.
pub(super) fn shipped(text: &str) -> String {
    let mut code = Vec::new();
    let mut lines = text.lines().filter(|line| !line.trim_start().starts_with("//")).peekable();
    while let Some(line) = lines.next() {
        if !is_for_tests(line) {
            code.push(line);
            continue;
        }
        let mut held = vec![line];
        while let Some(attribute) = lines.next_if(|line| line.trim_start().starts_with("#[")) {
            held.push(attribute);
        }
        match lines.next_if(|line| is_module(line)) {
            // In a file of its own, which has a name that says so: this file goes on.
            Some(module) if module.ends_with(';') => {}
            Some(module) => {
                let indent = module.len() - module.trim_start().len();
                let end = format!("{}}}", " ".repeat(indent));
                lines.by_ref().take_while(|line| *line != end).for_each(drop);
            }
            None => code.append(&mut held),
        }
    }
    let code = code.join("\n");
    let paths = groups(&code);
    code + "\n" + &paths.join("\n")
}

fn is_for_tests(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(all(test,")
}

fn is_module(line: &str) -> bool {
    let line = line.trim_start();
    let after = match line.strip_prefix("pub") {
        Some(rest) => rest.split_once(' ').map_or(rest, |(_, rest)| rest),
        None => line,
    };
    after.starts_with("mod ") && (line.ends_with('{') || line.ends_with(';'))
}

/// The paths that the `use` items with braces name.
fn groups(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let is_word = code[..at].chars().next_back().is_none_or(|c| c.is_whitespace() || c == ')');
        let Some((item, _)) = code[at + 4..].split_once(';') else { continue };
        if is_word && item.contains('{') {
            let item: String = item.split_whitespace().collect::<Vec<_>>().join(" ");
            spell_out("", &item, &mut paths);
        }
    }
    paths
}

fn spell_out(before: &str, tree: &str, paths: &mut Vec<String>) {
    let Some((prefix, rest)) = tree.split_once('{') else {
        paths.push(format!("{before}{}", tree.trim()));
        return;
    };
    let before = format!("{before}{}", prefix.trim());
    let inside = rest.trim_end().strip_suffix('}').unwrap_or(rest);
    let (mut depth, mut start) = (0_usize, 0);
    for (at, letter) in inside.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                spell_out(&before, &inside[start..at], paths);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !inside[start..].trim().is_empty() {
        spell_out(&before, &inside[start..], paths);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_for_tests_in_a_file_of_its_own_hides_nothing() {
        let text = "#[cfg(test)]\nmod tests;\nuse std::fs;\n// std::net\n";
        assert_eq!(shipped(text).trim_end(), "use std::fs;");
        let text = "#[cfg(test)]\n#[path = \"x.rs\"]\npub(crate) mod fake;\nmod real;\n";
        assert_eq!(shipped(text).trim_end(), "mod real;");
    }

    #[test]
    fn a_module_for_tests_inside_is_left_out_and_what_follows_is_not() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\nfn c() {}\n";
        assert_eq!(shipped(text).trim_end(), "fn a() {}\nfn c() {}");
        let text = "#[cfg(all(test, unix))]\nmod tests {\n    fn b() {}\n}\n";
        assert_eq!(shipped(text).trim_end(), "");
    }

    #[test]
    fn a_function_for_tests_stays() {
        let text = "#[cfg(test)]\nfn a() {}\n";
        assert_eq!(shipped(text).trim_end(), text.trim_end());
    }

    #[test]
    fn the_names_of_a_group_are_spelt_out() {
        let text = "pub(crate) use std::{\n    collections::{BTreeMap, VecDeque},\n    fs,\n    io::{self, Read},\n};\n";
        let spelt = shipped(text);
        for path in ["std::collections::VecDeque", "std::fs", "std::io::self", "std::io::Read"] {
            assert!(spelt.lines().any(|line| line == path), "{path} in {spelt}");
        }
    }
}
