//! Chromium for the report's page. It comes inside of an npm package (`tests/browser/package.json`, versions and hashes in the
//! lock file), so that the registry that everybody has is enough; with it come the libraries and the font that it draws with.
//! Without it these tests fail: a page that nobody looked at is not one that was found good.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use sha2::{Digest, Sha256};

const NEEDS: &str =
    "the tests of the report need node 20 or later and npm (Debian: nodejs, npm), and a package registry";

fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}

/// The folder with the packages of `tests/browser`: made once for these versions, and kept beside the build's output.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let wanted = std::fs::read(files().join("package-lock.json")).expect("tests/browser/package-lock.json");
        let target = std::env::current_exe().expect("a program").ancestors().nth(3).expect("a build folder").to_owned();
        let folder = target.join(format!("browser-{}", &hex::encode(Sha256::digest(&wanted))[..12]));
        std::fs::create_dir_all(&folder).expect("a folder");
        let _alone = alone(&folder);
        let done = folder.join("complete");
        if !done.exists() {
            for name in ["package.json", "package-lock.json"] {
                std::fs::copy(files().join(name), folder.join(name)).expect("copied");
            }
            let mut npm = Command::new("npm");
            npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
            let output = npm.output().unwrap_or_else(|error| panic!("{NEEDS}: {error}"));
            assert!(output.status.success(), "{NEEDS}:\n{}", String::from_utf8_lossy(&output.stderr));
            std::fs::create_dir_all(folder.join("unpacked")).expect("a folder");
            std::fs::write(done, "").expect("a mark");
        }
        folder
    })
}

/// One at a time, of all tests and processes: they install and unpack into the same folder.
fn alone(folder: &Path) -> std::fs::File {
    let lock = std::fs::File::create(folder.join("lock")).expect("a lock file");
    lock.lock().expect("a lock");
    lock
}

/// What Chromium sees on a page, see `tests/browser/look.mjs`; pictures of it are left in `desk`.
pub(crate) fn look(page: &Path, desk: &Path) -> Value {
    let folder = folder();
    let _alone = alone(folder);
    let output = Command::new("node")
        .arg(files().join("look.mjs"))
        .args([page, desk])
        .current_dir(folder)
        .env("TMPDIR", folder.join("unpacked"))
        // By this name the package knows that it must bring its own libraries: no machine is asked for them.
        .env("AWS_EXECUTION_ENV", "AWS_Lambda_nodejs20.x")
        .output()
        .unwrap_or_else(|error| panic!("{NEEDS}: {error}"));
    assert!(output.status.success(), "no page was seen:\n{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}
