//! Folders and files made durable: a name is on disk only when its folder was synced.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::FileError;

/// Bytes free for an ordinary user on the file system of `dir`.
pub fn free_bytes(dir: &Path) -> Result<u64, FileError> {
    let stat =
        rustix::fs::statvfs(dir).map_err(io::Error::from).map_err(FileError::at("ask for the free space of", dir))?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Makes the names in `dir` durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), FileError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(FileError::at("sync the folder", dir))
}

/// Makes the name of `path` itself durable.
pub(crate) fn sync_name(path: &Path) -> Result<(), FileError> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => sync_dir(Path::new(".")),
        Some(parent) => sync_dir(parent),
        None => Ok(()),
    }
}

/// Makes what is in the file durable.
pub(crate) fn sync_file(path: &Path) -> Result<(), FileError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(FileError::at("sync", path))
}

/// Makes every file under `dir`, and every name, durable.
pub(crate) fn sync_tree(dir: &Path) -> Result<(), FileError> {
    files_under(dir)?.iter().try_for_each(|path| sync_file(path))?;
    for entry in entries(dir)? {
        if entry.is_dir() {
            sync_tree(&entry)?;
        }
    }
    sync_dir(dir)
}

/// Whether `path` exists; a path that cannot be asked for is an error, not an absence.
pub(crate) fn exists(path: &Path) -> Result<bool, FileError> {
    path.try_exists().map_err(FileError::at("look for", path))
}

/// Creates `dir` and its parents where missing; every new name is durable on return. That includes a name which is there
/// already: a process that was killed may have made it and not synced it.
pub(crate) fn create_dir(dir: &Path) -> Result<(), FileError> {
    if exists(dir)? {
        return match sync_name(dir) {
            // Whoever may not open the folder above did not make this one.
            Err(error) if error.source.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            synced => synced,
        };
    }
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_dir(parent)?;
    }
    match fs::create_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(FileError::at("create", dir)(error)),
        _ => {}
    }
    sync_name(dir)
}

/// Removes a file, if it is there; durable on return.
pub(crate) fn remove_file(path: &Path) -> Result<(), FileError> {
    if exists(path)? {
        fs::remove_file(path).map_err(FileError::at("remove", path))?;
        sync_name(path)?;
    }
    Ok(())
}

/// Removes a folder with all it holds, if it is there; durable on return.
pub(crate) fn remove_tree(dir: &Path) -> Result<(), FileError> {
    if exists(dir)? {
        fs::remove_dir_all(dir).map_err(FileError::at("remove", dir))?;
        sync_name(dir)?;
    }
    Ok(())
}

/// The name under which a file or folder is made until it is whole.
pub(crate) fn draft(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

/// Whether it is such a name.
pub(crate) fn is_draft(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "new")
}

/// Renames within one folder; durable on return.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), FileError> {
    fs::rename(from, to).map_err(FileError::at("rename", from))?;
    sync_name(to)
}

/// The files anywhere under `dir`, in order of their names.
pub(crate) fn files_under(dir: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut files = Vec::new();
    for path in entries(dir)? {
        if path.is_dir() {
            files.extend(files_under(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

/// What lies directly in `dir`, in order of names.
pub(crate) fn entries(dir: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(FileError::at("list", dir))? {
        paths.push(entry.map_err(FileError::at("list", dir))?.path());
    }
    paths.sort();
    Ok(paths)
}

/// Sum of the lengths of the files under `dir`, bytes.
pub(crate) fn bytes_under(dir: &Path) -> Result<u64, FileError> {
    files_under(dir)?
        .iter()
        .map(|path| path.metadata().map(|meta| meta.len()).map_err(FileError::at("look at", path)))
        .sum()
}

/// Copies a file if it is there. Not synced.
pub(crate) fn copy_file(from: &Path, to: &Path) -> Result<(), FileError> {
    if exists(from)? {
        fs::copy(from, to).map_err(FileError::at("copy", from))?;
    }
    Ok(())
}

/// Copies a folder with all it holds to `to`, which must not exist yet. Not synced.
pub(crate) fn copy_tree(from: &Path, to: &Path) -> Result<(), FileError> {
    fs::create_dir(to).map_err(FileError::at("create", to))?;
    for path in entries(from)? {
        let Some(name) = path.file_name() else { continue };
        let target = to.join(name);
        if path.is_dir() {
            copy_tree(&path, &target)?;
        } else {
            fs::copy(&path, &target).map_err(FileError::at("copy", &path))?;
        }
    }
    Ok(())
}
