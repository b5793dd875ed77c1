//! Damage after a close in good order: a changed byte at every 997th offset of every file, and files cut, lost, swapped or
//! replaced by an older copy. All of it is found, by the tool and by the server, and nothing is touched.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ledger_log::Options;
use ledger_proto::v1;
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_tests::life::{Programme, selections};
use ledger_tests::server::{Server, from};
use serde_json::Value;
use tempfile::TempDir;

use crate::PROGRAMS;

const STRIDE: usize = 997;
/// People of one request; each has six events.
const PEOPLE: u64 = 25;

/// Every file below a folder, by its name within it.
type Tree = BTreeMap<PathBuf, Vec<u8>>;

fn tree(dir: &Path) -> Tree {
    let (mut files, mut folders) = (Tree::new(), vec![dir.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).expect("readable");
                files.insert(path.strip_prefix(dir).expect("below").to_owned(), bytes);
            }
        }
    }
    files
}

/// A folder with these files, and no others.
fn folder(files: &Tree) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        fs::write(path, bytes).expect("written");
    }
    dir
}

/// A log with a past, as it was closed; and what was kept of it.
struct Log {
    now: Tree,
    /// The whole folder as it was closed earlier.
    earlier: Tree,
    size: u64,
    /// The newest checkpoint, and the key that verifies it.
    note: String,
    key: String,
}

async fn signed(server: &Server) -> v1::GetCheckpointResponse {
    let mut auditor = AuditServiceClient::new(server.channel().await);
    let ask = from("auditor/test", v1::GetCheckpointRequest { size: None });
    auditor.get_checkpoint(ask).await.expect("a checkpoint").into_inner()
}

async fn record(server: &Server, people: std::ops::Range<u64>) {
    let mut client = ledger_rpc::v1::event_service_client::EventServiceClient::new(server.channel().await);
    for first in people.step_by(PEOPLE as usize) {
        let events = (first..first + PEOPLE).flat_map(selections).collect();
        let request = from("selection/test", v1::RecordEventsRequest { events });
        // Killed in the middle, it has no answer.
        if client.record_events(request).await.is_err() {
            return;
        }
    }
}

/// Recorded, killed under load, recovered, signed at several sizes, closed twice. Its segments are small, so that it has
/// some.
async fn a_log_with_a_past() -> Log {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, key) = (folder.path().join("data"), folder.path().join("ledger.key"));
    let mut keygen = std::process::Command::new(PROGRAMS.server);
    keygen.arg("keygen").arg("--out").arg(&key).args(["--name", "prakerja.ledger/test"]);
    assert!(keygen.output().expect("the server's program").status.success());
    let small = Options { segment_level: 10, ..Options::default() };
    let (writer, ..) = ledger_log::Log::open(&data, &small).expect("a new log");
    writer.close().expect("closed");
    let start = || {
        let arguments = ["--checkpoint-key", key.to_str().expect("UTF-8"), "--checkpoint-every", "0"];
        Server::try_start(&PROGRAMS, &data, &arguments).unwrap_or_else(|(_, stderr)| panic!("{stderr}"))
    };
    let server = start();
    Programme::begin(server.channel().await).await;
    record(&server, 0..150).await;
    signed(&server).await;
    let url = server.url.clone();
    let under_load = tokio::spawn(async move {
        let channel =
            tonic::transport::Channel::from_shared(url).expect("a URL").connect().await.expect("a connection");
        let mut client = ledger_rpc::v1::event_service_client::EventServiceClient::new(channel);
        for number in 100.. {
            let request = from("selection/test", v1::RecordEventsRequest { events: selections(number) });
            if client.record_events(request).await.is_err() || number > 5_000 {
                return number;
            }
        }
        0
    });
    tokio::time::sleep(Duration::from_millis(120)).await;
    server.kill();
    let killed_at = under_load.await.expect("it ended");
    assert!(killed_at < 5_000, "killed under load");
    let server = start();
    record(&server, 10_000..10_150).await;
    signed(&server).await;
    assert_eq!(server.terminate().code(), Some(0));
    let earlier = tree(&data);

    let server = start();
    record(&server, 20_000..20_150).await;
    signed(&server).await;
    record(&server, 20_150..20_200).await;
    let checkpoint = signed(&server).await;
    record(&server, 20_200..20_225).await;
    assert_eq!(server.terminate().code(), Some(0));
    let size = PROGRAMS.replayed(&["verify"], &data)["size"].as_u64().expect("a size");
    assert!(size > checkpoint.size && checkpoint.size > 3_000, "{size}");
    let key = fs::read_to_string(folder.path().join("ledger.key.vkey")).expect("a key").trim_end().to_owned();
    Log { now: tree(&data), earlier, size, note: checkpoint.note, key }
}

/// What the tool said of a folder, inside of this process.
struct Said {
    code: u8,
    out: String,
    err: String,
}

fn verify(dir: &Path, more: &[&str]) -> Said {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let dir = dir.to_str().expect("UTF-8");
    let arguments = [&["replay-tool", "verify", "--json", "--data", dir], more].concat();
    let code = replay_tool::cli::run(arguments.into_iter().map(Into::into), &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Said { code, out: text(out), err: text(err) }
}

impl Said {
    /// Exit 1 with a position or a place named, or 2 with a reason; gives the position.
    fn found(&self, size: u64) -> Result<Option<u64>, String> {
        let told = || format!("exit {}: {}{}", self.code, self.out, self.err);
        match self.code {
            1 => {
                let document: Value = serde_json::from_str(&self.out).map_err(|_| told())?;
                let position = document["first_bad_position"].as_u64().filter(|at| *at <= size).ok_or_else(told)?;
                let found = document["findings"][0]["found"].as_str().ok_or_else(told)?;
                if document["ok"] == false && !found.is_empty() { Ok(Some(position)) } else { Err(told()) }
            }
            2 if !self.err.is_empty() => Ok(None),
            _ => Err(told()),
        }
    }
}

fn offsets(length: usize) -> impl Iterator<Item = usize> {
    (0..length).step_by(STRIDE).chain(length.checked_sub(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_changed_byte_of_the_sweep_is_found() {
    let log = a_log_with_a_past().await;
    let places: Vec<(&PathBuf, usize)> =
        log.now.iter().flat_map(|(name, bytes)| offsets(bytes.len()).map(move |at| (name, at))).collect();
    let parts = ["LOCK", "checkpoints/notes", "closed", "head", "live/", "segments/manifest", ".segment", "subtrees"];
    for part in parts {
        assert!(places.iter().any(|(file, _)| file.to_string_lossy().contains(part)), "{part} is swept");
    }
    let (found, silent) = (AtomicU64::new(0), AtomicU64::new(0));
    let sweep = |places: &[(&PathBuf, usize)]| {
        let dir = folder(&log.now);
        for &(name, at) in places {
            let path = dir.path().join(name);
            let mut bytes = log.now[name].clone();
            bytes[at] ^= 0x41;
            fs::write(&path, &bytes).expect("written");
            let said = verify(dir.path(), &[]);
            match said.found(log.size) {
                Ok(_) => found.fetch_add(1, Ordering::Relaxed),
                Err(told) => {
                    println!("{} byte {at}: {told}", name.display());
                    silent.fetch_add(1, Ordering::Relaxed)
                }
            };
            assert_eq!(fs::read(&path).expect("readable"), bytes, "{} byte {at} is left", name.display());
            fs::write(&path, &log.now[name]).expect("written");
        }
        assert!(tree(dir.path()) == log.now, "nothing else was touched");
    };
    let half = places.len() / 2;
    std::thread::scope(|scope| {
        let (sweep, places) = (&sweep, &places);
        scope.spawn(move || sweep(&places[..half]));
        scope.spawn(move || sweep(&places[half..]));
    });
    let (found, silent) = (found.into_inner(), silent.into_inner());
    println!("{} records, {} places: {found} found, {silent} silent", log.size, places.len());
    assert_eq!((found, silent), (places.len() as u64, 0));
}

/// What is done to the files of a closed log.
fn changes(log: &Log) -> Vec<(String, Tree)> {
    let mut changes = Vec::new();
    let mut add = |what: String, change: &dyn Fn(&mut Tree)| {
        let mut files = log.now.clone();
        change(&mut files);
        // Files that are the same in both cannot be swapped, nor replaced by an older copy; and the whole older folder is
        // another test.
        if files != log.now && files != log.earlier {
            changes.push((what, files));
        }
    };
    let names: Vec<&PathBuf> = log.now.keys().collect();
    for &name in &names {
        let (title, length) = (name.display(), log.now[name].len());
        if name != Path::new("LOCK") {
            add(format!("{title} is missing"), &|files| drop(files.remove(name)));
            add(format!("{title} is empty"), &|files| drop(files.insert(name.clone(), vec![])));
        }
        for cut in [1, length / 2].into_iter().filter(|cut| *cut < length) {
            add(format!("{title} lost {cut} bytes"), &|files| {
                files.entry(name.clone()).and_modify(|bytes| bytes.truncate(length - cut));
            });
        }
        add(format!("{title} is longer"), &|files| files.entry(name.clone()).or_default().push(0));
        add(format!("{title} is older"), &|files| {
            if let Some(older) = log.earlier.get(name) {
                files.insert(name.clone(), older.clone());
            }
        });
        // A segment that the older list does not name yet is what a crash may leave, and of no consequence.
        if log.earlier.contains_key(name) {
            add(format!("all but {title} is older"), &|files| {
                let kept = files[name].clone();
                *files = log.earlier.clone();
                files.insert(name.clone(), kept);
            });
        }
    }
    for (place, &a) in names.iter().enumerate() {
        for &b in &names[place + 1..] {
            add(format!("{} and {} are swapped", a.display(), b.display()), &|files| {
                files.insert(a.clone(), log.now[b].clone());
                files.insert(b.clone(), log.now[a].clone());
            });
        }
    }
    let of_sled = |name: &Path| name.starts_with("live");
    add("the volume is older".to_owned(), &|files| {
        files.retain(|name, _| !of_sled(name));
        files.extend(
            log.earlier.iter().filter(|(name, _)| of_sled(name)).map(|(name, bytes)| (name.clone(), bytes.clone())),
        );
    });
    add("the volume is missing".to_owned(), &|files| files.retain(|name, _| !of_sled(name)));
    let volume = names.iter().find(|name| of_sled(name)).and_then(|name| name.parent()).expect("a volume");
    add("a file more is in the volume".to_owned(), &|files| drop(files.insert(volume.join("blobs/7"), vec![7])));
    changes
}

#[tokio::test(flavor = "multi_thread")]
async fn files_cut_lost_swapped_or_older_are_found_by_tool_and_server() {
    let log = a_log_with_a_past().await;
    let changes = changes(&log);
    assert!(changes.len() > 50, "{}", changes.len());
    let mut served = 0;
    for (place, (what, files)) in changes.iter().enumerate() {
        let dir = folder(files);
        let position = verify(dir.path(), &[]).found(log.size).unwrap_or_else(|told| panic!("{what}: {told}"));
        assert!(position.is_some(), "{what}: a position is named");
        assert!(tree(dir.path()) == *files, "{what}: nothing is touched");
        // The server is slower to try, so not every time; what it says is the tool's.
        if place % 5 == 0 {
            served += 1;
            let (status, stderr) =
                Server::try_start(&PROGRAMS, dir.path(), &[]).err().unwrap_or_else(|| panic!("{what}"));
            assert_eq!(status.code(), Some(3), "{what}: {stderr}");
            let told = stderr.lines().find_map(|line| line.strip_prefix("first bad position: "));
            assert_eq!(told.and_then(|told| told.parse().ok()), position, "{what}: {stderr}");
            assert!(!stderr.contains("panicked"), "{what}: {stderr}");
            assert!(tree(dir.path()) == *files, "{what}: nothing is touched");
        }
    }
    println!("{} changes found by the tool, {served} of them tried on the server", changes.len());

    // Changed bytes, one of each file, for the server too.
    for (name, bytes) in &log.now {
        let mut files = log.now.clone();
        files.entry(name.clone()).and_modify(|changed| changed[bytes.len() / 2] ^= 0x08);
        let dir = folder(&files);
        let position =
            verify(dir.path(), &[]).found(log.size).unwrap_or_else(|told| panic!("{}: {told}", name.display()));
        let (status, stderr) = Server::try_start(&PROGRAMS, dir.path(), &[]).err().expect("damaged");
        let told = stderr.lines().find_map(|line| line.strip_prefix("first bad position: "));
        let told = told.and_then(|told| told.parse().ok());
        assert_eq!((status.code(), told), (Some(3), position), "{}: {stderr}", name.display());
        assert!(tree(dir.path()) == files, "{}: nothing is touched", name.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_of_the_whole_folder_is_found_by_a_kept_checkpoint_only() {
    let log = a_log_with_a_past().await;
    let dir = folder(&log.earlier);
    assert_eq!(verify(dir.path(), &[]).code, 0, "in itself it is whole");
    let note = dir.path().with_extension("checkpoint");
    fs::write(&note, &log.note).expect("written");
    let against = ["--checkpoint", note.to_str().expect("UTF-8"), "--key", &log.key];
    let said = verify(dir.path(), &against);
    let position = said.found(log.size).unwrap_or_else(|told| panic!("{told}"));
    assert!(said.out.contains("\"behind\"") && position.is_some(), "{}", said.out);
    assert!(tree(dir.path()) == log.earlier, "nothing is touched");
    assert_eq!(verify(folder(&log.now).path(), &against).code, 0);
    fs::remove_file(note).expect("removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_file_that_is_gone_or_empty_loses_nothing() {
    // It only says who has the folder, or that it was closed; `closed` itself vouches for every byte of the others.
    let log = a_log_with_a_past().await;
    for content in [None, Some(vec![])] {
        let mut files = log.now.clone();
        files.remove(Path::new("LOCK"));
        files.extend(content.map(|content| (PathBuf::from("LOCK"), content)));
        let dir = folder(&files);
        let said = verify(dir.path(), &[]);
        assert!(said.code == 0 && !said.err.contains("note: "), "{}{}", said.out, said.err);
        let db = files.keys().find(|name| name.ends_with("db")).expect("a volume").clone();
        // How long it is depends on how many commits there were.
        let middle = files[&db].len() / 2;
        files.entry(db.clone()).and_modify(|bytes| bytes[middle] ^= 1);
        fs::write(dir.path().join(&db), &files[&db]).expect("written");
        assert!(verify(dir.path(), &[]).found(log.size).is_ok(), "and still does");
    }
}
