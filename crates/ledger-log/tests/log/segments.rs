//! Full segments are sealed while the log goes on; a crash at any step loses and doubles nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ledger_log::{AtRest, Log, OpenError, Options, Reader, Recovery, Writer};

use crate::support::*;

/// Records of a segment in these tests.
const SEGMENT: u64 = 256;

fn open_small(dir: &Path) -> Result<(Writer, Reader, Recovery), OpenError> {
    Log::open(dir, &Options { segment_level: 8, ..impatient() })
}

fn segment(dir: &Path, index: u64) -> PathBuf {
    dir.join(format!("segments/{:020}.segment", index * SEGMENT))
}

fn volume(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("live/{first:020}"))
}

/// Waits for the sealing thread.
fn until_sealed(dir: &Path, reader: &Reader, end: u64) {
    let patience = Instant::now() + Duration::from_secs(30);
    let volumes = || fs::read_dir(dir.join("live")).expect("there").count();
    while reader.sealed().expect("open") < end || volumes() > 2 {
        assert!(Instant::now() < patience, "sealed only up to {:?}", reader.sealed());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A closed log of `size` records, of which all full segments are sealed.
fn sealed_log(dir: &Path, size: u64, commit: u64) {
    let (mut writer, reader, _) = open_small(dir).expect("a new log");
    while writer.head().size < size {
        let count = commit.min(size - writer.head().size);
        append(&mut writer, count);
    }
    until_sealed(dir, &reader, size / SEGMENT * SEGMENT);
    writer.close().expect("closed");
}

fn is_whole(dir: &Path, size: u64) {
    let mut seen = 0;
    let examined = AtRest::open(dir).expect("free").examine(|position, bytes| {
        assert_eq!((position, bytes), (seen, &record(position)[..]));
        seen += 1;
        Ok(())
    });
    let examined = examined.expect("examined");
    assert_eq!((examined.head, examined.findings), (expected_head(size), vec![]));
    let (writer, reader, recovery) = open_small(dir).expect("opened");
    assert_eq!((recovery.head, recovery.torn), (expected_head(size), None));
    assert_eq!(all(&reader), expected(0..size));
    until_sealed(dir, &reader, size / SEGMENT * SEGMENT);
    assert_eq!(all(&reader), expected(0..size));
    drop(writer);
}

/// What an append says once it is refused.
fn refusal(writer: &mut Writer) -> String {
    let patience = Instant::now() + Duration::from_secs(30);
    loop {
        let mut batch = ledger_log::Batch::new();
        batch.push(&record(writer.head().size)).expect("short");
        if let Err(error) = writer.append(writer.head().size, &batch) {
            return error.to_string();
        }
        assert!(Instant::now() < patience, "never refused");
    }
}

#[test]
fn full_segments_are_sealed_and_read_as_before() {
    for commit in [1, 7, 100, 256, 1000] {
        let dir = tempfile::tempdir().expect("a folder");
        let size = 1100;
        sealed_log(dir.path(), size, commit);
        assert_eq!(fs::read_dir(dir.path().join("segments")).expect("there").count(), 5, "four and the manifest");
        let volumes: Vec<_> = fs::read_dir(dir.path().join("live")).expect("there").flatten().collect();
        assert_eq!(volumes.iter().map(|entry| entry.path()).collect::<Vec<_>>(), [volume(dir.path(), 1024)]);
        is_whole(dir.path(), size);
        let (_writer, reader, _) = open_small(dir.path()).expect("opened");
        for position in (0..size).step_by(17) {
            assert_eq!(reader.get(position).expect("there").bytes(), record(position));
            let proof = reader.inclusion_proof(position, size).expect("provable");
            assert!(!proof.is_empty());
        }
        let wanted = expected(200..900);
        let read: Vec<_> =
            reader.read(200, 900).map(|r| r.map(|r| (r.position(), r.to_vec())).expect("read")).collect();
        assert_eq!(read, wanted);
    }
}

#[test]
fn a_commit_over_several_segments_leaves_no_volume_in_between() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut writer, _, _) = open_small(dir.path()).expect("a new log");
    // Near its end the next volume is being made; then this segment and four more are filled at once.
    append(&mut writer, 250);
    append(&mut writer, 1100);
    let there: Vec<_> = fs::read_dir(dir.path().join("live")).expect("there").flatten().map(|at| at.path()).collect();
    assert!(there.iter().all(|path| [volume(dir.path(), 0), volume(dir.path(), 1280)].contains(path)), "{there:?}");
    drop(writer);
    is_whole(dir.path(), 1350);
}

#[test]
fn a_log_keeps_the_segments_it_began_with() {
    let dir = tempfile::tempdir().expect("a folder");
    sealed_log(dir.path(), 300, 50);
    let (mut writer, reader, _) = Log::open(dir.path(), &impatient()).expect("opened with other options");
    append(&mut writer, 300);
    until_sealed(dir.path(), &reader, 512);
    drop(writer);
    is_whole(dir.path(), 600);
}

#[test]
fn a_crash_between_the_steps_of_sealing_loses_and_doubles_nothing() {
    // A log as it was before its second segment was sealed, and after.
    let before = tempfile::tempdir().expect("a folder");
    let (mut writer, reader, _) = open_small(before.path()).expect("a new log");
    append(&mut writer, 300);
    until_sealed(before.path(), &reader, 256);
    append(&mut writer, 190);
    drop(writer);
    let after = tempfile::tempdir().expect("a folder");
    copy(before.path(), after.path());
    let (mut writer, reader, _) = open_small(after.path()).expect("opened");
    // This commit goes over the end of the segment, so its rest stands in both volumes.
    append(&mut writer, 110);
    until_sealed(after.path(), &reader, 512);
    drop(writer);

    type Crash<'a> = &'a dyn Fn(&Path);
    let from = |path: &Path| copy(&volume(after.path(), 512), &volume(path, 512));
    // The older volume as it was when the newer one had begun: where sealing cannot begin, both stay.
    let stuck = tempfile::tempdir().expect("a folder");
    copy(before.path(), stuck.path());
    let (mut writer, _, _) = open_small(stuck.path()).expect("opened");
    fs::create_dir(stuck.path().join("segments/00000000000000000256.segment.new")).expect("in the way");
    append(&mut writer, 110);
    let refused = refusal(&mut writer);
    assert!(refused.contains("sealing failed") && refused.contains("256.segment.new"), "{refused}");
    drop(writer);
    let old_volume = |path: &Path| {
        fs::remove_dir_all(volume(path, 256)).ok();
        copy(&volume(stuck.path(), 256), &volume(path, 256));
    };
    let table: [(&str, Crash); 6] = [
        ("the next volume is being made", &|dir| {
            fs::create_dir_all(dir.join("live/00000000000000000512.new")).expect("made")
        }),
        ("the segment is being written", &|dir| {
            old_volume(dir);
            fs::remove_file(segment(dir, 1)).expect("there");
            fs::write(dir.join("segments/00000000000000000256.segment.new"), b"half").expect("written");
            fs::copy(before.path().join("segments/manifest"), dir.join("segments/manifest")).expect("copied");
        }),
        ("the segment is there, the manifest does not name it", &|dir| {
            old_volume(dir);
            fs::copy(before.path().join("segments/manifest"), dir.join("segments/manifest")).expect("copied");
            fs::write(dir.join("segments/manifest.new"), b"half").expect("written");
        }),
        ("the manifest names it, the old volume is there", &|dir| old_volume(dir)),
        ("the old volume is half removed", &|dir| {
            old_volume(dir);
            fs::remove_file(volume(dir, 256).join("conf")).expect("there");
        }),
        ("all done", &|_| ()),
    ];
    for (name, crash) in table {
        let dir = tempfile::tempdir().expect("a folder");
        copy(after.path(), dir.path());
        from(dir.path());
        crash(dir.path());
        println!("{name}");
        is_whole(dir.path(), 600);
        let names = |folder: &str| {
            let mut names: Vec<_> = fs::read_dir(dir.path().join(folder)).expect("there").flatten().collect();
            names.sort_by_key(|entry| entry.path());
            names.iter().map(|entry| entry.path()).collect::<Vec<_>>()
        };
        assert_eq!(names("live"), [volume(dir.path(), 512)], "{name}");
        assert_eq!(names("segments").len(), 3, "{name}");
    }
}

#[test]
fn damage_of_a_segment_or_the_manifest_is_found_and_named() {
    let log = tempfile::tempdir().expect("a folder");
    sealed_log(log.path(), 1000, 90);
    let flip_at = |path: PathBuf, at: usize| {
        let mut bytes = fs::read(&path).expect("readable");
        let at = at % bytes.len();
        bytes[at] ^= 0x20;
        fs::write(&path, bytes).expect("written");
    };
    type Change<'a> = &'a dyn Fn(&Path);
    let table: [(&str, Change, u64); 8] = [
        ("a record", &|dir| flip_at(segment(dir, 1), 3000), 256),
        ("the footer", &|dir| flip_at(segment(dir, 2), usize::MAX - 30), 512),
        ("cut", &|dir| fs::write(segment(dir, 1), b"short").expect("written"), 256),
        ("missing", &|dir| fs::remove_file(segment(dir, 1)).expect("there"), 256),
        (
            "another one's",
            &|dir| {
                fs::copy(segment(dir, 0), segment(dir, 1)).expect("copied");
            },
            256,
        ),
        ("the manifest's root", &|dir| flip_at(dir.join("segments/manifest"), 90), 0),
        ("no manifest", &|dir| fs::remove_file(dir.join("segments/manifest")).expect("there"), 0),
        (
            "a manifest of fewer",
            &|dir| {
                let text = fs::read_to_string(dir.join("segments/manifest")).expect("readable");
                let lines: Vec<&str> = text.lines().take(3).collect();
                fs::write(dir.join("segments/manifest"), lines.join("\n") + "\n").expect("written");
            },
            512,
        ),
    ];
    for (name, change, position) in table {
        for closed in [true, false] {
            let dir = tempfile::tempdir().expect("a folder");
            copy(log.path(), dir.path());
            if !closed {
                as_after_a_kill(dir.path());
            }
            change(dir.path());
            let was = contents(dir.path());
            let examined = AtRest::open(dir.path()).expect("free").examine(|_, _| Ok(())).expect("examined");
            assert_eq!(examined.first_bad_position(), Some(position), "{name}: {:?}", examined.findings);
            let opened = open_small(dir.path()).map(|_| ()).expect_err(name);
            assert_eq!(opened.first_bad_position(), Some(position), "{name}: {opened:?}");
            let now: Vec<_> = contents(dir.path()).into_iter().filter(|(path, _)| !path.ends_with("LOCK")).collect();
            let was: Vec<_> = was.into_iter().filter(|(path, _)| !path.ends_with("LOCK")).collect();
            assert!(now == was, "{name}: a damaged log is left as it is");
        }
    }
}
