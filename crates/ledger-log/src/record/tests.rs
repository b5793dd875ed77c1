//! The codec against prost, against the descriptor set, and against bytes that are no records.

mod against_descriptors;
mod against_prost;
mod refusals;
mod to_stored;

use ledger_core::Record;

use super::{DecodeError, arbitrary, decode, encode, participant};

fn encoded(record: &Record<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    encode(record, &mut out);
    out
}
