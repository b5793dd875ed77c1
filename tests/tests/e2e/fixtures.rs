//! The frozen logs: today's code reads them as they were frozen, and finds in the damaged copies what was found then.

use std::fs;
use std::path::Path;

use ledger_proto::v1;
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_tests::fixtures::{Damaged, Expected, copy, folder, observed, tool};
use ledger_tests::python::script;
use ledger_tests::server::{Server, from, text};
use serde_json::Value;
use tempfile::TempDir;

use crate::PROGRAMS;

/// Every format that a log was ever frozen in.
const FORMATS: [u32; 1] = [1];

fn expected(format: u32) -> Expected {
    let text = fs::read_to_string(folder(format).join("expected.json")).expect("expected.json");
    serde_json::from_str(&text).expect("what was frozen")
}

/// A copy of the frozen log, to be worked on.
fn log(format: u32) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    copy(&folder(format).join("log"), dir.path());
    dir
}

fn path(dir: &Path) -> &str {
    dir.to_str().expect("UTF-8")
}

#[test]
fn frozen_logs_and_archives_are_read_as_they_were() {
    for format in FORMATS {
        let Expected { checkpoints, damaged, .. } = expected(format);
        let (log, archive) = (log(format), tempfile::tempdir().expect("a folder"));
        copy(&folder(format).join("archive"), archive.path());
        for (source, dir) in [("--data", log.path()), ("--archive", archive.path())] {
            let found = observed(source, dir);
            let all = Expected { checkpoints: checkpoints.clone(), damaged: damaged.clone(), ..found };
            assert_eq!(all, expected(format), "format {format}, {source}");
            for (note, key) in &checkpoints {
                let (note, key) = (folder(format).join(note), folder(format).join(key));
                let against = ["verify", source, path(dir), "--checkpoint", path(&note), "--key", path(&key)];
                let (code, out, err) = tool(&against);
                assert_eq!(code, 0, "format {format}, {source}, {}: {out}{err}", note.display());
            }
        }
        assert_eq!(checkpoints.len(), 2, "one under each key");
    }
}

#[test]
fn a_frozen_log_has_every_kind_of_event() {
    // As many as `StoredRecord.event` had when format 1 was frozen.
    assert_eq!(expected(1).records.len(), 34);
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_serve_frozen_logs_and_the_second_reader_reads_them() {
    for format in FORMATS {
        let (log, expected) = (log(format), expected(format));
        for _ in 0..2 {
            let server = Server::start(&PROGRAMS, log.path());
            let mut auditor = AuditServiceClient::new(server.channel().await);
            let head =
                auditor.get_head(from("auditor/test", v1::GetHeadRequest {})).await.expect("a head").into_inner();
            let root: String = head.root_hash.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!((head.size, &root), (expected.size, &expected.root));
            let said = script("read_log.py", &[server.url.strip_prefix("http://").expect("a URL")]);
            assert!(said.status.success(), "{}", text(&said.stderr));
            let read: Value = serde_json::from_slice(&said.stdout).expect("one JSON document");
            assert_eq!((&read["root"], &read["size"]), (&root.into(), &head.size.into()));
            let participants = serde_json::to_value(&expected.participants).expect("JSON");
            assert_eq!(read["participants"], participants, "format {format}");
            assert_eq!(server.terminate().code(), Some(0));
        }
        assert_eq!(observed("--data", log.path()).root, expected.root, "and stays what it was");
    }
}

#[test]
fn what_was_found_in_damaged_copies_is_found() {
    for format in FORMATS {
        let damaged = expected(format).damaged;
        assert!(damaged.len() > 20, "{}", damaged.len());
        for Damaged { name, first_bad_position, .. } in &damaged {
            let log = log(format);
            let one = damaged.iter().find(|one| one.name == *name).expect("itself");
            one.apply(log.path());
            let (code, out, err) = tool(&["verify", "--json", "--data", path(log.path())]);
            let document: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{name}: {err}"));
            assert_eq!((code, &document["first_bad_position"]), (1, &(*first_bad_position).into()), "{name}: {out}");
            let (status, stderr) = Server::try_start(&PROGRAMS, log.path(), &[]).err().expect(name);
            let told = format!("first bad position: {first_bad_position}");
            assert_eq!(status.code(), Some(3), "{name}: {stderr}");
            assert!(stderr.lines().any(|line| line == told), "{name}: {stderr}");
        }
    }
}

#[test]
fn frozen_logs_are_small() {
    for format in FORMATS {
        let (mut bytes, mut folders) = (0, vec![folder(format)]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let entry = entry.expect("an entry");
                match entry.path().is_dir() {
                    true => folders.push(entry.path()),
                    false => bytes += entry.metadata().expect("a file").len(),
                }
            }
        }
        assert!(bytes < 1 << 20, "format {format} has {bytes} bytes");
    }
}
