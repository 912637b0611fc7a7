//! Each dependency's licence must be one that deny.toml allows.
//!
//! `cargo deny` says more (advisories, bans) and reads the same file; this check
//! needs nothing installed.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;

/// Names the packages whose licence expression cannot be met with the allowed ones.
pub(super) fn check(metadata: &Value) -> Result<Vec<String>> {
    let file = process::root().join("deny.toml");
    let text = fs::read_to_string(&file).with_context(|| format!("{}", file.display()))?;
    let allowed = allowed(&text);
    let exceptions = exceptions(&text);
    let mut faults = Vec::new();
    for package in metadata["packages"].as_array().map_or(&[][..], Vec::as_slice) {
        let name = package["name"].as_str().unwrap_or_default();
        match package["license"].as_str() {
            Some(licence) if satisfied(licence, &allowed) => {}
            Some(licence) if exceptions.contains(&(name, licence)) => {}
            Some(licence) => faults.push(format!("{name}: licence `{licence}` is not allowed")),
            None => faults.push(format!("{name}: states no licence")),
        }
    }
    Ok(faults)
}

/// The quoted entries between `allow = [` and `]`.
fn allowed(deny: &str) -> Vec<String> {
    let list = deny.split("\nallow = [").nth(1).and_then(|rest| rest.split(']').next());
    list.unwrap_or_default().split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// One line each: `{ crate = "name", allow = ["licence"] },`.
fn exceptions(deny: &str) -> Vec<(&str, &str)> {
    let list = deny.split("\nexceptions = [\n").nth(1).and_then(|rest| rest.split("\n]").next());
    list.unwrap_or_default()
        .lines()
        .filter_map(|line| Some((line.split('"').nth(1)?, line.split('"').nth(3)?)))
        .collect()
}

/// An SPDX expression of `OR`, `AND` and parentheses, read from the outside in.
fn satisfied(expression: &str, allowed: &[String]) -> bool {
    let text = expression.trim().replace('/', " OR ");
    for (operator, all) in [(" AND ", true), (" OR ", false)] {
        let parts = split_outside(&text, operator);
        if parts.len() > 1 {
            let mut met = parts.iter().map(|part| satisfied(part, allowed));
            return if all { met.all(|m| m) } else { met.any(|m| m) };
        }
    }
    let inner = text.strip_prefix('(').and_then(|t| t.strip_suffix(')'));
    match inner {
        Some(inner) => satisfied(inner, allowed),
        None => allowed.iter().any(|a| a == text.trim()),
    }
}

fn split_outside(text: &str, operator: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut depth, mut rest) = (0_usize, text);
    while let Some(character) = rest.chars().next() {
        if depth == 0 && rest.starts_with(operator) {
            parts.push(String::new());
            rest = &rest[operator.len()..];
            continue;
        }
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(character);
        }
        rest = &rest[character.len_utf8()..];
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_met_by_one_side_of_or_and_both_of_and() {
        let allowed = ["MIT", "Unicode-3.0"].map(str::to_owned);
        assert!(satisfied("MIT OR Apache-2.0", &allowed));
        assert!(satisfied("(Apache-2.0 OR MIT) AND Unicode-3.0", &allowed));
        assert!(satisfied("Apache-2.0/MIT", &allowed));
        assert!(!satisfied("MIT AND GPL-3.0", &allowed));
        assert!(!satisfied("GPL-3.0", &allowed));
    }
}
