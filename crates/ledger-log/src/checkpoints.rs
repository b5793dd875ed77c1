//! The file `checkpoints/notes`: every checkpoint of this log that was signed, in the order of signing.
//!
//! It is text: signed notes, an empty line after each. A note is synced before anybody is given it, and never changes.
//! What stands after the last whole one was given to nobody: a crash may leave it, and it is cut. The roots that the notes
//! name are compared with the log's at every opening. Their signatures are for those who hold the keys, also keys that
//! are no longer in use.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::checkpoint::Checkpoint;
use crate::error::{Damage, FileError, OpenError, ReadError};
use crate::files;
use crate::head::Head;
use crate::reader::Reader;

/// The file's name in the log folder.
pub(crate) const NAME: &str = "checkpoints/notes";
const END: &str = "\n\n";

/// Where a note stands in the file.
#[derive(Clone, Copy, Debug)]
struct Place {
    from: u64,
    length: usize,
}

/// The checkpoints that were kept, and the place for more.
#[derive(Debug)]
pub struct Checkpoints {
    file: File,
    path: PathBuf,
    /// By size; the newest note of each.
    kept: BTreeMap<u64, Place>,
    end: u64,
    /// Bytes of a note that was given to nobody, cut at the opening.
    cut: u64,
}

impl Checkpoints {
    /// Opens the checkpoints of the log in `dir`, or begins them, and compares each with the log. `clean` says whether the
    /// log had been closed in good order: then nothing may stand after the last note.
    ///
    /// # Errors
    ///
    /// A file cannot be used, or is damaged, or the log is not the one that was signed.
    pub fn open(dir: &Path, reader: &Reader, clean: bool) -> Result<Self, OpenError> {
        let path = dir.join(NAME);
        files::create_dir(path.parent().unwrap_or(dir))?;
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(FileError::at("open", &path))?;
        // Also one that is there: a process that was killed may have made it and not synced it.
        files::sync_name(&path)?;
        let bytes = std::fs::read(&path).map_err(FileError::at("read", &path))?;
        let mut checkpoints = Self { file, path, kept: BTreeMap::new(), end: 0, cut: 0 };
        let heads = checkpoints.index(&bytes, reader.head().size)?;
        checkpoints.cut = bytes.len() as u64 - checkpoints.end;
        if checkpoints.cut > 0 {
            if clean {
                let found = format!("{} bytes after the last one", checkpoints.cut);
                return Err(damage(reader, "whole notes, since the log was closed", found).into());
            }
            checkpoints.cut_back()?;
        }
        extended(&heads, reader)?;
        Ok(checkpoints)
    }

    /// Notes where each note stands; gives what they sign, in the order of the file.
    fn index(&mut self, bytes: &[u8], log: u64) -> Result<Vec<Head>, Damage> {
        let mut heads: Vec<Head> = Vec::new();
        let mut rest = bytes;
        while let Some((note, after)) = first_note(rest) {
            let text = note.split_once(END).map_or(note, |(text, _)| text);
            let at = format!("{NAME} byte {}", self.end);
            let Ok(Checkpoint { head, .. }) = Checkpoint::parse(text) else {
                return Err(Damage::new(log, at, "a checkpoint", "another text"));
            };
            if let Some(last) = heads.last().filter(|last| last.size > head.size) {
                let expected = format!("a size of {} or more", last.size);
                return Err(Damage::new(log, at, expected, head.size.to_string()));
            }
            self.kept.insert(head.size, Place { from: self.end, length: note.len() });
            heads.push(head);
            self.end += (rest.len() - after.len()) as u64;
            rest = after;
        }
        Ok(heads)
    }

    /// Bytes of a last note that a crash cut short; given to nobody, and cut.
    #[must_use]
    pub const fn cut(&self) -> u64 {
        self.cut
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
        let written = self.file.write_all_at(format!("{note}\n").as_bytes(), self.end);
        if let Err(error) = written.and_then(|()| self.file.sync_data()) {
            // What stands there now must not pass for a note.
            self.cut_back()?;
            return Err(FileError::at("add to", &self.path)(error));
        }
        self.kept.insert(size, Place { from: self.end, length: note.len() });
        self.end += note.len() as u64 + 1;
        Ok(())
    }

    /// Size of the newest kept checkpoint.
    #[must_use]
    pub fn latest(&self) -> Option<u64> {
        self.kept.last_key_value().map(|(size, _)| *size)
    }

    /// The smallest kept checkpoint of `size` records or more, with its size.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn at_or_after(&self, size: u64) -> Result<Option<(u64, String)>, FileError> {
        let Some((size, place)) = self.kept.range(size..).next() else { return Ok(None) };
        let mut note = vec![0; place.length];
        self.file.read_exact_at(&mut note, place.from).map_err(FileError::at("read", &self.path))?;
        let text = String::from_utf8(note).map_err(std::io::Error::other);
        Ok(Some((*size, text.map_err(FileError::at("read", &self.path))?)))
    }

    fn cut_back(&self) -> Result<(), FileError> {
        let cut = self.file.set_len(self.end).and_then(|()| self.file.sync_all());
        cut.map_err(FileError::at("cut", &self.path))
    }
}

/// The first whole note of some bytes, and what comes after the empty line that ends it.
fn first_note(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let text = end_of_block(bytes)?;
    let whole = text + end_of_block(&bytes[text..])?;
    // The note ends with its own line end; the second one is the empty line after it.
    let note = std::str::from_utf8(&bytes[..whole - 1]).ok()?;
    Some((note, &bytes[whole..]))
}

fn end_of_block(bytes: &[u8]) -> Option<usize> {
    bytes.windows(END.len()).position(|window| window == END.as_bytes()).map(|at| at + END.len())
}

/// Whether the log goes on from each of these.
fn extended(heads: &[Head], reader: &Reader) -> Result<(), OpenError> {
    let size = reader.head().size;
    for kept in heads {
        if kept.size > size {
            let expected = format!("a log of {} records or more, as was signed", kept.size);
            return Err(Damage::new(size, NAME, expected, format!("{size} records")).into());
        }
        let root = match reader.root_at(kept.size) {
            Ok(root) => root,
            Err(ReadError::Damaged(damage)) => return Err(damage.into()),
            Err(ReadError::File(error)) => return Err(error.into()),
            Err(error) => return Err(OpenError::Store(error.to_string())),
        };
        if root != kept.root {
            let expected = format!("the {} records whose root was signed", kept.size);
            // Each record is whole, yet together they are not those that were signed; which one is not known.
            return Err(Damage::new(0, NAME, expected, "another root").into());
        }
    }
    Ok(())
}

fn damage(reader: &Reader, expected: &str, found: String) -> Damage {
    Damage::new(reader.head().size, NAME, expected, found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::NoteSigner;
    use crate::{Batch, Log, Options, Writer};

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

        fn open(&self, clean: bool) -> Result<Checkpoints, OpenError> {
            Checkpoints::open(self.folder.path(), &self.reader, clean)
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
