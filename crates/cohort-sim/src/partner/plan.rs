//! What a played partner does with one instruction, step after step: a pure function of the script, the instruction and
//! what the book says of it. So a partner that was killed goes on as if it had not been.

use ledger_core::time::Timestamp;
use ledger_proto::v1;
use ledger_proto::v1::OutcomeKind as Kind;

use super::book::{Entry, Refusal};
use super::script::{Deed, Script};
use crate::rng::Stream;

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// When, in the partner's time. Steps follow each other in time.
    pub(super) at: Timestamp,
    /// What.
    pub(super) act: Act,
}

/// What a step is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Look whether the ledger still wants it paid; if not, it never is.
    TakeOn,
    /// The money moves.
    Pay,
    /// The money comes back.
    GiveBack,
    /// It will never move.
    Refuse,
    /// Tell the ledger.
    Tell(Word),
}

/// What the ledger is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) kind: Kind,
    pub(super) code: String,
    pub(super) evidence: v1::Evidence,
    /// Rupiah by which the amount is told wrong.
    pub(super) short: i64,
}

fn word(kind: Kind) -> Word {
    Word { kind, code: String::new(), evidence: v1::Evidence::Partner, short: 0 }
}

fn found(kind: Kind) -> Word {
    Word { evidence: v1::Evidence::Inquiry, ..word(kind) }
}

fn because(kind: Kind, code: &str) -> Word {
    Word { code: code.to_owned(), ..word(kind) }
}

/// All steps of an instruction.
pub(super) fn steps(script: &Script, entry: &Entry) -> Vec<Step> {
    let start = entry.taken.occurred_at.unix_nanos().unwrap_or_default();
    let mut dice = Stream::new(script.seed, "partner", entry.taken.number());
    let weights: Vec<u32> = script.fates.iter().map(|fate| fate.weight).collect();
    let drawn = dice.weighted(&weights).unwrap_or_default();
    let (seconds, which) = (dice.range(60..=3_600).cast_signed(), dice.draw() as usize);
    let fate = &script.fates[drawn];
    let days = dice.range(u64::from(fate.days[0])..=u64::from(fate.days[1])).cast_signed();
    let code = fate.codes.get(which % fate.codes.len().max(1)).map_or("", String::as_str);
    let after = |days: i64, act: Act| Step { at: Timestamp::from_nanos(start + days * DAY + seconds * SECOND), act };
    if let Some(refusal) = &entry.refused_for {
        return refused(refusal, &|act| after(0, act));
    }
    let tell = |days, word| after(days, Act::Tell(word));
    let (take_on, pay) = (|days| after(days, Act::TakeOn), |days| after(days, Act::Pay));
    match fate.deed {
        Deed::Pay => vec![take_on(days), pay(days), tell(days, word(Kind::Settled))],
        Deed::AcceptThenPay => {
            vec![take_on(0), tell(0, word(Kind::Accepted)), pay(days), tell(days, word(Kind::Settled))]
        }
        Deed::Reject => vec![after(days, Act::Refuse), tell(days, because(Kind::Rejected, code))],
        Deed::PayLate => vec![take_on(0), pay(days), tell(days, word(Kind::Settled))],
        Deed::DoubtThenPay => {
            let later = days.max(1);
            vec![take_on(0), tell(1, word(Kind::InDoubt)), pay(later), tell(later, found(Kind::Settled))]
        }
        Deed::DoubtThenReject => {
            let (later, rejected) = (days.max(1), Word { code: code.to_owned(), ..found(Kind::Rejected) });
            vec![take_on(0), tell(1, word(Kind::InDoubt)), after(later, Act::Refuse), tell(later, rejected)]
        }
        Deed::PayThenReturn => vec![
            take_on(0),
            pay(0),
            tell(0, word(Kind::Settled)),
            after(days, Act::GiveBack),
            tell(days, because(Kind::Returned, code)),
        ],
        Deed::MisreportThenPay => vec![
            take_on(days),
            pay(days),
            tell(days, Word { short: 1, ..word(Kind::Settled) }),
            tell(days, word(Kind::Settled)),
        ],
        Deed::AcceptAfterPay => {
            vec![take_on(days), pay(days), tell(days, word(Kind::Settled)), tell(days, word(Kind::Accepted))]
        }
        Deed::PaySilently => vec![take_on(days), pay(days)],
    }
}

/// What is not paid is rejected; where the ledger is in doubt, that answers its inquiry. What came to an end without the
/// partner needs no word.
fn refused(refusal: &Refusal, now: &dyn Fn(Act) -> Step) -> Vec<Step> {
    match refusal {
        Refusal::Recalled => vec![now(Act::Tell(because(Kind::Rejected, "CUST")))],
        Refusal::InDoubt => vec![now(Act::Tell(Word { code: "AB06".to_owned(), ..found(Kind::Rejected) }))],
        Refusal::Ended => Vec::new(),
    }
}
