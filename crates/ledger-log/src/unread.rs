//! What an opening did not read because it was known, read afterwards: damage there is found as at a start, only later.

use std::path::Path;

use crate::error::OpenError;
use crate::head::Head;
use crate::merkle::Frontier;
use crate::reader::Reader;
use crate::scan::{Beside, Readers, Scan};
use crate::window::Window;

/// What ended a check that was told to.
#[derive(Debug, thiserror::Error)]
#[error("told to stop")]
struct Stopped;

impl Reader {
    /// Reads the sealed segments that hold any of the first `unread` records, and compares them with the manifest, and with
    /// them the stored subtrees and the kept checkpoints before that. `go_on` is asked after some megabytes, with how many
    /// records were read since; it may take its time, and ends the check by `false`.
    ///
    /// # Errors
    ///
    /// Something is damaged, or cannot be read.
    pub fn check(&self, unread: u64, mut go_on: impl FnMut(u64) -> bool) -> Result<(), OpenError> {
        let Some(mut sealed) = self.shared.store().map(|store| store.sealed.clone()) else { return Ok(()) };
        sealed.segments.retain(|segment| segment.contents().first < unread);
        let dir = sealed.folder().parent().unwrap_or(Path::new(".")).to_owned();
        let mut frontier = Frontier::default();
        let mut stopped = false;
        let mut visit = |window: Window<'_>| {
            stopped = !go_on(window.count());
            if stopped { Err(OpenError::Record { position: 0, source: Box::new(Stopped) }) } else { Ok(()) }
        };
        // Of the head only the size is looked at: it must not be before what is sealed.
        let head = Head { size: sealed.end(), root: Default::default() };
        let beside = Beside::open(&dir)?;
        let mut scan = Scan { head, beside, frontier: &mut frontier, readers: Readers::InTurn(1), visit: &mut visit };
        let read = scan.sealed(&sealed);
        let beside = scan.beside;
        let size = frontier.size();
        match read {
            _ if stopped => Ok(()),
            read => read.and_then(|()| Ok(beside.so_far(size)?)),
        }
    }
}
