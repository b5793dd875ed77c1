//! What is generated is fresh, and names only what exists.

use std::collections::BTreeSet;

use ledger_core::Rejection;
use ledger_server::reasons::{REASONS, Scope};
use ledger_tests::contract::methods;
use ledger_tests::docs::{REFRESH, files};
use ledger_tests::server::root;

#[test]
fn generated_files_are_fresh() {
    for (path, bytes) in files() {
        let committed = std::fs::read(root().join(&path)).unwrap_or_default();
        assert!(committed == bytes, "{path} is not what the code says; refresh it: {REFRESH}");
    }
}

#[test]
fn documented_errors_exist() {
    let rules = Rejection::CATALOGUE.iter().map(|entry| entry.reason);
    let named = REASONS.iter().filter(|reason| reason.scope == Scope::NamedCalls).map(|reason| reason.name);
    let known: BTreeSet<_> = rules.chain(named).collect();
    assert_eq!(
        known.len(),
        Rejection::CATALOGUE.len() + REASONS.iter().filter(|r| r.scope == Scope::NamedCalls).count()
    );
    let mut used = BTreeSet::new();
    for method in methods() {
        for reason in method.errors.iter().chain(&method.item_errors) {
            assert!(known.contains(reason.as_str()), "{} documents {reason}, which no code answers", method.name);
            used.insert(reason.clone());
        }
    }
    for reason in REASONS.iter().filter(|reason| reason.scope == Scope::NamedCalls) {
        assert!(used.contains(reason.name), "no method documents {}", reason.name);
    }
}
