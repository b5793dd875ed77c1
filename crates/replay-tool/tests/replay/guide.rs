//! The auditor's guide: every command in it is run as it stands, and says what the guide says that it says.

use std::path::Path;
use std::process::Command;

use ledger_log::AtRest;

use crate::support::*;

/// The guide's blocks of commands, each with the lines that its output must have.
fn blocks() -> Vec<(String, Vec<String>)> {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/auditor-guide.md");
    let guide = std::fs::read_to_string(guide).expect("docs/auditor-guide.md");
    let mut blocks: Vec<(String, Vec<String>)> = Vec::new();
    for block in guide.split("```").skip(1).step_by(2) {
        let (kind, lines) = block.split_once('\n').expect("a kind");
        match kind {
            "sh" => blocks.push((lines.to_owned(), Vec::new())),
            "text" => {
                let (_, expected) = blocks.last_mut().expect("commands before their output");
                expected.extend(lines.lines().map(str::to_owned));
            }
            other => panic!("a block of {other:?}"),
        }
    }
    blocks
}

/// What a team has before it begins: an archive, and a key and a checkpoint that it kept.
fn desk(parameters: &cohort_sim::Parameters) -> tempfile::TempDir {
    let desk = tempfile::tempdir().expect("a folder");
    let archive = desk.path().join("archive");
    cohort_sim::archive::write(parameters, u64::MAX, &archive).expect("written");
    let mut records = Vec::new();
    let examined = AtRest::archive(&archive).expect("an archive").examine(|_, bytes| {
        records.push(bytes.to_vec());
        Ok(())
    });
    assert_eq!(examined.expect("readable").findings, []);
    let july = head_of(&records[..records.len() / 2]);
    std::fs::write(desk.path().join("ledger.vkey"), signer().verifier().to_text()).expect("written");
    std::fs::write(desk.path().join("july.checkpoint"), signer().checkpoint(july)).expect("written");
    desk
}

#[test]
fn every_command_of_the_guide_is_run_and_the_archive_stays_as_it_was() {
    let desk = desk(&cohort_sim::demo());
    let before = files(&desk.path().join("archive"));
    let blocks = blocks();
    for (commands, expected) in &blocks {
        let out = run(desk.path(), commands);
        for line in expected {
            assert!(out.lines().any(|said| said.trim() == line.trim()), "{line:?} is not in\n{out}");
        }
    }
    assert_eq!(files(&desk.path().join("archive")), before);

    // No command that an auditor uses is left out.
    let all: String = blocks.into_iter().map(|(commands, _)| commands).collect();
    for command in ["verify", "audit", "explain", "sample", "export", "diff", "timeline", "report", "prove", "man"] {
        assert!(all.contains(&format!("replay-tool {command} ")), "{command} is not in the guide");
    }
}

#[test]
fn the_guide_explains_what_an_audit_came_upon() {
    // Of the demo nothing needs explaining; in a year of more people something does.
    let (scheme, scenario) = (cohort_sim::SchemeName::SemiBansos, cohort_sim::Scenario::Year);
    let desk = desk(&cohort_sim::Parameters::new(300, 11, scheme, scenario));
    let has = |commands: &str| ["replay-tool audit", "replay-tool explain"].iter().any(|name| commands.contains(name));
    for (commands, _) in blocks().iter().filter(|(commands, _)| has(commands)) {
        let out = run(desk.path(), commands);
        if commands.contains("replay-tool explain") {
            let ids = std::fs::read_to_string(desk.path().join("findings.txt")).expect("kept");
            assert!(ids.lines().count() > 0 && ids.lines().all(|id| out.contains(id)), "{ids}\n{out}");
        }
    }
}

/// Runs commands as they stand; gives what they print.
fn run(desk: &Path, commands: &str) -> String {
    let folder = Path::new(env!("CARGO_BIN_EXE_replay-tool")).parent().expect("a folder");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").expect("a path"));
    // Every command of a pipe and of a block counts; one that is read by head may end early.
    let script = format!("set -euo pipefail\n{commands}");
    let said = Command::new("bash").args(["-c", &script]).current_dir(desk).env("PATH", path).output().expect("bash");
    let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert_eq!(said.status.code(), Some(0), "{commands}\n{out}\n{err}");
    assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'), "colours, and nobody looks: {commands}");
    out.into_owned()
}

/// Name and content of every file of an archive, but who holds it.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if !path.ends_with("LOCK") {
            found.push((path.display().to_string(), std::fs::read(&path).expect("readable")));
        }
    }
    found.sort();
    found
}
