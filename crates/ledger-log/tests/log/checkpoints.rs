//! Kept checkpoints: every opening compares all of them with the log, a tool at rest as well as a writer.

use std::fs;
use std::path::Path;

use ledger_log::{AtRest, Checkpoints, NoteSigner, OpenError};

use crate::support::*;

fn signer() -> NoteSigner {
    NoteSigner::new("prakerja.ledger/test", &[7; 32]).expect("a name")
}

/// A log that was signed at each of these sizes, closed or as after a kill.
fn signed_log(dir: &Path, sizes: &[u64], closed: bool) {
    let (mut writer, _, mut recovery) = open(dir).expect("a log");
    let mut kept = Checkpoints::open(dir, std::mem::take(&mut recovery.kept)).expect("opened");
    for &size in sizes {
        let more = size - writer.head().size;
        let head = if more == 0 { writer.head() } else { append(&mut writer, more) };
        kept.keep(size, &signer().checkpoint(head)).expect("kept");
    }
    append(&mut writer, 5);
    match closed {
        true => drop(writer.close().expect("closed")),
        false => drop(writer),
    }
}

/// First bad position and words, as a writer and as a tool at rest find them.
fn found(dir: &Path) -> Option<(u64, String)> {
    let before = contents(dir);
    let examined = AtRest::open_with(dir, &impatient(), None).expect("free").examine(|_, _| Ok(())).expect("examined");
    assert_eq!(contents(dir), before);
    let opened = match open(dir) {
        Ok(_) => None,
        Err(OpenError::Damaged(damage)) => Some(damage),
        Err(other) => panic!("{other:?}"),
    };
    assert_eq!(examined.findings.first(), opened.as_ref());
    opened.map(|damage| (damage.first_bad_position, damage.to_string()))
}

const SIZES: [u64; 9] = [0, 1, 1, 255, 256, 257, 700, 700, 1_021];

#[test]
fn every_note_is_compared_at_its_size() {
    for closed in [true, false] {
        let log = tempfile::tempdir().expect("a folder");
        signed_log(log.path(), &SIZES, closed);
        let (writer, reader, mut recovery) = open(log.path()).expect("opened");
        let kept = Checkpoints::open(log.path(), std::mem::take(&mut recovery.kept)).expect("opened");
        assert_eq!((recovery.clean, kept.latest()), (closed, Some(1_021)));
        for (asked, size) in [(0, 0), (1, 1), (2, 255), (258, 700), (1_021, 1_021)] {
            let (found, note) = kept.at_or_after(asked).expect("readable").expect("kept");
            let head = signer().verifier().checkpoint(&note).expect("signed").head;
            assert_eq!((found, head.size, head.root), (size, size, reader.root_at(size).expect("a root")));
        }
        assert_eq!(kept.at_or_after(1_022).expect("readable"), None);
        drop(writer);
    }
}

#[test]
fn any_note_that_is_not_the_logs_is_damage_to_all() {
    let log = tempfile::tempdir().expect("a folder");
    signed_log(log.path(), &SIZES, false);
    let path = log.path().join("checkpoints/notes");
    let notes = fs::read_to_string(&path).expect("readable");
    // Text and signature each end with an empty line.
    let blocks: Vec<&str> = notes.split_inclusive("\n\n").collect();
    let each: Vec<String> = blocks.chunks(2).map(<[&str]>::concat).collect();
    assert_eq!((each.len(), found(log.path())), (SIZES.len(), None));
    let of = |size: u64, root_of: u64| {
        let head = ledger_log::Head { size, root: expected_head(root_of).root };
        signer().checkpoint(head) + "\n"
    };
    for place in 0..each.len() {
        // A note over other records in the place of this one.
        let mut forged = each.clone();
        forged[place] = of(SIZES[place], SIZES[place] + 1);
        fs::write(&path, forged.concat()).expect("written");
        let (position, words) = found(log.path()).expect("forked");
        assert!(position == 0 && words.contains(&format!("the {} records whose root", SIZES[place])), "{words}");
        // Sizes that go back, were it only from here on.
        let (mut swapped, last) = (each.clone(), each.len() - 1);
        swapped.swap(place, last);
        if SIZES[place] != SIZES[last] {
            fs::write(&path, swapped.concat()).expect("written");
            let (position, words) = found(log.path()).expect("out of order");
            assert!(position == 1_026 && words.contains("a size of 1021 or more"), "{words}");
        }
        // Bytes that are no text, in the middle: what comes after is not dropped as if a crash had cut it.
        let mut bytes = notes.clone().into_bytes();
        let start: usize = each[..place].iter().map(String::len).sum();
        bytes[start + 3] = 0xff;
        fs::write(&path, &bytes).expect("written");
        let (position, words) = found(log.path()).expect("no text");
        assert!(position == 1_026 && words.contains(&format!("notes byte {start}:")), "{words}");
    }
    fs::write(&path, notes.clone() + &of(1_027, 1_027)).expect("written");
    let (position, words) = found(log.path()).expect("behind");
    assert!(position == 1_026 && words.contains("a log of 1027 records or more"), "{words}");
    fs::write(&path, notes.clone() + "prakerja").expect("written");
    assert_eq!(found(log.path()), None, "a note that a crash cut short");
    assert_eq!(fs::read_to_string(&path).expect("readable"), notes, "is cut");
}

#[test]
fn notes_of_an_empty_log_say_that_it_is_empty() {
    let log = tempfile::tempdir().expect("a folder");
    let (writer, ..) = open(log.path()).expect("a new log");
    drop(writer);
    fs::remove_dir_all(log.path().join("live")).expect("there");
    fs::create_dir(log.path().join("checkpoints")).expect("created");
    let note = signer().checkpoint(expected_head(3));
    fs::write(log.path().join("checkpoints/notes"), note + "\n").expect("written");
    let (position, words) = found(log.path()).expect("behind");
    assert!(position == 0 && words.contains("a log of 3 records or more"), "{words}");
}
