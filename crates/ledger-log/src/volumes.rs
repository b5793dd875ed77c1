//! The row of live volumes: folders below `live/`, each named by the position from which it counts.
//!
//! There is one, or two while the records of the older are being sealed. The newer begins at the end of a segment; where a
//! commit goes over that end, its chunks from there on stand in both, and those of the newer count.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::error::FileError;
use crate::files;
use crate::volume::{Stored, Volume, VolumeError};

/// Live volumes with the positions from which they count, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Volumes(Vec<(u64, Arc<Volume>)>);

/// The folder of the volume that counts from `first`.
pub(crate) fn name(first: u64) -> String {
    format!("{first:020}")
}

impl Volumes {
    /// Opens the volumes in `live` that hold records from `sealed` on. A last one without records never counted: nothing
    /// is written to a volume before it is whole.
    pub(crate) fn open(live: &Path, sealed: u64, cache_bytes: u64, wait: Duration) -> Result<Volumes, VolumeError> {
        let mut firsts = Vec::new();
        if files::exists(live)? {
            let digits = |path: &Path| path.file_name()?.to_str().filter(|name| name.len() == 20)?.parse::<u64>().ok();
            firsts.extend(files::entries(live)?.iter().filter_map(|path| digits(path)));
        }
        let needed = firsts.iter().rposition(|first| *first <= sealed).unwrap_or(0);
        let mut volumes = Volumes::default();
        for &first in firsts.iter().skip(needed) {
            let volume = Volume::open(&live.join(name(first)), cache_bytes, wait)?;
            if volumes.0.is_empty() || !volume.chunks_from(0, 1)?.is_empty() {
                volumes.0.push((first, Arc::new(volume)));
            }
        }
        Ok(volumes)
    }

    /// Creates the volume that counts from `first`, its leaves split as far as `to`; whole and durable under its name on return.
    pub(crate) fn create(
        live: &Path,
        (first, to): (u64, u64),
        cache_bytes: u64,
        wait: Duration,
    ) -> Result<Volume, VolumeError> {
        files::create_dir(live)?;
        let path = live.join(name(first));
        let draft = files::draft(&path);
        files::remove_tree(&draft)?;
        files::remove_tree(&path)?;
        let volume = Volume::open(&draft, cache_bytes, wait)?;
        volume.split(first, to)?;
        volume.flush()?;
        // sled uses its folder's name only while it opens, and for the blobs that it never gets to write.
        files::rename(&draft, &path)?;
        Ok(volume)
    }

    /// Removes folders in `live` that are none of these: never whole, or sealed.
    pub(crate) fn remove_others(&self, live: &Path) -> Result<(), FileError> {
        if !files::exists(live)? {
            return Ok(());
        }
        for path in files::entries(live)? {
            let ours = |(first, _): &(u64, _)| path.file_name().is_some_and(|of| *of == *name(*first));
            if !self.0.iter().any(ours) {
                files::remove_tree(&path)?;
            }
        }
        Ok(())
    }

    pub(crate) fn push(&mut self, first: u64, volume: Volume) {
        self.0.push((first, Arc::new(volume)));
    }

    /// Takes out the first volume if the next one counts from `sealed` or before, with its first position.
    pub(crate) fn take_sealed(&mut self, sealed: u64) -> Option<(u64, Arc<Volume>)> {
        self.0.get(1).is_some_and(|(next, _)| *next <= sealed).then(|| self.0.remove(0))
    }

    /// Closes all of them, once nobody reads any more.
    pub(crate) fn close(self) {
        self.0.into_iter().for_each(|(_, volume)| close_when_free(volume));
    }

    /// The volume that records are added to.
    pub(crate) fn last(&self) -> Option<&(u64, Arc<Volume>)> {
        self.0.last()
    }

    /// Some chunks whose key is `from` or later, at most `limit`; none only at the end.
    pub(crate) fn chunks_from(&self, from: u64, limit: usize) -> Result<Vec<Stored>, VolumeError> {
        self.chunks_between(from, u64::MAX, limit)
    }

    /// Some chunks whose key is `from` or later, and before `to`; none only when there are none.
    pub(crate) fn chunks_between(&self, from: u64, to: u64, limit: usize) -> Result<Vec<Stored>, VolumeError> {
        let at = self.0.partition_point(|(first, _)| *first <= from).saturating_sub(1);
        for (index, (first, volume)) in self.0.iter().enumerate().skip(at) {
            let end = self.0.get(index + 1).map_or(to, |(next, _)| to.min(*next));
            let chunks = volume.chunks_between(from.max(*first), end, limit)?;
            if !chunks.is_empty() {
                return Ok(chunks);
            }
        }
        Ok(Vec::new())
    }

    /// The chunk with the last key not after `position`.
    pub(crate) fn chunk_at_or_before(&self, position: u64) -> Result<Option<Stored>, VolumeError> {
        let at = self.0.partition_point(|(first, _)| *first <= position);
        match at.checked_sub(1).and_then(|at| self.0.get(at)) {
            Some((_, volume)) => volume.chunk_at_or_before(position),
            None => Ok(None),
        }
    }

    /// Removes all chunks from `from` on.
    pub(crate) fn cut(&self, from: u64) -> Result<(), VolumeError> {
        self.0.iter().try_for_each(|(_, volume)| volume.cut(from))
    }
}

/// Waits until nobody else holds the volume, so that it is closed on return. Holders hold for the time of one read.
pub(crate) fn close_when_free(mut volume: Arc<Volume>) {
    loop {
        match Arc::try_unwrap(volume) {
            Ok(own) => return drop(own),
            Err(held) => volume = held,
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
