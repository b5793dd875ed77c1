//! Snapshots of the state: written beside the work, read at the start.
//!
//! The deciding thread takes the state in slices of a millisecond between requests, as it answers any question over
//! everybody; what a record is about to change is taken before. Pieces go through a short channel to a thread that writes
//! them; where that is full, the taking waits, and nobody else does. What changes meanwhile still has to be kept: where the
//! disk is so slow that this comes to [`MOST_WAITING`], the snapshot is given up. A snapshot gets its name when the
//! records that it was made of are durable.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ledger_core::State;
use ledger_core::event::Record;
use ledger_core::state::snapshot::{Loading, Part, REDUCER_VERSION, Taking};
use ledger_log::{Head, Reader, Snapshot, SnapshotWriter};
use tokio::sync::watch;

use super::SLICE;

/// Records after which a snapshot is written, at least.
const EVERY: u64 = 1 << 20;
/// A log that grew by this share of itself since the last snapshot has another one written.
const SHARE: u64 = 64;
/// At a stop in good order one is written when this share of the usual number came since the last.
const AT_STOP: u64 = 4;
/// Pieces between the deciding and the writing thread: a quarter of a megabyte each.
const PIECES: usize = 4;
/// Pieces that a thread reads at a time at the start.
const READ: usize = 16;
/// Bytes that wait for the disk beyond which a snapshot is given up.
const MOST_WAITING: usize = 16 << 20;
/// Bytes written between two looks at the free space.
const LOOK_EVERY: u64 = 16 << 20;

/// When snapshots are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Every {
    /// As the size of the log makes it worth its while.
    #[default]
    Fitting,
    /// After so many records.
    Records(u64),
    /// Never.
    Never,
}

impl Every {
    /// Records between two snapshots of a log of that size.
    fn records(self, size: u64) -> Option<u64> {
        match self {
            Self::Fitting => Some(EVERY.max(size / SHARE)),
            Self::Records(records) => Some(records),
            Self::Never => None,
        }
    }
}

/// What was known at a start without reading the log.
pub(super) struct Known {
    pub(super) state: State,
    pub(super) head: Head,
}

/// Reads the snapshot of the log in `dir`, where there is one that these rules made; a start does without, and says why.
pub(super) fn load(dir: &Path) -> Option<Known> {
    let started = Instant::now();
    let known = match read(dir) {
        Ok(known) => known?,
        Err(error) => {
            not_used(dir, &*error);
            return None;
        }
    };
    tracing::info!(size = known.head.size, took = ?started.elapsed(), "snapshot read");
    Some(known)
}

/// Says that the snapshot is of no use, and takes it away: the next one is written in its time.
pub(super) fn not_used(dir: &Path, why: &(dyn std::error::Error + 'static)) {
    tracing::warn!(why, "the snapshot was not used, and is removed: all records are read");
    if let Err(error) = Snapshot::remove(dir) {
        tracing::warn!(error = &error as &dyn std::error::Error, "it could not be removed");
    }
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

fn read(dir: &Path) -> Result<Option<Known>, Failed> {
    let Some(snapshot) = Snapshot::open(dir)? else { return Ok(None) };
    if snapshot.rules() != REDUCER_VERSION {
        return Err(
            format!("it was made by version {} of the rules, these are {REDUCER_VERSION}", snapshot.rules()).into()
        );
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut loading = Loading::default();
    let mut parts = Vec::new();
    for first in (0..snapshot.blocks()).step_by(threads * READ) {
        let end = snapshot.blocks().min(first + threads * READ);
        // While the other threads read these, this one adds those before.
        let before = std::mem::take(&mut parts);
        parts = std::thread::scope(|scope| -> Result<_, Failed> {
            let shares = (first..end).step_by(READ).map(|from| from..end.min(from + READ));
            let others: Vec<_> = shares.skip(1).map(|share| scope.spawn(|| parts_of(&snapshot, share))).collect();
            before.into_iter().try_for_each(|part| loading.add(part))?;
            let mut parts = parts_of(&snapshot, first..end.min(first + READ))?;
            for other in others {
                parts.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            }
            Ok(parts)
        })?;
    }
    parts.into_iter().try_for_each(|part| loading.add(part))?;
    let state = loading.finish(|indexes| {
        std::thread::scope(|scope| {
            for share in indexes.chunks_mut(indexes.len().div_ceil(threads).max(1)) {
                scope.spawn(|| share.iter_mut().for_each(|index| index.build()));
            }
        });
    })?;
    let head = snapshot.head();
    if state.size() != head.size {
        return Err("its state is of another size than it says".into());
    }
    Ok(Some(Known { state, head }))
}

fn parts_of(snapshot: &Snapshot, blocks: Range<usize>) -> Result<Vec<Part>, Failed> {
    blocks.map(|block| Ok(Part::read(&snapshot.block(block)?)?)).collect()
}

enum Message {
    Piece(Vec<u8>),
    /// There are no more: it is whole.
    Whole,
}

/// A snapshot being taken.
struct AtWork {
    taking: Taking,
    to: SyncSender<Message>,
    /// A piece for which the channel had no room.
    next: Option<Vec<u8>>,
}

/// The snapshots of a running engine.
pub(super) struct Snapshots {
    dir: PathBuf,
    min_free: u64,
    every: Every,
    reader: Reader,
    durable: watch::Receiver<u64>,
    /// Of how many records the last one was made, or tried.
    last: u64,
    at_work: Option<AtWork>,
    writing: Option<JoinHandle<()>>,
}

impl Snapshots {
    pub(super) fn new(
        dir: &Path,
        min_free: u64,
        every: Every,
        last: u64,
        reader: Reader,
        durable: watch::Receiver<u64>,
    ) -> Self {
        Self { dir: dir.to_owned(), min_free, every, reader, durable, last, at_work: None, writing: None }
    }

    /// Whether there is something to do in slices.
    pub(super) const fn at_work(&self) -> bool {
        self.at_work.is_some()
    }

    /// Begins a snapshot when it is time.
    pub(super) fn begin_when_due(&mut self, state: &State) {
        let since = state.size() - self.last;
        let due = self.every.records(state.size()).is_some_and(|every| since >= every);
        let free = self.writing.as_ref().is_none_or(JoinHandle::is_finished);
        if due && free && self.at_work.is_none() {
            self.begin(state);
        }
    }

    fn begin(&mut self, state: &State) {
        self.last = state.size();
        let (to, pieces) = sync_channel(PIECES);
        let (dir, min_free, size) = (self.dir.clone(), self.min_free, state.size());
        let (reader, durable) = (self.reader.clone(), self.durable.clone());
        let writing = std::thread::Builder::new().name("ledger-snapshot".to_owned()).spawn(move || {
            let started = Instant::now();
            match write(&dir, min_free, size, &pieces, &reader, &durable) {
                Ok(Some(bytes)) => tracing::info!(size, bytes, took = ?started.elapsed(), "snapshot written"),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(size, error = &*error as &dyn std::error::Error, "no snapshot was written")
                }
            }
        });
        match writing {
            Ok(writing) => {
                self.writing = Some(writing);
                self.at_work = Some(AtWork { taking: Taking::begin(state), to, next: None });
            }
            Err(error) => tracing::warn!(%error, "no snapshot was written: no thread"),
        }
    }

    /// A record is about to be folded.
    pub(super) fn before(&mut self, state: &State, record: &Record<'_>) {
        if let Some(at_work) = &mut self.at_work {
            at_work.taking.before(state, record);
            if at_work.taking.waiting() > MOST_WAITING {
                tracing::warn!("a snapshot was given up: the disk does not keep up with what changes");
                self.at_work = None;
            }
        }
    }

    /// Goes on for a slice; gives whether anything could be done.
    pub(super) fn slice(&mut self, state: &State) -> bool {
        let start = Instant::now();
        let Some(at_work) = &mut self.at_work else { return false };
        loop {
            while let Some(piece) = at_work.next.take().or_else(|| at_work.taking.piece()) {
                match at_work.to.try_send(Message::Piece(piece)) {
                    Ok(()) => {}
                    Err(TrySendError::Full(Message::Piece(piece))) => {
                        at_work.next = Some(piece);
                        return false;
                    }
                    // The thread has said why.
                    Err(_) => {
                        self.at_work = None;
                        return true;
                    }
                }
            }
            if at_work.taking.ended() {
                match at_work.to.try_send(Message::Whole) {
                    Err(TrySendError::Full(_)) => return false,
                    _ => self.at_work = None,
                }
                return true;
            }
            if start.elapsed() >= SLICE {
                return true;
            }
            at_work.taking.step(state);
        }
    }

    /// Nothing is folded any more: ends the snapshot at work, or takes one where that saves the next start much.
    pub(super) fn end(mut self, state: &State) {
        let saves =
            |since: u64| self.every.records(state.size()).is_some_and(|every| since >= (every / AT_STOP).max(1));
        if self.durable.has_changed().is_err() {
            // The log failed: nothing more becomes durable.
            return;
        }
        if saves(state.size() - self.last) {
            self.at_work = None;
            self.join();
            self.begin(state);
        }
        while self.at_work() {
            if !self.slice(state) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        self.join();
    }

    fn join(&mut self) {
        if let Some(writing) = self.writing.take() {
            // A panic was printed, and leaves no snapshot.
            let _ = writing.join();
        }
    }
}

/// Writes the pieces as they come, and names the file when the records are durable; gives its bytes, `None` where it was
/// given up.
fn write(
    dir: &Path,
    min_free: u64,
    size: u64,
    pieces: &Receiver<Message>,
    reader: &Reader,
    durable: &watch::Receiver<u64>,
) -> Result<Option<u64>, Failed> {
    let mut writer = SnapshotWriter::create(dir)?;
    let mut look_at = 0;
    loop {
        match pieces.recv() {
            Ok(Message::Piece(piece)) => {
                if writer.bytes() >= look_at {
                    look_at = writer.bytes() + LOOK_EVERY;
                    if ledger_log::free_bytes(dir)? < min_free.saturating_add(LOOK_EVERY) {
                        return Err("the disk has hardly more free space than --min-free".into());
                    }
                }
                writer.block(&piece)?;
            }
            Ok(Message::Whole) => break,
            Err(_) => return Ok(None),
        }
    }
    while *durable.borrow() < size {
        if durable.has_changed().is_err() {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let head = Head { size, root: reader.root_at(size)? };
    Ok(Some(writer.finish(head, REDUCER_VERSION)?))
}
