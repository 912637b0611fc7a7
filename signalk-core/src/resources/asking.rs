//! A question on its way: who is asked, what each gave, what follows. A list or a read asks every provider of the type
//! and merges; a write first finds out who has the resource, then asks that one.

use std::borrow::Cow;

use bytes::Bytes;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Map, value::RawValue};
use signalk_model::json;

use super::{
    provider::{Given, Provider, Question},
    scan::Listing,
};
use crate::{api::are_few, http::HttpRequest, io::HttpId};

/// Who gets the answer.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) id: HttpId,
    /// Without its body: what the answer's form depends on.
    pub(crate) request: HttpRequest,
}

/// What happens when all have given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Merge and answer.
    Collect,
    /// Choose who writes.
    FindOwner,
    /// Answer, and tell everybody.
    Write,
}

/// One question.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) client: Client,
    /// The type of the resources.
    pub(super) kind: String,
    pub(super) question: Question,
    /// The client created it and does not know the id yet.
    pub(super) created: bool,
    pub(super) step: Step,
    /// In the order in which they registered: later ones overwrite in a merge.
    pub(super) asked: Vec<(Provider, Option<Given>)>,
    /// Who writes when nobody has it.
    pub(super) writer: Option<Provider>,
}

/// What a question begins with, and who is asked. `named`: the client wants only this one, which may not be there.
pub(super) fn first_step(
    question: &Question,
    created: bool,
    providers: Vec<Provider>,
    named: Option<Option<Provider>>,
    writer: Option<&Provider>,
) -> (Step, Vec<Provider>) {
    match (question, named) {
        (Question::Set { .. }, _) if created => {
            (Step::Write, writer.cloned().into_iter().collect())
        }
        // With one provider there is nothing to find out: it has the resource, or gets it.
        (Question::Set { .. }, None | Some(Some(_))) if providers.len() == 1 => {
            (Step::Write, providers)
        }
        (Question::Set { .. }, _) | (Question::Delete { .. }, None) => (Step::FindOwner, providers),
        (Question::Delete { .. }, Some(Some(named))) => (Step::Write, vec![named]),
        (Question::List(_) | Question::Get { .. }, None) => (Step::Collect, providers),
        (Question::List(_) | Question::Get { .. }, Some(Some(named))) => {
            (Step::Collect, vec![named])
        }
        (_, Some(None)) => (Step::Collect, Vec::new()),
    }
}

impl Asking {
    /// What to ask in this step.
    pub(super) fn current(&self) -> Question {
        match (&self.question, self.step) {
            (Question::Set { id, .. } | Question::Delete { id }, Step::FindOwner) => {
                Question::Get { id: id.clone(), property: None }
            }
            (question, _) => question.clone(),
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.asked.iter().all(|(_, given)| given.is_some())
    }

    /// The first one that has the resource.
    pub(super) fn owner(&self) -> Option<Provider> {
        let has = |(_, given): &&(Provider, Option<Given>)| matches!(given, Some(Given::Item(_)));
        self.asked.iter().find(has).map(|(provider, _)| provider.clone())
    }
}

/// What several gave, as one.
pub(super) fn merge(asked: Vec<(Provider, Option<Given>)>) -> Given {
    let mut listings = Vec::new();
    let mut items = Vec::new();
    let (mut failed, mut refused) = (None, None);
    for given in asked.into_iter().filter_map(|(_, given)| given) {
        match given {
            Given::Listing(listing) => listings.push(listing),
            Given::Item(text) => items.push(text),
            Given::Failed(why) => failed = Some(Given::Failed(why)),
            Given::Refused(why) => refused = Some(Given::Refused(why)),
            Given::Missing | Given::Done => {}
        }
    }
    if let Some(refused) = refused {
        return refused;
    }
    if !listings.is_empty() {
        return Given::Listing(merge_listings(listings));
    }
    match items.len() {
        0 => failed.unwrap_or(Given::Missing),
        _ => Given::Item(merge_items(items)),
    }
}

/// Entries of all; a later provider's entry takes the place of an earlier one's.
fn merge_listings(mut listings: Vec<Listing>) -> Listing {
    listings.retain(|listing| !listing.entries.is_empty());
    if listings.len() <= 1 {
        return listings.pop().unwrap_or_else(|| Listing::of(Map::new()));
    }
    let mut merged: IndexMap<&str, &[u8]> = IndexMap::new();
    for listing in &listings {
        for (id, place) in &listing.entries {
            merged.insert(id, listing.body.get(place.clone()).unwrap_or_default());
        }
    }
    let mut body = vec![b'{'];
    let mut entries = Vec::with_capacity(merged.len());
    for (id, text) in merged {
        if body.len() > 1 {
            body.push(b',');
        }
        json::write_key(&mut body, id);
        let from = body.len();
        body.extend_from_slice(text);
        entries.push((id.to_owned(), from..body.len()));
    }
    body.push(b'}');
    Listing { body: body.into(), entries }
}

/// Members of all, as they stand there: 16 MiB of values would be half a gigabyte. What is no object cannot be merged,
/// nor what has too many values; then the last one is the answer.
fn merge_items(mut items: Vec<Bytes>) -> Bytes {
    let merged = match items.len() {
        0 | 1 => None,
        _ => merge_members(&items),
    };
    merged.map(Bytes::from).or_else(|| items.pop()).unwrap_or_default()
}

fn merge_members(items: &[Bytes]) -> Option<Vec<u8>> {
    if !are_few(items.iter().map(|item| &item[..])) {
        return None;
    }
    let mut merged: IndexMap<Cow<'_, str>, &RawValue> = IndexMap::new();
    for item in items {
        merged.extend(serde_json::from_slice::<Members<'_>>(item).ok()?.0);
    }
    let mut body = vec![b'{'];
    for (name, value) in merged {
        if body.len() > 1 {
            body.push(b',');
        }
        json::write_key(&mut body, &name);
        body.extend_from_slice(value.get().as_bytes());
    }
    body.push(b'}');
    Some(body)
}

/// The members of an object, as texts.
#[derive(Deserialize)]
#[serde(transparent)]
struct Members<'a>(#[serde(borrow)] IndexMap<Cow<'a, str>, &'a RawValue>);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn listing(value: Value) -> (Provider, Option<Given>) {
        let Value::Object(members) = value else { panic!("an object") };
        (Provider::Files, Some(Given::Listing(Listing::of(members))))
    }

    #[test]
    fn lists_are_merged_and_later_providers_overwrite() {
        let asked = vec![
            listing(json!({ "a": { "n": 1 }, "b": 2 })),
            (Provider::Charts, Some(Given::Failed(None))),
            listing(json!({ "b": 3, "c": [] })),
            listing(json!({})),
        ];
        let Given::Listing(merged) = merge(asked) else { panic!("a list") };
        assert_eq!(merged.body, r#"{"a":{"n":1},"b":3,"c":[]}"#);
        let (id, place) = merged.entries.last().unwrap();
        assert_eq!((id.as_str(), &merged.body[place.clone()]), ("c", &b"[]"[..]));
    }

    #[test]
    fn one_that_fails_is_told_only_when_nobody_has_it() {
        let failed = || (Provider::Charts, Some(Given::Failed(Some("x".into()))));
        let missing = || (Provider::Files, Some(Given::Missing));
        assert!(matches!(merge(vec![failed(), missing()]), Given::Failed(Some(_))));
        assert!(matches!(merge(vec![missing()]), Given::Missing));
        let item = |text: &'static str| {
            (Provider::Files, Some(Given::Item(Bytes::from_static(text.as_bytes()))))
        };
        let Given::Item(text) = merge(vec![failed(), item(r#"{"a":1,"b":1}"#), item(r#"{"b":2}"#)])
        else {
            panic!("an item")
        };
        assert_eq!(text, r#"{"a":1,"b":2}"#);
        let Given::Item(text) = merge(vec![item("{}"), item("5")]) else { panic!("an item") };
        assert_eq!(text, "5");
        // Too many to be looked into: the last one has the word.
        let zeros = format!(r#"{{"a":[{}0]}}"#, "0,".repeat(1_000_000));
        let much = (Provider::Files, Some(Given::Item(zeros.clone().into())));
        let Given::Item(text) = merge(vec![item(r#"{"b":2}"#), much]) else { panic!("an item") };
        assert_eq!(text, zeros);
    }
}
