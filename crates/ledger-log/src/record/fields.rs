//! How each of core's types is stored.

use std::borrow::Cow;

use ascii::AsAsciiStr as _;
use ledger_core::codes::{
    Auth, CodeSystem, Component, EntitlementKind, Evidence, ExceptionCause, Ground, Held, OutcomeKind, Partner,
    Platform, Reason,
};
use ledger_core::event::{HeldTotal, Outcome, PartnerTotal, Total};
use ledger_core::ids::{CaseId, DemandId, Digest, LinkId, ParticipantId, Position, PurchaseId, Region, RunId, Wave};
use ledger_core::money::Rupiah;
use ledger_core::scheme::MonthDay;
use ledger_core::time::{Date, Timestamp};

use super::DecodeError;
use super::wire::{Input, put_delimited, put_key, put_varint, wire_type};

/// A type of `record.proto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Uint32,
    Uint64,
    Int64,
    Sint32,
    Sfixed64,
    Enum,
    String,
    Bytes,
    Message,
}

impl Kind {
    pub(super) const fn wire_type(self) -> u32 {
        match self {
            Self::Bool | Self::Uint32 | Self::Uint64 | Self::Int64 | Self::Sint32 | Self::Enum => wire_type::VARINT,
            Self::Sfixed64 => wire_type::FIXED64,
            Self::String | Self::Bytes | Self::Message => wire_type::DELIMITED,
        }
    }
}

/// A type that is stored as a field of a message.
pub(super) trait Field<'a>: Sized {
    const KIND: Kind;
    const WIRE_TYPE: u32 = Self::KIND.wire_type();

    /// What was read of it so far; nothing, by default.
    type Slot: Default;

    /// Writes key and value, or nothing where the value is the default.
    fn write(&self, number: u32, out: &mut Vec<u8>);

    /// Reads a value whose key was taken.
    fn read(input: &mut Input<'a>, field: &'static str, slot: &mut Self::Slot) -> Result<(), DecodeError>;

    /// The value, once the message is read.
    fn value(slot: Self::Slot, field: &'static str) -> Result<Self, DecodeError>;

    /// Reads key and value if they come next.
    #[inline(always)]
    fn take(input: &mut Input<'a>, number: u32, field: &'static str, slot: &mut Self::Slot) -> Result<(), DecodeError> {
        if input.take_key(number << 3 | Self::WIRE_TYPE) { Self::read(input, field, slot) } else { Ok(()) }
    }
}

/// A type that is stored as the fields of a message.
pub(super) trait Message<'a>: Sized {
    /// Message, number, name and type of each field.
    #[cfg(test)]
    const FIELDS: &'static [(&'static str, u32, &'static str, Kind)];

    /// Writes its fields, without a length.
    fn write_fields(&self, out: &mut Vec<u8>);

    /// Reads it from all of `input`.
    fn read_fields(input: Input<'a>) -> Result<Self, DecodeError>;
}

/// A type that is stored as one number.
pub(super) trait Number: Sized {
    const KIND: Kind;
    fn to_number(&self) -> u64;
    fn from_number(number: u64, field: &'static str) -> Result<Self, DecodeError>;
}

impl<'a, T: Number> Field<'a> for T {
    const KIND: Kind = <T as Number>::KIND;
    type Slot = u64;

    #[inline(always)]
    fn write(&self, number: u32, out: &mut Vec<u8>) {
        let value = self.to_number();
        if value != 0 {
            put_key(number, wire_type::VARINT, out);
            put_varint(value, out);
        }
    }

    #[inline(always)]
    fn read(input: &mut Input<'a>, field: &'static str, slot: &mut u64) -> Result<(), DecodeError> {
        once(*slot == 0, field)?;
        *slot = input.varint(field)?;
        Ok(())
    }

    #[inline(always)]
    fn value(slot: u64, field: &'static str) -> Result<Self, DecodeError> {
        T::from_number(slot, field)
    }
}

/// Refuses a second value: readers differ in which one counts.
#[inline(always)]
fn once(first: bool, field: &'static str) -> Result<(), DecodeError> {
    if first { Ok(()) } else { Err(DecodeError::Repeated { field }) }
}

macro_rules! numbers {
    ($($ty:ty: $kind:ident, |$value:ident| $to:expr, |$number:ident| $from:expr;)+) => {$(
        impl Number for $ty {
            const KIND: Kind = Kind::$kind;

            #[inline(always)]
            fn to_number(&self) -> u64 {
                let $value = *self;
                $to
            }

            #[inline(always)]
            fn from_number($number: u64, field: &'static str) -> Result<Self, DecodeError> {
                $from.ok_or(DecodeError::OutOfRange { field, number: $number })
            }
        }
    )+};
}

numbers! {
    bool: Bool, |v| u64::from(v), |n| Some(n != 0);
    u8: Uint32, |v| u64::from(v), |n| Self::try_from(n).ok();
    u16: Uint32, |v| u64::from(v), |n| Self::try_from(n).ok();
    u32: Uint32, |v| u64::from(v), |n| Self::try_from(n).ok();
    // Years. One below 0 would be stored as no i16 and be refused when read.
    i16: Uint32, |v| u64::from(i32::from(v).cast_unsigned()), |n| Self::try_from(n).ok();
    Wave: Uint32, |v| u64::from(v.0), |n| u32::try_from(n).ok().map(Self);
    Region: Uint32, |v| u64::from(v.0), |n| u16::try_from(n).ok().map(Self);
    u64: Uint64, |v| v, |n| Some(n);
    Position: Uint64, |v| v.0, |n| Some(Self(n));
    Rupiah: Int64, |v| v.get().cast_unsigned(), |n| Some(Self::new(n.cast_signed()));
    Date: Sint32, |v| u64::from(zigzag(v.days())), |n| u32::try_from(n).ok().map(|n| Self::from_days(unzigzag(n)));
}

const fn zigzag(value: i32) -> u32 {
    (value << 1 ^ value >> 31).cast_unsigned()
}

const fn unzigzag(value: u32) -> i32 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

macro_rules! codes {
    ($($code:ident),+) => {$(
        impl Number for $code {
            const KIND: Kind = Kind::Enum;

            #[inline(always)]
            fn to_number(&self) -> u64 {
                u64::from(self.number())
            }

            #[inline(always)]
            fn from_number(number: u64, field: &'static str) -> Result<Self, DecodeError> {
                let code = u8::try_from(number).ok().and_then($code::from_number);
                code.ok_or(DecodeError::UnknownValue { field, number })
            }
        }
    )+};
}

codes!(
    Auth,
    CodeSystem,
    Component,
    EntitlementKind,
    Evidence,
    ExceptionCause,
    Ground,
    Held,
    OutcomeKind,
    Partner,
    Platform,
    Reason
);

/// Codes that may be absent: 0.
macro_rules! optional_codes {
    ($($code:ident),+) => {$(
        impl Number for Option<$code> {
            const KIND: Kind = Kind::Enum;

            #[inline(always)]
            fn to_number(&self) -> u64 {
                self.map_or(0, |code| code.to_number())
            }

            #[inline(always)]
            fn from_number(number: u64, field: &'static str) -> Result<Self, DecodeError> {
                if number == 0 { Ok(None) } else { <$code as Number>::from_number(number, field).map(Some) }
            }
        }
    )+};
}

optional_codes!(CodeSystem, Reason);

/// Numbers with `optional`: 0 is written.
macro_rules! optional_numbers {
    ($($ty:ty),+) => {$(
        impl<'a> Field<'a> for Option<$ty> {
            const KIND: Kind = <$ty as Number>::KIND;
            type Slot = Option<u64>;

            #[inline(always)]
            fn write(&self, number: u32, out: &mut Vec<u8>) {
                if let Some(value) = self {
                    put_key(number, wire_type::VARINT, out);
                    put_varint(value.to_number(), out);
                }
            }

            #[inline(always)]
            fn read(input: &mut Input<'a>, field: &'static str, slot: &mut Option<u64>) -> Result<(), DecodeError> {
                once(slot.is_none(), field)?;
                *slot = Some(input.varint(field)?);
                Ok(())
            }

            #[inline(always)]
            fn value(slot: Option<u64>, field: &'static str) -> Result<Self, DecodeError> {
                slot.map(|number| <$ty>::from_number(number, field)).transpose()
            }
        }
    )+};
}

optional_numbers!(u64, Date);

/// Lists of numbers, packed.
impl<'a, T: Number> Field<'a> for Vec<T> {
    const KIND: Kind = T::KIND;
    const WIRE_TYPE: u32 = wire_type::DELIMITED;
    type Slot = &'a [u8];

    fn write(&self, number: u32, out: &mut Vec<u8>) {
        if !self.is_empty() {
            put_delimited(number, out, |out| self.iter().for_each(|value| put_varint(value.to_number(), out)));
        }
    }

    fn read(input: &mut Input<'a>, field: &'static str, slot: &mut &'a [u8]) -> Result<(), DecodeError> {
        read_bytes(input, field, slot)
    }

    fn value(slot: &'a [u8], field: &'static str) -> Result<Self, DecodeError> {
        let mut input = Input::new(slot);
        let mut values = Self::new();
        while !input.is_empty() {
            values.push(T::from_number(input.varint(field)?, field)?);
        }
        Ok(values)
    }
}

impl<'a> Field<'a> for Timestamp {
    const KIND: Kind = Kind::Sfixed64;
    type Slot = u64;

    #[inline(always)]
    fn write(&self, number: u32, out: &mut Vec<u8>) {
        if self.nanos() != 0 {
            put_key(number, wire_type::FIXED64, out);
            out.extend_from_slice(&self.nanos().to_le_bytes());
        }
    }

    #[inline(always)]
    fn read(input: &mut Input<'a>, field: &'static str, slot: &mut u64) -> Result<(), DecodeError> {
        once(*slot == 0, field)?;
        *slot = input.fixed64(field)?;
        Ok(())
    }

    #[inline(always)]
    fn value(slot: u64, _: &'static str) -> Result<Self, DecodeError> {
        Ok(Self::from_nanos(slot.cast_signed()))
    }
}

#[inline(always)]
fn write_bytes(bytes: &[u8], number: u32, out: &mut Vec<u8>) {
    if !bytes.is_empty() {
        put_key(number, wire_type::DELIMITED, out);
        put_varint(bytes.len() as u64, out);
        out.extend_from_slice(bytes);
    }
}

#[inline(always)]
fn read_bytes<'a>(input: &mut Input<'a>, field: &'static str, slot: &mut &'a [u8]) -> Result<(), DecodeError> {
    once(slot.is_empty(), field)?;
    *slot = input.delimited(field)?;
    Ok(())
}

macro_rules! bytes {
    ($($ty:ty: $kind:ident, |$value:ident| $to:expr, |$slot:ident, $field:ident| $from:expr;)+) => {$(
        impl<'a> Field<'a> for $ty {
            const KIND: Kind = Kind::$kind;
            type Slot = &'a [u8];

            #[inline(always)]
            fn write(&self, number: u32, out: &mut Vec<u8>) {
                let $value = self;
                write_bytes($to, number, out);
            }

            #[inline(always)]
            fn read(input: &mut Input<'a>, field: &'static str, slot: &mut &'a [u8]) -> Result<(), DecodeError> {
                read_bytes(input, field, slot)
            }

            #[inline(always)]
            fn value($slot: &'a [u8], $field: &'static str) -> Result<Self, DecodeError> {
                $from
            }
        }
    )+};
}

bytes! {
    ParticipantId: Bytes, |v| &v.0, |s, f| fixed(s, f).map(Self);
    PurchaseId: Bytes, |v| &v.0, |s, f| fixed(s, f).map(Self);
    LinkId: Bytes, |v| &v.0, |s, f| fixed(s, f).map(Self);
    CaseId: Bytes, |v| &v.0, |s, f| fixed(s, f).map(Self);
    RunId: Bytes, |v| &v.0, |s, f| fixed(s, f).map(Self);
    DemandId: Bytes, |v| &v.0, |s, f| fixed(s, f).map(Self);
    Digest: Bytes, |v| &v.0, |s, f| fixed(s, f).map(Self);
    // Absent: no bytes.
    Option<ParticipantId>: Bytes, |v| v.as_ref().map_or(&[], |id| &id.0), |s, f| present(s, |s| fixed(s, f).map(ParticipantId));
    Cow<'a, str>: String, |v| v.as_bytes(), |s, f| text(s, f);
    // Absent: no text.
    Option<Cow<'a, str>>: String, |v| v.as_ref().map_or(&[], |v| v.as_bytes()), |s, f| present(s, |s| text(s, f));
}

#[inline(always)]
fn fixed<const N: usize>(bytes: &[u8], field: &'static str) -> Result<[u8; N], DecodeError> {
    bytes.try_into().map_err(|_| DecodeError::Length { field, expected: N, found: bytes.len() })
}

#[inline(always)]
fn text<'a>(bytes: &'a [u8], field: &'static str) -> Result<Cow<'a, str>, DecodeError> {
    match bytes.as_ascii_str() {
        Ok(plain) => Ok(Cow::Borrowed(plain.as_str())),
        Err(_) => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| DecodeError::NotUtf8 { field }),
    }
}

#[inline(always)]
fn present<'a, T>(
    bytes: &'a [u8],
    value: impl FnOnce(&'a [u8]) -> Result<T, DecodeError>,
) -> Result<Option<T>, DecodeError> {
    if bytes.is_empty() { Ok(None) } else { value(bytes).map(Some) }
}

/// Messages in messages. One that is not there is no message of defaults: it was always written.
macro_rules! nested {
    ($($ty:ty),+) => {$(
        impl<'a> Field<'a> for $ty {
            const KIND: Kind = Kind::Message;
            type Slot = Option<&'a [u8]>;

            fn write(&self, number: u32, out: &mut Vec<u8>) {
                put_delimited(number, out, |out| self.write_fields(out));
            }

            fn read(input: &mut Input<'a>, field: &'static str, slot: &mut Self::Slot) -> Result<(), DecodeError> {
                once(slot.is_none(), field)?;
                *slot = Some(input.delimited(field)?);
                Ok(())
            }

            fn value(slot: Self::Slot, field: &'static str) -> Result<Self, DecodeError> {
                Message::read_fields(Input::new(slot.ok_or(DecodeError::Missing { field })?))
            }
        }
    )+};
}

nested!(Outcome<'a>, MonthDay, Total);

/// Lists of messages.
macro_rules! lists {
    ($($ty:ty),+) => {$(
        impl<'a> Field<'a> for Vec<$ty> {
            const KIND: Kind = Kind::Message;
            type Slot = Self;

            fn write(&self, number: u32, out: &mut Vec<u8>) {
                for message in self {
                    put_delimited(number, out, |out| message.write_fields(out));
                }
            }

            fn read(input: &mut Input<'a>, field: &'static str, slot: &mut Self) -> Result<(), DecodeError> {
                slot.push(Message::read_fields(Input::new(input.delimited(field)?))?);
                Ok(())
            }

            fn value(slot: Self, _: &'static str) -> Result<Self, DecodeError> {
                Ok(slot)
            }
        }
    )+};
}

lists!(PartnerTotal, HeldTotal);
