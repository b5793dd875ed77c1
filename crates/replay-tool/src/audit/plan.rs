//! A run's plan, worked out again (rule 11): what was payable on its as-of date, as the log knew it at `known_at`.

use ledger_core::Rupiah;
use ledger_core::codes::{EntitlementKind, Partner, Reason};
use ledger_core::event::{DisbursementRunPlanned, Total};
use ledger_core::ids::{Digest, LinkId, ParticipantId};
use ledger_core::scheme::{Entitlement, Scheme};
use ledger_core::time::Date;
use sha2::{Digest as _, Sha256};

use super::person::{Day, Person, Standing, amount, months_later};
use super::programme::Programme;
use super::tally::Hold;

/// One item. The order of fields is the order of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Item {
    pub(super) due: Date,
    pub(super) participant: ParticipantId,
    pub(super) entitlement: Entitlement,
    pub(super) amount: i64,
    pub(super) partner: Partner,
    pub(super) link: LinkId,
}

/// The items of the participants that a part sees, by place.
#[derive(Clone, Debug, Default)]
pub(super) struct Planned(pub(super) Vec<(u32, Item)>);

impl Planned {
    /// The item of an entitlement.
    pub(super) fn item(&self, place: u32, entitlement: Entitlement) -> Option<&Item> {
        let first = self.0.partition_point(|(other, _)| *other < place);
        let own = self.0[first..].iter().take_while(|(other, _)| *other == place);
        own.map(|(_, item)| item).find(|item| item.entitlement == entitlement)
    }
}

/// Every entitlement of a scheme, training first.
pub(super) fn entitlements(scheme: &Scheme<'_>) -> impl Iterator<Item = Entitlement> + use<> {
    let (training, survey) = (scheme.training_incentives.len(), scheme.survey_incentives.len());
    let of = |kind, count| (1..=u8::try_from(count).unwrap_or(u8::MAX)).map(move |number| Entitlement { kind, number });
    of(EntitlementKind::Training, training).chain(of(EntitlementKind::Survey, survey))
}

/// The most entitlements that a scheme may have.
const MOST: usize = 2 * Scheme::MAX_INCENTIVES;

/// Due date and reason of each earned and unpaid entitlement, by [`entitlements`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holds([Option<(Day, Hold)>; MOST]);

impl Holds {
    /// `None` where nothing is unlocked.
    pub(super) fn of(person: &Person, scheme: &Scheme<'_>, wave_closed: bool) -> Option<Self> {
        let unlocked = person.unlocked()?.date();
        let first = unlocked.plus_days(scheme.first_incentive_days.into());
        let mut holds = [None; MOST];
        let of_person = of_person(person, wave_closed);
        for (hold, entitlement) in holds.iter_mut().zip(entitlements(scheme)) {
            // Money first: most of what was earned is paid.
            let Some(reason) = of_orders(person, entitlement).unpaid(of_person) else { continue };
            let due = match entitlement.kind {
                EntitlementKind::Training => Some(months_later(first, u32::from(entitlement.number) - 1)),
                EntitlementKind::Survey => person.survey_due(scheme, entitlement.number),
            };
            *hold = due.map(|due| (due.into(), reason));
        }
        Some(Self(holds))
    }

    pub(super) fn get(&self, index: usize) -> Option<(Day, Hold)> {
        self.0.get(index).copied().flatten()
    }
}

/// What an entitlement's orders say of it.
struct OfOrders {
    settled: i32,
    last: Option<Standing>,
}

fn of_orders(person: &Person, entitlement: Entitlement) -> OfOrders {
    let (mut settled, mut last) = (0, None);
    for order in person.orders_of(entitlement) {
        settled += order.net_settled();
        // What is open goes before what is not, a doubt before all.
        last = match (last, order.standing) {
            (Some(Standing::InDoubt), _) => last,
            (Some(open), closed) if open.is_open() && !closed.is_open() => last,
            (_, standing) => Some(standing),
        };
    }
    OfOrders { settled, last }
}

impl OfOrders {
    /// Why it is not paid, where it is not.
    const fn unpaid(&self, of_person: Option<Hold>) -> Option<Hold> {
        if self.settled > 0 {
            return None;
        }
        Some(match (self.last, of_person) {
            (Some(Standing::InDoubt), _) => Hold::InDoubt,
            (Some(Standing::Instructed | Standing::Accepted), _) => Hold::InTransit,
            (_, Some(hold)) => hold,
            (Some(Standing::Rejected), None) => Hold::Rejected,
            (Some(Standing::Returned), None) => Hold::Returned,
            (_, None) => Hold::AwaitingRun,
        })
    }
}

/// Why nothing may be paid to a participant.
fn of_person(person: &Person, wave_closed: bool) -> Option<Hold> {
    match person.in_force() {
        _ if person.revoked.is_some() => Some(Hold::Revoked),
        _ if wave_closed => Some(Hold::WaveClosed),
        _ if person.open_findings > 0 => Some(Hold::Ineligible),
        None => Some(Hold::NoAccount),
        Some(link) if person.is_at_fault(link) => Some(match person.fault_reason {
            Some(Reason::IdentityMismatch) => Hold::IdentityMismatch,
            _ => Hold::AccountFault,
        }),
        Some(_) => None,
    }
}

/// What could be paid to a participant, and into which account: enough to plan by, whatever the date.
#[derive(Clone, Copy, Debug)]
pub(super) struct Payee {
    pub(super) participant: ParticipantId,
    pub(super) wave: u16,
    pub(super) holds: Holds,
    pub(super) account: Option<(LinkId, Partner, Day)>,
}

impl Payee {
    /// `None` where nothing is unlocked.
    pub(super) fn of(person: &Person, holds: Option<Holds>) -> Option<Self> {
        let account = person.in_force().map(|link| (link.id, link.partner, link.linked.on));
        Some(Self { participant: person.id, wave: person.wave, holds: holds?, account })
    }

    /// What is payable on a date (rule 10).
    pub(super) fn items<'a>(&'a self, programme: &'a Programme, as_of: Date) -> impl Iterator<Item = Item> + 'a {
        let (_, scheme) = programme.of_wave(self.wave);
        entitlements(scheme).enumerate().filter_map(move |(index, entitlement)| {
            let (due, hold) = self.holds.get(index)?;
            let payable = matches!(hold, Hold::AwaitingRun | Hold::Rejected | Hold::Returned);
            let (link, partner, linked) = self.account.filter(|_| payable && due.date() <= as_of)?;
            (linked.date() <= as_of).then(|| Item {
                due: due.date(),
                participant: self.participant,
                entitlement,
                amount: amount(scheme, entitlement),
                partner,
                link,
            })
        })
    }
}

/// Count, total and SHA-256 of all items: what the plan's record should say.
pub(super) struct Sum {
    pub(super) total: Total,
    pub(super) by_partner: Vec<(Partner, Total)>,
    pub(super) digest: Digest,
}

impl Sum {
    pub(super) fn of(mut items: Vec<Item>) -> Self {
        items.sort_unstable();
        let mut hasher = Sha256::new();
        let mut total = Total::default();
        let mut by_partner: Vec<_> = Partner::ALL.iter().map(|partner| (*partner, Total::default())).collect();
        for item in &items {
            hasher.update(bytes(item));
            total.add(Rupiah::new(item.amount));
            by_partner[usize::from(item.partner.number()) - 1].1.add(Rupiah::new(item.amount));
        }
        by_partner.retain(|(_, total)| total.count > 0);
        Self { total, by_partner, digest: Digest(hasher.finalize().into()) }
    }

    /// Whether a record says the same.
    pub(super) fn is(&self, plan: &DisbursementRunPlanned) -> bool {
        let totals = plan.totals.iter().map(|entry| (entry.partner, entry.total));
        self.digest == plan.items_digest && totals.eq(self.by_partner.iter().copied())
    }
}

/// An item's bytes in the digest, as `docs/format.md` and the run's record have them: due date as days since 1970-01-01,
/// participant, entitlement kind and number, rupiah, partner, link; numbers big-endian.
fn bytes(item: &Item) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(47);
    bytes.extend(item.due.days().to_be_bytes());
    bytes.extend(item.participant.0);
    bytes.extend([item.entitlement.kind.number(), item.entitlement.number]);
    bytes.extend(item.amount.to_be_bytes());
    bytes.push(item.partner.number());
    bytes.extend(item.link.0);
    bytes
}
