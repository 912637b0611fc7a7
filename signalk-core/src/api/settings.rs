//! What the admin UI changes: settings, the own vessel, connections (server-api.md 5.1). Each is saved before it is
//! answered. What the forms mean is `config`'s.

use serde_json::Value;

use super::{Answer, Call};
use crate::{
    config::{NotTaken, connection, is_enabled, listed, with_form},
    http::HttpResponse,
    saving::Saving,
};

/// `GET /skServer/settings`
pub(super) fn settings(call: &mut Call<'_>) -> Answer {
    let config = &call.server.config;
    HttpResponse::json(200, &config.settings.form(config.http_port)).into()
}

/// `PUT /skServer/settings`
///
/// DIFFERENCE: a form without `options` is 400 with a text; the reference answers 500 with a stack trace.
pub(super) fn save_settings(call: &mut Call<'_>) -> Answer {
    let form = match body(call) {
        Ok(form) => form,
        Err(refused) => return refused,
    };
    if !call.server.config.settings.may_be_saved() {
        return HttpResponse::text(500, damaged("settings.json")).into();
    }
    match call.server.config.settings.take_form(&form) {
        Ok(later) => call.server.need_restart(later),
        Err(error) => return HttpResponse::text(400, error.to_string()).into(),
    }
    save(call, "Settings changed")
}

/// `GET /skServer/vessel`
pub(super) fn vessel(call: &mut Call<'_>) -> Answer {
    HttpResponse::json(200, &call.server.config.base_deltas.vessel_form()).into()
}

/// `PUT /skServer/vessel`: also told to everybody, as `$source` `defaults`. A new identity is that of the next start.
pub(super) fn save_vessel(call: &mut Call<'_>) -> Answer {
    let form = match body(call) {
        Ok(form) => form,
        Err(refused) => return refused,
    };
    let Some(form) = form.as_object() else {
        return HttpResponse::text(400, "the vessel must be a JSON object").into();
    };
    let vessel = &mut call.server.config.base_deltas;
    if !vessel.may_be_saved() {
        return HttpResponse::text(500, damaged("baseDeltas.json")).into();
    }
    if let Err(error) = vessel.take_vessel_form(form) {
        return HttpResponse::text(400, error.to_string()).into();
    }
    let text = vessel.to_text();
    call.server.vessel_changed(call.now);
    let ok = HttpResponse::text(200, "Vessel changed");
    call.server.save("baseDeltas.json".into(), text, Saving::Respond { id: call.id, ok });
    Answer::Later
}

/// `GET /skServer/providers`: the configured connections, and those of the command line, which cannot be edited.
pub(super) fn providers(call: &mut Call<'_>) -> Answer {
    let stored = call.server.config.settings.piped_providers();
    let configured = |label: &str| stored.iter().any(|provider| has_id(provider, label));
    let all: Value =
        stored.iter().map(listed).chain(call.server.connections.added(configured)).collect();
    HttpResponse::json(200, &all).into()
}

/// `POST /skServer/providers`
pub(super) fn add_provider(call: &mut Call<'_>) -> Answer {
    edit(call, "Connection added", |form, stored, taken| {
        let new = with_form(None, form)?;
        refuse_taken(&new, taken)?;
        stored.push(new.clone());
        Ok((None, Some(new)))
    })
}

/// `PUT /skServer/providers/{id}`
pub(super) fn change_provider(call: &mut Call<'_>) -> Answer {
    let id = call.captured.first().cloned().unwrap_or_default();
    edit(call, "Connection updated", |form, stored, taken| {
        let place = stored.iter_mut().find(|provider| has_id(provider, &id));
        let place = place.ok_or_else(|| NotTaken::Unknown(id.clone()))?;
        let new = with_form(Some(place), form)?;
        if !has_id(&new, &id) {
            refuse_taken(&new, taken)?;
        }
        *place = new.clone();
        Ok((Some(id), Some(new)))
    })
}

/// `DELETE /skServer/providers/{id}`
pub(super) fn remove_provider(call: &mut Call<'_>) -> Answer {
    let id = call.captured.first().cloned().unwrap_or_default();
    edit(call, "Connection deleted", |_, stored, _| {
        let at = stored.iter().position(|provider| has_id(provider, &id));
        stored.remove(at.ok_or_else(|| NotTaken::Unknown(id.clone()))?);
        Ok((Some(id), None))
    })
}

/// What an edit did: the name of the connection that is no more, and the one that is there now.
type Edited = (Option<String>, Option<Value>);

/// Changes the list of connections, opens and closes accordingly, and saves.
fn edit(
    call: &mut Call<'_>,
    done: &'static str,
    change: impl FnOnce(&Value, &mut Vec<Value>, &dyn Fn(&str) -> bool) -> Result<Edited, NotTaken>,
) -> Answer {
    let form = match body(call) {
        Ok(form) => form,
        Err(refused) => return refused,
    };
    let server = &mut *call.server;
    if !server.config.settings.may_be_saved() {
        return HttpResponse::text(500, damaged("settings.json")).into();
    }
    let mut stored = server.config.settings.piped_providers().to_vec();
    let taken = |label: &str| server.connections.has(label);
    let (old, new) = match change(&form, &mut stored, &taken) {
        Ok(edited) => edited,
        Err(error) => return HttpResponse::text(error.status(), error.to_string()).into(),
    };
    server.config.settings.set_piped_providers(stored);
    let new = new.map(|new| (is_enabled(&new), connection(&new)));
    // One that is switched off and unknown to us is only kept.
    let new = new.and_then(|(enabled, new)| (enabled || new.is_ok()).then_some(new));
    server.change_connection(call.now, old.as_deref(), new);
    save(call, done)
}

fn refuse_taken(new: &Value, taken: &dyn Fn(&str) -> bool) -> Result<(), NotTaken> {
    let id = new.get("id").and_then(Value::as_str).unwrap_or_default();
    if taken(id) { Err(NotTaken::Exists(id.to_owned())) } else { Ok(()) }
}

fn has_id(provider: &Value, id: &str) -> bool {
    provider.get("id").and_then(Value::as_str) == Some(id)
}

/// Whoever changed them asked first whether they may be saved.
fn save(call: &mut Call<'_>, done: &'static str) -> Answer {
    let settings = &call.server.config.settings;
    let text = settings.to_text();
    let ok = HttpResponse::text(200, done);
    call.server.save("settings.json".into(), text, Saving::Respond { id: call.id, ok });
    Answer::Later
}

/// A DELETE has no body.
fn body(call: &Call<'_>) -> Result<Value, Answer> {
    if call.request.body.is_empty() {
        return Ok(Value::Null);
    }
    super::body::read(&call.request.body, serde_json::from_slice).map_err(Answer::from)
}

fn damaged(file: &str) -> String {
    format!(
        "{file} was damaged when the server started and is left as it is: repair or remove it, then restart"
    )
}
