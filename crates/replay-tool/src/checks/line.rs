//! Records waiting for their turn: each of them is looked at on its way, so that what it will touch is near by then.

use ledger_core::Record;
use ledger_core::state::{Outlook, Round};
use ledger_log::record::{self, DecodeError};

use super::verify::Verifier;

/// How many records wait.
const LENGTH: usize = 16;
/// How many records before its turn each round comes for a record: far enough apart for memory to answer in between, and
/// near enough that nothing is pushed out again.
const ROUNDS: [(Round, usize); 4] =
    [(Round::Lists, 12), (Round::Entries, 9), (Round::Participant, 6), (Round::Life, 3)];
/// Records that are over are dropped so many at a time.
const DROPPED: usize = 8 * LENGTH;

/// The records that come next.
#[derive(Default)]
pub(super) struct Line<'r> {
    records: Vec<Result<Record<'r>, DecodeError>>,
    outlooks: Vec<Outlook>,
    /// How many of them are over.
    over: usize,
}

impl<'r> Line<'r> {
    /// Takes some records in order; `None` where one cannot be read, or cannot follow.
    pub(super) fn fold(verifier: &mut Verifier, records: impl Iterator<Item = &'r [u8]>) -> Option<()> {
        let mut line = Self::default();
        for bytes in records {
            line.add(bytes)?;
            if line.records.len() - line.over > LENGTH {
                line.next(verifier)?;
            }
        }
        while line.over < line.records.len() {
            line.next(verifier)?;
        }
        Some(())
    }

    fn add(&mut self, bytes: &'r [u8]) -> Option<()> {
        if self.over >= DROPPED {
            self.records.drain(..self.over);
            self.outlooks.drain(..self.over);
            self.over = 0;
        }
        // Written where it stays: a record is large.
        self.records.push(record::decode(bytes));
        let Some(Ok(record)) = self.records.last() else { return None };
        self.outlooks.push(Outlook::of_record(record));
        Some(())
    }

    fn next(&mut self, verifier: &mut Verifier) -> Option<()> {
        for (round, ahead) in ROUNDS {
            if let Some(outlook) = self.outlooks.get_mut(self.over + ahead) {
                verifier.look(outlook, round);
            }
        }
        let (Ok(record), outlook) = (self.records.get(self.over)?, self.outlooks.get(self.over)?) else { return None };
        self.over += 1;
        verifier.foreseen(record, outlook.place).continue_value()
    }
}
