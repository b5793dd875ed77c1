//! Sealing: the thread that writes full segments while commits go on.
//!
//! In this order, each step durable before the next: the segment's file, written beside, read back and compared with the
//! root that the log's own tree has for it; head and subtrees; the manifest, from which on the segment counts; then the
//! volume that held the records goes. A crash in between leaves a file that nobody names, or a volume that nobody needs.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::error::{FileError, OpenError, ReadError};
use crate::reader::Reader;
use crate::segment::{self, SegmentWriter};
use crate::store::{self, Shared};
use crate::volumes;
use crate::{files, head, subtrees};

/// The sealing thread of a writer. It stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Sealer {
    /// Positions up to which segments are full.
    jobs: Option<Sender<u64>>,
    thread: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    failure: Arc<Mutex<Option<String>>>,
}

impl Sealer {
    /// Starts the thread for the log in `dir`.
    pub(crate) fn start(dir: &Path, shared: Arc<Shared>) -> Result<Sealer, FileError> {
        let (jobs, due) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let failure = Arc::new(Mutex::new(None));
        let sealing = Sealing { dir: dir.to_owned(), shared, stop: stop.clone() };
        let said = failure.clone();
        let thread = std::thread::Builder::new().name("ledger-log-seal".to_owned()).spawn(move || {
            if let Err(error) = sealing.run(&due) {
                *said.lock().unwrap_or_else(PoisonError::into_inner) = Some(in_words(&error));
            }
        });
        let thread = thread.map_err(FileError::at("start the sealing thread of", dir))?;
        Ok(Sealer { jobs: Some(jobs), thread: Some(thread), stop, failure })
    }

    /// Seals all full segments before `end`, and lets go of the volumes that only held those.
    pub(crate) fn seal(&self, end: u64) {
        if let Some(jobs) = &self.jobs {
            // A thread that ended has left its reason.
            let _ = jobs.send(end);
        }
    }

    /// Why sealing ended, if it failed: the log may go on in its volume, but grows.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets the step at hand end; the rest is for the next opening.
    pub(crate) fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Sealer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn in_words(error: &OpenError) -> String {
    let mut text = format!("sealing failed: {error}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

struct Sealing {
    dir: PathBuf,
    shared: Arc<Shared>,
    stop: Arc<AtomicBool>,
}

impl Sealing {
    fn run(&self, due: &Receiver<u64>) -> Result<(), OpenError> {
        while let Ok(end) = due.recv() {
            while let Some(store) = self.shared.store() {
                let (first, level) = (store.sealed.end(), store.sealed.level);
                drop(store);
                if first + (1 << level) > end {
                    break;
                }
                if !self.seal(first, level)? {
                    return Ok(());
                }
            }
            self.let_go()?;
        }
        Ok(())
    }

    /// Seals the segment from `first` on; `false` when it was told to stop.
    fn seal(&self, first: u64, level: u32) -> Result<bool, OpenError> {
        let Some(store) = self.shared.store() else { return Ok(false) };
        let folder = store.sealed.folder().to_owned();
        drop(store);
        let mut writer = SegmentWriter::create(&folder, first)?;
        let mut failed = None;
        let mut position = first;
        let end = first + (1 << level);
        let reader = Reader::new(self.shared.clone());
        while position < end {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            // A part at a time, so that a stop need not wait long.
            let to = end.min(position + (1 << 14));
            position = match reader.visit(position, to, |_, record| match writer.push(record) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }) {
                Ok(position) => position,
                Err(ReadError::Closed) => return Ok(false),
                Err(error) => return Err(error.into()),
            };
            if let Some(error) = failed {
                return Err(error.into());
            }
        }
        let segment = writer.finish(&segment::name(first), self.shared.subtrees.node(level, first >> level)?)?;
        // What the manifest names, head and subtrees must know, even after a power cut.
        for name in [head::NAME, subtrees::NAME] {
            let path = self.dir.join(name);
            File::open(&path).and_then(|file| file.sync_data()).map_err(FileError::at("sync", &path))?;
        }
        let Some(store) = self.shared.store() else { return Ok(false) };
        let mut sealed = store.sealed.clone();
        drop(store);
        sealed.segments.push(Arc::new(segment));
        sealed.write()?;
        self.shared.change(|store| store.sealed = sealed);
        Ok(true)
    }

    /// Closes and removes volumes whose records are all sealed.
    fn let_go(&self) -> Result<(), OpenError> {
        while let Some((first, volume)) =
            self.shared.change(|store| store.volumes.take_sealed(store.sealed.end())).flatten()
        {
            volumes::close_when_free(volume);
            files::remove_tree(&store::live(&self.dir).join(volumes::name(first)))?;
        }
        Ok(())
    }
}
