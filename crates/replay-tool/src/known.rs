//! Two clocks in every question (DOMAIN section 4): what was known at K, as of D.

use std::ops::ControlFlow;

use ledger_core::account::Balances;
use ledger_core::as_of::AsOf;
use ledger_core::ids::ParticipantId;
use ledger_core::time::{Date, Timestamp};
use ledger_core::view::{self, ParticipantView};
use ledger_core::{Record, State};

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
    const fn takes(self, record: &Record<'_>) -> bool {
        match self {
            Self::Head => true,
            Self::Position(last) => record.position <= last,
            Self::Time(time) => record.recorded_at.nanos() <= time.nanos(),
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
}

enum Fold {
    /// Without a date: everything that was known.
    All(Box<State>),
    /// Facts and postings dated up to a day.
    Dated(Box<AsOf>),
}

impl Fold {
    fn known(&self) -> &State {
        match self {
            Self::All(state) => state,
            Self::Dated(as_of) => as_of.known(),
        }
    }
}

/// What a command sees of each record: everything known before it, and the record.
pub type Observe<'o> = dyn FnMut(&State, &Record<'_>) + 'o;

/// The same with the record's bytes; it may break the pass off.
pub(crate) type ObserveWhile<'o> = dyn FnMut(&State, &Record<'_>, &[u8]) -> ControlFlow<()> + 'o;

impl Known {
    /// Reads the whole log, whose integrity is checked to its head, and folds what the window takes of it. `observe`
    /// is called before each record that is folded.
    ///
    /// # Errors
    ///
    /// The log cannot be read, is damaged, does not fold, or does not reach the position asked for.
    pub fn read(source: &Source, window: &Window, observe: &mut Observe<'_>) -> Result<Self, Error> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let read = Self::read_while(source, window, cores, &mut |state, record, _| {
            observe(state, record);
            ControlFlow::Continue(())
        })?;
        let (known, _) = read.expect("what never breaks comes to its end");
        Ok(known)
    }

    /// The same with so many threads that read and hash; `observe` is also shown the record's bytes, and may break: then
    /// nothing more is read, and there is nothing to give.
    pub(crate) fn read_while(
        source: &Source,
        window: &Window,
        threads: usize,
        observe: &mut ObserveWhile<'_>,
    ) -> Result<Option<(Self, Pass)>, Error> {
        let mut fold = match window.as_of {
            None => Fold::All(Box::default()),
            Some(date) => Fold::Dated(Box::new(AsOf::new(date))),
        };
        let mut size = 0;
        let mut latest: Option<Date> = None;
        let mut refused = None;
        let pass = source.for_each_while(threads, &mut |bytes, record| {
            if !window.known_at.takes(record) {
                return Next::Enough;
            }
            if observe(fold.known(), record, bytes).is_break() {
                return Next::Stop;
            }
            let folded = match &mut fold {
                Fold::All(state) => state.apply(record, &mut |_| {}),
                Fold::Dated(as_of) => as_of.apply(record),
            };
            if let Err(source) = folded {
                refused = Some(Error::Fold { position: record.position, source });
                return Next::Enough;
            }
            size += 1;
            latest = latest.max(Some(record.occurred_at.wib_date())).max(Some(record.recorded_at.wib_date()));
            Next::More
        })?;
        let Some(mut pass) = pass else { return Ok(None) };
        if !pass.findings.is_empty() {
            return Err(Error::Damaged(Box::new(pass.findings.swap_remove(0))));
        }
        if let Some(error) = refused {
            return Err(error);
        }
        if let KnownAt::Position(position) = window.known_at
            && position >= pass.size
        {
            return Err(Error::BeyondLog { position, size: pass.size });
        }
        Ok(Some((Self { fold, size, as_of: window.as_of.or(latest) }, pass)))
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
        match &self.fold {
            Fold::All(state) => state.totals(),
            Fold::Dated(as_of) => as_of.totals(),
        }
    }

    /// Every participant with its accounts, in order of selection.
    pub fn participants(&self) -> Box<dyn Iterator<Item = (ParticipantView, Balances)> + '_> {
        match &self.fold {
            Fold::All(state) => {
                let as_of = self.as_of.unwrap_or_default();
                let one = move |place| Some((view::participant(state, place, as_of)?, state.balances(place)));
                Box::new((0..state.participants().len()).filter_map(one))
            }
            Fold::Dated(as_of) => {
                let one = |place| {
                    let view = view::participant(as_of.dated(), place, as_of.date())?;
                    let balances = as_of.balances(view.id);
                    Some((view, balances))
                };
                Box::new((0..as_of.dated().participants().len()).filter_map(one))
            }
        }
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
        match &self.fold {
            Fold::All(state) => {
                let as_of = self.as_of.unwrap_or_default();
                let view = view::participant(state, place, as_of).ok_or_else(unknown)?;
                Ok((view, state.balances(place)))
            }
            Fold::Dated(as_of) => {
                let view = as_of.participant(id).ok_or_else(|| Error::NotYetSelected {
                    participant: id,
                    selected_on: known.participant(id).map_or(as_of.date(), |p| p.selected_on()),
                    as_of: as_of.date(),
                })?;
                Ok((view, as_of.balances(id)))
            }
        }
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
