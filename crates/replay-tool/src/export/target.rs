//! An output that gets its name when it is whole. Until then it grows in a hidden folder beside, which goes with whatever
//! was begun in it where something fails.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use tempfile::TempDir;

use crate::error::Error;

/// Name of what grows inside of the hidden folder.
const GROWING: &str = "export";

pub(super) struct Target {
    hidden: TempDir,
    to: PathBuf,
}

impl Target {
    /// Refuses what exists: an export is evidence, it is never written over.
    pub(super) fn begin(to: &Path) -> Result<Self, Error> {
        let failed = |source| Error::File { action: "write", file: to.to_owned(), source };
        if fs::symlink_metadata(to).is_ok() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        let name = to.file_name().ok_or_else(|| failed(io::ErrorKind::InvalidFilename.into()))?;
        let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let prefix = format!(".{}.", name.to_string_lossy());
        let hidden = tempfile::Builder::new().prefix(&prefix).suffix(".partial").tempdir_in(parent).map_err(failed)?;
        Ok(Self { hidden, to: to.to_owned() })
    }

    /// Where the output grows.
    pub(super) fn growing(&self) -> PathBuf {
        self.hidden.path().join(GROWING)
    }

    /// The folder that goes in the end, with whatever is in it.
    pub(super) fn hidden(&self) -> &Path {
        self.hidden.path()
    }

    /// The output as one file.
    pub(super) fn file(&self) -> Result<BufWriter<File>, Error> {
        let file = File::create_new(self.growing()).map_err(|error| self.failed(error))?;
        Ok(BufWriter::with_capacity(1 << 20, file))
    }

    /// What could not be written is this output: the user knows it by its own name.
    pub(super) fn names(&self, error: Error) -> Error {
        match error {
            Error::Output(source) => self.failed(source),
            error => error,
        }
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::File { action: "write", file: self.to.clone(), source }
    }

    /// Syncs it and gives it its name, in one step.
    pub(super) fn keep(self) -> Result<(), Error> {
        let growing = self.growing();
        sync(&growing).and_then(|()| rename(&growing, &self.to)).map_err(|error| self.failed(error))?;
        let parent = self.to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent).and_then(|folder| folder.sync_all()).map_err(|error| self.failed(error))
    }
}

/// A file, or a folder with its files.
fn sync(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            File::open(entry?.path())?.sync_all()?;
        }
    }
    File::open(path)?.sync_all()
}

/// Never over something that came there meanwhile; where the file system cannot promise that, after a last look.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) if fs::symlink_metadata(to).is_err() => fs::rename(from, to),
        renamed => Ok(renamed?),
    }
}
