//! The end of a doubt by people's finding: an outcome with manual evidence, but only of an instruction in doubt. What
//! would be kept as an exception if a partner said it is refused here: staff can look first.

use ledger_core::codes::{Evidence, OutcomeKind, Reason};
use ledger_core::decide::{Beside, decide_beside};
use ledger_core::event::{Outcome, Text};
use ledger_core::ids::Position;
use ledger_core::state::InstructionStatus;
use ledger_core::{Command, Decision, State};
use tokio::sync::oneshot;

use super::decider::Decider;
use super::{Actor, Answer, Incoming, Said, Unavailable};

/// What people found out.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Finding {
    pub kind: OutcomeKind,
    pub transaction_reference: String,
    pub reason: Option<Reason>,
    pub account_fault: bool,
    /// How they found out.
    pub evidence_reason: String,
}

/// What became of a finding.
#[derive(Clone, Debug)]
pub enum Resolution {
    /// Decided: recorded, a repeat, or refused by a rule; with the command that it was.
    Decided(Answer, Box<Command<'static>>),
    /// There is no such instruction.
    Unknown,
    /// The instruction is not in doubt.
    NotInDoubt(InstructionStatus),
}

pub(super) struct Resolve {
    pub(super) actor: Actor,
    pub(super) said: Said<'static>,
    pub(super) instruction: Position,
    pub(super) finding: Finding,
    pub(super) apart: Vec<u64>,
    pub(super) reply: oneshot::Sender<Result<Resolution, Unavailable>>,
}

/// The finding as the outcome that it is, and where the instruction stands.
fn command(state: &State, position: Position, finding: Finding) -> Option<(Command<'static>, InstructionStatus)> {
    let participant = state.participants().get(state.place_by_instruction(position)?)?;
    let (_, instruction) = participant.instruction(position)?;
    let outcome = Outcome {
        instruction: position,
        amount: state.scheme_of(participant)?.amount(instruction.entitlement())?,
        transaction_reference: Text::Owned(finding.transaction_reference),
        raw_code: Text::Borrowed(""),
        code_system: None,
        reason: finding.reason,
        account_fault: finding.account_fault,
        evidence: Evidence::Manual,
        evidence_reason: Text::Owned(finding.evidence_reason),
    };
    let reference = Text::Owned(position.reference());
    let (partner, kind) = (instruction.partner, finding.kind);
    Some((Command::ReportOutcome { partner, instruction: reference, kind, outcome }, instruction.status))
}

impl Decider {
    pub(super) fn resolve(&mut self, resolve: Resolve) -> bool {
        let Resolve { actor, said, instruction, finding, apart, reply } = resolve;
        if let Err(full) = self.room() {
            return self.answer(Box::new(move |_| drop(reply.send(Err(full)))));
        }
        let Some((command, status)) = command(&self.state, instruction, finding) else {
            return self.answer(Box::new(move |_| drop(reply.send(Ok(Resolution::Unknown)))));
        };
        let meta = self.meta(&actor, said.clone());
        let decided = decide_beside(&self.state, &meta, command.clone(), Beside { apart: &apart, guess: None });
        let recorded = matches!(decided, Ok(Decision::Record(_)));
        if recorded && status != InstructionStatus::InDoubt {
            return self.answer(Box::new(move |_| drop(reply.send(Ok(Resolution::NotInDoubt(status))))));
        }
        let mut answer = self.decide(&actor, Incoming { apart, ..Incoming::new(said, command.clone()) });
        self.commit(Box::new(move |committed| {
            if let Answer::Recorded { position, leaf_hash, .. } = &mut answer {
                *leaf_hash = committed.leaf_hash(*position);
            }
            drop(reply.send(Ok(Resolution::Decided(answer, Box::new(command)))));
        }))
    }
}
