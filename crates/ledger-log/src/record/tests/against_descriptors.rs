//! The table against the contract's descriptor set.

use std::collections::{BTreeMap, BTreeSet};

use ledger_core::Record;
use ledger_core::codes::{
    Auth, CodeSystem, Component, EntitlementKind, Evidence, ExceptionCause, Ground, Held, OutcomeKind, Partner,
    Platform, Reason,
};
use ledger_core::event::{HeldTotal, Outcome, PartnerTotal, Total};
use ledger_core::scheme::MonthDay;
use prost::Message as _;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet};

use super::super::fields::{Kind, Message};
use super::super::table::EVENTS;

fn contract() -> Vec<FileDescriptorProto> {
    let set = FileDescriptorSet::decode(ledger_proto::FILE_DESCRIPTOR_SET).unwrap();
    set.file.into_iter().filter(|file| file.package() == "prakerja.ledger.v1").collect()
}

/// The messages that the log stores, by name.
fn stored_messages() -> BTreeMap<String, DescriptorProto> {
    let messages = contract().into_iter().flat_map(|file| file.message_type);
    messages.filter(|message| message.name().starts_with("Stored")).map(|m| (m.name().to_owned(), m)).collect()
}

/// Name and type of each field, by number, as the contract has them.
fn described(message: &DescriptorProto) -> BTreeMap<u32, (String, Kind)> {
    let kind = |field: &prost_types::FieldDescriptorProto| match field.r#type() {
        Type::Bool => Kind::Bool,
        Type::Uint32 => Kind::Uint32,
        Type::Uint64 => Kind::Uint64,
        Type::Int64 => Kind::Int64,
        Type::Sint32 => Kind::Sint32,
        Type::Sfixed64 => Kind::Sfixed64,
        Type::Enum => Kind::Enum,
        Type::String => Kind::String,
        Type::Bytes => Kind::Bytes,
        Type::Message => Kind::Message,
        other => panic!("the codec has no {other:?}"),
    };
    let fields = message.field.iter().filter(|field| field.oneof_index.is_none() || field.proto3_optional());
    fields.map(|f| (f.number().cast_unsigned(), (f.name().to_owned(), kind(f)))).collect()
}

/// The message's name and its fields, as the table has them.
fn in_table(fields: &[(&str, u32, &str, Kind)]) -> (String, BTreeMap<u32, (String, Kind)>) {
    let name = fields[0].0.to_owned();
    let fields = fields.iter().filter(|(_, number, ..)| *number != 0);
    (name, fields.map(|&(_, number, name, kind)| (number, (name.to_owned(), kind))).collect())
}

#[test]
fn every_event_of_the_contract_is_in_the_table() {
    let record = &stored_messages()["StoredRecord"];
    let oneof = record.oneof_decl.iter().position(|oneof| oneof.name() == "event").unwrap();
    let events = record.field.iter().filter(|f| f.oneof_index.and_then(|i| usize::try_from(i).ok()) == Some(oneof));
    let events: BTreeSet<_> = events
        .map(|f| {
            let message = f.type_name().rsplit('.').next().unwrap().to_owned();
            (f.number().cast_unsigned(), f.name().to_owned(), message)
        })
        .collect();
    let table = EVENTS.iter().map(|(number, name, fields)| (*number, (*name).to_owned(), fields[0].0.to_owned()));
    assert_eq!(table.collect::<BTreeSet<_>>(), events);
}

#[test]
fn every_field_of_the_contract_is_in_the_table() {
    let nested =
        [Record::FIELDS, Outcome::FIELDS, MonthDay::FIELDS, PartnerTotal::FIELDS, HeldTotal::FIELDS, Total::FIELDS];
    let events = EVENTS.iter().map(|(_, _, fields)| *fields);
    let table: BTreeMap<_, _> = events.chain(nested).map(in_table).collect();
    let contract: BTreeMap<_, _> =
        stored_messages().into_iter().map(|(name, message)| (name, described(&message))).collect();
    assert_eq!(table, contract);
}

#[test]
fn every_code_has_its_number_in_the_contract() {
    let enums = contract().into_iter().flat_map(|file| file.enum_type);
    let enums: BTreeMap<_, BTreeMap<_, _>> = enums
        .map(|list| {
            let values = list.value.iter().map(|v| (v.number(), v.name().to_owned()));
            (list.name().to_owned(), values.collect())
        })
        .collect();
    macro_rules! compare {
        ($($code:ident as $name:literal $prefix:literal,)+) => {$(
            let core = $code::ALL.iter().map(|code| {
                let name = code.code().replace('-', "_").to_uppercase();
                (i32::from(code.number()), format!(concat!($prefix, "_{}"), name))
            });
            let core = core.chain([(0, concat!($prefix, "_UNSPECIFIED").to_owned())]).collect::<BTreeMap<_, _>>();
            assert_eq!(core, enums[$name]);
        )+};
    }
    compare! {
        Auth as "AuthMethod" "AUTH_METHOD",
        CodeSystem as "CodeSystem" "CODE_SYSTEM",
        Component as "MoneyComponent" "MONEY_COMPONENT",
        EntitlementKind as "EntitlementKind" "ENTITLEMENT_KIND",
        Evidence as "Evidence" "EVIDENCE",
        ExceptionCause as "ExceptionCause" "EXCEPTION_CAUSE",
        Ground as "RevocationGround" "REVOCATION_GROUND",
        Held as "HeldReason" "HELD_REASON",
        OutcomeKind as "OutcomeKind" "OUTCOME_KIND",
        Partner as "Partner" "PARTNER",
        Platform as "Platform" "PLATFORM",
        Reason as "OutcomeReason" "OUTCOME_REASON",
    }
}
