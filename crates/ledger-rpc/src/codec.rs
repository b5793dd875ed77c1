//! The servers' codec: bytes that are no request are refused as every other fault of a caller is, with a reason and, where
//! it is known, the field. tonic's own codec says INTERNAL, as if the server had failed, and gives no details.

use std::collections::HashMap;
use std::marker::PhantomData;

use prost::{DecodeError, Message};
use tonic::codec::{Codec, DecodeBuf, Decoder};
use tonic::{Code, Status};
use tonic_prost::ProstEncoder;
use tonic_types::{ErrorDetails, StatusExt};

/// Whose reasons a refusal names.
pub const DOMAIN: &str = "ledger.prakerja";
/// The reason for the refusal of bytes that are no request.
pub const MALFORMED_REQUEST: &str = "MALFORMED_REQUEST";

/// Answers out, requests in.
#[derive(Debug)]
pub(crate) struct ServerCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for ServerCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: Message + Send + 'static, U: Message + Default + Send + 'static> Codec for ServerCodec<T, U> {
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = RequestDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::default()
    }

    fn decoder(&mut self) -> Self::Decoder {
        RequestDecoder(PhantomData)
    }
}

/// Reads requests.
#[derive(Debug)]
pub(crate) struct RequestDecoder<U>(PhantomData<U>);

impl<U: Message + Default> Decoder for RequestDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        U::decode(bytes).map(Some).map_err(|error| malformed(&error))
    }
}

fn malformed(error: &DecodeError) -> Status {
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
