//! Who the own vessel is (server-api.md 1.3), and the random names that the server gives.

use crate::{config::Config, guest::Platform};

/// The own vessel's id, without `vessels.`; generated and put into the base deltas when nothing says it.
/// The second value is true when the base deltas must be saved.
pub(crate) fn self_id(config: &mut Config, platform: &dyn Platform) -> (String, bool) {
    if let Some(id) = configured_id(config) {
        return (id, false);
    }
    let uuid = format!("{UUID_PREFIX}{}", uuid_v4(platform));
    config.base_deltas.set_root("uuid", uuid.as_str().into());
    (uuid, config.base_deltas.may_be_saved())
}

/// What the configuration says: the MMSI, else the UUID.
pub(crate) fn configured_id(config: &Config) -> Option<String> {
    let (old_mmsi, old_uuid) = config.settings.vessel();
    if let Some(mmsi) = config.base_deltas.self_text("mmsi").or(old_mmsi) {
        return Some(format!("urn:mrn:imo:mmsi:{mmsi}"));
    }
    let uuid = config.base_deltas.self_text("uuid").or(old_uuid)?;
    Some(if uuid.starts_with(UUID_PREFIX) { uuid } else { format!("{UUID_PREFIX}{uuid}") })
}

/// A random UUID in its usual form.
pub(crate) fn uuid_v4(platform: &dyn Platform) -> String {
    let mut bytes = [0; 16];
    platform.fill_random(&mut bytes);
    let bits = u128::from_be_bytes(bytes) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

const UUID_PREFIX: &str = "urn:mrn:signalk:uuid:";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigTexts;
    use std::time::Duration;

    struct Fixed(u8);
    impl Platform for Fixed {
        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
        fn wall_clock(&self) -> Duration {
            Duration::ZERO
        }
        fn fill_random(&self, buf: &mut [u8]) {
            buf.fill(self.0);
        }
    }

    #[test]
    fn a_uuid_has_version_and_variant() {
        assert_eq!(uuid_v4(&Fixed(0xff)), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid_v4(&Fixed(0)), "00000000-0000-4000-8000-000000000000");
    }

    #[test]
    fn mmsi_wins_over_uuid_and_nothing_at_all_is_generated_and_saved() {
        let base = r#"[{"updates":[{"values":[{"path":"","value":{"mmsi":"230099999","uuid":"urn:mrn:signalk:uuid:x"}}]}]}]"#;
        let mut config = Config::from_texts(ConfigTexts {
            base_deltas: Some(base.into()),
            ..ConfigTexts::default()
        });
        assert_eq!(self_id(&mut config, &Fixed(1)), ("urn:mrn:imo:mmsi:230099999".into(), false));

        let mut config = Config::default();
        let (id, save) = self_id(&mut config, &Fixed(1));
        assert_eq!(id, "urn:mrn:signalk:uuid:01010101-0101-4101-8101-010101010101");
        assert!(save && config.base_deltas.to_text().contains(&id));
    }

    #[test]
    fn the_identity_of_old_settings_is_kept() {
        let settings = r#"{"vessel":{"uuid":"urn:mrn:signalk:uuid:old"}}"#;
        let mut config = Config::from_texts(ConfigTexts {
            settings: Some(settings.into()),
            ..ConfigTexts::default()
        });
        assert_eq!(self_id(&mut config, &Fixed(1)), ("urn:mrn:signalk:uuid:old".into(), false));
    }
}
