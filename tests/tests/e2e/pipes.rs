//! Commands whose output nobody reads to the end: they do their work, and end as ever.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use ledger_tests::server::{Server, text};

use crate::PROGRAMS;

/// A pipe whose reader is gone.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

/// A disk with no room.
fn full() -> Stdio {
    File::options().write(true).open("/dev/full").expect("/dev/full").into()
}

/// A command that prints by itself: its name, program, arguments in a fresh folder, and exit code.
type Row = (&'static str, &'static str, fn(&Path, &Server) -> Vec<String>, i32);

const ROWS: [Row; 7] = [
    ("demo", PROGRAMS.server, |folder, _| demo(folder, &[]), 0),
    ("demo --json", PROGRAMS.server, |folder, _| demo(folder, &["--json"]), 0),
    ("keygen", PROGRAMS.server, |folder, _| vec!["keygen".into(), "--out".into(), path(folder, "key")], 0),
    ("load", PROGRAMS.server, |folder, server| load(folder, server, ""), 0),
    ("load of what is refused", PROGRAMS.server, |folder, server| load(folder, server, "{}\n"), 1),
    ("backup", PROGRAMS.server, |folder, server| backup(folder, server), 0),
    ("cohort-sim", PROGRAMS.sim, |_, _| vec!["--participants".into(), "20".into()], 0),
];

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("UTF-8").to_owned()
}

fn demo(folder: &Path, more: &[&str]) -> Vec<String> {
    let data = path(folder, "data");
    ["demo", "--once", "--listen", "127.0.0.1:0", "--data", &data].iter().chain(more).map(ToString::to_string).collect()
}

fn load(folder: &Path, server: &Server, lines: &str) -> Vec<String> {
    let file = path(folder, "lines.jsonl");
    std::fs::write(&file, lines).expect("written");
    ["load", &file, "--to", &server.url].map(str::to_owned).to_vec()
}

fn backup(folder: &Path, server: &Server) -> Vec<String> {
    ["backup", "--from", &server.url, "--to", &path(folder, "archive")].map(str::to_owned).to_vec()
}

#[test]
fn a_closed_pipe_is_nobodys_error_and_a_full_disk_is_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&PROGRAMS, folder.path());
    for (name, program, arguments, code) in ROWS {
        let run = |out: Stdio, err: Stdio| -> Output {
            let fresh = tempfile::tempdir().expect("a folder");
            let mut command = Command::new(program);
            command.args(arguments(fresh.path(), &server)).stdout(out).stderr(err);
            command.output().expect("the program")
        };
        let unread = run(closed(), Stdio::piped());
        assert_eq!(unread.status.code(), Some(code), "{name}: {}", text(&unread.stderr));
        assert!(!text(&unread.stderr).contains("panicked"), "{name}: {}", text(&unread.stderr));
        let unheard = run(Stdio::piped(), closed());
        assert_eq!(unheard.status.code(), Some(code), "{name} without stderr: {}", text(&unheard.stdout));
        let unwritten = run(full(), Stdio::piped());
        assert_eq!(unwritten.status.code(), Some(2), "{name} on a full disk: {}", text(&unwritten.stderr));
        assert!(text(&unwritten.stderr).contains("No space left"), "{name}: {}", text(&unwritten.stderr));
    }
}
