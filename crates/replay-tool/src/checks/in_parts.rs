//! `verify` by several threads: each folds the participants that fall to it, and all of the programme's records.
//!
//! What this finds is only whether there is anything to be found. Where there is, the records are read again one by one, so
//! that findings are the same for any number of threads.

use std::sync::atomic::{AtomicBool, Ordering};

use ledger_core::ids::ParticipantId;
use ledger_core::time::Timestamp;
use ledger_log::record::{self, Outline};
use ledger_log::{AtRest, Checkpoint, Window};

use super::Witness;
use super::verify::{Report, Verifier};
use crate::error::Error;
use crate::source::{self, Source};

/// Fewer records than this are not worth starting threads for.
const WORTHWHILE: u64 = 4096;

/// The report of a log without findings; `None` where there are any, or where it cannot be read in parts.
pub(super) fn clean(source: &Source, checkpoint: Option<&Checkpoint>, threads: usize) -> Result<Option<Report>, Error> {
    let log = match source {
        Source::Data(dir) => AtRest::open(dir)?,
        Source::Archive(dir) => AtRest::archive(dir)?,
        Source::From(_) => return Ok(None),
    };
    let mut parts: Vec<Verifier> = (0..threads).map(|_| Verifier::of_part()).collect();
    let mut order = Order::default();
    let mut witness = checkpoint.map(Witness::new);
    let broken = AtomicBool::new(false);
    let examined = log.examine_windows(threads, |window| {
        if broken.load(Ordering::Relaxed) {
            return Ok(());
        }
        let order = &mut order;
        let witness = &mut witness;
        let mut beside = || {
            if !order.follows(window) {
                broken.store(true, Ordering::Relaxed);
            }
            if let Some(witness) = witness {
                window.records().for_each(|(_, bytes)| witness.record(bytes));
            }
        };
        if window.count() < WORTHWHILE {
            beside();
            parts.iter_mut().enumerate().for_each(|(part, verifier)| fold(part, threads, verifier, window, &broken));
            return Ok(());
        }
        std::thread::scope(|scope| {
            let mut numbered = parts.iter_mut().enumerate();
            let own = numbered.next();
            for (part, verifier) in numbered {
                let broken = &broken;
                scope.spawn(move || fold(part, threads, verifier, window, broken));
            }
            beside();
            if let Some((part, verifier)) = own {
                fold(part, threads, verifier, window, &broken);
            }
        });
        Ok(())
    })?;
    if broken.into_inner() || !examined.findings.is_empty() || witness.and_then(Witness::finish).is_some() {
        return Ok(None);
    }
    let mut sums = Vec::new();
    for part in parts {
        let (closings, findings) = part.finish_part();
        if !findings.is_empty() {
            return Ok(None);
        }
        if sums.is_empty() {
            sums = closings;
            continue;
        }
        for (sum, closing) in sums.iter_mut().zip(&closings) {
            let (Some(count), Some(amount)) = (
                sum.instructed.count.checked_add(closing.instructed.count),
                sum.instructed.amount.checked_add(closing.instructed.amount),
            ) else {
                return Ok(None);
            };
            (sum.instructed.count, sum.instructed.amount) = (count, amount);
        }
    }
    if sums.iter().any(|closing| !closing.findings().is_empty()) {
        return Ok(None);
    }
    Ok(Some(Report {
        size: examined.head.size,
        root: examined.head.root,
        first_bad_position: None,
        findings: Vec::new(),
        left_out: 0,
        notes: source::notes(&examined),
        threads,
    }))
}

/// Folds the records of a window that fall to one part.
fn fold(part: usize, parts: usize, verifier: &mut Verifier, window: Window<'_>, broken: &AtomicBool) {
    for (_, bytes) in window.records() {
        let falls_here = match record::participant(bytes) {
            Ok(participant) => participant.is_none_or(|id| part_of(id, parts) == part),
            // Whoever folds it will say what is wrong.
            Err(_) => true,
        };
        if falls_here && !record::decode(bytes).is_ok_and(|record| verifier.record(&record).is_continue()) {
            broken.store(true, Ordering::Relaxed);
            return;
        }
    }
}

/// Identifiers are random, or begin with a time and end with random bytes.
fn part_of(id: ParticipantId, parts: usize) -> usize {
    let last = id.0.last_chunk().copied().unwrap_or_default();
    (u64::from_be_bytes(last) % parts as u64) as usize
}

/// What holds between records of all parts: positions without gaps, and a clock that never goes back.
#[derive(Default)]
struct Order {
    next: u64,
    last: Option<Timestamp>,
}

impl Order {
    fn follows(&mut self, window: Window<'_>) -> bool {
        window.records().all(|(_, bytes)| {
            let Ok(Outline { position, recorded_at, .. }) = record::outline(bytes) else { return false };
            let follows = position == self.next && self.last.is_none_or(|last| last <= recorded_at);
            (self.next, self.last) = (position + 1, Some(recorded_at));
            follows
        })
    }
}
