//! Instructions in doubt, counted now and then: how many, and since when the oldest one is.

use std::time::{Duration, Instant};

use ledger_core::State;
use ledger_core::codes::Partner;
use ledger_core::ids::Position;
use ledger_core::state::{FactKind, InstructionStatus};
use ledger_core::time::Date;

use super::Metrics;
use crate::engine::{Engine, now};

/// Between two counts.
const EVERY: Duration = Duration::from_secs(60);
/// How long one look holds other callers up, and how long they are served between two looks.
const SLICE: Duration = Duration::from_micros(500);
const PAUSE: Duration = Duration::from_millis(10);

/// Counts for ever.
pub(crate) async fn watch_doubts(engine: Engine, metrics: Metrics) {
    loop {
        for partner in Partner::ALL {
            let Some(doubts) = count(&engine, *partner).await else { return };
            let since = doubts.oldest.map_or(0, |day| now().nanos().saturating_sub(day.midnight().nanos()));
            metrics.in_doubt(*partner, doubts.count, Duration::from_nanos(u64::try_from(since).unwrap_or_default()));
        }
        tokio::time::sleep(EVERY).await;
    }
}

#[derive(Clone, Copy, Default)]
struct Doubts {
    count: u64,
    oldest: Option<Date>,
}

/// A partner's; `None` where the engine has ended.
async fn count(engine: &Engine, partner: Partner) -> Option<Doubts> {
    let (mut doubts, mut from) = (Doubts::default(), Position(0));
    loop {
        let ((counted, next), _) = engine.look(move |state| look(state, partner, from, doubts)).await.ok()?;
        doubts = counted;
        match next {
            Some(next) => from = next,
            None => return Some(doubts),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn look(state: &State, partner: Partner, from: Position, mut doubts: Doubts) -> (Doubts, Option<Position>) {
    let start = Instant::now();
    for (index, (position, place)) in state.instructions(partner).from(from).enumerate() {
        if index % 32 == 31 && start.elapsed() >= SLICE {
            return (doubts, Some(position));
        }
        let Some(participant) = state.participants().get(place) else { continue };
        let found = participant.instruction(position).filter(|(_, it)| it.status == InstructionStatus::InDoubt);
        if let Some((index, _)) = found {
            doubts.count += 1;
            let since = participant.fact(FactKind::InDoubt, index).map(|fact| fact.date());
            doubts.oldest = doubts.oldest.into_iter().chain(since).min();
        }
    }
    (doubts, None)
}
