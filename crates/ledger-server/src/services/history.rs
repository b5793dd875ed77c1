//! A participant's records as people read them, following the back-pointers in the log.

use ledger_core::Record;
use ledger_core::event::Event;
use ledger_core::ids::Position;
use ledger_log::{Reader, record};
use ledger_proto::v1;
use tonic::Status;

use crate::status::unreadable;
use crate::to_proto;

/// Visits the records of a chain of back-pointers, from `last` towards the first, until `visit` says `false`. Gives the
/// position that would be next, if any.
pub(super) fn walk_back(
    reader: &Reader,
    last: Option<u64>,
    mut visit: impl FnMut(&Record<'_>) -> bool,
) -> Result<Option<u64>, Status> {
    let mut next = last;
    while let Some(position) = next {
        let stored = reader.get(position).map_err(|e| unreadable(position, &e))?;
        let record = record::decode(stored.bytes()).map_err(|e| unreadable(position, &e))?;
        next = record.previous;
        if !visit(&record) {
            break;
        }
    }
    Ok(next)
}

/// Up to `size` records from `from` on towards the first, and where the next page begins.
pub(super) fn newest_first(
    reader: &Reader,
    from: u64,
    size: usize,
) -> Result<(Vec<v1::HistoryEvent>, Option<u64>), Status> {
    let mut events = Vec::new();
    let next = walk_back(reader, Some(from), |record| {
        events.push(to_proto::history_event(record));
        events.len() < size
    })?;
    Ok((events, next))
}

/// Up to `size` records from the position `from` on in the order of the log, and where the next page begins.
pub(super) fn oldest_first(
    reader: &Reader,
    last: u64,
    from: u64,
    size: usize,
) -> Result<(Vec<v1::HistoryEvent>, Option<u64>), Status> {
    let mut positions = Vec::new();
    walk_back(reader, Some(last), |record| {
        if record.position >= from {
            positions.push(record.position);
        }
        record.position > from
    })?;
    positions.reverse();
    let next = positions.get(size).copied();
    positions.truncate(size);
    let mut events = Vec::with_capacity(positions.len());
    for position in positions {
        let stored = reader.get(position).map_err(|e| unreadable(position, &e))?;
        let record = record::decode(stored.bytes()).map_err(|e| unreadable(position, &e))?;
        events.push(to_proto::history_event(&record));
    }
    Ok((events, next))
}

/// Every record about one instruction, in the order of the log; `last` is its participant's last record.
pub(super) fn of_instruction(
    reader: &Reader,
    last: u64,
    instruction: Position,
) -> Result<Vec<v1::HistoryEvent>, Status> {
    let mut events = Vec::new();
    walk_back(reader, Some(last), |record| {
        let about = match &record.event {
            Event::OutcomeException(e) => e.outcome.instruction == instruction,
            Event::InstructionRecalled(e) => e.instruction == instruction,
            event => {
                record.position == instruction.0
                    || event.as_outcome().is_some_and(|(_, outcome)| outcome.instruction == instruction)
            }
        };
        if about {
            events.push(to_proto::history_event(record));
        }
        record.position > instruction.0
    })?;
    events.reverse();
    Ok(events)
}
