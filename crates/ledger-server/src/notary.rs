//! Signed checkpoints: every so often while the log grows, at each run's close, and on request. What was signed is kept
//! before anybody sees it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ledger_log::{Checkpoints, FileError, NoteSigner, Reader};

/// Why there is no checkpoint.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsigned {
    /// The server has no key.
    #[error("this server has no key to sign checkpoints with")]
    NoKey,
    /// None of that size is kept.
    #[error("no checkpoint of {0} records or more is kept yet")]
    NoneYet(u64),
    /// It could not be kept, so it was given to nobody.
    #[error("the checkpoint could not be kept")]
    NotKept(#[source] FileError),
    /// The server stops: the files of the log are being described.
    #[error("the ledger is stopping")]
    Stopping,
}

/// Signs what is durable, and keeps it.
#[derive(Clone)]
pub(crate) struct Notary(Option<Arc<Desk>>);

struct Desk {
    signer: Arc<NoteSigner>,
    reader: Reader,
    /// Taken away at the end.
    kept: Mutex<Option<Checkpoints>>,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Option<Checkpoints>> {
        // A note is kept or not: a panic leaves nothing half done that the next one would not write over.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notary {
    pub(crate) fn new(signer: Option<Arc<NoteSigner>>, reader: Reader, kept: Checkpoints) -> Self {
        Self(signer.map(|signer| Arc::new(Desk { signer, reader, kept: Mutex::new(Some(kept)) })))
    }

    fn desk(&self) -> Result<&Desk, Unsigned> {
        self.0.as_deref().ok_or(Unsigned::NoKey)
    }

    /// The checkpoint of the log as it is, with its size; signed and kept now where this key did not yet. Blocks.
    pub(crate) fn sign(&self) -> Result<(u64, String), Unsigned> {
        let desk = self.desk()?;
        let mut kept = desk.lock();
        let kept = kept.as_mut().ok_or(Unsigned::Stopping)?;
        let head = desk.reader.head();
        if let Some((size, note)) = kept.at_or_after(head.size).map_err(Unsigned::NotKept)?
            && desk.signer.verifier().checkpoint(&note).is_ok()
        {
            return Ok((size, note));
        }
        let note = desk.signer.checkpoint(head);
        kept.keep(head.size, &note).map_err(Unsigned::NotKept)?;
        Ok((head.size, note))
    }

    /// The smallest kept checkpoint of `size` records or more, with its size. Blocks.
    pub(crate) fn at_or_after(&self, size: u64) -> Result<(u64, String), Unsigned> {
        let kept = self.desk()?.lock();
        let kept = kept.as_ref().ok_or(Unsigned::Stopping)?;
        kept.at_or_after(size).map_err(Unsigned::NotKept)?.ok_or(Unsigned::NoneYet(size))
    }

    /// Signs where there is a key; what keeps it from that is logged, and no reason to refuse anything else.
    pub(crate) fn sign_if_possible(&self) {
        match self.sign() {
            Ok((size, _)) => tracing::debug!(size, "checkpoint"),
            Err(Unsigned::NoKey | Unsigned::Stopping) => {}
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "no checkpoint was signed"),
        }
    }

    /// Signs every so often while the log grows, until the task is ended.
    pub(crate) async fn every(self, period: Duration) {
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Ok(desk) = self.desk() else { return };
            if desk.reader.head().size > 0 {
                tokio::task::block_in_place(|| self.sign_if_possible());
            }
        }
    }

    /// Signs nothing any more: no file of the log may change once it is closed.
    pub(crate) fn end(&self) {
        if let Ok(desk) = self.desk() {
            drop(desk.lock().take());
        }
    }
}
