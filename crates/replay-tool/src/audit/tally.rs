//! What one part of the work counts: everything here adds up, so that the answer is the same for any number of parts.

use ledger_core::codes::{EntitlementKind, ExceptionCause, Ground, Partner};
use ledger_core::ids::ParticipantId;
use ledger_core::scheme::Entitlement;
use ledger_core::time::Date;

use super::money::{Counted, Money};
use super::person::Day;
use crate::finding::Finding;

/// As many findings are kept; more are counted.
pub(super) const MOST_FINDINGS: usize = 10_000;
/// As many records are cited for a total; `explain` gives all.
pub(super) const CITED: usize = 5;

/// A record that a total counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cited {
    pub(super) position: u64,
    pub(super) participant: Option<ParticipantId>,
}

/// How many, how much, and the first of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) count: u64,
    pub(super) amount: i128,
    pub(super) first: Vec<Cited>,
}

impl Tally {
    pub(super) fn add(&mut self, position: u64, participant: Option<ParticipantId>, amount: i64) {
        self.count += 1;
        self.amount += i128::from(amount);
        if self.first.len() < CITED {
            self.first.push(Cited { position, participant });
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.amount += other.amount;
        self.first.extend(other.first);
        self.first.sort();
        self.first.truncate(CITED);
    }
}

/// Why a due entitlement is not paid (D8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    AwaitingRun,
    NoAccount,
    IdentityMismatch,
    AccountFault,
    Rejected,
    Returned,
    Ineligible,
    InTransit,
    InDoubt,
    Revoked,
    WaveClosed,
}

impl Hold {
    pub(super) const ALL: [Self; 11] = [
        Self::AwaitingRun,
        Self::NoAccount,
        Self::IdentityMismatch,
        Self::AccountFault,
        Self::Rejected,
        Self::Returned,
        Self::Ineligible,
        Self::InTransit,
        Self::InDoubt,
        Self::Revoked,
        Self::WaveClosed,
    ];

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::AwaitingRun => "awaiting-run",
            Self::NoAccount => "no-account",
            Self::IdentityMismatch => "identity-mismatch",
            Self::AccountFault => "account-fault",
            Self::Rejected => "rejected",
            Self::Returned => "returned",
            Self::Ineligible => "ineligible",
            Self::InTransit => "in-transit",
            Self::InDoubt => "in-doubt",
            Self::Revoked => "revoked",
            Self::WaveClosed => "wave-closed",
        }
    }
}

/// Days between due date and payment, from the first bound to before the next.
pub(super) const LATENESS: [i32; 8] = [1, 4, 8, 15, 31, 61, 91, i32::MAX];

/// People and money of a wave or a region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) selected: i64,
    pub(super) revoked: i64,
    pub(super) bought: i64,
    pub(super) completed: i64,
    pub(super) unlocked: i64,
    /// Entitlement of everybody selected, rupiah.
    pub(super) entitled: i64,
    pub(super) spent: i64,
    pub(super) received: i64,
    pub(super) treasury: i64,
}

impl Area {
    fn merge(&mut self, other: &Self) {
        self.selected += other.selected;
        self.revoked += other.revoked;
        self.bought += other.bought;
        self.completed += other.completed;
        self.unlocked += other.unlocked;
        self.entitled += other.entitled;
        self.spent += other.spent;
        self.received += other.received;
        self.treasury += other.treasury;
    }
}

/// What a partner did.
#[derive(Clone, Debug, Default)]
pub(super) struct OfPartner {
    pub(super) instructed: Tally,
    pub(super) settled: Tally,
    pub(super) rejected: Tally,
    pub(super) returned: Tally,
    pub(super) in_doubt: Tally,
    pub(super) exceptions: Tally,
}

/// An instruction's place in its run, which holds over everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct InRun {
    pub(super) due: Day,
    pub(super) participant: ParticipantId,
    pub(super) entitlement: Entitlement,
}

/// What a record did to a year's funds (rule 14).
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    pub(super) at: u64,
    pub(super) year: i16,
    /// Rupiah used; below zero where they are free again.
    pub(super) used: i64,
    /// Rupiah appropriated.
    pub(super) appropriated: i64,
    /// Of an instruction: its run, and its place there.
    pub(super) order: Option<(u16, InRun)>,
    /// Of an instruction whose run must not instruct: why, and the record behind that.
    pub(super) forbidden: Option<(&'static str, u64)>,
}

/// Everything that a part counts.
#[derive(Debug)]
pub(super) struct Counts {
    /// Facts dated up to this day count in totals.
    pub(super) as_of: Option<Date>,
    pub(super) findings: Vec<Finding>,
    pub(super) notices: Vec<Finding>,
    /// Findings and notices that were not kept.
    pub(super) left_out: u64,
    pub(super) money: Money,
    /// Not read after the window in which they came.
    pub(super) flows: Vec<Flow>,
    pub(super) holds: [Counted; Hold::ALL.len()],
    pub(super) waves: Vec<Area>,
    /// By their code's number.
    pub(super) regions: Vec<Area>,
    pub(super) partners: [OfPartner; Partner::ALL.len()],
    pub(super) grounds: [Tally; Ground::ALL.len()],
    /// By kind of entitlement: paid before or on the due date, then later by [`LATENESS`].
    pub(super) lateness: [[Tally; LATENESS.len() + 1]; EntitlementKind::ALL.len()],
    pub(super) latest_days: i32,
    pub(super) certificates_early: Tally,
    pub(super) payments_early: Tally,
    pub(super) settled_twice: Tally,
    pub(super) settled_after_rejection: Tally,
    pub(super) settled_after_revocation: Tally,
    pub(super) exceptions: [Tally; ExceptionCause::ALL.len()],
    pub(super) demanded: Tally,
    pub(super) repaid: Tally,
}

impl Counts {
    pub(super) fn new(as_of: Option<Date>) -> Self {
        Self {
            as_of,
            findings: Vec::new(),
            notices: Vec::new(),
            left_out: 0,
            money: Money::new(as_of),
            flows: Vec::new(),
            holds: Default::default(),
            waves: Vec::new(),
            regions: Vec::new(),
            partners: Default::default(),
            grounds: Default::default(),
            lateness: Default::default(),
            latest_days: 0,
            certificates_early: Tally::default(),
            payments_early: Tally::default(),
            settled_twice: Tally::default(),
            settled_after_rejection: Tally::default(),
            settled_after_revocation: Tally::default(),
            exceptions: Default::default(),
            demanded: Tally::default(),
            repaid: Tally::default(),
        }
    }

    /// Whether a fact of this day counts.
    pub(super) fn counts(&self, on: Day) -> bool {
        self.as_of.is_none_or(|as_of| on.date() <= as_of)
    }

    pub(super) fn find(&mut self, finding: Finding) {
        keep(&mut self.findings, &mut self.left_out, finding);
    }

    pub(super) fn notice(&mut self, finding: Finding) {
        keep(&mut self.notices, &mut self.left_out, finding);
    }

    /// A change of a wave's and a region's people and money, if it is dated early enough.
    pub(super) fn area(&mut self, wave: u16, region: u16, on: Day, change: impl Fn(&mut Area)) {
        if !self.counts(on) {
            return;
        }
        for (areas, index) in [(&mut self.waves, wave), (&mut self.regions, region)] {
            let index = usize::from(index);
            if areas.len() <= index {
                areas.resize(index + 1, Area::default());
            }
            change(&mut areas[index]);
        }
    }

    pub(super) fn partner(&mut self, partner: Partner) -> &mut OfPartner {
        &mut self.partners[usize::from(partner.number()) - 1]
    }

    pub(super) fn hold(&mut self, hold: Hold, on: Day, count: i64, amount: i64) {
        self.holds[hold as usize].add(on, count, amount);
    }

    /// Adds what another part counted.
    pub(super) fn merge(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.notices.extend(other.notices);
        self.left_out += other.left_out;
        self.money.merge(&other.money);
        self.holds.iter_mut().zip(&other.holds).for_each(|(sum, more)| sum.merge(more));
        for (areas, more) in [(&mut self.waves, other.waves), (&mut self.regions, other.regions)] {
            areas.resize(areas.len().max(more.len()), Area::default());
            areas.iter_mut().zip(&more).for_each(|(sum, more)| sum.merge(more));
        }
        for (sum, more) in self.partners.iter_mut().zip(other.partners) {
            sum.instructed.merge(more.instructed);
            sum.settled.merge(more.settled);
            sum.rejected.merge(more.rejected);
            sum.returned.merge(more.returned);
            sum.in_doubt.merge(more.in_doubt);
            sum.exceptions.merge(more.exceptions);
        }
        self.grounds.iter_mut().zip(other.grounds).for_each(|(sum, more)| sum.merge(more));
        let lateness = self.lateness.iter_mut().flatten().zip(other.lateness.into_iter().flatten());
        lateness.for_each(|(sum, more)| sum.merge(more));
        self.latest_days = self.latest_days.max(other.latest_days);
        self.certificates_early.merge(other.certificates_early);
        self.payments_early.merge(other.payments_early);
        self.settled_twice.merge(other.settled_twice);
        self.settled_after_rejection.merge(other.settled_after_rejection);
        self.settled_after_revocation.merge(other.settled_after_revocation);
        self.exceptions.iter_mut().zip(other.exceptions).for_each(|(sum, more)| sum.merge(more));
        self.demanded.merge(other.demanded);
        self.repaid.merge(other.repaid);
    }
}

fn keep(findings: &mut Vec<Finding>, left_out: &mut u64, finding: Finding) {
    if findings.len() < MOST_FINDINGS {
        findings.push(finding);
    } else {
        *left_out += 1;
    }
}
