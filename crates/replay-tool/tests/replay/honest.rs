//! A clean log is found clean, with its size and root.

use ledger_core::codes::OutcomeKind;
use ledger_log::{Frontier, leaf_hash};

use crate::support::*;

fn root(records: &[Vec<u8>]) -> String {
    let mut frontier = Frontier::default();
    records.iter().for_each(|bytes| frontier.append(leaf_hash(bytes)));
    hex::encode(frontier.root())
}

#[test]
fn verify_says_clean_in_exactly_this_shape() {
    let records = encoded(&story().records);
    let log = log_of(&records);
    let said = on(log.path(), &["verify", "--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    let root = root(&records);
    let expected =
        format!("{{\"ok\":true,\"size\":28,\"root\":\"{root}\",\"first_bad_position\":null,\"findings\":[]}}\n");
    assert_eq!(said.out, expected);
    assert!(said.err.starts_with("28 records in ") && said.err.contains("/s, threads "), "{}", said.err);

    let said = on(log.path(), &["verify"]);
    assert_eq!(said.code, 0);
    assert!(said.out.contains("records  28\n") && said.out.contains("clean"), "{}", said.out);
}

#[test]
fn an_empty_log_is_clean_and_all_zero() {
    let log = log_of(&[]);
    let said = on(log.path(), &["verify", "--json"]);
    assert_eq!((said.code, said.json()["size"].as_u64()), (0, Some(0)), "{said:?}");
    let said = on(log.path(), &["trial-balance", "--json"]);
    let document = said.json();
    assert_eq!((said.code, &document["as_of"], &document["known_at"]), (0, &serde_json::Value::Null, &0.into()));
    assert_eq!(accounts(&document), []);
    let said = on(log.path(), &["balances", "--json"]);
    assert_eq!(said.json(), serde_json::json!({"as_of": null, "known_at": 0, "participants": []}));
}

#[test]
fn money_paid_twice_is_in_overpaid_and_adds_up() {
    let mut ledger = story();
    ledger.outcome("2021-01-06", 14, OutcomeKind::Settled, "T-2");
    // Paid after the rejection, too: it comes out of what returned to the treasury.
    ledger.outcome("2021-01-06", 20, OutcomeKind::Settled, "T-3");
    let log = log_of(&encoded(&ledger.records));
    let said = on(log.path(), &["verify", "--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    let found = accounts(&on(log.path(), &["trial-balance", "--json"]).json());
    assert!(found.contains(&("received".to_owned(), 1_800_000)), "{found:?}");
    assert!(found.contains(&("overpaid".to_owned(), -600_000)), "{found:?}");
    assert!(found.contains(&("treasury-returned".to_owned(), 6_450_000)), "{found:?}");
}

#[test]
fn records_beyond_the_head_after_a_crash_are_noted_and_clean() {
    let records = encoded(&story().records);
    let dir = tempfile::tempdir().expect("a folder");
    open_log(dir.path(), &records[..20]).close().expect("closed");
    let stale = std::fs::read(dir.path().join("head")).expect("readable");
    let mut writer = open_log(dir.path(), &records[20..]);
    writer.checkpoint().expect("synced");
    drop(writer);
    std::fs::write(dir.path().join("head"), stale).expect("written");
    let said = on(dir.path(), &["verify", "--json"]);
    assert_eq!((said.code, said.json()["size"].as_u64()), (0, Some(28)), "{said:?}");
    assert!(said.err.contains("note: 8 records beyond the stored head"), "{}", said.err);
}
