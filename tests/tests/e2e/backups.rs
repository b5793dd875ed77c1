//! A running server's log taken away and brought back: backups, mirrors, restored servers.

use std::path::Path;
use std::process::{Command, Output};

use ledger_proto::v1;
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_tests::life::{Programme, ready};
use ledger_tests::server::{Server, from, text};

use crate::PROGRAMS;

fn said(program: &str, arguments: &[&str], code: i32) -> Output {
    let said = Command::new(program).args(arguments).output().expect("the program");
    let streams = format!("{}{}", text(&said.stdout), text(&said.stderr));
    assert_eq!(said.status.code(), Some(code), "{arguments:?}: {streams}");
    said
}

async fn head(server: &Server) -> v1::GetHeadResponse {
    let mut auditor = AuditServiceClient::new(server.channel().await);
    auditor.get_head(from("auditor/test", v1::GetHeadRequest {})).await.expect("a head").into_inner()
}

fn signing(data: &Path, key: &str) -> Server {
    let started = Server::try_start(&PROGRAMS, data, &["--checkpoint-key", key, "--checkpoint-every", "0"]);
    started.unwrap_or_else(|(status, stderr)| panic!("{status}: {stderr}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_grows_with_the_log_and_a_server_starts_from_it() {
    let desk = tempfile::tempdir().expect("a folder");
    let path = |name: &str| desk.path().join(name).to_str().expect("UTF-8").to_owned();
    let (key, backup, mirror, data) = (path("key"), path("backup"), path("mirror"), path("restored"));
    said(PROGRAMS.server, &["keygen", "--out", &key, "--name", "prakerja.ledger/test"], 0);
    let server = signing(&desk.path().join("data"), &key);
    let vkey = format!("{key}.vkey");
    let programme = Programme::begin(server.channel().await).await;
    let mut kept = Vec::new();
    for (round, people) in [(0, 1..=10), (1, 11..=40), (2, 41..=41)] {
        programme.record(people.flat_map(ready).collect()).await;
        let first = said(PROGRAMS.server, &["backup", "--from", &server.url, "--to", &backup], 0);
        assert!(text(&first.stdout).contains("records added"), "{first:?}");
        let again = said(PROGRAMS.server, &["backup", "--from", &server.url, "--to", &backup], 0);
        assert!(text(&again.stdout).starts_with("0 records added"), "{again:?}");
        said(PROGRAMS.replay, &["mirror", "--from", &server.url, "--to", &mirror, "--key", &vkey], 0);
        let note = path(&format!("{round}.checkpoint"));
        said(PROGRAMS.replay, &["checkpoint", "--from", &server.url, "--out", &note], 0);
        kept.push(note);
        for archive in [&backup, &mirror] {
            for note in &kept {
                said(PROGRAMS.replay, &["verify", "--archive", archive, "--checkpoint", note, "--key", &vkey], 0);
            }
        }
    }
    let head_then = head(&server).await;

    // What came after the last backup is not in it, and a checkpoint kept elsewhere tells.
    programme.record((42..=43).flat_map(ready).collect()).await;
    let late = path("late.checkpoint");
    said(PROGRAMS.replay, &["checkpoint", "--from", &server.url, "--out", &late], 0);
    let restore = ["restore", "--from", &backup, "--data", &data, "--key", &vkey, "--checkpoint"];
    let refused = said(PROGRAMS.server, &[&restore[..], &[&late]].concat(), 3);
    let position = format!("first bad position: {}", head_then.size);
    assert!(text(&refused.stderr).contains(&position) && !Path::new(&data).exists(), "{refused:?}");

    said(PROGRAMS.server, &[&restore[..], &[&kept[2]]].concat(), 0);
    said(PROGRAMS.server, &[&restore[..], &[&kept[2]]].concat(), 2);
    let restored = signing(Path::new(&data), &key);
    assert_eq!(head(&restored).await, head_then);
    // The restored server is a fork of the one that went on: neither backup nor mirror follows it.
    let other = Programme::begin(restored.channel().await).await;
    other.record((51..=53).flat_map(ready).collect()).await;
    said(PROGRAMS.server, &["backup", "--from", &server.url, "--to", &backup], 0);
    let forked = said(PROGRAMS.server, &["backup", "--from", &restored.url, "--to", &backup], 1);
    assert!(text(&forked.stderr).contains("the archive stays"), "{forked:?}");
    said(PROGRAMS.replay, &["mirror", "--from", &server.url, "--to", &mirror], 0);
    said(PROGRAMS.replay, &["mirror", "--from", &restored.url, "--to", &mirror], 1);
    for archive in [&backup, &mirror] {
        said(PROGRAMS.replay, &["verify", "--archive", archive, "--checkpoint", &late, "--key", &vkey], 0);
        said(PROGRAMS.replay, &["compare", archive, &server.url], 0);
    }
    server.terminate();
    restored.terminate();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_signs_nothing_is_backed_up_to_its_head() {
    let desk = tempfile::tempdir().expect("a folder");
    let path = |name: &str| desk.path().join(name).to_str().expect("UTF-8").to_owned();
    let server = Server::start(&PROGRAMS, &desk.path().join("data"));
    Programme::begin(server.channel().await).await;
    for (program, command) in [(PROGRAMS.server, "backup"), (PROGRAMS.replay, "mirror")] {
        let to = path(command);
        said(program, &[command, "--from", &server.url, "--to", &to], 0);
        said(PROGRAMS.replay, &["verify", "--archive", &to], 0);
        said(PROGRAMS.replay, &["compare", &to, &server.url], 0);
    }
    server.terminate();
    let refused = said(PROGRAMS.server, &["backup", "--from", "http://127.0.0.1:9", "--to", &path("backup")], 2);
    assert!(text(&refused.stderr).contains("cannot be reached"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn any_number_of_threads_verifies_the_same() {
    let desk = tempfile::tempdir().expect("a folder");
    let path = |name: &str| desk.path().join(name).to_str().expect("UTF-8").to_owned();
    let (data, archive, year) = (path("data"), path("archive"), desk.path().join("year.jsonl"));
    PROGRAMS.generate(600, 11, "normal", "year", &year);
    let server = Server::start(&PROGRAMS, Path::new(&data));
    assert_eq!(PROGRAMS.load(&year, &server)["rejected"], 0);
    server.terminate();
    said(PROGRAMS.replay, &["export-log", "--data", &data, "--to", &archive], 0);
    let whole = said(PROGRAMS.replay, &["verify", "--data", &data, "--threads", "1", "--json"], 0);
    for source in [["--data", &data], ["--archive", &archive]] {
        for threads in ["1", "2", "3", "8"] {
            let again =
                said(PROGRAMS.replay, &[&["verify"], &source[..], &["--threads", threads, "--json"]].concat(), 0);
            assert_eq!(text(&again.stdout), text(&whole.stdout));
            assert!(text(&again.stderr).contains(&format!("threads {threads}\n")), "{again:?}");
        }
    }
    // One changed byte in the middle: found by any number, and told alike.
    let segment = std::fs::read_dir(Path::new(&archive).join("segments")).expect("there").flatten();
    let segment = segment.map(|entry| entry.path()).find(|path| path.extension().is_some()).expect("a segment");
    let mut bytes = std::fs::read(&segment).expect("readable");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).expect("written");
    let told = ["1", "2", "8"].map(|threads| {
        text(&said(PROGRAMS.replay, &["verify", "--archive", &archive, "--threads", threads, "--json"], 1).stdout)
    });
    assert!(told[0] == told[1] && told[0] == told[2], "{told:?}");
}
