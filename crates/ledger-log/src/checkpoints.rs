//! The file `checkpoints/notes`: every checkpoint of this log that was signed, in the order of signing.
//!
//! It is text: signed notes, an empty line after each. A note is synced before anybody is given it, and never changes.
//! What stands after the last whole one was given to nobody: a crash may leave it, and it is cut. The roots that the notes
//! name are compared with the log's in the pass over all records that every opening makes: sizes only grow, so file and
//! records are read side by side, each once. Their signatures are for those who hold the keys, also keys that are no
//! longer in use.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::checkpoint::Checkpoint;
use crate::error::{Damage, FileError};
use crate::files;
use crate::head::Head;
use crate::merkle::Frontier;
use crate::notes;

/// The file's name in the log folder.
pub(crate) const NAME: &str = "checkpoints/notes";

/// What an opening found of the checkpoints. Where each note stands is not kept: sizes only grow, so one is found in the
/// file itself, and a year of millions of notes takes no memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Size of the last note.
    latest: Option<u64>,
    end: u64,
    /// Bytes of a note that was given to nobody.
    cut: u64,
}

impl Kept {
    fn add(&mut self, size: u64, length: usize) {
        self.latest = Some(size);
        self.end += length as u64 + 1;
    }

    /// What a note cut short is where nothing was interrupted; `log` is the log's size.
    pub(crate) fn in_a_closed_log(&self, log: u64) -> Option<Damage> {
        let found = format!("{} bytes after the last one", self.cut);
        (self.cut > 0).then(|| Damage::new(log, NAME, "whole notes, since the log was closed", found))
    }

    /// Takes away what was given to nobody; durable on return.
    pub(crate) fn cut_short(&self, dir: &Path) -> Result<(), FileError> {
        if self.cut == 0 {
            return Ok(());
        }
        let path = dir.join(NAME);
        let file = OpenOptions::new().write(true).open(&path).map_err(FileError::at("open", &path))?;
        file.set_len(self.end).and_then(|()| file.sync_all()).map_err(FileError::at("cut", &path))
    }
}

/// Compares the notes with the log while a pass over its records goes by.
#[derive(Debug)]
pub(crate) struct Check {
    /// `None` once all notes were read, or one that is none.
    file: Option<BufReader<File>>,
    path: PathBuf,
    kept: Kept,
    /// The note that was read last and what it says; the pass has not reached its size yet.
    next: Option<(Head, usize)>,
    fault: Option<Fault>,
}

/// What is wrong, told when the log's size is known.
#[derive(Debug)]
enum Fault {
    Note { at: u64, expected: String, found: String },
    Forked { size: u64 },
}

impl Check {
    /// Starts at the first note of `size` records or more; a missing file is one without notes.
    pub(crate) fn open(dir: &Path, size: u64) -> Result<Check, FileError> {
        let path = dir.join(NAME);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Check { file: None, path, kept: Kept::default(), next: None, fault: None });
            }
            Err(error) => return Err(FileError::at("open", &path)(error)),
        };
        let mut kept = Kept::default();
        if size > 0 {
            let length = file.metadata().map_err(FileError::at("look at", &path))?.len();
            // A file in which nothing is found is read from its beginning, and that says what is wrong with it.
            let before = notes::first_from(&file, length, size).map_err(FileError::at("read", &path))?;
            kept = before.map_or(kept, |(end, latest)| Kept { latest, end, cut: 0 });
        }
        let mut file = BufReader::with_capacity(1 << 16, file);
        file.seek(SeekFrom::Start(kept.end)).map_err(FileError::at("read", &path))?;
        let mut check = Check { file: Some(file), path, kept, next: None, fault: None };
        check.read_note()?;
        Ok(check)
    }

    /// Whether a note is of a size after `from` and before `to`.
    pub(crate) fn any_between(&self, from: u64, to: u64) -> bool {
        self.next.is_some_and(|(head, _)| from < head.size && head.size < to)
    }

    /// Compares the notes of this size, if there are any. To be called at every size from 0 on.
    #[inline]
    pub(crate) fn reached(&mut self, frontier: &Frontier) -> Result<(), FileError> {
        match self.next {
            Some((head, _)) if head.size == frontier.size() => self.compare(frontier),
            _ => Ok(()),
        }
    }

    #[cold]
    fn compare(&mut self, frontier: &Frontier) -> Result<(), FileError> {
        let here = Head { size: frontier.size(), root: frontier.root() };
        while let Some((head, length)) = self.next.filter(|(head, _)| head.size == here.size) {
            if head.root != here.root {
                self.fault = Some(Fault::Forked { size: head.size });
                (self.next, self.file) = (None, None);
                return Ok(());
            }
            self.kept.add(head.size, length);
            self.read_note()?;
        }
        Ok(())
    }

    /// What is wrong with the notes of `size` records and fewer.
    pub(crate) fn so_far(&self, size: u64) -> Result<(), Damage> {
        match &self.fault {
            Some(Fault::Note { at, expected, found }) => {
                Err(Damage::new(size, format!("{NAME} byte {at}"), expected, found))
            }
            // Each record is whole, yet together they are not those that were signed; which one is not known.
            Some(Fault::Forked { size }) => {
                Err(Damage::new(0, NAME, format!("the {size} records whose root was signed"), "another root"))
            }
            None => Ok(()),
        }
    }

    /// Ends the comparison after the last of `size` records.
    pub(crate) fn finish(self, size: u64) -> Result<Kept, Damage> {
        self.so_far(size)?;
        match self.next {
            Some((head, _)) => {
                let expected = format!("a log of {} records or more, as was signed", head.size);
                Err(Damage::new(size, NAME, expected, format!("{size} records")))
            }
            None => Ok(self.kept),
        }
    }

    /// Reads up to the empty line after the next note. What ends before it was given to nobody.
    fn read_note(&mut self) -> Result<(), FileError> {
        let before = self.next.take().map(|(head, _)| head.size).or(self.kept.latest);
        let Some(file) = &mut self.file else { return Ok(()) };
        let (mut note, mut text, mut empty_lines) = (Vec::new(), 0, 0);
        while empty_lines < 2 {
            let start = note.len();
            file.read_until(b'\n', &mut note).map_err(FileError::at("read", &self.path))?;
            if note.last() != Some(&b'\n') || note.len() == start {
                self.kept.cut = note.len() as u64;
                self.file = None;
                return Ok(());
            }
            if note[start..] == *b"\n" {
                empty_lines += 1;
                text = if empty_lines == 1 { start } else { text };
            }
        }
        let said = std::str::from_utf8(&note[..note.len() - 1]).ok();
        let checkpoint = said.and_then(|note| Checkpoint::parse(&note[..text]).ok());
        let fault = match checkpoint {
            None => Some(("a checkpoint".to_owned(), "another text".to_owned())),
            Some(Checkpoint { head, .. }) => {
                self.next = Some((head, note.len() - 1));
                let back = before.filter(|before| *before > head.size);
                back.map(|before| (format!("a size of {before} or more"), head.size.to_string()))
            }
        };
        if let Some((expected, found)) = fault {
            self.fault = Some(Fault::Note { at: self.kept.end, expected, found });
            (self.next, self.file) = (None, None);
        }
        Ok(())
    }
}

/// The checkpoints that were kept, and the place for more.
#[derive(Debug)]
pub struct Checkpoints {
    file: File,
    path: PathBuf,
    kept: Kept,
}

impl Checkpoints {
    /// Opens the checkpoints of the log in `dir`, which is open and found these, or begins them.
    ///
    /// # Errors
    ///
    /// A file cannot be used.
    pub fn open(dir: &Path, kept: Kept) -> Result<Self, FileError> {
        let path = dir.join(NAME);
        files::create_dir(path.parent().unwrap_or(dir))?;
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(FileError::at("open", &path))?;
        // Also one that is there: a process that was killed may have made it, or written its last note, and not synced it.
        file.sync_all().map_err(FileError::at("sync", &path))?;
        files::sync_name(&path)?;
        Ok(Self { file, path, kept })
    }

    /// Bytes of a last note that a crash cut short; given to nobody, and cut at the opening.
    #[must_use]
    pub const fn cut(&self) -> u64 {
        self.kept.cut
    }

    /// Keeps a signed checkpoint of `size` records; durable on return.
    ///
    /// # Errors
    ///
    /// It cannot be written, or is of fewer records than the last one: it must then be given to nobody.
    pub fn keep(&mut self, size: u64, note: &str) -> Result<(), FileError> {
        if self.latest().is_some_and(|latest| latest > size) {
            let error = std::io::Error::other("the last kept checkpoint is of more records");
            return Err(FileError::at("add to", &self.path)(error));
        }
        let written = self.file.write_all_at(format!("{note}\n").as_bytes(), self.kept.end);
        if let Err(error) = written.and_then(|()| self.file.sync_data()) {
            // What stands there now must not pass for a note.
            let cut = self.file.set_len(self.kept.end).and_then(|()| self.file.sync_all());
            cut.map_err(FileError::at("cut", &self.path))?;
            return Err(FileError::at("add to", &self.path)(error));
        }
        self.kept.add(size, note.len());
        Ok(())
    }

    /// Size of the newest kept checkpoint.
    #[must_use]
    pub const fn latest(&self) -> Option<u64> {
        self.kept.latest
    }

    /// The smallest kept checkpoint of `size` records or more, with its size.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn at_or_after(&self, size: u64) -> Result<Option<(u64, String)>, FileError> {
        if self.kept.latest.is_none_or(|latest| latest < size) {
            return Ok(None);
        }
        notes::newest_from(&self.file, self.kept.end, size).map_err(FileError::at("read", &self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::NoteSigner;
    use crate::{Batch, Log, OpenError, Options, Reader, Writer, leaf_hash};

    struct Case {
        folder: tempfile::TempDir,
        writer: Writer,
        reader: Reader,
        signer: NoteSigner,
    }

    impl Case {
        fn new(first: &str) -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let (writer, reader, _) = Log::open(folder.path(), &Options::default()).expect("a log");
            let signer = NoteSigner::new("prakerja.ledger/test", &[7; 32]).expect("a name");
            let mut case = Self { folder, writer, reader, signer };
            case.append(first);
            case
        }

        fn append(&mut self, record: &str) -> Head {
            let mut batch = Batch::new();
            batch.push(record.as_bytes()).expect("small");
            let size = self.reader.head().size;
            self.writer.append(size, &batch).expect("a commit");
            self.reader.head()
        }

        /// As an opening does it.
        fn open(&self, clean: bool) -> Result<Checkpoints, OpenError> {
            let mut check = Check::open(self.folder.path(), 0)?;
            let mut frontier = Frontier::default();
            check.reached(&frontier)?;
            for record in self.reader.read(0, u64::MAX) {
                frontier.append(leaf_hash(&record.expect("readable")));
                check.reached(&frontier)?;
            }
            let kept = check.finish(frontier.size())?;
            if let Some(damage) = kept.in_a_closed_log(frontier.size()).filter(|_| clean) {
                return Err(damage.into());
            }
            kept.cut_short(self.folder.path())?;
            Ok(Checkpoints::open(self.folder.path(), kept)?)
        }

        /// Signs and keeps the head; gives the note.
        fn keep(&self, checkpoints: &mut Checkpoints) -> String {
            let note = self.signer.checkpoint(self.reader.head());
            checkpoints.keep(self.reader.head().size, &note).expect("kept");
            note
        }

        fn file(&self) -> PathBuf {
            self.folder.path().join(NAME)
        }
    }

    #[test]
    fn what_is_kept_is_found_again_at_any_size() {
        let mut case = Case::new("a");
        let mut checkpoints = case.open(true).expect("none yet");
        assert_eq!((checkpoints.latest(), checkpoints.at_or_after(0).expect("read")), (None, None));
        let one = case.keep(&mut checkpoints);
        for _ in 0..4 {
            case.append("b");
        }
        let five = case.keep(&mut checkpoints);
        for checkpoints in [checkpoints, case.open(true).expect("as it was")] {
            assert_eq!((checkpoints.latest(), checkpoints.cut()), (Some(5), 0));
            let rows =
                [(0, Some((1, &one))), (1, Some((1, &one))), (2, Some((5, &five))), (5, Some((5, &five))), (6, None)];
            for (size, expected) in rows {
                let expected = expected.map(|(size, note)| (size, note.clone()));
                assert_eq!(checkpoints.at_or_after(size).expect("read"), expected, "{size}");
            }
        }
        let mut checkpoints = case.open(true).expect("as it was");
        assert!(checkpoints.keep(4, &one).is_err(), "never back");
        let renewed = NoteSigner::new(case.signer.name(), &[8; 32]).expect("a name").checkpoint(case.reader.head());
        checkpoints.keep(5, &renewed).expect("the same size under another key");
        let checkpoints = case.open(true).expect("as it was");
        assert_eq!(checkpoints.at_or_after(3).expect("read"), Some((5, renewed)));
    }

    #[test]
    fn a_note_cut_short_is_cut_after_a_crash_and_damage_after_a_close() {
        let mut case = Case::new("a");
        let mut checkpoints = case.open(true).expect("none yet");
        let one = case.keep(&mut checkpoints);
        case.append("b");
        case.keep(&mut checkpoints);
        let whole = std::fs::read(case.file()).expect("readable");
        for length in one.len() + 2..whole.len() {
            std::fs::write(case.file(), &whole[..length]).expect("written");
            let Err(OpenError::Damaged(damage)) = case.open(true) else { panic!("{length}") };
            assert_eq!((damage.first_bad_position, damage.place.as_str()), (2, NAME), "{length}");
            let checkpoints = case.open(false).expect("cut");
            assert_eq!(
                (checkpoints.latest(), checkpoints.cut()),
                (Some(1), (length - one.len() - 1) as u64),
                "{length}"
            );
            assert_eq!(std::fs::read(case.file()).expect("readable"), whole[..=one.len()], "{length}");
        }
    }

    #[test]
    fn a_log_that_is_not_the_one_that_was_signed_is_damaged() {
        let mut case = Case::new("a");
        let mut checkpoints = case.open(true).expect("none yet");
        case.append("b");
        case.keep(&mut checkpoints);
        let notes = std::fs::read_to_string(case.file()).expect("readable");
        let rows: [(&str, &[&str], u64); 3] =
            [("behind", &["a"], 1), ("forked", &["a", "c"], 0), ("forked and longer", &["x", "b", "c"], 0)];
        for (name, records, position) in rows {
            let mut other = Case::new(records[0]);
            for record in &records[1..] {
                other.append(record);
            }
            drop(other.open(true).expect("none yet"));
            std::fs::write(other.file(), &notes).expect("written");
            let Err(OpenError::Damaged(damage)) = other.open(false) else { panic!("{name}") };
            assert_eq!(damage.first_bad_position, position, "{name}: {damage}");
        }
        let mut longer = Case::new("a");
        longer.append("b");
        longer.append("c");
        drop(longer.open(true).expect("none yet"));
        std::fs::write(longer.file(), &notes).expect("written");
        assert_eq!(longer.open(true).expect("it goes on from there").latest(), Some(2));
        for (from, to) in [("\n2\n", "\n3\n"), ("\n2\n", "\nx\n"), ("\n2\n", "\n1\n")] {
            std::fs::write(longer.file(), notes.replacen(from, to, 1)).expect("written");
            assert!(matches!(longer.open(false), Err(OpenError::Damaged(_))), "{to:?}");
        }
        std::fs::write(longer.file(), notes.clone() + &notes.replacen("\n2\n", "\n1\n", 1)).expect("written");
        assert!(matches!(longer.open(false), Err(OpenError::Damaged(_))), "sizes only grow");
    }
}
