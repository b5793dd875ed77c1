//! The codec against prost, against the descriptor set, and against bytes that are no records.

mod against_descriptors;
mod against_prost;
mod refusals;
mod to_stored;

use ledger_core::Record;

use super::{DecodeError, Outline, arbitrary, decode, encode, outline};

fn outline_of(record: &Record<'_>) -> Outline {
    Outline { position: record.position, participant: record.participant, recorded_at: record.recorded_at }
}

fn encoded(record: &Record<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    encode(record, &mut out);
    out
}
