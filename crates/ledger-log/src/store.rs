//! Where records lie: sealed segments, then live volumes; what the writer, its readers and the sealing thread share.

use std::ops::Deref;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError, RwLock};

use sled::IVec;

use crate::blocks::Blocks;
use crate::chunk::Chunk;
use crate::error::{Damage, ReadError};
use crate::head::Head;
use crate::manifest::Sealed;
use crate::subtrees::SubtreesReader;
use crate::volumes::Volumes;

/// The bytes of a chunk, wherever it lies.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Live(IVec),
    Sealed(Arc<Vec<u8>>),
}

impl Deref for Value {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Value::Live(bytes) => bytes,
            Value::Sealed(bytes) => bytes,
        }
    }
}

/// The parts of a log that hold records.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) sealed: Sealed,
    pub(crate) volumes: Volumes,
}

impl Store {
    /// Some consecutive chunks, the first of which holds the record at `position`; at most
    /// `limit` more, none of which begins at `to` or later.
    pub(crate) fn fetch(&self, position: u64, to: u64, limit: usize) -> Result<Vec<(Chunk, Value)>, ReadError> {
        if let Some(segment) = self.sealed.at(position) {
            let (chunk, bytes) = segment.block(position)?;
            return Ok(vec![(chunk, Value::Sealed(bytes))]);
        }
        let (chunk, value) = self.live_chunk_of(position)?;
        let mut next = chunk.end();
        let mut chunks = vec![(chunk, value)];
        for (first, value) in self.volumes.chunks_between(next, to, limit).map_err(|error| unreadable(next, &error))? {
            // The writer may be adding; what is not durable yet is never shown, so its gaps are no matter.
            if first != next {
                break;
            }
            let Ok(chunk) = checked(first, &value) else { break };
            next = chunk.end();
            chunks.push((chunk, Value::Live(value)));
        }
        Ok(chunks)
    }

    fn live_chunk_of(&self, position: u64) -> Result<(Chunk, Value), ReadError> {
        let stored = self.volumes.chunk_at_or_before(position).map_err(|error| unreadable(position, &error))?;
        let (first, value) = stored.ok_or_else(|| missing(position))?;
        let chunk = checked(first, &value)?;
        if chunk.end() <= position {
            return Err(missing(position));
        }
        Ok((chunk, Value::Live(value)))
    }
}

fn checked(first: u64, value: &[u8]) -> Result<Chunk, ReadError> {
    Chunk::parse(first, value)
        .map_err(|fault| ReadError::Damaged(Damage::new(first, "live", "a whole chunk", fault.to_string())))
}

fn unreadable(position: u64, error: &crate::volume::VolumeError) -> ReadError {
    ReadError::Damaged(Damage::new(position, "live", "a readable volume", error.to_string()))
}

pub(crate) fn missing(position: u64) -> ReadError {
    let expected = format!("a chunk with position {position}");
    ReadError::Damaged(Damage::new(position, "live", expected, "none"))
}

/// What the writer, its readers and the sealing thread share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Taken out when the log is closed. Whoever works with a store keeps its parts open by holding it.
    store: RwLock<Option<Arc<Store>>>,
    head: RwLock<Head>,
    pub(crate) subtrees: SubtreesReader,
    blocks: Blocks,
    /// Records that were read for proofs.
    pub(crate) read_for_proofs: AtomicU64,
}

impl Shared {
    pub(crate) fn new(store: Store, head: Head, subtrees: SubtreesReader) -> Arc<Shared> {
        Arc::new(Shared {
            store: RwLock::new(Some(Arc::new(store))),
            head: RwLock::new(head),
            subtrees,
            blocks: Blocks::new(),
            read_for_proofs: AtomicU64::new(0),
        })
    }

    pub(crate) fn head(&self) -> Head {
        *self.head.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets readers see the log up to here. Only for what is durable.
    pub(crate) fn publish(&self, head: Head) {
        *self.head.write().unwrap_or_else(PoisonError::into_inner) = head;
    }

    /// The parts as they are now; `None` once the log is closed.
    pub(crate) fn store(&self) -> Option<Arc<Store>> {
        self.store.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The chunk that holds the record at `position`; `None` once the log is closed.
    pub(crate) fn chunk_of(&self, position: u64) -> Option<Result<(Chunk, Value), ReadError>> {
        let store = self.store()?;
        Some(match store.sealed.at(position) {
            Some(segment) => self.blocks.block(segment, position).map(|(chunk, bytes)| (chunk, Value::Sealed(bytes))),
            None => store.live_chunk_of(position),
        })
    }

    /// Changes which parts there are. Who reads goes on with the parts as they were.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Store) -> T) -> Option<T> {
        let mut current = self.store.write().unwrap_or_else(PoisonError::into_inner);
        let mut store = Store::clone(current.as_deref()?);
        let result = change(&mut store);
        *current = Some(Arc::new(store));
        Some(result)
    }

    /// Ends all reading; the volumes are closed on return.
    pub(crate) fn close(&self) {
        let store = self.store.write().unwrap_or_else(PoisonError::into_inner).take();
        let volumes = store.map(|store| store.volumes.clone()).unwrap_or_default();
        volumes.close();
    }
}

/// Where the live volumes are.
pub(crate) fn live(dir: &Path) -> std::path::PathBuf {
    dir.join(crate::closed::LIVE)
}
