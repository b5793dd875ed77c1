//! The record codec: [`ledger_core::Record`] to and from the bytes of `StoredRecord` (format 1).
//!
//! [`encode`] gives one byte string per record, the one that any protobuf library gives that writes fields in the order of
//! their numbers and leaves defaults out. [`decode`] borrows text from the bytes and allocates only for lists. It takes
//! fields in any order and skips fields that it does not know, for later formats only add fields; it refuses whatever two
//! readers could read differently, so a field that is given twice is an error, not "the last one counts".
//!
//! Reading order: `table` (what is stored under which number), `fields` (how each type is stored), `wire` (the bytes).

mod fields;
mod table;
mod wire;

#[cfg(test)]
pub(crate) mod arbitrary;
#[cfg(test)]
mod tests;

use ledger_core::Record;
use ledger_core::ids::ParticipantId;
use ledger_core::time::Timestamp;

use fields::{Field, Message};
use wire::Input;

/// Why bytes are no record. `field` is message and field as in `record.proto`, such as `StoredPayoutInstructed.due`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end inside of this field or message.
    #[error("{field}: the bytes end too early")]
    Truncated {
        /// The field; the message, where they end inside of a field that is not known.
        field: &'static str,
    },
    /// A number that takes more than 64 bits.
    #[error("{field}: a number of more than 64 bits")]
    Overlong {
        /// The field; the message, where it is a field's key or of a field that is not known.
        field: &'static str,
    },
    /// Where a field should start, there are other bytes.
    #[error("{message}: no field starts with key {key}")]
    NotAField {
        /// The message.
        message: &'static str,
        /// What stands there: the field's number times 8, plus its wire type.
        key: u64,
    },
    /// A known field whose key is not the one that its type has in its shortest form.
    #[error("{field}: not stored as its type is")]
    WireType {
        /// The field.
        field: &'static str,
    },
    /// A field was given twice.
    #[error("{field}: given twice")]
    Repeated {
        /// The field; of two events, the second one.
        field: &'static str,
    },
    /// A field that every record of its kind has is not there.
    #[error("{field}: missing")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// An id or a digest of another length; 0 where it is not there.
    #[error("{field}: {found} bytes instead of {expected}")]
    Length {
        /// The field.
        field: &'static str,
        /// How many bytes it has.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A number that its list of values does not have; 0 where it is not there.
    #[error("{field}: no value has number {number}")]
    UnknownValue {
        /// The field.
        field: &'static str,
        /// The number.
        number: u64,
    },
    /// A number beyond what the field holds.
    #[error("{field}: {number} is out of range")]
    OutOfRange {
        /// The field.
        field: &'static str,
        /// The number as stored.
        number: u64,
    },
    /// Text that is not UTF-8.
    #[error("{field}: not UTF-8")]
    NotUtf8 {
        /// The field.
        field: &'static str,
    },
    /// No event that this version knows.
    #[error("StoredRecord.event: none that is known")]
    NoEvent,
}

/// Appends the bytes of `record` to `out`. Allocates only where `out` has to grow.
///
/// A year below 0 and an approver without a name have no stored form: a command with either is refused before it is
/// decided or by the decision.
pub fn encode(record: &Record<'_>, out: &mut Vec<u8>) {
    record.write_fields(out);
}

/// The record in `bytes`, its text borrowed from them.
///
/// # Errors
///
/// The first thing that is wrong with the bytes. It never panics, whatever they are.
pub fn decode(bytes: &[u8]) -> Result<Record<'_>, DecodeError> {
    Record::read_fields(Input::new(bytes))
}

/// What a record says of its place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Its position.
    pub position: u64,
    /// Whose it is; `None` for the programme's.
    pub participant: Option<ParticipantId>,
    /// When the server recorded it.
    pub recorded_at: Timestamp,
}

/// The outline of the record in `bytes`, without decoding the rest.
///
/// # Errors
///
/// What is wrong with the bytes that were looked at; other damage goes unseen. Where [`decode`] accepts the bytes, this
/// gives what it would.
pub fn outline(bytes: &[u8]) -> Result<Outline, DecodeError> {
    const FIELDS: [(u32, &str); 3] =
        [(1, "StoredRecord.position"), (3, "StoredRecord.participant"), (5, "StoredRecord.recorded_at")];
    // Stand between them; read only to come past them without a detour.
    const PASSED: [(u32, &str); 2] = [(2, "StoredRecord.previous_position"), (4, "StoredRecord.occurred_at")];
    let mut input = Input::new(bytes);
    let mut position = <u64 as Field>::Slot::default();
    let mut participant = <Option<ParticipantId> as Field>::Slot::default();
    let mut recorded_at = <Timestamp as Field>::Slot::default();
    let mut previous = <Option<u64> as Field>::Slot::default();
    let mut occurred_at = <Timestamp as Field>::Slot::default();
    // With all three there is nothing more to look for: each stands there once.
    while !input.is_empty() && (position == 0 || participant.is_empty() || recorded_at == 0) {
        let before = input.len();
        u64::take(&mut input, 1, FIELDS[0].1, &mut position)?;
        <Option<u64> as Field>::take(&mut input, 2, PASSED[0].1, &mut previous)?;
        <Option<ParticipantId> as Field>::take(&mut input, 3, FIELDS[1].1, &mut participant)?;
        Timestamp::take(&mut input, 4, PASSED[1].1, &mut occurred_at)?;
        Timestamp::take(&mut input, 5, FIELDS[2].1, &mut recorded_at)?;
        if before == input.len() {
            input.skip("StoredRecord", &FIELDS)?;
        }
    }
    Ok(Outline {
        position: Field::value(position, FIELDS[0].1)?,
        participant: Field::value(participant, FIELDS[1].1)?,
        recorded_at: Field::value(recorded_at, FIELDS[2].1)?,
    })
}
