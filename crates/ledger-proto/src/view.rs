//! Batches of facts, read where their bytes lie: they come by the thousand, and most of what reading them cost was making a
//! string of each text.
//!
//! A view has the fields of the message of its name, which it can be made into ([`View::to_message`], where a field that is
//! forgotten does not compile). What it reads, prost reads to the same; what only few write, such as a message in two parts,
//! it refuses, and prost has to be asked.

use bytes::Bytes;
use prost::Message;

use crate::{Date, Timestamp, v1};

/// Bytes that are no message, or one that has to be read otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not to be read where it lies")]
pub struct Unreadable;

/// A message that is read where it lies.
pub trait View<'a>: Default {
    /// The message itself.
    type Message: Message + Default;

    /// Takes a field; one that is not known is passed over.
    ///
    /// # Errors
    ///
    /// It has another type, or was there before.
    fn take(&mut self, number: u32, value: Value<'a>) -> Result<(), Unreadable>;

    /// The message that was read.
    fn to_message(&self) -> Self::Message;

    /// Reads all of `bytes`.
    ///
    /// # Errors
    ///
    /// They are no such message, or one that has to be read otherwise.
    fn read(mut bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let mut view = Self::default();
        while !bytes.is_empty() {
            let key = u32::try_from(varint(&mut bytes)?).map_err(|_| Unreadable)?;
            let value = match key & 7 {
                0 => Value::Varint(varint(&mut bytes)?),
                1 => Value::of_no_field(&mut bytes, 8)?,
                2 => Value::Delimited(delimited(&mut bytes)?),
                5 => Value::of_no_field(&mut bytes, 4)?,
                _ => return Err(Unreadable),
            };
            if key >> 3 == 0 {
                return Err(Unreadable);
            }
            view.take(key >> 3, value)?;
        }
        Ok(view)
    }
}

/// A field's value.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// A number.
    Varint(u64),
    /// A text, bytes or a message.
    Delimited(&'a [u8]),
    /// Of a type that no field has.
    OfNoField,
}

impl Value<'_> {
    fn of_no_field(bytes: &mut &[u8], length: usize) -> Result<Self, Unreadable> {
        *bytes = bytes.get(length..).ok_or(Unreadable)?;
        Ok(Self::OfNoField)
    }
}

#[inline]
fn varint(bytes: &mut &[u8]) -> Result<u64, Unreadable> {
    if let [first @ 0..0x80, rest @ ..] = *bytes {
        *bytes = rest;
        return Ok(u64::from(*first));
    }
    prost::encoding::decode_varint(bytes).map_err(|_| Unreadable)
}

#[inline]
fn delimited<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], Unreadable> {
    let length = usize::try_from(varint(bytes)?).map_err(|_| Unreadable)?;
    let (taken, rest) = bytes.split_at_checked(length).ok_or(Unreadable)?;
    *bytes = rest;
    Ok(taken)
}

/// A type of a field.
trait Field<'a>: Sized {
    type Owned;

    fn set(&mut self, value: Value<'a>) -> Result<(), Unreadable>;

    fn owned(&self) -> Self::Owned;
}

macro_rules! numbers {
    ($($ty:ty),+) => {$(
        impl Field<'_> for $ty {
            type Owned = Self;

            #[inline]
            fn set(&mut self, value: Value<'_>) -> Result<(), Unreadable> {
                let Value::Varint(number) = value else { return Err(Unreadable) };
                // Protobuf's own rule for numbers that do not fit.
                *self = number as Self;
                Ok(())
            }

            fn owned(&self) -> Self {
                *self
            }
        }
    )+};
}

numbers!(u32, u64, i32, i64);

impl<'a> Field<'a> for &'a str {
    type Owned = String;

    #[inline]
    fn set(&mut self, value: Value<'a>) -> Result<(), Unreadable> {
        let Value::Delimited(bytes) = value else { return Err(Unreadable) };
        *self = std::str::from_utf8(bytes).map_err(|_| Unreadable)?;
        Ok(())
    }

    fn owned(&self) -> String {
        (*self).to_owned()
    }
}

impl<'a> Field<'a> for &'a [u8] {
    type Owned = Bytes;

    #[inline]
    fn set(&mut self, value: Value<'a>) -> Result<(), Unreadable> {
        let Value::Delimited(bytes) = value else { return Err(Unreadable) };
        *self = bytes;
        Ok(())
    }

    fn owned(&self) -> Bytes {
        Bytes::copy_from_slice(self)
    }
}

macro_rules! plain_messages {
    ($($ty:ty),+) => {$(
        impl Field<'_> for Option<$ty> {
            type Owned = Self;

            #[inline]
            fn set(&mut self, value: Value<'_>) -> Result<(), Unreadable> {
                let (Value::Delimited(bytes), None) = (value, &self) else { return Err(Unreadable) };
                *self = Some(Message::decode(bytes).map_err(|_| Unreadable)?);
                Ok(())
            }

            fn owned(&self) -> Self {
                *self
            }
        }
    )+};
}

plain_messages!(Timestamp, Date);

impl<'a, T: View<'a>> Field<'a> for Vec<T> {
    type Owned = Vec<T::Message>;

    fn set(&mut self, value: Value<'a>) -> Result<(), Unreadable> {
        let Value::Delimited(bytes) = value else { return Err(Unreadable) };
        self.push(T::read(bytes)?);
        Ok(())
    }

    fn owned(&self) -> Self::Owned {
        self.iter().map(View::to_message).collect()
    }
}

macro_rules! views {
    ($($name:ident $(<$lt:lifetime>)? { $($number:literal $field:ident: $ty:ty,)+ })+) => {$(
        #[doc = concat!("[`v1::", stringify!($name), "`].")]
        #[derive(Clone, Debug, Default, PartialEq)]
        #[allow(missing_docs)]
        pub struct $name $(<$lt>)? { $(pub $field: $ty,)+ }

        impl<'a> View<'a> for $name $(<$lt>)? {
            type Message = v1::$name;

            #[inline]
            fn take(&mut self, number: u32, value: Value<'a>) -> Result<(), Unreadable> {
                match number {
                    $($number => self.$field.set(value),)+
                    _ => Ok(()),
                }
            }

            fn to_message(&self) -> v1::$name {
                v1::$name { $($field: self.$field.owned(),)+ }
            }
        }
    )+};
}

views! {
    RecordEventsRequest<'a> { 1 events: Vec<EventInput<'a>>, }
    RecordEventStreamRequest<'a> { 1 sequence: u64, 2 events: Vec<EventInput<'a>>, }
    Selected<'a> {
        1 wave: u32,
        2 identity_digest: &'a [u8],
        3 identity_key_id: &'a str,
        4 family_card_digest: &'a [u8],
        5 region: &'a str,
    }
    PayoutAccountLinked<'a> {
        1 link_id: &'a str,
        2 partner: i32,
        3 account_token: &'a str,
        4 holder_identity_digest: &'a [u8],
    }
    PayoutAccountUnlinked<'a> { 1 link_id: &'a str, }
    TrainingBought<'a> {
        1 purchase_id: &'a str,
        2 course: &'a str,
        3 platform: i32,
        4 provider: &'a str,
        5 price_rupiah: i64,
    }
    PurchaseCancelled<'a> { 1 purchase_id: &'a str, 2 reason: &'a str, 3 refund_reference: &'a str, }
    TrainingCompleted<'a> { 1 purchase_id: &'a str, }
    CompletionWithdrawn<'a> { 1 purchase_id: &'a str, 2 case_id: &'a str, 3 reason: &'a str, }
    CertificateIssued<'a> { 1 purchase_id: &'a str, 2 certificate_number: &'a str, }
    TrainingReviewed<'a> { 1 purchase_id: &'a str, 2 rating: u32, }
    SurveyFilled { 1 survey_number: u32, }
    MembershipRevoked<'a> { 1 case_id: &'a str, 2 ground: i32, }
    MembershipReinstated<'a> { 1 case_id: &'a str, 2 reason: &'a str, 3 first_purchase_deadline: Option<Date>, }
    IneligibilityFound<'a> {
        1 source: &'a str,
        2 case_number: &'a str,
        3 evidence_date: Option<Date>,
        4 effective_date: Option<Date>,
    }
    IneligibilityWithdrawn<'a> { 1 source: &'a str, 2 case_number: &'a str, }
    RepaymentDemanded<'a> { 1 demand_id: &'a str, 2 component: i32, 3 amount_rupiah: i64, }
    RepaymentReceived<'a> { 1 demand_id: &'a str, 2 state_receipt_number: &'a str, 3 amount_rupiah: i64, }
}

macro_rules! events {
    ($($number:literal $name:ident $(<$lt:lifetime>)?,)+) => {
        /// [`v1::event_input::Event`].
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs)]
        pub enum Event<'a> { $($name($name $(<$lt>)?),)+ }

        impl<'a> Event<'a> {
            /// The event that a field is, if it is one.
            #[inline]
            fn read(number: u32, value: Value<'a>) -> Result<Option<Self>, Unreadable> {
                let message = || if let Value::Delimited(bytes) = value { Ok(bytes) } else { Err(Unreadable) };
                Ok(Some(match number {
                    $($number => Self::$name(View::read(message()?)?),)+
                    _ => return Ok(None),
                }))
            }

            fn to_message(&self) -> v1::event_input::Event {
                match self { $(Self::$name(event) => v1::event_input::Event::$name(event.to_message()),)+ }
            }
        }
    };
}

events! {
    20 Selected<'a>,
    21 PayoutAccountLinked<'a>,
    22 PayoutAccountUnlinked<'a>,
    23 TrainingBought<'a>,
    24 PurchaseCancelled<'a>,
    25 TrainingCompleted<'a>,
    26 CompletionWithdrawn<'a>,
    27 CertificateIssued<'a>,
    28 TrainingReviewed<'a>,
    29 SurveyFilled,
    30 MembershipRevoked<'a>,
    31 MembershipReinstated<'a>,
    41 IneligibilityFound<'a>,
    42 IneligibilityWithdrawn<'a>,
    43 RepaymentDemanded<'a>,
    44 RepaymentReceived<'a>,
}

/// [`v1::EventInput`].
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct EventInput<'a> {
    pub participant_id: &'a str,
    pub occurred_at: Option<Timestamp>,
    pub source_reference: &'a str,
    pub approved_by: &'a str,
    pub event: Option<Event<'a>>,
}

impl<'a> View<'a> for EventInput<'a> {
    type Message = v1::EventInput;

    #[inline]
    fn take(&mut self, number: u32, value: Value<'a>) -> Result<(), Unreadable> {
        match number {
            1 => self.participant_id.set(value),
            2 => self.occurred_at.set(value),
            3 => self.source_reference.set(value),
            4 => self.approved_by.set(value),
            number => match Event::read(number, value)? {
                Some(_) if self.event.is_some() => Err(Unreadable),
                Some(event) => {
                    self.event = Some(event);
                    Ok(())
                }
                None => Ok(()),
            },
        }
    }

    fn to_message(&self) -> v1::EventInput {
        v1::EventInput {
            participant_id: self.participant_id.owned(),
            occurred_at: self.occurred_at,
            source_reference: self.source_reference.owned(),
            approved_by: self.approved_by.owned(),
            event: self.event.as_ref().map(Event::to_message),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![Just(String::new()), "[a-z0-9-]{1,40}", "\\PC{0,8}"]
    }

    fn bytes() -> impl Strategy<Value = Bytes> {
        prop::collection::vec(any::<u8>(), 0..33).prop_map(Bytes::from)
    }

    fn date() -> impl Strategy<Value = Option<Date>> {
        let date = (any::<i32>(), any::<i32>(), any::<i32>()).prop_map(|(year, month, day)| Date { year, month, day });
        prop::option::of(date)
    }

    macro_rules! strategy {
        ($($name:ident { $($field:ident: $of:expr),+ })+) => {
            fn event() -> BoxedStrategy<v1::event_input::Event> {
                prop_oneof![$(
                    ($($of,)+).prop_map(|($($field,)+)| v1::event_input::Event::$name(v1::$name { $($field),+ }))
                ),+].boxed()
            }
        };
    }

    strategy! {
        Selected {
            wave: any::<u32>(), identity_digest: bytes(), identity_key_id: text(), family_card_digest: bytes(), region: text()
        }
        PayoutAccountLinked {
            link_id: text(), partner: any::<i32>(), account_token: text(), holder_identity_digest: bytes()
        }
        PayoutAccountUnlinked { link_id: text() }
        TrainingBought {
            purchase_id: text(), course: text(), platform: any::<i32>(), provider: text(), price_rupiah: any::<i64>()
        }
        PurchaseCancelled { purchase_id: text(), reason: text(), refund_reference: text() }
        TrainingCompleted { purchase_id: text() }
        CompletionWithdrawn { purchase_id: text(), case_id: text(), reason: text() }
        CertificateIssued { purchase_id: text(), certificate_number: text() }
        TrainingReviewed { purchase_id: text(), rating: any::<u32>() }
        SurveyFilled { survey_number: any::<u32>() }
    }

    fn rarer_event() -> BoxedStrategy<v1::event_input::Event> {
        use v1::event_input::Event;
        prop_oneof![
            (text(), any::<i32>())
                .prop_map(|(case_id, ground)| Event::MembershipRevoked(v1::MembershipRevoked { case_id, ground })),
            (text(), text(), date()).prop_map(|(case_id, reason, first_purchase_deadline)| {
                Event::MembershipReinstated(v1::MembershipReinstated { case_id, reason, first_purchase_deadline })
            }),
            (text(), text(), date(), date()).prop_map(|(source, case_number, evidence_date, effective_date)| {
                let found = v1::IneligibilityFound { source, case_number, evidence_date, effective_date };
                Event::IneligibilityFound(found)
            }),
            (text(), text()).prop_map(|(source, case_number)| {
                Event::IneligibilityWithdrawn(v1::IneligibilityWithdrawn { source, case_number })
            }),
            (text(), any::<i32>(), any::<i64>()).prop_map(|(demand_id, component, amount_rupiah)| {
                Event::RepaymentDemanded(v1::RepaymentDemanded { demand_id, component, amount_rupiah })
            }),
            (text(), text(), any::<i64>()).prop_map(|(demand_id, state_receipt_number, amount_rupiah)| {
                Event::RepaymentReceived(v1::RepaymentReceived { demand_id, state_receipt_number, amount_rupiah })
            }),
        ]
        .boxed()
    }

    fn batch() -> impl Strategy<Value = v1::RecordEventStreamRequest> {
        let occurred_at = (any::<i64>(), any::<i32>()).prop_map(|(seconds, nanos)| Timestamp { seconds, nanos });
        let event = prop_oneof![event(), rarer_event()];
        let input = (text(), prop::option::of(occurred_at), text(), text(), prop::option::of(event)).prop_map(
            |(participant_id, occurred_at, source_reference, approved_by, event)| v1::EventInput {
                participant_id,
                occurred_at,
                source_reference,
                approved_by,
                event,
            },
        );
        (any::<u64>(), prop::collection::vec(input, 0..6))
            .prop_map(|(sequence, events)| v1::RecordEventStreamRequest { sequence, events })
    }

    /// What prost reads, where the view reads anything.
    fn agrees(bytes: &[u8]) -> Result<(), TestCaseError> {
        if let Ok(view) = RecordEventStreamRequest::read(bytes) {
            let message = v1::RecordEventStreamRequest::decode(bytes);
            prop_assert_eq!(message.ok(), Some(view.to_message()));
        }
        if let Ok(view) = RecordEventsRequest::read(bytes) {
            prop_assert_eq!(v1::RecordEventsRequest::decode(bytes).ok(), Some(view.to_message()));
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_a_library_writes_is_read_where_it_lies(batch in batch()) {
            let bytes = batch.encode_to_vec();
            prop_assert_eq!(RecordEventStreamRequest::read(&bytes).map(|view| view.to_message()), Ok(batch.clone()));
            let request = v1::RecordEventsRequest { events: batch.events };
            let bytes = request.encode_to_vec();
            prop_assert_eq!(RecordEventsRequest::read(&bytes).map(|view| view.to_message()), Ok(request));
        }

        #[test]
        fn nonsense_is_read_as_prost_reads_it_or_left_to_it(
            batch in batch(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 0..4),
        ) {
            let mut bytes = batch.encode_to_vec();
            for (at, byte, how) in changes {
                let at = at.index(bytes.len() + 1);
                match how {
                    0 if at < bytes.len() => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    2 => bytes.truncate(at),
                    _ => bytes.extend_from_within(at..),
                }
            }
            agrees(&bytes)?;
        }

        #[test]
        fn any_bytes_are_read_as_prost_reads_them_or_left_to_it(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            agrees(&bytes)?;
        }
    }

    #[test]
    fn what_few_write_is_left_to_prost() {
        let input = |field: &[u8]| [&[0x0a, field.len() as u8][..], field].concat();
        // Two events, a time in two parts, a group, a number where a text belongs.
        for field in [&b"\xea\x01\x00\xea\x01\x00"[..], b"\x12\x00\x12\x02\x08\x01", b"\x2b\x2c", b"\x08\x01"] {
            assert_eq!(RecordEventsRequest::read(&input(field)), Err(Unreadable), "{field:x?}");
        }
        for (field, reads) in [(&b"\xea\x01\x00\xea\x01\x00"[..], true), (b"\x2b\x2c", true), (b"\x08\x01", false)] {
            assert_eq!(v1::RecordEventsRequest::decode(&input(field)[..]).is_ok(), reads, "{field:x?}");
        }
    }
}
