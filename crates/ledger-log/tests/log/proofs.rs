//! Proofs against a verifier that is not ours: `ct-merkle`.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use ledger_log::{Batch, Hash, Log, Options, ReadError};
use sha2::Sha256;

fn record(number: u64) -> Vec<u8> {
    format!("record {number}").into_bytes()
}

/// A log of `size` records, appended in uneven commits.
fn log_of(size: u64) -> (tempfile::TempDir, ledger_log::Writer, ledger_log::Reader) {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut writer, reader, _) = Log::open(folder.path(), &Options::default()).expect("a log");
    let mut next = 0;
    while next < size {
        let end = size.min(next + 1 + next % 700);
        let mut batch = Batch::new();
        (next..end).for_each(|number| batch.push(&record(number)).expect("small"));
        writer.append(next, &batch).expect("a commit");
        next = end;
    }
    (folder, writer, reader)
}

fn root(hash: Hash, size: u64) -> RootHash<Sha256> {
    RootHash::new(hash.into(), size)
}

fn joined(hashes: &[Hash]) -> Vec<u8> {
    hashes.concat()
}

const SIZES: [u64; 14] = [1, 2, 3, 7, 8, 255, 256, 257, 511, 512, 513, 1_000, 1_279, 1_537];

#[test]
fn roots_of_every_size_are_those_of_the_tree() {
    let (_folder, writer, reader) = log_of(1_537);
    let mut tree: MemoryBackedTree<Sha256, Vec<u8>> = MemoryBackedTree::new();
    for size in 0..=1_537 {
        let expected: Hash = (*tree.root().as_bytes()).into();
        assert_eq!(reader.root_at(size).expect("a root"), expected, "{size}");
        tree.push(record(size));
    }
    assert_eq!(reader.root_at(1_537).expect("a root"), writer.head().root);
}

#[test]
fn every_record_is_proven_in_trees_of_every_shape() {
    let (_folder, _writer, reader) = log_of(1_537);
    for size in SIZES {
        let root = root(reader.root_at(size).expect("a root"), size);
        for position in (0..size).step_by(if size > 300 { 37 } else { 1 }).chain([size - 1]) {
            let path = reader.inclusion_proof(position, size).expect("a proof");
            let proof = InclusionProof::<Sha256>::from_bytes(joined(&path));
            root.verify_inclusion(&record(position), position, &proof).expect("proven");
            assert!(root.verify_inclusion(&record(position + 1), position, &proof).is_err(), "another record");
            if let Some(first) = path.first() {
                let mut bent = path.clone();
                bent[0] = {
                    let mut hash = *first;
                    hash[7] ^= 1;
                    hash
                };
                let bent = InclusionProof::<Sha256>::from_bytes(joined(&bent));
                assert!(root.verify_inclusion(&record(position), position, &bent).is_err(), "a changed path");
            }
        }
    }
}

#[test]
fn every_size_extends_every_smaller_one() {
    let (_folder, _writer, reader) = log_of(1_537);
    for new in SIZES {
        let new_root = root(reader.root_at(new).expect("a root"), new);
        for old in SIZES.into_iter().filter(|old| *old < new) {
            let old_root = root(reader.root_at(old).expect("a root"), old);
            let path = reader.consistency_proof(old, new).expect("a proof");
            let proof = ConsistencyProof::<Sha256>::try_from_bytes(joined(&path)).expect("whole digests");
            new_root.verify_consistency(&old_root, &proof).expect("proven");
            let forked = root(reader.root_at(old - 1).expect("a root"), old);
            assert!(new_root.verify_consistency(&forked, &proof).is_err(), "a fork of {old} in {new}");
        }
    }
}

#[test]
fn what_is_not_there_is_not_proven() {
    let (_folder, _writer, reader) = log_of(300);
    assert!(matches!(reader.inclusion_proof(0, 301), Err(ReadError::PastEnd { .. })));
    assert!(matches!(reader.inclusion_proof(300, 300), Err(ReadError::PastEnd { .. })));
    assert!(matches!(reader.consistency_proof(10, 301), Err(ReadError::PastEnd { .. })));
    assert!(matches!(reader.consistency_proof(11, 10), Err(ReadError::PastEnd { .. })));
    assert_eq!(reader.consistency_proof(0, 300).expect("empty"), Vec::<Hash>::new());
    assert_eq!(reader.consistency_proof(300, 300).expect("empty"), Vec::<Hash>::new());
}

#[test]
fn no_proof_reads_more_than_two_blocks_of_records() {
    let (_folder, _writer, reader) = log_of(1_537);
    let mut read = reader.read_for_proofs();
    let mut cost = |what: &str, made: Result<Vec<Hash>, ReadError>| {
        made.expect("a proof");
        let before = std::mem::replace(&mut read, reader.read_for_proofs());
        assert!(read - before <= 512, "{what}: {} records", read - before);
        read - before
    };
    let mut most = 0;
    for size in SIZES.into_iter().chain([1_535, 1_536]) {
        for other in (0..size).step_by(61).chain([size - 1]) {
            most = most.max(cost(&format!("{other} in {size}"), reader.inclusion_proof(other, size)));
            cost(&format!("{other} to {size}"), reader.consistency_proof(other, size));
        }
    }
    assert!(most > 256, "records are counted: {most}");
}
