//! A segment: records that are done with, in one plain file that never changes again.
//!
//! | bytes | meaning |
//! |---|---|
//! | 8 | magic `LLSEGM01` |
//! | 8 | position of the first record, big-endian |
//! | .. | blocks: each the value of a chunk (see `chunk`) of 256 records; the last block of an archive's tail may have fewer |
//! | 8 each | where each block begins in the file, big-endian |
//! | 8 | position of the first record, big-endian |
//! | 8 | number of records, big-endian |
//! | 32 | RFC 6962 root over these records alone |
//! | 8 | where the list of blocks begins, big-endian |
//! | 4 | CRC-32C, little-endian, of the first 16 bytes, the list and the four fields above |
//! | 8 | magic `LLSEGEND` |
//!
//! The first position is a multiple of the segment's full size, a power of two; so a full segment is a perfect subtree of
//! the log's tree, and its root one of that tree's nodes. A block lies at the same place of every segment, so a record is
//! found with one read.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::chunk::{self, Chunk};
use crate::error::{Damage, FileError, OpenError, ReadError};
use crate::files;
use crate::merkle::{Frontier, Hash, leaf_hash};
use crate::subtrees::BLOCK_LEVEL;

const MAGIC: [u8; 8] = *b"LLSEGM01";
const END_MAGIC: [u8; 8] = *b"LLSEGEND";
const HEADER_BYTES: u64 = 16;
const FOOTER_BYTES: usize = 68;
/// Records of a block.
pub(crate) const BLOCK: u64 = 1 << BLOCK_LEVEL;
/// Written bytes after which the file is synced: what a commit's own sync may have to wait for.
const SYNC_BYTES: u64 = 1 << 20;

/// The name of a full segment's file: the position of its first record as 20 digits.
pub(crate) fn name(first: u64) -> String {
    format!("{first:020}.segment")
}

/// The name of a segment's file that is not full: also the number of its records, since another one follows it.
pub(crate) fn tail_name(first: u64, count: u64) -> String {
    format!("{first:020}-{count}.segment")
}

/// What a segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Contents {
    /// Position of the first record.
    pub(crate) first: u64,
    /// Number of records.
    pub(crate) count: u64,
    /// RFC 6962 root over these records alone.
    pub(crate) root: Hash,
}

impl Contents {
    /// Position after the last record.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.count
    }
}

/// An open segment.
#[derive(Debug)]
pub(crate) struct Segment {
    file: File,
    path: PathBuf,
    contents: Contents,
    /// Where each block begins; then where the last one ends.
    blocks: Vec<u64>,
}

impl Segment {
    /// Opens a segment and checks what surrounds its blocks; the blocks are checked as they are read.
    pub(crate) fn open(path: &Path) -> Result<Segment, OpenError> {
        let file = File::open(path).map_err(FileError::at("open", path))?;
        let length = file.metadata().map_err(FileError::at("look at", path))?.len();
        let tail = Tail::read(&file, length).map_err(FileError::at("read", path))?;
        let Tail { contents, blocks } = tail.map_err(|found| {
            // Which of its records are there is not known; the name says where they would begin.
            let name = path.file_name().and_then(|name| name.to_str());
            let first = name.and_then(|name| name.get(..20)?.parse().ok()).unwrap_or(0);
            Damage::new(first, place(path), "a whole segment", found)
        })?;
        Ok(Segment { file, path: path.to_owned(), contents, blocks })
    }

    pub(crate) fn contents(&self) -> Contents {
        self.contents
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the file.
    pub(crate) fn bytes(&self) -> u64 {
        self.blocks.last().map_or(0, |end| end + 8 * (self.blocks.len() as u64 - 1)) + FOOTER_BYTES as u64
    }

    /// The block that holds the record at `position`, which must be in this segment.
    pub(crate) fn block(&self, position: u64) -> Result<(Chunk, Arc<Vec<u8>>), ReadError> {
        let index = ((position - self.contents.first) / BLOCK) as usize;
        let first = self.contents.first + index as u64 * BLOCK;
        let damage = |found: String| {
            let place = format!("{} bytes {}..{}", place(&self.path), self.blocks[index], self.blocks[index + 1]);
            ReadError::Damaged(Damage::new(first, place, "a whole block", found))
        };
        let mut bytes = vec![0; (self.blocks[index + 1] - self.blocks[index]) as usize];
        self.file.read_exact_at(&mut bytes, self.blocks[index]).map_err(FileError::at("read", &self.path))?;
        let chunk = Chunk::parse(first, &bytes).map_err(|fault| damage(fault.to_string()))?;
        let expected = BLOCK.min(self.contents.end() - first);
        if chunk.count != expected {
            return Err(damage(format!("{} records instead of {expected}", chunk.count)));
        }
        Ok((chunk, Arc::new(bytes)))
    }

    /// Tells the system that the block which holds the record at `position`, in this segment, will be read soon.
    pub(crate) fn will_need(&self, position: u64) {
        let index = ((position - self.contents.first) / BLOCK) as usize;
        let length = std::num::NonZero::new(self.blocks[index + 1] - self.blocks[index]);
        // A hint: where it is not taken, the read waits for the disk itself.
        let _ = rustix::fs::fadvise(&self.file, self.blocks[index], length, rustix::fs::Advice::WillNeed);
    }

    /// Reads everything back and compares it with the root.
    pub(crate) fn verify(&self) -> Result<(), ReadError> {
        let mut frontier = Frontier::default();
        let Contents { first, root, .. } = self.contents;
        let mut next = first;
        while next < self.contents.end() {
            let (chunk, bytes) = self.block(next)?;
            chunk.records(&bytes).for_each(|(_, record)| frontier.append(leaf_hash(record)));
            next = chunk.end();
        }
        if frontier.root() != root {
            let expected = "the records whose root the segment names";
            return Err(ReadError::Damaged(Damage::new(first, place(&self.path), expected, "another root")));
        }
        Ok(())
    }
}

/// How a segment is named in findings.
pub(crate) fn place(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    format!("{}/{name}", crate::manifest::FOLDER)
}

/// What follows the blocks.
struct Tail {
    contents: Contents,
    blocks: Vec<u64>,
}

impl Tail {
    /// What is wrong with it, if it is not what a segment ends with.
    fn read(file: &File, length: u64) -> io::Result<Result<Tail, String>> {
        let Some(footer_at) = length.checked_sub(FOOTER_BYTES as u64).filter(|at| *at >= HEADER_BYTES) else {
            return Ok(Err(format!("{length} bytes")));
        };
        let mut footer = [0; FOOTER_BYTES];
        file.read_exact_at(&mut footer, footer_at)?;
        let field = |at: usize| u64::from_be_bytes(footer[at..at + 8].try_into().unwrap_or_default());
        let contents =
            Contents { first: field(0), count: field(8), root: footer[16..48].try_into().unwrap_or_default() };
        let list_at = field(48);
        if footer[60..] != END_MAGIC || list_at < HEADER_BYTES || list_at > footer_at {
            return Ok(Err("another end".to_owned()));
        }
        let mut list = vec![0; (footer_at - list_at) as usize];
        file.read_exact_at(&mut list, list_at)?;
        let mut header = [0; HEADER_BYTES as usize];
        file.read_exact_at(&mut header, 0)?;
        if checksum(&header, &list, &footer[..56]).to_le_bytes() != footer[56..60] {
            return Ok(Err("a list of blocks whose checksum does not match".to_owned()));
        }
        let (offsets, rest) = list.as_chunks::<8>();
        let mut blocks: Vec<u64> = offsets.iter().map(|bytes| u64::from_be_bytes(*bytes)).collect();
        blocks.push(list_at);
        let whole = header[..8] == MAGIC
            && header[8..] == footer[..8]
            && rest.is_empty()
            && contents.first.is_multiple_of(BLOCK)
            && contents.first.checked_add(contents.count).is_some()
            && offsets.len() as u64 == contents.count.div_ceil(BLOCK)
            && blocks[0] == HEADER_BYTES
            && blocks.is_sorted();
        Ok(if whole { Ok(Tail { contents, blocks }) } else { Err("fields that contradict each other".to_owned()) })
    }
}

fn checksum(header: &[u8], list: &[u8], footer: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(crc32c::crc32c(header), list), footer)
}

/// A segment being written, under a name of its own until it is whole.
#[derive(Debug)]
pub(crate) struct SegmentWriter {
    out: BufWriter<File>,
    draft: PathBuf,
    first: u64,
    count: u64,
    at: u64,
    synced: u64,
    blocks: Vec<u64>,
    /// The block being filled: its records one after the other, and where each ends.
    block: Vec<u8>,
    ends: Vec<usize>,
    value: Vec<u8>,
}

impl SegmentWriter {
    /// Begins the segment whose first record is at `first`, in `folder`.
    pub(crate) fn create(folder: &Path, first: u64) -> Result<SegmentWriter, FileError> {
        let draft = files::draft(&folder.join(name(first)));
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&draft);
        let mut out = BufWriter::with_capacity(1 << 18, file.map_err(FileError::at("create", &draft))?);
        out.write_all(&header(first)).map_err(FileError::at("write", &draft))?;
        Ok(SegmentWriter {
            out,
            draft,
            first,
            count: 0,
            at: HEADER_BYTES,
            synced: 0,
            blocks: Vec::new(),
            block: Vec::new(),
            ends: Vec::new(),
            value: Vec::new(),
        })
    }

    /// Adds the next record.
    pub(crate) fn push(&mut self, record: &[u8]) -> Result<(), FileError> {
        self.block.extend_from_slice(record);
        self.ends.push(self.block.len());
        self.count += 1;
        if self.count.is_multiple_of(BLOCK) { self.end_block() } else { Ok(()) }
    }

    fn end_block(&mut self) -> Result<(), FileError> {
        let count = self.ends.len() as u64;
        if count == 0 {
            return Ok(());
        }
        let mut from = 0;
        let records: Vec<&[u8]> = self
            .ends
            .iter()
            .map(|&end| {
                let record = &self.block[from..end];
                from = end;
                record
            })
            .collect();
        let first = self.first + self.count - count;
        chunk::encode(&mut self.value, first, first, count, &records);
        self.blocks.push(self.at);
        self.at += self.value.len() as u64;
        self.out.write_all(&self.value).map_err(FileError::at("write", &self.draft))?;
        self.block.clear();
        self.ends.clear();
        if self.at - self.synced >= SYNC_BYTES {
            self.sync()?;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), FileError> {
        self.synced = self.at;
        let synced = self.out.flush().and_then(|()| self.out.get_ref().sync_data());
        synced.map_err(FileError::at("sync", &self.draft))
    }

    /// Number of records so far.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Ends the segment, reads it back, and gives it its name; durable on return. `root` is the root over its records,
    /// known from elsewhere.
    pub(crate) fn finish(mut self, name: &str, root: Hash) -> Result<Segment, OpenError> {
        self.end_block()?;
        let list: Vec<u8> = self.blocks.iter().flat_map(|at| at.to_be_bytes()).collect();
        let mut footer = Vec::with_capacity(FOOTER_BYTES);
        footer.extend_from_slice(&self.first.to_be_bytes());
        footer.extend_from_slice(&self.count.to_be_bytes());
        footer.extend_from_slice(&root);
        footer.extend_from_slice(&self.at.to_be_bytes());
        let crc = checksum(&header(self.first), &list, &footer);
        footer.extend_from_slice(&crc.to_le_bytes());
        footer.extend_from_slice(&END_MAGIC);
        let written = self.out.write_all(&list).and_then(|()| self.out.write_all(&footer));
        written.map_err(FileError::at("write", &self.draft))?;
        self.sync()?;
        Segment::open(&self.draft)?.verify().map_err(OpenError::from)?;
        let path = self.draft.with_file_name(name);
        files::rename(&self.draft, &path)?;
        Segment::open(&path)
    }
}

impl Drop for SegmentWriter {
    fn drop(&mut self) {
        // Gone already once it has its name; what stays behind otherwise is removed by the next opening too.
        let _ = std::fs::remove_file(&self.draft);
    }
}

fn header(first: u64) -> [u8; HEADER_BYTES as usize] {
    let mut header = [0; HEADER_BYTES as usize];
    header[..8].copy_from_slice(&MAGIC);
    header[8..].copy_from_slice(&first.to_be_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: u64 = 4096;

    fn record(position: u64) -> Vec<u8> {
        vec![position as u8; (position % 300) as usize]
    }

    fn write(folder: &Path, count: u64) -> Segment {
        let mut writer = SegmentWriter::create(folder, FIRST).expect("created");
        let mut frontier = Frontier::default();
        for position in FIRST..FIRST + count {
            writer.push(&record(position)).expect("written");
            frontier.append(leaf_hash(&record(position)));
        }
        writer.finish(&name(FIRST), frontier.root()).expect("whole")
    }

    #[test]
    fn every_record_is_read_back() {
        for count in [0, 1, 255, 256, 257, 1000, 4096] {
            let folder = tempfile::tempdir().expect("a folder");
            let segment = write(folder.path(), count);
            assert_eq!((segment.contents.first, segment.contents.count), (FIRST, count));
            assert_eq!(segment.bytes(), segment.path.metadata().expect("there").len());
            for position in FIRST..FIRST + count {
                let (chunk, bytes) = segment.block(position).expect("whole");
                let found = chunk.records(&bytes).find(|(at, _)| *at == position).map(|(_, record)| record.to_vec());
                assert_eq!(found, Some(record(position)), "{position} of {count}");
            }
            segment.verify().expect("the root");
            assert_eq!(files::entries(folder.path()).expect("listed"), [folder.path().join(name(FIRST))]);
        }
    }

    #[test]
    fn another_root_is_refused_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = SegmentWriter::create(folder.path(), FIRST).expect("created");
        writer.push(b"a").expect("written");
        assert!(matches!(writer.finish("other", [7; 32]), Err(OpenError::Damaged(_))));
        assert!(files::entries(folder.path()).expect("listed").is_empty());
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let segment = write(folder.path(), 600);
        let path = segment.path.clone();
        let whole = std::fs::read(&path).expect("readable");
        let found = || match Segment::open(&path) {
            Ok(segment) => matches!(segment.verify(), Err(ReadError::Damaged(_))),
            Err(OpenError::Damaged(_)) => true,
            Err(_) => false,
        };
        assert!(!found());
        for at in (0..whole.len()).step_by(13).chain(whole.len() - 120..whole.len()) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x08;
            std::fs::write(&path, &bytes).expect("written");
            assert!(found(), "byte {at}");
            std::fs::write(&path, &whole[..at]).expect("written");
            assert!(found(), "cut at {at}");
        }
    }
}
