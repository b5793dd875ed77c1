//! Whatever prost writes or reads, the codec writes or reads alike.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use ledger_proto::v1::StoredRecord;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use prost::Message as _;
use prost::encoding::{DecodeContext, WireType, decode_key, encode_key, encode_varint, skip_field};

use super::super::table::EVENTS;
use super::to_stored::stored;
use super::{arbitrary, decode, encode, encoded, outline, outline_of};

/// Every kind of event, the same number of times.
#[test]
fn encodes_as_prost_does_and_decodes_what_it_encoded() {
    let seen = RefCell::new(BTreeSet::new());
    for kind in arbitrary::kinds() {
        TestRunner::new(Config::with_cases(200))
            .run(&arbitrary::record_with(kind), |record| {
                seen.borrow_mut().insert(record.event.name());
                let bytes = encoded(&record);
                prop_assert_eq!(&bytes, &stored(&record).encode_to_vec());
                prop_assert_eq!(&decode(&bytes), &Ok(record.clone()));
                prop_assert_eq!(outline(&bytes), Ok(outline_of(&record)));
                Ok(())
            })
            .unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!(seen.borrow().len(), EVENTS.len(), "the strategies have every event");
}

#[test]
fn appends_and_borrows() {
    TestRunner::default()
        .run(&(arbitrary::record(), arbitrary::record()), |(first, second)| {
            let mut out = encoded(&first);
            let end = out.len();
            encode(&second, &mut out);
            prop_assert_eq!(&out[..end], &encoded(&first));
            let record = decode(&out[end..]).unwrap();
            let text = record.actor.as_bytes();
            prop_assert!(text.is_empty() || out.as_ptr_range().contains(&text.as_ptr()));
            prop_assert_eq!(record, second);
            Ok(())
        })
        .unwrap();
}

/// The fields of a message, each with its number and its bytes, key included.
fn fields(mut message: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let start = message;
        let (number, wire_type) = decode_key(&mut message).unwrap();
        skip_field(wire_type, number, &mut message, DecodeContext::default()).unwrap();
        fields.push((number, start[..start.len() - message.len()].to_vec()));
    }
    fields
}

/// The same fields in another order, those of the same number in the old one, and `unknown` fields between them.
fn disordered(message: &[u8], seed: u64, unknown: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut fields = fields(message);
    fields.extend_from_slice(unknown);
    fields.sort_by_key(|(number, _)| {
        let mut hasher = DefaultHasher::new();
        (seed, number).hash(&mut hasher);
        hasher.finish()
    });
    fields.into_iter().flat_map(|(_, bytes)| bytes).collect()
}

/// A field of each wire type under a number that no message has.
fn unknown_field() -> impl Strategy<Value = (u32, Vec<u8>)> {
    let number = prop_oneof![13u32..16, 45u32..60, 69u32..100, Just(2_048), Just((1 << 29) - 1)];
    (number, 0..4, any::<u64>(), vec(any::<u8>(), 0..200)).prop_map(|(number, wire_type, value, bytes)| {
        let mut field = Vec::new();
        match wire_type {
            0 => {
                encode_key(number, WireType::Varint, &mut field);
                encode_varint(value, &mut field);
            }
            1 => {
                encode_key(number, WireType::SixtyFourBit, &mut field);
                field.extend(value.to_le_bytes());
            }
            2 => {
                encode_key(number, WireType::LengthDelimited, &mut field);
                encode_varint(bytes.len() as u64, &mut field);
                field.extend(bytes);
            }
            _ => {
                encode_key(number, WireType::ThirtyTwoBit, &mut field);
                field.extend(&value.to_le_bytes()[..4]);
            }
        }
        (number, field)
    })
}

fn delimited(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    encode_key(number, WireType::LengthDelimited, &mut field);
    encode_varint(bytes.len() as u64, &mut field);
    field.extend(bytes);
    field
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn decodes_other_orders_and_skips_unknown_fields(
        record in arbitrary::record(),
        seed: u64,
        unknown in vec(unknown_field(), 0..4),
        unknown_in_event in vec(unknown_field(), 0..4),
    ) {
        let mut bytes = Vec::new();
        for (number, field) in fields(&stored(&record).encode_to_vec()) {
            if number < 20 {
                bytes.extend(field);
            } else {
                let mut event = &field[..];
                decode_key(&mut event).unwrap();
                prost::encoding::decode_varint(&mut event).unwrap();
                bytes.extend(delimited(number, &disordered(event, seed, &unknown_in_event)));
            }
        }
        let bytes = disordered(&bytes, seed, &unknown);
        prop_assert_eq!(outline(&bytes), Ok(outline_of(&record)));
        prop_assert_eq!(decode(&bytes), Ok(record));
    }

    /// Damaged or forged bytes are refused, or mean the same to prost.
    #[test]
    fn reads_nothing_otherwise_than_prost(
        record in arbitrary::record(),
        changes in vec((any::<Index>(), any::<u8>(), 0..4), 1..4),
    ) {
        let mut bytes = encoded(&record);
        for (index, byte, change) in changes {
            let index = index.index(bytes.len().max(1));
            match change {
                0 if index < bytes.len() => drop(bytes.remove(index)),
                1 => bytes.insert(index, byte),
                2 => bytes.extend_from_within(index..),
                _ if index < bytes.len() => bytes[index] = byte,
                _ => {}
            }
        }
        if let Ok(read) = decode(&bytes) {
            prop_assert_eq!(outline(&bytes), Ok(outline_of(&read)));
            prop_assert_eq!(StoredRecord::decode(&bytes[..]), Ok(stored(&read)));
        }
    }

    #[test]
    fn refuses_every_shorter_record(record in arbitrary::record()) {
        let bytes = encoded(&record);
        for end in 0..bytes.len() {
            prop_assert!(decode(&bytes[..end]).is_err(), "{} of {} bytes", end, bytes.len());
            let _ = outline(&bytes[..end]);
        }
    }

    #[test]
    fn panics_on_no_bytes(bytes in vec(any::<u8>(), 0..300), event in 20u32..69) {
        for bytes in [&bytes, &delimited(event, &bytes)] {
            if let Ok(read) = decode(bytes) {
                prop_assert_eq!(outline(bytes), Ok(outline_of(&read)));
            }
            let _ = outline(bytes);
        }
    }
}
