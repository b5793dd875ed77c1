//! What others published: the vectors of RFC 6962 that the reference implementations share, and notes that other signers
//! signed. None of it was made by this project.

use ledger_log::{Batch, Checkpoint, Hash, Log, NoteError, NoteVerifier, Options, Reader, Writer};

/// The leaves of the reference implementations: google/certificate-transparency, `cpp/merkletree/merkle_tree_test.cc`, and
/// transparency-dev/merkle, `testonly/constants.go`.
const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

/// The root over the first n of them; the same sources.
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// Position, size, path: transparency-dev/merkle, `testonly/reference_test.go`, `TestRefInclusionProof`.
const INCLUSION: [(u64, u64, &[&str]); 7] = [
    (0, 1, &[]),
    (0, 2, &["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"]),
    (1, 2, &["6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"]),
    (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        &[
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
    (
        0,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        &[
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
];

/// Old size, new size, proof: the same file, `TestRefConsistencyProof`.
const CONSISTENCY: [(u64, u64, &[&str]); 4] = [
    (1, 1, &[]),
    (
        1,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        2,
        5,
        &[
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
    (
        6,
        8,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
];

fn hex(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| hash.iter().map(|byte| format!("{byte:02x}")).collect()).collect()
}

/// A log of the eight leaves, one commit each.
fn log() -> (tempfile::TempDir, Writer, Reader) {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut writer, reader, _) = Log::open(folder.path(), &Options::default()).expect("a log");
    for (size, leaf) in (0..).zip(LEAVES) {
        let mut batch = Batch::new();
        batch.push(leaf).expect("small");
        writer.append(size, &batch).expect("a commit");
    }
    (folder, writer, reader)
}

#[test]
fn roots_and_proofs_are_those_of_the_reference_implementations() {
    let (_folder, _writer, reader) = log();
    for (size, root) in (0..).zip(ROOTS) {
        assert_eq!(hex(&[reader.root_at(size).expect("a root")]), [root], "{size}");
    }
    for (position, size, path) in INCLUSION {
        assert_eq!(hex(&reader.inclusion_proof(position, size).expect("a proof")), path, "{position} in {size}");
    }
    for (old, new, path) in CONSISTENCY {
        assert_eq!(hex(&reader.consistency_proof(old, new).expect("a proof")), path, "{old} in {new}");
    }
}

/// golang.org/x/mod, `sumdb/note/note_test.go`, `TestOpen`.
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const ENOCH: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const TEXT: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const BY_PETER: &str =
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const BY_ENOCH: &str =
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

fn key(text: &str) -> NoteVerifier {
    NoteVerifier::parse(text).expect("a key")
}

#[test]
fn notes_of_the_original_implementation_are_read_as_it_reads_them() {
    let both = format!("{TEXT}\n{BY_PETER}{BY_ENOCH}");
    for known in [PETER, ENOCH] {
        assert_eq!(key(known).verify(&both), Ok(TEXT), "{known}");
    }
    assert_eq!(key(ENOCH).verify(&format!("{TEXT}\n{BY_PETER}")), Err(NoteError::NotSigned));
    let (head, tail) = BY_PETER.split_at(62);
    assert!(key(PETER).verify(&format!("{TEXT}\n{head}ABCD{tail}")).is_err(), "an invalid signature of a known key");
    let renamed = BY_PETER.replace("PeterNeumann", "CarmenSandiego");
    assert_eq!(key(PETER).verify(&format!("{TEXT}\n{renamed}")), Err(NoteError::NotSigned), "another name");
    for malformed in [
        TEXT.to_owned(),
        format!("{TEXT}\n"),
        format!("{TEXT}\n{}", BY_PETER.trim_end()),
        format!("\u{1}{TEXT}\n{BY_PETER}"),
        format!("{TEXT}\n{}", BY_PETER.replace("PeterNeumann", "Bad Name")),
        format!("{TEXT}\n{BY_PETER}Unexpected line.\n"),
    ] {
        assert!(key(PETER).verify(&malformed).is_err(), "{malformed}");
    }
    // Keys that are not whole, of another length, or of another algorithm.
    for start in 0..PETER.len() {
        for end in start..PETER.len() + usize::from(start > 0) {
            assert!(NoteVerifier::parse(&PETER[start..end]).is_err(), "{start}..{end}");
        }
    }
    for (at, byte) in PETER.bytes().enumerate() {
        let mut text = PETER.as_bytes().to_vec();
        text[at] = byte + 1;
        let text = String::from_utf8(text).expect("ASCII");
        assert!(NoteVerifier::parse(&text).is_err(), "{text}");
    }
    for bad in [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ] {
        assert!(NoteVerifier::parse(bad).is_err(), "{bad}");
    }
}

/// The key of Go's checksum database: golang/go, `src/cmd/go/internal/modfetch/key.go`.
const SUMDB: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";

/// A checkpoint of <https://sum.golang.org/latest>, as fetched on 23 September 2024.
const SUMDB_NOTE: &str = "go.sum database tree\n30055305\nmXfgRcJ0bG0j3CPdKwgGWtUzBUbX67saZGRmFuJGGsM=\n\n— sum.golang.org \
     Az3grpgEild5qw7+5dtV13Kf1C2Xurm8q4fhdxvcsDHnqNTaxL2AFjBY+2TyGKevucFcAAlWFJJYle3EJlDCrQ+y3A8=\n";

/// The example of C2SP tlog-checkpoint (<https://c2sp.org/tlog-checkpoint>).
const C2SP_NOTE: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
     — example.com/behind-the-sofa \
     Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";

/// The example of C2SP signed-note (<https://c2sp.org/signed-note>): its text has an empty line.
const C2SP_TEXT: &str = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n";

#[test]
fn checkpoints_of_another_log_in_the_wild_are_verified() {
    let text = key(SUMDB).verify(SUMDB_NOTE).expect("signed by Go's checksum database");
    let checkpoint = Checkpoint::parse(text).expect("a checkpoint");
    assert_eq!((checkpoint.origin.as_str(), checkpoint.head.size), ("go.sum database tree", 30_055_305));
    assert_eq!(checkpoint.text(), text, "one form");
    let forged = SUMDB_NOTE.replace("30055305", "30055306");
    assert_eq!(key(SUMDB).verify(&forged), Err(NoteError::Signature));
    // Its origin is not its key's name: not what a log of ours calls itself.
    assert_eq!(key(SUMDB).checkpoint(SUMDB_NOTE), Err(NoteError::NotACheckpoint));
}

#[test]
fn the_specifications_examples_are_read() {
    let (text, _) = C2SP_NOTE.split_once("\n\n").expect("a note");
    let checkpoint = Checkpoint::parse(&format!("{text}\n")).expect("a checkpoint");
    assert_eq!((checkpoint.origin.as_str(), checkpoint.head.size), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(checkpoint.text(), format!("{text}\n"));
    // The example's signature is the one of Go's checksum database over the same tree under its own origin.
    let as_signed = C2SP_NOTE.replacen("example.com/behind-the-sofa", "go.sum database tree", 1).replacen(
        "example.com/behind-the-sofa",
        "sum.golang.org",
        1,
    );
    let signed = key(SUMDB).verify(&as_signed).expect("signed");
    assert_eq!(Checkpoint::parse(signed).expect("a checkpoint").head, checkpoint.head);
    assert_eq!(key(SUMDB).verify(C2SP_NOTE), Err(NoteError::NotSigned));

    let signer = ledger_log::NoteSigner::new("quasimodo.example/salvatore", &[1; 32]).expect("a name");
    let note = signer.sign(C2SP_TEXT);
    assert_eq!(signer.verifier().verify(&note), Ok(C2SP_TEXT), "the last empty line ends the text");
    let example = format!(
        "{C2SP_TEXT}\n— quasimodo.example/salvatore \
         NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
    );
    assert_eq!(signer.verifier().verify(&example), Err(NoteError::NotSigned), "whole, and of a key that is not known");
}
