//! Files that nobody wrote: whatever stands in the place of a file of a log, an archive or a snapshot, of a key or a note, is named
//! as damage or says what was written; it never panics, and never asks for memory that the file has not. Checksums are made to fit
//! again where there are some, so that what reads behind them meets nonsense too.
//!
//! `PROPTEST_CASES=100000 cargo test -p ledger-log --test log nonsense` looks for longer.

use std::path::Path;
use std::sync::OnceLock;

use ledger_log::{
    ArchiveWriter, AtRest, Checkpoint, Examined, NoteSigner, NoteVerifier, OpenError, Snapshot, SnapshotWriter,
};
use proptest::prelude::*;
use proptest::sample::Index;
use tempfile::TempDir;

use crate::support::*;

/// A change of a file's bytes.
#[derive(Clone, Debug)]
enum Change {
    Byte(Index, u8),
    /// A number at a place, in either order of bytes.
    Number(Index, u64, bool),
    /// The `n`th number in digits, where the file is text.
    Digits(Index, u64),
    Cut(Index),
    Doubled(Index),
    Others(Vec<u8>),
}

/// Numbers at which something changes.
fn numbers() -> impl Strategy<Value = u64> {
    let near = (0u32..64, -1i64..=1).prop_map(|(bits, by)| (1u64 << bits).wrapping_add_signed(by));
    prop_oneof![near, Just(u64::MAX), 0u64..1_000]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        4 => (any::<Index>(), numbers(), any::<bool>()).prop_map(|(at, number, big)| Change::Number(at, number, big)),
        4 => (any::<Index>(), numbers()).prop_map(|(at, number)| Change::Digits(at, number)),
        1 => any::<Index>().prop_map(Change::Cut),
        1 => any::<Index>().prop_map(Change::Doubled),
        1 => prop::collection::vec(any::<u8>(), 0..200).prop_map(Change::Others),
    ]
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let place = |at: &Index| if bytes.is_empty() { 0 } else { at.index(bytes.len()) };
        match change {
            Change::Byte(at, byte) => {
                let at = place(at);
                bytes.get_mut(at).into_iter().for_each(|old| *old = *byte);
            }
            Change::Number(at, number, big) => {
                let at = place(at);
                let number = if *big { number.to_be_bytes() } else { number.to_le_bytes() };
                bytes.iter_mut().skip(at).zip(number).for_each(|(old, new)| *old = new);
            }
            Change::Digits(at, number) => {
                let starts = |at: &usize| bytes[*at].is_ascii_digit() && (*at == 0 || !bytes[at - 1].is_ascii_digit());
                let runs: Vec<usize> = (0..bytes.len()).filter(starts).collect();
                if !runs.is_empty() {
                    let from = runs[at.index(runs.len())];
                    let length = bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                    bytes.splice(from..from + length, number.to_string().into_bytes());
                }
            }
            Change::Cut(at) => bytes.truncate(place(at)),
            Change::Doubled(at) => bytes.extend_from_within(place(at)..),
            Change::Others(others) => bytes.clone_from(others),
        }
    }
    bytes
}

/// Puts the CRC-32C of the bytes before it at a place.
fn reseal(bytes: &mut [u8], from: usize, at: usize) {
    if let Some((body, rest)) = bytes.split_at_mut_checked(at)
        && let (Some(body), Some(crc)) = (body.get(from..), rest.first_chunk_mut())
    {
        *crc = crc32c::crc32c(body).to_le_bytes();
    }
}

/// As `head`, `closed`, a segment and a snapshot carry their checksums: see `docs/format.md`.
fn resealed(name: &str, mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len();
    match name {
        "head" => [0, 4096].into_iter().for_each(|slot| reseal(&mut bytes, slot, slot + 56)),
        "closed" if end >= 4 => reseal(&mut bytes, 0, end - 4),
        "snapshot" if end >= 68 => reseal(&mut bytes, end - 68, end - 12),
        name if name.ends_with(".segment") && end >= 84 => {
            let footer = end - 68;
            let list = bytes[footer + 48..].first_chunk().map_or(0, |at| u64::from_be_bytes(*at));
            if let Some(list) = usize::try_from(list).ok().and_then(|at| bytes.get(at..footer)) {
                let crc = crc32c::crc32c_append(crc32c::crc32c(&bytes[..16]), list);
                let crc = crc32c::crc32c_append(crc, &bytes[footer..footer + 56]);
                bytes[footer + 56..footer + 60].copy_from_slice(&crc.to_le_bytes());
            }
        }
        _ => {}
    }
    bytes
}

/// A copy of `from` in which one file is another.
fn beside(from: &Path, file: Index, changes: &[Change], seal: bool) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    copy(from, dir.path());
    let files: Vec<_> =
        contents(dir.path()).into_iter().filter(|(path, _)| !path.starts_with(dir.path().join("live"))).collect();
    let (path, bytes) = &files[file.index(files.len())];
    let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
    let bytes = changed(bytes.clone(), changes);
    std::fs::write(path, if seal { resealed(name, bytes) } else { bytes }).expect("written");
    dir
}

/// What is found in a folder; whatever it shows is what was written at that place.
fn examine(opened: Result<AtRest, OpenError>) -> Result<Examined, OpenError> {
    let mut next = 0;
    let examined = opened?.examine(|position, bytes| {
        assert_eq!((position, bytes), (next, &record(next)[..]));
        next += 1;
        Ok(())
    })?;
    if examined.findings.is_empty() {
        assert_eq!(examined.head, expected_head(next), "what is found whole is whole");
    }
    Ok(examined)
}

/// A folder that is made once.
fn once(place: &'static OnceLock<TempDir>, make: fn(&Path)) -> &'static Path {
    let made = || {
        let dir = tempfile::tempdir().expect("a folder");
        make(dir.path());
        dir
    };
    place.get_or_init(made).path()
}

fn cases(fewer: u32) -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig { cases: config.cases / fewer, failure_persistence: None, ..config }
}

proptest! {
    #![proptest_config(cases(4))]

    #[test]
    fn any_file_of_a_log_may_be_any_bytes(
        file: Index,
        changes in prop::collection::vec(change(), 1..4),
        (seal, killed) in any::<(bool, bool)>(),
    ) {
        static LOG: OnceLock<TempDir> = OnceLock::new();
        static KILLED: OnceLock<TempDir> = OnceLock::new();
        let closed = |dir: &Path| {
            closed_log(dir, &[1, 300, 40]);
        };
        let from = match killed {
            false => once(&LOG, closed),
            true => once(&KILLED, |dir| {
                closed_log(dir, &[1, 300, 40]);
                as_after_a_kill(dir);
            }),
        };
        let dir = beside(from, file, &changes, seal);
        if let Err(refused) = examine(AtRest::open_with(dir.path(), &impatient(), None)) {
            prop_assert!(matches!(refused, OpenError::Damaged(_) | OpenError::Locked { .. }), "{refused:?}");
        }
    }
}

proptest! {
    #![proptest_config(cases(1))]

    #[test]
    fn any_file_of_an_archive_may_be_any_bytes(
        file: Index,
        changes in prop::collection::vec(change(), 1..4),
        seal: bool,
    ) {
        static ARCHIVE: OnceLock<TempDir> = OnceLock::new();
        let from = once(&ARCHIVE, |dir| {
            let mut archive = ArchiveWriter::open(dir, 8).expect("an archive");
            for position in 0..900 {
                archive.push(&record(position)).expect("added");
            }
            archive.finish().expect("whole");
        });
        let dir = beside(from, file, &changes, seal);
        if let Err(refused) = examine(AtRest::archive(dir.path())) {
            prop_assert!(matches!(refused, OpenError::Damaged(_)), "{refused:?}");
        }
    }

    #[test]
    fn a_snapshot_may_be_any_bytes(changes in prop::collection::vec(change(), 1..4), seal: bool) {
        let dir = tempfile::tempdir().expect("a folder");
        let mut writer = SnapshotWriter::create(dir.path()).expect("created");
        for length in [1, 0, 700] {
            writer.block(&vec![7; length]).expect("written");
        }
        writer.finish(expected_head(3), 7).expect("durable");
        let path = dir.path().join("snapshot");
        let bytes = changed(std::fs::read(&path).expect("there"), &changes);
        std::fs::write(&path, if seal { resealed("snapshot", bytes) } else { bytes }).expect("written");
        if let Ok(Some(snapshot)) = Snapshot::open(dir.path()) {
            for block in 0..=snapshot.blocks() {
                if let Ok(bytes) = snapshot.block(block) {
                    prop_assert!(bytes.is_empty() || bytes == [7] || bytes == [7; 700], "{} bytes", bytes.len());
                }
            }
        }
    }

    #[test]
    fn a_note_and_a_key_may_be_any_text(changes in prop::collection::vec(change(), 1..4)) {
        let signer = NoteSigner::new("prakerja.ledger/test", &[7; 32]).expect("a key");
        let other = |text: String| String::from_utf8_lossy(&changed(text.into_bytes(), &changes)).into_owned();
        let note = signer.checkpoint(expected_head(3));
        let (changed_note, signed) = (other(note.clone()), signer.verifier().checkpoint(&note).expect("its own"));
        let _ = Checkpoint::parse(&changed_note);
        if let Ok(read) = signer.verifier().checkpoint(&changed_note) {
            prop_assert_eq!(read, signed, "only what was signed");
        }
        if let Ok(read) = NoteVerifier::parse(&other(signer.verifier().to_text())) {
            let _ = read.verify(&note);
        }
        let _ = NoteSigner::parse(&other(signer.to_text()));
    }
}

#[test]
fn a_list_of_segments_may_name_more_records_than_there_are_numbers() {
    let dir = tempfile::tempdir().expect("a folder");
    ArchiveWriter::open(dir.path(), 8).expect("an archive").finish().expect("whole");
    let each = 1u64 << 63;
    let mut text = format!("ledger-log segments, version 1, records each: {each}\n");
    for first in [0, each, 0] {
        text += &format!("{first:020}.segment {each} {} 1\n", "00".repeat(32));
    }
    std::fs::write(dir.path().join("segments/manifest"), text).expect("written");
    let refused = examine(AtRest::archive(dir.path())).expect_err("no such archive");
    assert!(matches!(&refused, OpenError::Damaged(damage) if damage.to_string().contains("line 4")), "{refused:?}");
}
