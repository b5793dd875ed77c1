//! A cohort's history as an archive: what a log holds that recorded its lines, without the way through lines and server.
//!
//! The caller's thread lives the year and encodes the records; another one hashes them and writes the segments. Memory is
//! the cohort's own and a few batches.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use ledger_core::Record;
use ledger_log::{ArchiveWriter, Batch, Head, OpenError, Options, record};

use crate::book::Summary;
use crate::cohort::Cohort;
use crate::parameters::Parameters;

/// Records that go to the writing thread at once.
const BATCH: usize = 8192;
/// Batches that wait for it.
const WAITING: usize = 4;

/// Writes the history, until it has `most` records, into the folder `to`, which must be empty, not there, or what an
/// interrupted writing left. The same parameters give the same bytes.
///
/// # Errors
///
/// Something is in the way, or the archive cannot be written; then it is none.
pub fn write(parameters: &Parameters, most: u64, to: &Path) -> Result<(Summary, Head), OpenError> {
    let archive = ArchiveWriter::open(to, Options::default().segment_level)?;
    if archive.head().size > 0 {
        return Err(OpenError::InTheWay { dir: to.to_owned() });
    }
    let (sender, batches) = sync_channel(WAITING);
    let writer = thread::spawn(move || add(archive, &batches));
    let feeder = Arc::new(Mutex::new(Feeder { batch: Batch::new(), to: sender, stopped: false }));
    let feed = Arc::clone(&feeder);
    let cohort = Cohort::new(*parameters).until(most).records_only();
    let mut cohort = cohort.watched(move |record| locked(&feed).push(record));
    while !locked(&feeder).stopped && cohort.step() {}
    locked(&feeder).send();
    let summary = cohort.summary().clone();
    // The channel closes with its last sender, and the writer ends.
    drop((cohort, feeder));
    let archive = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    Ok((summary, archive.finish()?))
}

/// Hashes and writes what comes. The archive is not finished here: what comes may end early.
fn add(mut archive: ArchiveWriter, batches: &Receiver<Batch>) -> Result<ArchiveWriter, OpenError> {
    for batch in batches {
        batch.records().try_for_each(|record| archive.push(record).map(drop))?;
    }
    Ok(archive)
}

/// Gathers records for the writing thread.
struct Feeder {
    batch: Batch,
    to: SyncSender<Batch>,
    /// The writing thread failed: it says why when it is joined.
    stopped: bool,
}

impl Feeder {
    fn push(&mut self, new: &Record<'_>) {
        self.batch.push_with(|bytes| record::encode(new, bytes)).expect("a cohort's records are short");
        if self.batch.len() == BATCH {
            self.send();
        }
    }

    fn send(&mut self) {
        self.stopped |= self.to.send(std::mem::take(&mut self.batch)).is_err();
    }
}

fn locked(feeder: &Mutex<Feeder>) -> MutexGuard<'_, Feeder> {
    feeder.lock().unwrap_or_else(PoisonError::into_inner)
}
