//! Appending: the one way records enter the log.
//!
//! A commit is, in this order: its chunks in the live volume, the volume's flush, the head file, and only then the new head
//! for readers and the answer. Whoever gets `Ok` has it on disk. What a cut leaves of a commit that was not answered is known
//! as that by what each chunk says of its commit (`scan`).
//!
//! When a commit has filled a segment, the writer goes on in a new volume, opened in time by a thread of its own, and the
//! sealing thread does the rest.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use rayon_core::{ThreadPool, ThreadPoolBuilder};

use crate::batch::Batch;
use crate::closed;
use crate::error::{AppendError, FileError, OpenError};
use crate::head::{Head, HeadFile};
use crate::lock::Lock;
use crate::merkle::{Frontier, Hash, leaf_hash};
use crate::recovery::{Options, unopened};
use crate::scan::NO_LEVEL;
use crate::sealer::Sealer;
use crate::store::{self, Shared};
use crate::subtrees::SubtreesFile;
use crate::volume::{Stored, Volume, VolumeError};
use crate::volumes::{self, Volumes};
use crate::{chunk, files};

/// From this many records on, hashing (a quarter of a microsecond each) takes longer than waking a thread for it, and
/// is done while the store writes.
const HASH_BESIDE: usize = 256;

/// So many records at least the leaves of a volume are split ahead of a commit: more than one leaf has.
const SPLIT_AHEAD: u64 = 2_048;

/// The only writer of a log folder. Dropping it ends all readers and frees the folder, without the description that
/// [`Writer::close`] leaves; nothing that was answered is lost either way.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    frontier: Frontier,
    head_file: HeadFile,
    subtrees: SubtreesFile,
    leaf_hashes: Vec<Hash>,
    /// One thread that hashes while this one writes.
    hasher: ThreadPool,
    value: Vec<u8>,
    poisoned: bool,
    dir: PathBuf,
    options: Options,
    /// Segments have `2^level` records.
    level: u32,
    /// Where the segment that is being filled ends.
    boundary: u64,
    /// The volume that counts from the boundary, while it is being made.
    next: Option<JoinHandle<Result<Volume, VolumeError>>>,
    // Ends before the folder is free for others.
    sealer: Sealer,
    // Last: everything else is let go before another process may come in.
    lock: Lock,
}

impl Writer {
    pub(crate) fn new(
        dir: PathBuf,
        options: Options,
        lock: Lock,
        shared: Arc<Shared>,
        frontier: Frontier,
        head_file: HeadFile,
        subtrees: SubtreesFile,
    ) -> Result<Self, OpenError> {
        let sealer = Sealer::start(&dir, shared.clone())?;
        let hasher = ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "ledger-hash".to_owned()).build();
        let hasher = hasher.map_err(|error| FileError::at("start a thread for", &dir)(std::io::Error::other(error)))?;
        let (sealed, level) =
            shared.store().map_or((0, options.segment_level), |store| (store.sealed.end(), store.sealed.level));
        let mut writer = Writer {
            shared,
            frontier,
            head_file,
            subtrees,
            leaf_hashes: Vec::new(),
            hasher,
            value: Vec::new(),
            poisoned: false,
            dir,
            options,
            level,
            boundary: 0,
            next: None,
            sealer,
            lock,
        };
        writer.begin(sealed).map_err(|error| unopened(&store::live(&writer.dir), sealed, error))?;
        Ok(writer)
    }

    /// Makes sure that there is a volume to add to, and that what is full gets sealed.
    fn begin(&mut self, sealed: u64) -> Result<(), VolumeError> {
        let newest = self.shared.store().and_then(|store| store.volumes.last().map(|(first, _)| *first));
        let first = match newest {
            Some(first) => first,
            None => {
                let volume = self.create_volume(sealed)?;
                self.shared.change(|store| store.volumes.push(sealed, volume));
                sealed
            }
        };
        self.boundary = ((first >> self.level) + 1) << self.level;
        self.sealer.seal(first);
        self.roll_over()
    }

    fn create_volume(&self, first: u64) -> Result<Volume, VolumeError> {
        let Options { cache_bytes, lock_wait, .. } = self.options;
        Volumes::create(&store::live(&self.dir), (first, first), cache_bytes, lock_wait)
    }

    /// Goes on in a new volume when a segment is full, and has that volume made in time.
    fn roll_over(&mut self) -> Result<(), VolumeError> {
        let size = self.frontier.size();
        if size < self.boundary {
            if self.next.is_none() && self.boundary - size <= (1 << self.level) / 8 {
                let live = store::live(&self.dir);
                let whole = (self.boundary, self.boundary + (1 << self.level));
                let Options { cache_bytes, lock_wait, .. } = self.options;
                self.next = Some(std::thread::spawn(move || Volumes::create(&live, whole, cache_bytes, lock_wait)));
            }
            return Ok(());
        }
        let first = (size >> self.level) << self.level;
        if first != self.boundary {
            // One commit filled several segments. A volume without records in between would pass for the one that counts.
            self.drop_next()?;
        }
        let volume = match self.take_next()? {
            Some(volume) => volume,
            None => self.create_volume(first)?,
        };
        let Some(store) = self.shared.store() else { return Ok(()) };
        let mut rest = sled::Batch::default();
        let mut next = first;
        loop {
            let chunks = store.volumes.chunks_from(next, 256)?;
            let Some((last, _)) = chunks.last() else { break };
            next = last + 1;
            chunks.into_iter().for_each(|(position, value)| rest.insert(&chunk::key(position), value));
        }
        drop(store);
        if first < size {
            volume.apply(rest)?;
        }
        self.shared.change(|store| store.volumes.push(first, volume));
        self.boundary = first + (1 << self.level);
        self.sealer.seal(first);
        Ok(())
    }

    /// The volume that was made for the boundary, if that was begun.
    fn take_next(&mut self) -> Result<Option<Volume>, VolumeError> {
        let Some(making) = self.next.take() else { return Ok(None) };
        making.join().map_err(|_| VolumeError::Panicked("while a volume was made".to_owned()))?.map(Some)
    }

    /// Removes the volume that was made for the boundary, if that was begun.
    fn drop_next(&mut self) -> Result<(), VolumeError> {
        if let Some(unused) = self.take_next()? {
            drop(unused);
            files::remove_tree(&store::live(&self.dir).join(volumes::name(self.boundary)))?;
        }
        Ok(())
    }

    /// Size and root of the durable log.
    pub fn head(&self) -> Head {
        self.shared.head()
    }

    /// Appends all records of the batch, durable on return, or none. `expected_head` is the size of the log the batch
    /// was decided on.
    ///
    /// An empty batch writes nothing. After [`AppendError::Failed`] the writer refuses everything: whether the batch
    /// will be found after a restart is not known.
    pub fn append(&mut self, expected_head: u64, batch: &Batch) -> Result<Head, AppendError> {
        if self.poisoned {
            return Err(AppendError::Poisoned);
        }
        if let Some(reason) = self.sealer.failure() {
            self.poisoned = true;
            return Err(AppendError::Failed(reason));
        }
        let actual = self.frontier.size();
        if expected_head != actual {
            return Err(AppendError::WrongHead { expected: expected_head, actual });
        }
        self.leaf_hashes.clear();
        if batch.is_empty() {
            return Ok(self.head());
        }
        // Whatever stops this function half-way leaves the writer poisoned.
        self.poisoned = true;
        let head = self.commit(batch).map_err(|reason| {
            self.leaf_hashes.clear();
            AppendError::Failed(reason)
        })?;
        self.poisoned = false;
        Ok(head)
    }

    /// Leaf hashes of the records of the last successful append, in order: for receipts.
    pub fn leaf_hashes(&self) -> &[Hash] {
        &self.leaf_hashes
    }

    /// Makes the head file and the stored subtree roots durable, so that even after a power cut the log must be at
    /// least this long. Costs two syncs; meant for every second or so.
    pub fn checkpoint(&mut self) -> Result<Head, AppendError> {
        if self.poisoned {
            return Err(AppendError::Poisoned);
        }
        let synced = self.head_file.sync().and_then(|()| self.subtrees.sync());
        self.poisoned = synced.is_err();
        synced.map(|()| self.head()).map_err(|error| AppendError::Failed(in_words(&error)))
    }

    /// Closes the log in good order: readers end, everything is synced, and a description of all files is left by
    /// which the next opening finds any byte changed in between.
    pub fn close(mut self) -> Result<Head, AppendError> {
        let head = self.checkpoint()?;
        self.end();
        let described = closed::write_when_released(&self.dir)
            .and_then(|written| if written { self.lock.closed(&self.dir) } else { Ok(()) });
        described.map_err(|error| AppendError::Failed(in_words(&error)))?;
        Ok(head)
    }

    fn commit(&mut self, batch: &Batch) -> Result<Head, String> {
        let records: Vec<&[u8]> = batch.records().collect();
        let commit_first = self.frontier.size();
        let Writer { shared, frontier, subtrees, leaf_hashes, value, level, boundary, hasher, .. } = self;
        let mut hash = || {
            for record in &records {
                let leaf = leaf_hash(record);
                leaf_hashes.push(leaf);
                subtrees.append(frontier, leaf, NO_LEVEL);
            }
            Head { size: frontier.size(), root: frontier.root() }
        };
        let volume = shared.store().and_then(|store| store.volumes.last().map(|(_, volume)| volume.clone()));
        let volume = volume.ok_or_else(|| "the volume is closed".to_owned())?;
        let count = records.len() as u64;
        let chunks =
            Chunks { records: &records, commit_first, next: 0, level: *level, limit: volume.chunk_bytes(), value };
        let needed = (commit_first + count + SPLIT_AHEAD).min(*boundary);
        let store = || {
            if volume.split_to() < needed {
                volume.split(commit_first, (needed + SPLIT_AHEAD).min(*boundary))?;
            }
            volume.insert(chunks)?;
            volume.flush()
        };
        let (stored, head) = if records.len() < HASH_BESIDE {
            (store(), hash())
        } else {
            let mut head = None;
            let stored = hasher.in_place_scope(|scope| {
                scope.spawn(|_| head = Some(hash()));
                store()
            });
            (stored, head.ok_or_else(|| "hashing did not end".to_owned())?)
        };
        stored.map_err(|error| error.to_string())?;
        self.head_file.write(head).and_then(|()| self.subtrees.write()).map_err(|error| in_words(&error))?;
        self.shared.publish(head);
        self.roll_over().map_err(|error| format!("no new volume: {error}"))?;
        Ok(head)
    }

    /// Ends all threads and reading; the store's files are closed on return.
    fn end(&mut self) {
        self.sealer.stop();
        // Left behind it is removed by the next opening.
        let _ = self.drop_next();
        self.shared.close();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Readers may live on; they must not hold the store's files once the folder is free for others.
        self.end();
    }
}

/// The chunks of a commit, encoded one after the other. None goes over the end of a segment.
struct Chunks<'a> {
    records: &'a [&'a [u8]],
    commit_first: u64,
    /// The record that the next chunk begins with.
    next: usize,
    level: u32,
    /// No chunk is longer, bytes.
    limit: usize,
    value: &'a mut Vec<u8>,
}

impl Iterator for Chunks<'_> {
    type Item = Stored;

    fn next(&mut self) -> Option<Stored> {
        let rest = self.records.get(self.next..).filter(|rest| !rest.is_empty())?;
        let first = self.commit_first + self.next as u64;
        let room = (((first >> self.level) + 1) << self.level) - first;
        let fitting = rest.iter().take(usize::try_from(room).unwrap_or(usize::MAX));
        let these = &rest[..chunk::fill(fitting.map(|record| record.len()), self.limit)];
        chunk::encode(self.value, first, self.commit_first, self.records.len() as u64, these);
        self.next += these.len();
        Some((first, self.value.as_slice().into()))
    }
}

fn in_words(error: &FileError) -> String {
    format!("{error}: {}", error.source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Log, Options, ReadError};

    #[test]
    fn after_a_failed_write_everything_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let (mut writer, reader, _) = Log::open(dir.path(), &Options::default()).expect("a new log");
        let mut batch = Batch::new();
        batch.push(b"one").expect("short");
        let durable = writer.append(0, &batch).expect("appended");
        writer.shared.close();
        assert!(matches!(writer.append(1, &batch), Err(AppendError::Failed(_))));
        for size in [1, 2] {
            assert!(matches!(writer.append(size, &batch), Err(AppendError::Poisoned)));
        }
        assert!(matches!(writer.checkpoint(), Err(AppendError::Poisoned)));
        assert_eq!((writer.head(), reader.head()), (durable, durable), "readers see what was durable");
        assert!(writer.leaf_hashes().is_empty());
        assert!(matches!(writer.close(), Err(AppendError::Poisoned)));
        assert!(!dir.path().join(closed::NAME).exists());
    }

    #[test]
    fn readers_end_with_the_writer() {
        let dir = tempfile::tempdir().expect("a folder");
        let (mut writer, reader, _) = Log::open(dir.path(), &Options::default()).expect("a new log");
        let mut batch = Batch::new();
        batch.push(b"one").expect("short");
        writer.append(0, &batch).expect("appended");
        drop(writer);
        assert!(matches!(reader.get(0), Err(ReadError::Closed)));
    }

    #[test]
    fn a_log_whose_volume_an_earlier_build_made_goes_on_in_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut batch = Batch::new();
        (0..300).for_each(|at| batch.push(&[at as u8; 1_000]).expect("short"));
        let (mut writer, _, _) = Log::open(dir.path(), &Options::default()).expect("a new log");
        let first = writer.append(0, &batch).expect("appended");
        drop(writer);

        // The same records as they would stand there: in shorter chunks, no markers, shorter segments.
        let live = store::live(dir.path()).join(volumes::name(0));
        std::fs::remove_dir_all(&live).expect("removed");
        let earlier = sled::Config::new().path(&live).segment_size(512 << 10).open().expect("new");
        let records: Vec<&[u8]> = batch.records().collect();
        let (limit, mut value) = (7 << 10, Vec::new());
        for (first, value) in
            (Chunks { records: &records, commit_first: 0, next: 0, level: 20, limit, value: &mut value })
        {
            earlier.insert(chunk::key(first), value).expect("inserted");
        }
        drop(earlier);

        let (mut writer, _, recovery) = Log::open(dir.path(), &Options::default()).expect("opened");
        assert_eq!(recovery.head, first);
        for commit in 1..20 {
            writer.append(commit * 300, &batch).expect("appended");
        }
        let head = writer.head();
        drop(writer);
        let volume = Volume::open(&live, 1 << 20, std::time::Duration::from_secs(5)).expect("no blobs");
        let chunks = volume.chunks_from(0, usize::MAX).expect("readable");
        assert!(chunks.iter().all(|(_, value)| value.len() <= limit), "a leaf of longer ones would not fit");
        drop(volume);
        let (_writer, reader, _) = Log::open(dir.path(), &Options::default()).expect("opened again");
        assert_eq!((reader.head(), reader.head().size), (head, 6_000));
    }
}
