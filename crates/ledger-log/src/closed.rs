//! The file `closed`: what every other file of the log looked like when it was closed in good order.
//!
//! A store that was closed has bytes that no record depends on, and some that make it lose records without a word. So a
//! close in good order leaves the length of every file and a hash of each of its 64 KiB blocks here. A CRC would not do: in
//! files that hold CRCs themselves, `head` for one, each older state that was valid has the same CRC as the newest. The next
//! opening compares them before sled touches anything, and takes the file away before it lets sled go on. After a
//! crash there is no such file; then the records' own checksums and the root must do, on a copy. That it was lost and not
//! never there is said by `LOCK` (see `lock`). Sealed segments are not described here: they never change, and carry
//! checksums of their own.
//!
//! Layout: magic `LLCLOSE1`; number of files (u32); each file: length of its name (u32), name relative to the log
//! folder, its length (u64), the SHA-256 of each block (32 bytes each); at the end the CRC-32C of all of it (u32).
//! Little-endian.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::error::{Damage, FileError};
use crate::merkle::Hash;
use crate::{checkpoints, files, head, manifest, subtrees};

/// The file's name in the log folder.
pub(crate) const NAME: &str = "closed";
/// The folder of the live volumes.
pub(crate) const LIVE: &str = "live";
const MAGIC: [u8; 8] = *b"LLCLOSE1";
const BLOCK: usize = 64 * 1024;

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    length: u64,
    blocks: Vec<Hash>,
}

/// Describes the files of `dir` as they are; durable on return. Nothing may write to them any more.
///
/// Each is made durable before: a process that was killed may have written to it and not synced it, and nobody since.
pub(crate) fn write(dir: &Path) -> Result<(), FileError> {
    let listed = list(dir)?;
    listed.iter().try_for_each(|path| files::sync_file(path))?;
    let entries = listed.iter().map(|path| describe(dir, path)).collect::<Result<Vec<_>, _>>()?;
    let path = dir.join(NAME);
    let draft = files::draft(&path);
    File::create(&draft)
        .and_then(|mut file| {
            file.write_all(&to_bytes(&entries))?;
            file.sync_all()
        })
        .map_err(FileError::at("write", &draft))?;
    files::rename(&draft, &path)
}

/// Like [`write`], once sled has let go of its files; does nothing if it does not, since a log without a description is only
/// slower to open. Gives whether it was written.
pub(crate) fn write_when_released(dir: &Path) -> Result<bool, FileError> {
    for volume in files::entries(&dir.join(LIVE))? {
        if !released(&volume.join("db"))? {
            return Ok(false);
        }
    }
    write(dir).map(|()| true)
}

fn released(path: &Path) -> Result<bool, FileError> {
    let file = File::open(path).map_err(FileError::at("open", path))?;
    for _ in 0..100 {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
            Err(TryLockError::Error(error)) => return Err(FileError::at("lock", path)(error)),
        }
    }
    Ok(false)
}

/// Compares the files of `dir` with what was written at the close. `None`: there was no close in good order.
/// `Some(None)`: all is as it was. The position of the damage is left at 0 for the caller to find. `said` is
/// what the lock file said: whether there was a close.
pub(crate) fn compare(dir: &Path, said: &Result<bool, Damage>) -> Result<Option<Option<Damage>>, FileError> {
    let path = dir.join(NAME);
    let says_closed = match said {
        Ok(says_closed) => *says_closed,
        Err(damage) => return Ok(Some(Some(damage.clone()))),
    };
    if !files::exists(&path)? {
        let missing = || Damage::new(0, NAME, "the list of files that a close writes", "no such file");
        return Ok(says_closed.then(missing).map(Some));
    }
    let bytes = std::fs::read(&path).map_err(FileError::at("read", &path))?;
    let Some(then) = from_bytes(&bytes) else {
        return Ok(Some(Some(Damage::new(0, NAME, "the list of files that a close writes", "another content"))));
    };
    let now = list(dir)?.iter().map(|path| describe(dir, path)).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(difference(&then, &now)))
}

/// Takes the description away, because the files are about to change; durable on return.
pub(crate) fn remove(dir: &Path) -> Result<(), FileError> {
    files::remove_file(&dir.join(NAME))
}

fn list(dir: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut paths = Vec::new();
    for name in [head::NAME, subtrees::NAME, checkpoints::NAME, manifest::NAME] {
        let path = dir.join(name);
        if files::exists(&path)? {
            paths.push(path);
        }
    }
    let live = dir.join(LIVE);
    if files::exists(&live)? {
        paths.extend(files::files_under(&live)?);
    }
    Ok(paths)
}

fn describe(dir: &Path, path: &Path) -> Result<Entry, FileError> {
    let name = path.strip_prefix(dir).unwrap_or(path).to_string_lossy().into_owned();
    let mut file = File::open(path).map_err(FileError::at("open", path))?;
    let mut entry = Entry { name, length: 0, blocks: Vec::new() };
    let mut block = Vec::with_capacity(BLOCK);
    loop {
        block.clear();
        Read::by_ref(&mut file).take(BLOCK as u64).read_to_end(&mut block).map_err(FileError::at("read", path))?;
        if block.is_empty() {
            return Ok(entry);
        }
        entry.length += block.len() as u64;
        entry.blocks.push(Sha256::digest(&block).into());
    }
}

fn difference(then: &[Entry], now: &[Entry]) -> Option<Damage> {
    for old in then {
        let Some(new) = now.iter().find(|new| new.name == old.name) else {
            return Some(Damage::new(0, &old.name, "the file that was there when the log was closed", "no such file"));
        };
        if old.length != new.length {
            let bytes = |entry: &Entry| format!("{} bytes, as when the log was closed", entry.length);
            return Some(Damage::new(0, &old.name, bytes(old), format!("{} bytes", new.length)));
        }
        let differs = |&(a, b): &(&Hash, &Hash)| a != b;
        if let Some(block) = old.blocks.iter().zip(&new.blocks).position(|pair| differs(&pair)) {
            let from = block as u64 * BLOCK as u64;
            let place = format!("{} bytes {from}..{}", old.name, (from + BLOCK as u64).min(old.length));
            let others = old.blocks.iter().zip(&new.blocks).filter(differs).count() - 1;
            let found = match others {
                0 => "other bytes".to_owned(),
                _ => format!("other bytes, here and in {others} more blocks"),
            };
            return Some(Damage::new(0, place, "the bytes that were there when the log was closed", found));
        }
    }
    let extra = now.iter().find(|new| then.iter().all(|old| old.name != new.name))?;
    Some(Damage::new(0, &extra.name, "no such file when the log was closed", "a file"))
}

fn to_bytes(entries: &[Entry]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&(entries.len() as u32).to_le_bytes());
    for entry in entries {
        out.extend_from_slice(&(entry.name.len() as u32).to_le_bytes());
        out.extend_from_slice(entry.name.as_bytes());
        out.extend_from_slice(&entry.length.to_le_bytes());
        entry.blocks.iter().for_each(|hash| out.extend_from_slice(hash));
    }
    let crc = crc32c::crc32c(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}

fn from_bytes(bytes: &[u8]) -> Option<Vec<Entry>> {
    let (body, crc) = bytes.split_last_chunk::<4>()?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
        return None;
    }
    let mut rest = body.strip_prefix(&MAGIC)?;
    let mut entries = Vec::new();
    for _ in 0..take_u32(&mut rest)? {
        let name_length = take_u32(&mut rest)? as usize;
        let (name, after) = rest.split_at_checked(name_length)?;
        let (length, after) = after.split_first_chunk::<8>()?;
        rest = after;
        let length = u64::from_le_bytes(*length);
        let mut blocks = Vec::new();
        for _ in 0..length.div_ceil(BLOCK as u64) {
            let (hash, after) = rest.split_first_chunk::<32>()?;
            blocks.push(*hash);
            rest = after;
        }
        entries.push(Entry { name: std::str::from_utf8(name).ok()?.to_owned(), length, blocks });
    }
    rest.is_empty().then_some(entries)
}

fn take_u32(bytes: &mut &[u8]) -> Option<u32> {
    let (value, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(dir.path().join("live/blobs")).expect("created");
        fs::write(dir.path().join("live/db"), vec![5; 3 * BLOCK + 17]).expect("written");
        fs::write(dir.path().join("live/conf"), b"conf").expect("written");
        fs::write(dir.path().join("head"), b"head").expect("written");
        fs::write(dir.path().join("subtrees"), b"").expect("written");
        dir
    }

    fn found(dir: &Path) -> Option<String> {
        compare(dir, &Ok(false)).expect("readable").expect("closed").map(|damage| damage.place)
    }

    #[test]
    fn any_change_after_the_close_is_named() {
        let dir = folder();
        assert_eq!(compare(dir.path(), &Ok(false)).expect("readable"), None, "never closed");
        write(dir.path()).expect("written");
        assert_eq!(found(dir.path()), None);
        type Change = fn(&Path) -> std::io::Result<()>;
        let table: [(&str, Change); 6] = [
            ("live/db bytes 131072..196608", |dir| {
                let mut bytes = fs::read(dir.join("live/db"))?;
                bytes[2 * BLOCK + 5] ^= 1;
                fs::write(dir.join("live/db"), bytes)
            }),
            ("live/db", |dir| File::options().write(true).open(dir.join("live/db"))?.set_len(100)),
            ("live/conf", |dir| fs::remove_file(dir.join("live/conf"))),
            ("live/snap.FFFF", |dir| fs::write(dir.join("live/snap.FFFF"), b"")),
            ("subtrees", |dir| fs::write(dir.join("subtrees"), b"more")),
            ("head bytes 0..4", |dir| fs::write(dir.join("head"), b"daeh")),
        ];
        for (place, change) in table {
            let dir = folder();
            write(dir.path()).expect("written");
            change(dir.path()).expect("changed");
            assert_eq!(found(dir.path()).as_deref(), Some(place));
        }
    }

    #[test]
    fn an_older_head_that_was_valid_is_not_the_newest() {
        let dir = folder();
        let path = dir.path().join(head::NAME);
        let mut file = head::HeadFile::create(&path).expect("created");
        let older = fs::read(&path).expect("readable");
        file.write(head::Head { size: 7, root: [7; 32] }).expect("written");
        assert_eq!(crc32c::crc32c(&older), crc32c::crc32c(&fs::read(&path).expect("readable")), "why no CRC is taken");
        write(dir.path()).expect("written");
        assert_eq!(found(dir.path()), None);
        fs::write(&path, older).expect("written");
        assert_eq!(found(dir.path()).as_deref(), Some("head bytes 0..8192"));
    }

    #[test]
    fn every_changed_byte_of_the_list_itself_is_found() {
        let dir = folder();
        write(dir.path()).expect("written");
        let path = dir.path().join(NAME);
        let whole = fs::read(&path).expect("readable");
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x40;
            fs::write(&path, &bytes).expect("written");
            assert_eq!(found(dir.path()).as_deref(), Some(NAME), "byte {at}");
            fs::write(&path, &whole[..at]).expect("written");
            assert_eq!(found(dir.path()).as_deref(), Some(NAME), "cut at {at}");
        }
        fs::write(&path, &whole).expect("written");
        assert_eq!(found(dir.path()), None);
        remove(dir.path()).expect("removed");
        assert_eq!(compare(dir.path(), &Ok(false)).expect("readable"), None);
        let lost = compare(dir.path(), &Ok(true)).expect("readable").expect("closed");
        assert_eq!(lost.map(|damage| (damage.place, damage.found)), Some((NAME.to_owned(), "no such file".to_owned())));
    }
}
