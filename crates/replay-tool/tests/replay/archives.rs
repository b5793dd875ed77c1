//! An archive says what its log says, grows with it, and never follows a fork.

use std::path::Path;

use ledger_log::{AtRest, keep_notes};
use ledger_proto::v1::GetConsistencyProofResponse;

use crate::remote::Fixed;
use crate::support::*;

fn path(dir: &Path) -> &str {
    dir.to_str().expect("UTF-8")
}

fn export(log: &Path, to: &str) -> Said {
    on(log, &["export-log", "--to", to, "--json"])
}

#[test]
fn every_command_answers_from_an_archive_as_from_the_log() {
    let (log, desk) = (story_log(), Kept::new());
    let archive = desk.path("archive");
    let said = export(log.path(), &archive);
    let root = hex::encode(head_of(&encoded(&story().records)).root);
    let expected = serde_json::json!({ "ok": true, "size": 28, "root": root, "added": 28, "findings": [] });
    assert_eq!((said.code, said.json()), (0, expected), "{said:?}");
    let ani = ANI.to_string();
    let commands: [&[&str]; 7] = [
        &["verify"],
        &["trial-balance"],
        &["trial-balance", "--as-of", "2020-12-31", "--known-at", "20"],
        &["balances"],
        &["participant", &ani],
        &["participant", &ani, "--as-of", "2020-06-30"],
        &["checkpoint"],
    ];
    for command in commands {
        let (of_log, of_archive) = (
            on(log.path(), &[command, &["--json"]].concat()),
            tool(&[command, &["--archive", &archive, "--json"]].concat()),
        );
        assert_eq!((of_log.code, of_log.json()), (of_archive.code, of_archive.json()), "{command:?}: {of_archive:?}");
    }
    let (a, b) = (desk.path("a"), desk.path("b"));
    for claim in [&["17"][..], &["--consistency", "11"]] {
        assert_eq!(on(log.path(), &[&["prove"], claim, &["--out", &a]].concat()).code, 0);
        assert_eq!(tool(&[&["prove"], claim, &["--archive", &archive, "--out", &b]].concat()).code, 0);
        assert_eq!(std::fs::read(&a).expect("kept"), std::fs::read(&b).expect("kept"));
        for file in [&a, &b] {
            std::fs::remove_file(file).expect("there");
        }
    }
    let same = tool(&["compare", path(log.path()), &archive, "--json"]);
    assert_eq!((same.code, &same.json()["relation"]), (0, &"same".into()), "{same:?}");
    assert_eq!(tool(&["verify", "--data", &archive]).code, 2, "an archive is no log folder");
    assert_eq!(tool(&["verify", "--archive", path(log.path())]).code, 2, "a log folder is no archive");
}

#[test]
fn an_archive_is_continued_and_a_fork_or_a_shorter_log_changes_nothing() {
    let records = encoded(&story().records);
    let desk = Kept::new();
    let archive = desk.path("archive");
    for (size, added) in [(0, 0), (11, 11), (11, 0), (28, 17)] {
        let said = export(log_of(&records[..size]).path(), &archive);
        assert_eq!((said.code, &said.json()["added"]), (0, &added.into()), "{said:?}");
    }
    let mut forked = records.clone();
    forked.swap(17, 18);
    let longer = [&forked[..], &records[3..5]].concat();
    let before = tool(&["verify", "--archive", &archive, "--json"]);
    for (records, rule) in [(&forked[..], "forked"), (&longer[..], "forked"), (&records[..20], "behind")] {
        let said = export(log_of(records).path(), &archive);
        assert_eq!((said.code, &said.json()["findings"][0]["rule"]), (1, &rule.into()), "{said:?}");
        assert_eq!(tool(&["verify", "--archive", &archive, "--json"]).json(), before.json(), "{rule}");
    }
}

#[test]
fn the_signed_checkpoints_go_along_and_are_compared() {
    let records = encoded(&story().records);
    let (log, desk) = (log_of(&records[..20]), Kept::new());
    let archive = desk.path("archive");
    let note = |size: usize| signer().checkpoint(head_of(&records[..size])) + "\n";
    let with_notes = |log: &Path, notes: &str| {
        // As a server would have left them.
        let (writer, _, _) = ledger_log::Log::open(log, &impatient()).expect("opened");
        keep_notes(log, notes).expect("kept");
        writer.close().expect("closed");
    };
    with_notes(log.path(), &(note(5) + &note(20)));
    assert_eq!(export(log.path(), &archive).code, 0);
    let longer = log_of(&records);
    with_notes(longer.path(), &(note(5) + &note(20) + &note(28)));
    assert_eq!(export(longer.path(), &archive).code, 0);
    let notes = Path::new(&archive).join("checkpoints/notes");
    assert_eq!(std::fs::read_to_string(&notes).expect("there"), note(5) + &note(20) + &note(28));
    assert_eq!(tool(&["verify", "--archive", &archive]).code, 0);
    let other = signer().checkpoint(head_of(&records[1..])) + "\n";
    std::fs::write(&notes, note(5) + &other).expect("written");
    let said = tool(&["verify", "--archive", &archive, "--json"]);
    assert_eq!((said.code, &said.json()["ok"]), (1, &false.into()), "{said:?}");
}

#[test]
fn a_mirror_takes_only_what_the_server_can_prove() {
    let records = encoded(&story().records);
    let desk = Kept::new();
    let (mirror, key) = (desk.path("mirror"), desk.text("ledger.vkey", &signer().verifier().to_text()));
    let mirrored = |server: Fixed, key: Option<&str>| {
        let url = server.serve();
        let key = key.map_or_else(Vec::new, |key| vec!["--key", key]);
        tool(&[&["mirror", "--from", &url, "--to", &mirror, "--json"], &key[..]].concat())
    };
    let signed = |records: &[Vec<u8>]| {
        let mut server = Fixed::new(records);
        server.note = Some(signer().checkpoint(head_of(records)));
        server
    };
    let unsigned = mirrored(Fixed::new(&records), Some(&key));
    assert_eq!(unsigned.code, 2, "with a key, nothing unsigned is taken: {unsigned:?}");
    let said = mirrored(signed(&records), Some(&key));
    assert_eq!((said.code, &said.json()["size"]), (0, &28.into()), "{said:?}");
    let said = mirrored(signed(&records), Some(&key));
    assert_eq!((said.code, &said.json()["added"]), (0, &0.into()), "{said:?}");
    let notes = std::fs::read_to_string(Path::new(&mirror).join("checkpoints/notes")).expect("there");
    assert_eq!(notes, signer().checkpoint(head_of(&records)) + "\n", "kept once");

    let mut forked = records.clone();
    forked.swap(17, 18);
    let longer = [&forked[..], &records[3..5]].concat();
    for (server, rule) in [(signed(&forked), "forked"), (signed(&records[..20]), "behind")] {
        let said = mirrored(server, Some(&key));
        assert_eq!((said.code, &said.json()["findings"][0]["rule"]), (1, &rule.into()), "{said:?}");
    }
    // A fork that goes on, with the proof that it would need.
    let mut server = signed(&longer);
    server.consistency = Some(consistency_of(&longer, 28));
    let said = mirrored(server, Some(&key));
    assert_eq!((said.code, &said.json()["findings"][0]["rule"]), (1, &"forked".into()), "{said:?}");
    assert_eq!(tool(&["verify", "--archive", &mirror, "--json"]).json()["size"], 28);
}

#[test]
fn a_server_whose_records_are_not_those_it_signed_adds_nothing() {
    let records = encoded(&story().records);
    let desk = Kept::new();
    let mirror = desk.path("mirror");
    let mut server = Fixed::new(&records);
    let mut other = records.clone();
    other.swap(17, 18);
    server.note = Some(signer().checkpoint(head_of(&other)));
    let url = server.serve();
    let said = tool(&["mirror", "--from", &url, "--to", &mirror, "--json"]);
    assert_eq!((said.code, &said.json()["findings"][0]["rule"]), (1, &"forked".into()), "{said:?}");
    assert_eq!(tool(&["verify", "--archive", &mirror, "--json"]).json()["size"], 0);
}

/// The proof that a server with these records would give.
fn consistency_of(records: &[Vec<u8>], old: u64) -> GetConsistencyProofResponse {
    let log = log_of(records);
    let (_, reader) = AtRest::open(log.path()).expect("a log").into_reader().expect("examined");
    let reader = reader.expect("healthy");
    let new_size = records.len() as u64;
    let path = reader.consistency_proof(old, new_size).expect("provable");
    GetConsistencyProofResponse {
        new_size,
        old_root_hash: reader.root_at(old).expect("there").to_vec().into(),
        path: path.into_iter().map(|hash| hash.to_vec().into()).collect(),
    }
}
