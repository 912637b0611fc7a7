//! `DEBUG`, as users of signalk-server know it from the npm package `debug`: names with `*`, separated by commas or
//! blanks, and `-name` to leave some out. `DEBUG=signalk:wasm:*,-signalk:wasm:noisy`.

/// Which names are to say everything.
#[derive(Debug, Default)]
pub(crate) struct DebugNames {
    wanted: Vec<String>,
    left_out: Vec<String>,
}

impl DebugNames {
    pub(crate) fn read(text: &str) -> DebugNames {
        let mut names = DebugNames::default();
        for word in text.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
            match word.strip_prefix('-') {
                Some(word) => names.left_out.push(word.to_owned()),
                None => names.wanted.push(word.to_owned()),
            }
        }
        names
    }

    /// One thing may go by several names: any of them may be wanted, none may be left out.
    pub(crate) fn want(&self, names: &[&str]) -> bool {
        let in_list = |list: &[String]| {
            list.iter().any(|pattern| names.iter().any(|name| matches(pattern, name)))
        };
        in_list(&self.wanted) && !in_list(&self.left_out)
    }
}

/// `*` is any text, also none, also in the middle.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(start) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return name.ends_with(part);
        }
        let Some((_, after)) = name.split_once(part) else { return false };
        name = after;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_in_the_debug_package() {
        for (text, name, wanted) in [
            ("", "signalk:wasm:p", false),
            ("*", "signalk:wasm:p", true),
            ("signalk:*", "signalk:wasm:p", true),
            ("signalk:*", "signalk", false),
            ("signalk*", "signalk", true),
            ("signalk:wasm:*", "signalk:wasm:p", true),
            ("signalk:wasm:*", "signalk:core", false),
            ("signalk:wasm:p", "signalk:wasm:p", true),
            ("signalk:wasm:p", "signalk:wasm:pp", false),
            ("express:*, signalk:core", "signalk:core", true),
            ("express:* signalk:core", "signalk:core", true),
            ("signalk:wasm:*,-signalk:wasm:noisy", "signalk:wasm:noisy", false),
            ("-signalk:wasm:noisy,signalk:wasm:*", "signalk:wasm:noisy", false),
            ("signalk:wasm:*,-signalk:wasm:n*", "signalk:wasm:p", true),
            ("-*", "signalk:wasm:p", false),
            ("signalk:*:p", "signalk:wasm:p", true),
            ("*:p", "signalk:wasm:q", false),
            ("s*k*p", "signalk:wasm:p", true),
            ("s*x*p", "signalk:wasm:p", false),
        ] {
            assert_eq!(DebugNames::read(text).want(&[name]), wanted, "DEBUG={text} {name}");
        }
    }

    #[test]
    fn any_name_of_a_thing_selects_it_and_any_leaves_it_out() {
        let names = ["signalk:wasm:p", "p"];
        assert!(DebugNames::read("p").want(&names));
        assert!(!DebugNames::read("signalk:*,-p").want(&names));
    }
}
