//! An archive holds what was added to it, whenever and in whatever parts.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ledger_log::{ArchiveWriter, AtRest, OpenError, restore, restore_linked};

use crate::support::*;

const LEVEL: u32 = 8;

fn extend(dir: &Path, to: u64) {
    let mut archive = ArchiveWriter::open(dir, LEVEL).expect("an archive");
    for position in archive.head().size..to {
        archive.push(&record(position)).expect("added");
    }
    assert_eq!(archive.finish().expect("whole"), expected_head(to));
}

fn holds(dir: &Path, size: u64) {
    let mut seen = 0;
    let examined = AtRest::archive(dir).expect("an archive").examine(|position, bytes| {
        assert_eq!((position, bytes), (seen, &record(position)[..]));
        seen += 1;
        Ok(())
    });
    let examined = examined.expect("examined");
    assert_eq!((examined.head, &examined.findings), (expected_head(size), &vec![]));
    let (_, reader) = AtRest::archive(dir).expect("an archive").into_reader().expect("examined");
    let reader = reader.expect("healthy");
    assert_eq!(all(&reader), expected(0..size));
    for position in (0..size).step_by(41) {
        let path = reader.inclusion_proof(position, size).expect("provable");
        assert!(path.len() as u32 <= size.next_power_of_two().ilog2(), "{position} of {size}");
        assert_eq!(reader.get(position).expect("there").bytes(), record(position));
    }
}

#[test]
fn an_archive_grows_and_is_whole_at_each_step() {
    let dir = tempfile::tempdir().expect("a folder");
    for size in [0, 1, 200, 256, 256, 257, 700, 768, 1800, 1801] {
        extend(dir.path(), size);
        holds(dir.path(), size);
        let segments = fs::read_dir(dir.path().join("segments")).expect("there").count() as u64;
        assert_eq!(segments, 1 + size.div_ceil(1 << LEVEL), "no file is left over at {size}");
    }
}

#[test]
fn what_was_not_finished_does_not_count() {
    let dir = tempfile::tempdir().expect("a folder");
    extend(dir.path(), 300);
    for (to, keep) in [(310, true), (511, true), (600, false), (600, true)] {
        let mut archive = ArchiveWriter::open(dir.path(), LEVEL).expect("an archive");
        for position in archive.head().size..to {
            let full = archive.push(&record(position)).expect("added");
            assert_eq!(full, (position + 1) % 256 == 0);
            if full && keep {
                archive.keep().expect("kept");
            }
        }
        drop(archive);
        // The segment being written does not count, nor one that was not kept.
        holds(dir.path(), if to == 600 && keep { 512 } else { 300 });
    }
    extend(dir.path(), 600);
    holds(dir.path(), 600);
}

#[test]
fn an_archive_is_not_written_into_something_else() {
    let dir = tempfile::tempdir().expect("a folder");
    closed_log(dir.path(), &[10]);
    let is_refused = |error: OpenError| matches!(error, OpenError::NotAnArchive { .. });
    assert!(is_refused(ArchiveWriter::open(dir.path(), LEVEL).expect_err("a log")));
    assert!(is_refused(AtRest::archive(dir.path()).expect_err("a log")));
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("holiday.jpg"), b"sea").expect("written");
    assert!(is_refused(ArchiveWriter::open(dir.path(), LEVEL).expect_err("another folder")));
    assert!(is_refused(AtRest::archive(dir.path()).expect_err("another folder")));
}

#[test]
fn every_changed_byte_of_an_archive_is_found() {
    let log = tempfile::tempdir().expect("a folder");
    extend(log.path(), 600);
    let files = contents(log.path());
    let mut changed = 0;
    for (path, whole) in files.iter().filter(|(path, _)| !path.ends_with("LOCK")) {
        for at in (0..whole.len()).step_by(if whole.len() > 5000 { 97 } else { 11 }) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x04;
            fs::write(path, &bytes).expect("written");
            let found = AtRest::archive(log.path()).expect("an archive").examine(|_, _| Ok(())).expect("examined");
            assert!(!found.findings.is_empty(), "{} byte {at}", path.display());
            changed += 1;
        }
        fs::write(path, whole).expect("written");
    }
    assert!(changed > 300, "{changed}");
    holds(log.path(), 600);
}

#[test]
fn a_log_is_restored_from_an_archive_and_goes_on() {
    for size in [0, 1, 256, 300, 512, 9000] {
        let folder = tempfile::tempdir().expect("a folder");
        let (archive, data) = (folder.path().join("archive"), folder.path().join("data"));
        fs::create_dir(&archive).expect("made");
        extend(&archive, size);
        for kept in [None, Some(expected_head(size)), Some(expected_head(size / 2))] {
            assert_eq!(restore(&archive, &data, kept).expect("restored"), expected_head(size));
            let again = restore(&archive, &data, kept).expect_err("there is a log");
            assert!(matches!(again, OpenError::InTheWay { .. }), "{again:?}");
            let (mut writer, reader, recovery) = open(&data).expect("opened");
            assert_eq!((recovery.head, recovery.clean), (expected_head(size), true));
            assert_eq!(all(&reader), expected(0..size));
            assert_eq!(append(&mut writer, 5), expected_head(size + 5));
            writer.close().expect("closed");
            fs::remove_dir_all(&data).expect("there");
        }
    }
}

#[test]
fn a_restored_log_may_share_the_full_segments_and_neither_changes_the_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let (archive, data) = (folder.path().join("archive"), folder.path().join("data"));
    fs::create_dir(&archive).expect("made");
    extend(&archive, 600);
    assert_eq!(restore_linked(&archive, &data, None).expect("restored"), expected_head(600));
    for first in [0, 256] {
        let file = |folder: &Path| {
            let about = fs::metadata(folder.join(format!("segments/{first:020}.segment"))).expect("there");
            (about.dev(), about.ino())
        };
        assert_eq!(file(&archive), file(&data));
    }
    // Both go on, over the end of a segment, each on its own.
    let (mut writer, _, recovery) = open(&data).expect("opened");
    assert_eq!((recovery.head, recovery.clean), (expected_head(600), true));
    assert_eq!(append(&mut writer, 500), expected_head(1100));
    writer.close().expect("closed");
    holds(&archive, 600);
    extend(&archive, 900);
    holds(&archive, 900);
    fs::remove_dir_all(&archive).expect("there");
    let (writer, reader, _) = open(&data).expect("opened");
    assert_eq!((writer.head(), all(&reader)), (expected_head(1100), expected(0..1100)));
}

#[test]
fn what_does_not_extend_the_checkpoint_is_not_restored() {
    let folder = tempfile::tempdir().expect("a folder");
    let (archive, data) = (folder.path().join("archive"), folder.path().join("data"));
    fs::create_dir(&archive).expect("made");
    extend(&archive, 300);
    let mut other = expected_head(200);
    other.root[7] ^= 1;
    for (kept, position) in [(expected_head(301), 300), (other, 0)] {
        let refused = restore(&archive, &data, Some(kept)).expect_err("not the log of the checkpoint");
        assert_eq!(refused.first_bad_position(), Some(position), "{refused:?}");
        assert!(!data.exists());
    }
    let segment = archive.join("segments/00000000000000000256-44.segment");
    let mut bytes = fs::read(&segment).expect("readable");
    bytes[900] ^= 1;
    fs::write(&segment, bytes).expect("written");
    assert_eq!(restore(&archive, &data, None).expect_err("damaged").first_bad_position(), Some(256));
    assert!(!data.exists());
}
