//! What an interrupted past leaves in the folder, and who else may be there: each is told in words, none loses a record.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ledger_core::Record;
use ledger_core::codes::Auth;
use ledger_core::event::{SchemeEnacted, Text};
use ledger_core::scheme::Scheme;
use ledger_core::time::Timestamp;
use ledger_log::{AtRest, Batch, Log, Options, record};
use ledger_tests::life::{Programme, ready};
use ledger_tests::server::{Server, text};
use rustix::process::Signal;

use crate::PROGRAMS;

/// Starts, and stops in good order; gives what it logged.
fn served(data: &Path) -> String {
    let server = Server::start(&PROGRAMS, data);
    server.signal(Signal::TERM);
    let (status, stderr) = server.ended();
    assert_eq!(status.code(), Some(0), "{stderr}");
    stderr
}

fn refused(data: &Path) -> (Option<i32>, String) {
    let (status, stderr) = Server::try_start(&PROGRAMS, data, &[]).err().expect("it is refused");
    (status.code(), stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_lock_names_nobody_and_a_held_one_names_its_holder() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, lock) = (folder.path(), folder.path().join("LOCK"));
    let server = Server::start(&PROGRAMS, data);
    Programme::begin(server.channel().await).await.record(ready(1)).await;
    let holder = server.id().to_string();
    // Two servers, and a tool beside one.
    let (code, stderr) = refused(data);
    assert_eq!(code, Some(4), "{stderr}");
    assert!(stderr.contains(&format!("in use by process {holder}")), "{stderr}");
    let tool = PROGRAMS.replay(&["verify"], data);
    assert_eq!(tool.status.code(), Some(2));
    assert!(text(&tool.stderr).contains(&format!("in use by process {holder}")), "{}", text(&tool.stderr));
    server.kill();

    // The dead one's name is still there; it holds nothing.
    let says = || std::fs::read_to_string(&lock).expect("readable").trim_end().to_owned();
    assert_eq!(says(), holder);
    let tool = PROGRAMS.replay(&["verify"], data);
    assert_eq!(tool.status.code(), Some(0));
    assert!(text(&tool.stderr).contains("note: the log was not closed in good order"), "{}", text(&tool.stderr));
    let stderr = served(data);
    assert!(stderr.contains("clean=false") && stderr.contains("the last process was killed"), "{stderr}");
    assert_eq!(says(), "closed");
    let stderr = served(data);
    assert!(stderr.contains("clean=true") && !stderr.contains("was killed"), "{stderr}");

    // A tool that reads it holds it too, and lets go of it.
    let reading = AtRest::open(data).expect("free");
    let (code, stderr) = refused(data);
    assert_eq!(code, Some(4), "{stderr}");
    assert!(stderr.contains("a tool that reads it"), "{stderr}");
    drop(reading);
    served(data);
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_files_are_named_and_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let server = Server::start(&PROGRAMS, data);
    Programme::begin(server.channel().await).await.record(ready(1)).await;
    server.kill();
    std::fs::create_dir(data.join("recovering")).expect("created");
    std::fs::rename(data.join("live"), data.join("replaced")).expect("renamed");
    for draft in ["head.new", "closed.new"] {
        std::fs::write(data.join(draft), b"LL").expect("written");
    }
    let tool = PROGRAMS.replay(&["verify"], data);
    assert_eq!(tool.status.code(), Some(0));
    let names = "recovering, replaced, closed.new, head.new";
    assert!(text(&tool.stderr).contains(&format!("of no consequence: {names}")), "{}", text(&tool.stderr));
    assert!(data.join("replaced").exists(), "a tool removes nothing");
    let stderr = served(data);
    assert!(stderr.contains("left over from an interrupted") && stderr.contains(names), "{stderr}");
    for leftover in names.split(", ") {
        assert!(!data.join(leftover).exists(), "{leftover}");
    }
    assert_eq!(PROGRAMS.replayed(&["verify"], data)["size"], 9);
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).expect("in range"))
}

fn later(by: Duration) -> Timestamp {
    Timestamp::from_nanos(now().nanos() + i64::try_from(by.as_nanos()).expect("in range"))
}

/// A closed log of one record, recorded at this time.
fn recorded_at(recorded_at: Timestamp, data: &Path) {
    let record = Record {
        position: 0,
        previous: None,
        participant: None,
        occurred_at: Timestamp::from_nanos(1_585_706_400_000_000_000),
        recorded_at,
        actor: Text::Borrowed("insecure:officer/budi"),
        auth: Auth::Insecure,
        approved_by: Some(Text::Borrowed("insecure:approver/siti")),
        source_reference: Text::Borrowed("decree 1"),
        event: SchemeEnacted { scheme: Scheme::semi_bansos() }.into(),
    };
    let (mut bytes, mut batch) = (Vec::new(), Batch::new());
    record::encode(&record, &mut bytes);
    batch.push(&bytes).expect("small");
    let (mut writer, ..) = Log::open(data, &Options::default()).expect("a new log");
    writer.append(0, &batch).expect("appended");
    writer.close().expect("closed");
}

#[test]
fn a_clock_ten_minutes_back_is_told_and_nothing_is_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let last = later(Duration::from_secs(600));
    recorded_at(last, &data);
    let before = PROGRAMS.replayed(&["verify"], &data);
    let (code, stderr) = refused(&data);
    assert_eq!(code, Some(2), "{stderr}");
    let said =
        format!("the clock is more than 5 minutes behind the last record's recorded_at, {last}; set the clock first");
    assert!(stderr.contains(&said), "{said} is not in: {stderr}");
    let tool = PROGRAMS.replay(&["verify"], &data);
    assert!(!text(&tool.stderr).contains("note: "), "closed as it was found: {}", text(&tool.stderr));
    assert_eq!(PROGRAMS.replayed(&["verify"], &data), before);

    // Within the five minutes it serves.
    let data = folder.path().join("near");
    recorded_at(later(Duration::from_secs(240)), &data);
    served(&data);
}
