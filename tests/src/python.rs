//! Python for the peers' tests: an environment of its own, made on first use beside the build's output.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use ledger_log::leaf_hash;

use crate::server::{root, text};

/// The interpreter of an environment with `tests/python/requirements.txt` installed.
///
/// # Panics
///
/// See [`environment`].
#[must_use]
pub fn interpreter() -> &'static Path {
    static INTERPRETER: OnceLock<PathBuf> = OnceLock::new();
    INTERPRETER.get_or_init(|| environment("tests/python/requirements.txt", &[]))
}

/// The interpreter of an environment with a file of requirements installed, by its path from the repository's root. It is made
/// once for these requirements and kept.
///
/// # Panics
///
/// There is no `python3` with `venv`, or the packages cannot be installed: these tests are never skipped.
#[must_use]
pub fn environment(requirements: &str, how: &[&str]) -> PathBuf {
    let requirements = root().join(requirements);
    let wanted = std::fs::read(&requirements).expect("the requirements");
    let folder = target().join(format!("python-{}", &hex(&leaf_hash(&wanted))[..12]));
    let python = folder.join("bin/python");
    once(&folder, || {
        checked(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder), PYTHON);
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(how);
        checked(pip.arg("-r").arg(&requirements), PYTHON);
    });
    python
}

/// Until it is dropped no other test works on what stands in the folder.
pub(crate) fn alone(folder: &Path) -> std::fs::File {
    let lock = std::fs::File::create(folder.with_extension("lock")).expect("a lock file");
    lock.lock().expect("a lock");
    lock
}

/// Makes a folder unless it is whole already. Two test processes at once: the second waits for the first.
pub(crate) fn once(folder: &Path, make: impl FnOnce()) {
    let _lock = alone(folder);
    let done = folder.join("complete");
    if !done.exists() {
        make();
        std::fs::write(done, "").expect("a mark");
    }
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

/// Holds an XML file against the published schema of an ISO 20022 message, such as `pain.001.001.09`.
///
/// # Panics
///
/// It is not valid; the text says where.
pub fn valid_xml(message: &str, file: &Path) {
    // Of these packages the schemas are wanted, not the code: nothing that they depend on is installed.
    let python = environment("tests/python/schemas.txt", &["--no-deps"]);
    let script = root().join("tests/python/valid_xml.py");
    let output = Command::new(python).arg(script).arg(message).arg(file).output().expect("the interpreter");
    assert!(output.status.success(), "{}: {}{}", file.display(), text(&output.stdout), text(&output.stderr));
}

/// The build's folder: the test's own program stands in `target/PROFILE/deps`.
pub(crate) fn target() -> PathBuf {
    let program = std::env::current_exe().expect("a program");
    program.ancestors().nth(3).expect("a build folder").to_owned()
}

const PYTHON: &str =
    "the tests of peers' clients need python3 with venv and pip (Debian: python3-venv), and a package index";

pub(crate) fn checked(command: &mut Command, needs: &str) {
    let output = command.output().unwrap_or_else(|error| panic!("{needs}: {command:?}: {error}"));
    assert!(output.status.success(), "{needs}: {command:?}\n{}{}", text(&output.stdout), text(&output.stderr));
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
