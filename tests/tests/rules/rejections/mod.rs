//! One row per rejection and way to it, in both schemes, with the rejection's exact content.

mod request;
mod rules;

use std::collections::BTreeSet;

use ledger_core::Rejection;
use ledger_core::rejection::Class;
use ledger_tests::given::Ledger;
use ledger_tests::words::Ask;

use crate::setting::{Setting, both};

struct Row {
    what: &'static str,
    given: Vec<Ask>,
    when: Ask,
    then: Rejection,
}

fn row(what: &'static str, given: Vec<Ask>, when: Ask, then: Rejection) -> Row {
    Row { what, given, when, then }
}

fn rows(s: &Setting) -> Vec<Row> {
    [
        request::fields,
        request::schemes,
        request::identity,
        request::unknown,
        request::time_and_people,
        rules::membership,
        rules::purchases,
        rules::surveys_accounts_and_cases,
        rules::order_of_dates,
        rules::full_histories,
    ]
    .iter()
    .flat_map(|table| table(s))
    .collect()
}

#[test]
fn every_row_is_refused_as_it_says() {
    for setting in both() {
        for Row { what, given, when, then } in rows(&setting) {
            let mut ledger = Ledger::given(given);
            let size = ledger.state().size();
            assert_eq!(ledger.ask(&when), Err(then), "{what}, {}", setting.name);
            assert_eq!(ledger.state().size(), size);
        }
    }
}

#[test]
fn every_rejection_of_the_catalogue_has_a_row() {
    for setting in both() {
        let produced: BTreeSet<_> = rows(&setting).iter().map(|row| row.then.reason()).collect();
        let listed: BTreeSet<_> = Rejection::CATALOGUE.iter().map(|entry| entry.reason).collect();
        assert_eq!(produced, listed, "{}", setting.name);
    }
}

#[test]
fn the_catalogue_tells_each_rejection_as_it_is_told() {
    let reasons: BTreeSet<_> = Rejection::CATALOGUE.iter().map(|entry| entry.reason).collect();
    assert_eq!(reasons.len(), Rejection::CATALOGUE.len(), "a reason twice");
    let [setting, _] = both();
    for Row { then, .. } in rows(&setting) {
        let entry = Rejection::CATALOGUE.iter().find(|entry| entry.reason == then.reason()).expect("an entry");
        assert_eq!(entry.class, then.class(), "{then:?}");
        // The text is the entry's with values in place of braces.
        let mut rest = &*then.to_string();
        for part in entry.text.split(['{', '}']).step_by(2) {
            let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} is not in {then}"));
            rest = &rest[at + part.len()..];
        }
        let unknown = entry.reason.ends_with("_UNKNOWN");
        assert_eq!(unknown, entry.class == Class::NotFound, "{}", entry.reason);
    }
}
