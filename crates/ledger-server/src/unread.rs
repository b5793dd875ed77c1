//! What the start did not read, since a snapshot stands for it, is read beside the work, by a thread that gives way to
//! everybody else; damage ends the server as it would have kept it from starting.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ledger_log::{OpenError, Reader, Snapshot};
use tokio::sync::oneshot;

/// How many times as long as it reads the thread waits: a fifth of a core at most, and of the disk.
const WAITS: u32 = 4;
/// A wait is cut into such pieces, so that a stop need not wait for it.
const WAIT: Duration = Duration::from_millis(20);

/// The check under way; dropping it ends it.
pub(crate) struct Unread {
    stop: Arc<AtomicBool>,
    damage: oneshot::Receiver<OpenError>,
}

impl Unread {
    /// Checks the first `unread` records of the log in `dir`.
    pub(crate) fn check(dir: &Path, reader: Reader, unread: u64) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (found, damage) = oneshot::channel();
        let (stopped, dir) = (Arc::clone(&stop), dir.to_owned());
        let check = std::thread::Builder::new().name("ledger-check".to_owned()).spawn(move || {
            if unread > 0
                && let Err(error) = read(&dir, &reader, unread, &stopped)
            {
                let _ = found.send(error);
            }
        });
        check.map(|_| Self { stop, damage })
    }

    /// Resolves when damage was found; never otherwise.
    pub(crate) async fn damage(&mut self) -> OpenError {
        match (&mut self.damage).await {
            Ok(error) => error,
            // All is well.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn read(dir: &Path, reader: &Reader, unread: u64, stop: &AtomicBool) -> Result<(), OpenError> {
    // As nice as can be; where that is not allowed it only waits.
    let _ = rustix::process::nice(19);
    let (started, mut since) = (Instant::now(), Instant::now());
    let checked = reader.check(unread, |_| {
        let until = Instant::now() + since.elapsed() * WAITS;
        while Instant::now() < until && !stop.load(Ordering::Relaxed) {
            std::thread::sleep(WAIT.min(until.saturating_duration_since(Instant::now())));
        }
        since = Instant::now();
        !stop.load(Ordering::Relaxed)
    });
    match checked {
        Ok(()) if stop.load(Ordering::Relaxed) => Ok(()),
        Ok(()) => {
            tracing::info!(records = unread, took = ?started.elapsed(), "records that the start did not read are whole");
            Ok(())
        }
        Err(error) => {
            // The next start reads everything, and refuses where it must.
            if let Err(error) = Snapshot::remove(dir) {
                tracing::warn!(error = &error as &dyn std::error::Error, "the snapshot could not be removed");
            }
            Err(error)
        }
    }
}
