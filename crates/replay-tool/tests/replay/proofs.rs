//! Proofs as an auditor keeps them: made from the log, checked without it.

use std::sync::OnceLock;

use ledger_log::NoteSigner;
use ledger_proto::v1::{GetConsistencyProofResponse, GetInclusionProofResponse};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::remote::Fixed;
use crate::support::*;

/// A kept checkpoint over the story's first records.
fn checkpoint(kept: &Kept, size: usize) -> String {
    let note = signer().checkpoint(head_of(&encoded(&story().records)[..size]));
    kept.text(&format!("{size}.checkpoint"), &note)
}

fn check(proof: &str, checkpoint: &str, more: &[&str]) -> Said {
    let key = signer().verifier().to_text();
    tool(&[&["check-proof", proof, "--checkpoint", checkpoint, "--key", &key, "--json"], more].concat())
}

fn read(file: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(file).expect("kept")).expect("JSON")
}

#[test]
fn every_record_is_proven_at_every_size_without_the_log() {
    let (kept, log) = (Kept::new(), story_log());
    for (position, size) in [(0, 1), (0, 28), (7, 8), (7, 20), (27, 28), (19, 20), (13, 28)] {
        let file = kept.path(&format!("{position}-{size}.proof"));
        let said = on(log.path(), &["prove", &position.to_string(), "--size", &size.to_string(), "--out", &file]);
        assert_eq!(said.code, 0, "{said:?}");
        let said = check(&file, &checkpoint(&kept, size), &[]);
        assert_eq!((said.code, &said.json()["ok"]), (0, &true.into()), "{position} in {size}: {said:?}");
    }
    let file = kept.path("head.proof");
    assert_eq!(on(log.path(), &["prove", "14", "--out", &file]).code, 0);
    let document = read(&file);
    assert_eq!((&document["type"], &document["size"]), (&"inclusion".into(), &28.into()), "the whole log");
    let checkpoint = checkpoint(&kept, 28);
    let said = tool(&["check-proof", &file, "--checkpoint", &checkpoint, "--key", &signer().verifier().to_text()]);
    assert!(said.out.contains("result  proven") && said.out.contains(&ANI.to_string()), "{said:?}");
}

#[test]
fn every_checkpoint_is_proven_to_go_on_from_an_earlier_one() {
    let (kept, log) = (Kept::new(), story_log());
    for (old, new) in [(0, 28), (1, 2), (7, 28), (8, 28), (20, 28), (28, 28), (3, 20)] {
        let file = kept.path(&format!("{old}-{new}.proof"));
        let said =
            on(log.path(), &["prove", "--consistency", &old.to_string(), "--size", &new.to_string(), "--out", &file]);
        assert_eq!(said.code, 0, "{said:?}");
        let newer = checkpoint(&kept, new);
        assert_eq!(check(&file, &newer, &[]).code, 0, "{old} in {new}");
        let said = check(&file, &newer, &["--old-checkpoint", &checkpoint(&kept, old)]);
        assert_eq!(said.code, 0, "{old} in {new}: {said:?}");
    }
    // A log of the same size that is another one: both checkpoints signed, and they do not go together.
    let mut forked = encoded(&story().records);
    forked.swap(3, 4);
    let fork = kept.text("fork", &signer().checkpoint(head_of(&forked[..20])));
    let file = kept.path("20-28.proof");
    let said = check(&file, &checkpoint(&kept, 28), &["--old-checkpoint", &fork]);
    assert_eq!((said.code, &said.json()["findings"][0]["id"]), (1, &"consistency/old-root".into()), "{said:?}");
}

#[test]
fn an_old_checkpoint_stays_good_under_its_old_key() {
    let (kept, log) = (Kept::new(), story_log());
    let records = encoded(&story().records);
    let retired = NoteSigner::new(signer().name(), &[6; 32]).expect("a name");
    let old = kept.text("old.checkpoint", &retired.checkpoint(head_of(&records[..20])));
    let file = kept.path("rotated.proof");
    assert_eq!(on(log.path(), &["prove", "--consistency", "20", "--out", &file]).code, 0);
    let old_key = kept.text("retired.vkey", &retired.verifier().to_text());
    let new = checkpoint(&kept, 28);
    let said = check(&file, &new, &["--old-checkpoint", &old, "--old-key", &old_key]);
    assert_eq!(said.code, 0, "{said:?}");
    let said = check(&file, &new, &["--old-checkpoint", &old]);
    assert!(said.code == 2 && said.err.contains("not signed by this key"), "{said:?}");
    assert_eq!(on(log.path(), &["verify", "--checkpoint", &old, "--key", &old_key]).code, 0);
}

#[test]
fn whatever_is_changed_in_a_proof_is_not_proven() {
    let (kept, log) = (Kept::new(), story_log());
    let (inclusion, consistency) = (kept.path("inclusion"), kept.path("consistency"));
    assert_eq!(on(log.path(), &["prove", "7", "--out", &inclusion]).code, 0);
    assert_eq!(on(log.path(), &["prove", "--consistency", "20", "--out", &consistency]).code, 0);
    let checkpoint = checkpoint(&kept, 28);
    let (other, bent) = (read(&inclusion)["path"][1].clone(), hex::encode([3; 32]));
    let cut = |document: &Value| json!(document["path"].as_array().expect("a list")[1..]);
    let rows = [
        (&inclusion, "position", json!(8), 1, "inclusion@8"),
        (&inclusion, "leaf_hash", json!(bent), 1, "inclusion/leaf-hash@7"),
        (&inclusion, "record", json!("CAcQ"), 1, "inclusion/leaf-hash@7"),
        (&inclusion, "path", json!([other]), 1, "inclusion@7"),
        (&inclusion, "path", cut(&read(&inclusion)), 1, "inclusion@7"),
        (&inclusion, "path", json!([]), 1, "inclusion@7"),
        (&consistency, "old_root", json!(bent), 1, "consistency"),
        (&consistency, "old_size", json!(19), 1, "consistency"),
        (&consistency, "path", cut(&read(&consistency)), 1, "consistency"),
        (&inclusion, "size", json!(27), 2, "the proof is for the log of 27 records, the checkpoint of 28"),
        (&consistency, "new_size", json!(27), 2, "the proof is for the log of 27 records, the checkpoint of 28"),
        (&inclusion, "size", json!(7), 2, "its sizes cannot be"),
        (&inclusion, "size", json!(u64::MAX), 2, "its sizes cannot be"),
        (&consistency, "old_size", json!(29), 2, "its sizes cannot be"),
        (&inclusion, "leaf_hash", json!(bent.to_uppercase().replace('0', "A")), 2, "64 digits of lowercase hex"),
        (&inclusion, "record", json!("?"), 2, "a record is base64"),
        (&inclusion, "type", json!("promise"), 2, "unknown variant"),
        (&inclusion, "note", json!("more"), 2, "unknown field"),
    ];
    for (file, key, value, code, expected) in rows {
        let mut document = read(file);
        document[key] = value.clone();
        let said = check(&kept.text("changed", &document.to_string()), &checkpoint, &[]);
        assert_eq!(said.code, code, "{key} {value}: {said:?}");
        let told = if code == 1 { said.json()["findings"][0]["id"].to_string() } else { said.err };
        assert!(told.contains(expected), "{key} {value}: {told}");
    }
}

#[test]
fn a_path_that_leads_to_another_root_is_not_proven() {
    let kept = Kept::new();
    let mut forged = encoded(&story().records);
    forged.swap(3, 4);
    let log = log_of(&forged);
    let (inclusion, consistency) = (kept.path("inclusion"), kept.path("consistency"));
    assert_eq!(on(log.path(), &["prove", "3", "--out", &inclusion]).code, 0);
    assert_eq!(on(log.path(), &["prove", "--consistency", "20", "--out", &consistency]).code, 0);
    let (old, new) = (checkpoint(&kept, 20), checkpoint(&kept, 28));
    for said in [check(&inclusion, &new, &[]), check(&consistency, &new, &["--old-checkpoint", &old])] {
        assert_eq!((said.code, &said.json()["ok"]), (1, &false.into()), "{said:?}");
    }
    let empty = kept.text(
        "empty",
        &json!({"type": "consistency", "old_size": 0, "new_size": 28,
        "old_root": hex::encode([1; 32]), "path": []})
        .to_string(),
    );
    assert_eq!(check(&empty, &new, &[]).code, 1, "the log without records has one root");
}

#[test]
fn a_proof_that_cannot_be_made_is_refused_and_none_is_written_over() {
    let (kept, log) = (Kept::new(), story_log());
    let file = kept.path("proof");
    let rows: &[(&[&str], &str)] = &[
        (&["prove", "28", "--out", &file], "position 28 is past the durable end 28"),
        (&["prove", "3", "--size", "29", "--out", &file], "position 29 is past the durable end 28"),
        (&["prove", "3", "--size", "3", "--out", &file], "past"),
        (&["prove", "--consistency", "21", "--size", "20", "--out", &file], "past"),
        (&["prove", "3", "--consistency", "2", "--out", &file], "cannot be used with"),
        (&["prove", "--out", &file], "required"),
        (&["prove", "3"], "--out"),
    ];
    for (args, expected) in rows {
        let said = on(log.path(), args);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{args:?}: {said:?}");
        assert!(said.err.contains(expected), "{args:?}: {}", said.err);
        assert!(!std::path::Path::new(&file).exists(), "{args:?}");
    }
    assert_eq!(on(log.path(), &["prove", "3", "--out", &file]).code, 0);
    let before = read(&file);
    let said = on(log.path(), &["prove", "4", "--out", &file]);
    assert!(said.code == 2 && said.err.contains("File exists"), "{said:?}");
    assert_eq!(read(&file), before);
    let said = check(&file, &checkpoint(&kept, 28), &["--old-checkpoint", &checkpoint(&kept, 20)]);
    assert!(said.code == 2 && said.err.contains("only a proof of consistency"), "{said:?}");
    let empty = log_of(&[]);
    let said = on(empty.path(), &["prove", "0", "--out", &kept.path("none")]);
    assert_eq!(said.code, 2, "{said:?}");
}

#[test]
fn a_servers_proofs_are_kept_as_they_come_and_checked_alike() {
    let (kept, log) = (Kept::new(), story_log());
    let (local, remote) = (kept.path("local"), kept.path("remote"));
    let bytes = |value: &Value| hex::decode(value.as_str().expect("text")).expect("hex").into();
    let path = |document: &Value| document["path"].as_array().expect("a list").iter().map(bytes).collect();

    assert_eq!(on(log.path(), &["prove", "7", "--out", &local]).code, 0);
    let records = encoded(&story().records);
    let (document, record) = (read(&local), records[7].clone().into());
    let leaf_hash = bytes(&document["leaf_hash"]);
    let inclusion = GetInclusionProofResponse { size: 28, leaf_hash, record, path: path(&document) };
    let consistent = kept.path("consistent");
    assert_eq!(on(log.path(), &["prove", "--consistency", "20", "--out", &consistent]).code, 0);
    let document = read(&consistent);
    let old_root_hash = bytes(&document["old_root"]);
    let consistency = GetConsistencyProofResponse { new_size: 28, old_root_hash, path: path(&document) };
    let honest =
        || Fixed { inclusion: Some(inclusion.clone()), consistency: Some(consistency.clone()), ..Fixed::new(&records) };

    let url = honest().serve();
    let said = tool(&["prove", "7", "--from", &url, "--out", &remote]);
    assert_eq!((said.code, read(&remote)), (0, read(&local)), "{said:?}");
    let remote = kept.path("remote-consistency");
    let said = tool(&["prove", "--consistency", "20", "--from", &url, "--out", &remote]);
    assert_eq!((said.code, read(&remote)), (0, read(&consistent)), "{said:?}");

    let mut lie = inclusion.clone();
    lie.record = records[8].clone().into();
    let url = Fixed { inclusion: Some(lie), ..honest() }.serve();
    let lied = kept.path("lie");
    assert_eq!(tool(&["prove", "7", "--from", &url, "--out", &lied]).code, 0);
    assert_eq!(check(&lied, &checkpoint(&kept, 28), &[]).code, 1);
    let mut odd = inclusion.clone();
    odd.path[0] = vec![1; 31].into();
    let url = Fixed { inclusion: Some(odd), consistency: None, ..honest() }.serve();
    let said = tool(&["prove", "7", "--from", &url, "--out", &kept.path("odd")]);
    assert!(said.code == 2 && said.err.contains("has not 32 bytes"), "{said:?}");
    let said = tool(&["prove", "--consistency", "2", "--from", &url, "--out", &kept.path("odd")]);
    assert!(said.code == 2 && said.err.contains("could not get a proof of consistency"), "{said:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_proof_with_anything_in_it_is_refused_or_proves_the_same(
        changes in prop::collection::vec((any::<Index>(), 0usize..9, "[0-9a-f{}\\[\\]:,\"-]{0,9}|1844674407370955161[0-9]"), 1..4),
        inclusion: bool,
    ) {
        static FILES: OnceLock<[String; 2]> = OnceLock::new();
        let kept = Kept::new();
        let proofs = FILES.get_or_init(|| {
            let log = story_log();
            [&["prove", "7", "--size", "20"][..], &["prove", "--consistency", "8", "--size", "20"]].map(|asked| {
                let file = kept.path(&format!("{}.proof", asked[1]));
                let said = on(log.path(), &[asked, &["--out", &file]].concat());
                assert_eq!(said.code, 0, "{said:?}");
                std::fs::read_to_string(&file).expect("kept")
            })
        });
        let proof = &proofs[usize::from(!inclusion)];
        let mut text = proof.clone();
        for (at, length, piece) in changes {
            // The file is ASCII: every place is one of a character.
            let at = at.index(text.len() + 1);
            text.replace_range(at..(at + length).min(text.len()), &piece);
        }
        let said = check(&kept.text("changed.proof", &text), &checkpoint(&kept, 20), &[]);
        prop_assert!([0, 1, 2].contains(&said.code), "{said:?}");
        if said.code == 0 {
            prop_assert_eq!(serde_json::from_str::<Value>(&text).ok(), serde_json::from_str::<Value>(proof).ok());
        }
    }
}
