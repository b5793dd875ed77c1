//! The partner kit as a partner gets it: a copy of `partner-kit/`, its clients' packages installed by its own files.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use ledger_log::leaf_hash;

use crate::python::{checked, environment, hex, once, target};
use crate::server::root;

/// Whose language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// `partner-kit/python/client.py`.
    Python,
    /// `partner-kit/node/client.mjs`.
    Node,
}

impl Client {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Python, Self::Node];

    /// Its source, from the kit's folder.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Self::Python => "python/client.py",
            Self::Node => "node/client.mjs",
        }
    }

    /// A command that runs it.
    ///
    /// # Panics
    ///
    /// Its packages cannot be had: these tests are never skipped.
    #[must_use]
    pub fn command(self) -> Command {
        let mut command = match self {
            Self::Python => Command::new(environment("partner-kit/python/requirements.txt", &[])),
            Self::Node => Command::new("node"),
        };
        // An environment proxy is for the packages, not for a server on this machine.
        command.env("no_proxy", "127.0.0.1,localhost").env("PYTHONDONTWRITEBYTECODE", "1");
        command.arg(installed().join(self.source()));
        command
    }
}

/// The copy, by a name that changes with what it holds.
fn installed() -> &'static Path {
    static KIT: OnceLock<PathBuf> = OnceLock::new();
    KIT.get_or_init(|| {
        let kit = root().join("partner-kit");
        let files = [
            "descriptors.binpb",
            "service-config.json",
            "python/client.py",
            "node/client.mjs",
            "node/package.json",
            "node/package-lock.json",
        ];
        let read = |file: &&str| std::fs::read(kit.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let bytes: Vec<_> = files.iter().flat_map(read).collect();
        let folder = target().join(format!("kit-{}", &hex(&leaf_hash(&bytes))[..12]));
        std::fs::create_dir_all(&folder).expect("a folder");
        once(&folder, || {
            for file in files {
                let to = folder.join(file);
                std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
                std::fs::copy(kit.join(file), to).expect("a copy");
            }
            let mut npm = Command::new("npm");
            npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder.join("node"));
            checked(&mut npm, "the tests of the partner kit need node and npm, and a package index");
        });
        folder
    })
}
