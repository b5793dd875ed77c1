//! The lock of a log folder: advisory, on the file `LOCK`, which names the holder while a writer holds it.
//!
//! What the file holds is one of three words: the writer's process id in decimal digits, also that of one which was killed;
//! `closed` after a close in good order; none after any other end. So a log whose `closed` file went missing is not taken
//! for one that was killed. A word is filled up with spaces to 15 bytes and ended by a line end: one takes the place of
//! another in a single write, so that a power cut leaves either, never a mixture.
//!
//! The writer takes it exclusively, tools at rest share it. The system frees it when its holder dies, but after a
//! kill in the middle of a sync that can take seconds: so taking it is retried for a while.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{Damage, FileError, OpenError};

pub(crate) const NAME: &str = "LOCK";
const CLOSED: &str = "closed";
/// Bytes of a word, the spaces and the line end.
const LINE: usize = 16;
const RETRY: Duration = Duration::from_millis(50);

/// The held lock; dropping it frees the folder.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    /// What was in the file when it was taken.
    found: Vec<u8>,
    /// What a writer leaves in the file: what it found, until it changed something. `None`: nothing is written.
    leave: Option<Vec<u8>>,
}

impl Lock {
    /// Takes the folder for writing and leaves this process's id in the file.
    pub(crate) fn exclusive(dir: &Path, wait: Duration) -> Result<Lock, OpenError> {
        let path = dir.join(NAME);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(FileError::at("open", &path))?;
        acquire(dir, &path, wait, || file.try_lock())?;
        let found = content(&file, &path)?;
        write(&file, &line(&std::process::id().to_string())).map_err(FileError::at("write", &path))?;
        let leave = Some(if found.is_empty() { line("") } else { found.clone() });
        Ok(Lock { file, found, leave })
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
        let found = content(&file, &path)?;
        Ok(Some(Lock { file, found, leave: None }))
    }

    /// Whether the file said, when it was taken, that the log had been closed in good order. Damage, whose position is left
    /// at 0, where it said neither that, nor who has or had the folder, nor nothing.
    pub(crate) fn says_closed(&self) -> Result<bool, Damage> {
        let nothing = self.found.iter().all(|byte| *byte == 0);
        let word = str::from_utf8(&self.found).ok().map(|text| text.trim_end());
        match word.filter(|word| line(word) == self.found) {
            Some(CLOSED) => Ok(true),
            Some(word) if word.bytes().all(|byte| byte.is_ascii_digit()) => Ok(false),
            // A new file; or a power cut left its length without its bytes.
            _ if nothing => Ok(false),
            _ => Err(Damage::new(0, NAME, "a process id, the word closed, or nothing", "another content")),
        }
    }

    /// From here on the log is not as it was closed; durable on return, so that it can be changed.
    pub(crate) fn opened(&mut self, dir: &Path) -> Result<(), FileError> {
        self.leave = Some(line(""));
        self.file.sync_data().map_err(FileError::at("sync", &dir.join(NAME)))
    }

    /// The log was closed in good order, and that is what the file will say; durable on return.
    pub(crate) fn closed(&mut self, dir: &Path) -> Result<(), FileError> {
        let path = dir.join(NAME);
        self.leave = Some(line(CLOSED));
        write(&self.file, &line(CLOSED)).and_then(|()| self.file.sync_data()).map_err(FileError::at("write", &path))
    }
}

fn content(mut file: &File, path: &Path) -> Result<Vec<u8>, FileError> {
    let mut found = Vec::new();
    file.read_to_end(&mut found).map_err(FileError::at("read", path))?;
    Ok(found)
}

fn line(word: &str) -> Vec<u8> {
    format!("{word:<width$}\n", width = LINE - 1).into_bytes()
}

fn write(file: &File, bytes: &[u8]) -> std::io::Result<()> {
    // Of another length is only what somebody else wrote.
    if file.metadata()?.len() > bytes.len() as u64 {
        file.set_len(bytes.len() as u64)?;
    }
    file.write_all_at(bytes, 0)
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(leave) = &self.leave {
            // The name of a holder that is gone would mislead; failing to wipe it harms nothing else.
            let _ = write(&self.file, leave);
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
    fn what_the_file_says_is_left_as_it_was_or_told_anew() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join(NAME);
        let says = || std::fs::read(&path).expect("readable");
        let us = line(&std::process::id().to_string());
        let mut lock = Lock::exclusive(dir.path(), NO_WAIT).expect("free");
        assert_eq!((lock.says_closed(), says()), (Ok(false), us.clone()));
        lock.closed(dir.path()).expect("written");
        drop(lock);
        assert_eq!(says(), line(CLOSED));
        // Looked at and let go: as it was.
        let lock = Lock::exclusive(dir.path(), NO_WAIT).expect("free");
        assert_eq!((lock.says_closed(), says()), (Ok(true), us));
        drop(lock);
        let tool = Lock::shared(dir.path(), NO_WAIT).expect("free").expect("a lock file");
        assert_eq!((tool.says_closed(), says()), (Ok(true), line(CLOSED)));
        drop(tool);
        let mut lock = Lock::exclusive(dir.path(), NO_WAIT).expect("free");
        lock.opened(dir.path()).expect("synced");
        drop(lock);
        assert_eq!(says(), line(""));
        let padded = |word| String::from_utf8(line(word)).expect("a word");
        let rows = [
            (String::new(), Some(false)),
            (padded(""), Some(false)),
            (padded("4711"), Some(false)),
            ("\0\0".to_owned(), Some(false)),
            (padded("closed"), Some(true)),
            ("closed\n".to_owned(), None),
            (padded(" closed"), None),
        ];
        for (content, expected) in rows {
            std::fs::write(&path, &content).expect("written");
            let tool = Lock::shared(dir.path(), NO_WAIT).expect("free").expect("a lock file");
            assert_eq!(tool.says_closed().ok(), expected, "{content:?}");
        }
        for at in 0..LINE {
            let mut bytes = line(CLOSED);
            bytes[at] ^= 0x40;
            std::fs::write(&path, &bytes).expect("written");
            let lock = Lock::exclusive(dir.path(), NO_WAIT).expect("free");
            assert!(lock.says_closed().is_err(), "byte {at}");
            drop(lock);
            assert_eq!(says(), bytes, "as it was found");
        }
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
