//! An archive: a log as an agency takes it home. The same segments, manifest, subtrees and checkpoints as in a log folder,
//! and no live volume: the last segment has the records that are left, and is written anew when the archive grows.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::error::{Damage, FileError, OpenError};
use crate::head::{self, Head};
use crate::lock::Lock;
use crate::manifest::{self, Sealed};
use crate::merkle::{Frontier, leaf_hash};
use crate::segment::{self, SegmentWriter};
use crate::subtrees::{self, Compared, SubtreesFile};
use crate::{checkpoints, closed, files};

/// Whether `dir` holds an archive: segments, and nothing that only a log has. A log that lost its head is still a log.
///
/// # Errors
///
/// The folder cannot be looked at.
pub fn is_archive(dir: &Path) -> Result<bool, FileError> {
    let mut of_a_log = false;
    for name in [head::NAME, closed::LIVE, closed::NAME] {
        of_a_log |= files::exists(&dir.join(name))?;
    }
    Ok(files::exists(&dir.join(manifest::NAME))? && !of_a_log)
}

/// Writes an archive, or adds to one. What was added counts from [`ArchiveWriter::finish`] on, full segments already from
/// [`ArchiveWriter::keep`].
#[derive(Debug)]
pub struct ArchiveWriter {
    sealed: Sealed,
    frontier: Frontier,
    subtrees: SubtreesFile,
    /// The segment being written, which begins where the full ones end.
    segment: Option<SegmentWriter>,
    _lock: Lock,
}

impl ArchiveWriter {
    /// Opens the archive in `dir`, or begins it with segments of `2^level` records.
    ///
    /// # Errors
    ///
    /// Something else is in the folder, another process writes there, or what surrounds the records is damaged.
    pub fn open(dir: &Path, level: u32) -> Result<ArchiveWriter, OpenError> {
        files::create_dir(dir)?;
        let lock = Lock::exclusive(dir, Duration::ZERO)?;
        if !is_archive(dir)? {
            let entries = files::entries(dir)?;
            if entries.iter().any(|path| path.file_name().is_none_or(|name| name != crate::lock::NAME)) {
                return Err(OpenError::NotAnArchive { dir: dir.to_owned() });
            }
            SubtreesFile::open(&dir.join(subtrees::NAME), Compared::default(), Vec::new())?;
            Sealed::create(dir, level)?;
        }
        let mut sealed = Sealed::open(dir)?;
        sealed.remove_leftovers()?;
        let tail = sealed.tail().cloned();
        let full = tail.as_ref().map_or(sealed.end(), |tail| tail.contents().first);
        let mut frontier = Frontier::default();
        for segment in sealed.segments.iter().filter(|segment| segment.contents().end() <= full) {
            frontier.append_perfect(sealed.level, segment.contents().root);
        }
        let subtrees = SubtreesFile::open_at(&dir.join(subtrees::NAME), full)?;
        if tail.is_some() {
            sealed.segments.pop();
        }
        let mut archive = ArchiveWriter { sealed, frontier, subtrees, segment: None, _lock: lock };
        if let Some(tail) = tail {
            while archive.frontier.size() < tail.contents().end() {
                let (chunk, bytes) = tail.block(archive.frontier.size())?;
                chunk.records(&bytes).try_for_each(|(_, record)| archive.push(record).map(drop))?;
            }
            if archive.frontier.root_since(full) != tail.contents().root {
                let expected = "the records whose root the segment names";
                return Err(Damage::new(full, segment::place(tail.path()), expected, "another root").into());
            }
        }
        Ok(archive)
    }

    /// Size and root of what was added so far.
    pub fn head(&self) -> Head {
        Head { size: self.frontier.size(), root: self.frontier.root() }
    }

    /// Adds the next record. Gives whether it filled a segment.
    ///
    /// # Errors
    ///
    /// It cannot be written, or what was written is not what is read back.
    pub fn push(&mut self, record: &[u8]) -> Result<bool, OpenError> {
        let segment = match &mut self.segment {
            Some(segment) => segment,
            None => self.segment.insert(SegmentWriter::create(self.sealed.folder(), self.frontier.size())?),
        };
        segment.push(record)?;
        let full = self.subtrees.append(&mut self.frontier, leaf_hash(record), self.sealed.level);
        if let (Some(root), Some(segment)) = (full, self.segment.take_if(|_| full.is_some())) {
            let name = segment::name(self.frontier.size() - (1 << self.sealed.level));
            self.add(segment, &name, root)?;
        }
        Ok(full.is_some())
    }

    /// Lets the full segments count; durable on return. Between two keeps the archive is what it was.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn keep(&mut self) -> Result<(), FileError> {
        self.subtrees.write()?;
        self.subtrees.sync()?;
        self.sealed.write()
    }

    /// Ends the archive for now; durable on return.
    ///
    /// # Errors
    ///
    /// It cannot be written, or what was written is not what is read back.
    pub fn finish(mut self) -> Result<Head, OpenError> {
        if let Some(segment) = self.segment.take() {
            let first = self.frontier.size() - segment.count();
            let name = segment::tail_name(first, segment.count());
            let root = self.frontier.root_since(first);
            self.add(segment, &name, root)?;
        }
        self.keep()?;
        self.sealed.remove_leftovers()?;
        Ok(self.head())
    }

    fn add(&mut self, segment: SegmentWriter, name: &str, root: crate::Hash) -> Result<(), OpenError> {
        self.sealed.segments.push(segment.finish(name, root)?.into());
        Ok(())
    }
}

/// Adds signed checkpoints to those that the archive or log in `dir` keeps: whole notes, an empty line after each; durable
/// on return.
///
/// # Errors
///
/// They cannot be written.
pub fn keep_notes(dir: &Path, notes: &str) -> Result<(), FileError> {
    let path = dir.join(checkpoints::NAME);
    files::create_dir(path.parent().unwrap_or(dir))?;
    let file = OpenOptions::new().append(true).create(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(notes.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(FileError::at("add to", &path))?;
    files::sync_name(&path)
}

/// The signed checkpoints that the archive or log in `dir` keeps, as [`keep_notes`] takes them.
///
/// # Errors
///
/// They cannot be read.
pub fn kept_notes(dir: &Path) -> Result<String, FileError> {
    let path = dir.join(checkpoints::NAME);
    if !files::exists(&path)? {
        return Ok(String::new());
    }
    std::fs::read_to_string(&path).map_err(FileError::at("read", &path))
}
