//! What the auditor keeps of one participant: dense, since there are millions; positions where a finding cites them.
//!
//! Everything here is what records said, in the words of DOMAIN sections 2 to 6. It is written for auditing and shares no
//! rule with the ledger's own state.

use ledger_core::Rupiah;
use ledger_core::codes::{EntitlementKind, Partner, Platform, Reason};
use ledger_core::ids::{LinkId, ParticipantId, PurchaseId};
use ledger_core::scheme::{Entitlement, Scheme};
use ledger_core::time::Date;
use thin_vec::ThinVec;

/// A WIB date in two bytes: days since 1970-01-01, up to 2149. What lies outside is at the end of its side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Day(u16);

impl From<Date> for Day {
    fn from(date: Date) -> Self {
        Self(u16::try_from(date.days().max(0)).unwrap_or(u16::MAX))
    }
}

impl Day {
    pub(super) fn date(self) -> Date {
        Date::from_days(self.0.into())
    }
}

/// A record that said something: where, and on which day it happened. Position 0 is a programme's record in every log that
/// means anything, so it stands for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) at: u64,
    pub(super) on: Day,
}

impl Said {
    pub(super) const fn is(self) -> bool {
        self.at > 0
    }
}

/// A purchase.
#[derive(Clone, Debug)]
pub(super) struct Purchase {
    pub(super) id: PurchaseId,
    pub(super) price: u32,
    pub(super) platform: Platform,
    /// A completion that was withdrawn is still the reason why a second one is a repeat.
    pub(super) withdrawn: bool,
    pub(super) bought: Said,
    pub(super) completed: Said,
    pub(super) cancelled: Said,
    pub(super) certified: Day,
    pub(super) has_certificate: bool,
    pub(super) reviewed: Day,
    pub(super) has_review: bool,
}

impl Purchase {
    pub(super) const fn is_cancelled(&self) -> bool {
        self.cancelled.is()
    }

    pub(super) const fn is_completed(&self) -> bool {
        self.completed.is() && !self.withdrawn
    }

    /// Keeps another purchase from being made (rule 5).
    pub(super) const fn is_open(&self) -> bool {
        !(self.is_cancelled() || self.is_completed() && self.has_review)
    }
}

/// A registered payout account.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) id: LinkId,
    pub(super) partner: Partner,
    pub(super) linked: Said,
    pub(super) unlinked: bool,
}

/// Where an instruction stands (section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Instructed,
    Accepted,
    InDoubt,
    Settled,
    Rejected,
    Returned,
}

impl Standing {
    pub(super) const fn is_open(self) -> bool {
        matches!(self, Self::Instructed | Self::Accepted | Self::InDoubt)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Instructed => "instructed",
            Self::Accepted => "accepted",
            Self::InDoubt => "in doubt",
            Self::Settled => "settled",
            Self::Rejected => "rejected",
            Self::Returned => "returned",
        }
    }
}

/// An instruction.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) at: u64,
    /// The record that brought it to where it stands.
    pub(super) since: Said,
    pub(super) instructed: Day,
    pub(super) due: Day,
    pub(super) expires: Day,
    pub(super) run: u16,
    pub(super) kind: EntitlementKind,
    pub(super) number: u8,
    pub(super) partner: Partner,
    pub(super) standing: Standing,
    pub(super) settled: u8,
    pub(super) returned: u8,
    pub(super) recalled: bool,
    /// The last settlement, and its transaction reference, hashed.
    pub(super) paid: Said,
    pub(super) reference: u32,
}

impl Order {
    pub(super) const fn entitlement(&self) -> Entitlement {
        Entitlement { kind: self.kind, number: self.number }
    }

    pub(super) const fn net_settled(&self) -> i32 {
        self.settled as i32 - self.returned as i32
    }

    /// Entitlements' worth of money that left with it and did not come back.
    const fn claims(&self) -> i32 {
        self.net_settled() + if self.standing.is_open() { 1 } else { 0 }
    }
}

/// One participant.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) id: ParticipantId,
    /// Half of the identity digest.
    pub(super) identity: [u8; 16],
    /// A quarter of the family card's digest.
    pub(super) family: [u8; 8],
    pub(super) selected: Said,
    /// Position of the last record.
    pub(super) last: u64,
    /// The latest day on which anything of it happened.
    pub(super) latest: Day,
    /// Index into the programme's waves.
    pub(super) wave: u16,
    pub(super) region: u16,
    /// What may be spent on courses.
    pub(super) balance: i64,
    /// What was lost of it by a revocation.
    pub(super) forfeited: i64,
    /// The end of the membership, until a reinstatement.
    pub(super) revoked: Option<Said>,
    /// Of the last reinstatement.
    pub(super) reinstated: Day,
    pub(super) first_deadline: Option<Day>,
    pub(super) open_findings: u8,
    pub(super) ever_found: bool,
    /// The account that is in force: its index.
    pub(super) link: Option<u8>,
    /// The last account fault, and why.
    pub(super) fault: Said,
    pub(super) fault_reason: Option<Reason>,
    pub(super) surveys: ThinVec<Said>,
    pub(super) purchases: ThinVec<Purchase>,
    pub(super) links: ThinVec<Link>,
    pub(super) orders: ThinVec<Order>,
}

/// Adds to a list that hardly ever grows, so that none has room to spare.
pub(super) fn add<T>(list: &mut ThinVec<T>, item: T) {
    if list.len() == list.capacity() {
        list.reserve_exact(1);
    }
    list.push(item);
}

impl Person {
    pub(super) fn purchase(&self, id: PurchaseId) -> Option<usize> {
        self.purchases.iter().rposition(|purchase| purchase.id == id)
    }

    pub(super) fn order(&self, at: u64) -> Option<usize> {
        self.orders.iter().rposition(|order| order.at == at)
    }

    pub(super) fn link_index(&self, id: LinkId) -> Option<usize> {
        self.links.iter().rposition(|link| link.id == id)
    }

    pub(super) fn in_force(&self) -> Option<&Link> {
        self.links.get(usize::from(self.link?))
    }

    /// The first completed training: first by position, withdrawn ones left out (rule 9).
    pub(super) fn first_completed(&self) -> Option<&Purchase> {
        let completed = self.purchases.iter().filter(|p| p.is_completed() && !p.is_cancelled());
        completed.min_by_key(|purchase| purchase.completed.at)
    }

    /// The day of the unlock (rule 9).
    pub(super) fn unlocked(&self) -> Option<Day> {
        let first = self.first_completed()?;
        (first.has_certificate && first.has_review).then(|| first.completed.on.max(first.certified).max(first.reviewed))
    }

    pub(super) fn survey(&self, number: u8) -> Option<Said> {
        let said = self.surveys.get(usize::from(number).checked_sub(1)?)?;
        said.is().then_some(*said)
    }

    /// The due date (section 2): of training incentive k, months after the first, clamped from the first's day; of a survey
    /// incentive, days after the survey was filled. `None` where it is not earned.
    pub(super) fn due(&self, scheme: &Scheme<'_>, entitlement: Entitlement) -> Option<Date> {
        let unlocked = self.unlocked()?.date();
        match entitlement.kind {
            EntitlementKind::Training => {
                let first = unlocked.plus_days(scheme.first_incentive_days.into());
                Some(months_later(first, u32::from(entitlement.number).checked_sub(1)?))
            }
            EntitlementKind::Survey => self.survey_due(scheme, entitlement.number),
        }
    }

    /// When a survey's incentive is due; `None` where it was not filled.
    pub(super) fn survey_due(&self, scheme: &Scheme<'_>, number: u8) -> Option<Date> {
        Some(self.survey(number)?.on.date().plus_days(scheme.survey_due_days.into()))
    }

    pub(super) fn orders_of(&self, entitlement: Entitlement) -> impl Iterator<Item = &Order> {
        self.orders.iter().filter(move |order| order.entitlement() == entitlement)
    }

    /// How often an entitlement's money is on its way or received: 1 as it should be, more where it is overpaid.
    pub(super) fn claims(&self, entitlement: Entitlement) -> i32 {
        self.orders_of(entitlement).map(Order::claims).sum()
    }

    pub(super) fn net_settled(&self, entitlement: Entitlement) -> i32 {
        self.orders_of(entitlement).map(Order::net_settled).sum()
    }

    /// An account fault came after the account in force was linked (rule 10).
    pub(super) fn is_at_fault(&self, link: &Link) -> bool {
        self.fault.is() && link.linked.at < self.fault.at
    }

    /// What was bought and not cancelled by a date, rupiah.
    pub(super) fn spent(&self, until: Option<Date>) -> i64 {
        let by = |said: Said| said.is() && until.is_none_or(|until| said.on.date() <= until);
        let spent = self.purchases.iter().filter(|p| by(p.bought) && !by(p.cancelled));
        spent.map(|purchase| i64::from(purchase.price)).sum()
    }

    /// Incentives received by a date, rupiah, gross of repayments.
    pub(super) fn received(&self, scheme: &Scheme<'_>, until: Option<Date>) -> i64 {
        let by = |day: Day| until.is_none_or(|until| day.date() <= until);
        let times = |order: &Order| match (by(order.paid.on), by(order.since.on)) {
            (true, true) => order.net_settled(),
            // It came back later.
            (true, false) => order.settled.into(),
            (false, _) => 0,
        };
        self.orders.iter().map(|order| i64::from(times(order)) * amount(scheme, order.entitlement())).sum()
    }
}

/// What the scheme gives for an entitlement, rupiah; 0 where it has none.
pub(super) fn amount(scheme: &Scheme<'_>, entitlement: Entitlement) -> i64 {
    let amounts = match entitlement.kind {
        EntitlementKind::Training => &scheme.training_incentives,
        EntitlementKind::Survey => &scheme.survey_incentives,
    };
    let place = usize::from(entitlement.number).checked_sub(1);
    place.and_then(|place| amounts.get(place)).map_or(0, |amount: &Rupiah| amount.get())
}

/// The same day of a later month, or that month's last (31 August, 30 September, 31 October).
pub(super) fn months_later(first: Date, months: u32) -> Date {
    if months == 0 {
        return first;
    }
    let (year, month, day) = first.ymd();
    let (year, month) = (i32::from(year), i32::from(month) - 1 + i32::try_from(months).unwrap_or(i32::MAX / 2));
    let (year, month) = (year + month.div_euclid(12), month.rem_euclid(12) + 1);
    let (Ok(year), Ok(month)) = (i16::try_from(year), i8::try_from(month)) else { return first };
    (1..=day).rev().find_map(|day| Date::new(year, month, day)).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_counted_from_the_first_day_and_clamped() {
        let date = |text: &str| text.parse::<Date>().unwrap();
        let rows = [(0, "2020-08-31"), (1, "2020-09-30"), (2, "2020-10-31"), (4, "2020-12-31"), (6, "2021-02-28")];
        for (months, expected) in rows {
            assert_eq!(months_later(date("2020-08-31"), months), date(expected), "{months}");
        }
        assert_eq!(months_later(date("2023-12-05"), 1), date("2024-01-05"));
    }

    #[test]
    fn days_are_dates_in_two_bytes() {
        for text in ["1970-01-01", "2020-12-31", "2149-06-06"] {
            let date: Date = text.parse().unwrap();
            assert_eq!(Day::from(date).date(), date);
        }
    }
}
