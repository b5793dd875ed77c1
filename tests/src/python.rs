//! Python for the peers' tests: an environment of its own, made on first use beside the build's output.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use ledger_log::leaf_hash;

use crate::server::{root, text};

/// The interpreter of an environment with `tests/python/requirements.txt` installed. It is made once for these
/// requirements and kept.
///
/// # Panics
///
/// There is no `python3` with `venv`, or the packages cannot be installed: these tests are never skipped.
#[must_use]
pub fn interpreter() -> &'static Path {
    static INTERPRETER: OnceLock<PathBuf> = OnceLock::new();
    INTERPRETER.get_or_init(|| {
        let requirements = root().join("tests/python/requirements.txt");
        let wanted = std::fs::read(&requirements).expect("tests/python/requirements.txt");
        let folder = target().join(format!("python-{}", &hex(&leaf_hash(&wanted))[..12]));
        let (python, done) = (folder.join("bin/python"), folder.join("complete"));
        // Two test processes at once: the second waits for the first.
        let _lock = alone(&folder);
        if !done.exists() {
            checked(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
            let mut pip = Command::new(&python);
            checked(
                pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(requirements),
            );
            std::fs::write(done, "").expect("a mark");
        }
        python
    })
}

/// Runs one of the scripts of `tests/python`.
///
/// # Panics
///
/// The interpreter cannot be had.
#[must_use]
pub fn script(name: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(interpreter());
    // An environment proxy is for the packages, not for a server on this machine.
    command.env("no_proxy", "127.0.0.1").env("PYTHONDONTWRITEBYTECODE", "1");
    command.arg(root().join("tests/python").join(name)).args(arguments).output().expect("the interpreter")
}

/// Until it is dropped no other test works on what stands in the folder.
pub(crate) fn alone(folder: &Path) -> std::fs::File {
    let lock = std::fs::File::create(folder.with_extension("lock")).expect("a lock file");
    lock.lock().expect("a lock");
    lock
}

/// The build's folder: the test's own program stands in `target/PROFILE/deps`.
pub(crate) fn target() -> PathBuf {
    let program = std::env::current_exe().expect("a program");
    program.ancestors().nth(3).expect("a build folder").to_owned()
}

fn checked(command: &mut Command) {
    let needs =
        "the tests of peers' clients need python3 with venv and pip (Debian: python3-venv), and a package index";
    let output = command.output().unwrap_or_else(|error| panic!("{needs}: {command:?}: {error}"));
    assert!(output.status.success(), "{needs}: {command:?}\n{}{}", text(&output.stdout), text(&output.stderr));
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
