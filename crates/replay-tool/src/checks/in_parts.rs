//! `verify` by one thread or several: each folds the participants that fall to it, and all of the programme's records.
//!
//! What this finds is only whether there is anything to be found. Where there is, the records are read again one by one, so
//! that findings are the same for any number of threads.

use std::sync::atomic::{AtomicBool, Ordering};

use ledger_core::ids::ParticipantId;
use ledger_core::time::Timestamp;
use ledger_log::record::{self, Outline};
use ledger_log::{AtRest, Checkpoint, Window};

use super::Witness;
use super::line::Line;
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
    let mut parts: Vec<Verifier> = match threads {
        0 | 1 => vec![Verifier::new()],
        _ => (0..threads).map(|_| Verifier::of_part()).collect(),
    };
    let mut order = Order::start();
    let mut witness = checkpoint.map(Witness::new);
    let broken = AtomicBool::new(false);
    let examined = log.examine_windows(threads, |window| {
        if broken.load(Ordering::Relaxed) {
            return Ok(());
        }
        if let Some(witness) = &mut witness {
            window.records().for_each(|(_, bytes)| witness.record(bytes));
        }
        let good = match &mut parts[..] {
            [alone] => Line::fold(alone, window.records().map(|(_, bytes)| bytes)),
            parts => fold_in_parts(parts, &mut order, window),
        };
        if good.is_none() {
            broken.store(true, Ordering::Relaxed);
        }
        Ok(())
    })?;
    if broken.into_inner() || !examined.findings.is_empty() || witness.and_then(Witness::finish).is_some() {
        return Ok(None);
    }
    let mut sums = Vec::new();
    for (closings, findings) in each(true, parts.into_iter(), Verifier::finish_part) {
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

/// Folds a window's records, each by the part that it falls to: first they are sorted, then folded.
fn fold_in_parts(parts: &mut [Verifier], order: &mut Order, window: Window<'_>) -> Option<()> {
    let share = window.count() >= WORTHWHILE;
    let count = parts.len();
    let sorted = each(share, window.parts(count), |window| Sorted::of(window, count));
    let sorted: Vec<Sorted<'_>> = sorted.into_iter().collect::<Option<_>>()?;
    sorted.iter().try_for_each(|sorted| order.goes_on(&sorted.order))?;
    let folded = each(share, parts.iter_mut().enumerate(), |(part, verifier)| {
        Line::fold(verifier, sorted.iter().flat_map(|sorted| sorted.parts[part].iter().copied()))
    });
    folded.into_iter().collect()
}

/// Does some work for each item, all at once or one after the other.
fn each<T: Send, R: Send>(at_once: bool, items: impl Iterator<Item = T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    if !at_once {
        return items.map(work).collect();
    }
    let work = &work;
    std::thread::scope(|scope| {
        let mut items = items;
        let own = items.next();
        let others: Vec<_> = items.map(|item| scope.spawn(move || work(item))).collect();
        let others = others.into_iter().map(|other| other.join().unwrap_or_else(|p| std::panic::resume_unwind(p)));
        own.map(work).into_iter().chain(others).collect()
    })
}

/// Identifiers are random, or begin with a time and end with random bytes.
fn part_of(id: ParticipantId, parts: usize) -> usize {
    let last = id.0.last_chunk().copied().unwrap_or_default();
    (u64::from_be_bytes(last) % parts as u64) as usize
}

/// Some consecutive records by the part that they fall to; the programme's fall to all.
struct Sorted<'w> {
    order: Order,
    parts: Vec<Vec<&'w [u8]>>,
}

impl<'w> Sorted<'w> {
    /// `None` where one cannot be read, or they do not follow each other.
    fn of(window: Window<'w>, parts: usize) -> Option<Self> {
        let each = window.count() as usize / parts * 9 / 8;
        let mut sorted = vec![Vec::with_capacity(each); parts];
        let mut order: Option<Order> = None;
        for (_, bytes) in window.records() {
            let outline = record::outline(bytes).ok()?;
            match &mut order {
                None => order = Some(Order::from(&outline)),
                Some(order) => order.goes_on(&Order::from(&outline))?,
            }
            match outline.participant {
                Some(id) => sorted[part_of(id, parts)].push(bytes),
                None => sorted.iter_mut().for_each(|part| part.push(bytes)),
            }
        }
        Some(Self { order: order?, parts: sorted })
    }
}

/// What holds between records of all parts: positions without gaps, and a clock that never goes back. Of some consecutive
/// records, where they begin and end.
#[derive(Clone, Copy)]
struct Order {
    positions: (u64, u64),
    times: (Timestamp, Timestamp),
}

impl Order {
    /// Before the first record.
    const fn start() -> Self {
        let earliest = Timestamp::from_nanos(i64::MIN);
        Self { positions: (0, 0), times: (earliest, earliest) }
    }

    fn from(outline: &Outline) -> Self {
        let Outline { position, recorded_at, .. } = *outline;
        Self { positions: (position, position.saturating_add(1)), times: (recorded_at, recorded_at) }
    }

    /// Adds the records that come next; `None` where they do not follow.
    fn goes_on(&mut self, next: &Self) -> Option<()> {
        let follows = next.positions.0 == self.positions.1 && next.times.0 >= self.times.1;
        (self.positions.1, self.times.1) = (next.positions.1, next.times.1);
        follows.then_some(())
    }
}
