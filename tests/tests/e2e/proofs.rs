//! What an auditor can prove without trusting who runs the server: receipts, checkpoints, proofs, on the real programs,
//! and by a second verifier that shares no code with them.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use ledger_log::NoteVerifier;
use ledger_proto::v1;
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_rpc::v1::event_service_client::EventServiceClient;
use ledger_tests::life::{Programme, ready, receipt, selections};
use ledger_tests::python::script;
use ledger_tests::server::{Server, from, text};
use tonic::{Code, Status};

use crate::PROGRAMS;

/// A folder for what an auditor keeps, and a key.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().expect("a folder"));
        desk.keygen("ledger.key");
        desk
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    fn keygen(&self, name: &str) -> Output {
        let mut keygen = Command::new(PROGRAMS.server);
        keygen.args(["keygen", "--out", &self.path(name), "--name", "prakerja.ledger/test"]);
        keygen.output().expect("the server's program")
    }

    fn verifier(&self, name: &str) -> NoteVerifier {
        NoteVerifier::parse(&std::fs::read_to_string(self.path(name)).expect("a key")).expect("a key")
    }

    fn start(&self, data: &Path, key: &str, every: &str) -> Server {
        let arguments = ["--checkpoint-key", &self.path(key), "--checkpoint-every", every];
        let started = Server::try_start(&PROGRAMS, data, &arguments);
        started.unwrap_or_else(|(status, stderr)| panic!("{status}: {stderr}"))
    }

    fn keep(&self, name: &str, note: &str) -> String {
        std::fs::write(self.path(name), note).expect("written");
        self.path(name)
    }
}

async fn checkpoint(server: &Server, size: Option<u64>) -> Result<v1::GetCheckpointResponse, Status> {
    let mut auditor = AuditServiceClient::new(server.channel().await);
    let answer = auditor.get_checkpoint(from("auditor/test", v1::GetCheckpointRequest { size })).await;
    answer.map(tonic::Response::into_inner)
}

fn replay(arguments: &[&str]) {
    let said = Command::new(PROGRAMS.replay).args(arguments).output().expect("the tool's program");
    assert!(said.status.success(), "{arguments:?}: {}{}", text(&said.stdout), text(&said.stderr));
}

/// The second verifier, in Python.
fn agrees(arguments: &[&str], code: i32) {
    let said = script("verify_proof.py", arguments);
    assert_eq!(said.status.code(), Some(code), "{arguments:?}: {}{}", text(&said.stdout), text(&said.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_are_proven_against_later_checkpoints_by_two_verifiers() {
    let desk = Desk::new();
    let data = desk.0.path().join("data");
    let server = desk.start(&data, "ledger.key", "0");
    let key = desk.path("ledger.key.vkey");
    let programme = Programme::begin(server.channel().await).await;
    let results = programme.record((1..=40).flat_map(ready).collect()).await;
    let first = checkpoint(&server, None).await.expect("signed on request");
    assert_eq!(first.size, 3 + results.len() as u64);
    assert_eq!(checkpoint(&server, None).await.expect("kept"), first, "nothing new, nothing signed");

    let run = programme.run(1, 6, 1).await;
    let closed = run.closed.expect("a receipt").position;
    let second = checkpoint(&server, Some(first.size + 1)).await.expect("signed at the run's close");
    assert_eq!(second.size, closed + 1);
    let head = desk.verifier("ledger.key.vkey").checkpoint(&second.note).expect("signed").head;
    assert_eq!(head.size, second.size);

    let (old, new) = (desk.keep("old", &first.note), desk.keep("new", &second.note));
    let size = second.size.to_string();
    for receipt in results.iter().map(receipt).step_by(61) {
        let (position, file) = (receipt.position.to_string(), desk.path(&format!("{}.proof", receipt.position)));
        replay(&["prove", &position, "--from", &server.url, "--size", &size, "--out", &file]);
        replay(&["check-proof", &file, "--checkpoint", &new, "--key", &key]);
        let proof: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).expect("kept")).expect("JSON");
        let hex: String = receipt.leaf_hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(proof["leaf_hash"], hex, "what the receipt said is what is proven");
        agrees(&[&file, "--checkpoint", &new, "--key", &key], 0);
        let mut lie = proof.clone();
        lie["position"] = (receipt.position + 1).into();
        agrees(&[&desk.keep("lie", &lie.to_string()), "--checkpoint", &new, "--key", &key], 1);
    }
    let file = desk.path("consistency");
    let (old_size, both) = (first.size.to_string(), ["--checkpoint", &new, "--key", &key, "--old-checkpoint", &old]);
    replay(&["prove", "--consistency", &old_size, "--from", &server.url, "--size", &size, "--out", &file]);
    replay(&[&["check-proof", &file], &both[..]].concat());
    agrees(&[&[file.as_str()], &both[..]].concat(), 0);
    let lie = std::fs::read_to_string(&file).expect("kept").replacen("\"path\":[\"", "\"path\":[\"00", 1);
    agrees(&[&[desk.keep("lie", &lie).as_str()], &both[..]].concat(), 2);
    let unsigned = desk.keep("unsigned", &second.note.replacen(&size, "9", 1));
    agrees(&[&file, "--checkpoint", &unsigned, "--key", &key, "--old-checkpoint", &old], 2);

    assert_eq!(server.terminate().code(), Some(0));
    let folder = data.to_str().expect("UTF-8");
    replay(&["verify", "--data", folder, "--checkpoint", &old, "--key", &key]);
    replay(&["compare", folder, folder]);
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_survive_kills_and_new_keys() {
    let desk = Desk::new();
    let data = desk.0.path().join("data");
    let server = desk.start(&data, "ledger.key", "1");
    let programme = Programme::begin(server.channel().await).await;
    programme.record(ready(1)).await;
    let mut kept = checkpoint(&server, Some(9)).await;
    for _ in 0..100 {
        if kept.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        kept = checkpoint(&server, Some(9)).await;
    }
    let kept = kept.expect("signed by itself within seconds");
    server.kill();

    desk.keygen("new.key");
    let server = desk.start(&data, "new.key", "0");
    let renewed = checkpoint(&server, None).await.expect("signed");
    let (old, new) = (desk.verifier("ledger.key.vkey"), desk.verifier("new.key.vkey"));
    assert_eq!(new.checkpoint(&renewed.note), old.checkpoint(&kept.note), "the same log under both keys");
    assert!(new.checkpoint(&kept.note).is_err() && old.checkpoint(&renewed.note).is_err());

    // The log goes on under the new key: what the old one signed is proven to be its beginning, by both verifiers.
    for number in 2..6 {
        let mut client = EventServiceClient::new(server.channel().await);
        let request = from("selection/test", v1::RecordEventsRequest { events: selections(number) });
        client.record_events(request).await.expect("an answer");
    }
    let later = checkpoint(&server, None).await.expect("signed");
    assert!(later.size > kept.size);
    let (sizes, proof) = ((kept.size.to_string(), later.size.to_string()), desk.path("rotated.proof"));
    replay(&["prove", "--consistency", &sizes.0, "--from", &server.url, "--size", &sizes.1, "--out", &proof]);
    let (old_note, new_note) = (desk.keep("kept", &kept.note), desk.keep("later", &later.note));
    let (old_key, new_key) = (desk.path("ledger.key.vkey"), desk.path("new.key.vkey"));
    let under =
        |old_key| ["--checkpoint", &new_note, "--key", &new_key, "--old-checkpoint", &old_note, "--old-key", old_key];
    replay(&[&["check-proof", &proof], &under(&old_key)[..]].concat());
    agrees(&[&[proof.as_str()], &under(&old_key)[..]].concat(), 0);
    agrees(&[&[proof.as_str()], &under(&new_key)[..]].concat(), 2);
    assert_eq!(server.terminate().code(), Some(0));

    // The old note is still in the folder, and still good under its own key.
    let notes = std::fs::read_to_string(data.join("checkpoints/notes")).expect("kept");
    assert!(notes.contains(&kept.note) && notes.contains(&renewed.note));
    let server = Server::start(&PROGRAMS, &data);
    let refused = checkpoint(&server, None).await.expect_err("no key, no checkpoint");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(server.terminate().code(), Some(0));
    let (data, key) = (data.to_str().expect("UTF-8"), desk.path("ledger.key.vkey"));
    replay(&["verify", "--data", data, "--checkpoint", &desk.keep("kept", &kept.note), "--key", &key]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_not_the_one_that_was_signed_does_not_start() {
    let desk = Desk::new();
    let (signed, other) = (desk.0.path().join("signed"), desk.0.path().join("other"));
    for (data, person) in [(&signed, 1), (&other, 2)] {
        let server = desk.start(data, "ledger.key", "0");
        Programme::begin(server.channel().await).await.record(ready(person)).await;
        checkpoint(&server, None).await.expect("signed");
        assert_eq!(server.terminate().code(), Some(0));
    }
    let notes = |data: &Path| data.join("checkpoints/notes");
    std::fs::copy(notes(&signed), notes(&other)).expect("copied");
    // Once as the files were closed, once as after a crash: then only the roots tell.
    for (closed, expected) in [(true, "checkpoints/notes"), (false, "whose root was signed")] {
        if !closed {
            std::fs::remove_file(other.join("closed")).expect("removed");
            std::fs::write(other.join("LOCK"), "").expect("written");
        }
        let (status, stderr) = Server::try_start(&PROGRAMS, &other, &[]).err().expect("does not start");
        assert_eq!(status.code(), Some(3), "{stderr}");
        assert!(stderr.contains(expected) && stderr.contains("first bad position: "), "{stderr}");
    }
}

#[test]
fn a_key_is_made_once_and_one_that_is_none_is_refused() {
    let desk = Desk::new();
    let again = desk.keygen("ledger.key");
    assert_eq!(again.status.code(), Some(2), "{}", text(&again.stderr));
    let data = desk.0.path().join("data");
    for (key, expected) in [("ledger.key.vkey", "not a signing key"), ("missing", "No such file")] {
        let arguments = ["--checkpoint-key", &desk.path(key)];
        let (status, stderr) = Server::try_start(&PROGRAMS, &data, &arguments).err().expect("does not start");
        assert!(status.code() == Some(2) && stderr.contains(expected), "{stderr}");
    }
}
