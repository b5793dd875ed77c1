//! A run's plan, worked out again (rule 11): what was payable on its as-of date, as the log knew it at `known_at`.

use ledger_core::Rupiah;
use ledger_core::codes::{EntitlementKind, Partner};
use ledger_core::event::{DisbursementRunPlanned, Total};
use ledger_core::ids::{Digest, LinkId, ParticipantId};
use ledger_core::scheme::{Entitlement, Scheme};
use ledger_core::time::Date;
use sha2::{Digest as _, Sha256};

use super::person::{Person, Standing, amount};
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

/// Why an earned entitlement is not paid; `None` where it is not earned, or paid.
pub(super) fn hold(
    person: &Person,
    scheme: &Scheme<'_>,
    wave_closed: bool,
    entitlement: Entitlement,
) -> Option<(Date, Hold)> {
    let due = person.due(scheme, entitlement)?;
    let (mut settled, mut last) = (0, None);
    for order in person.orders_of(entitlement) {
        settled += order.net_settled();
        match (last, order.standing) {
            (Some(Standing::InDoubt), _) => {}
            (Some(open), standing) if Standing::is_open(open) && !standing.is_open() => {}
            (_, standing) => last = Some(standing),
        }
    }
    if settled > 0 {
        return None;
    }
    let link = person.in_force();
    let hold = match (last, link) {
        (Some(Standing::InDoubt), _) => Hold::InDoubt,
        (Some(Standing::Instructed | Standing::Accepted), _) => Hold::InTransit,
        _ if person.revoked.is_some() => Hold::Revoked,
        _ if wave_closed => Hold::WaveClosed,
        _ if person.open_findings > 0 => Hold::Ineligible,
        (_, None) => Hold::NoAccount,
        (_, Some(link)) if person.is_at_fault(link) => match person.fault_reason {
            Some(ledger_core::codes::Reason::IdentityMismatch) => Hold::IdentityMismatch,
            _ => Hold::AccountFault,
        },
        (Some(Standing::Rejected), _) => Hold::Rejected,
        (Some(Standing::Returned), _) => Hold::Returned,
        _ => Hold::AwaitingRun,
    };
    Some((due, hold))
}

/// What is payable to a participant on a date (rule 10), in the state after the records before `known_at`.
pub(super) fn items_of<'a>(
    programme: &'a Programme,
    person: &'a Person,
    as_of: Date,
    known_at: u64,
) -> impl Iterator<Item = Item> + 'a {
    let (wave, scheme) = programme.of_wave(person.wave);
    let wave_closed = wave.closed.is() && wave.closed.at < known_at;
    // Nothing is due before something is completed: most of a young cohort is passed over here.
    let all = person.first_completed().map(|_| entitlements(scheme));
    all.into_iter().flatten().filter_map(move |entitlement| {
        let (due, hold) = hold(person, scheme, wave_closed, entitlement)?;
        let payable = matches!(hold, Hold::AwaitingRun | Hold::Rejected | Hold::Returned);
        let link = person.in_force().filter(|link| payable && due <= as_of && link.linked.on.date() <= as_of)?;
        Some(Item {
            due,
            participant: person.id,
            entitlement,
            amount: amount(scheme, entitlement),
            partner: link.partner,
            link: link.id,
        })
    })
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
