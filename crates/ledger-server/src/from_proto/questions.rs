//! What is asked of the ledger besides events: filters, dates of jobs, findings of people.

use ledger_core::codes::{OutcomeKind, Partner, Reason};
use ledger_core::event;
use ledger_core::ids::{Digest, Position, Region, Wave};
use ledger_core::schedule::Held;
use ledger_core::state::{InstructionStatus, Participant, Status};
use ledger_core::time::Date;
use ledger_proto::v1;

use super::{
    Checked, LONG, SHORT, code, date, digest, id, optional_code, optional_text, partner, programme, said, text, wave,
};
use crate::engine::{Finding, Incoming, Said};
use crate::status::Invalid;

/// Which participants a list shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter {
    wave: Option<Wave>,
    region: Option<Region>,
    status: v1::MembershipStatus,
    pub(crate) held: Option<Held>,
}

impl Filter {
    /// Whether a participant passes, what is held aside.
    pub(crate) fn passes(&self, participant: &Participant) -> bool {
        let status = match self.status {
            v1::MembershipStatus::Unspecified => true,
            v1::MembershipStatus::Live => participant.status == Status::Live,
            v1::MembershipStatus::Revoked => participant.status != Status::Live,
        };
        status
            && self.wave.is_none_or(|wave| wave == participant.wave)
            && self.region.is_none_or(|region| region == participant.region)
    }
}

pub(crate) fn filter(r: &v1::ListParticipantsRequest) -> Checked<Filter> {
    let unknown = |field: &str| Invalid::field(field, "is no known value");
    Ok(Filter {
        wave: if r.wave == 0 { None } else { Some(wave(r.wave)?) },
        region: if r.region.is_empty() { None } else { Some(id("region", &r.region)?) },
        status: v1::MembershipStatus::try_from(r.status).map_err(|_| unknown("status"))?,
        held: optional_code("held_reason", r.held_reason, Held::from_number)?,
    })
}

pub(crate) fn identity_digest(r: &v1::FindByIdentityDigestRequest) -> Checked<Digest> {
    digest("identity_digest", &r.identity_digest)
}

/// Whether the newest record comes first.
pub(crate) fn newest_first(order: i32) -> Checked<bool> {
    match v1::HistoryOrder::try_from(order) {
        Ok(v1::HistoryOrder::Unspecified | v1::HistoryOrder::OldestFirst) => Ok(false),
        Ok(v1::HistoryOrder::NewestFirst) => Ok(true),
        Err(_) => Err(Invalid::field("order", "is no known value")),
    }
}

pub(crate) fn wave_summary(r: &v1::GetWaveSummaryRequest) -> Checked<Wave> {
    wave(r.wave)
}

pub(crate) fn run_deadlines(r: &v1::RunDeadlinesRequest) -> Checked<(Date, Said<'static>)> {
    let as_of = date("as_of", r.as_of.as_ref())?;
    Ok((as_of, said(None, &r.source_reference, "")?))
}

/// First and last day.
pub(crate) fn forecast(r: &v1::GetDueForecastRequest) -> Checked<(Date, Date)> {
    let (from, to) = (date("from", r.from.as_ref())?, date("to", r.to.as_ref())?);
    if to < from {
        return Err(Invalid::field("to", "must not be before from"));
    }
    if to.days() - from.days() > 366 {
        return Err(Invalid::field("to", "must be at most 366 days after from"));
    }
    Ok((from, to))
}

pub(crate) fn run_state(state: i32) -> Checked<v1::RunState> {
    v1::RunState::try_from(state).map_err(|_| Invalid::field("state", "is no known value"))
}

/// The reference of an instruction.
pub(crate) fn instruction(reference: &str) -> Checked<Position> {
    Position::from_reference(reference).ok_or_else(|| Invalid::field("instruction", "must be 20 digits"))
}

/// Partner and status of outstanding instructions.
pub(crate) fn outstanding(r: &v1::ListOutstandingInstructionsRequest) -> Checked<(Partner, Option<InstructionStatus>)> {
    use v1::InstructionStatus as Asked;
    let status = match Asked::try_from(r.status) {
        Ok(Asked::Unspecified) => None,
        Ok(Asked::Instructed) => Some(InstructionStatus::Instructed),
        Ok(Asked::Accepted) => Some(InstructionStatus::Accepted),
        Ok(Asked::InDoubt) => Some(InstructionStatus::InDoubt),
        Ok(Asked::Settled | Asked::Rejected | Asked::Returned) => {
            return Err(Invalid::field(
                "status",
                "must be instructed, accepted or in doubt: others are not outstanding",
            ));
        }
        Err(_) => return Err(Invalid::field("status", "is no known value")),
    };
    Ok((partner(r.partner)?, status))
}

pub(crate) fn resolve_in_doubt(r: &v1::ResolveInDoubtRequest) -> Checked<(Position, Finding, Said<'static>)> {
    let said = said(r.occurred_at.as_ref(), &r.source_reference, &r.approved_by)?;
    let kind = code("kind", r.kind, OutcomeKind::from_number)?;
    let settled = match kind {
        OutcomeKind::Settled => true,
        OutcomeKind::Rejected => false,
        OutcomeKind::Accepted | OutcomeKind::Returned | OutcomeKind::InDoubt => {
            return Err(Invalid::field("kind", "must be settled or rejected: only these end a doubt"));
        }
    };
    let reference = if settled {
        text("transaction_reference", &r.transaction_reference, SHORT)?
    } else {
        optional_text("transaction_reference", &r.transaction_reference, SHORT)?
    };
    let reason = optional_code("reason", r.reason, Reason::from_number)?;
    if settled && reason.is_some() {
        return Err(Invalid::field("reason", "is for rejected only"));
    }
    if settled && r.account_fault {
        return Err(Invalid::field("account_fault", "is for rejected only"));
    }
    let finding = Finding {
        kind,
        transaction_reference: reference.into_owned(),
        reason,
        account_fault: r.account_fault,
        evidence_reason: text("evidence_reason", &r.evidence_reason, LONG)?.into_owned(),
    };
    Ok((instruction(&r.instruction)?, finding, said))
}

pub(crate) fn resolve_exception(r: &v1::ResolveExceptionRequest) -> Checked<Incoming<'_>> {
    let said = said(r.occurred_at.as_ref(), &r.source_reference, &r.approved_by)?;
    let resolved = event::ExceptionResolved {
        partner: partner(r.partner)?,
        transaction_reference: text("transaction_reference", &r.transaction_reference, SHORT)?,
        kind: code("kind", r.kind, OutcomeKind::from_number)?,
        resolution: text("resolution", &r.resolution, LONG)?,
    };
    Ok(programme(said, resolved))
}
