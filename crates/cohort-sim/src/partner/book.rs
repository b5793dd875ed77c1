//! A partner's own book: what it took on, paid, gave back, refused and told. Lines of JSON, only ever added, on the disk
//! before anybody hears of them. The money of a played partner is this book: a `paid` line is the payment.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use ledger_core::time::Timestamp;
use ledger_proto::v1;
use serde::{Deserialize, Serialize};

/// An instruction as it was taken from the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The reference, 20 digits.
    pub instruction: String,
    /// The participant.
    pub participant: String,
    /// The entitlement: `training` or `survey` and its number.
    pub entitlement: String,
    /// Rupiah.
    pub amount: i64,
    /// When it was instructed.
    pub occurred_at: ledger_proto::Timestamp,
}

impl Taken {
    /// The reference as a number.
    pub(super) fn number(&self) -> u64 {
        self.instruction.parse().unwrap_or_default()
    }
}

impl From<v1::Instruction> for Taken {
    fn from(said: v1::Instruction) -> Self {
        let entitlement = said.entitlement.unwrap_or_default();
        let kind = if entitlement.kind() == v1::EntitlementKind::Survey { "survey" } else { "training" };
        Self {
            entitlement: format!("{kind} {}", entitlement.number),
            instruction: said.instruction,
            participant: said.participant_id,
            amount: said.amount_rupiah,
            occurred_at: said.occurred_at.unwrap_or_default(),
        }
    }
}

/// Why an instruction that was taken was not paid, where that was the ledger's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// It was recalled.
    Recalled,
    /// It was in doubt before the partner took it on.
    InDoubt,
    /// It had ended otherwise.
    Ended,
}

/// How a word was taken by the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Heard {
    /// It is recorded.
    Recorded,
    /// It is kept as an exception.
    Kept,
    /// The ledger knew it otherwise: in doubt by expiry before the partner said so.
    Known,
}

/// Money that moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// When.
    pub at: ledger_proto::Timestamp,
    /// The partner's transaction.
    pub reference: String,
}

/// A line of the book.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Line {
    /// A message of the stream: its instructions, and where to go on.
    Taken { instructions: Vec<Taken>, next: String },
    /// It will be paid.
    TakenOn { instruction: String },
    /// It will not: the ledger does not want it any more.
    NotWanted { instruction: String, refusal: Refusal },
    /// The money moved.
    Paid { instruction: String, moved: Moved },
    /// It came back.
    Returned { instruction: String, moved: Moved },
    /// It will never move.
    Refused { instruction: String },
    /// The ledger answered so many words.
    Told { heard: Vec<(String, Heard)> },
    /// The script's death of that number came.
    Died { death: usize },
}

/// What the book has of one instruction.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The instruction.
    pub taken: Taken,
    /// Steps of its plan that are done.
    pub(super) done: usize,
    /// Not paid by the ledger's own word.
    pub refused_for: Option<Refusal>,
    /// Never to be paid.
    pub refused: bool,
    /// The payment.
    pub paid: Option<Moved>,
    /// Its return.
    pub returned: Option<Moved>,
    /// Words kept as exceptions.
    pub kept: u64,
}

/// Why there is no book.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// It cannot be read or written.
    #[error("the book")]
    Io(#[from] io::Error),
    /// Somebody else writes in it.
    #[error("another partner has the book open")]
    Locked,
    /// A line in its middle is none.
    #[error("line {line} of the book: {text}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// Why.
        text: String,
    },
    /// What was to be written contradicts it.
    #[error("the book: {0}")]
    NotAllowed(String),
}

/// The book.
#[derive(Debug)]
pub struct Book {
    file: File,
    /// By reference.
    pub entries: BTreeMap<String, Entry>,
    /// Where the stream goes on.
    pub next: String,
    /// Deaths of the script that came.
    pub deaths: usize,
}

impl Book {
    /// Opens a book, new where there is none. A last line that was cut off by a death is taken out.
    ///
    /// # Errors
    ///
    /// It cannot be read or is in use, or a line that is not the last is none.
    pub fn open(path: &Path) -> Result<Self, BookError> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        if file.try_lock().is_err() {
            return Err(BookError::Locked);
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if whole < bytes.len() {
            file.set_len(whole as u64)?;
            file.sync_all()?;
        }
        file.seek(SeekFrom::End(0))?;
        let mut book = Self { file, entries: BTreeMap::new(), next: String::new(), deaths: 0 };
        for (line, text) in (1..).zip(bytes[..whole].split_inclusive(|byte| *byte == b'\n')) {
            let read = serde_json::from_slice(text).map_err(|error| error.to_string());
            read.and_then(|read| book.fold(read)).map_err(|text| BookError::Line { line, text })?;
        }
        Ok(book)
    }

    /// Adds lines, all durable when it returns. What the book does not allow (a second payment) is not written.
    pub(super) fn write(&mut self, lines: Vec<Line>) -> Result<(), BookError> {
        let mut bytes = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut bytes, &line).map_err(io::Error::from)?;
            bytes.push(b'\n');
            self.fold(line).map_err(BookError::NotAllowed)?;
        }
        self.file.write_all(&bytes)?;
        Ok(self.file.sync_data()?)
    }

    /// Half of a line, as a death in the middle of writing leaves it.
    pub(super) fn tear(&mut self) -> Result<(), BookError> {
        self.file.write_all(b"{\"paid\":{\"instruction\":\"000")?;
        Ok(self.file.sync_data()?)
    }

    fn fold(&mut self, line: Line) -> Result<(), String> {
        match line {
            Line::Taken { instructions, next } => {
                for taken in instructions {
                    let entry = Entry {
                        done: 0,
                        refused_for: None,
                        refused: false,
                        paid: None,
                        returned: None,
                        kept: 0,
                        taken,
                    };
                    // A stream that begins earlier brings nothing new.
                    self.entries.entry(entry.taken.instruction.clone()).or_insert(entry);
                }
                self.next = next;
            }
            Line::TakenOn { instruction } => self.entry(&instruction)?.done += 1,
            Line::NotWanted { instruction, refusal } => {
                let entry = self.entry(&instruction)?;
                (entry.done, entry.refused, entry.refused_for) = (0, true, Some(refusal));
            }
            Line::Paid { instruction, moved } => {
                let entry = self.entry(&instruction)?;
                if entry.paid.is_some() || entry.refused {
                    return Err(format!("{instruction} is paid or refused already"));
                }
                (entry.paid, entry.done) = (Some(moved), entry.done + 1);
            }
            Line::Returned { instruction, moved } => {
                let entry = self.entry(&instruction)?;
                (entry.returned, entry.done) = (Some(moved), entry.done + 1);
            }
            Line::Refused { instruction } => {
                let entry = self.entry(&instruction)?;
                (entry.refused, entry.done) = (true, entry.done + 1);
            }
            Line::Told { heard } => {
                for (instruction, heard) in heard {
                    let entry = self.entry(&instruction)?;
                    entry.done += 1;
                    entry.kept += u64::from(heard == Heard::Kept);
                }
            }
            Line::Died { death } => self.deaths = death + 1,
        }
        Ok(())
    }

    fn entry(&mut self, instruction: &str) -> Result<&mut Entry, String> {
        self.entries.get_mut(instruction).ok_or_else(|| format!("{instruction} was never taken"))
    }

    /// What was paid and given back, as `ledger-server reconcile` reads it.
    #[must_use]
    pub fn statement(&self) -> String {
        let mut text = "instruction,amount,date,kind,transaction_reference\n".to_owned();
        for (instruction, entry) in &self.entries {
            for (kind, moved) in [("settled", &entry.paid), ("returned", &entry.returned)] {
                if let Some(Moved { at, reference }) = moved {
                    let day = Timestamp::from_nanos(at.unix_nanos().unwrap_or_default()).wib_date();
                    text.push_str(&format!("{instruction},{},{day},{kind},{reference}\n", entry.taken.amount));
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(number: u64) -> Taken {
        Taken {
            instruction: format!("{number:020}"),
            participant: "p".to_owned(),
            entitlement: "training 1".to_owned(),
            amount: 600_000,
            // 2020-05-10, 00:00 WIB.
            occurred_at: ledger_proto::Timestamp { seconds: 1_589_043_600, nanos: 0 },
        }
    }

    #[test]
    fn a_torn_line_goes_and_what_was_before_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("book");
        let mut book = Book::open(&path).unwrap();
        assert!(matches!(Book::open(&path), Err(BookError::Locked)));
        let next = "00000000000000000008".to_owned();
        book.write(vec![Line::Taken { instructions: vec![taken(7)], next: next.clone() }]).unwrap();
        let moved = Moved { at: taken(7).occurred_at, reference: "gopay-7".to_owned() };
        book.write(vec![Line::Paid { instruction: taken(7).instruction, moved: moved.clone() }]).unwrap();
        book.tear().unwrap();
        drop(book);
        let mut book = Book::open(&path).unwrap();
        assert_eq!((book.next.as_str(), book.entries.len()), (next.as_str(), 1));
        let statement = "instruction,amount,date,kind,transaction_reference\n\
                         00000000000000000007,600000,2020-05-10,settled,gopay-7\n";
        assert_eq!(book.statement(), statement);
        let twice = book.write(vec![Line::Paid { instruction: taken(7).instruction, moved }]);
        assert!(twice.unwrap_err().to_string().contains("paid or refused already"));
    }

    #[test]
    fn a_line_in_the_middle_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("book");
        std::fs::write(&path, "{\"died\":{\"death\":0}}\n{\"paid\"\n{\"died\":{\"death\":1}}\n").unwrap();
        assert!(matches!(Book::open(&path), Err(BookError::Line { line: 2, .. })));
    }
}
