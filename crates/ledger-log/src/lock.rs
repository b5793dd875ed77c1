//! The lock of a log folder: advisory, on the file `LOCK`, which names the holder while a writer holds it.
//!
//! The writer takes it exclusively, tools at rest share it. The system frees it when its holder dies, but after a
//! kill in the middle of a sync that can take seconds: so taking it is retried for a while.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{FileError, OpenError};

const NAME: &str = "LOCK";
const RETRY: Duration = Duration::from_millis(50);

/// The held lock; dropping it frees the folder.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    exclusive: bool,
}

impl Lock {
    /// Takes the folder for writing and leaves this process's id in the file.
    pub(crate) fn exclusive(dir: &Path, wait: Duration) -> Result<Lock, OpenError> {
        let path = dir.join(NAME);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(FileError::at("open", &path))?;
        acquire(dir, &path, wait, || file.try_lock())?;
        file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())).map_err(FileError::at("write", &path))?;
        Ok(Lock { file, exclusive: true })
    }

    /// Takes the folder for reading, writing nothing. `None` when there is no lock file: then no writer was ever here.
    pub(crate) fn shared(dir: &Path, wait: Duration) -> Result<Option<Lock>, OpenError> {
        let path = dir.join(NAME);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FileError::at("open", &path)(error).into()),
        };
        acquire(dir, &path, wait, || file.try_lock_shared())?;
        Ok(Some(Lock { file, exclusive: false }))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.exclusive {
            // The name of a holder that is gone would mislead; failing to wipe it harms nothing else.
            let _ = self.file.set_len(0);
        }
        let _ = self.file.unlock();
    }
}

fn acquire(
    dir: &Path,
    path: &Path,
    wait: Duration,
    attempt: impl Fn() -> Result<(), TryLockError>,
) -> Result<(), OpenError> {
    let deadline = Instant::now() + wait;
    loop {
        match attempt() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(FileError::at("lock", path)(error).into()),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::sleep(RETRY),
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::Locked { dir: dir.to_owned(), holder: holder(path) });
            }
        }
    }
}

fn holder(path: &Path) -> String {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(20).read_to_string(&mut text));
    match (read, text.trim().parse::<u32>()) {
        (Ok(_), Ok(pid)) => format!("process {pid}"),
        _ => "another process (a tool that reads it, or one that did not say who it is)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_WAIT: Duration = Duration::ZERO;

    #[test]
    fn a_second_writer_is_told_who_holds_it_and_a_tool_too() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(Lock::shared(dir.path(), NO_WAIT).expect("nobody there").is_none());
        let first = Lock::exclusive(dir.path(), NO_WAIT).expect("free");
        let expected = format!("process {}", std::process::id());
        for refused in [Lock::exclusive(dir.path(), NO_WAIT).err(), Lock::shared(dir.path(), NO_WAIT).map(|_| ()).err()]
        {
            assert!(matches!(&refused, Some(OpenError::Locked { holder, .. }) if *holder == expected), "{refused:?}");
        }
        drop(first);
        let tool = Lock::shared(dir.path(), NO_WAIT).expect("free again").expect("the file stays");
        let another_tool = Lock::shared(dir.path(), NO_WAIT).expect("tools share");
        assert!(matches!(Lock::exclusive(dir.path(), NO_WAIT), Err(OpenError::Locked { .. })));
        drop((tool, another_tool));
        assert!(Lock::exclusive(dir.path(), NO_WAIT).is_ok());
    }

    #[test]
    fn a_lock_freed_while_waiting_is_taken() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = Lock::exclusive(dir.path(), NO_WAIT).expect("free");
        let release = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(120));
            drop(first);
        });
        assert!(Lock::exclusive(dir.path(), Duration::from_secs(10)).is_ok());
        release.join().expect("the thread ends");
    }
}
