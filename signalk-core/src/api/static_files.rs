//! Files of packages: `/{package}/...`, and `/plugins/{id}/...` where nothing else answers (plugin ABI 1.6).

use super::{Answer, Call};
use crate::{
    http::percent_decode,
    io::{Effect, Output},
    webapps::{self, StaticFile},
};

/// Asks the edge for the file that the address means; `None`: it means none.
pub(super) fn handle(call: &mut Call<'_>) -> Option<Answer> {
    if !matches!(call.request.method.as_str(), "GET" | "HEAD") {
        return None;
    }
    let file = of_app(call).or_else(|| of_plugin(call).map(Wanted::File))?;
    match file {
        Wanted::Folder => Some(webapps::into_folder(call.request).into()),
        Wanted::File(file) => {
            let id = call.id;
            let effect = Effect::HttpRespondStatic { id, file };
            call.server.outputs.push_back(Output::Effect(effect));
            Some(Answer::Later)
        }
    }
}

enum Wanted {
    /// The bare name of an app.
    Folder,
    File(StaticFile),
}

fn of_app(call: &Call<'_>) -> Option<Wanted> {
    let path = call.request.path().strip_prefix('/')?;
    let steps = if path.starts_with('@') || path.starts_with("%40") { 2 } else { 1 };
    let end = path.match_indices('/').nth(steps - 1).map(|(at, _)| at);
    let (name, below) = path.split_at_checked(end.unwrap_or(path.len()))?;
    let folder = call.server.webapps.folder(&percent_decode(name, false))?;
    match below.strip_prefix('/') {
        None => Some(Wanted::Folder),
        Some(below) => StaticFile::new(folder, true, below, call.request).map(Wanted::File),
    }
}

/// An extension, W45: documents promise a plugin's `public` folder here. The address itself is its information.
fn of_plugin(call: &Call<'_>) -> Option<StaticFile> {
    let (id, below) = super::endpoints::below_mount(call)?;
    let folder = call.plugins.static_folder(&id)?;
    let below = below.strip_prefix('/').filter(|below| !below.is_empty())?;
    StaticFile::new(folder, false, below, call.request)
}
