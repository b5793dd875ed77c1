//! Ends a flush that the store forgot.
//!
//! sled writes on threads of its own. When such a write fails, the failure is noted for everybody, but in one of the two
//! places where it is noted (`exit_reservation`) those who already wait in `flush` are not woken: they hang for good, seen
//! on a disk that fails under load. Whoever flushes later finds the note and wakes them. So somebody does.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::FileError;
use crate::quiet;

/// How long a forgotten flush hangs at most.
const EVERY: Duration = Duration::from_millis(200);

/// A thread that looks after the flushes of one open volume; dropping it ends the thread.
#[derive(Debug)]
pub(crate) struct Waker {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Waker {
    /// `config` is the one that `db` was opened with.
    pub(crate) fn start(config: sled::Config, db: sled::Db, path: &Path) -> Result<Waker, FileError> {
        let (end, ended) = channel::<()>();
        let look_after = move || {
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(EVERY) {
                if config.global_error().is_err() {
                    // It fails at once, and that is what wakes the others.
                    let _ = quiet::catch(|| db.flush());
                }
            }
        };
        let thread = std::thread::Builder::new().name("ledger-waker".to_owned()).spawn(look_after);
        let thread = thread.map_err(FileError::at("start a thread for", path))?;
        Ok(Waker { end: Some(end), thread: Some(thread) })
    }
}

impl Drop for Waker {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
