//! Makes sled sync for real.
//!
//! After each write sled 0.34.7 calls `sync_file_range`, takes the bytes for durable, and lets go of what they replace: parts of
//! its file that only held older versions of a page are written over by the next bytes. But that call promises nothing, and
//! a sync of our own after the whole commit comes too late for the order within it. Of 20,000 sampled cuts one left a page of
//! the volume unreadable. From sled's recovery we take it that the head of a reused part was torn, by which sled judges all
//! before it; that one cut was not seen again, neither before this nor since. Where the kernel has no `sync_file_range`, sled
//! calls `fsync` instead, at just the moments that its own order of writing rests on. So the kernel is told to have none for
//! this process: a filter of system calls answers that one with `ENOSYS`. It holds for all threads, for the processes that
//! they start, and for good.

use std::io;
use std::path::Path;
use std::sync::OnceLock;

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter_all_threads};

use crate::error::FileError;

/// From now on sled's syncs are real. Without that nothing may be written to the log in `dir`.
pub(crate) fn require(dir: &Path) -> Result<(), FileError> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    let failed = |reason: &String| FileError {
        action: "make the store sync its writes in",
        path: dir.to_owned(),
        source: io::Error::other(reason.clone()),
    };
    DONE.get_or_init(|| without_sync_file_range().map_err(|error| format!("no filter of system calls: {error}")))
        .as_ref()
        .map_err(failed)
        .copied()
}

fn without_sync_file_range() -> Result<(), Box<dyn std::error::Error>> {
    let refused = [(libc::SYS_sync_file_range, Vec::new())].into();
    let answer = SeccompAction::Errno(libc::ENOSYS as u32);
    let filter = SeccompFilter::new(refused, SeccompAction::Allow, answer, std::env::consts::ARCH.try_into()?)?;
    Ok(apply_filter_all_threads(&BpfProgram::try_from(filter)?)?)
}
