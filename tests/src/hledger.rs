//! hledger, the program: this machine's, or one that is fetched on first use beside the build's output.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use ledger_log::leaf_hash;

use crate::python::{alone, hex, target};
use crate::server::{root, text};

/// Where it is. `tests/tools/hledger.sh` says how it comes there.
///
/// # Panics
///
/// It is not there and cannot be fetched: these tests are never skipped.
#[must_use]
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let script = root().join("tests/tools/hledger.sh");
        let how = std::fs::read(&script).expect("tests/tools/hledger.sh");
        let folder = target().join(format!("hledger-{}", &hex(&leaf_hash(&how))[..12]));
        let _lock = alone(&folder);
        let output = Command::new("sh").arg(script).arg(&folder).output().expect("a shell");
        assert!(output.status.success(), "these tests need hledger: {}", text(&output.stderr));
        PathBuf::from(text(&output.stdout).trim())
    })
}

/// Runs it on a journal.
///
/// # Panics
///
/// It cannot be had.
#[must_use]
pub fn hledger(journal: &Path, arguments: &[&str]) -> Output {
    Command::new(program()).arg("-f").arg(journal).args(arguments).output().expect("hledger")
}
