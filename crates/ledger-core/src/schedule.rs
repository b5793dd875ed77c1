//! When money is due, and whether it may be paid (DOMAIN sections 2 and 5, rules 9 and 10).

pub use crate::codes::Held;
use crate::codes::{EntitlementKind, Partner};
use crate::event::{HeldTotal, Total};
use crate::ids::LinkId;
use crate::money::Rupiah;
use crate::scheme::{Entitlement, Scheme};
use crate::state::{EntitlementMoney, Instruction, InstructionStatus, Participant, State, Status};
use crate::time::Date;

impl Held {
    /// What would release the money.
    #[must_use]
    pub const fn release(self) -> &'static str {
        match self {
            Self::Settled => "nothing: it is paid",
            Self::InTransit => "the partner's outcome",
            Self::InDoubt => "an inquiry's outcome, or a manual one with an approver",
            Self::MembershipRevoked => "a reinstatement",
            Self::WaveClosed => "nothing: it returned to the treasury",
            Self::NotEarned => {
                "a first training completed, certified and reviewed; for a survey incentive also the survey filled in"
            }
            Self::NotDue => "its due date",
            Self::Ineligible => "the withdrawal of the ineligibility finding",
            Self::NoAccount => "a linked payout account",
            Self::AccountFault => "a payout account linked after the fault",
            Self::Funds => "an appropriation for the run's year",
            Self::OtherAccount => "a new run, to the account now linked",
        }
    }
}

/// Items that are held, counted by reason.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeldTotals([Total; Held::ALL.len()]);

impl HeldTotals {
    /// One more item.
    pub fn add(&mut self, reason: Held, amount: Rupiah) {
        self.0[usize::from(reason.number()) - 1].add(amount);
    }

    /// What is held for a reason.
    #[must_use]
    pub fn of(&self, reason: Held) -> Total {
        self.0[usize::from(reason.number()) - 1]
    }

    /// The reasons that hold something, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = HeldTotal> + '_ {
        let all = Held::ALL.iter().zip(self.0).filter(|(_, total)| total.count > 0);
        all.map(|(reason, total)| HeldTotal { reason: *reason, total })
    }
}

/// An entitlement that may be paid now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payable {
    /// Its due date.
    pub due: Date,
    /// Rupiah.
    pub amount: Rupiah,
    /// Who pays.
    pub partner: Partner,
    /// Into which account.
    pub link: LinkId,
}

impl Participant {
    /// The day on which incentives unlocked: completion, certificate and review of the first completed training, the only
    /// one that unlocks, the last of them (rule 9).
    #[must_use]
    pub fn unlock(&self) -> Option<Date> {
        let first = self.first_completed()?;
        Some(first.completed.date().max(first.certified?.date()).max(first.reviewed?.date()))
    }

    /// The day on which a survey opens; `None` before the unlock or where there is no such survey.
    #[must_use]
    pub fn survey_opens(&self, scheme: &Scheme<'_>, number: u8) -> Option<Date> {
        survey_opens_after(self.unlock()?, scheme, number)
    }

    /// The due date of an entitlement, once earned (DOMAIN section 2).
    #[must_use]
    pub fn due(&self, scheme: &Scheme<'_>, entitlement: Entitlement) -> Option<Date> {
        scheme.amount(entitlement)?;
        let unlock = self.unlock()?;
        match entitlement.kind {
            EntitlementKind::Training => {
                let first = unlock.plus_days(scheme.first_incentive_days.into());
                Some(first.plus_months(u32::from(entitlement.number) - 1))
            }
            EntitlementKind::Survey => {
                let filled = self.survey_filled_on(entitlement.number)?;
                Some(filled.plus_days(scheme.survey_due_days.into()))
            }
        }
    }
}

/// The day on which a survey opens after an unlock.
pub(crate) fn survey_opens_after(unlock: Date, scheme: &Scheme<'_>, number: u8) -> Option<Date> {
    let days = scheme.survey_opening_days.get(usize::from(number).checked_sub(1)?)?;
    Some(unlock.plus_days((*days).into()))
}

/// Whether an entitlement may be paid on `as_of` (rule 10), funds aside: they are the run's concern.
///
/// # Errors
///
/// The first reason that holds it.
pub fn payable(
    state: &State,
    participant: &Participant,
    entitlement: Entitlement,
    as_of: Date,
) -> Result<Payable, Held> {
    let orders: Vec<_> = participant.instructions_of(entitlement).map(|(_, order)| order).collect();
    payable_beside(&orders, state, participant, entitlement, as_of)
}

/// The same, where the entitlement's instructions are at hand.
///
/// # Errors
///
/// As [`payable`].
pub(crate) fn payable_beside(
    orders: &[Instruction],
    state: &State,
    participant: &Participant,
    entitlement: Entitlement,
    as_of: Date,
) -> Result<Payable, Held> {
    let (Some(scheme), Some(wave)) = (state.scheme_of(participant), state.wave(participant.wave)) else {
        return Err(Held::NotEarned);
    };
    let Some(amount) = scheme.amount(entitlement) else { return Err(Held::NotEarned) };
    let money = EntitlementMoney::of(orders);
    if money.settled > 0 {
        return Err(Held::Settled);
    }
    if money.in_transit.is_some() {
        let doubt = orders.iter().any(|order| order.status == InstructionStatus::InDoubt);
        return Err(if doubt { Held::InDoubt } else { Held::InTransit });
    }
    if participant.status != Status::Live {
        return Err(Held::MembershipRevoked);
    }
    if wave.closed.is_some() {
        return Err(Held::WaveClosed);
    }
    let due = participant.due(scheme, entitlement).ok_or(Held::NotEarned)?;
    if due > as_of {
        return Err(Held::NotDue);
    }
    if participant.open_findings > 0 {
        return Err(Held::Ineligible);
    }
    let (_, link, linked) = participant.link().ok_or(Held::NoAccount)?;
    if linked.date() > as_of {
        return Err(Held::NoAccount);
    }
    if participant.account_fault().is_some_and(|fault| linked.position() < fault) {
        return Err(Held::AccountFault);
    }
    Ok(Payable { due, amount, partner: link.partner, link: link.id })
}
