//! One order to one partner, as a participant's life tells it.

use super::fact::FactKind;
use super::life::{Entry, Tag};
use crate::codes::{EntitlementKind, Partner};
use crate::ids::Position;
use crate::scheme::Entitlement;
use crate::time::Date;

/// Where an instruction stands (DOMAIN section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum InstructionStatus {
    Instructed,
    Accepted,
    InDoubt,
    Settled,
    Rejected,
    Returned,
}

/// One order to one partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    position: u64,
    entitlement: Entitlement,
    /// 1 for the first try.
    pub attempt: u8,
    /// Who pays.
    pub partner: Partner,
    /// Where it stands.
    pub status: InstructionStatus,
    /// Which of the participant's links it is paid to.
    pub(super) link: u8,
    pub(crate) settled: u16,
    pub(crate) returned: u16,
    run: u16,
    due: u16,
    instructed_on: u16,
    expires_on: u16,
}

impl Instruction {
    /// Its position, the reference that the partner knows it by.
    #[must_use]
    pub const fn position(&self) -> Position {
        Position(self.position)
    }

    /// What it pays.
    #[must_use]
    pub const fn entitlement(&self) -> Entitlement {
        self.entitlement
    }

    /// Number of the run that ordered it, see [`super::State::runs`].
    #[must_use]
    pub const fn run(&self) -> u16 {
        self.run
    }

    /// The entitlement's due date when it was ordered.
    #[must_use]
    pub const fn due(&self) -> Date {
        Date::from_days(self.due as i32)
    }

    /// WIB date of the instruction.
    #[must_use]
    pub const fn instructed_on(&self) -> Date {
        Date::from_days(self.instructed_on as i32)
    }

    /// Last day for an outcome.
    #[must_use]
    pub const fn expires_on(&self) -> Date {
        Date::from_days(self.expires_on as i32)
    }

    /// Whether its money is in transit: no final outcome yet.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.status, InstructionStatus::Instructed | InstructionStatus::Accepted | InstructionStatus::InDoubt)
    }

    /// How many of its settlements have not been returned.
    #[must_use]
    pub const fn net_settled(&self) -> u16 {
        self.settled.saturating_sub(self.returned)
    }

    /// An instruction, with what the entries after it say of it.
    pub(super) fn of<'b>(entry: &Entry<'_>, after: impl IntoIterator<Item = Entry<'b>>) -> Option<Self> {
        let kind = match entry.tag {
            Tag::TrainingInstructed => EntitlementKind::Training,
            Tag::SurveyInstructed => EntitlementKind::Survey,
            _ => return None,
        };
        let order = entry.order()?;
        let mut instruction = Self {
            position: entry.fact().position(),
            entitlement: Entitlement { kind, number: entry.value },
            attempt: order.attempt,
            partner: Partner::from_number(order.partner)?,
            status: InstructionStatus::Instructed,
            link: order.link,
            settled: 0,
            returned: 0,
            run: order.run,
            due: order.due,
            instructed_on: entry.fact().day(),
            expires_on: order.expires_on,
        };
        let its_own = after.into_iter().filter(|later| later.index == entry.index);
        its_own.for_each(|later| instruction.becomes(later.tag.kind()));
        Some(instruction)
    }

    /// Where it stands after an outcome (DOMAIN section 6).
    pub(super) const fn becomes(&mut self, outcome: FactKind) {
        match outcome {
            FactKind::Accepted => self.status = InstructionStatus::Accepted,
            FactKind::InDoubt => self.status = InstructionStatus::InDoubt,
            FactKind::Rejected => self.status = InstructionStatus::Rejected,
            FactKind::Settled => {
                self.settled = self.settled.saturating_add(1);
                self.status = InstructionStatus::Settled;
            }
            FactKind::Returned => {
                self.returned = self.returned.saturating_add(1);
                if self.net_settled() == 0 {
                    self.status = InstructionStatus::Returned;
                }
            }
            _ => {}
        }
    }
}

/// The tag of an instruction that pays an incentive of that kind.
pub(crate) const fn instructed(kind: EntitlementKind) -> Tag {
    match kind {
        EntitlementKind::Training => Tag::TrainingInstructed,
        EntitlementKind::Survey => Tag::SurveyInstructed,
    }
}
