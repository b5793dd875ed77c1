//! The file `snapshot`: what the records up to a position add up to, so that a start reads only those behind it.
//!
//! It is no part of the log: it can be thrown away at any time, an archive or a backup has none, no tool of an auditor looks
//! at it, and what a close describes does not cover it. What it holds is blocks of bytes to this crate. It names the size
//! and the root of the log that it was made of, and the version of the rules that made it.
//!
//! | bytes | meaning |
//! |---|---|
//! | 8 | magic `LLSNAP01` |
//! | 4, 4, .. | each block: its length, the CRC-32C of its bytes, its bytes |
//! | 8 | number of records |
//! | 32 | RFC 6962 root over them |
//! | 4 | version of the rules |
//! | 8 | number of blocks |
//! | 4 | CRC-32C of the lengths and checksums of all blocks, one after the other |
//! | 4 | CRC-32C of the five fields above |
//! | 8 | magic `LLSNAPEN` |
//!
//! Numbers are little-endian. It is written beside, synced, and takes the place of the one before in one step.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::FileError;
use crate::files;
use crate::head::Head;

/// The file's name in the log folder.
pub(crate) const NAME: &str = "snapshot";
const MAGIC: [u8; 8] = *b"LLSNAP01";
const END_MAGIC: [u8; 8] = *b"LLSNAPEN";
const END_BYTES: usize = 68;
/// Written bytes after which the file is synced: what a commit's own sync may have to wait for.
const SYNC_BYTES: u64 = 1 << 20;

/// Why a snapshot is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It is damaged, or not of this format.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A snapshot being written. It counts from [`SnapshotWriter::finish`] on; dropped before, it leaves nothing.
#[derive(Debug)]
pub struct SnapshotWriter {
    file: File,
    draft: PathBuf,
    blocks: u64,
    /// Over the lengths and checksums so far.
    crc: u32,
    bytes: u64,
    synced: u64,
}

impl SnapshotWriter {
    /// Begins a snapshot of the log in `dir`.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn create(dir: &Path) -> Result<Self, FileError> {
        let draft = files::draft(&dir.join(NAME));
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&draft);
        let mut file = file.map_err(FileError::at("create", &draft))?;
        file.write_all(&MAGIC).map_err(FileError::at("write", &draft))?;
        Ok(Self { file, draft, blocks: 0, crc: 0, bytes: MAGIC.len() as u64, synced: 0 })
    }

    /// Bytes so far.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds a block.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn block(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        let mut header = [0; 8];
        header[..4].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
        header[4..].copy_from_slice(&crc32c::crc32c(bytes).to_le_bytes());
        self.blocks += 1;
        self.crc = crc32c::crc32c_append(self.crc, &header);
        self.bytes += (header.len() + bytes.len()) as u64;
        let written = self.file.write_all(&header).and_then(|()| self.file.write_all(bytes));
        written.map_err(FileError::at("write", &self.draft))?;
        if self.bytes - self.synced >= SYNC_BYTES {
            self.synced = self.bytes;
            self.file.sync_data().map_err(FileError::at("sync", &self.draft))?;
        }
        Ok(())
    }

    /// Ends it: what the records of `head`, which must be durable, add up to by the rules of that version. It has taken the
    /// place of an older one, durably, on return. Gives its bytes.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn finish(mut self, head: Head, rules: u32) -> Result<u64, FileError> {
        let mut end = Vec::with_capacity(END_BYTES);
        end.extend_from_slice(&head.size.to_le_bytes());
        end.extend_from_slice(&head.root);
        end.extend_from_slice(&rules.to_le_bytes());
        end.extend_from_slice(&self.blocks.to_le_bytes());
        end.extend_from_slice(&self.crc.to_le_bytes());
        end.extend_from_slice(&crc32c::crc32c(&end).to_le_bytes());
        end.extend_from_slice(&END_MAGIC);
        let written = self.file.write_all(&end).and_then(|()| self.file.sync_all());
        written.map_err(FileError::at("write", &self.draft))?;
        files::rename(&self.draft, &self.draft.with_file_name(NAME))?;
        Ok(self.bytes + END_BYTES as u64)
    }
}

impl Drop for SnapshotWriter {
    fn drop(&mut self) {
        // Gone already once it has its name; what stays behind otherwise is removed by the next opening too.
        let _ = std::fs::remove_file(&self.draft);
    }
}

/// A snapshot whose frame is whole.
#[derive(Debug)]
pub struct Snapshot {
    file: File,
    path: PathBuf,
    head: Head,
    rules: u32,
    bytes: u64,
    /// Where the bytes of each block begin, their length and checksum.
    blocks: Vec<(u64, u32, u32)>,
}

impl Snapshot {
    /// Opens the snapshot of the log in `dir`, where there is one, and checks all but the blocks' bytes.
    ///
    /// # Errors
    ///
    /// It is damaged or cannot be read.
    pub fn open(dir: &Path) -> Result<Option<Self>, Unusable> {
        let path = dir.join(NAME);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FileError::at("open", &path)(error).into()),
        };
        let read = Self::read(&file).map_err(FileError::at("read", &path))?;
        let (head, rules, bytes, blocks) = read.map_err(Unusable::Damaged)?;
        Ok(Some(Self { file, path, head, rules, bytes, blocks }))
    }

    #[expect(clippy::type_complexity, reason = "the parts of the frame, put together right above")]
    fn read(file: &File) -> std::io::Result<Result<(Head, u32, u64, Vec<(u64, u32, u32)>), &'static str>> {
        let bytes = file.metadata()?.len();
        let Some(end_at) = bytes.checked_sub(END_BYTES as u64).filter(|at| *at >= MAGIC.len() as u64) else {
            return Ok(Err("it is too short"));
        };
        let mut end = [0; END_BYTES];
        file.read_exact_at(&mut end, end_at)?;
        let word = |at: usize| u32::from_le_bytes(end[at..at + 4].try_into().unwrap_or_default());
        let long = |at: usize| u64::from_le_bytes(end[at..at + 8].try_into().unwrap_or_default());
        if end[60..] != END_MAGIC || word(56) != crc32c::crc32c(&end[..56]) {
            return Ok(Err("its end is not that of a snapshot"));
        }
        let head = Head { size: long(0), root: end[8..40].try_into().unwrap_or_default() };
        let mut magic = [0; MAGIC.len()];
        file.read_exact_at(&mut magic, 0)?;
        let (mut at, mut crc, mut blocks) = (MAGIC.len() as u64, 0, Vec::new());
        while at + 8 <= end_at {
            let mut header = [0; 8];
            file.read_exact_at(&mut header, at)?;
            crc = crc32c::crc32c_append(crc, &header);
            let field = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().unwrap_or_default());
            blocks.push((at + 8, field(0), field(4)));
            at += 8 + u64::from(field(0));
        }
        if magic != MAGIC || at != end_at || blocks.len() as u64 != long(44) || crc != word(52) {
            return Ok(Err("its blocks are not those that it ended with"));
        }
        Ok(Ok((head, word(40), bytes, blocks)))
    }

    /// Size and root of the log that it was made of.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// The version of the rules that made it.
    #[must_use]
    pub const fn rules(&self) -> u32 {
        self.rules
    }

    /// Bytes of the file.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many blocks it has.
    #[must_use]
    pub const fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// The bytes of a block; any number of threads may read.
    ///
    /// # Errors
    ///
    /// They are damaged or cannot be read.
    pub fn block(&self, index: usize) -> Result<Vec<u8>, Unusable> {
        let (at, length, crc) = *self.blocks.get(index).ok_or(Unusable::Damaged("there is no such block"))?;
        let mut bytes = vec![0; length as usize];
        self.file.read_exact_at(&mut bytes, at).map_err(FileError::at("read", &self.path))?;
        if crc32c::crc32c(&bytes) != crc {
            return Err(Unusable::Damaged("the checksum of a block does not match"));
        }
        Ok(bytes)
    }

    /// Throws away the snapshot of the log in `dir`, where there is one; durable on return.
    ///
    /// # Errors
    ///
    /// It cannot be removed.
    pub fn remove(dir: &Path) -> Result<(), FileError> {
        files::remove_file(&dir.join(NAME))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Head = Head { size: 300, root: [5; 32] };

    fn write(dir: &Path) {
        let mut writer = SnapshotWriter::create(dir).expect("created");
        for length in [1, 0, 700] {
            writer.block(&vec![length as u8; length]).expect("written");
        }
        assert_eq!(writer.finish(HEAD, 7).expect("durable"), dir.join(NAME).metadata().expect("there").len());
    }

    fn read(dir: &Path) -> Result<Vec<Vec<u8>>, Unusable> {
        let snapshot = Snapshot::open(dir)?.expect("there");
        assert_eq!((snapshot.head(), snapshot.rules()), (HEAD, 7));
        (0..snapshot.blocks()).map(|block| snapshot.block(block)).collect()
    }

    #[test]
    fn blocks_come_back_and_nothing_is_left_beside() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(Snapshot::open(dir.path()).expect("readable").is_none());
        for _ in 0..2 {
            write(dir.path());
            assert_eq!(read(dir.path()).expect("whole"), [vec![1], vec![], vec![188; 700]]);
            assert_eq!(files::entries(dir.path()).expect("listed"), [dir.path().join(NAME)]);
        }
        let mut given_up = SnapshotWriter::create(dir.path()).expect("created");
        given_up.block(b"half").expect("written");
        drop(given_up);
        assert_eq!(read(dir.path()).expect("the one before").len(), 3);
        Snapshot::remove(dir.path()).expect("removed");
        assert!(files::entries(dir.path()).expect("listed").is_empty());
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_found() {
        let dir = tempfile::tempdir().expect("a folder");
        write(dir.path());
        let path = dir.path().join(NAME);
        let whole = std::fs::read(&path).expect("readable");
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            std::fs::write(&path, &bytes).expect("written");
            assert!(matches!(read(dir.path()), Err(Unusable::Damaged(_))), "byte {at}");
            std::fs::write(&path, &whole[..at]).expect("written");
            assert!(matches!(read(dir.path()), Err(Unusable::Damaged(_))), "cut at {at}");
        }
        let twice = [&whole[..], &whole[..]].concat();
        std::fs::write(&path, twice).expect("written");
        assert!(matches!(read(dir.path()), Err(Unusable::Damaged(_))), "one behind the other");
    }
}
