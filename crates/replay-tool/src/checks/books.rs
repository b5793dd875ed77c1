//! The double entry kept a second time, from the postings alone: every participant's accounts by component, and their
//! totals. What [`ledger_core::State`] derives from facts is compared with this at the end.

use ledger_core::Rupiah;
use ledger_core::account::Account;
use ledger_core::codes::EntitlementKind;
use ledger_core::postings::{Item, Posting};
use ledger_core::scheme::Scheme;
use ledger_core::state::Place;

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
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) account: Account,
    pub(super) component: Component,
    /// Rupiah.
    pub(super) amount: i64,
}

/// Every account, by [`Account::index`]. Wide enough for any sum of 64-bit amounts.
pub(super) type Totals = [i128; Account::COUNT];

/// All accounts.
pub(super) struct Books {
    people: Vec<Vec<Entry>>,
    totals: Totals,
}

impl Books {
    pub(super) const fn new() -> Self {
        Self { people: Vec::new(), totals: [0; Account::COUNT] }
    }

    /// Counts a posting for its participant.
    pub(super) fn post(&mut self, posting: &Posting) {
        let (Some(place), Some(component)) = (posting.participant, Component::of(&posting.item)) else { return };
        let place = place as usize;
        if place >= self.people.len() {
            self.people.resize_with(place + 1, Vec::new);
        }
        let entries = &mut self.people[place];
        let amount = posting.amount.get();
        match entries.iter_mut().find(|e| e.account == posting.account && e.component == component) {
            // A sum beyond 64 bits is wrong in any case, and then differs from the participant's entitlement.
            Some(entry) => entry.amount = entry.amount.saturating_add(amount),
            None => entries.push(Entry { account: posting.account, component, amount }),
        }
    }

    /// Counts a posting in the trial balance.
    pub(super) fn total(&mut self, posting: &Posting) {
        self.totals[posting.account.index()] += i128::from(posting.amount.get());
    }

    /// The trial balance.
    pub(super) const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// A participant's accounts.
    pub(super) fn of(&self, place: Place) -> &[Entry] {
        self.people.get(place as usize).map_or(&[], Vec::as_slice)
    }

    /// What a posting left in its participant's account, for its component; `None` for a closing's sum.
    pub(super) fn after(&self, posting: &Posting) -> Option<&Entry> {
        let component = Component::of(&posting.item)?;
        self.of(posting.participant?).iter().find(|e| e.account == posting.account && e.component == component)
    }

    /// Received and overpaid of one component of a participant, rupiah.
    pub(super) fn received(&self, place: Place, component: Component) -> i128 {
        let counts =
            |e: &&Entry| e.component == component && matches!(e.account, Account::Received | Account::Overpaid);
        self.of(place).iter().filter(counts).map(|e| i128::from(e.amount)).sum()
    }

    /// The sum over all participants.
    pub(super) fn people_totals(&self) -> Totals {
        let mut totals = [0; Account::COUNT];
        for entry in self.people.iter().flatten() {
            totals[entry.account.index()] += i128::from(entry.amount);
        }
        totals
    }
}
