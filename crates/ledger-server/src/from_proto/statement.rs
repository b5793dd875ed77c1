//! A partner's statement: its header and its lines.

use ledger_core::codes::{OutcomeKind, Partner};
use ledger_core::ids::{Digest, Position};
use ledger_core::statement::Line;
use ledger_core::time::Date;
use ledger_proto::v1;

use super::{Checked, SHORT, amount, code, date, digest, optional_text, partner, said};
use crate::engine::Said;
use crate::status::Invalid;

/// What a statement is.
pub(crate) struct Header {
    pub(crate) partner: Partner,
    pub(crate) file_digest: Digest,
    /// First and last day.
    pub(crate) period: (Date, Date),
    pub(crate) said: Said<'static>,
}

pub(crate) fn statement_header(r: &v1::StatementHeader) -> Checked<Header> {
    let said = said(r.occurred_at.as_ref(), &r.source_reference, "")?;
    let (from, to) = (date("period_from", r.period_from.as_ref())?, date("period_to", r.period_to.as_ref())?);
    if to < from {
        return Err(Invalid::field("period_to", "must not be before period_from"));
    }
    let file_digest = digest("file_sha256", &r.file_sha256)?;
    Ok(Header { partner: partner(r.partner)?, file_digest, period: (from, to), said })
}

pub(crate) fn statement_line(r: &v1::StatementLine, (from, to): (Date, Date)) -> Checked<Line> {
    optional_text("lines.instruction", &r.instruction, SHORT)?;
    optional_text("lines.transaction_reference", &r.transaction_reference, SHORT)?;
    let kind = code("lines.kind", r.kind, OutcomeKind::from_number)?;
    if !matches!(kind, OutcomeKind::Settled | OutcomeKind::Returned) {
        return Err(Invalid::field("lines.kind", "must be settled or returned: only these move money"));
    }
    let day = date("lines.date", r.date.as_ref())?;
    if !(from..=to).contains(&day) {
        return Err(Invalid::field("lines.date", "must be within the header's period"));
    }
    let instruction = Position::from_reference(&r.instruction);
    Ok(Line { instruction, kind, amount: amount("lines.amount_rupiah", r.amount_rupiah, 1)?, date: day })
}
