//! An opening by someone who knows the first records: what is behind them is read, and what was not is read afterwards.

use std::fs;
use std::path::Path;

use ledger_log::{Checkpoints, Head, Log, NoteSigner, OpenError, Options, Recovery, Window};

use crate::support::*;

/// Records of a segment, four blocks.
const SEGMENT: u64 = 1_024;
const SIZE: u64 = 3_380;

fn options() -> Options {
    Options { segment_level: 10, ..impatient() }
}

/// A closed log with three sealed segments and a live volume, signed at every hundredth size.
fn log(dir: &Path) {
    let (mut writer, reader, recovery) = Log::open(dir, &options()).expect("a new log");
    let mut kept = Checkpoints::open(dir, recovery.kept).expect("opened");
    let signer = NoteSigner::new("prakerja.ledger/test", &[7; 32]).expect("a name");
    while writer.head().size < SIZE {
        let head = append(&mut writer, 20);
        if head.size.is_multiple_of(100) {
            kept.keep(head.size, &signer.checkpoint(head)).expect("kept");
        }
    }
    while reader.sealed().expect("open") < 3 * SEGMENT {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    writer.close().expect("closed");
}

type Opened = (ledger_log::Reader, Recovery, Vec<u64>);

/// Opens it with what is known; gives the positions that were shown. The log is closed again.
fn opened<T>(dir: &Path, known: Head, then: impl FnOnce(Opened) -> T) -> Result<T, OpenError> {
    let mut shown = Vec::new();
    let mut visit = |window: Window<'_>| {
        for (position, bytes) in window.records() {
            assert_eq!(bytes, record(position));
            shown.push(position);
        }
        Ok(())
    };
    let opened = Log::begin(dir, &options())?.open(Some(known), &mut visit);
    let (writer, reader, recovery) = opened.inspect_err(|_| assert!(shown.is_empty(), "nothing was shown"))?;
    let then = then((reader, recovery, shown));
    writer.close().expect("closed");
    Ok(then)
}

#[test]
fn what_is_behind_is_read_wherever_that_begins() {
    let dir = tempfile::tempdir().expect("a folder");
    log(dir.path());
    for clean in [true, false] {
        for known in [0, 1, 255, 256, 300, 1_000, 1_024, 1_500, 1_792, 2_048, 3_071, 3_072, 3_100, SIZE - 1, SIZE] {
            if !clean {
                as_after_a_kill(dir.path());
            }
            let check = |(reader, recovery, shown): Opened| {
                assert_eq!((recovery.head, recovery.clean), (expected_head(SIZE), clean));
                assert_eq!(recovery.unread, (known - known % 256).min(3 * SEGMENT), "{known}");
                assert_eq!(recovery.subtrees_rebuilt, 0, "{known}");
                assert_eq!(shown, (known..SIZE).collect::<Vec<_>>(), "{known}");
                let mut read = 0;
                let all_good = reader.check(recovery.unread, |records| {
                    read += records;
                    true
                });
                all_good.expect("all is well");
                assert_eq!(read, recovery.unread.next_multiple_of(SEGMENT), "{known}");
                let kept = Checkpoints::open(dir.path(), recovery.kept).expect("opened");
                assert_eq!(kept.latest(), Some(SIZE / 100 * 100), "{known}");
            };
            opened(dir.path(), expected_head(known), check).expect("a log that begins so");
            // The next opening reads everything.
            let (writer, _, recovery) = Log::open(dir.path(), &options()).expect("opened");
            assert_eq!((recovery.head, recovery.unread), (expected_head(SIZE), 0));
            writer.close().expect("closed");
        }
    }
}

#[test]
fn another_beginning_is_refused_and_nothing_is_changed() {
    let dir = tempfile::tempdir().expect("a folder");
    log(dir.path());
    let before = contents(dir.path());
    let other = |size| Head { root: [7; 32], ..expected_head(size) };
    let more = Head { size: SIZE + 1, ..expected_head(SIZE) };
    for known in [other(0), other(1), other(300), other(1_024), other(2_000), other(3_072), other(3_200), more] {
        let refused = opened(dir.path(), known, |_| ()).expect_err("another log");
        assert!(matches!(refused, OpenError::NotKnown { size, .. } if size == known.size), "{refused:?}");
        assert_eq!(contents(dir.path()), before, "{}", known.size);
    }
    // After a crash stored subtrees may be gone: then nothing is taken as known.
    as_after_a_kill(dir.path());
    for length in [0, 40, 32 * 5] {
        let file = fs::File::options().write(true).open(dir.path().join("subtrees")).expect("there");
        file.set_len(length).expect("cut");
        let refused = opened(dir.path(), expected_head(3_000), |_| ()).expect_err("no subtrees");
        assert!(matches!(refused, OpenError::NotKnown { .. }), "{refused:?}");
    }
    let (_writer, _, recovery) = Log::open(dir.path(), &options()).expect("read as a whole");
    assert_eq!(recovery.head, expected_head(SIZE));
    assert!(recovery.subtrees_rebuilt > 0);
}

#[test]
fn damage_in_what_was_not_read_is_found_afterwards() {
    let dir = tempfile::tempdir().expect("a folder");
    log(dir.path());
    let whole = tempfile::tempdir().expect("a folder");
    copy(dir.path(), whole.path());
    let segment = "segments/00000000000000001024.segment";
    // Of the notes and subtrees a close would tell; after a kill only this does.
    let notes = fs::read_to_string(whole.path().join("checkpoints/notes")).expect("text");
    let root = notes.find("\n500\n").expect("a note of 500 records") + 5;
    let table = [(segment, 20_000, 1_024..2_048), ("subtrees", 200, 0..3_000), ("checkpoints/notes", root, 0..1)];
    for (file, at, positions) in table {
        let dir = tempfile::tempdir().expect("a folder");
        copy(whole.path(), dir.path());
        as_after_a_kill(dir.path());
        let path = dir.path().join(file);
        let mut bytes = fs::read(&path).expect("readable");
        bytes[at] ^= 0x04;
        fs::write(&path, &bytes).expect("written");
        let check = |(reader, recovery, _): Opened| {
            let found = reader.check(recovery.unread, |_| true).expect_err("damage");
            let position = found.first_bad_position().expect("damage");
            assert!(positions.contains(&position), "{file}: {found:?}");
            reader.check(recovery.unread, |_| false).expect("told to stop, it has not looked");
        };
        opened(dir.path(), expected_head(3_000), check).unwrap_or_else(|error| panic!("{file}: {error:?}"));
    }
}
