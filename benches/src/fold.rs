//! `fold`: records into the state, beside an ideal fold that has every answer but the sums: it decodes the same records and adds
//! each amount to a flat array, at an index that was worked out before. What lies between is what the state is for:
//! finding the participant, keeping the life, the rules' watermarks, the totals.

use std::collections::HashMap;

use ledger_core::event::Event;
use ledger_core::{Record, State};
use ledger_log::record;

use crate::child::on_one_core;
use crate::measure::{Bar, Failed, Report, interleaved, rate, timed};
use crate::{Common, history};

const EVENTS: u64 = 1_000_000;
/// The records stand in memory.
const MOST: usize = 4_000_000;

pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    let records = history::sealed(common, common.events.unwrap_or(EVENTS))?.first(MOST)?;
    let whose = indexes(&records)?;
    let subject = || on_one_core(|| fold(&records));
    let yardstick = || on_one_core(|| ideal(&records, &whose));
    let (subject, yardstick) = interleaved(common.pairs, subject, yardstick)?;
    report.line(("fold", "a year, decode included, one core", "records/s"), subject, Some(yardstick), Bar::None)
}

/// The state of all records.
fn fold(records: &[Vec<u8>]) -> Result<f64, Failed> {
    let mut state = State::new();
    let ((), took) = timed(|| {
        for bytes in records {
            state.apply(&record::decode(bytes)?, &mut |_| {})?;
        }
        Ok(())
    })?;
    std::hint::black_box(&state);
    Ok(rate(records.len() as u64, took))
}

/// Sums by dense index.
fn ideal(records: &[Vec<u8>], whose: &[u32]) -> Result<f64, Failed> {
    let most = whose.iter().max().map_or(0, |most| *most as usize + 1);
    let mut sums = vec![0i64; most];
    let ((), took) = timed(|| {
        for (bytes, index) in records.iter().zip(whose) {
            sums[*index as usize] += amount(&record::decode(bytes)?);
        }
        Ok(())
    })?;
    std::hint::black_box(&sums);
    Ok(rate(records.len() as u64, took))
}

/// By record: its participant's number in order of appearance; 0 is the programme.
fn indexes(records: &[Vec<u8>]) -> Result<Vec<u32>, Failed> {
    let mut known = HashMap::from([(None, 0)]);
    let mut indexes = Vec::with_capacity(records.len());
    for bytes in records {
        let next = u32::try_from(known.len())?;
        indexes.push(*known.entry(record::outline(bytes)?.participant).or_insert(next));
    }
    Ok(indexes)
}

/// The money that a record names.
fn amount(record: &Record<'_>) -> i64 {
    match &record.event {
        Event::TrainingBought(e) => e.price.get(),
        Event::PayoutInstructed(e) => e.amount.get(),
        Event::PayoutSettled(e) => e.outcome.amount.get(),
        Event::PayoutReturned(e) => e.outcome.amount.get(),
        Event::RepaymentDemanded(e) => e.amount.get(),
        Event::RepaymentReceived(e) => e.amount.get(),
        Event::FundsAppropriated(e) => e.amount.get(),
        _ => 0,
    }
}
