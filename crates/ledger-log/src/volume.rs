//! The live volume: the one place that talks to sled.
//!
//! What sled 0.34.7 asks of its user, each point seen by experiment:
//!
//! - Its `sync_file_range` promises nothing. Once [`real_sync`](crate::real_sync) is required, as every opening for writing
//!   does, sled syncs each write with `fsync`, and what `flush` returns from is durable.
//! - Values over a quarter of a segment become files in `blobs/` that are never synced. Chunks stay far below; a
//!   volume with a file there is refused.
//! - A `flush` may wait for ever for a write that failed: see `waker`.
//! - Its background flusher would sync at times nobody chose: off.
//! - Opening rewrites files, even damaged ones, and damage may end in a panic. So whoever must not change anything
//!   opens a copy, and every call is guarded.
//! - Its cache forgets slowly: after a scan about as many bytes as were read stay in memory, whatever the limit.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sled::IVec;

use crate::chunk;
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

/// An open sled volume.
#[derive(Debug)]
pub(crate) struct Volume {
    /// Present until the volume is dropped, as is the next.
    db: Option<sled::Db>,
    waker: Option<Waker>,
}

/// A stored chunk: its key's position and its value.
pub(crate) type Stored = (u64, IVec);

impl Volume {
    /// Opens or creates the volume in `dir`; its files are durable on return. `wait`: how long to retry while a dying
    /// process still holds the store's own lock.
    pub(crate) fn open(dir: &Path, cache_bytes: u64, wait: Duration) -> Result<Volume, VolumeError> {
        refuse_blobs(dir)?;
        let config = sled::Config::new().path(dir).cache_capacity(cache_bytes).flush_every_ms(None);
        let deadline = Instant::now() + wait;
        let db = loop {
            match guarded(|| config.open()) {
                Err(VolumeError::Locked) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(50)),
                result => break result?,
            }
        };
        files::sync_tree(dir)?;
        files::sync_name(dir)?;
        let waker = Some(Waker::start(config, db.clone(), dir)?);
        Ok(Volume { db: Some(db), waker })
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
        let read: Vec<_> = guarded(|| db.range(chunk::key(from)..).take(limit).collect())?;
        read.into_iter().map(stored).collect()
    }

    /// The first `limit` chunks whose key is `from` or later, and before `to`.
    pub(crate) fn chunks_between(&self, from: u64, to: u64, limit: usize) -> Result<Vec<Stored>, VolumeError> {
        let db = self.db()?;
        // A range that ends before it begins is a panic to some stores.
        let to = to.max(from);
        let read: Vec<_> = guarded(|| db.range(chunk::key(from)..chunk::key(to)).take(limit).collect())?;
        read.into_iter().map(stored).collect()
    }

    /// The chunk with the last key not after `position`.
    pub(crate) fn chunk_at_or_before(&self, position: u64) -> Result<Option<Stored>, VolumeError> {
        let db = self.db()?;
        guarded(|| db.range(..=chunk::key(position)).next_back().transpose())?.map(stored).transpose()
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
