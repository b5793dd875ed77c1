//! What cannot be answered: exit code 2 and a sentence, or a graceful end where nobody reads on.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use crate::support::*;

fn binary() -> Command {
    Command::new(env!("CARGO_BIN_EXE_replay-tool"))
}

#[test]
fn a_log_in_use_is_not_read_and_its_holder_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let writer = open_log(dir.path(), &encoded(&story().records));
    let said = binary().args(["verify", "--data"]).arg(dir.path()).output().expect("runs");
    assert_eq!((said.status.code(), said.stdout.len()), (Some(2), 0));
    let err = String::from_utf8(said.stderr).expect("UTF-8");
    assert!(err.contains(&format!("in use by process {}", std::process::id())), "{err}");
    drop(writer);
    let said = binary().args(["verify", "--data"]).arg(dir.path()).output().expect("runs");
    assert_eq!(said.status.code(), Some(0), "{}", String::from_utf8_lossy(&said.stderr));
}

#[test]
fn a_question_that_cannot_be_answered_says_why() {
    let log = story_log();
    let empty = tempfile::tempdir().expect("a folder");
    let stranger = "00000000-0000-0000-0000-000000000009";
    let ani = ANI.to_string();
    let rows: &[(&[&str], &str)] = &[
        (&["participant", stranger], "participant 00000000-0000-0000-0000-000000000009 is not in the 28 records"),
        (&["participant", &ani, "--known-at", "2"], "is not in the 3 records"),
        (&["participant", &ani, "--as-of", "2020-04-10"], "was selected on 2020-04-11, after --as-of 2020-04-10"),
        (&["participant", "ani"], "not a UUID"),
        (&["trial-balance", "--known-at", "28"], "the log has 28 records, the last at position 27"),
        (&["trial-balance", "--known-at", "2020-07-01"], "neither a position"),
        (&["trial-balance", "--as-of", "31-12-2020"], "not a date"),
        (&["verify", "--as-of", "2020-12-31"], "unexpected argument '--as-of'"),
        (&["verify", "--known-at", "3"], "unexpected argument '--known-at'"),
        (&["verify", "--from", "http://127.0.0.1:1"], "cannot be used with"),
        (&["guess"], "unrecognized subcommand"),
    ];
    for (args, expected) in rows {
        let said = on(log.path(), args);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{args:?}: {said:?}");
        assert!(said.err.contains(expected), "{args:?}: {}", said.err);
    }
    let said = on(empty.path(), &["verify"]);
    assert!(said.code == 2 && said.err.contains("holds no log"), "{said:?}");
    let said = tool(&["verify"]);
    assert!(said.code == 2 && said.err.contains("--data <DIR>|--archive <DIR>|--from <URL>"), "{said:?}");
}

#[test]
fn help_is_no_error_and_has_examples() {
    let said = tool(&["--help"]);
    assert!(said.code == 0 && said.out.contains("replay-tool verify --data"), "{said:?}");
    let said = tool(&["trial-balance", "--help"]);
    assert!(said.out.contains("up to and including it"), "{}", said.out);
}

/// An output whose reader went away.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

/// An output on a full disk.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }
}

#[test]
fn a_closed_pipe_is_nobodys_error_and_a_full_disk_is_one() {
    let log = story_log();
    let mut broken = story().records;
    broken.remove(7);
    let damaged = log_of(&encoded(&broken));
    let run = |dir: &std::path::Path, args: &[&str], out: &mut dyn Write| {
        let dir = dir.to_str().expect("UTF-8");
        let all = [&["replay-tool"], args, &["--data", dir]].concat();
        let mut err = Vec::new();
        let code = replay_tool::cli::run(all.iter().map(Into::into), out, &mut err);
        (code, String::from_utf8(err).expect("UTF-8"))
    };
    let ani = ANI.to_string();
    let commands: [&[&str]; 13] = [
        &["trial-balance"],
        &["trial-balance", "--json"],
        &["balances"],
        &["balances", "--json"],
        &["participant", &ani],
        &["participant", &ani, "--json"],
        &["export", "--format", "hledger", "--to", "-"],
        &["export", "--format", "beancount", "--to", "-"],
        &["export", "--format", "jsonl", "--to", "-"],
        &["timeline", &ani],
        &["timeline", &ani, "--json"],
        &["diff", "--known-at", "3", "--and", "20"],
        &["diff", "--known-at", "3", "--and", "20", "--json"],
    ];
    for args in commands {
        assert_eq!(run(log.path(), args, &mut Closed), (0, String::new()), "{args:?}");
        let (code, err) = run(log.path(), args, &mut Full);
        assert!(code == 2 && err.starts_with("replay-tool: write the answer: "), "{args:?}: {code} {err}");
    }
    for args in [&["verify"][..], &["verify", "--json"]] {
        assert_eq!(run(log.path(), args, &mut Closed).0, 0);
        // What was found counts, whoever stopped reading.
        assert_eq!(run(damaged.path(), args, &mut Closed).0, 1);
        assert_eq!(run(damaged.path(), args, &mut Full).0, 2);
    }
}

#[test]
fn the_process_ends_quietly_when_its_pipe_is_closed() {
    let log = story_log();
    let mut child = binary()
        .args(["balances", "--json", "--data"])
        .arg(log.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    drop(child.stdout.take());
    let said = child.wait_with_output().expect("ends");
    assert_eq!((said.status.code(), String::from_utf8_lossy(&said.stderr).as_ref()), (Some(0), ""));
}
