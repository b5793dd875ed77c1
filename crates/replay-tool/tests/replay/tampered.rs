//! Logs that a faulty or dishonest keeper could leave, their hashes recomputed, and bytes that changed on the disk.

use std::path::Path;

use ledger_core::Rupiah;
use ledger_core::event::{DisbursementRunClosed, Event, HeldTotal, PartnerTotal, Record, Total};
use ledger_core::schedule::Held;

use crate::support::*;

type Records = Vec<Record<'static>>;

/// What is done to the story, the rule that names it first, and the position.
type Row = (&'static str, fn(&mut Records), &'static str, u64);

fn renumber(records: &mut Records) {
    for (position, record) in (0..).zip(records) {
        record.position = position;
    }
}

/// The back-pointers as they would have been.
fn relink(records: &mut Records) {
    renumber(records);
    let mut last = std::collections::HashMap::new();
    for record in records {
        record.previous = last.insert(record.participant, record.position);
    }
}

const ROWS: &[Row] = &[
    ("a record dropped", |records| drop(records.remove(7)), "position", 7),
    (
        "a record dropped, the others renumbered",
        |records| {
            records.remove(7);
            renumber(records);
        },
        "back-pointer",
        8,
    ),
    (
        "a record dropped, all made to fit",
        |records| {
            records.remove(7);
            relink(records);
        },
        "follows",
        8,
    ),
    (
        "a record inserted",
        |records| {
            let copy = records[7].clone();
            records.insert(8, copy);
            renumber(records);
        },
        "back-pointer",
        8,
    ),
    (
        "a purchase twice, made to fit",
        |records| {
            let copy = records[7].clone();
            records.insert(8, copy);
            relink(records);
        },
        "follows",
        8,
    ),
    (
        "two records swapped",
        |records| {
            records.swap(8, 9);
            relink(records);
        },
        "recorded-at",
        9,
    ),
    ("a clock set back", |records| records[9].recorded_at = records[3].recorded_at, "recorded-at", 9),
    (
        "a price over the balance",
        |records| {
            if let Event::TrainingBought(e) = &mut records[7].event {
                e.price = Rupiah::new(1_000_001);
            }
        },
        "below-zero",
        7,
    ),
    (
        "a negative price",
        |records| {
            if let Event::TrainingBought(e) = &mut records[7].event {
                e.price = Rupiah::new(-5);
            }
        },
        "below-zero",
        7,
    ),
    (
        "an instruction over its entitlement",
        |records| {
            if let Event::PayoutInstructed(e) = &mut records[14].event {
                e.amount = Rupiah::new(900_000);
            }
        },
        // Seen where the run's closing tells another sum.
        "run-closing",
        15,
    ),
    (
        "an instruction over all incentives",
        |records| {
            if let Event::PayoutInstructed(e) = &mut records[14].event {
                e.amount = Rupiah::new(i64::MAX);
            }
        },
        "trial-balance",
        14,
    ),
    ("a closing of more than was instructed", |records| closing(records).instructed.count += 1, "run-closing", 15),
    ("a closing that leaves out what was held", |records| planned(records).total.count += 1, "run-closing", 15),
    (
        "more held by reason than held",
        |records| {
            let total = Total { count: 1, amount: Rupiah::ZERO };
            closing(records).held_by.push(HeldTotal { reason: Held::Funds, total });
        },
        "run-closing",
        15,
    ),
];

fn closing(records: &mut Records) -> &mut DisbursementRunClosed {
    let Event::DisbursementRunClosed(e) = &mut records[15].event else { panic!("no closing") };
    e
}

fn planned(records: &mut Records) -> &mut PartnerTotal {
    let Event::DisbursementRunPlanned(e) = &mut records[12].event else { panic!("no plan") };
    &mut e.totals[0]
}

#[test]
fn forged_logs_are_found_and_named() {
    for (name, change, rule, position) in ROWS {
        let mut records = story().records;
        change(&mut records);
        let log = log_of(&encoded(&records));
        let said = on(log.path(), &["verify", "--json"]);
        assert_eq!(said.code, 1, "{name}: {said:?}");
        let document = said.json();
        assert_eq!(document["ok"], false, "{name}");
        assert_eq!(document["first_bad_position"], *position, "{name}: {said:?}");
        let finding = &document["findings"][0];
        assert_eq!(finding["rule"], *rule, "{name}: {said:?}");
        for key in ["id", "expected", "found", "next"] {
            assert!(finding[key].as_str().is_some_and(|text| !text.is_empty()), "{name}: {key} in {finding}");
        }
        let text = on(log.path(), &["verify"]);
        assert_eq!(text.code, 1, "{name}");
        assert!(text.out.contains("   next      "), "{name}: {}", text.out);
    }
}

#[test]
fn bytes_that_are_no_record_are_named_and_the_root_still_told() {
    let mut records = encoded(&story().records);
    records[9] = b"no record".to_vec();
    let log = log_of(&records);
    let document = on(log.path(), &["verify", "--json"]).json();
    assert_eq!((&document["size"], &document["first_bad_position"]), (&28.into(), &9.into()));
    assert_eq!(document["findings"][0]["rule"], "decodable");
    let said = on(log.path(), &["balances", "--json"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
    assert!(said.err.contains("decodable at position 9"), "{}", said.err);
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).expect("readable");
    bytes[at] ^= 0x20;
    std::fs::write(path, bytes).expect("written");
}

#[test]
fn a_changed_byte_is_a_finding_for_verify_and_no_answer_otherwise() {
    let records = encoded(&story().records);
    let log = log_of(&records);
    let db = log.path().join("live/00000000000000000000/db");
    let bytes = std::fs::read(&db).expect("readable");
    let needle = &records[17];
    let at = (0..bytes.len() - needle.len()).find(|at| bytes[*at..].starts_with(needle)).expect("stored as encoded");
    flip(&db, at + 5);

    let said = on(log.path(), &["verify", "--json"]);
    assert_eq!(said.code, 1, "{said:?}");
    let document = said.json();
    let position = document["first_bad_position"].as_u64().expect("a position");
    assert!(position <= 17, "{position}");
    assert_eq!(document["findings"][0]["rule"], "stored-log");

    let id = ANI.to_string();
    for args in [&["trial-balance"][..], &["balances"], &["participant", &id], &["balances", "--known-at", "3"]] {
        let said = on(log.path(), args);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{args:?}: {said:?}");
        assert!(said.err.contains(&format!("stored-log at position {position}")), "{args:?}: {}", said.err);
    }
}

#[test]
fn every_changed_byte_of_a_small_log_ends_in_1_or_2_and_never_in_a_clean_answer() {
    let log = story_log();
    let files = ["head", "live/00000000000000000000/db", "live/00000000000000000000/conf", "subtrees", "closed"];
    let mut found = 0;
    for file in files {
        let path = log.path().join(file);
        let good = std::fs::read(&path).expect("readable");
        for at in (0..good.len()).step_by(good.len() / 12 + 1) {
            flip(&path, at);
            let said = on(log.path(), &["verify", "--json"]);
            match said.code {
                1 => found += 1,
                // A torn description of the folder is that of a crash: the records are what counts.
                0 => assert!(file == "closed" && said.err.contains("note: "), "{file} {at}: {said:?}"),
                code => assert_eq!(code, 2, "{file} {at}: {said:?}"),
            }
            std::fs::write(&path, &good).expect("written");
        }
    }
    assert!(found > 30, "{found}");
}
