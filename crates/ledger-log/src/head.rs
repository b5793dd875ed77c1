//! The file `head`: the size and root of the log, kept outside the store.
//!
//! The store may lose its tail without a word, so the log's length is also said here: written after each commit was
//! synced and before it is answered. Two slots in place, 4096 bytes apart, are written in turn, so a write torn by a
//! power cut leaves the other one. The write itself is not synced (that would cost a second sync per commit): after a
//! power cut the head may be older than the log, never newer, since the log was synced first.
//!
//! A slot: magic `LLHEAD01`, sequence (u64), size (u64), root (32 bytes), CRC-32C of all that (u32); big-endian, the
//! CRC little-endian; zeroes up to 4096.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::FileError;
use crate::merkle::{Hash, empty_root};

/// Size and root of the log: what a reader may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Number of records; the position of the next one.
    pub size: u64,
    /// RFC 6962 root over all of them.
    pub root: Hash,
}

impl Head {
    /// The head of a log without records.
    pub fn empty() -> Self {
        Head { size: 0, root: empty_root() }
    }
}

/// The file's name in the log folder.
pub(crate) const NAME: &str = "head";
const MAGIC: [u8; 8] = *b"LLHEAD01";
const SLOT_BYTES: usize = 4096;
const USED_BYTES: usize = 60;

/// What the file said when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) head: Head,
    sequence: u64,
    /// Whether one slot was unreadable: torn by a power cut, or damaged.
    pub(crate) torn_slot: bool,
}

/// Reads a head file; `None` when no slot is valid.
pub(crate) fn read(path: &Path) -> Result<Option<Stored>, FileError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(2 * SLOT_BYTES as u64).read_to_end(&mut bytes))
        .map_err(FileError::at("read", path))?;
    let slot = |index: usize| parse(bytes.get(index * SLOT_BYTES..)?, index as u64);
    Ok(match (slot(0), slot(1)) {
        (Some(a), Some(b)) => Some(if a.sequence > b.sequence { a } else { b }),
        (one, other) => one.or(other).map(|stored| Stored { torn_slot: true, ..stored }),
    })
}

fn parse(slot: &[u8], index: u64) -> Option<Stored> {
    let slot: &[u8; USED_BYTES] = slot.first_chunk()?;
    let (body, crc) = slot.split_last_chunk::<4>()?;
    let (magic, rest) = body.split_first_chunk::<8>()?;
    let (sequence, rest) = rest.split_first_chunk::<8>()?;
    let (size, root) = rest.split_first_chunk::<8>()?;
    let sequence = u64::from_be_bytes(*sequence);
    let valid = *magic == MAGIC && crc32c::crc32c(body) == u32::from_le_bytes(*crc) && sequence % 2 == index;
    valid.then(|| {
        let head = Head { size: u64::from_be_bytes(*size), root: root.try_into().unwrap_or_default() };
        Stored { head, sequence, torn_slot: false }
    })
}

/// The open head file of a writer.
#[derive(Debug)]
pub(crate) struct HeadFile {
    file: File,
    path: PathBuf,
    sequence: u64,
}

impl HeadFile {
    /// Writes the file of an empty log; durable on return.
    pub(crate) fn create(path: &Path) -> Result<HeadFile, FileError> {
        // Under another name first: a crash half-way must not leave a head that says nothing.
        let draft = crate::files::draft(path);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&draft)
            .map_err(FileError::at("create", &draft))?;
        file.set_len(2 * SLOT_BYTES as u64).map_err(FileError::at("write", &draft))?;
        let mut head_file = HeadFile { file, path: draft.clone(), sequence: 1 };
        // Sequences 2 and 3, so that both slots are valid from the start.
        head_file.write(Head::empty())?;
        head_file.write(Head::empty())?;
        head_file.sync()?;
        crate::files::rename(&draft, path)?;
        head_file.path = path.to_owned();
        Ok(head_file)
    }

    /// Opens the file that [`read`] has read.
    pub(crate) fn open(path: &Path, stored: &Stored) -> Result<HeadFile, FileError> {
        let file = OpenOptions::new().write(true).open(path).map_err(FileError::at("open", path))?;
        Ok(HeadFile { file, path: path.to_owned(), sequence: stored.sequence })
    }

    /// Replaces the older slot. Not synced.
    pub(crate) fn write(&mut self, head: Head) -> Result<(), FileError> {
        let sequence = self.sequence + 1;
        let mut slot = [0u8; USED_BYTES];
        slot[..8].copy_from_slice(&MAGIC);
        slot[8..16].copy_from_slice(&sequence.to_be_bytes());
        slot[16..24].copy_from_slice(&head.size.to_be_bytes());
        slot[24..56].copy_from_slice(&head.root);
        let crc = crc32c::crc32c(&slot[..56]);
        slot[56..].copy_from_slice(&crc.to_le_bytes());
        self.file
            .write_all_at(&slot, (sequence % 2) * SLOT_BYTES as u64)
            .map_err(FileError::at("write", &self.path))?;
        self.sequence = sequence;
        Ok(())
    }

    /// Makes what was written durable.
    pub(crate) fn sync(&self) -> Result<(), FileError> {
        self.file.sync_data().map_err(FileError::at("sync", &self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(size: u64) -> Head {
        Head { size, root: [size as u8; 32] }
    }

    #[test]
    fn the_newest_whole_slot_counts() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join(NAME);
        let mut file = HeadFile::create(&path).expect("created");
        let stored = read(&path).expect("readable").expect("valid");
        assert_eq!((stored.head, stored.torn_slot), (Head::empty(), false));
        for size in 1..=5 {
            file.write(head(size)).expect("written");
            assert_eq!(read(&path).expect("readable").expect("valid").head, head(size));
        }
        file.sync().expect("synced");

        let whole = std::fs::read(&path).expect("readable");
        for at in (0..whole.len()).step_by(3) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            std::fs::write(&path, &bytes).expect("written");
            let stored = read(&path).expect("readable").expect("one slot is whole");
            let newest_slot = ((stored.sequence % 2) as usize) * SLOT_BYTES;
            let in_slot = at % SLOT_BYTES < USED_BYTES;
            assert_eq!(stored.torn_slot, in_slot, "byte {at}");
            assert!(stored.head == head(5) || at.abs_diff(newest_slot) > 0 && stored.head == head(4), "byte {at}");
        }

        let reopened = read(&path).expect("readable").expect("valid");
        let mut file = HeadFile::open(&path, &reopened).expect("opened");
        file.write(head(6)).expect("written");
        assert_eq!(read(&path).expect("readable").expect("valid").head, head(6));
    }

    #[test]
    fn no_valid_slot_is_no_head() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join(NAME);
        for bytes in [vec![], vec![0; 10], vec![0; 8192], MAGIC.repeat(1024)] {
            std::fs::write(&path, &bytes).expect("written");
            assert_eq!(read(&path).expect("readable"), None, "{} bytes", bytes.len());
        }
        assert!(read(&dir.path().join("missing")).is_err());
    }
}
