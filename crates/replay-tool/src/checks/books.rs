//! The double entry kept a second time, from the postings alone: every participant's accounts by component, and their
//! totals. What [`ledger_core::State`] derives from facts is compared with this at the end.
//!
//! Dense, since it stands beside the state of 17 million participants: each has a page of [`SLOTS`] accounts in 8 bytes
//! each. An account without money takes none, so few participants ever need more, and those have theirs in a list aside.

use ledger_core::Rupiah;
use ledger_core::account::Account;
use ledger_core::codes::EntitlementKind;
use ledger_core::postings::{Item, Posting};
use ledger_core::scheme::Scheme;
use ledger_core::state::Place;
use prefetch_index::prefetch_index;

/// What money is for. Each component balances by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Component {
    Aid,
    TrainingIncentives,
    SurveyIncentives,
    Repayments,
}

impl Component {
    pub(super) const ALL: [Self; 4] = [Self::Aid, Self::TrainingIncentives, Self::SurveyIncentives, Self::Repayments];

    /// `None` for a closing's sum over a wave.
    const fn of(item: &Item) -> Option<Self> {
        match item {
            Item::Aid | Item::Purchase(_) => Some(Self::Aid),
            Item::Entitlement(entitlement) => Some(match entitlement.kind {
                EntitlementKind::Training => Self::TrainingIncentives,
                EntitlementKind::Survey => Self::SurveyIncentives,
            }),
            Item::Repayment => Some(Self::Repayments),
            Item::Wave(_) => None,
        }
    }

    /// Whether a posting is about this.
    pub(super) fn covers(self, posting: &Posting) -> bool {
        Self::of(&posting.item) == Some(self)
    }

    /// The name as a part of a finding's id.
    pub(super) fn code(self) -> String {
        self.name().replace(' ', "-")
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Aid => "training aid",
            Self::TrainingIncentives => "training incentives",
            Self::SurveyIncentives => "survey incentives",
            Self::Repayments => "repayments",
        }
    }

    /// What the scheme gives a participant of this, rupiah.
    pub(super) fn entitlement(self, scheme: &Scheme<'_>) -> i128 {
        let sum = |amounts: &[Rupiah]| amounts.iter().map(|amount| i128::from(amount.get())).sum();
        match self {
            Self::Aid => scheme.training_aid.get().into(),
            Self::TrainingIncentives => sum(&scheme.training_incentives),
            Self::SurveyIncentives => sum(&scheme.survey_incentives),
            Self::Repayments => 0,
        }
    }
}

/// One account of one participant, for one component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// [`Account::index`].
    pub(super) account: usize,
    pub(super) component: Component,
    /// Rupiah.
    pub(super) amount: i64,
}

/// Every account, by [`Account::index`]. Wide enough for any sum of 64-bit amounts.
pub(super) type Totals = [i128; Account::COUNT];

/// Accounts of a participant's page: those of the three components that a year leaves with money in them, and some.
const SLOTS: usize = 12;
/// Bytes of an amount in a page. One beyond them is aside.
const AMOUNT: usize = 7;
/// Pages of a leaf: it is never moved, so that growing never doubles anything.
const LEAF: usize = 1 << 12;

/// A key for each account that has money, or 0, and behind the keys the amounts, rupiah. On two lines of the processor's
/// cache.
#[derive(Clone)]
#[repr(align(32))]
struct Page([u8; SLOTS * (1 + AMOUNT)]);

/// The key of a page's first slot where all of its accounts are aside; the amount is then the place there.
const MOVED: u8 = 0xFF;

const _: () = assert!(Account::COUNT * Component::ALL.len() < MOVED as usize, "a key is one byte");
const _: () = assert!(size_of::<Page>() == 96, "17 million of them: each byte counts");

/// What stands for an account and a component; never 0.
const fn key(account: usize, component: Component) -> u8 {
    (account * Component::ALL.len() + component as usize + 1) as u8
}

impl Page {
    const EMPTY: Self = Self([0; SLOTS * (1 + AMOUNT)]);
    const ONES: u128 = u128::MAX / 255;

    /// The first slot with that key; 0 is that of an empty one. All keys are looked at together.
    fn position(&self, key: u8) -> Option<usize> {
        let keys = self.0.first_chunk().map_or(0, |keys| u128::from_le_bytes(*keys));
        // A byte of these is 0 where the key is found. The highest bit of the first such byte is set, and of none before.
        let other = keys ^ (Self::ONES * u128::from(key));
        let found = other.wrapping_sub(Self::ONES) & !other & (Self::ONES << 7);
        let at = found.trailing_zeros() as usize / 8;
        (at < SLOTS).then_some(at)
    }

    fn key(&self, at: usize) -> u8 {
        self.0[at]
    }

    /// Where the amount of a slot stands, with the byte before it.
    const fn bytes(at: usize) -> std::ops::Range<usize> {
        let start = SLOTS + at * AMOUNT - 1;
        start..start + 1 + AMOUNT
    }

    fn amount(&self, at: usize) -> i64 {
        self.0[Self::bytes(at)].first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes) >> 8)
    }

    /// Whether an amount has room in a slot.
    const fn takes(amount: i64) -> bool {
        amount << 8 >> 8 == amount
    }

    fn set(&mut self, at: usize, key: u8, amount: i64) {
        let bytes = Self::bytes(at);
        self.0[bytes.start + 1..bytes.end].copy_from_slice(&amount.to_le_bytes()[..AMOUNT]);
        self.0[at] = key;
    }

    /// Where its accounts are aside.
    fn aside(&self) -> Option<usize> {
        (self.key(0) == MOVED).then(|| self.amount(0) as usize)
    }

    /// Keys and amounts.
    fn entries(&self) -> impl Iterator<Item = (u8, i64)> {
        (0..SLOTS).filter(|at| self.key(*at) != 0).map(|at| (self.key(at), self.amount(at)))
    }
}

/// All accounts.
#[derive(Default)]
pub(super) struct Books {
    leaves: Vec<Box<[Page]>>,
    /// Keys and amounts of those whose accounts have no room in a page, for the number of them or for an amount.
    aside: Vec<Vec<(u8, i64)>>,
    totals: [i128; Account::COUNT],
}

impl Books {
    /// Counts a posting for its participant; gives what the account now has of its component, 0 for a closing's sum.
    pub(super) fn post(&mut self, posting: &Posting) -> i64 {
        let (Some(place), Some(component)) = (posting.participant, Component::of(&posting.item)) else { return 0 };
        let key = key(posting.account.index(), component);
        // A sum beyond 64 bits is wrong in any case, and then differs from the participant's entitlement.
        let sum = |amount: i64| amount.saturating_add(posting.amount.get());
        let next_aside = self.aside.len() as i64;
        let page = self.page_mut(place);
        if let Some(at) = page.aside() {
            let accounts = &mut self.aside[at];
            if let Some((_, amount)) = accounts.iter_mut().find(|(other, _)| *other == key) {
                *amount = sum(*amount);
                return *amount;
            }
            accounts.push((key, posting.amount.get()));
            return posting.amount.get();
        }
        let found = page.position(key);
        let after = sum(found.map_or(0, |at| page.amount(at)));
        if let Some(at) = found.or_else(|| page.position(0)).filter(|_| Page::takes(after)) {
            // Nothing is kept of an amount of 0.
            page.set(at, if after == 0 { 0 } else { key }, after);
            return after;
        }
        let all = page.entries().filter(|(other, _)| *other != key).chain([(key, after)]).collect();
        *page = Page::EMPTY;
        page.set(0, MOVED, next_aside);
        self.aside.push(all);
        after
    }

    fn page_mut(&mut self, place: Place) -> &mut Page {
        let place = place as usize;
        while place / LEAF >= self.leaves.len() {
            self.leaves.push(vec![Page::EMPTY; LEAF].into());
        }
        &mut self.leaves[place / LEAF][place % LEAF]
    }

    fn page(&self, place: Place) -> &Page {
        let leaf = self.leaves.get(place as usize / LEAF);
        leaf.and_then(|leaf| leaf.get(place as usize % LEAF)).unwrap_or(&Page::EMPTY)
    }

    /// Begins to fetch the page of the participant at a place.
    pub(super) fn near(&self, place: Option<Place>) {
        let Some(place) = place else { return };
        let bytes = &self.page(place).0;
        prefetch_index(bytes, 0);
        prefetch_index(bytes, bytes.len() - 1);
    }

    /// Counts a posting in the trial balance; gives what is in the account over all participants.
    pub(super) fn total(&mut self, posting: &Posting) -> i128 {
        let total = &mut self.totals[posting.account.index()];
        *total += i128::from(posting.amount.get());
        *total
    }

    /// The trial balance.
    pub(super) const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// A participant's accounts that have money in them.
    pub(super) fn of(&self, place: Place) -> impl Iterator<Item = Entry> {
        self.entries(self.page(place))
    }

    fn entries<'b>(&'b self, page: &'b Page) -> impl Iterator<Item = Entry> + use<'b> {
        let (page, aside) = match page.aside() {
            None => (page, &[][..]),
            Some(at) => (&Page::EMPTY, &self.aside[at][..]),
        };
        page.entries().chain(aside.iter().copied()).map(|(key, amount)| entry(key, amount))
    }

    /// What a posting left in its participant's account, for its component; `None` for a closing's sum.
    pub(super) fn after(&self, posting: &Posting) -> Option<(Component, i64)> {
        let component = Component::of(&posting.item)?;
        Some((component, self.amount(posting.participant?, posting.account, component)))
    }

    /// What is in an account of a participant, for one component, rupiah.
    fn amount(&self, place: Place, account: Account, component: Component) -> i64 {
        let (page, key) = (self.page(place), key(account.index(), component));
        match page.aside() {
            None => page.position(key).map_or(0, |at| page.amount(at)),
            Some(at) => self.aside[at].iter().find(|(other, _)| *other == key).map_or(0, |(_, amount)| *amount),
        }
    }

    /// Received and overpaid of one component of a participant, rupiah.
    pub(super) fn received(&self, place: Place, component: Component) -> i128 {
        let amount = |account| i128::from(self.amount(place, account, component));
        amount(Account::Received) + amount(Account::Overpaid)
    }

    /// The sum over all participants.
    pub(super) fn people_totals(&self) -> Totals {
        let mut totals = [0; Account::COUNT];
        let pages = self.leaves.iter().flatten();
        pages.flat_map(|page| self.entries(page)).for_each(|entry| totals[entry.account] += i128::from(entry.amount));
        totals
    }
}

fn entry(key: u8, amount: i64) -> Entry {
    let number = usize::from(key).saturating_sub(1);
    let of = Component::ALL.len();
    Entry { account: number / of, component: Component::ALL[number % of], amount }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ledger_core::scheme::Entitlement;
    use proptest::prelude::*;

    use super::*;

    /// Amounts of all sizes: many that cancel each other, and such as no page holds.
    fn amount() -> impl Strategy<Value = i64> {
        let wide = [i64::MAX, i64::MIN, 1 << 55, -(1 << 55), (1 << 55) - 1, -(1 << 55) - 1];
        prop_oneof![6 => prop::sample::select(vec![-2i64, -1, 1, 2]), 1 => prop::sample::select(wide.to_vec())]
    }

    fn posting() -> impl Strategy<Value = Posting> {
        let entitlement = |kind| Item::Entitlement(Entitlement { kind, number: 1 });
        let items =
            [Item::Aid, entitlement(EntitlementKind::Training), entitlement(EntitlementKind::Survey), Item::Repayment];
        let accounts: Vec<_> = Account::all().collect();
        // Three places, the last of them on a leaf of its own.
        let places = [0, 1, LEAF as Place];
        (
            prop::sample::select(places.to_vec()),
            prop::sample::select(items.to_vec()),
            prop::sample::select(accounts),
            amount(),
        )
            .prop_map(|(place, item, account, amount)| Posting {
                participant: Some(place),
                item,
                account,
                amount: Rupiah::new(amount),
            })
    }

    proptest! {
        #[test]
        fn every_amount_is_kept(postings in prop::collection::vec(posting(), 0..200)) {
            let (mut books, mut plain) = (Books::default(), BTreeMap::new());
            for posting in &postings {
                let after = books.post(posting);
                let (place, component) = (posting.participant.unwrap(), Component::of(&posting.item).unwrap());
                let amount: &mut i64 = plain.entry((place, posting.account, component as u8)).or_default();
                *amount = amount.saturating_add(posting.amount.get());
                prop_assert_eq!((after, books.after(posting)), (*amount, Some((component, *amount))));
            }
            let mut totals = [0; Account::COUNT];
            for place in [0, 1, 2, LEAF as Place, 2 * LEAF as Place] {
                let kept: BTreeMap<_, _> = books.of(place).map(|e| ((e.account, e.component as u8), e.amount)).collect();
                for account in Account::all() {
                    for component in Component::ALL {
                        let expected = plain.get(&(place, account, component as u8)).copied().unwrap_or(0);
                        let found = kept.get(&(account.index(), component as u8)).copied().unwrap_or(0);
                        prop_assert_eq!((found, books.amount(place, account, component)), (expected, expected));
                        totals[account.index()] += i128::from(expected);
                    }
                }
            }
            prop_assert_eq!(books.people_totals(), totals);
        }
    }
}
