//! What is appended is read, now and after opening again.

use std::ops::ControlFlow;

use ledger_log::{AppendError, AtRest, Batch, Head, Log, MAX_RECORD_BYTES, OpenError, ReadError, leaf_hash};
use proptest::prelude::*;

use crate::support::*;

#[test]
fn a_new_log_is_empty_and_stays_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path().join("not/there/yet");
    for _ in 0..3 {
        let (mut writer, reader, recovery) = open(&dir).expect("opened");
        assert_eq!((reader.head(), recovery.head, recovery.clean), (Head::empty(), Head::empty(), true));
        assert_eq!(writer.append(0, &Batch::new()).expect("nothing to do"), Head::empty());
        assert!(all(&reader).is_empty());
        assert!(matches!(reader.get(0), Err(ReadError::PastEnd { position: 0, size: 0 })));
        writer.close().expect("closed");
    }
}

#[test]
fn commits_are_read_back_and_survive_opening_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let commits = [1, 2, 300, 1, 2000, 7];
    let mut size = 0;
    for (round, count) in commits.into_iter().enumerate() {
        let mut seen = Vec::new();
        let (mut writer, reader, recovery) = Log::open_with(dir.path(), &impatient(), |position, bytes| {
            seen.push((position, bytes.to_vec()));
            Ok(())
        })
        .expect("opened");
        assert_eq!(seen, expected(0..size));
        assert_eq!((recovery.head, recovery.beyond_head, recovery.torn), (expected_head(size), 0, None));
        let head = append(&mut writer, count);
        size += count;
        assert_eq!((head, reader.head()), (expected_head(size), head));
        let hashes: Vec<_> = (size - count..size).map(|position| leaf_hash(&record(position))).collect();
        assert_eq!(writer.leaf_hashes(), hashes);
        assert_eq!(all(&reader), expected(0..size));
        // Every other round ends without a close, as a kill would.
        if round % 2 == 0 {
            writer.close().expect("closed");
        }
    }
}

#[test]
fn any_part_can_be_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut writer, reader, _) = open(dir.path()).expect("opened");
    for count in [5, 700, 1, 1, 1000] {
        append(&mut writer, count);
    }
    let size = reader.head().size;
    for from in [0, 1, 4, 5, 6, 704, 705, 706, 707, 1300, size - 1, size, size + 5] {
        let got = reader.get(from);
        match from < size {
            true => assert_eq!(got.expect("below the end").bytes(), record(from)),
            false => assert!(matches!(got, Err(ReadError::PastEnd { .. }))),
        }
        for to in [from, from + 1, from + 200, size, u64::MAX] {
            let wanted = expected(from..to.min(size).max(from.min(size)));
            let read: Vec<_> = reader.read(from, to).map(|r| r.expect("readable")).collect();
            assert_eq!(read.iter().map(|r| (r.position(), r.to_vec())).collect::<Vec<_>>(), wanted);
            let mut seen = Vec::new();
            let end = reader.visit(from, to, |position, bytes| {
                seen.push((position, bytes.to_vec()));
                ControlFlow::Continue(())
            });
            assert_eq!((end.expect("readable"), seen), (to.min(size).max(from), wanted));
        }
    }
    let stopped = reader.visit(10, size, |position, _| match position {
        12 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    assert_eq!(stopped.expect("readable"), 13);
}

#[test]
fn readers_see_only_whole_commits_while_the_writer_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut writer, reader, _) = open(dir.path()).expect("opened");
    let watcher = std::thread::spawn(move || {
        let mut next = 0;
        while next < 3000 {
            let size = reader.head().size;
            assert_eq!(size % 30, 0);
            for record_ in reader.read(next, size) {
                let record_ = record_.expect("readable");
                assert_eq!((record_.position(), record_.bytes()), (next, &record(next)[..]));
                next += 1;
            }
        }
        reader
    });
    for _ in 0..100 {
        append(&mut writer, 30);
    }
    let reader = watcher.join().expect("the watcher saw all");
    writer.close().expect("closed");
    assert!(matches!(reader.get(5), Err(ReadError::Closed)));
    assert_eq!(reader.head(), expected_head(3000));
}

#[test]
fn an_append_on_another_head_writes_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut writer, reader, _) = open(dir.path()).expect("opened");
    append(&mut writer, 3);
    let mut batch = Batch::new();
    batch.push(b"late").expect("short");
    for wrong in [0, 2, 4] {
        let refused = writer.append(wrong, &batch);
        assert!(matches!(refused, Err(AppendError::WrongHead { expected, actual: 3 }) if expected == wrong));
    }
    assert_eq!(reader.head(), expected_head(3));
    assert_eq!(writer.append(3, &batch).expect("the right one").size, 4);
}

#[test]
fn the_longest_records_are_stored_in_the_volume_itself() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut writer, reader, _) = open(dir.path()).expect("opened");
    let mut batch = Batch::new();
    (0..100u8).for_each(|fill| batch.push(&[fill; MAX_RECORD_BYTES]).expect("exactly the limit"));
    writer.append(0, &batch).expect("appended");
    assert!(reader.read(0, 100).enumerate().all(|(i, r)| r.is_ok_and(|r| r[..] == [i as u8; MAX_RECORD_BYTES])));
    writer.close().expect("closed");
    let blobs = std::fs::read_dir(dir.path().join("live/00000000000000000000/blobs")).expect("a folder");
    assert_eq!(blobs.count(), 0);
}

#[test]
fn a_folder_in_use_is_refused_to_all_others() {
    let dir = tempfile::tempdir().expect("a folder");
    let (writer, _, _) = open(dir.path()).expect("opened");
    let us = format!("process {}", std::process::id());
    assert!(matches!(open(dir.path()), Err(OpenError::Locked { holder, .. }) if holder == us));
    let tool = || AtRest::open_with(dir.path(), &impatient(), None);
    assert!(matches!(tool(), Err(OpenError::Locked { holder, .. }) if holder == us));
    writer.close().expect("closed");
    let held = tool().expect("nobody is there");
    assert!(tool().is_ok(), "tools share");
    assert!(matches!(open(dir.path()), Err(OpenError::Locked { .. })));
    drop(held);
    assert!(open(dir.path()).is_ok());
}

#[test]
fn a_log_at_rest_is_read_without_a_trace() {
    let dir = tempfile::tempdir().expect("a folder");
    for close in [true, false] {
        let (mut writer, _, _) = open(dir.path()).expect("opened");
        append(&mut writer, 400);
        let size = writer.head().size;
        match close {
            true => assert_eq!(writer.close().expect("closed").size, size),
            false => drop(writer),
        }
        let before = contents(dir.path());
        let at_rest = AtRest::open(dir.path()).expect("nobody is there");
        let mut seen = Vec::new();
        let examined = at_rest
            .examine(|position, bytes| {
                seen.push((position, bytes.to_vec()));
                Ok(())
            })
            .expect("examined");
        assert_eq!((&examined.findings, examined.clean), (&vec![], close));
        assert_eq!((examined.head, examined.stored_head), (expected_head(size), Some(expected_head(size))));
        assert_eq!(seen, expected(0..size));
        let (_, reader) = at_rest.into_reader().expect("examined");
        let reader = reader.expect("healthy");
        assert_eq!(reader.get(399).expect("there").bytes(), record(399));
        drop(reader);
        assert_eq!(contents(dir.path()), before);
    }
}

#[test]
fn a_folder_without_a_log_is_said_to_be_one() {
    let dir = tempfile::tempdir().expect("a folder");
    assert!(matches!(AtRest::open(dir.path()), Err(OpenError::NotALog { .. })));
    assert!(matches!(AtRest::open(dir.path().join("missing")), Err(OpenError::NotALog { .. })));
    assert_eq!(contents(dir.path()), []);
}

#[test]
fn a_visitor_may_refuse_a_record() {
    let dir = tempfile::tempdir().expect("a folder");
    closed_log(dir.path(), &[10, 10]);
    let refuse = |position: u64, _: &[u8]| match position {
        12 => Err("not a record of this programme".into()),
        _ => Ok(()),
    };
    let refused = Log::open_with(dir.path(), &impatient(), refuse);
    assert!(matches!(refused, Err(OpenError::Record { position: 12, .. })));
    let refused = AtRest::open(dir.path()).expect("free again").examine(refuse);
    assert!(matches!(refused, Err(OpenError::Record { position: 12, .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_commits_give_one_log(
        rounds in prop::collection::vec((prop::collection::vec(0u64..400, 0..6), any::<bool>()), 1..4),
    ) {
        let dir = tempfile::tempdir().expect("a folder");
        let mut size = 0;
        for (commits, close) in rounds {
            let (mut writer, reader, recovery) = open(dir.path()).expect("opened");
            prop_assert_eq!(recovery.head, expected_head(size));
            for count in commits {
                size += count;
                prop_assert_eq!(append(&mut writer, count), expected_head(size));
            }
            prop_assert_eq!(all(&reader), expected(0..size));
            if close {
                writer.close().expect("closed");
            }
        }
        let examined = AtRest::open(dir.path()).expect("at rest").examine(|_, _| Ok(())).expect("examined");
        prop_assert_eq!((examined.head, examined.findings), (expected_head(size), vec![]));
    }
}
