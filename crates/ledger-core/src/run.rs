//! Disbursement runs (DOMAIN section 5, rule 11): a plan is a pure function of the state at one log size; its items are
//! not recorded, their SHA-256 is.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::codes::Partner;
use crate::decide::NewEvent;
use crate::event::{DisbursementRunClosed, HeldTotal, PartnerTotal, PayoutInstructed, Total};
use crate::fold::MOST_OF_A_KIND;
use crate::ids::{Digest, LinkId, ParticipantId, RunId};
use crate::money::Rupiah;
use crate::schedule::{Held, HeldTotals, Payable, payable};
use crate::scheme::{Entitlement, Scheme};
use crate::state::{FactKind, Participant, Run, State};
use crate::time::Date;

/// One item of a plan. The order of fields is the order of items: by due date, then participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// Due date.
    pub due: Date,
    /// Who is paid.
    pub participant: ParticipantId,
    /// What for.
    pub entitlement: Entitlement,
    /// Rupiah.
    pub amount: Rupiah,
    /// Who pays.
    pub partner: Partner,
    /// Into which account.
    pub link: LinkId,
}

impl Item {
    /// The item's bytes in the plan's digest: due date as days since 1970-01-01 (4, big-endian), participant (16),
    /// entitlement kind and number (1 + 1), rupiah (8, big-endian), partner (1), link (16).
    #[must_use]
    pub fn digest_bytes(&self) -> [u8; 47] {
        let mut bytes = [0; 47];
        bytes[0..4].copy_from_slice(&self.due.days().to_be_bytes());
        bytes[4..20].copy_from_slice(&self.participant.0);
        bytes[20] = self.entitlement.kind.number();
        bytes[21] = self.entitlement.number;
        bytes[22..30].copy_from_slice(&self.amount.get().to_be_bytes());
        bytes[30] = self.partner.number();
        bytes[31..47].copy_from_slice(&self.link.0);
        bytes
    }

    /// Where the item stands in its run.
    #[must_use]
    pub const fn key(&self) -> (Date, ParticipantId, Entitlement) {
        (self.due, self.participant, self.entitlement)
    }
}

/// What a run would pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Sorted.
    pub items: Vec<Item>,
    /// Count and total by partner, partners without items left out.
    pub totals: Vec<PartnerTotal>,
    /// SHA-256 of the sorted items' [`Item::digest_bytes`].
    pub digest: Digest,
}

impl Plan {
    /// The plan of these items.
    #[must_use]
    pub fn of(mut items: Vec<Item>) -> Self {
        items.sort_unstable();
        let mut hasher = Sha256::new();
        let mut totals =
            Partner::ALL.iter().map(|p| PartnerTotal { partner: *p, total: Total::default() }).collect::<Vec<_>>();
        for item in &items {
            hasher.update(item.digest_bytes());
            if let Some(entry) = totals.get_mut(usize::from(item.partner.number()) - 1) {
                entry.total.add(item.amount);
            }
        }
        totals.retain(|entry| entry.total.count > 0);
        Self { items, totals, digest: Digest(hasher.finalize().into()) }
    }
}

/// The items of one participant that are payable on `as_of`.
pub fn items_of<'a>(state: &'a State, participant: &'a Participant, as_of: Date) -> impl Iterator<Item = Item> + 'a {
    // Nothing is due before something was completed: most of a young cohort is passed over here.
    let scheme = participant.first_completed().and_then(|_| state.scheme_of(participant));
    scheme.into_iter().flat_map(Scheme::entitlements).filter_map(move |(entitlement, _)| {
        let Payable { due, amount, partner, link } = payable(state, participant, entitlement, as_of).ok()?;
        Some(Item { due, participant: participant.id, entitlement, amount, partner, link })
    })
}

/// The plan of a run as of a date, on this state. Funds do not limit a plan: they are looked at when each item is
/// instructed.
#[must_use]
pub fn plan(state: &State, as_of: Date) -> Plan {
    Plan::of(state.participants().iter().flat_map(|p| items_of(state, p, as_of)).collect())
}

/// Instructs one planned item of an approved run, if it is still payable to the planned account and funds cover it.
///
/// # Errors
///
/// Why it is held. After [`Held::Funds`] a run stops: what follows is held too.
pub fn instruct(state: &State, run: RunId, item: &Item) -> Result<NewEvent<'static>, Held> {
    let at_work = |run: &&Run| run.approved.is_some() && run.closed.is_none();
    let run = state.run(run).map(|(_, run)| run).filter(at_work).ok_or(Held::NotDue)?;
    let participant = state.participant(item.participant).ok_or(Held::NotEarned)?;
    let payable = payable(state, participant, item.entitlement, run.as_of)?;
    if payable.link != item.link {
        return Err(Held::OtherAccount);
    }
    if payable.amount > state.year(run.as_of.year()).available() {
        return Err(Held::Funds);
    }
    let attempts = participant.instructions_of(item.entitlement).count();
    // So many tries in vain: the account is at fault, whatever the partner says.
    let attempt = u8::try_from(attempts + 1).map_err(|_| Held::AccountFault)?;
    if participant.count(FactKind::Instructed) >= MOST_OF_A_KIND {
        return Err(Held::AccountFault);
    }
    let days = state.scheme_of(participant).map_or(0, |scheme| scheme.instruction_expiry_days);
    let occurred_at = run.approved_at;
    let event = PayoutInstructed {
        entitlement: item.entitlement,
        attempt,
        due: payable.due,
        amount: payable.amount,
        partner: payable.partner,
        link: payable.link,
        run: run.id,
        expires_on: occurred_at.wib_date().plus_days(days.into()),
    };
    Ok(NewEvent { participant: Some(item.participant), occurred_at, event: event.into() })
}

/// The closing of an approved run whose every item was instructed or held, once; what was instructed is known from the
/// state.
#[must_use]
pub fn close(state: &State, run: RunId, held: Total, held_by: Vec<HeldTotal>) -> Option<NewEvent<'static>> {
    let (_, run) = state.run(run).filter(|(_, run)| run.approved.is_some() && run.closed.is_none())?;
    let event = DisbursementRunClosed { run: run.id, instructed: run.instructed, held, held_by };
    Some(NewEvent { participant: None, occurred_at: run.approved_at, event: event.into() })
}

/// An approved run at work: its plan's items one after another, each instructed or held.
#[derive(Clone, Debug)]
pub struct Execution {
    run: RunId,
    /// The run's number, see [`State::runs`].
    number: u16,
    plan: Arc<Plan>,
    /// The next item.
    next: usize,
    /// Items before this one were decided before a restart.
    resumed_at: usize,
    held: Total,
    held_by: HeldTotals,
    funds_ran_out: bool,
}

/// What became of one item of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)]
pub enum Progress {
    /// Instruct it: record this.
    Instruct(NewEvent<'static>),
    /// It is held, or was decided before a restart.
    Passed,
    /// There is none left: the run is to be closed.
    Done,
}

impl Execution {
    /// Starts a run, or takes it up again where it stopped: behind the last item that it instructed. Items before that
    /// one without an instruction of this run were held then, and still are.
    #[must_use]
    pub fn new(state: &State, run: RunId, plan: impl Into<Arc<Plan>>) -> Self {
        let plan = plan.into();
        let (number, last) = state.run(run).map_or((0, None), |(number, entry)| (number, entry.last_instructed));
        let resumed_at = last.map_or(0, |last| plan.items.partition_point(|item| item.key() <= last));
        Self {
            run,
            number,
            plan,
            next: 0,
            resumed_at,
            held: Total::default(),
            held_by: HeldTotals::default(),
            funds_ran_out: false,
        }
    }

    /// Looks at one item, on the state after the one before: a bounded step.
    pub fn advance(&mut self, state: &State) -> Progress {
        let Some(item) = self.plan.items.get(self.next) else { return Progress::Done };
        self.next += 1;
        if self.next <= self.resumed_at {
            let number = self.number;
            let ordered = |p: &Participant| p.instructions_of(item.entitlement).any(|(_, i)| i.run() == number);
            if !state.participant(item.participant).is_some_and(ordered) {
                self.held.add(item.amount);
            }
            return Progress::Passed;
        }
        let decided = if self.funds_ran_out { Err(Held::Funds) } else { instruct(state, self.run, item) };
        match decided {
            Ok(event) => Progress::Instruct(event),
            Err(held) => {
                self.funds_ran_out |= held == Held::Funds;
                self.held.add(item.amount);
                self.held_by.add(held, item.amount);
                Progress::Passed
            }
        }
    }

    /// The next instruction to record, on the state after the one before; `None` once every item is instructed or
    /// held: then the run is to be closed.
    pub fn step(&mut self, state: &State) -> Option<NewEvent<'static>> {
        loop {
            match self.advance(state) {
                Progress::Instruct(event) => return Some(event),
                Progress::Passed => {}
                Progress::Done => return None,
            }
        }
    }

    /// How many items are left.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.plan.items.len() - self.next.max(self.resumed_at)
    }

    /// The event that closes the run.
    #[must_use]
    pub fn close(&self, state: &State) -> Option<NewEvent<'static>> {
        close(state, self.run, self.held, self.held_by_reason().collect())
    }

    /// What was held so far, by reason; what was held before a restart is not among them.
    pub fn held_by_reason(&self) -> impl Iterator<Item = HeldTotal> + '_ {
        self.held_by.iter()
    }
}
