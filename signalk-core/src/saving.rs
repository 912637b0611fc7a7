//! Files of the configuration directory on their way to the disk: at most one wish for each, whoever asks how often.
//! Writing them is the edge's. `saving/merge.rs`: those that their owner may write by hand meanwhile.

mod merge;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    http::{HttpRequest, HttpResponse},
    io::{Effect, HttpId, LogLevel, Output, Ticket},
    plugins::OwnSave,
    requests::{Reply, RequestNumber},
    server::Server,
};

pub use merge::keep_foreign_changes;

/// What is being written, by name.
#[derive(Default)]
pub(crate) struct Saves {
    writing: BTreeMap<String, Writing>,
    /// Options files of plugins, as they were read or saved last.
    known: BTreeMap<String, String>,
}

struct Writing {
    ticket: Ticket,
    text: String,
    waiting: Vec<Saving>,
    /// What is written after that: each text is the whole file, so only the newest one is kept.
    next: Option<(String, Vec<Saving>)>,
}

/// What happens when a file is durable, or could not be saved.
pub(crate) enum Saving {
    /// Nobody waits.
    Quiet,
    /// An HTTP client waits for this response.
    Respond { id: HttpId, ok: HttpResponse },
    /// A plugin saved its own options: it is told what came of that.
    OwnOptions(OwnSave),
    /// A PUT ends.
    Request(RequestNumber),
    /// An HTTP client waits for this, and for what the plugin makes of it.
    PluginOptions { id: HttpId, plugin: String, body: Map<String, Value> },
}

/// What became of a configuration that a client has posted.
pub(crate) struct SavedPost {
    /// Who waits, unless it failed.
    pub(crate) id: HttpId,
    pub(crate) plugin: String,
    pub(crate) body: Map<String, Value>,
    pub(crate) result: Result<(), String>,
}

impl Saves {
    /// Whether nothing is on its way.
    pub(crate) fn is_empty(&self) -> bool {
        self.writing.is_empty()
    }

    /// With the options files as they were read at the start: plugin's id and text.
    pub(crate) fn new(options: &BTreeMap<String, String>) -> Saves {
        let known = options
            .iter()
            .map(|(id, text)| (format!("plugin-config-data/{id}.json"), text.clone()));
        Saves { known: known.collect(), ..Saves::default() }
    }

    /// What stands in an options file. False while a save of it is on its way: then what is in memory is newer.
    pub(crate) fn read(&mut self, name: &str, text: &str) -> bool {
        let is_newest = !self.writing.contains_key(name);
        if is_newest {
            self.known.insert(name.to_owned(), text.to_owned());
        }
        is_newest
    }
}

/// Whether owners write into it by hand: an options file of a plugin.
fn is_shared(name: &str) -> bool {
    name.starts_with("plugin-config-data/")
}

impl Server {
    /// Saves a file. While an earlier text of it is being written, the newest one waits: a plugin that saves its
    /// options in a loop fills no queue.
    pub(crate) fn save(&mut self, name: String, text: String, then: Saving) {
        let waits = !matches!(then, Saving::Quiet);
        let then = waits.then_some(then);
        match self.saves.writing.get_mut(&name) {
            Some(writing) => {
                let (newest, waiting) = writing.next.get_or_insert_default();
                *newest = text;
                let is_own =
                    |then: &Saving| matches!(then, Saving::OwnOptions(OwnSave { id: None, .. }));
                // A file of options is of one plugin: who does not wait is named once, however often it saves.
                if !(then.as_ref().is_some_and(is_own) && waiting.iter().any(is_own)) {
                    waiting.extend(then);
                }
            }
            None => self.write(name, text, then.into_iter().collect()),
        }
    }

    /// The edge saved a file, or could not.
    pub(crate) fn saved(&mut self, ticket: Ticket, result: Result<Option<String>, String>) {
        let mut writing = self.saves.writing.iter();
        let found = writing.find(|(_, writing)| writing.ticket == ticket);
        let Some(name) = found.map(|(name, _)| name.clone()) else { return };
        let Some(Writing { text, waiting, next, .. }) = self.saves.writing.remove(&name) else {
            return;
        };
        if let (Ok(foreign), true) = (&result, is_shared(&name)) {
            // With a newer text on its way the old one stays what is believed: the next save tells of it again.
            let foreign = foreign.clone().filter(|_| next.is_none());
            self.saves.known.insert(name.clone(), foreign.clone().unwrap_or(text));
            let by_owner = waiting.iter().any(|then| matches!(then, Saving::PluginOptions { .. }));
            self.foreign_options.extend(foreign.map(|text| (name.clone(), text, by_owner)));
        }
        let result = result.map(drop);
        if let Some((text, waiting)) = next {
            self.write(name.clone(), text, waiting);
        }
        if let Err(error) = &result {
            self.log_line(LogLevel::Error, "core".into(), format!("{name} was not saved: {error}"));
        }
        let result = result.map_err(|error| format!("{name} was not saved: {error}"));
        for then in waiting {
            self.tell_saved(then, &result);
        }
    }

    fn write(&mut self, name: String, text: String, waiting: Vec<Saving>) {
        let ticket = self.ticket();
        let before = is_shared(&name).then(|| self.saves.known.get(&name).cloned());
        let before = before.map(|text| text.unwrap_or_default().into());
        let bytes = text.clone().into();
        self.saves.writing.insert(name.clone(), Writing { ticket, text, waiting, next: None });
        self.outputs.push_back(Output::Effect(Effect::SaveFile { ticket, name, bytes, before }));
    }

    fn tell_saved(&mut self, then: Saving, result: &Result<(), String>) {
        match (then, result) {
            (Saving::Quiet, _) => {}
            (Saving::OwnOptions(save), result) => self.own_saves.push((save, result.clone())),
            (Saving::Respond { id, ok }, Ok(())) => {
                self.respond(id, &HttpRequest::default(), ok);
            }
            (Saving::Respond { id, .. }, Err(text)) => {
                self.respond_plainly(id, HttpResponse::error(500, text));
            }
            (Saving::PluginOptions { id, plugin, body }, result) => {
                if let Err(text) = result {
                    self.respond_plainly(id, HttpResponse::json(500, &json!({ "error": text })));
                }
                self.posted_options.push(SavedPost { id, plugin, body, result: result.clone() });
            }
            (Saving::Request(request), Ok(())) => self.finish_request(request, Reply::done(200)),
            (Saving::Request(request), Err(text)) => {
                self.finish_request(request, Reply::failed(502, text.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{Config, guest::Platform};

    struct Still;

    impl Platform for Still {
        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
        fn wall_clock(&self) -> Duration {
            Duration::ZERO
        }
        fn fill_random(&self, buf: &mut [u8]) {
            buf.fill(4);
        }
    }

    /// The wishes for the disk and the answers since the last call.
    type News = (Vec<(Ticket, String)>, Vec<(u64, u16)>);

    fn news(server: &mut Server) -> News {
        let (mut wishes, mut answers) = (Vec::new(), Vec::new());
        for output in server.outputs.drain(..) {
            match output {
                Output::Effect(Effect::SaveFile { ticket, name, bytes, .. })
                    if name == "a.json" =>
                {
                    wishes.push((ticket, String::from_utf8(bytes.to_vec()).unwrap()));
                }
                Output::Effect(Effect::HttpRespond { id, response }) => {
                    answers.push((id.0, response.status));
                }
                _ => {}
            }
        }
        (wishes, answers)
    }

    fn save(server: &mut Server, number: u64, client: bool) {
        let ok = HttpResponse::empty(200);
        let then = if client { Saving::Respond { id: HttpId(number), ok } } else { Saving::Quiet };
        server.save("a.json".into(), number.to_string(), then);
    }

    #[test]
    fn a_file_that_changes_faster_than_the_disk_writes_is_one_wish_and_one_text() {
        let mut server = Server::new(Config::default(), Arc::new(Still));
        news(&mut server);
        for number in 0..1000 {
            save(&mut server, number, number % 500 == 1);
        }
        let (wishes, answers) = news(&mut server);
        let [(first, text)] = &wishes[..] else { panic!("{wishes:?}") };
        assert_eq!((text.as_str(), answers.len()), ("0", 0));

        server.saved(*first, Ok(None));
        let (wishes, answers) = news(&mut server);
        let [(second, text)] = &wishes[..] else { panic!("{wishes:?}") };
        assert_eq!(
            (text.as_str(), answers.len()),
            ("999", 0),
            "who came later waits for the newest"
        );

        server.saved(*second, Ok(None));
        assert_eq!(news(&mut server), (vec![], vec![(1, 200), (501, 200)]));
        assert!(!server.saves.writing.contains_key("a.json"));
    }

    #[test]
    fn what_the_disk_refuses_is_told_to_those_who_waited_for_it_only() {
        let mut server = Server::new(Config::default(), Arc::new(Still));
        news(&mut server);
        save(&mut server, 0, true);
        save(&mut server, 1, true);
        let (wishes, _) = news(&mut server);
        server.saved(wishes[0].0, Err("disk full".into()));
        let (wishes, answers) = news(&mut server);
        assert_eq!(answers, [(0, 500)]);
        server.saved(wishes[0].0, Ok(None));
        assert_eq!(news(&mut server).1, [(1, 200)]);
    }
}
