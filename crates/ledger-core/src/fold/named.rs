//! What an event names of its participant, looked up once for the fold and for the postings.

use super::FoldError;
use crate::codes::OutcomeKind;
use crate::event::Event;
use crate::state::{EntitlementMoney, Instruction, Participant, Purchase};

/// What an event names of its participant.
#[derive(Debug)]
pub(crate) enum Named {
    Nothing,
    /// The index of a link, or of a purchase or instruction of which nothing else is asked.
    Index(u8),
    Purchase(u8, Purchase),
    /// With where the money of what it pays is.
    Instruction(u8, Instruction, EntitlementMoney),
}

impl Named {
    /// What `event` names, on the state before it.
    pub(crate) fn of(participant: &Participant, event: &Event<'_>) -> Result<Self, FoldError> {
        // There are fewer of each kind than a byte counts.
        let small = |index: u16| u8::try_from(index).unwrap_or(u8::MAX);
        let link = |id| participant.link_index(id).map(|index| Self::Index(small(index)));
        let bought = |id| participant.purchase_index(id).map(|index| Self::Index(small(index)));
        let purchase = |id| participant.purchase(id).map(|(index, purchase)| Self::Purchase(small(index), purchase));
        let instructed = |position| participant.instruction_index(position).map(|index| Self::Index(small(index)));
        let instruction = |position| {
            let found = participant.instruction_and_money(position);
            found.map(|(index, instruction, money)| Self::Instruction(small(index), instruction, money))
        };
        let (found, what) = match event {
            Event::PayoutAccountUnlinked(e) => (link(e.link), "link"),
            Event::PayoutInstructed(e) => (link(e.link), "link"),
            Event::PurchaseCancelled(e) => (purchase(e.purchase), "purchase"),
            Event::TrainingCompleted(e) => (purchase(e.purchase), "purchase"),
            Event::CompletionWithdrawn(e) => (purchase(e.purchase), "purchase"),
            Event::CertificateIssued(e) => (bought(e.purchase), "purchase"),
            Event::TrainingReviewed(e) => (bought(e.purchase), "purchase"),
            Event::InstructionRecalled(e) => (instructed(e.instruction), "instruction"),
            event => match event.as_outcome() {
                // No money moves.
                Some((OutcomeKind::Accepted | OutcomeKind::InDoubt, outcome)) => {
                    (instructed(outcome.instruction), "instruction")
                }
                Some((_, outcome)) => (instruction(outcome.instruction), "instruction"),
                None => return Ok(Self::Nothing),
            },
        };
        found.ok_or(FoldError::Unknown(what))
    }

    /// The index, in its kind, of what is named; 0 where nothing is.
    pub(super) const fn index(&self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Index(index) | Self::Purchase(index, _) | Self::Instruction(index, ..) => *index,
        }
    }
}
