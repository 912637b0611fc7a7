//! Lists as owners and authors write them: what can be read is kept, the rest is said with what is expected.

use serde_json::Value;

use super::rule::Rule;

pub(super) const EXPECTED: &str = "expected {\"only\": [..], \"allow\": [..], \"deny\": [..]}";
pub(super) const ADDRESSES: &str =
    "address; write 192.168.1.5, 192.168.1.5:80, [fe80::1]:80, 10.0.0.0/8 or 10.0.0.0/8:80";
pub(super) const TARGETS: &str = "destination; write api.example.org, api.example.org:443, *.example.org, https://tiles.example.org, 192.168.1.5 or 192.168.1.0/24:10110";

pub(super) fn rules(value: &Value, member: &str, complaints: &mut Vec<String>) -> Vec<Rule> {
    let texts = texts(value, member, complaints);
    list(&texts, Rule::read, member, ADDRESSES, complaints)
}

/// The same with the word [`PRIVATE`], which stands for the nets of the boat and of every house.
pub(super) fn denials(value: &Value, member: &str, complaints: &mut Vec<String>) -> Vec<Rule> {
    let texts = texts(value, member, complaints);
    let nets = texts.iter().flat_map(|text| match text.as_str() {
        PRIVATE => PRIVATE_NETS.map(str::to_owned).to_vec(),
        _ => vec![text.clone()],
    });
    list(&nets.collect::<Vec<_>>(), Rule::read, member, DENIALS, complaints)
}

/// What an owner writes for [`PRIVATE_NETS`].
const PRIVATE: &str = "private";
/// Addresses that no router of the internet passes on (RFC 1918, RFC 4193).
const PRIVATE_NETS: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];
const DENIALS: &str = "address; write 192.168.1.5, 192.168.1.5:80, [fe80::1]:80, 10.0.0.0/8, 10.0.0.0/8:80, or \"private\" for the private nets";

/// The texts of an array; what is something else is said.
pub(super) fn texts(value: &Value, member: &str, complaints: &mut Vec<String>) -> Vec<String> {
    let Some(items) = value.as_array() else {
        complaints.push(format!("{member}: {value} is no list; write {member}: [\"..\"]"));
        return Vec::new();
    };
    let text = |item: &Value| {
        let text = item.as_str().map(str::to_owned);
        if text.is_none() {
            complaints.push(format!("{member}: {item} is no text"));
        }
        text
    };
    items.iter().filter_map(text).collect()
}

/// The entries that can be read; the others are said.
pub(super) fn list<T>(
    texts: &[String],
    read: impl Fn(&str) -> Option<T>,
    member: &str,
    expected: &str,
    complaints: &mut Vec<String>,
) -> Vec<T> {
    let one = |text: &String| {
        let entry = read(text);
        if entry.is_none() {
            complaints.push(format!("{member}: `{text}` is no {expected}"));
        }
        entry
    };
    texts.iter().filter_map(one).collect()
}
