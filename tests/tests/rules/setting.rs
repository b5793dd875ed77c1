//! Where the tables begin: a scheme, wave 1 of 2020 under it, and one participant at different stages.

use ledger_core::codes::Partner;
use ledger_core::scheme::Scheme;
use ledger_core::time::Date;
use ledger_tests::words::{Ask, P, day, enact, funds, open};

/// The participant of most rows.
pub(crate) const ANI: P = P(1);
/// Another one.
pub(crate) const BUDI: P = P(2);
/// A third.
pub(crate) const CITRA: P = P(3);

/// One of the two schemes, with what the tables need to know of it.
pub(crate) struct Setting {
    pub(crate) scheme: Scheme<'static>,
    pub(crate) name: &'static str,
    /// Rupiah.
    pub(crate) aid: i64,
    pub(crate) surveys: u8,
    /// Last day of the first purchase of [`ANI`].
    pub(crate) first_purchase: Date,
    /// The day on which [`ANI`]'s first survey opens, unlocked on 22 April.
    pub(crate) survey_opens: Date,
}

/// Both schemes; their figures stand here once more, from DOMAIN section 2.
pub(crate) fn both() -> [Setting; 2] {
    [
        Setting {
            scheme: Scheme::semi_bansos(),
            name: "semi-bansos",
            aid: 1_000_000,
            surveys: 3,
            first_purchase: day("2020-05-10"),
            survey_opens: day("2020-05-22"),
        },
        Setting {
            scheme: Scheme::normal(),
            name: "normal",
            aid: 3_500_000,
            surveys: 2,
            first_purchase: day("2020-04-25"),
            survey_opens: day("2020-04-22"),
        },
    ]
}

impl Setting {
    /// Positions 0 to 2: the scheme, its wave 1 with three places, funds.
    pub(crate) fn opened(&self) -> Vec<Ask> {
        vec![
            enact(self.scheme.clone(), "2020-03-20"),
            open(1, self.name, 2020, 3, "2020-04-01"),
            funds("dipa", 2020, 1_000_000_000, "2020-04-01"),
        ]
    }

    /// Position 3: Ani is selected on 10 April.
    pub(crate) fn selected(&self) -> Vec<Ask> {
        with(self.opened(), [ANI.select(1, "2020-04-10")])
    }

    /// Positions 4 and 5: an account, and a purchase of 500,000.
    pub(crate) fn bought(&self) -> Vec<Ask> {
        with(self.selected(), [ANI.link(1, Partner::Gopay, "2020-04-11"), ANI.buy(1, 500_000, "2020-04-12")])
    }

    /// Position 6.
    pub(crate) fn completed(&self) -> Vec<Ask> {
        with(self.bought(), [ANI.complete(1, "2020-04-20")])
    }

    /// Positions 7 and 8: certificate and review; unlocked on 22 April, the first incentive due on the 27th.
    pub(crate) fn unlocked(&self) -> Vec<Ask> {
        with(self.completed(), [ANI.certify(1, "2020-04-21"), ANI.review(1, "2020-04-22")])
    }
}

/// These, and then those.
pub(crate) fn with(mut asks: Vec<Ask>, more: impl IntoIterator<Item = Ask>) -> Vec<Ask> {
    asks.extend(more);
    asks
}
