//! A history that can be changed anywhere, and made to fit again.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use ledger_core::Record;
use ledger_core::event::{Event, Text};
use ledger_core::ids::{ParticipantId, Position};
use ledger_core::time::{Date, Timestamp};
use ledger_log::{ArchiveWriter, OpenError, Options, record};

use crate::cohort::Cohort;
use crate::parameters::Parameters;

/// A record of a history, wherever it comes to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mark(u64);

/// A record and its mark; marks below the honest history's length are positions there.
#[derive(Clone, Debug)]
struct Entry {
    mark: Mark,
    record: Record<'static>,
}

/// What is done to a record when all fits again.
type Spoil = fn(&mut Record<'static>);

/// Records in order.
#[derive(Clone)]
pub struct History {
    entries: Vec<Entry>,
    next: u64,
    touched: HashSet<ParticipantId>,
    /// What is done when all fits again.
    spoils: Vec<(Mark, Spoil)>,
}

/// A history that was made to fit, as a log has it.
pub struct Forged {
    /// The records, by position.
    pub records: Vec<Record<'static>>,
    marks: HashMap<Mark, u64>,
}

impl History {
    /// The honest history of these parameters, until it has so many records.
    #[must_use]
    pub fn honest(parameters: Parameters, most: u64) -> Self {
        let (sender, receiver) = std::sync::mpsc::channel();
        let cohort = Cohort::new(parameters).until(most).records_only();
        let mut cohort = cohort.watched(move |record| {
            let _ = sender.send(record.clone().into_owned());
        });
        let mut entries = Vec::new();
        while cohort.step() {
            let records = receiver.try_iter();
            entries.extend(records.map(|record| Entry { mark: Mark(record.position), record }));
        }
        entries.extend(receiver.try_iter().map(|record| Entry { mark: Mark(record.position), record }));
        let next = entries.len() as u64;
        Self { entries, next, touched: HashSet::new(), spoils: Vec::new() }
    }

    /// Number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn at(&self, index: usize) -> &Record<'static> {
        &self.entries[index].record
    }

    pub(super) fn change(&mut self, index: usize) -> &mut Record<'static> {
        &mut self.entries[index].record
    }

    pub(super) fn mark(&self, index: usize) -> Mark {
        self.entries[index].mark
    }

    /// The records from an index on, with their indexes.
    pub(super) fn from(&self, index: usize) -> impl Iterator<Item = (usize, &Record<'static>)> {
        self.entries.iter().enumerate().skip(index).map(|(index, entry)| (index, &entry.record))
    }

    /// The first record of an untouched participant that is such a one, with whose it is; nobody else touches them.
    pub(super) fn take(
        &mut self,
        is: impl Fn(&Self, usize, &Record<'static>) -> bool,
    ) -> Option<(usize, ParticipantId)> {
        // Not from the very first on: the year is to be under way.
        self.take_from(self.len() / 50, is)
    }

    /// The same, from an index on.
    pub(super) fn take_from(
        &mut self,
        from: usize,
        is: impl Fn(&Self, usize, &Record<'static>) -> bool,
    ) -> Option<(usize, ParticipantId)> {
        let found = self.from(from).find_map(|(index, record)| {
            let id = record.participant.filter(|id| !self.touched.contains(id))?;
            is(self, index, record).then_some((index, id))
        });
        self.touched.extend(found.map(|(_, id)| id));
        found
    }

    /// The next record of a participant after an index.
    pub(super) fn after(&self, index: usize, id: ParticipantId, is: impl Fn(&Event<'_>) -> bool) -> Option<usize> {
        self.from(index + 1).find(|(_, record)| record.participant == Some(id) && is(&record.event)).map(|(at, _)| at)
    }

    /// The last record of a participant before an index.
    pub(super) fn before(&self, index: usize, id: ParticipantId, is: impl Fn(&Event<'_>) -> bool) -> Option<usize> {
        let mut earlier = self.entries[..index].iter();
        earlier.rposition(|entry| entry.record.participant == Some(id) && is(&entry.record.event))
    }

    /// The first record of anybody that is such a one.
    pub(super) fn find(&self, from: usize, is: impl Fn(&Event<'_>) -> bool) -> Option<usize> {
        self.from(from).find(|(_, record)| is(&record.event)).map(|(index, _)| index)
    }

    /// Puts a record at an index, recorded when the one before it was.
    pub(super) fn insert(&mut self, index: usize, mut record: Record<'static>) -> Mark {
        let mark = Mark(self.next);
        self.next += 1;
        record.recorded_at = self.entries[index - 1].record.recorded_at;
        self.entries.insert(index, Entry { mark, record });
        mark
    }

    /// Puts what happened to a participant at an index, as the record before it would have been sent; it happened then.
    pub(super) fn happens(&mut self, index: usize, id: ParticipantId, event: impl Into<Event<'static>>) -> Mark {
        let like = self.at(index - 1);
        let record = Record {
            participant: Some(id),
            occurred_at: like.recorded_at,
            actor: Text::Borrowed("officer/inserted"),
            approved_by: Some(Text::Borrowed("approver/inserted")),
            event: event.into(),
            ..like.clone()
        };
        self.insert(index, record)
    }

    pub(super) fn remove(&mut self, index: usize) {
        self.entries.remove(index);
    }

    /// Exchanges what two records say; the times at which they were recorded stay where they are.
    pub(super) fn exchange(&mut self, a: usize, b: usize) {
        let (first, second) = (self.at(a).recorded_at, self.at(b).recorded_at);
        self.entries.swap(a, b);
        (self.change(a).recorded_at, self.change(b).recorded_at) = (first, second);
    }

    /// Does something to a record when everything fits again.
    pub(super) fn spoil(&mut self, index: usize, spoil: Spoil) -> Mark {
        let mark = self.mark(index);
        self.spoils.push((mark, spoil));
        mark
    }

    /// The history as a log has it: positions, back-pointers and whatever names a position made to fit.
    #[must_use]
    pub fn fit(self) -> Forged {
        let marks: HashMap<Mark, u64> = (0..).zip(&self.entries).map(|(at, entry)| (entry.mark, at)).collect();
        let now = |position: u64| marks.get(&Mark(position)).copied().unwrap_or(u64::MAX >> 24);
        let mut last = HashMap::new();
        let mut records: Vec<_> = self.entries.into_iter().map(|entry| entry.record).collect();
        for (at, record) in (0..).zip(&mut records) {
            record.position = at;
            record.previous = last.insert(record.participant, at);
            refer(&mut record.event, &now);
            if let Event::DisbursementRunPlanned(plan) = &mut record.event {
                // A plan is computed on all records before it.
                plan.known_at = at;
            }
        }
        for (mark, spoil) in &self.spoils {
            if let Some(at) = marks.get(mark).and_then(|at| usize::try_from(*at).ok()) {
                spoil(&mut records[at]);
            }
        }
        Forged { records, marks }
    }
}

/// The positions that an event names, in the new order.
fn refer(event: &mut Event<'_>, now: &impl Fn(u64) -> u64) {
    let outcome = match event {
        Event::PayoutAccepted(e) => &mut e.outcome,
        Event::PayoutSettled(e) => &mut e.outcome,
        Event::PayoutRejected(e) => &mut e.outcome,
        Event::PayoutReturned(e) => &mut e.outcome,
        Event::PayoutInDoubt(e) => &mut e.outcome,
        Event::InstructionRecalled(e) => {
            e.instruction = Position(now(e.instruction.0));
            return;
        }
        _ => return,
    };
    outcome.instruction = Position(now(outcome.instruction.0));
}

impl Forged {
    /// Where a marked record came to stand.
    #[must_use]
    pub fn position(&self, mark: Mark) -> Option<u64> {
        self.marks.get(&mark).copied()
    }

    /// Writes the records as an archive, with the hashes that they have.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn archive(&self, to: &Path) -> Result<(), OpenError> {
        let mut archive = ArchiveWriter::open(to, Options::default().segment_level)?;
        let mut bytes = Vec::new();
        for new in &self.records {
            bytes.clear();
            record::encode(new, &mut bytes);
            archive.push(&bytes)?;
        }
        archive.finish().map(drop)
    }
}

/// A day later or earlier, at the same time.
pub(super) fn shifted(time: Timestamp, days: i64) -> Timestamp {
    Timestamp::from_nanos(time.nanos() + days * 86_400_000_000_000)
}

/// The civil date of a record.
pub(super) fn date(record: &Record<'_>) -> Date {
    record.occurred_at.wib_date()
}
