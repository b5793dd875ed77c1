//! What is asked of the ledger.

use crate::codes::{Auth, OutcomeKind, Partner};
use crate::event::{Event, Outcome, OutcomeException, Text, own};
use crate::ids::{Digest, ParticipantId, RunId};
use crate::state::Outlook;
use crate::time::{Date, Timestamp};

/// Who asks, when, and with whose approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta<'a> {
    /// When it happened, as the source says.
    pub occurred_at: Timestamp,
    /// The ledger's clock, already not before the last record's.
    pub recorded_at: Timestamp,
    /// Who asks: `role/name`.
    pub actor: Text<'a>,
    /// How the actor was authenticated.
    pub auth: Auth,
    /// The second person, where there is one.
    pub approved_by: Option<Text<'a>>,
    /// The sender's own reference.
    pub source_reference: Text<'a>,
}

/// A request to record something.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)]
pub enum Command<'a> {
    /// An event as its source sends it: of a participant, or of the programme where there is none.
    /// Instructions, outcomes, recalls and run events have their own commands and are refused here.
    Record {
        /// Whose event it is.
        participant: Option<ParticipantId>,
        /// What happened.
        event: Event<'a>,
    },
    /// What a partner, an inquiry or a person says became of an instruction.
    ReportOutcome {
        /// Who was to pay.
        partner: Partner,
        /// The reference as the reporter gave it.
        instruction: Text<'a>,
        /// What became of it.
        kind: OutcomeKind,
        /// The rest; its instruction position is taken from the reference.
        outcome: Outcome<'a>,
    },
    /// A difference between a partner's statement and the ledger, to be kept until people clear it up. One that is kept
    /// already, whoever said it first, is a repeat.
    KeepDifference(OutcomeException<'a>),
    /// A run's plan, computed on the state by [`crate::run::plan`].
    PlanRun {
        /// The run.
        run: RunId,
        /// Items due by this date.
        as_of: Date,
    },
    /// Approval of a planned run by a second person, who names the plan's digest.
    ApproveRun {
        /// The run.
        run: RunId,
        /// The digest of the plan.
        items_digest: Digest,
    },
}

impl Command<'_> {
    /// The same command, owning its text.
    #[must_use]
    pub fn into_owned(self) -> Command<'static> {
        match self {
            Self::Record { participant, event } => Command::Record { participant, event: event.into_owned() },
            Self::ReportOutcome { partner, instruction, kind, outcome } => {
                Command::ReportOutcome { partner, instruction: own(instruction), kind, outcome: outcome.into_owned() }
            }
            Self::KeepDifference(exception) => Command::KeepDifference(exception.into_owned()),
            Self::PlanRun { run, as_of } => Command::PlanRun { run, as_of },
            Self::ApproveRun { run, items_digest } => Command::ApproveRun { run, items_digest },
        }
    }

    /// What it will look at, for [`State::foresee`](crate::State::foresee).
    #[must_use]
    pub fn outlook(&self) -> Outlook {
        match self {
            Self::Record { participant, event } => Outlook::of_event(*participant, Some(event)),
            _ => Outlook::default(),
        }
    }
}
