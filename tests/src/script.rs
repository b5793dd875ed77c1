//! Scripts of calls, as JSON Lines: what is sent, by whom, and what must come back.
//!
//! A line is a call, a header (`server`, `with`), empty, or a comment (`//`). In its strings `$name` stands for what an earlier
//! line kept, or for a made-up id: `$p1` a participant, `$l1` a link, `$b1` a purchase, `$c1` a case, `$m1` a demand, `$r1` a run,
//! `$d1` a digest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;
use tonic::transport::Channel;

use crate::contract::Method;
use crate::dynamic::{call, items, reason};
use crate::life::uuid;
use crate::server::root;

/// How a script is run.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Further arguments of the server.
    #[serde(default)]
    pub server: Vec<String>,
    /// The script is run once with each of these as `$call`.
    #[serde(default)]
    pub with: Vec<String>,
}

/// A call and its answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Who calls.
    #[serde(rename = "as")]
    actor: String,
    /// `Service.Method`.
    call: String,
    /// The request, or a stream's requests as a list.
    send: Value,
    /// How often the only item of the request's list is repeated, `$n` counting.
    #[serde(default)]
    times: Option<u64>,
    /// `OK`, or the reason of the refusal.
    #[serde(default = "ok")]
    answer: String,
    /// The same for each item of a batch; with `times` the first is that of all but the last.
    #[serde(default)]
    items: Vec<String>,
    /// Names for parts of the last message of the answer, by JSON pointer.
    #[serde(default)]
    keep: BTreeMap<String, String>,
}

fn ok() -> String {
    "OK".to_owned()
}

/// A script.
#[derive(Debug)]
pub struct Script {
    /// Its file.
    pub name: String,
    /// How it is run.
    pub header: Header,
    steps: Vec<(usize, Step)>,
}

/// What a script has shown: a method, what it answered, and whether that was for an item of a batch.
pub type Shown = BTreeSet<(String, String, bool)>;

impl Script {
    /// Every script of calls.
    ///
    /// # Panics
    ///
    /// One cannot be read.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let folder = root().join("tests/tests/e2e/calls");
        let mut files: Vec<_> =
            std::fs::read_dir(folder).expect("scripts").map(|entry| entry.expect("one").path()).collect();
        files.sort();
        let script = |file: &PathBuf| {
            let name = file.file_name().expect("a name").to_string_lossy();
            Self::parse(&name, &std::fs::read_to_string(file).expect("a script"))
        };
        files.iter().map(script).collect()
    }

    /// Reads a script.
    ///
    /// # Panics
    ///
    /// A line is neither a call nor a header.
    #[must_use]
    pub fn parse(name: &str, text: &str) -> Self {
        let mut script = Self { name: name.to_owned(), header: Header::default(), steps: Vec::new() };
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() || line.starts_with("//") {
                continue;
            }
            if line.starts_with(r#"{"server""#) || line.starts_with(r#"{"with""#) {
                script.header = serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}:{number}: {error}"));
            } else {
                let step = serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}:{number}: {error}"));
                script.steps.push((number, step));
            }
        }
        script
    }

    /// Who calls what with which messages, line after line; what an answer would have named is a made-up id.
    #[must_use]
    pub fn sent(&self) -> Vec<(String, String, Vec<Value>)> {
        let names = self.steps.iter().flat_map(|(_, step)| step.keep.keys());
        let kept = names.map(|name| (name.clone(), uuid(1, 1))).collect();
        // A request of thousands of items says no more than one of one.
        let steps = self.steps.iter().filter(|(_, step)| step.times.is_none() && !step.call.contains('$'));
        steps.map(|(_, step)| (step.actor.clone(), step.call.clone(), step.requests(&kept))).collect()
    }

    /// Runs the script; gives what it has shown.
    ///
    /// # Panics
    ///
    /// An answer is not what its line says.
    pub async fn run(&self, channel: &Channel, methods: &[Method], with: Option<&str>) -> Shown {
        let mut kept = BTreeMap::new();
        kept.extend(with.map(|call| ("call".to_owned(), call.to_owned())));
        let mut shown = Shown::new();
        for (number, step) in &self.steps {
            let at = format!("{}:{number}", self.name);
            let name = filled(&step.call, &kept);
            let method = methods.iter().find(|method| method.name == name).unwrap_or_else(|| panic!("{at}: no {name}"));
            let requests = step.requests(&kept);
            let answered = call(channel, method, Some(&step.actor), &requests).await;
            let (answer, text) = match &answered {
                Ok(_) => (ok(), String::new()),
                Err(status) => (reason(status), status.message().to_owned()),
            };
            assert_eq!(answer, step.answer, "{at}: {text}");
            let answers = answered.unwrap_or_default();
            let found: Vec<_> = answers.iter().flat_map(items).collect();
            assert_eq!(found, step.expected(found.len()), "{at}");
            shown.insert((name.clone(), answer, false));
            shown.extend(found.into_iter().map(|item| (name.clone(), item, true)));
            if !step.keep.is_empty() {
                let last = serde_json::to_value(answers.last().expect("an answer")).expect("JSON");
                for (key, pointer) in &step.keep {
                    let part = last.pointer(pointer).and_then(Value::as_str);
                    let part = part.unwrap_or_else(|| panic!("{at}: no text at {pointer} in {last}"));
                    kept.insert(key.clone(), part.to_owned());
                }
            }
        }
        shown
    }
}

impl Step {
    fn requests(&self, kept: &BTreeMap<String, String>) -> Vec<Value> {
        let mut requests = match &self.send {
            Value::Array(requests) => requests.clone(),
            request => vec![request.clone()],
        };
        if let Some(times) = self.times {
            let list = requests[0].as_object_mut().and_then(|fields| fields.values_mut().find_map(Value::as_array_mut));
            let list = list.expect("a list to repeat the item of");
            let item = list[0].clone();
            let numbered = |n: u64| {
                let mut item = item.clone();
                fill(&mut item, &BTreeMap::from([("n".to_owned(), format!("{n:012}"))]));
                item
            };
            *list = (1..=times).map(numbered).collect();
        }
        requests.iter_mut().for_each(|request| fill(request, kept));
        requests
    }

    /// The expected outcome of each of so many items.
    fn expected(&self, found: usize) -> Vec<String> {
        match (self.times, self.items.as_slice()) {
            (Some(_), [all, last]) => {
                let mut expected = vec![all.clone(); found.saturating_sub(1)];
                expected.push(last.clone());
                expected
            }
            (_, items) => items.to_vec(),
        }
    }
}

/// Fills in the names of all strings of a document.
fn fill(value: &mut Value, kept: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => *text = filled(text, kept),
        Value::Array(list) => list.iter_mut().for_each(|value| fill(value, kept)),
        Value::Object(fields) => fields.values_mut().for_each(|value| fill(value, kept)),
        _ => {}
    }
}

fn filled(text: &str, kept: &BTreeMap<String, String>) -> String {
    let Some((before, name)) = text.split_once('$') else { return text.to_owned() };
    match kept.get(name).cloned().or_else(|| made_up(name)) {
        Some(value) => format!("{before}{value}"),
        None => text.to_owned(),
    }
}

/// The id that a name such as `p1` stands for.
fn made_up(name: &str) -> Option<String> {
    let (kind, number) = name.split_at_checked(1)?;
    let number: u8 = number.parse().ok()?;
    let kind = match kind {
        "p" => 1,
        "l" => 2,
        "b" => 3,
        "c" => 4,
        "m" => 5,
        "r" => 9,
        "d" => return Some(BASE64[usize::from(number)].to_owned()),
        _ => return None,
    };
    Some(uuid(kind, number.into()))
}

/// 32 equal bytes in base64, by their number.
const BASE64: [&str; 10] = [
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
    "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",
    "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=",
    "BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=",
    "BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=",
    "BgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgY=",
    "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
    "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=",
    "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=",
];
