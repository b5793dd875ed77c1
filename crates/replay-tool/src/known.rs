//! Two clocks in every question (DOMAIN section 4): what was known at K, as of D.

use std::collections::HashSet;
use std::ops::ControlFlow;

use ledger_core::account::Balances;
use ledger_core::as_of::AsOf;
use ledger_core::fold::FoldError;
use ledger_core::ids::ParticipantId;
use ledger_core::state::{AHEAD, Outlook, Participant, Place};
use ledger_core::time::{Date, Timestamp};
use ledger_core::view::{self, ParticipantView};
use ledger_core::{Record, State};
use ledger_log::Head;

use crate::error::Error;
use crate::source::{Next, Pass, Source};

/// Up to which record something was known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KnownAt {
    /// Everything in the log.
    #[default]
    Head,
    /// The records up to and including this position.
    Position(u64),
    /// The records recorded at or before this time.
    Time(Timestamp),
}

impl KnownAt {
    pub(crate) const fn takes(self, record: &Record<'_>) -> bool {
        self.takes_at(record.position, record.recorded_at)
    }

    /// Whether a record at this place and time was known.
    pub(crate) const fn takes_at(self, position: u64, recorded_at: Timestamp) -> bool {
        match self {
            Self::Head => true,
            Self::Position(last) => position <= last,
            Self::Time(time) => recorded_at.nanos() <= time.nanos(),
        }
    }

    /// A position must be one of the log's.
    pub(crate) fn within(self, size: u64) -> Result<(), Error> {
        match self {
            Self::Position(position) if position >= size => Err(Error::BeyondLog { position, size }),
            _ => Ok(()),
        }
    }
}

/// Why text is no `--known-at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither a position, such as 41, nor a time, such as 2020-07-01T17:00:00Z")]
pub struct NotAKnownAt;

impl std::str::FromStr for KnownAt {
    type Err = NotAKnownAt;

    fn from_str(text: &str) -> Result<Self, NotAKnownAt> {
        if let Ok(position) = text.parse() {
            return Ok(Self::Position(position));
        }
        let time: jiff::Timestamp = text.parse().map_err(|_| NotAKnownAt)?;
        let nanos = i64::try_from(time.as_nanosecond()).map_err(|_| NotAKnownAt)?;
        Ok(Self::Time(Timestamp::from_nanos(nanos)))
    }
}

/// Which part of a log a question is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Facts and postings dated up to this day count; all of them where `None`.
    pub as_of: Option<Date>,
    /// What was known.
    pub known_at: KnownAt,
}

/// What was known at K, as of D.
pub struct Known {
    fold: Fold,
    size: u64,
    as_of: Option<Date>,
    log: Head,
}

/// Records folded so far.
pub(crate) enum Fold {
    /// Without a date: everything that was known.
    All(Box<State>),
    /// Facts and postings dated up to a day.
    Dated(Box<AsOf>),
}

impl Fold {
    /// Nothing known yet.
    pub(crate) fn new(as_of: Option<Date>) -> Self {
        as_of.map_or_else(|| Self::All(Box::default()), |date| Self::Dated(Box::new(AsOf::new(date))))
    }

    /// Fetches what the next records will look at, and guesses where their participants stand.
    fn foresee(&self, records: &[(&[u8], Record<'_>)]) -> [Option<Place>; AHEAD] {
        match self {
            Self::All(state) => state.foresee(records.iter().map(|(_, record)| Outlook::of_record(record))),
            Self::Dated(_) => [None; AHEAD],
        }
    }

    /// Folds a record of a participant who probably stands at `guess`; one of a part of the participants, where the
    /// others' are left out.
    fn apply(&mut self, record: &Record<'_>, guess: Option<Place>, of_subset: bool) -> Result<(), FoldError> {
        match (self, of_subset) {
            (Self::All(state), false) => state.apply_foreseen(record, guess, &mut |_| {}),
            (Self::All(state), true) => state.apply_of_subset(record, &mut |_| {}),
            (Self::Dated(as_of), false) => as_of.apply(record),
            (Self::Dated(as_of), true) => as_of.apply_of_subset(record),
        }
    }

    /// Everything known.
    pub(crate) fn known(&self) -> &State {
        match self {
            Self::All(state) => state,
            Self::Dated(as_of) => as_of.known(),
        }
    }

    /// The facts that count: those dated up to the day.
    pub(crate) fn counted(&self) -> &State {
        match self {
            Self::All(state) => state,
            Self::Dated(as_of) => as_of.dated(),
        }
    }

    /// The trial balance of what counts.
    pub(crate) fn totals(&self) -> &Balances {
        match self {
            Self::All(state) => state.totals(),
            Self::Dated(as_of) => as_of.totals(),
        }
    }

    /// Whether a record dated on this day counts.
    pub(crate) fn counts(&self, day: Date) -> bool {
        match self {
            Self::All(_) => true,
            Self::Dated(as_of) => day <= as_of.date(),
        }
    }

    /// A participant by its place among those that count, seen on a day; with a date of its own, the fold's.
    pub(crate) fn person(&self, place: Place, day: Date) -> Option<(ParticipantView, Balances)> {
        match self {
            Self::All(state) => Some((view::participant(state, place, day)?, state.balances(place))),
            Self::Dated(as_of) => {
                let view = view::participant(as_of.dated(), place, as_of.date())?;
                let balances = as_of.balances(view.id);
                Some((view, balances))
            }
        }
    }
}

/// What a command sees of each record: everything known before it, and the record.
pub type Observe<'o> = dyn FnMut(&State, &Record<'_>) + 'o;

/// Sees the fold around each record that is folded.
pub(crate) trait Watch {
    /// Before the record, whose bytes these are, is folded; breaks the pass off.
    fn before(&mut self, _: &Fold, _: &Record<'_>, _bytes: &[u8]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
    /// After it was.
    fn after(&mut self, _: &Fold, _: &Record<'_>) {}
}

/// A function that is shown what was known before each record.
pub(crate) struct Before<F>(pub(crate) F);

impl<F: FnMut(&State, &Record<'_>, &[u8]) -> ControlFlow<()>> Watch for Before<F> {
    fn before(&mut self, fold: &Fold, record: &Record<'_>, bytes: &[u8]) -> ControlFlow<()> {
        (self.0)(fold.known(), record, bytes)
    }
}

impl Known {
    /// Reads the whole log, whose integrity is checked to its head, and folds what the window takes of it. `observe`
    /// is called before each record that is folded.
    ///
    /// # Errors
    ///
    /// The log cannot be read, is damaged, does not fold, or does not reach the position asked for.
    pub fn read(source: &Source, window: &Window, observe: &mut Observe<'_>) -> Result<Self, Error> {
        Self::read_of(source, window, None, observe)
    }

    /// Like [`Self::read`], and folds nobody's records but these participants' and the programme's: what is known of them
    /// is the same, totals over everybody are not.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub fn read_of(
        source: &Source,
        window: &Window,
        only: Option<&HashSet<ParticipantId>>,
        observe: &mut Observe<'_>,
    ) -> Result<Self, Error> {
        let mut watch = Before(|state: &State, record: &Record<'_>, _: &[u8]| {
            observe(state, record);
            ControlFlow::Continue(())
        });
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let read = Self::read_while(source, window, (cores, only), &mut watch)?;
        let (known, _) = read.expect("what never breaks comes to its end");
        Ok(known)
    }

    /// The same of everybody, seen before and after each record, by what never breaks it off.
    pub(crate) fn watched(source: &Source, window: &Window, watch: &mut dyn Watch) -> Result<Self, Error> {
        let read = Self::read_while(source, window, (1, None), watch)?;
        let (known, _) = read.expect("what never breaks comes to its end");
        Ok(known)
    }

    /// The same with so many threads that read and hash. Where `watch` breaks, nothing more is read, and there is nothing to
    /// give.
    pub(crate) fn read_while(
        source: &Source,
        window: &Window,
        (threads, only): (usize, Option<&HashSet<ParticipantId>>),
        watch: &mut dyn Watch,
    ) -> Result<Option<(Self, Pass)>, Error> {
        let mut fold = Fold::new(window.as_of);
        let mut size = 0;
        let mut latest: Option<Date> = None;
        let mut refused = None;
        let pass = source.for_each_while(threads, &mut |some| {
            for ((bytes, record), guess) in some.iter().zip(fold.foresee(some)) {
                if !window.known_at.takes(record) {
                    return Next::Enough;
                }
                let wanted = |only: &HashSet<_>| record.participant.is_none_or(|id| only.contains(&id));
                if only.is_none_or(wanted) {
                    if watch.before(&fold, record, bytes).is_break() {
                        return Next::Stop;
                    }
                    if let Err(source) = fold.apply(record, guess, only.is_some()) {
                        refused = Some(Error::Fold { position: record.position, source });
                        return Next::Enough;
                    }
                    watch.after(&fold, record);
                }
                size += 1;
                latest = latest.max(Some(record.occurred_at.wib_date())).max(Some(record.recorded_at.wib_date()));
            }
            Next::More
        })?;
        let Some(pass) = pass else { return Ok(None) };
        let log = whole(&pass)?;
        if let Some(error) = refused {
            return Err(error);
        }
        window.known_at.within(log.size)?;
        Ok(Some((Self { fold, size, as_of: window.as_of.or(latest), log }, pass)))
    }

    /// Size and root of the whole log, whatever part of it was known.
    #[must_use]
    pub const fn log(&self) -> &Head {
        &self.log
    }

    /// The records folded.
    pub(crate) const fn fold(&self) -> &Fold {
        &self.fold
    }

    /// Number of records folded.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The date asked for; without one the latest WIB date on which anything known happened or was recorded, so that
    /// asking for that date gives the same answer. `None` where nothing is known.
    #[must_use]
    pub const fn as_of(&self) -> Option<Date> {
        self.as_of
    }

    /// The trial balance.
    #[must_use]
    pub fn totals(&self) -> &Balances {
        self.fold.totals()
    }

    /// Every participant with its accounts, in order of selection.
    pub fn participants(&self) -> impl Iterator<Item = (ParticipantView, Balances)> + '_ {
        (0..self.count()).filter_map(|place| self.person(place))
    }

    /// How many participants there are.
    pub(crate) fn count(&self) -> Place {
        self.fold.counted().participants().len()
    }

    /// One of them, by its place in the order of selection.
    pub(crate) fn person(&self, place: Place) -> Option<(ParticipantView, Balances)> {
        self.fold.person(place, self.as_of.unwrap_or_default())
    }

    /// One participant with its accounts.
    ///
    /// # Errors
    ///
    /// It is not known, or was selected after the date.
    pub fn participant(&self, id: ParticipantId) -> Result<(ParticipantView, Balances), Error> {
        let unknown = || Error::UnknownParticipant { participant: id, size: self.size };
        let known = self.fold.known();
        let place = known.place(id).ok_or_else(unknown)?;
        let counted = self.fold.counted().place(id);
        let seen = counted.and_then(|place| self.fold.person(place, self.as_of.unwrap_or_default()));
        seen.ok_or_else(|| match self.as_of {
            Some(as_of) if counted.is_none() => Error::NotYetSelected {
                participant: id,
                selected_on: known.participants().get(place).map_or(as_of, Participant::selected_on),
                as_of,
            },
            _ => unknown(),
        })
    }
}

/// The head of a log without damage.
pub(crate) fn whole(pass: &Pass) -> Result<Head, Error> {
    match pass.findings.first() {
        Some(finding) => Err(Error::Damaged(Box::new(finding.clone()))),
        None => Ok(Head { size: pass.size, root: pass.root }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_at_is_a_position_or_a_time() {
        let rows = [
            ("0", Ok(KnownAt::Position(0))),
            ("41", Ok(KnownAt::Position(41))),
            ("1970-01-01T00:00:01Z", Ok(KnownAt::Time(Timestamp::from_nanos(1_000_000_000)))),
            ("1970-01-01T07:00:01+07:00", Ok(KnownAt::Time(Timestamp::from_nanos(1_000_000_000)))),
            ("1970-01-01", Err(NotAKnownAt)),
            ("1970-01-01T00:00:01", Err(NotAKnownAt)),
            ("-1", Err(NotAKnownAt)),
            ("9999-01-01T00:00:00Z", Err(NotAKnownAt)),
            ("", Err(NotAKnownAt)),
        ];
        for (text, expected) in rows {
            assert_eq!(text.parse::<KnownAt>(), expected, "{text}");
        }
    }
}
