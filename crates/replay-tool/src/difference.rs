//! What changed between two states of knowledge, and which records did it.
//!
//! Two passes: the first finds whose records lie between the two, the second folds to the earlier state, keeps what is
//! compared of those participants, and folds on to the later one. Memory is a state and what is kept of those who changed.
//! Both states are seen as of the same day, so that only knowledge differs, not the calendar.

use std::collections::HashMap;
use std::ops::ControlFlow;

use ledger_core::Record;
use ledger_core::Rupiah;
use ledger_core::account::{Account, Balances};
use ledger_core::codes::{Ground, Held};
use ledger_core::event::Event;
use ledger_core::ids::ParticipantId;
use ledger_core::postings;
use ledger_core::scheme::Entitlement;
use ledger_core::state::Year;
use ledger_core::time::{Date, Timestamp};
use ledger_core::view::{EntitlementStatus, EntitlementView};

use crate::error::Error;
use crate::known::{Fold, Known, KnownAt, Watch, Window, whole};
use crate::source::Source;

/// The difference between two states of knowledge.
pub struct Difference {
    /// Both are seen as of this day; `None` where nothing is known at all.
    pub as_of: Option<Date>,
    /// Number of records known before and after.
    pub known_at: [u64; 2],
    /// The trial balances.
    pub totals: [Balances; 2],
    /// Funds of the years whose funds changed.
    pub funds: Vec<FundsChange>,
    /// The programme's records between the two, as far as they count.
    pub programme: Vec<ProgrammeChange>,
    touched: HashMap<ParticipantId, Vec<u64>>,
    earlier: HashMap<ParticipantId, Standing>,
    later: Known,
}

/// The funds of one year.
#[derive(Clone, Copy, Debug)]
pub struct FundsChange {
    /// Which.
    pub year: i16,
    /// Appropriated, rupiah, before and after.
    pub appropriated: [Rupiah; 2],
    /// Used, rupiah, before and after.
    pub used: [Rupiah; 2],
}

/// A record of the programme and what it moved.
#[derive(Clone, Debug)]
pub struct ProgrammeChange {
    /// Its position.
    pub position: u64,
    /// The event's name.
    pub event: &'static str,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// How many participants' money it moved: those of a closing need not have a record of their own.
    pub participants: u64,
    /// The accounts that it changed, by how much, rupiah.
    pub moved: Vec<(Account, Rupiah)>,
}

/// One participant, before and after.
#[derive(Clone, Debug)]
pub struct Change {
    /// Who.
    pub participant: ParticipantId,
    /// The wave.
    pub wave: u32,
    /// Positions of the participant's records between the two.
    pub positions: Vec<u64>,
    /// Before, and after; no standing before where the participant was not known.
    pub standings: [Option<Standing>; 2],
}

/// What is compared of a participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The ground where the membership is revoked.
    pub revoked: Option<Ground>,
    /// An ineligibility finding is open.
    pub ineligible: bool,
    /// The accounts that are not zero, rupiah.
    pub accounts: Box<[(Account, Rupiah)]>,
    /// Each entitlement.
    pub entitlements: Box<[Stand]>,
}

/// Where one entitlement stands. Whether funds cover it is no matter of the participant: see [`Difference::funds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stand {
    /// Which.
    pub entitlement: Entitlement,
    /// In one word.
    pub status: EntitlementStatus,
    /// Why it is held, where it is.
    pub held: Option<Held>,
    /// Its due date, once earned.
    pub due: Option<Date>,
    /// How often it was ordered.
    pub attempts: u8,
    /// When it was paid.
    pub settled_on: Option<Date>,
}

impl Stand {
    fn of(view: &EntitlementView) -> Self {
        let held = view.held.filter(|held| *held != Held::Funds);
        let status = if held.is_none() { EntitlementStatus::Payable } else { view.status() };
        let (entitlement, due) = (view.entitlement, view.due);
        let why = matches!(status, EntitlementStatus::Held | EntitlementStatus::Locked);
        let held = held.filter(|_| why);
        Self { entitlement, status, held, due, attempts: view.attempts, settled_on: view.settled_on }
    }
}

impl Standing {
    fn of(fold: &Fold, id: ParticipantId, day: Date) -> Option<Self> {
        let (view, balances) = fold.person(fold.counted().place(id)?, day)?;
        Some(Self {
            revoked: view.revoked,
            ineligible: view.ineligible,
            accounts: balances.iter().filter(|(_, amount)| *amount != Rupiah::ZERO).collect(),
            entitlements: view.entitlements.iter().map(Stand::of).collect(),
        })
    }

    /// An account's balance, rupiah.
    #[must_use]
    pub fn account(&self, account: Account) -> Rupiah {
        let found = self.accounts.iter().find(|(other, _)| *other == account);
        found.map_or(Rupiah::ZERO, |(_, amount)| *amount)
    }
}

/// Whose records lie between the two states.
struct Between {
    known_at: [u64; 2],
    latest: Option<Date>,
    touched: HashMap<ParticipantId, Vec<u64>>,
}

impl Between {
    fn read(source: &Source, as_of: Option<Date>, [a, b]: [KnownAt; 2]) -> Result<Self, Error> {
        let mut between = Self { known_at: [0; 2], latest: None, touched: HashMap::new() };
        let Self { known_at, latest, touched } = &mut between;
        let pass = source.for_each(&mut |record| {
            known_at[0] += u64::from(a.takes(record));
            if !b.takes(record) && !a.takes(record) {
                return ControlFlow::Break(());
            }
            if !b.takes(record) {
                return ControlFlow::Continue(());
            }
            known_at[1] += 1;
            let occurred = record.occurred_at.wib_date();
            *latest = (*latest).max(Some(occurred)).max(Some(record.recorded_at.wib_date()));
            if let Some(id) = record.participant
                && !a.takes(record)
                && as_of.is_none_or(|day| occurred <= day)
            {
                touched.entry(id).or_default().push(record.position);
            }
            ControlFlow::Continue(())
        })?;
        let log = whole(&pass)?;
        a.within(log.size)?;
        b.within(log.size)?;
        let [before, after] = between.known_at;
        if after < before {
            return Err(Error::Backwards { before, after });
        }
        Ok(between)
    }
}

impl Difference {
    /// Compares what was known at `a` with what was known at `b`, as of a day: that asked for, or the latest on which anything
    /// known at `b` happened or was recorded.
    ///
    /// # Errors
    ///
    /// The log cannot be read, is damaged, does not fold or is not that long; `b` is before `a`.
    pub fn read(source: &Source, as_of: Option<Date>, a: KnownAt, b: KnownAt) -> Result<Self, Error> {
        let Between { known_at, latest, touched } = Between::read(source, as_of, [a, b])?;
        let day = as_of.or(latest);
        let mut earlier = Earlier {
            size: known_at[0],
            day: day.unwrap_or_default(),
            touched: &touched,
            taken: None,
            programme: Vec::new(),
            totals: Balances::default(),
        };
        // The same records as in the first pass, though a server may have added some.
        let window = match known_at[1].checked_sub(1) {
            Some(last) => Window { as_of, known_at: KnownAt::Position(last) },
            None => Window { as_of, known_at: KnownAt::Time(Timestamp::from_nanos(i64::MIN)) },
        };
        let later = Known::watched(source, &window, &mut earlier)?;
        // Nothing was recorded after the earlier state: it is the later one.
        if earlier.taken.is_none() {
            earlier.take(later.fold());
        }
        let Taken { totals, years, standings } = earlier.taken.take().unwrap_or_default();
        let programme = earlier.programme;
        let funds = funds(&years, &later);
        Ok(Self {
            as_of: day,
            known_at,
            totals: [totals, *later.totals()],
            funds,
            programme,
            touched,
            earlier: standings,
            later,
        })
    }

    /// How many participants have records between the two that count.
    #[must_use]
    pub fn touched(&self) -> usize {
        self.touched.len()
    }

    /// The participants with records between the two whose standing changed, in order of selection.
    pub fn changes(&self) -> impl Iterator<Item = Change> + '_ {
        let fold = self.later.fold();
        let day = self.as_of.unwrap_or_default();
        fold.counted().participants().iter().filter_map(move |participant| {
            let positions = self.touched.get(&participant.id)?;
            let standings = [self.earlier.get(&participant.id).cloned(), Standing::of(fold, participant.id, day)];
            let [before, after] = &standings;
            (before != after).then(|| Change {
                participant: participant.id,
                wave: participant.wave.0,
                positions: positions.clone(),
                standings: standings.clone(),
            })
        })
    }
}

/// What is kept of the earlier state.
#[derive(Default)]
struct Taken {
    totals: Balances,
    years: Vec<(i16, Year)>,
    standings: HashMap<ParticipantId, Standing>,
}

/// Takes the earlier state when the fold reaches it, and then looks at what the programme does.
struct Earlier<'t> {
    size: u64,
    day: Date,
    touched: &'t HashMap<ParticipantId, Vec<u64>>,
    taken: Option<Taken>,
    programme: Vec<ProgrammeChange>,
    /// Before the record at hand.
    totals: Balances,
}

impl Earlier<'_> {
    fn take(&mut self, fold: &Fold) {
        let standing = |id: &ParticipantId| Some((*id, Standing::of(fold, *id, self.day)?));
        self.taken = Some(Taken {
            totals: *fold.totals(),
            years: fold.counted().years().map(|(year, entry)| (year, *entry)).collect(),
            standings: self.touched.keys().filter_map(standing).collect(),
        });
    }

    fn is_change(&self, fold: &Fold, record: &Record<'_>) -> bool {
        record.position >= self.size && record.participant.is_none() && fold.counts(record.occurred_at.wib_date())
    }
}

impl Watch for Earlier<'_> {
    fn before(&mut self, fold: &Fold, record: &Record<'_>, _: &[u8]) -> ControlFlow<()> {
        if record.position == self.size {
            self.take(fold);
        }
        if self.is_change(fold, record) {
            self.totals = *fold.totals();
            self.programme.push(ProgrammeChange {
                position: record.position,
                event: record.event.name(),
                occurred_at: record.occurred_at,
                participants: moved_by(fold, record),
                moved: Vec::new(),
            });
        }
        ControlFlow::Continue(())
    }

    fn after(&mut self, fold: &Fold, record: &Record<'_>) {
        if self.is_change(fold, record)
            && let Some(change) = self.programme.last_mut()
        {
            change.moved = moved(&self.totals, fold.totals()).collect();
        }
    }
}

/// How many participants' money a closing moves.
fn moved_by(fold: &Fold, record: &Record<'_>) -> u64 {
    if !matches!(record.event, Event::WaveClosed(_) | Event::BalancePeriodClosed(_)) {
        return 0;
    }
    let state = fold.known();
    let moves = |place: &u32| {
        let mut any = false;
        postings::closing(state, record, *place, &mut |_| any = true);
        any
    };
    (0..state.participants().len()).filter(moves).count() as u64
}

/// The accounts that changed, by how much.
pub(crate) fn moved<'b>(before: &'b Balances, after: &'b Balances) -> impl Iterator<Item = (Account, Rupiah)> + 'b {
    let change = |((account, before), (_, after)): ((Account, Rupiah), (Account, Rupiah))| {
        (account, Rupiah::new(after.get().saturating_sub(before.get())))
    };
    before.iter().zip(after.iter()).map(change).filter(|(_, amount)| *amount != Rupiah::ZERO)
}

fn funds(before: &[(i16, Year)], later: &Known) -> Vec<FundsChange> {
    let change = |(year, after): (i16, &Year)| {
        let found = before.iter().find(|(other, _)| *other == year);
        let before = found.map(|(_, entry)| *entry).unwrap_or_default();
        let change = FundsChange {
            year,
            appropriated: [before.appropriated, after.appropriated],
            used: [before.used, after.used],
        };
        let same = change.appropriated[0] == change.appropriated[1] && change.used[0] == change.used[1];
        (!same).then_some(change)
    };
    later.fold().counted().years().filter_map(change).collect()
}
