//! Which stream an address means (plugin ABI 12): `/signalk/v2/api/streams/<stream>`, and the two aliases of a radar's
//! spokes.

use signalk_bridge::PluginId;

use crate::http::percent_decode;

const STREAMS: &str = "/signalk/v2/api/streams/";
const RADARS: &str = "/signalk/v2/api/vessels/self/radars/";
/// The last segment of a radar's stream: as of today, and as of signalk-server 2.23.
const SPOKES: [&str; 2] = ["/spokes", "/stream"];

/// The stream at this path of an upgrade request, under its one name.
pub(super) fn stream_of(path: &str) -> Option<String> {
    let path = path.strip_suffix('/').unwrap_or(path);
    if let Some(name) = path.strip_prefix(STREAMS) {
        let name = percent_decode(name, false);
        return (!name.is_empty()).then(|| canonical(&name));
    }
    let rest = path.strip_prefix(RADARS)?;
    let radar = SPOKES.iter().find_map(|end| rest.strip_suffix(end))?;
    let is_one = !radar.is_empty() && !radar.contains('/');
    is_one.then(|| format!("radars/{}", percent_decode(radar, false)))
}

/// A plugin's streams are known by its id; a scoped package name is an alias of it (plugin ABI 1.4, W32).
pub(super) fn canonical(name: &str) -> String {
    let scoped = || {
        let rest = name.strip_prefix("plugins/").filter(|rest| rest.starts_with('@'))?;
        let (scope, rest) = rest.split_once('/')?;
        let (package, rest) = rest.split_once('/')?;
        let id = PluginId::from_package(&format!("{scope}/{package}"));
        Some(format!("plugins/{id}/{rest}"))
    };
    scoped().unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_their_aliases_mean_one_stream() {
        let of = |path: &str| stream_of(path);
        for path in [
            "/signalk/v2/api/streams/radars/radar-0",
            "/signalk/v2/api/streams/radars%2Fradar-0/",
            "/signalk/v2/api/vessels/self/radars/radar-0/spokes",
            "/signalk/v2/api/vessels/self/radars/radar-0/stream",
        ] {
            assert_eq!(of(path).as_deref(), Some("radars/radar-0"), "{path}");
        }
        assert_eq!(of("/signalk/v2/api/streams/plugins/p/a/b").unwrap(), "plugins/p/a/b");
        assert_eq!(of("/signalk/v2/api/streams/plugins/@x/y/a%20b").unwrap(), "plugins/_x_y/a b");
        for path in [
            "/signalk/v2/api/streams/",
            "/signalk/v2/api/streams",
            "/signalk/v2/api/vessels/self/radars/spokes",
            "/signalk/v2/api/vessels/self/radars/a/b/spokes",
            "/signalk/v2/api/vessels/self/radars/a/targets",
            "/signalk/v1/stream",
        ] {
            assert_eq!(of(path), None, "{path}");
        }
    }

    #[test]
    fn only_a_scoped_package_name_is_rewritten() {
        assert_eq!(canonical("plugins/@a/b/c/d"), "plugins/_a_b/c/d");
        for kept in ["plugins/@a/b", "plugins/a/b", "radars/x", "@a/b/c"] {
            assert_eq!(canonical(kept), kept);
        }
    }
}
