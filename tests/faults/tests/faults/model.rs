//! What a cut may leave, on small pasts where every outcome can be named.

use std::collections::BTreeSet;
use std::path::PathBuf;

use ledger_faults::cut::Cutter;
use ledger_faults::disk::{Op, ROOT};
use ledger_faults::image::Image;
use ledger_faults::rng::Rng;

const FILE: u64 = 2;
const OTHER: u64 = 3;

fn create(name: &str, ino: u64) -> Op {
    Op::Create { parent: ROOT, name: name.to_owned(), ino, folder: false }
}

fn rename(from: &str, to: &str) -> Op {
    Op::Rename { parent: ROOT, from: from.to_owned(), to: to.to_owned() }
}

fn remove(name: &str) -> Op {
    Op::Remove { parent: ROOT, name: name.to_owned() }
}

fn write(offset: u64, bytes: &[u8]) -> Op {
    Op::Write { ino: FILE, offset, bytes: bytes.into() }
}

const SYNC_FILE: Op = Op::SyncFile { ino: FILE };
const SYNC_FOLDER: Op = Op::SyncFolder { ino: ROOT };

/// Everything that a thousand cuts after the last operation left.
fn outcomes(ops: &[Op]) -> Vec<Image> {
    let mut cutter = Cutter::new(ops);
    cutter.advance_to(ops.len());
    let mut rng = Rng::new(7);
    (0..1000).map(|_| cutter.image(&mut rng)).collect()
}

/// The names that were left, each time.
fn names(ops: &[Op]) -> BTreeSet<Vec<String>> {
    let names = |image: Image| image.0.into_keys().map(|path| path.display().to_string()).collect();
    outcomes(ops).into_iter().map(names).collect()
}

/// What was left of the file `a`, each time.
fn contents(ops: &[Op]) -> BTreeSet<Vec<u8>> {
    let content = |image: Image| image.0.get(&PathBuf::from("a")).cloned().flatten();
    outcomes(ops).into_iter().map(|image| content(image).expect("its name was synced")).collect()
}

fn sets(all: &[&[&str]]) -> BTreeSet<Vec<String>> {
    all.iter().map(|names| names.iter().map(|name| (*name).to_owned()).collect()).collect()
}

#[test]
fn a_name_is_durable_by_its_folder_only() {
    assert_eq!(names(&[create("a", FILE), SYNC_FILE]), sets(&[&[], &["a"]]));
    assert_eq!(names(&[create("a", FILE), SYNC_FOLDER]), sets(&[&["a"]]));
    assert_eq!(names(&[create("a", FILE), SYNC_FOLDER, remove("a")]), sets(&[&[], &["a"]]));
    assert_eq!(names(&[create("a", FILE), SYNC_FOLDER, remove("a"), SYNC_FOLDER]), sets(&[&[]]));
}

#[test]
fn names_change_in_their_order_and_others_do_not_wait() {
    // A rename is one step, and never comes before what it renames.
    let ops = [create("a", FILE), SYNC_FOLDER, rename("a", "b"), rename("b", "c")];
    assert_eq!(names(&ops), sets(&[&["a"], &["b"], &["c"]]));
    assert_eq!(names(&[create("a", FILE), rename("a", "b")]), sets(&[&[], &["a"], &["b"]]));
    // The last one alone is possible too.
    let ops = [create("a", FILE), create("b", OTHER)];
    assert_eq!(names(&ops), sets(&[&[], &["a"], &["b"], &["a", "b"]]));
}

#[test]
fn what_was_not_synced_is_there_in_any_part() {
    let synced = [create("a", FILE), SYNC_FOLDER, write(0, b"one"), SYNC_FILE];
    assert_eq!(contents(&synced), BTreeSet::from([b"one".to_vec()]));
    let mut ops = synced.to_vec();
    ops.extend([write(3, b"two"), write(6, b"six")]);
    let expected: [&[u8]; 6] = [b"one", b"onetwo", b"one\0\0\0", b"onetwosix", b"one\0\0\0six", b"onetwo\0\0\0"];
    let mut expected: BTreeSet<Vec<u8>> = expected.iter().map(|bytes| bytes.to_vec()).collect();
    expected.insert(b"one\0\0\0\0\0\0".to_vec());
    assert_eq!(contents(&ops), expected);
    let cut = [&synced[..], &[Op::SetLength { ino: FILE, length: 1 }]].concat();
    assert_eq!(contents(&cut), BTreeSet::from([b"one".to_vec(), b"o".to_vec()]));
}

#[test]
fn writes_tear_at_sectors() {
    let ops = [create("a", FILE), SYNC_FOLDER, write(0, &[1; 2048]), SYNC_FILE, write(500, &[2; 1036])];
    let mut seen = BTreeSet::new();
    for bytes in contents(&ops) {
        assert_eq!(bytes.len(), 2048);
        // The write covers 12 bytes of the first sector, all of the second and third: each is old or new as a whole.
        let parts = [&bytes[..500], &bytes[500..512], &bytes[512..1024], &bytes[1024..1536], &bytes[1536..]];
        assert!(parts.iter().all(|part| part.iter().all(|byte| *byte == part[0])));
        assert_eq!((parts[0][0], parts[4][0]), (1, 1));
        seen.insert(parts.map(|part| part[0]));
    }
    assert_eq!(seen.len(), 8, "{seen:?}");
}
