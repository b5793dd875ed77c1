//! One record of one participant, before the auditor: what the rules look at, and how a broken one is told.

use std::collections::HashMap;
use std::fmt::Display;

use ledger_core::Record;
use ledger_core::Rupiah;
use ledger_core::account::Account;
use ledger_core::scheme::{Entitlement, Scheme};
use ledger_core::time::Date;

use super::person::{Day, Person, Said, amount};
use super::plan::{Holds, entitlements};
use super::programme::{Programme, Wave};
use super::tally::Counts;
use crate::finding::{Finding, Rule};

/// Identities that are rare, and kept aside: what, of whom, hashed.
pub(super) type Rare = HashMap<(RareKind, u32, u64), Said>;

/// What a rare identity is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum RareKind {
    Withdrawal,
    Revocation,
    Reinstatement,
    Found,
    FindingWithdrawn,
    Demand,
    Return,
}

/// What a rule sees.
pub(super) struct Case<'c> {
    pub(super) programme: &'c Programme,
    pub(super) person: &'c mut Person,
    pub(super) place: u32,
    pub(super) rare: &'c mut Rare,
    pub(super) counts: &'c mut Counts,
    pub(super) record: &'c Record<'c>,
    pub(super) said: Said,
}

/// A finding about a record.
pub(super) fn about(rule: Rule, record: &Record<'_>, values: &[&dyn Display]) -> Finding {
    let values = values.iter().map(ToString::to_string).collect();
    let finding = Finding::told(rule, values).at_position(record.position);
    match record.participant {
        Some(participant) => finding.of(participant),
        None => finding,
    }
}

impl Case<'_> {
    pub(super) fn wave(&self) -> &Wave {
        self.programme.of_wave(self.person.wave).0
    }

    pub(super) fn scheme(&self) -> &Scheme<'static> {
        self.programme.of_wave(self.person.wave).1
    }

    pub(super) fn date(&self) -> Date {
        self.record.occurred_at.wib_date()
    }

    /// A broken rule, with the records behind it and the money at stake.
    pub(super) fn broken(&mut self, rule: Rule, values: &[&dyn Display], behind: &[u64], worth: Option<i64>) {
        let mut finding = about(rule, self.record, values);
        for position in behind.iter().filter(|position| **position > 0) {
            finding = finding.with(*position);
        }
        if let Some(worth) = worth {
            finding = finding.worth(Rupiah::new(worth));
        }
        self.counts.find(finding);
    }

    /// Rule 1.
    pub(super) fn twice(&mut self, what: &str, first: u64) {
        self.broken(Rule::RecordedTwice, &[&what, &first], &[first], None);
    }

    /// Rule 2.
    pub(super) fn unknown(&mut self, what: &str, which: &dyn Display) {
        self.broken(Rule::NamesUnknown, &[&what, which], &[], None);
    }

    /// Section 4: not dated before what it rests on.
    pub(super) fn not_before(&mut self, what: &str, rests_on: Day, at: u64) {
        let date = self.date();
        if date < rests_on.date() {
            self.broken(Rule::DatedBefore, &[&what, &rests_on.date(), &date], &[at], None);
        }
    }

    /// Section 3.
    pub(super) fn four_eyes(&mut self) {
        if let Some(finding) = four_eyes(self.record) {
            self.counts.find(finding);
        }
    }

    /// Keeps a rare identity; says whether it is the first of it.
    pub(super) fn first(&mut self, kind: RareKind, what: &str, identity: u64) -> bool {
        let earlier = *self.rare.entry((kind, self.place, identity)).or_insert(self.said);
        if earlier.at != self.said.at {
            self.twice(what, earlier.at);
        }
        earlier.at == self.said.at
    }

    pub(super) fn moves(&mut self, amount: i64, from: Account, to: Account) {
        self.counts.money.moves(self.said.on, amount, from, to);
        let treasury = |account| matches!(account, Account::Forfeited | Account::Lapsed | Account::TreasuryReturned);
        let change = amount * (i64::from(treasury(to)) - i64::from(treasury(from)));
        if change != 0 {
            self.area(|area| area.treasury += change);
        }
    }

    pub(super) fn area(&mut self, change: impl Fn(&mut super::tally::Area)) {
        self.counts.area(self.person.wave, self.person.region, self.said.on, change);
    }

    /// Home of incentive money (section 7).
    pub(super) fn incentive_home(&self) -> Account {
        let committed = self.person.revoked.is_none() && !self.wave().closed.is();
        if committed { Account::IncentivesCommitted } else { Account::TreasuryReturned }
    }

    pub(super) fn amount(&self, entitlement: Entitlement) -> i64 {
        amount(self.scheme(), entitlement)
    }

    /// All incentives that are neither on their way nor received, rupiah.
    pub(super) fn at_home(&self) -> i64 {
        at_home(self.person, self.scheme())
    }
}

/// All incentives of a participant that are neither on their way nor received, rupiah.
pub(super) fn at_home(person: &Person, scheme: &Scheme<'_>) -> i64 {
    let home = entitlements(scheme).filter(|entitlement| person.claims(*entitlement) == 0);
    home.map(|entitlement| amount(scheme, entitlement)).sum()
}

/// Section 3: a second person approved, who is not the actor.
pub(super) fn four_eyes(record: &Record<'_>) -> Option<Finding> {
    match &record.approved_by {
        None => Some(about(Rule::FourEyes, record, &[&record.actor, &"nobody"])),
        Some(approver) if *approver == record.actor => Some(about(Rule::FourEyes, record, &[&record.actor, &approver])),
        Some(_) => None,
    }
}

/// Counts the change from one state of a participant to the next, which came on a day (D8).
pub(super) fn change(before: Option<&Holds>, after: Option<&Holds>, scheme: &Scheme<'_>, on: Day, counts: &mut Counts) {
    if before == after {
        return;
    }
    for (index, entitlement) in entitlements(scheme).enumerate() {
        let of = |holds: Option<&Holds>| holds.and_then(|holds| holds.get(index));
        let (was, is) = (of(before), of(after));
        if was == is {
            continue;
        }
        let amount = amount(scheme, entitlement);
        if let Some((due, hold)) = was {
            counts.hold(hold, on.max(due), -1, -amount);
        }
        if let Some((due, hold)) = is {
            counts.hold(hold, on.max(due), 1, amount);
        }
    }
}
