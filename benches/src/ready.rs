//! Requests that are encoded before the clock starts, the ledger's and its peers' alike: whoever sends them has the same two
//! cores as the server that is measured, and is none of it.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Buf, BufMut, Bytes};
use prost::Message;
use tokio::task::JoinSet;
use tonic::Status;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;

use crate::lives;
use crate::measure::Failed;

/// A request and who sends it.
pub(crate) struct Ready {
    actor: &'static str,
    bytes: Bytes,
}

impl Ready {
    pub(crate) fn new(actor: &'static str, message: &impl Message) -> Self {
        Self { actor, bytes: message.encode_to_vec().into() }
    }
}

/// Requests out as they are, answers in.
struct AsItIs<A>(PhantomData<A>);

impl<A: Message + Default + 'static> Codec for AsItIs<A> {
    type Encode = Bytes;
    type Decode = A;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self(PhantomData)
    }

    fn decoder(&mut self) -> Self {
        Self(PhantomData)
    }
}

impl<A> Encoder for AsItIs<A> {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, bytes: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.reserve(bytes.len());
        to.put(bytes);
        Ok(())
    }
}

impl<A: Message + Default> Decoder for AsItIs<A> {
    type Item = A;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<A>, Status> {
        let answer = A::decode(bytes.copy_to_bytes(bytes.remaining()));
        answer.map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}

/// Sends chains of requests, so many at once, the requests of a chain one after the other; shows every answer to `check`, and
/// gives how long it took.
pub(crate) async fn send<A: Message + Default + 'static>(
    channel: Channel,
    work: VecDeque<Vec<Ready>>,
    in_flight: usize,
    method: &'static str,
    check: impl Fn(&A) -> Result<(), Failed> + Clone + Send + Sync + 'static,
) -> Result<Duration, Failed> {
    let work = Arc::new(Mutex::new(work));
    let mut senders = JoinSet::new();
    let start = Instant::now();
    for _ in 0..in_flight {
        let (mut client, work, check) = (Grpc::new(channel.clone()), Arc::clone(&work), check.clone());
        senders.spawn(async move {
            let next = || work.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            for Ready { actor, bytes } in std::iter::from_fn(next).flatten() {
                client.ready().await?;
                let request = lives::from(actor, bytes)?;
                let method = PathAndQuery::from_static(method);
                check(client.unary(request, method, AsItIs(PhantomData)).await?.get_ref())?;
            }
            Ok::<(), Failed>(())
        });
    }
    while let Some(sent) = senders.join_next().await {
        sent??;
    }
    Ok(start.elapsed())
}
