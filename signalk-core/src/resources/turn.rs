//! From a client's question to its response: who is asked, which step follows, what the client reads, and the delta
//! that tells everybody about a write.

use std::time::Duration;

use serde_json::{Value, json};
use signalk_bridge::{Handler, HandlerFailure, HandlerReply};
use signalk_model::{Delta, Path, PathValue, Placement, SourceRef, Update, Value as ModelValue};

use super::{
    Waiting,
    asking::{Asking, Client, Step, first_step, merge},
    options::FILES,
    plugin,
    provider::{Begun, Given, Known, Provider, Question, file_name},
    storage::{StorageDone, StorageTask},
};
use crate::{
    http::HttpResponse,
    intake::Origin,
    io::{LogLevel, Ticket},
    plugins::{Later, Plugins},
    server::Server,
};

/// What one turn works with.
pub(crate) struct Turn<'a> {
    pub(crate) now: Duration,
    pub(crate) server: &'a mut Server,
    pub(crate) plugins: &'a mut Plugins,
}

impl Turn<'_> {
    /// A client asks; the type has a provider. `wanted`: only this one, by id. The response follows, at once or later.
    pub(crate) fn ask(
        &mut self,
        client: Client,
        kind: &str,
        question: Question,
        created: bool,
        wanted: Option<&str>,
    ) {
        let providers = self.server.resources.asked(kind, self.plugins);
        let wanted =
            wanted.map(|id| self.plugins.id_of(id).map_or(id.to_owned(), |id| id.to_string()));
        let named = wanted.map(|id| providers.iter().find(|provider| provider.id() == id).cloned());
        let writer = match &named {
            Some(named) => named.clone(),
            None => self.server.resources.default_provider(kind, self.plugins),
        };
        let (step, asked) = first_step(&question, created, providers, named, writer.as_ref());
        if asked.is_empty() {
            return self.not_here(&client);
        }
        let asked = asked.into_iter().map(|provider| (provider, None)).collect();
        let kind = kind.to_owned();
        self.put(Asking { client, kind, question, created, step, asked, writer });
    }

    /// The edge did what was asked of it.
    pub(crate) fn storage_done(&mut self, ticket: Ticket, result: Result<StorageDone, String>) {
        let Some(waiting) = self.server.resources.waiting.remove(&ticket) else { return };
        if let Ok(StorageDone::Charts(files)) = &result {
            self.server.resources.files.clone_from(files);
        }
        match waiting {
            Waiting::Asked { asking, at, .. } => self.provider_done(asking, at, result),
            Waiting::Tile(client) => self.server.respond_tile(&client, result),
            Waiting::RawFile { client, name } => self.server.respond_raw_file(&client, &name),
            Waiting::ChartsV1 { client, id } => {
                self.server.respond_charts_v1(&client, id.as_deref())
            }
            Waiting::FirstLook => {
                if let Err(error) = result {
                    self.server.log_line(LogLevel::Warn, "charts".into(), error);
                }
            }
        }
    }

    /// Asks everybody of this step.
    fn put(&mut self, mut asking: Asking) {
        let key = self.server.resources.next_asking;
        self.server.resources.next_asking += 1;
        let question = asking.current();
        let here = self.server.own_position();
        let mut tasks = Vec::new();
        let mut calls = Vec::new();
        for (at, (provider, given)) in asking.asked.iter_mut().enumerate() {
            let known = Known { charts: &self.server.resources.charts, here };
            match provider.begin(&asking.kind, &question, &known) {
                Begun::Now(now) => *given = Some(now),
                Begun::Task(task) => tasks.push((at, task)),
                Begun::Call(plugin, handler, request) => calls.push((at, plugin, handler, request)),
            }
        }
        let complete = asking.is_complete();
        if complete {
            return self.proceed(asking);
        }
        self.server.resources.asking.insert(key, asking);
        for (at, task) in tasks {
            let writes =
                matches!(task, StorageTask::WriteFile { .. } | StorageTask::DeleteFile { .. });
            self.server.storage(task, Waiting::Asked { asking: key, at, writes });
        }
        for (at, plugin, handler, request) in calls {
            let then = Box::new(move |later: &mut Later<'_>, reply: HandlerReply| {
                let (server, plugins) = (&mut *later.server, &mut *later.plugins);
                Turn { now: later.now, server, plugins }.plugin_done(key, at, reply);
            });
            let handler = Handler::Resources(handler);
            self.plugins.call_handler(self.now, &plugin, handler, request, self.server, then);
        }
    }

    fn plugin_done(&mut self, key: u64, at: usize, reply: HandlerReply) {
        let Some(mut asking) = self.server.resources.asking.remove(&key) else { return };
        let question = asking.current();
        if let Some((provider, given)) = asking.asked.get_mut(at) {
            // Any other failure is in the plugin's log already.
            let missing = match &reply {
                Err(failure @ HandlerFailure::NotFound { .. }) => Some(failure.to_string()),
                _ => None,
            };
            let understood = plugin::understand(&question, reply);
            let garbage = || understood.as_ref().err().cloned();
            if let (Provider::Plugin(id), Some(text)) = (provider, missing.or_else(garbage)) {
                let text = format!("resources {}: {text}", asking.kind);
                self.server.garbage.push((id.clone(), text));
            }
            *given = Some(understood.unwrap_or_else(|why| Given::Failed(Some(why))));
        }
        self.go_on(key, asking);
    }

    fn go_on(&mut self, key: u64, asking: Asking) {
        if asking.is_complete() {
            self.proceed(asking);
        } else {
            self.server.resources.asking.insert(key, asking);
        }
    }

    fn provider_done(&mut self, key: u64, at: usize, result: Result<StorageDone, String>) {
        let Some(mut asking) = self.server.resources.asking.remove(&key) else { return };
        let question = asking.current();
        if let Some((provider, given)) = asking.asked.get_mut(at) {
            let known = Known { charts: &self.server.resources.charts, here: None };
            let understood = provider.understand(&question, result, &known);
            let of_files = *provider == Provider::Files;
            let provider = provider.id().to_owned();
            let sound = |name: &str| of_files && is_sound(name, &question, &understood.given);
            self.server.note_files(&asking.kind, understood.damaged, sound);
            *given = Some(understood.given);
            if let Some(error) = understood.error {
                self.server.log_line(LogLevel::Error, provider, error);
            }
        }
        self.go_on(key, asking);
    }

    /// Everybody of this step has given.
    fn proceed(&mut self, mut asking: Asking) {
        match asking.step {
            Step::Collect => {
                let given = merge(std::mem::take(&mut asking.asked));
                self.respond_read(&asking, given);
            }
            Step::FindOwner => {
                // What nobody has can be created, but not deleted.
                let owner = asking.owner();
                let writer = match asking.question {
                    Question::Delete { .. } => owner,
                    _ => owner.or_else(|| asking.writer.clone()),
                };
                let Some(writer) = writer else { return self.not_here(&asking.client) };
                asking.step = Step::Write;
                asking.asked = vec![(writer, None)];
                self.put(asking);
            }
            Step::Write => {
                if let Some((provider, Some(given))) = asking.asked.pop() {
                    self.respond_written(&asking, &provider, given);
                }
            }
        }
    }

    fn respond_read(&mut self, asking: &Asking, given: Given) {
        let response = match (given, &asking.question) {
            (Given::Listing(listing), _) => HttpResponse::json_text(200, listing.body),
            (Given::Item(text), _) => HttpResponse::json_text(200, text),
            (Given::Refused(why), _) => failed(400, &why),
            (Given::Failed(Some(why)), _) => failed(502, &why),
            (_, Question::List(_)) => failed(404, "Error retrieving resources!"),
            (_, Question::Get { id, .. } | Question::Set { id, .. } | Question::Delete { id }) => {
                failed(404, &format!("Resource not found! ({id})"))
            }
        };
        self.server.respond(asking.client.id, &asking.client.request, response);
    }

    fn respond_written(&mut self, asking: &Asking, provider: &Provider, given: Given) {
        let kind = &asking.kind;
        let (id, value) = match &asking.question {
            Question::Set { id, value } => (id, Some(value)),
            Question::Delete { id } => (id, None),
            Question::List(_) | Question::Get { .. } => return,
        };
        let response = match given {
            Given::Done => {
                self.tell(provider, kind, id, value.cloned());
                done(asking.created, id)
            }
            Given::Failed(Some(why)) | Given::Refused(why) => {
                failed(if value.is_some() && !asking.created { 404 } else { 400 }, &why)
            }
            _ => match (value, asking.created) {
                (None, _) => failed(400, &format!("Error deleting resource ({id})!")),
                (Some(_), true) => failed(400, &format!("Error saving {kind} resource ({id})!")),
                (Some(_), false) => failed(404, &format!("Error saving {kind} resource ({id})!")),
            },
        };
        self.server.respond(asking.client.id, &asking.client.request, response);
    }

    /// The delta of a write: null is a deletion.
    fn tell(&mut self, provider: &Provider, kind: &str, id: &str, value: Option<Value>) {
        let path = format!("resources.{kind}.{id}");
        // A name of a custom resource may be none that a path can hold; then nobody could subscribe to it either.
        let Ok(path) = path.parse::<Path>() else { return };
        let value = ModelValue::from_json(value.unwrap_or_default());
        let update = Update { values: vec![PathValue { path, value }], ..Update::default() };
        let delta = Delta { context: None, updates: vec![update] };
        let source = SourceRef::from(provider.id());
        self.server.handle_delta_as(self.now, delta, &source, Placement::CacheOnly, Origin::Server);
    }

    /// The page of an address that nothing answers.
    fn not_here(&mut self, client: &Client) {
        let response = HttpResponse::not_found(&client.request.method, client.request.path());
        self.server.respond(client.id, &client.request, response);
    }

    /// A collection is added to the built-in provider, or taken from it.
    pub(crate) fn change_collections(
        &mut self,
        client: Client,
        name: &str,
        description: Option<&str>,
    ) {
        let options = &mut self.server.resources.options;
        let changed = match description {
            Some(description) => options.add(name, description),
            None => options.remove(name),
        };
        let response = match changed {
            Ok(()) => completed(200, "OK"),
            Err((status, why)) => failed(status, why),
        };
        if changed.is_err() {
            return self.server.respond(client.id, &client.request, response);
        }
        let (file, text) = self.server.resources.options.to_file();
        self.server.config.plugin_options.insert(FILES.into(), text.clone());
        let ok = response.with_etag(&client.request);
        self.server.save(file, text, crate::saving::Saving::Respond { id: client.id, ok });
    }
}

/// Whether what was given shows that a file which was damaged is none any more.
fn is_sound(name: &str, question: &Question, given: &Given) -> bool {
    match (given, question) {
        (Given::Listing(listing), _) => listing.entries.iter().any(|(id, _)| id == name),
        (
            Given::Item(_) | Given::Done,
            Question::Get { id, .. } | Question::Set { id, .. } | Question::Delete { id },
        ) => file_name(id) == name,
        _ => false,
    }
}

/// The body of a write that was done.
fn done(created: bool, id: &str) -> HttpResponse {
    match created {
        true => {
            HttpResponse::json(201, &json!({ "state": "COMPLETED", "statusCode": 201, "id": id }))
        }
        false => completed(200, id),
    }
}

/// The body of everything that was done.
pub(crate) fn completed(status: u16, message: &str) -> HttpResponse {
    HttpResponse::json(
        status,
        &json!({ "state": "COMPLETED", "statusCode": status, "message": message }),
    )
}

/// The body of everything that went wrong.
pub(crate) fn failed(status: u16, message: &str) -> HttpResponse {
    HttpResponse::json(
        status,
        &json!({ "state": "FAILED", "statusCode": status, "message": message }),
    )
}
