//! Schemes: the rule sets, as data (DOMAIN section 2). A scheme is itself recorded, so replay uses the rules of the time.

use serde::{Deserialize, Serialize};

use crate::codes::EntitlementKind;
use crate::event::Text;
use crate::money::Rupiah;
use crate::time::Date;

/// A day of the year, such as 15 December. Always exists: 29 February is refused at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MonthDay {
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl MonthDay {
    /// This day in `year`; `None` where there is no such day.
    #[must_use]
    pub fn in_year(self, year: i16) -> Option<Date> {
        Date::new(year, i8::try_from(self.month).ok()?, i8::try_from(self.day).ok()?)
    }
}

/// Amounts, counts and deadlines of one scheme.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Scheme<'a> {
    /// Name, a slug such as `semi-bansos`.
    pub scheme: Text<'a>,
    /// Non-cash aid for buying courses, rupiah.
    pub training_aid: Rupiah,
    /// Training incentive 1..n, rupiah, paid monthly.
    pub training_incentives: Vec<Rupiah>,
    /// Survey incentive 1..m, rupiah.
    pub survey_incentives: Vec<Rupiah>,
    /// Days from determination to the last day of the first purchase.
    pub first_purchase_days: u16,
    /// The training balance's last day, in the wave's year.
    pub balance_last_day: MonthDay,
    /// Trainings are completed by this day of the wave's year.
    pub complete_by: MonthDay,
    /// Days from the unlock to the first training incentive's due date.
    pub first_incentive_days: u16,
    /// Days from the unlock to the opening of survey 1..m.
    pub survey_opening_days: Vec<u16>,
    /// Days from a filled survey to its incentive's due date.
    pub survey_due_days: u16,
    /// Days from an instruction to its expiry without an outcome.
    pub instruction_expiry_days: u16,
    /// How many participants one family card may have.
    pub max_participants_per_family_card: u8,
}

/// One payable item: training incentive 1..n or survey incentive 1..m.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Entitlement {
    /// Training or survey.
    pub kind: EntitlementKind,
    /// From 1.
    pub number: u8,
}

impl std::fmt::Display for Entitlement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.kind, self.number)
    }
}

impl Scheme<'_> {
    /// The most incentives of one kind that a scheme may have.
    pub const MAX_INCENTIVES: usize = 24;

    /// The same scheme, owning its text.
    #[must_use]
    pub fn into_owned(self) -> Scheme<'static> {
        Scheme { scheme: Text::Owned(self.scheme.into_owned()), ..self }
    }

    /// Every entitlement of a participant, training first, with its amount.
    pub fn entitlements(&self) -> impl Iterator<Item = (Entitlement, Rupiah)> + '_ {
        fn of(kind: EntitlementKind, amounts: &[Rupiah]) -> impl Iterator<Item = (Entitlement, Rupiah)> {
            amounts.iter().zip(1u8..).map(move |(amount, number)| (Entitlement { kind, number }, *amount))
        }
        of(EntitlementKind::Training, &self.training_incentives)
            .chain(of(EntitlementKind::Survey, &self.survey_incentives))
    }

    /// The amount of one entitlement, rupiah; `None` where the scheme has no such entitlement.
    #[must_use]
    pub fn amount(&self, entitlement: Entitlement) -> Option<Rupiah> {
        let amounts = match entitlement.kind {
            EntitlementKind::Training => &self.training_incentives,
            EntitlementKind::Survey => &self.survey_incentives,
        };
        amounts.get(usize::from(entitlement.number).checked_sub(1)?).copied()
    }

    /// All incentives together, rupiah.
    #[must_use]
    pub fn incentives(&self) -> Rupiah {
        let all = self.training_incentives.iter().chain(&self.survey_incentives).copied();
        Rupiah::checked_sum(all).unwrap_or(Rupiah::ZERO)
    }

    /// The whole entitlement of a participant: training aid and all incentives, rupiah.
    #[must_use]
    pub fn whole(&self) -> Rupiah {
        self.training_aid.checked_add(self.incentives()).unwrap_or(Rupiah::ZERO)
    }

    /// The scheme of 2020 to 2022, part aid in the pandemic (DOMAIN section 2).
    #[must_use]
    pub fn semi_bansos() -> Scheme<'static> {
        Scheme {
            scheme: Text::Borrowed("semi-bansos"),
            training_aid: Rupiah::new(1_000_000),
            training_incentives: vec![Rupiah::new(600_000); 4],
            survey_incentives: vec![Rupiah::new(50_000); 3],
            first_purchase_days: 30,
            survey_opening_days: vec![30, 60, 90],
            ..Self::normal()
        }
    }

    /// The scheme since 2023 (DOMAIN section 2).
    #[must_use]
    pub fn normal() -> Scheme<'static> {
        Scheme {
            scheme: Text::Borrowed("normal"),
            training_aid: Rupiah::new(3_500_000),
            training_incentives: vec![Rupiah::new(600_000)],
            survey_incentives: vec![Rupiah::new(50_000); 2],
            first_purchase_days: 15,
            balance_last_day: MonthDay { month: 12, day: 15 },
            complete_by: MonthDay { month: 12, day: 31 },
            first_incentive_days: 5,
            survey_opening_days: vec![0, 30],
            survey_due_days: 14,
            instruction_expiry_days: 7,
            max_participants_per_family_card: 2,
        }
    }
}
