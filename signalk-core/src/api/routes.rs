//! The table of routes, and who may use each: the one place where that is said. What a route does is in the file of its
//! family; how the rights are checked is `gate.rs`.

use super::{
    Answer, Call, admin, discovery, plugins, put, radar, resources, security, settings, status, v1,
    weather,
};
use crate::http::percent_decode;
use crate::security::Needs;

/// One row.
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) pattern: &'static str,
    pub(super) needs: Needs,
    pub(super) run: fn(&mut Call<'_>) -> Answer,
    /// A plugin's own endpoint at this address comes first: an extension, of which existing plugins know nothing
    /// (plugin ABI 8.5 gives the precedence to the routes of 8.4 only).
    pub(super) yields: bool,
}

const fn get(pattern: &'static str, run: fn(&mut Call<'_>) -> Answer) -> Route {
    route("GET", pattern, run)
}

/// Of an administrator, unless [`Route::needs`] says otherwise.
const fn route(
    method: &'static str,
    pattern: &'static str,
    run: fn(&mut Call<'_>) -> Answer,
) -> Route {
    Route { method, pattern, needs: Needs::ADMIN, run, yields: false }
}

impl Route {
    const fn needs(self, needs: Needs) -> Route {
        Route { needs, ..self }
    }

    const fn yields(self) -> Route {
        Route { yields: true, ..self }
    }
}

/// The first row for this method and path, and what its holes matched, decoded.
pub(super) fn find(method: &str, path: &str) -> Option<(&'static Route, Vec<String>)> {
    let rows = ROUTES.iter().filter(|route| route.method == method);
    rows.into_iter().find_map(|route| Some((route, matches(route.pattern, path)?)))
}

/// First match wins; endpoints of plugins come after all of these but those that yield, which stay at `/skServer`. `{}`
/// is one segment, `{*}` the rest (at least one segment); a trailing slash is ignored except where the pattern has one.
/// A row that says no more is an administrator's (server-api.md 6.5).
pub(super) const ROUTES: &[Route] = &[
    get("/signalk/v1/api/resources/charts", resources::charts_v1).needs(Needs::READ),
    get("/signalk/v1/api/resources/charts/{}", resources::charts_v1).needs(Needs::READ),
    get("/signalk/v1/api/", v1::full).needs(Needs::READ),
    get("/signalk/v1/api/snapshot/{*}", v1::snapshot).needs(Needs::READ),
    get("/signalk/v1/api/{*}", v1::node).needs(Needs::READ),
    get("/signalk/v1/snapshot/{*}", v1::snapshot).needs(Needs::READ),
    route("PUT", "/signalk/v1/api/{*}", put::put).needs(Needs::WRITE),
    route("DELETE", "/signalk/v1/api/{*}", put::delete).needs(Needs::WRITE),
    get("/signalk/v1/requests/{}", put::request_state).needs(Needs::NoBadToken),
    get("/signalk/v1/apps/list", plugins::apps).needs(Needs::NoBadToken),
    get("/signalk", discovery::endpoints).needs(Needs::Nothing),
    get("/signalk/v2/features", discovery::features).needs(Needs::NoBadToken),
    get("/signalk/v2/api/resources", resources::types).needs(Needs::READ),
    get("/signalk/v2/api/resources/{}/_providers", resources::providers).needs(Needs::READ),
    get("/signalk/v2/api/resources/{}/_providers/_default", resources::default_provider)
        .needs(Needs::READ),
    route(
        "POST",
        "/signalk/v2/api/resources/{}/_providers/_default/{}",
        resources::choose_default_provider,
    )
    .needs(Needs::WRITE),
    get("/signalk/v2/api/resources/{}", resources::list).needs(Needs::READ),
    get("/signalk/v2/api/resources/{}/{}", resources::get).needs(Needs::READ),
    get("/signalk/v2/api/resources/{}/{}/{*}", resources::get).needs(Needs::READ),
    route("POST", "/signalk/v2/api/resources/{}", resources::create).needs(Needs::WRITE),
    route("PUT", "/signalk/v2/api/resources/{}/{}", resources::put).needs(Needs::WRITE),
    route("DELETE", "/signalk/v2/api/resources/{}/{}", resources::delete).needs(Needs::WRITE),
    get("/signalk/chart-tiles/{}/{}/{}/{}", resources::tile).needs(Needs::READ),
    get("/pmtiles", resources::raw_files).needs(Needs::READ),
    get("/pmtiles/{}", resources::raw_file).needs(Needs::READ),
    get("/plugins/resources-provider/_config", resources::collections),
    route("POST", "/plugins/resources-provider/_config/{}", resources::add_collection),
    route("DELETE", "/plugins/resources-provider/_config/{}", resources::remove_collection),
    get("/signalk/v2/api/weather", weather::describe).needs(Needs::READ),
    get("/signalk/v2/api/weather/_providers", weather::providers).needs(Needs::READ),
    get("/signalk/v2/api/weather/_providers/_default", weather::default_provider)
        .needs(Needs::READ),
    route(
        "POST",
        "/signalk/v2/api/weather/_providers/_default/{}",
        weather::choose_default_provider,
    )
    .needs(Needs::WRITE),
    get("/signalk/v2/api/weather/observations", weather::observations).needs(Needs::READ),
    get("/signalk/v2/api/weather/forecasts", weather::describe_forecasts).needs(Needs::READ),
    get("/signalk/v2/api/weather/forecasts/daily", weather::daily).needs(Needs::READ),
    get("/signalk/v2/api/weather/forecasts/point", weather::point).needs(Needs::READ),
    get("/signalk/v2/api/weather/warnings", weather::warnings).needs(Needs::READ),
    get("/signalk/v2/api/vessels/self/radars", radar::list).needs(Needs::READ),
    get("/signalk/v2/api/vessels/self/radars/_providers", radar::providers).needs(Needs::READ),
    get("/signalk/v2/api/vessels/self/radars/_providers/_default", radar::default_provider)
        .needs(Needs::READ),
    route(
        "POST",
        "/signalk/v2/api/vessels/self/radars/_providers/_default/{}",
        radar::choose_default_provider,
    )
    .needs(Needs::WRITE),
    get("/signalk/v2/api/vessels/self/radars/{}", radar::info).needs(Needs::READ),
    route("PUT", "/signalk/v2/api/vessels/self/radars/{}", radar::controls).needs(Needs::WRITE),
    route("PUT", "/signalk/v2/api/vessels/self/radars/{}/power", radar::power).needs(Needs::WRITE),
    route("PUT", "/signalk/v2/api/vessels/self/radars/{}/range", radar::range).needs(Needs::WRITE),
    route("PUT", "/signalk/v2/api/vessels/self/radars/{}/gain", radar::gain).needs(Needs::WRITE),
    route("PUT", "/signalk/v2/api/vessels/self/radars/{}/sea", radar::sea).needs(Needs::WRITE),
    route("PUT", "/signalk/v2/api/vessels/self/radars/{}/rain", radar::rain).needs(Needs::WRITE),
    get("/signalk/v2/api/vessels/self/radars/{}/capabilities", radar::capabilities)
        .needs(Needs::READ),
    get("/signalk/v2/api/vessels/self/radars/{}/state", radar::state).needs(Needs::READ),
    get("/signalk/v2/api/vessels/self/radars/{}/controls", radar::all_controls).needs(Needs::READ),
    get("/signalk/v2/api/vessels/self/radars/{}/controls/{}", radar::control).needs(Needs::READ),
    route("PUT", "/signalk/v2/api/vessels/self/radars/{}/controls/{}", radar::set_control)
        .needs(Needs::WRITE),
    get("/signalk/v2/api/vessels/self/radars/{}/targets", radar::targets).needs(Needs::READ),
    route("POST", "/signalk/v2/api/vessels/self/radars/{}/targets", radar::acquire_target)
        .needs(Needs::WRITE),
    route("DELETE", "/signalk/v2/api/vessels/self/radars/{}/targets/{}", radar::cancel_target)
        .needs(Needs::WRITE),
    get("/signalk/v2/api/vessels/self/radars/{}/arpa/settings", radar::arpa_settings)
        .needs(Needs::READ),
    route("PUT", "/signalk/v2/api/vessels/self/radars/{}/arpa/settings", radar::set_arpa_settings)
        .needs(Needs::WRITE),
    get("/signalk-host/status", status::status),
    route("POST", "/signalk/v1/auth/login", security::login).needs(Needs::Nothing),
    route("POST", "/login", security::login).needs(Needs::Nothing),
    route("PUT", "/signalk/v1/auth/logout", security::logout).needs(Needs::Nothing),
    route("POST", "/signalk/v1/access/requests", security::request_access).needs(Needs::Nothing),
    route("PUT", "/logout", security::logout).needs(Needs::Nothing),
    get("/skServer/loginStatus", security::login_status).needs(Needs::Nothing),
    get("/loginStatus", security::login_status).needs(Needs::Nothing),
    get("/skServer/plugins", plugins::list),
    get("/plugins", plugins::list),
    get("/skServer/plugins/{}", plugins::info),
    get("/plugins/freeboard-sk", plugins::freeboard).needs(Needs::Login),
    get("/plugins/{}", plugins::info),
    get("/skServer/plugins/{}/config", plugins::config),
    get("/plugins/{}/config", plugins::config),
    get("/skServer/plugins/{}/diagnostics", plugins::diagnostics),
    get("/plugins/{}/diagnostics", plugins::diagnostics).yields(),
    route("POST", "/skServer/plugins/{}/reload", plugins::reload),
    route("POST", "/plugins/{}/reload", plugins::reload).yields(),
    route("POST", "/skServer/plugins/{}/config", plugins::save_config),
    route("POST", "/plugins/{}/config", plugins::save_config),
    get("/skServer/webapps", plugins::webapps).needs(Needs::READ),
    get("/webapps", plugins::webapps).needs(Needs::READ),
    get("/skServer/addons", plugins::addons).needs(Needs::READ),
    get("/skServer/settings", settings::settings),
    route("PUT", "/skServer/settings", settings::save_settings),
    get("/skServer/vessel", settings::vessel),
    route("PUT", "/skServer/vessel", settings::save_vessel),
    get("/skServer/availablePaths", admin::available_paths).needs(Needs::READ),
    get("/skServer/providers", settings::providers),
    route("POST", "/skServer/providers", settings::add_provider),
    route("PUT", "/skServer/providers/{}", settings::change_provider),
    route("DELETE", "/skServer/providers/{}", settings::remove_provider),
    get("/skServer/serialports", admin::serial_ports),
    get("/skServer/multiSourcePaths", admin::multi_source_paths),
    get("/skServer/debugKeys", admin::empty_list),
    get("/skServer/logfiles", admin::empty_list),
    get("/skServer/paths", admin::paths),
    get("/skServer/positionSources", admin::empty_list),
    get("/skServer/priorityGroups", admin::empty_list),
    get("/skServer/sourceAliases", admin::empty_object),
    get("/skServer/ignoredInstanceConflicts", admin::empty_object),
    get("/skServer/livePreferredSources", admin::empty_object),
    get("/skServer/priorityOverrides", admin::empty_object),
    get("/skServer/priorities", admin::priorities),
    get("/skServer/hasAnalyzer", admin::no),
    get("/skServer/security/hasBackup", admin::no_backup),
    get("/skServer/security/config", security::config),
    get("/skServer/security/devices", security::devices),
    get("/skServer/security/users", security::users),
    get("/skServer/security/access/requests", security::access_requests),
    get("/", admin::landing_page).needs(Needs::Nothing),
    get("/admin", admin::admin_folder).needs(Needs::Nothing),
];

/// What the pattern's holes matched, or `None`.
fn matches(pattern: &str, path: &str) -> Option<Vec<String>> {
    if pattern.len() > 1 && pattern.ends_with('/') || !pattern.contains('{') {
        let same =
            pattern == path || (!pattern.ends_with('/') && path.strip_suffix('/') == Some(pattern));
        return same.then(Vec::new);
    }
    let (fixed, _) = pattern.split_once('{')?;
    let mut rest = path.strip_prefix(fixed)?;
    rest = rest.strip_suffix('/').unwrap_or(rest);
    let mut captured = Vec::new();
    let holes = pattern.get(fixed.len()..)?;
    if holes == "{*}" {
        let decoded = rest.split('/').map(|segment| percent_decode(segment, false));
        return (!rest.is_empty()).then(|| decoded.collect());
    }
    let mut segments = rest.split('/');
    for part in holes.split('/') {
        let segment = segments.next()?;
        match part {
            "{*}" if !segment.is_empty() => {
                let all = std::iter::once(segment).chain(segments.by_ref());
                captured.extend(all.map(|segment| percent_decode(segment, false)));
            }
            "{}" if !segment.is_empty() => captured.push(percent_decode(segment, false)),
            "{}" => return None,
            _ if part == segment => {}
            _ => return None,
        }
    }
    segments.next().is_none().then_some(captured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_the_reference_does() {
        let some =
            |captured: &[&str]| Some(captured.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>());
        assert_eq!(matches("/signalk/v1/api/", "/signalk/v1/api/"), some(&[]));
        assert_eq!(matches("/signalk/v1/api/", "/signalk/v1/api"), None);
        assert_eq!(matches("/signalk", "/signalk/"), some(&[]));
        assert_eq!(
            matches("/signalk/v1/api/{*}", "/signalk/v1/api/vessels/self/"),
            some(&["vessels", "self"])
        );
        assert_eq!(matches("/signalk/v1/api/{*}", "/signalk/v1/api/a%2Fb"), some(&["a/b"]));
        assert_eq!(matches("/r/{}/{}/{*}", "/r/a/b/c/d%2Fe"), some(&["a", "b", "c", "d/e"]));
        assert_eq!(matches("/r/{}/{}/{*}", "/r/a/b/"), None);
        assert_eq!(matches("/plugins/{}/config", "/plugins/x/config"), some(&["x"]));
        assert_eq!(matches("/plugins/{}/config", "/plugins/x/other"), None);
        assert_eq!(matches("/plugins/{}", "/plugins/x/"), some(&["x"]));
        assert_eq!(matches("/plugins/{}", "/plugins/x/y"), None);
        assert_eq!(matches("/", "/"), some(&[]));
    }
}
