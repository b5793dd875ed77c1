//! The codecs. Bytes that are no request are refused as every other fault of a caller is, with a reason and, where it is
//! known, the field: tonic's own codec says INTERNAL, as if the server had failed, and gives no details. A message is
//! written into room that was made for it, and read from one piece of memory: tonic's own doubles its buffer on the way.

use std::collections::HashMap;
use std::marker::PhantomData;

use bytes::{Buf, Bytes};
use prost::{DecodeError, Message};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Whose reasons a refusal names.
pub const DOMAIN: &str = "ledger.prakerja";
/// The reason for the refusal of bytes that are no request.
pub const MALFORMED_REQUEST: &str = "MALFORMED_REQUEST";

macro_rules! codec {
    ($(#[$doc:meta])+ $codec:ident, $decoder:ident, $reads:path) => {
        $(#[$doc])+
        #[derive(Debug)]
        pub(crate) struct $codec<T, U>(PhantomData<(T, U)>);

        impl<T, U> Default for $codec<T, U> {
            fn default() -> Self {
                Self(PhantomData)
            }
        }

        impl<T: Message + Send + 'static, U: $reads + Send + 'static> Codec for $codec<T, U> {
            type Encode = T;
            type Decode = U;
            type Encoder = MessageEncoder<T>;
            type Decoder = $decoder<U>;

            fn encoder(&mut self) -> Self::Encoder {
                MessageEncoder(PhantomData)
            }

            fn decoder(&mut self) -> Self::Decoder {
                $decoder(PhantomData)
            }
        }
    };
}

codec! {
    /// Answers out, requests in.
    ServerCodec, RequestDecoder, Request
}

codec! {
    /// Requests out, answers in.
    ClientCodec, AnswerDecoder, Answer
}

/// Writes messages.
#[derive(Debug)]
pub(crate) struct MessageEncoder<T>(PhantomData<T>);

impl<T: Message> Encoder for MessageEncoder<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, message: T, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.reserve(message.encoded_len());
        message.encode(to).map_err(|error| Status::internal(error.to_string()))
    }
}

/// Reads requests.
#[derive(Debug)]
pub(crate) struct RequestDecoder<U>(PhantomData<U>);

impl<U: Request> Decoder for RequestDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        U::read(bytes.copy_to_bytes(bytes.remaining())).map(Some)
    }
}

/// What a server can be asked with.
pub(crate) trait Request: Sized {
    /// Reads all of a request.
    fn read(bytes: Bytes) -> Result<Self, Status>;
}

impl<T: Message + Default> Request for T {
    fn read(bytes: Bytes) -> Result<Self, Status> {
        T::decode(bytes).map_err(|error| malformed(&error))
    }
}

/// What a server answers with.
pub(crate) trait Answer: Message + Default {}

impl<T: Message + Default> Answer for T {}

/// Reads answers.
#[derive(Debug)]
pub(crate) struct AnswerDecoder<U>(PhantomData<U>);

impl<U: Answer> Decoder for AnswerDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let answer = U::decode(bytes.copy_to_bytes(bytes.remaining()));
        answer.map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}

pub(crate) fn malformed(error: &DecodeError) -> Status {
    let mut details = ErrorDetails::with_error_info(MALFORMED_REQUEST, DOMAIN, HashMap::new());
    let (field, fault) = parts(error);
    let text = match field {
        Some(field) => {
            details.add_bad_request_violation(&field, &fault);
            format!("the bytes are no request: {field}: {fault}")
        }
        None => format!("the bytes are no request: {fault}"),
    };
    Status::with_error_details(Code::InvalidArgument, text, details)
}

/// The field at fault, from the request inwards, and the fault. prost tells them as text only: after a prefix
/// `Message.field: ` for each message, the innermost one first, and then the fault.
fn parts(error: &DecodeError) -> (Option<String>, String) {
    let text = error.to_string();
    let mut rest = text.strip_prefix("failed to decode Protobuf message: ").unwrap_or(&text);
    let mut path = Vec::new();
    while let Some((place, more)) = rest.split_once(": ") {
        match place.split_once('.') {
            Some((message, field)) if !message.contains(' ') && !field.contains(' ') => path.insert(0, field),
            _ => break,
        }
        rest = more;
    }
    (Some(path.join(".")).filter(|path| !path.is_empty()), rest.to_owned())
}

#[cfg(test)]
mod tests {
    use ledger_proto::v1;
    use prost::Message as _;

    use super::parts;

    /// Field `number` of a message: these bytes.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(bytes.len()).expect("short")], bytes].concat()
    }

    #[test]
    fn a_fault_is_told_with_the_field_from_the_request_inwards() {
        let of = |bytes: &[u8]| parts(&v1::RecordEventsRequest::decode(bytes).expect_err("no request"));
        // RecordEventsRequest.events, EventInput.source_reference.
        let (path, fault) = of(&field(1, &field(3, b"\xff\xfe")));
        assert_eq!(path.as_deref(), Some("events.source_reference"));
        assert!(fault.contains("UTF-8"), "{fault}");
        let (path, fault) = of(&[0x08, 1]);
        assert_eq!((path.as_deref(), fault.contains("wire type")), (Some("events"), true), "{fault}");
        let (path, fault) = of(&[0x07]);
        assert_eq!((path, fault.is_empty()), (None, false), "{fault}");
    }
}
