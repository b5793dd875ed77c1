//! The live volume: the one place that talks to sled.
//!
//! What sled 0.34.7 asks of its user, each point seen by experiment:
//!
//! - Its `sync_file_range` promises nothing. Once [`real_sync`](crate::real_sync) is required, as every opening for writing
//!   does, sled syncs each write with `fsync`, and what `flush` returns from is durable.
//! - Values, and leaves of its tree, over a quarter of a segment become files in `blobs/` that are never synced. A leaf has 17
//!   chunks at most, so segments are made long enough for those; a volume with a file there is refused.
//! - A `flush` may wait for ever for a write that failed: see `waker`.
//! - Its background flusher would sync at times nobody chose: off.
//! - Opening rewrites files, even damaged ones, and damage may end in a panic. So whoever must not change anything
//!   opens a copy, and every call is guarded.
//! - Its cache forgets slowly: after a scan about as many bytes as were read stay in memory, whatever the limit.
//! - A leaf of its tree is split when it gets its 17th entry, and both halves are written anew: where chunks are added at the
//!   end, each is written three times. So leaves are split *before* chunks come, by [markers](marker): keys without a value
//!   whose halves cost next to nothing. A chunk then falls into a leaf that has room for it, and is written once.
//! - A batch costs a second sync, of its beginning by itself. Chunks are added one by one instead: what a cut leaves of them is
//!   a first part, which the scan knows as a torn commit by what each chunk says of it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sled::IVec;

use crate::chunk::{self, MAX_CHUNK_BYTES};
use crate::error::FileError;
use crate::files;
use crate::quiet;
use crate::waker::Waker;

/// Why the store did not do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VolumeError {
    #[error("the store says: {0}")]
    Store(sled::Error),
    #[error("the store panicked: {0}")]
    Panicked(String),
    #[error("a key of the store is not a position")]
    Key,
    #[error("the store keeps values outside its file, in {}", .0.display())]
    Blobs(PathBuf),
    #[error("{} {}: {}", .0.action, .0.path.display(), .0.source)]
    File(FileError),
    #[error("the store's file is locked")]
    Locked,
}

impl From<FileError> for VolumeError {
    fn from(error: FileError) -> Self {
        VolumeError::File(error)
    }
}

/// Records from one marker to the next. A leaf that was split has nine markers and room for seven chunks; in its 576 positions
/// there are five or six, of records of 128 bytes.
const STRIDE: u64 = 64;

/// An open sled volume.
#[derive(Debug)]
pub(crate) struct Volume {
    /// Present until the volume is dropped, as is the next.
    db: Option<sled::Db>,
    waker: Option<Waker>,
    /// The position up to which there are markers.
    split_to: AtomicU64,
    chunk_bytes: usize,
}

/// A stored chunk: its key's position and its value.
pub(crate) type Stored = (u64, IVec);

impl Volume {
    /// Opens or creates the volume in `dir`; its files are durable on return. `wait`: how long to retry while a dying
    /// process still holds the store's own lock.
    pub(crate) fn open(dir: &Path, cache_bytes: u64, wait: Duration) -> Result<Volume, VolumeError> {
        refuse_blobs(dir)?;
        let mut config = sled::Config::new().path(dir).cache_capacity(cache_bytes).flush_every_ms(None);
        let mut chunk_bytes = MAX_CHUNK_BYTES;
        config = config.segment_size(segment_bytes(chunk_bytes));
        let deadline = Instant::now() + wait;
        let db = loop {
            match guarded(|| config.open()) {
                Err(VolumeError::Locked) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(50)),
                // That is what sled says of a volume with segments of another size: those of half of it were the first.
                Err(VolumeError::Store(sled::Error::Unsupported(_))) if chunk_bytes == MAX_CHUNK_BYTES => {
                    chunk_bytes /= 2;
                    config = config.segment_size(segment_bytes(chunk_bytes));
                }
                result => break result?,
            }
        };
        files::sync_tree(dir)?;
        files::sync_name(dir)?;
        let waker = Some(Waker::start(config, db.clone(), dir)?);
        let last = guarded(|| db.last())?;
        let split_to = last.and_then(|(key, _)| Some(u64::from_be_bytes(*key.first_chunk()?) + 1)).unwrap_or(0);
        Ok(Volume { db: Some(db), waker, split_to: AtomicU64::new(split_to), chunk_bytes })
    }

    /// Splits the leaves of the chunks to come, those from `from` to `to`, unless that is done. Durable with the next flush.
    pub(crate) fn split(&self, from: u64, to: u64) -> Result<(), VolumeError> {
        let db = self.db()?;
        let from = from.max(self.split_to()).next_multiple_of(STRIDE);
        guarded(|| (from..to).step_by(STRIDE as usize).try_for_each(|at| db.insert(marker(at), &[]).map(drop)))?;
        self.split_to.fetch_max(to, Ordering::Relaxed);
        Ok(())
    }

    /// The position up to which leaves are split.
    pub(crate) fn split_to(&self) -> u64 {
        self.split_to.load(Ordering::Relaxed)
    }

    /// The longest chunk that this volume may have, bytes.
    pub(crate) fn chunk_bytes(&self) -> usize {
        self.chunk_bytes
    }

    /// Adds chunks in their order. Until the next flush returns, a power cut may leave none or the first of them.
    pub(crate) fn insert(&self, mut chunks: impl Iterator<Item = Stored>) -> Result<(), VolumeError> {
        let db = self.db()?;
        guarded(|| chunks.try_for_each(|(first, value)| db.insert(chunk::key(first), value).map(drop)))
    }

    /// Makes durable what was written, where the log was opened for writing.
    pub(crate) fn flush(&self) -> Result<(), VolumeError> {
        let db = self.db()?;
        guarded(|| db.flush().map(drop))
    }

    /// Writes all changes of the batch, or none; durable on return where the log was opened for writing.
    pub(crate) fn apply(&self, batch: sled::Batch) -> Result<(), VolumeError> {
        let db = self.db()?;
        guarded(|| {
            db.apply_batch(batch)?;
            db.flush().map(drop)
        })
    }

    /// The first `limit` chunks whose key is `from` or later.
    pub(crate) fn chunks_from(&self, from: u64, limit: usize) -> Result<Vec<Stored>, VolumeError> {
        let db = self.db()?;
        let read: Vec<_> = guarded(|| db.range(chunk::key(from)..).filter(no_marker).take(limit).collect())?;
        read.into_iter().map(stored).collect()
    }

    /// The first `limit` chunks whose key is `from` or later, and before `to`.
    pub(crate) fn chunks_between(&self, from: u64, to: u64, limit: usize) -> Result<Vec<Stored>, VolumeError> {
        let db = self.db()?;
        // A range that ends before it begins is a panic to some stores.
        let to = to.max(from);
        let read: Vec<_> =
            guarded(|| db.range(chunk::key(from)..chunk::key(to)).filter(no_marker).take(limit).collect())?;
        read.into_iter().map(stored).collect()
    }

    /// The chunk with the last key not after `position`.
    pub(crate) fn chunk_at_or_before(&self, position: u64) -> Result<Option<Stored>, VolumeError> {
        let db = self.db()?;
        guarded(|| db.range(..=chunk::key(position)).rev().find(no_marker).transpose())?.map(stored).transpose()
    }

    /// Removes all chunks from `from` on.
    pub(crate) fn cut(&self, from: u64) -> Result<(), VolumeError> {
        loop {
            let chunks = self.chunks_from(from, 256)?;
            if chunks.is_empty() {
                return Ok(());
            }
            let mut batch = sled::Batch::default();
            chunks.iter().for_each(|(position, _)| batch.remove(&chunk::key(*position)));
            self.apply(batch)?;
        }
    }

    fn db(&self) -> Result<&sled::Db, VolumeError> {
        self.db.as_ref().ok_or(VolumeError::Locked)
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        drop(self.waker.take());
        // sled writes and syncs when it is dropped, and unwraps the result.
        let db = self.db.take();
        let _ = quiet::catch(move || drop(db));
    }
}

/// Segments in which seventeen chunks stay below a quarter: 1 MiB for 14 KiB.
const fn segment_bytes(chunk_bytes: usize) -> usize {
    (4 * 17 * chunk_bytes).next_power_of_two()
}

/// The key of the marker at a position: behind that of a chunk which begins there.
fn marker(position: u64) -> [u8; 9] {
    let mut key = [0; 9];
    key[..8].copy_from_slice(&chunk::key(position));
    key
}

fn no_marker(entry: &sled::Result<(IVec, IVec)>) -> bool {
    !entry.as_ref().is_ok_and(|(key, value)| value.is_empty() && key.len() == 9)
}

fn stored((key, value): (IVec, IVec)) -> Result<Stored, VolumeError> {
    Ok((chunk::position_of_key(&key).ok_or(VolumeError::Key)?, value))
}

fn refuse_blobs(dir: &Path) -> Result<(), VolumeError> {
    let blobs = dir.join("blobs");
    if files::exists(&blobs)? && !files::entries(&blobs)?.is_empty() {
        return Err(VolumeError::Blobs(blobs));
    }
    Ok(())
}

fn guarded<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, VolumeError> {
    match quiet::catch(work) {
        Ok(Ok(value)) => Ok(value),
        // sled has no variant for it.
        Ok(Err(sled::Error::Io(error))) if error.to_string().contains("could not acquire lock") => {
            Err(VolumeError::Locked)
        }
        Ok(Err(error)) => Err(VolumeError::Store(error)),
        Err(message) => Err(VolumeError::Panicked(message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(5);
    /// Records a chunk.
    const EACH: u64 = 100;

    fn chunks(from: u64, count: u64) -> impl Iterator<Item = Stored> {
        (0..count).map(move |i| (from + i * EACH, vec![i as u8; MAX_CHUNK_BYTES].into()))
    }

    fn bytes_in(dir: &Path) -> u64 {
        std::fs::metadata(dir.join("db")).expect("a file").len()
    }

    #[test]
    fn a_chunk_is_written_once_where_leaves_were_split_before_and_no_marker_is_seen() {
        let (split, unsplit) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let written = [split.path(), unsplit.path()].map(|dir| {
            let volume = Volume::open(dir, 1 << 20, WAIT).expect("new");
            if dir == split.path() {
                volume.split(0, 50_000).expect("split");
            }
            let before = bytes_in(dir);
            for commit in 0..40 {
                volume.insert(chunks(commit * 10 * EACH, 10)).expect("inserted");
                volume.flush().expect("durable");
            }
            bytes_in(dir) - before
        });
        let bytes = 400 * MAX_CHUNK_BYTES as u64;
        assert!(written[0] < bytes * 5 / 4, "{} of {bytes}", written[0]);
        assert!(written[1] > bytes * 2, "{} of {bytes}", written[1]);

        for dir in [split.path(), unsplit.path()] {
            let volume = Volume::open(dir, 1 << 20, WAIT).expect("there");
            let firsts = |stored: Vec<Stored>| stored.iter().map(|(first, _)| *first).collect::<Vec<_>>();
            assert_eq!(firsts(volume.chunks_from(0, 1_000).expect("readable")).len(), 400);
            assert_eq!(firsts(volume.chunks_from(39_800, 9).expect("readable")), [39_800, 39_900]);
            assert_eq!(firsts(volume.chunks_between(101, 500, 3).expect("readable")), [200, 300, 400]);
            assert_eq!(firsts(volume.chunks_between(500, 101, 3).expect("readable")), []);
            let at = |position| volume.chunk_at_or_before(position).expect("readable").map(|(first, _)| first);
            assert_eq!([at(0), at(99), at(100), at(49_999)], [Some(0), Some(0), Some(100), Some(39_900)]);
            volume.cut(1_000).expect("cut");
            assert_eq!(at(49_999), Some(900));
        }
        let volume = Volume::open(split.path(), 1 << 20, WAIT).expect("there");
        assert_eq!(volume.split_to(), 49_985, "behind the last marker");
    }

    #[test]
    fn a_volume_with_shorter_segments_keeps_shorter_chunks() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = sled::Config::new().path(dir.path()).segment_size(512 << 10).open().expect("new");
        first.insert(chunk::key(0), vec![1; 7_000]).expect("inserted");
        drop(first);
        let volume = Volume::open(dir.path(), 1 << 20, WAIT).expect("there");
        assert_eq!((volume.chunk_bytes(), volume.chunks_from(0, 9).expect("readable").len()), (7 << 10, 1));
        let new = tempfile::tempdir().expect("a folder");
        assert_eq!(Volume::open(new.path(), 1 << 20, WAIT).expect("new").chunk_bytes(), MAX_CHUNK_BYTES);
    }
}
