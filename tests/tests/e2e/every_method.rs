//! Every method is called: for success, for each error that its comment documents, and without a caller's name. What is
//! answered and not documented fails too. The calls stand in `calls/*.jsonl`; see `ledger_tests::script`.

use std::collections::BTreeSet;

use ledger_server::reasons::ACTOR_MISSING;
use ledger_tests::contract::{self, Method};
use ledger_tests::dynamic::{call_raw, reason};
use ledger_tests::script::{Script, Shown};
use ledger_tests::server::{Server, root};

use crate::PROGRAMS;

async fn run(script: &Script, methods: &[Method]) -> Shown {
    let mut shown = Shown::new();
    let variants = script.header.with.iter().map(|call| Some(call.as_str()));
    let variants: Vec<_> = if script.header.with.is_empty() { vec![None] } else { variants.collect() };
    for with in variants {
        let folder = tempfile::tempdir().expect("a folder");
        let arguments: Vec<_> = script.header.server.iter().map(String::as_str).collect();
        let server = Server::try_start(&PROGRAMS, &folder.path().join("data"), &arguments);
        let server = server.unwrap_or_else(|(status, stderr)| panic!("{}: {status}: {stderr}", script.name));
        shown.extend(script.run(&server.channel().await, methods, with).await);
    }
    shown
}

/// What a method must be shown to answer.
fn documented(method: &Method) -> BTreeSet<(String, bool)> {
    let of = |reasons: &[String], item: bool| -> Vec<_> { reasons.iter().map(|r| (r.clone(), item)).collect() };
    let mut all: BTreeSet<_> = of(&method.errors, false).into_iter().chain(of(&method.item_errors, true)).collect();
    all.insert(("OK".to_owned(), false));
    if !method.item_errors.is_empty() {
        all.insert(("OK".to_owned(), true));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_answers_as_documented() {
    let methods = contract::methods();
    assert!(methods.len() >= 14, "only {} methods", methods.len());
    let mut shown = Shown::new();
    for script in Script::all() {
        shown.extend(run(&script, &methods).await);
    }
    let api = std::fs::read_to_string(root().join("docs/api.md")).expect("docs/api.md");
    let mut gaps = Vec::new();
    for method in &methods {
        let documented = documented(method);
        let found: BTreeSet<_> = shown
            .iter()
            .filter(|(name, ..)| *name == method.name)
            .map(|(_, answer, item)| (answer.clone(), *item))
            .collect();
        let item = |item: bool| if item { " for an item" } else { "" };
        for (answer, of_item) in documented.difference(&found) {
            gaps.push(format!("{}: no call is answered {answer}{}", method.name, item(*of_item)));
        }
        for (answer, of_item) in found.difference(&documented) {
            gaps.push(format!("{}: {answer}{} is answered but not documented", method.name, item(*of_item)));
        }
        if !api.contains(&format!("\n### {}\n", method.name)) {
            gaps.push(format!("{}: not in docs/api.md", method.name));
        }
    }
    assert!(gaps.is_empty(), "{} gaps:\n{}", gaps.len(), gaps.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_wants_to_know_who_calls() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&PROGRAMS, &folder.path().join("data"));
    let channel = server.channel().await;
    for method in contract::methods() {
        let refused =
            call_raw(&channel, &method.path(), None, vec![bytes::Bytes::new()]).await.expect_err(&method.name);
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (ACTOR_MISSING.code, ACTOR_MISSING.name),
            "{}",
            method.name
        );
    }
}
