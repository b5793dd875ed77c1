//! A log against the checkpoint that an auditor kept: grown, behind, forked, rewritten.

use ledger_core::Rupiah;
use ledger_core::event::Event;
use ledger_log::{DEFAULT_ORIGIN, NoteSigner};

use crate::remote::Fixed;
use crate::support::*;

/// The checkpoint of the story's first records, kept, and its key.
fn july(kept: &Kept, size: usize) -> [String; 4] {
    let note = signer().checkpoint(head_of(&encoded(&story().records)[..size]));
    let checkpoint = kept.text(&format!("{size}.checkpoint"), &note);
    ["--checkpoint".to_owned(), checkpoint, "--key".to_owned(), signer().verifier().to_text()]
}

fn verify(log: &std::path::Path, evidence: &[String]) -> Said {
    let evidence: Vec<_> = evidence.iter().map(String::as_str).collect();
    on(log, &[&["verify", "--json"], &evidence[..]].concat())
}

#[test]
fn a_log_that_grew_from_a_checkpoint_is_clean() {
    let (kept, log) = (Kept::new(), story_log());
    for size in [0, 1, 20, 28] {
        let said = verify(log.path(), &july(&kept, size));
        assert_eq!((said.code, said.json()["checkpoint"]["size"].as_u64()), (0, Some(size as u64)), "{said:?}");
    }
    let [_, checkpoint, ..] = july(&kept, 20);
    let key = kept.text("vkey", &(signer().verifier().to_text() + "\n"));
    let said = on(log.path(), &["verify", "--checkpoint", &checkpoint, "--key", &key]);
    assert!(said.code == 0 && said.out.contains("the checkpoint of prakerja.ledger/test over 20 records"), "{said:?}");
    assert!(on(log.path(), &["verify", "--json"]).json().get("checkpoint").is_none(), "only where there is one");
}

#[test]
fn a_log_that_is_not_the_one_of_the_checkpoint_is_found_out() {
    let kept = Kept::new();
    let honest = story().records;
    // Each of these is a log that verifies: its hashes are its own, and the money adds up.
    let mut rewritten = honest.clone();
    let Event::TrainingBought(bought) = &mut rewritten[8].event else { panic!("a purchase") };
    bought.price = Rupiah::new(400_001);
    let mut forked = honest.clone();
    let Event::BalancePeriodClosed(_) = &forked[26].event else { panic!("a closing") };
    forked[26].actor = "programme/someone else".to_owned().into();
    let mut renamed = honest.clone();
    renamed[0].source_reference = "letter 8".to_owned().into();
    let rows = [
        ("behind", &honest[..27], 28, "behind", 27),
        ("empty", &honest[..0], 1, "behind", 0),
        ("rewritten", &rewritten[..], 28, "forked", 0),
        ("rewritten in the middle, seen by an old checkpoint", &rewritten[..], 9, "forked", 0),
        ("forked", &forked[..], 27, "forked", 0),
        ("another first record", &renamed[..], 1, "forked", 0),
        ("rewritten and behind", &rewritten[..20], 28, "behind", 20),
    ];
    for (name, records, size, rule, position) in rows {
        let log = log_of(&encoded(records));
        let alone = on(log.path(), &["verify", "--json"]);
        assert_eq!(alone.code, 0, "{name}: no one can tell without the checkpoint: {alone:?}");
        let said = verify(log.path(), &july(&kept, size));
        assert_eq!(said.code, 1, "{name}: {said:?}");
        let document = said.json();
        assert_eq!(document["findings"][0]["rule"], rule, "{name}: {said:?}");
        assert_eq!(document["first_bad_position"], position, "{name}: {said:?}");
        let found = &document["findings"][0]["expected"];
        assert!(found.as_str().is_some_and(|text| text.contains("prakerja.ledger/test")), "{name}: {found}");
    }
    let log = log_of(&encoded(&forked));
    assert_eq!(verify(log.path(), &july(&kept, 26)).code, 0, "it forked after this one");
}

#[test]
fn a_server_is_held_to_the_checkpoint_like_a_folder() {
    let kept = Kept::new();
    let records = encoded(&story().records);
    let [_, checkpoint, _, key] = july(&kept, 20);
    let mut other = records.clone();
    other.swap(18, 19);
    for (records, code) in [(&records[..], 0), (&other[..], 1), (&records[..19], 1)] {
        let url = Fixed::new(records).serve();
        let said = tool(&["verify", "--json", "--from", &url, "--checkpoint", &checkpoint, "--key", &key]);
        assert_eq!(said.code, code, "{said:?}");
    }
}

#[test]
fn a_damaged_log_names_the_damage_and_that_it_is_behind() {
    let (kept, log) = (Kept::new(), story_log());
    let db = log.path().join("live/00000000000000000000/db");
    let mut bytes = std::fs::read(&db).expect("readable");
    let needle = &encoded(&story().records)[17];
    let at = (0..bytes.len()).find(|at| bytes[*at..].starts_with(needle)).expect("stored");
    bytes[at + 5] ^= 1;
    std::fs::write(&db, bytes).expect("written");
    let document = verify(log.path(), &july(&kept, 28)).json();
    let rules: Vec<_> = document["findings"].as_array().expect("a list").iter().map(|f| f["rule"].clone()).collect();
    assert_eq!(rules[0], "stored-log", "{document}");
    assert!(rules.contains(&"behind".into()), "{document}");
}

#[test]
fn a_note_or_a_key_that_cannot_be_used_checks_nothing() {
    let (kept, log) = (Kept::new(), story_log());
    let [_, checkpoint, _, key] = july(&kept, 20);
    let note = std::fs::read_to_string(&checkpoint).expect("readable");
    let changed = kept.text("changed", &note.replacen("\n20\n", "\n21\n", 1));
    let unsigned = kept.text("unsigned", note.split_once("\n\n").expect("a note").0);
    let long = kept.text("long", &"x".repeat(1 << 17));
    let stranger = NoteSigner::new("prakerja.ledger/test", &[8; 32]).expect("a name").verifier().to_text();
    let no_key = kept.text("no-key", "hello\n");
    let missing = kept.path("missing");
    let rows = [
        (&changed, &key, "the signature is wrong"),
        (&unsigned, &key, "not a signed note"),
        (&missing, &key, "could not read it"),
        (&long, &key, "longer than"),
        (&checkpoint, &stranger, "not signed by this key"),
        (&checkpoint, &no_key, "not an Ed25519 key"),
        (&checkpoint, &missing, "neither a key, name+id+base64, nor a file"),
    ];
    for (checkpoint, key, expected) in rows {
        let said = on(log.path(), &["verify", "--checkpoint", checkpoint, "--key", key]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert!(said.err.contains(expected), "{expected}: {}", said.err);
    }
    for half in [["--checkpoint", &checkpoint], ["--key", &key]] {
        let said = on(log.path(), &[&["verify"], &half[..]].concat());
        assert!(said.code == 2 && said.err.contains("required"), "{said:?}");
    }
}

#[test]
fn a_checkpoint_is_told_as_it_would_be_signed() {
    let (kept, log) = (Kept::new(), story_log());
    let head = head_of(&encoded(&story().records));
    let said = on(log.path(), &["checkpoint", "--origin", "prakerja.ledger/test"]);
    let signed = signer().checkpoint(head);
    assert_eq!((said.code, Some(said.out.as_str())), (0, signer().verifier().verify(&signed).ok()), "{said:?}");
    assert!(said.err.contains("unsigned"), "{said:?}");
    let document = on(log.path(), &["checkpoint", "--json"]).json();
    let expected = serde_json::json!({"origin": DEFAULT_ORIGIN, "size": 28, "root": hex::encode(head.root)});
    assert_eq!(document, expected);

    let url = Fixed { note: Some(signed.clone()), ..Fixed::new(&encoded(&story().records)) }.serve();
    let file = kept.path("from.checkpoint");
    let said = tool(&["checkpoint", "--from", &url, "--out", &file]);
    assert_eq!((said.code, said.out.as_str()), (0, signed.as_str()), "{said:?}");
    assert!(said.err.contains("nothing was checked"), "{said:?}");
    assert_eq!(std::fs::read_to_string(&file).expect("kept"), signed);
    let key = signer().verifier().to_text();
    assert_eq!(on(log.path(), &["verify", "--checkpoint", &file, "--key", &key]).code, 0);
    let said = tool(&["checkpoint", "--from", &url, "--json"]);
    assert_eq!((&said.json()["note"], &said.json()["size"]), (&signed.as_str().into(), &28.into()), "{said:?}");

    let again = tool(&["checkpoint", "--from", &url, "--out", &file]);
    assert!(again.code == 2 && again.err.contains("could not write it: File exists"), "{again:?}");
    let without = Fixed::new(&encoded(&story().records)).serve();
    let said = tool(&["checkpoint", "--from", &without]);
    assert!(said.code == 2 && said.err.contains("could not get a checkpoint"), "{said:?}");
}
