//! Files of packages: `/{package}/...`, and `/plugins/{id}/...` where nothing else answers (plugin ABI 1.6).

use super::{Answer, Call};
use crate::{
    http::{HttpRequest, percent_decode},
    io::{Effect, Output},
    plugins::Plugins,
    security::Needs,
    server::Server,
    webapps::{self, StaticFile},
};

/// The file that an address means; `None`: it means none.
pub(super) fn find(request: &HttpRequest, server: &Server, plugins: &Plugins) -> Option<Wanted> {
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        return None;
    }
    of_app(request, server).or_else(|| of_plugin(request, plugins).map(Wanted::OfPlugin))
}

/// Asks the edge for it.
pub(super) fn handle(call: &mut Call<'_>, wanted: Wanted) -> Answer {
    match wanted {
        Wanted::Folder => webapps::into_folder(call.request).into(),
        Wanted::OfApp(file) | Wanted::OfPlugin(file) => {
            let id = call.id;
            let effect = Effect::HttpRespondStatic { id, file };
            call.server.outputs.push_back(Output::Effect(effect));
            Answer::Later
        }
    }
}

pub(super) enum Wanted {
    /// The bare name of an app.
    Folder,
    OfApp(StaticFile),
    OfPlugin(StaticFile),
}

impl Wanted {
    /// Apps are open: who logs in has to see something first. Below the plugins everything is an administrator's.
    pub(super) fn needs(&self) -> Needs {
        match self {
            Wanted::Folder | Wanted::OfApp(_) => Needs::Nothing,
            Wanted::OfPlugin(_) => Needs::ADMIN,
        }
    }
}

fn of_app(request: &HttpRequest, server: &Server) -> Option<Wanted> {
    let path = request.path().strip_prefix('/')?;
    let steps = if path.starts_with('@') || path.starts_with("%40") { 2 } else { 1 };
    let end = path.match_indices('/').nth(steps - 1).map(|(at, _)| at);
    let (name, below) = path.split_at_checked(end.unwrap_or(path.len()))?;
    let folder = server.webapps.folder(&percent_decode(name, false))?;
    match below.strip_prefix('/') {
        None => Some(Wanted::Folder),
        Some(below) => StaticFile::new(folder, true, below, request).map(Wanted::OfApp),
    }
}

/// An extension, W45: documents promise a plugin's `public` folder here. The address itself is its information.
fn of_plugin(request: &HttpRequest, plugins: &Plugins) -> Option<StaticFile> {
    let (id, below) = super::address_of_plugin(plugins, request.path())?;
    let folder = plugins.static_folder(&id)?;
    let below = below.strip_prefix('/').filter(|below| !below.is_empty())?;
    StaticFile::new(folder, false, below, request)
}
