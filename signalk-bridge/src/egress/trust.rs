//! Whom an owner trusts besides the authorities that everybody knows: certificates by their fingerprints, and
//! authorities by the name of a file beside the options file.

use bytes::Bytes;
use serde_json::Value;

use super::fingerprint::Fingerprint;
use super::lists::{list, texts};

const EXPECTED: &str = "certificate; write \"sha256:\" and its 64 hexadecimal digits, or the name of a PEM file in plugin-config-data, as in \"boat-ca.pem\"";

/// Of one plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Trust {
    pub(super) fingerprints: Vec<Fingerprint>,
    /// Names in `plugin-config-data`.
    pub(super) files: Vec<String>,
    /// What stood in them: certificates in DER.
    pub(super) authorities: Vec<Bytes>,
}

enum Entry {
    Fingerprint(Fingerprint),
    File(String),
}

impl Trust {
    /// The member `trust`; what is not understood is said and left out.
    pub(super) fn read(value: &Value, complaints: &mut Vec<String>) -> Trust {
        let texts = texts(value, "trust", complaints);
        let mut trust = Trust::default();
        for entry in list(&texts, read, "trust", EXPECTED, complaints) {
            match entry {
                Entry::Fingerprint(own) => trust.fingerprints.push(own),
                Entry::File(name) => trust.files.push(name),
            }
        }
        trust
    }
}

fn read(text: &str) -> Option<Entry> {
    let fingerprint = Fingerprint::read(text).map(Entry::Fingerprint);
    fingerprint.or_else(|| is_file(text).then(|| Entry::File(text.to_owned())))
}

/// A name, and no way out of the folder or into that of a plugin, which writes there itself.
fn is_file(name: &str) -> bool {
    let ends = [".pem", ".crt"].iter().any(|end| name.to_ascii_lowercase().ends_with(end));
    ends && name.len() <= 255
        && !name.starts_with('.')
        && !name.contains(['/', '\\', ':'])
        && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_entry_is_a_fingerprint_or_a_plain_name() {
        let print = "sha256:".to_owned() + &"0123456789abcdef".repeat(4);
        let mut complaints = Vec::new();
        let all = json!([print, "boat-ca.pem", "My CA.CRT"]);
        let trust = Trust::read(&all, &mut complaints);
        assert_eq!((trust.fingerprints.len(), complaints.len()), (1, 0), "{complaints:?}");
        assert_eq!(trust.files, ["boat-ca.pem", "My CA.CRT"]);
        for wrong in [
            "../ca.pem",
            "/etc/ca.pem",
            "p/vfs/data/ca.pem",
            "..\\ca.pem",
            "c:ca.pem",
            ".pem",
            "ca.der",
            "",
            "a\0.pem",
        ] {
            let mut complaints = Vec::new();
            assert_eq!(Trust::read(&json!([wrong]), &mut complaints), Trust::default(), "{wrong}");
            assert!(complaints[0].contains("in plugin-config-data"), "{complaints:?}");
        }
    }
}
