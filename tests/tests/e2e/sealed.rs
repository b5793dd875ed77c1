//! A cohort written as an archive: the tools find it clean, a server serves it, and its money is that of the loaded lines.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use ledger_proto::v1;
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_rpc::v1::participant_service_client::ParticipantServiceClient;
use ledger_tests::server::{Server, from, text};
use serde_json::Value;

use crate::PROGRAMS;

/// Runs a program to its end; gives its stdout.
fn said(program: &str, arguments: &[&str]) -> String {
    let said = Command::new(program).args(arguments).output().expect("the program");
    assert_eq!(said.status.code(), Some(0), "{arguments:?}: {}{}", text(&said.stdout), text(&said.stderr));
    text(&said.stdout)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Everybody's accounts, as the tool computes them.
fn accounts(source: &str, folder: &Path) -> BTreeMap<String, Value> {
    let document = said(PROGRAMS.replay, &["balances", source, folder.to_str().expect("UTF-8"), "--json"]);
    let mut document: Value = serde_json::from_str(&document).expect("a document");
    let people = document["participants"].as_array_mut().expect("a list");
    let of = |entry: &mut Value| (entry["participant"].as_str().expect("an id").to_owned(), entry["accounts"].take());
    people.iter_mut().map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_cohort_is_clean_served_and_worth_the_same_as_its_lines() {
    for (scheme, seed) in [("semi-bansos", "5"), ("normal", "6")] {
        let desk = tempfile::tempdir().expect("a folder");
        let path = |name: &str| desk.path().join(name);
        let (archive, lines, loaded, restored) = (path("archive"), path("lines"), path("loaded"), path("restored"));
        let [archive_name, restored_name] = [&archive, &restored].map(|path| path.to_str().expect("UTF-8"));
        let cohort = ["--participants", "60", "--seed", seed, "--scheme", scheme, "--format", "archive"];
        said(PROGRAMS.sim, &[&cohort[..], &["--out", archive_name]].concat());
        said(PROGRAMS.replay, &["verify", "--archive", archive_name]);

        PROGRAMS.generate(60, seed.parse().expect("a number"), scheme, "year", &lines);
        let server = Server::start(&PROGRAMS, &loaded);
        let counts = PROGRAMS.load(&lines, &server);
        assert_eq!(counts["rejected"], 0);
        assert_eq!(server.terminate().code(), Some(0));
        let people = accounts("--archive", &archive);
        assert_eq!(people.len(), 60);
        assert_eq!(people, accounts("--data", &loaded), "{scheme}");

        said(PROGRAMS.server, &["restore", "--from", archive_name, "--data", restored_name]);
        let server = Server::start(&PROGRAMS, &restored);
        let mut auditor = AuditServiceClient::new(server.channel().await);
        let head = auditor.get_head(from("auditor/test", v1::GetHeadRequest {})).await.expect("a head").into_inner();
        let of_archive: Value =
            serde_json::from_str(&said(PROGRAMS.replay, &["checkpoint", "--archive", archive_name, "--json"]))
                .expect("JSON");
        assert_eq!(of_archive["size"], head.size);
        assert_eq!(of_archive["root"], hex(&head.root_hash));
        let mut client = ParticipantServiceClient::new(server.channel().await);
        for (id, accounts) in &people {
            let ask = v1::GetParticipantRequest { participant_id: id.clone(), ..Default::default() };
            let answer = client.get_participant(from("auditor/test", ask)).await.expect("a participant").into_inner();
            let served: BTreeMap<String, String> = answer
                .participant
                .expect("a participant")
                .accounts
                .into_iter()
                .map(|(n, a)| (n, a.to_string()))
                .collect();
            assert_eq!(&serde_json::to_value(&served).expect("JSON"), accounts, "{scheme} {id}");
        }
        assert_eq!(server.terminate().code(), Some(0));
    }
}

#[test]
fn a_disk_that_takes_no_more_ends_the_writing_and_leaves_no_archive() {
    let desk = tempfile::tempdir().expect("a folder");
    let archive = desk.path().join("archive");
    // Files end at 64 KiB: what is beyond is refused as on a full disk.
    let limited = "trap '' XFSZ; ulimit -f 128; exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", limited, PROGRAMS.sim, "--participants", "3000", "--format", "archive", "--out"]).arg(&archive);
    let said = command.output().expect("a shell");
    assert_eq!(said.status.code(), Some(2), "{}", text(&said.stderr));
    assert!(text(&said.stderr).contains("cannot write"), "{}", text(&said.stderr));
    let verified = Command::new(PROGRAMS.replay).args(["verify", "--json", "--archive"]).arg(&archive).output();
    let report: Value = serde_json::from_slice(&verified.expect("the tool").stdout).expect("a report");
    assert_eq!(report["size"], 0, "nothing that was not finished counts");

    let folder = Command::new(PROGRAMS.sim).args(["--participants", "5", "--format", "archive"]).output();
    assert_eq!(folder.expect("the program").status.code(), Some(2), "an archive cannot go to standard output");
}
