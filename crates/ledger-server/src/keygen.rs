//! `keygen`: the key that signs checkpoints, and the one that verifies them.

use std::fs::{File, OpenOptions, remove_file};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ledger_log::{DEFAULT_ORIGIN, NoteSigner};

use crate::cli::usage;
use crate::output;

/// Arguments of `keygen`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Keygen {
    /// File for the signing key, readable by its owner only; the verifying key goes to F.vkey. Neither may exist.
    #[arg(long, value_name = "F")]
    out: PathBuf,
    /// The log's name, its origin in checkpoints. A key that replaces another one keeps the name.
    #[arg(long, value_name = "ORIGIN", default_value = DEFAULT_ORIGIN)]
    name: String,
}

/// Writes both keys; the verifying one is also printed.
pub(crate) fn command(args: &Keygen) -> ExitCode {
    match generate(&args.out, &args.name).and_then(|key| output::data(key + "\n")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => usage(&reason),
    }
}

fn generate(out: &Path, name: &str) -> Result<String, String> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| format!("no randomness from the system: {error}"))?;
    let signer = NoteSigner::new(name, &seed).map_err(|error| error.to_string())?;
    let (private, public) = (signer.to_text(), signer.verifier().to_text());
    let verifying = verifying(out);
    let failed = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    let mut file = create(out, 0o600).map_err(|error| failed(out, error))?;
    let written = create(&verifying, 0o644).map_err(|error| failed(&verifying, error)).and_then(|mut other| {
        write(&mut other, &public).map_err(|error| failed(&verifying, error))?;
        write(&mut file, &private).map_err(|error| failed(out, error))
    });
    if written.is_err() {
        // Half a pair is of no use; what was there before is untouched.
        drop(remove_file(out));
    }
    written.map(|()| public)
}

/// The file of the verifying key.
fn verifying(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".vkey");
    name.into()
}

fn create(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

fn write(file: &mut File, text: &str) -> io::Result<()> {
    file.write_all(format!("{text}\n").as_bytes())?;
    file.sync_all()
}

/// Reads a signing key.
///
/// # Errors
///
/// In words: the file cannot be read, or holds none. The key itself is never in them.
pub(crate) fn read(path: &Path) -> Result<NoteSigner, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    NoteSigner::parse(&text).map_err(|_| format!("{}: not a signing key as keygen writes it", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_pair_of_keys_is_made_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("ledger.key");
        let public = generate(&out, "prakerja.ledger/test").expect("a key");
        let signer = read(&out).expect("a key");
        assert_eq!((signer.name(), signer.verifier().to_text()), ("prakerja.ledger/test", public.clone()));
        assert_eq!(std::fs::read_to_string(folder.path().join("ledger.key.vkey")).expect("a key"), public + "\n");
        assert_eq!(out.metadata().expect("a file").permissions().mode() & 0o777, 0o600);

        let before = std::fs::read(&out).expect("readable");
        assert!(generate(&out, "a").expect_err("there is one").contains("exists"));
        assert_eq!(std::fs::read(&out).expect("readable"), before);
        std::fs::remove_file(&out).expect("removed");
        assert!(generate(&out, "a").expect_err("there is half a pair").contains(".vkey"));
        assert!(!out.exists(), "no half pair is left");
        assert!(generate(&folder.path().join("other"), "a b").is_err());
        let other = generate(&folder.path().join("other"), "prakerja.ledger/test").expect("a key");
        assert_ne!(other, signer.verifier().to_text(), "random");
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key");
        assert!(read(&file).expect_err("none").contains("No such file"));
        std::fs::write(&file, "PRIVATE+KEY+a+00000000+secret").expect("written");
        let said = read(&file).expect_err("no key");
        assert!(said.contains("not a signing key") && !said.contains("secret"), "{said}");
    }
}
