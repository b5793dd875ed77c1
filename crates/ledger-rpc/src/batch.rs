//! Requests with many facts, kept as they came: a server reads them where their bytes lie.

use std::marker::PhantomData;

use bytes::Bytes;
use ledger_proto::v1;
use ledger_proto::view::{self, EventInput, Unreadable, View};
use prost::Message;
use tonic::Status;

use crate::codec::{Request, malformed};

/// A batch of facts.
pub type RecordEventsRequest = Batch<v1::RecordEventsRequest>;
/// A batch of facts of a stream.
pub type RecordEventStreamRequest = Batch<v1::RecordEventStreamRequest>;

/// A message of type `M` in its bytes.
#[derive(Clone, Debug)]
pub struct Batch<M> {
    bytes: Bytes,
    message: PhantomData<M>,
}

impl<M> Request for Batch<M> {
    fn read(bytes: Bytes) -> Result<Self, Status> {
        Ok(Self { bytes, message: PhantomData })
    }
}

/// A message that has facts.
pub trait Facts: Message + Default {
    /// The batch's number, where it has one, and its facts where they lie.
    ///
    /// # Errors
    ///
    /// See [`View::read`].
    fn facts(bytes: &[u8]) -> Result<(u64, Vec<EventInput<'_>>), Unreadable>;
}

impl Facts for v1::RecordEventsRequest {
    fn facts(bytes: &[u8]) -> Result<(u64, Vec<EventInput<'_>>), Unreadable> {
        view::RecordEventsRequest::read(bytes).map(|batch| (0, batch.events))
    }
}

impl Facts for v1::RecordEventStreamRequest {
    fn facts(bytes: &[u8]) -> Result<(u64, Vec<EventInput<'_>>), Unreadable> {
        view::RecordEventStreamRequest::read(bytes).map(|batch| (batch.sequence, batch.events))
    }
}

impl<M: Facts> Batch<M> {
    /// The message.
    ///
    /// # Errors
    ///
    /// The bytes are none: `MALFORMED_REQUEST`.
    pub fn message(&self) -> Result<M, Status> {
        M::decode(self.bytes.clone()).map_err(|error| malformed(&error))
    }

    /// What `read` makes of the bytes. Where it cannot read these, prost reads them and writes the message anew.
    ///
    /// # Errors
    ///
    /// The bytes are no message: `MALFORMED_REQUEST`.
    pub fn read<T>(&self, mut read: impl FnMut(Bytes) -> Result<T, Unreadable>) -> Result<T, Status> {
        match read(self.bytes.clone()) {
            Ok(made) => Ok(made),
            Err(Unreadable) => {
                let usual = self.message()?.encode_to_vec().into();
                read(usual).map_err(|error| Status::internal(error.to_string()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn what_a_view_does_not_read_is_read_all_the_same_or_refused_in_words() {
        // An event in which survey_filled is given twice, which merges to the second number.
        let bytes = b"\x0a\x0a\xea\x01\x02\x08\x01\xea\x01\x02\x08\x02";
        let batch: RecordEventsRequest = Request::read(Bytes::from_static(bytes)).expect("kept");
        let again = batch.read(|bytes| view::RecordEventsRequest::read(&bytes).map(|read| read.to_message()));
        assert!(view::RecordEventsRequest::read(bytes).is_err());
        let again = again.expect("readable");
        assert_eq!(again, batch.message().expect("readable"));
        let filled = v1::SurveyFilled { survey_number: 2 };
        assert_eq!(again.events[0].event, Some(v1::event_input::Event::SurveyFilled(filled)));

        let batch: RecordEventsRequest = Request::read(Bytes::from_static(b"\x0a\x01\xff")).expect("kept");
        let refused = batch.read(|bytes| v1::RecordEventsRequest::facts(&bytes).map(drop)).expect_err("no request");
        let by_prost = batch.message().expect_err("no request");
        assert_eq!((refused.code(), refused.message()), (Code::InvalidArgument, by_prost.message()));
    }
}
