//! A log folder from an archive. It is built beside, and gets its name when it is whole and durable: a restore that was
//! interrupted leaves no log that looks shorter than it was.

use std::path::Path;

use crate::archive::{keep_notes, kept_notes};
use crate::at_rest::AtRest;
use crate::batch::Batch;
use crate::error::{AppendError, Damage, FileError, OpenError};
use crate::head::{self, Head, HeadFile};
use crate::manifest::{self, Sealed};
use crate::merkle::Frontier;
use crate::recovery::{Log, Options};
use crate::segment::{self, Segment};
use crate::{closed, files, merkle, subtrees};

/// Records of a commit of the live volume that is filled again.
const COMMIT: usize = 4096;

/// Builds the log folder `to`, which must not exist or be empty, from the archive in `from`, every record of which is checked
/// on the way. `kept`: what the log must begin with, as a checkpoint that was kept elsewhere says.
///
/// # Errors
///
/// The archive is damaged, behind the checkpoint or another log's; something is in the way; it cannot be written.
pub fn restore(from: &Path, to: &Path, kept: Option<Head>) -> Result<Head, OpenError> {
    restore_by(copy, from, to, kept)
}

/// Like [`restore`], but the full segments of archive and log are the same files, which neither ever changes: they take their
/// space once. Both must lie in one file system; and damage to one is damage to both.
///
/// # Errors
///
/// As [`restore`]; also where the folders lie in two file systems.
pub fn restore_linked(from: &Path, to: &Path, kept: Option<Head>) -> Result<Head, OpenError> {
    restore_by(link, from, to, kept)
}

/// Gives the new folder a checked segment under a path.
type Bring = fn(&Segment, &Path) -> Result<Segment, OpenError>;

fn copy(segment: &Segment, to: &Path) -> Result<Segment, OpenError> {
    std::fs::copy(segment.path(), to).map_err(FileError::at("copy", segment.path()))?;
    let copy = Segment::open(to)?;
    // What was copied is what was checked.
    copy.verify()?;
    Ok(copy)
}

fn link(segment: &Segment, to: &Path) -> Result<Segment, OpenError> {
    std::fs::hard_link(segment.path(), to).map_err(FileError::at("link", segment.path()))?;
    Segment::open(to)
}

fn restore_by(bring: Bring, from: &Path, to: &Path, kept: Option<Head>) -> Result<Head, OpenError> {
    if files::exists(to)? && !files::entries(to)?.is_empty() {
        return Err(OpenError::InTheWay { dir: to.to_owned() });
    }
    let archive = AtRest::archive(from)?;
    let head = whole(&archive, kept)?;
    let sealed = Sealed::open(from)?;
    let draft = files::draft(to);
    files::remove_tree(&draft)?;
    files::create_dir(&draft)?;

    let full = sealed.tail().map_or(sealed.end(), |tail| tail.contents().first);
    let (full_segments, tail) = (sealed.segments.iter().filter(|of| of.contents().end() <= full), sealed.tail());
    begin(bring, from, &draft, sealed.level, full_segments.map(AsRef::as_ref))?;
    let options = Options { segment_level: sealed.level, ..Options::default() };
    let (mut writer, _, _) = Log::open(&draft, &options)?;
    let mut batch = Batch::new();
    while let Some(tail) = tail.filter(|tail| writer.head().size < tail.contents().end()) {
        let next = writer.head().size + batch.len() as u64;
        if next < tail.contents().end() {
            let (chunk, bytes) = tail.block(next)?;
            for (_, record) in chunk.records(&bytes) {
                batch.push(record).map_err(|error| OpenError::Store(error.to_string()))?;
            }
        }
        if batch.len() >= COMMIT || writer.head().size + batch.len() as u64 == tail.contents().end() {
            writer.append(writer.head().size, &batch).map_err(not_written)?;
            batch.clear();
        }
    }
    let notes = kept_notes(from)?;
    if !notes.is_empty() {
        keep_notes(&draft, &notes)?;
    }
    let restored = writer.close().map_err(not_written)?;
    if restored != head {
        let expected = format!("{} records as in the archive", head.size);
        return Err(Damage::new(restored.size.min(head.size), closed::LIVE, expected, "another root").into());
    }
    files::remove_tree(to)?;
    files::rename(&draft, to)?;
    Ok(head)
}

/// Size and root of a healthy archive that begins with what was kept.
fn whole(archive: &AtRest, kept: Option<Head>) -> Result<Head, OpenError> {
    let mut frontier = Frontier::default();
    let mut at_kept = kept.filter(|kept| kept.size == 0).map(|_| frontier.root());
    let examined = archive.examine(|_, record| {
        if kept.is_some_and(|kept| frontier.size() < kept.size) {
            frontier.append(merkle::leaf_hash(record));
            at_kept = kept.filter(|kept| kept.size == frontier.size()).map(|_| frontier.root());
        }
        Ok(())
    })?;
    if let Some(damage) = examined.findings.into_iter().next() {
        return Err(damage.into());
    }
    let head = examined.head;
    match (kept, at_kept) {
        (Some(kept), None) => {
            let expected = format!("the {} records of the checkpoint", kept.size);
            Err(Damage::new(head.size, manifest::NAME, expected, format!("{} records", head.size)).into())
        }
        (Some(kept), Some(root)) if root != kept.root => {
            let expected = format!("the {} records of the checkpoint", kept.size);
            Err(Damage::new(0, manifest::NAME, expected, "other records").into())
        }
        _ => Ok(head),
    }
}

/// The folder of a log whose records are all sealed.
fn begin<'s>(
    bring: Bring,
    from: &Path,
    to: &Path,
    level: u32,
    full: impl Iterator<Item = &'s Segment>,
) -> Result<(), OpenError> {
    Sealed::create(to, level)?;
    let mut sealed = Sealed::open(to)?;
    let mut frontier = Frontier::default();
    for segment in full {
        let contents = segment.contents();
        let path = sealed.folder().join(segment::name(contents.first));
        frontier.append_perfect(level, contents.root);
        sealed.segments.push(bring(segment, &path)?.into());
    }
    sealed.write()?;
    files::copy_file(&from.join(subtrees::NAME), &to.join(subtrees::NAME))?;
    let mut file = HeadFile::create(&to.join(head::NAME))?;
    file.write(Head { size: frontier.size(), root: frontier.root() })?;
    file.sync()?;
    Ok(files::sync_tree(to)?)
}

fn not_written(error: AppendError) -> OpenError {
    OpenError::Store(error.to_string())
}
