//! Damaged bytes, lost files, and what a crash leaves: found and named, or harmless; never silent, never repaired.

use std::fs;
use std::path::{Path, PathBuf};

use ledger_log::{AtRest, Damage, Examined, Log, OpenError};

use crate::support::*;

const COMMITS: [u64; 5] = [1, 300, 40, 700, 7];
const SIZE: u64 = 1048;

fn examine(dir: &Path) -> Result<(Examined, u64), OpenError> {
    let mut next = 0;
    let examined = AtRest::open_with(dir, &impatient(), None)?.examine(|position, bytes| {
        // Whatever is shown is what was written, at its place.
        assert_eq!((position, bytes), (next, &record(next)[..]));
        next += 1;
        Ok(())
    })?;
    assert_eq!(examined.head.size, next);
    Ok((examined, next))
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("readable");
    bytes[at] ^= 0x20;
    fs::write(path, bytes).expect("written");
}

/// A copy of `from` in a fresh folder.
fn fresh(from: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    copy(from, dir.path());
    dir
}

/// Each file of a log with the offsets to change: every `stride`th, and the last.
fn places(dir: &Path, stride: usize) -> Vec<(PathBuf, usize)> {
    let mut out = Vec::new();
    for (path, bytes) in contents(dir) {
        let path = path.strip_prefix(dir).expect("below").to_owned();
        let last = bytes.len().checked_sub(1);
        out.extend((0..bytes.len()).step_by(stride).chain(last).map(|at| (path.clone(), at)));
    }
    out
}

#[test]
fn every_changed_byte_of_a_closed_log_is_found() {
    let log = tempfile::tempdir().expect("a folder");
    closed_log(log.path(), &COMMITS);
    let places = places(log.path(), 97);
    assert!(places.len() > 500, "{} places", places.len());
    for (count, (file, at)) in places.iter().enumerate() {
        let dir = fresh(log.path());
        flip(&dir.path().join(file), *at);
        let before = contents(dir.path());
        let (examined, good) = examine(dir.path()).expect("examined");
        let position = examined.first_bad_position();
        assert!(position.is_some_and(|position| position <= SIZE), "{} byte {at}: {examined:?}", file.display());
        assert!(good <= SIZE);
        // The server's way is slower to try, so not everywhere.
        if count % 7 == 0 || file.parent() == Some(Path::new("")) {
            let opened = open(dir.path()).map(|(_, _, recovery)| recovery);
            let refused = opened.expect_err("the file was changed");
            assert!(matches!(refused, OpenError::Damaged(_)), "{} byte {at}: {refused:?}", file.display());
            assert_eq!(refused.first_bad_position(), position, "{} byte {at}: {refused:?}", file.display());
        }
        assert_eq!(contents(dir.path()), before, "{} byte {at}: nothing is touched", file.display());
    }
}

#[test]
fn a_changed_byte_of_a_log_that_was_not_closed_is_found_or_harmless() {
    let log = tempfile::tempdir().expect("a folder");
    closed_log(log.path(), &COMMITS);
    as_after_a_kill(log.path());
    let whole = expected_head(SIZE);
    let (mut found, mut harmless) = (0, 0);
    for (file, at) in places(log.path(), 197) {
        let dir = fresh(log.path());
        flip(&dir.path().join(&file), at);
        let before = contents(dir.path());
        let name = format!("{} byte {at}", file.display());
        let (examined, _) = examine(dir.path()).expect("examined");
        assert_eq!(contents(dir.path()), before, "{name}: nothing is touched");
        match open(dir.path()) {
            Ok((writer, reader, recovery)) => {
                assert_eq!(examined.findings, vec![], "{name}");
                assert_eq!((writer.head(), recovery.head), (whole, whole), "{name}");
                assert_eq!(all(&reader), expected(0..SIZE), "{name}");
                harmless += 1;
            }
            Err(OpenError::Damaged(damage)) => {
                assert_eq!(examined.first_bad_position(), Some(damage.first_bad_position), "{name}");
                assert_eq!(contents(dir.path()), before, "{name}: nothing is touched");
                found += 1;
            }
            Err(other) => panic!("{name}: {other:?}"),
        }
    }
    assert!(found > 20 && harmless > 20, "{found} found, {harmless} harmless");
}

type Change = fn(&Path);

/// Changes to whole files of a closed log, and the first bad position each must lead to.
const CHANGES: [(&str, Change, Option<u64>); 11] = [
    ("head is missing", |dir| fs::remove_file(dir.join("head")).expect("there"), Some(0)),
    ("head is empty", |dir| fs::write(dir.join("head"), b"").expect("written"), Some(0)),
    ("the volume is missing", |dir| fs::remove_dir_all(dir.join("live")).expect("there"), Some(0)),
    ("the volume is empty", |dir| cut(&dir.join("live/00000000000000000000/db"), 0), Some(0)),
    (
        "sled's file is missing",
        |dir| fs::remove_file(dir.join("live/00000000000000000000/db")).expect("there"),
        Some(0),
    ),
    (
        "sled's configuration is missing",
        |dir| fs::remove_file(dir.join("live/00000000000000000000/conf")).expect("there"),
        None,
    ),
    ("subtrees is missing", |dir| fs::remove_file(dir.join("subtrees")).expect("there"), None),
    ("a value is kept in blobs", |dir| put_blob(dir), Some(0)),
    ("the list of files is missing", |dir| fs::remove_file(dir.join("closed")).expect("there"), Some(SIZE)),
    ("the lock file says something else", |dir| fs::write(dir.join("LOCK"), "cloned\n").expect("written"), Some(SIZE)),
    ("sled's file lost its tail", |dir| cut(&dir.join("live/00000000000000000000/db"), 40_000), None),
];

fn put_blob(dir: &Path) {
    fs::create_dir_all(dir.join("live/00000000000000000000/blobs"))
        .and_then(|()| fs::write(dir.join("live/00000000000000000000/blobs/77"), b"x"))
        .expect("written");
}

fn cut(path: &Path, length: u64) {
    fs::File::options().write(true).open(path).and_then(|file| file.set_len(length)).expect("cut");
}

#[test]
fn lost_and_cut_files_are_named() {
    let log = tempfile::tempdir().expect("a folder");
    closed_log(log.path(), &COMMITS);
    for (name, change, position) in CHANGES {
        let dir = fresh(log.path());
        change(dir.path());
        let before = contents(dir.path());
        let (examined, _) = examine(dir.path()).expect("examined");
        assert!(examined.first_bad_position().is_some(), "{name}");
        let refused = open(dir.path()).map(|_| ()).expect_err(name);
        assert!(matches!(refused, OpenError::Damaged(_)), "{name}: {refused:?}");
        assert_eq!(refused.first_bad_position(), examined.first_bad_position(), "{name}");
        if position.is_some() {
            assert_eq!(refused.first_bad_position(), position, "{name}");
        }
        assert_eq!(contents(dir.path()), before, "{name}: nothing is touched");
    }
}

#[test]
fn a_log_shorter_than_its_head_is_refused_whatever_the_way() {
    let dir = tempfile::tempdir().expect("a folder");
    closed_log(dir.path(), &[10, 20]);
    let old = fresh(dir.path());
    closed_log(dir.path(), &[30]);
    // The volume of yesterday under the head of today, closed and not closed.
    fs::remove_dir_all(dir.path().join("live")).expect("there");
    copy(&old.path().join("live"), &dir.path().join("live"));
    for closed in [true, false] {
        if !closed {
            as_after_a_kill(dir.path());
        }
        let damage = |result: Result<(), OpenError>| match result {
            Err(OpenError::Damaged(Damage { first_bad_position, .. })) => first_bad_position,
            other => panic!("{other:?}"),
        };
        assert_eq!(damage(open(dir.path()).map(|_| ())), 30);
        assert_eq!(examine(dir.path()).expect("examined").0.first_bad_position(), Some(30));
    }
    // And as a whole, yesterday's copy is a good log; only a checkpoint kept elsewhere tells it from today's.
    assert_eq!(examine(old.path()).expect("examined").0.findings, vec![]);
}

#[test]
fn other_records_of_the_same_number_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let other = tempfile::tempdir().expect("a folder");
    closed_log(dir.path(), &[10, 20]);
    let (mut writer, _, _) = open(other.path()).expect("a new log");
    let mut batch = ledger_log::Batch::new();
    (0..30).for_each(|_| batch.push(b"forged").expect("short"));
    writer.append(0, &batch).expect("appended");
    writer.close().expect("closed");
    for name in ["live", "subtrees"] {
        let (from, to) = (other.path().join(name), dir.path().join(name));
        match from.is_dir() {
            true => {
                fs::remove_dir_all(&to).expect("there");
                copy(&from, &to);
            }
            false => drop(fs::copy(&from, &to).expect("copied")),
        }
    }
    as_after_a_kill(dir.path());
    assert!(matches!(open(dir.path()), Err(OpenError::Damaged(damage)) if damage.expected.contains("root")));
    let at_rest = AtRest::open(dir.path()).expect("free");
    assert!(at_rest.examine(|_, _| Ok(())).expect("examined").first_bad_position().is_some());
}

#[test]
fn records_beyond_a_stale_head_are_kept_and_reported() {
    let dir = tempfile::tempdir().expect("a folder");
    closed_log(dir.path(), &[10, 20]);
    let stale = fs::read(dir.path().join("head")).expect("readable");
    closed_log(dir.path(), &[5, 600]);
    // A power cut: the records are there, the head file is as of its last sync, and nothing was closed.
    fs::write(dir.path().join("head"), stale).expect("written");
    as_after_a_kill(dir.path());
    fs::remove_file(dir.path().join("subtrees")).expect("there");
    let (examined, _) = examine(dir.path()).expect("examined");
    assert_eq!((examined.beyond_head, examined.findings), (605, vec![]));
    let (mut writer, reader, recovery) = open(dir.path()).expect("opened");
    assert_eq!((recovery.head, recovery.beyond_head, recovery.clean), (expected_head(635), 605, false));
    assert_eq!(recovery.subtrees_rebuilt, 3);
    assert_eq!(all(&reader), expected(0..635));
    append(&mut writer, 3);
    writer.close().expect("closed");
    let (_, _, recovery) = open(dir.path()).expect("opened");
    assert_eq!((recovery.head, recovery.beyond_head, recovery.clean), (expected_head(638), 0, true));
}

#[test]
fn a_torn_slot_of_the_head_after_a_crash_is_reported() {
    let dir = tempfile::tempdir().expect("a folder");
    closed_log(dir.path(), &[10, 20]);
    as_after_a_kill(dir.path());
    for at in [20, 4096 + 20] {
        flip(&dir.path().join("head"), at);
        let (writer, _, recovery) = open(dir.path()).expect("the other slot counts");
        assert!(recovery.torn_head, "slot with byte {at}");
        assert_eq!(recovery.head, expected_head(30));
        drop(writer);
        let (_, _, recovery) = open(dir.path()).expect("opened");
        assert!(!recovery.torn_head, "both slots are whole again");
    }
}

#[test]
fn what_an_interrupted_start_or_stop_left_is_named_and_put_in_order() {
    let log = tempfile::tempdir().expect("a folder");
    closed_log(log.path(), &[10, 20]);
    as_after_a_kill(log.path());
    let table: [(&str, Change, &[&str]); 6] = [
        ("while copying", |dir| fs::create_dir(dir.join("recovering")).expect("created"), &["recovering"]),
        (
            "between the renames",
            |dir| {
                fs::rename(dir.join("live"), dir.join("replaced")).expect("renamed");
                fs::create_dir(dir.join("recovering")).expect("created");
            },
            &["recovering", "replaced"],
        ),
        ("before removing", |dir| copy(&dir.join("live"), &dir.join("replaced")), &["replaced"]),
        ("while describing", |dir| fs::write(dir.join("closed.new"), b"LLCL").expect("written"), &["closed.new"]),
        ("while beginning", |dir| fs::write(dir.join("head.new"), b"").expect("written"), &["head.new"]),
        (
            "while sealing",
            |dir| fs::write(dir.join("segments/manifest.new"), b"ledger-log seg").expect("written"),
            &["segments/manifest.new"],
        ),
    ];
    for (name, crash, left) in table {
        let dir = fresh(log.path());
        crash(dir.path());
        let (examined, _) = examine(dir.path()).expect(name);
        assert_eq!((examined.head, examined.findings), (expected_head(30), vec![]), "{name}");
        assert_eq!(examined.leftovers, left, "{name}");
        let (writer, _, recovery) = open(dir.path()).expect(name);
        assert_eq!(recovery.head, expected_head(30), "{name}");
        assert_eq!(recovery.leftovers, left, "{name}");
        drop(writer);
        for leftover in ["recovering", "replaced", "closed.new", "head.new", "segments/manifest.new"] {
            assert!(!dir.path().join(leftover).exists(), "{name}: {leftover}");
        }
    }
    // A log whose very first file was interrupted is a new one.
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("head.new"), b"LLHE").expect("written");
    let (_, _, recovery) = open(dir.path()).expect("new");
    assert_eq!((recovery.head.size, recovery.leftovers), (0, vec!["head.new".to_owned()]));
}

#[test]
fn the_visitor_sees_nothing_past_the_first_bad_record() {
    let log = tempfile::tempdir().expect("a folder");
    closed_log(log.path(), &COMMITS);
    as_after_a_kill(log.path());
    let needle = record(650);
    let bytes = fs::read(log.path().join("live/00000000000000000000/db")).expect("readable");
    let hits: Vec<_> = (0..bytes.len() - needle.len()).filter(|&at| bytes[at..].starts_with(&needle)).collect();
    assert!(!hits.is_empty());
    hits.iter().for_each(|&at| flip(&log.path().join("live/00000000000000000000/db"), at + 20));
    let mut seen = 0;
    let opened = Log::open_with(log.path(), &impatient(), |position, bytes| {
        assert_eq!(bytes, record(position));
        seen = position + 1;
        Ok(())
    });
    let position = opened.map(|_| ()).expect_err("damaged").first_bad_position().expect("a position");
    assert!(seen <= position && position <= 650, "{seen} {position}");
}
