//! `EventService`: participants' events, in batches, one at a time or in a stream.

use bytes::{Bytes, BytesMut};
use ledger_log::Hash;
use ledger_proto::v1;
use ledger_rpc::batch::{Batch, Facts, RecordEventStreamRequest, RecordEventsRequest};
use ledger_rpc::v1::event_service_server::EventService;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::payout::stopped;
use super::{Answers, Compared, Ledger, bounded};
use crate::access::{Caller, Item};
use crate::calls::Tally;
use crate::engine::{Answer, Commands, Durable, Incoming, Unavailable};
use crate::status::as_result;

/// Batches of one stream that are decided and wait for the disk, or for a client that does not read its answers; then no
/// more are read.
const IN_FLIGHT: usize = 8;

type Batches = Answers<v1::RecordEventStreamResponse>;

#[tonic::async_trait]
impl EventService for Ledger {
    type RecordEventStreamStream = Batches;

    async fn record_event_stream(
        &self,
        request: Request<Streaming<RecordEventStreamRequest>>,
    ) -> Result<Response<Batches>, Status> {
        let caller = Caller::of(&request)?;
        let batches = request.into_inner();
        let (decided, to_answer) = mpsc::channel(IN_FLIGHT);
        let (answers, stream) = mpsc::channel(1);
        let (reading, answering) = (self.clone(), self.clone());
        tokio::spawn(async move { reading.read_batches(caller, batches, decided).await });
        let answering = async move { answering.answer_batches(to_answer, answers).await };
        tokio::spawn(Tally::current().carry(answering));
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn record_events(
        &self,
        request: Request<RecordEventsRequest>,
    ) -> Result<Response<v1::RecordEventsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let batch = request.into_inner();
        let admitted = self.admit_batch(&caller, &batch)?;
        bounded("events", admitted.count)?;
        let submitted = self.submit(caller, admitted).await?;
        let results = self.finish_batch::<v1::RecordEventsRequest>(submitted).await?;
        Ok(Response::new(v1::RecordEventsResponse { results }))
    }
}

/// A batch of a stream on its way.
enum OnItsWay {
    /// In the engine's queue.
    Submitted { sequence: u64, submitted: Submitted },
    /// Refused before that.
    Refused { sequence: u64, status: Status },
    /// The stream ends with this.
    End(Status),
}

/// What of a batch its sender may send, in the right shape; the rest is refused.
pub(super) struct Admitted {
    /// The batch's own number.
    sequence: u64,
    /// How many items it has.
    count: usize,
    commands: Commands,
    refused: Refused,
    /// The bytes in which its items stand.
    bytes: Bytes,
}

type Refused = Vec<(usize, Box<Status>)>;

/// The same, in the engine's queue.
pub(super) struct Submitted {
    caller: Caller,
    count: usize,
    answers: Option<Durable<Vec<Answer>>>,
    refused: Refused,
    bytes: Bytes,
}

impl Ledger {
    /// Submits batch after batch in the order in which they came, as long as there is room for them.
    async fn read_batches(
        &self,
        caller: Caller,
        mut batches: Streaming<RecordEventStreamRequest>,
        decided: mpsc::Sender<OnItsWay>,
    ) {
        let mut stopping = self.stopping.clone();
        loop {
            let Ok(room) = decided.reserve().await else { return };
            let message = tokio::select! {
                message = batches.message() => message,
                _ = stopping.wait_for(|stopping| *stopping) => Err(stopped()),
                () = decided.closed() => return,
            };
            let batch = match message {
                Ok(Some(batch)) => batch,
                Ok(None) => return,
                Err(status) => return room.send(OnItsWay::End(crate::calls::told(&status).unwrap_or(status))),
            };
            let submitted = match self.admit_batch(&caller, &batch) {
                Ok(admitted) => match bounded("events", admitted.count) {
                    Ok(()) => (admitted.sequence, self.submit(caller.clone(), admitted).await),
                    Err(status) => {
                        room.send(OnItsWay::Refused { sequence: admitted.sequence, status });
                        continue;
                    }
                },
                Err(status) => (0, Err(status)),
            };
            match submitted {
                (sequence, Ok(submitted)) => room.send(OnItsWay::Submitted { sequence, submitted }),
                (_, Err(status)) => return room.send(OnItsWay::End(status)),
            }
        }
    }

    /// Answers batch after batch in their order, each when it is durable.
    async fn answer_batches(
        &self,
        mut batches: mpsc::Receiver<OnItsWay>,
        answers: mpsc::Sender<Result<v1::RecordEventStreamResponse, Status>>,
    ) {
        loop {
            // Where nobody takes answers any more, nothing more is read either.
            let batch = tokio::select! {
                batch = batches.recv() => batch,
                () = answers.closed() => None,
            };
            let Some(batch) = batch else { return };
            let refused = |sequence, status: &Status| v1::RecordEventStreamResponse {
                sequence,
                results: Vec::new(),
                refusal: Some(as_result(status)),
            };
            let answer = match batch {
                OnItsWay::Refused { sequence, status } => Ok(refused(sequence, &status)),
                OnItsWay::End(status) => Err(status),
                OnItsWay::Submitted { sequence, submitted } => {
                    match self.finish_batch::<v1::RecordEventStreamRequest>(submitted).await {
                        Ok(results) => Ok(v1::RecordEventStreamResponse { sequence, results, refusal: None }),
                        Err(Failed::Unavailable(Unavailable::DiskFull)) => {
                            Ok(refused(sequence, &Unavailable::DiskFull.into()))
                        }
                        Err(failed) => Err(failed.into()),
                    }
                }
            };
            let ended = answer.is_err();
            if answers.send(answer).await.is_err() || ended {
                return;
            }
        }
    }

    /// Records what of some outcomes their sender may send, in the right shape; gives each one's result in order.
    pub(super) async fn record_outcomes(
        &self,
        caller: Caller,
        outcomes: &[v1::OutcomeInput],
    ) -> Result<Vec<v1::RecordResult>, Status> {
        let items: Vec<_> = outcomes.iter().collect();
        let mut refused = Vec::new();
        let admitted = self.admit(&caller, &items, &mut refused);
        let commands = Commands::owned(admitted.into_iter().map(Incoming::into_owned).collect());
        let count = items.len();
        let submitted =
            self.submit(caller, Admitted { sequence: 0, count, commands, refused, bytes: Bytes::new() }).await?;
        Ok(self.finish(submitted, || Ok(items.clone())).await?)
    }

    /// Reads a batch where it lies. One that is out of bounds is not looked at any further.
    fn admit_batch<M: Facts>(&self, caller: &Caller, batch: &Batch<M>) -> Result<Admitted, Status> {
        batch.read(|bytes| {
            let (mut sequence, mut count, mut refused) = (0, 0, Vec::new());
            let commands = Commands::try_new(bytes.clone(), |bytes| {
                let (number, events) = M::facts(bytes)?;
                (sequence, count) = (number, events.len());
                let in_bounds = bounded("events", count).is_ok();
                Ok(if in_bounds { self.admit(caller, &events, &mut refused) } else { Vec::new() })
            })?;
            Ok(Admitted { sequence, count, commands, refused, bytes })
        })
    }

    fn admit<'a, T: Item<'a>>(&self, caller: &Caller, items: &[T], refused: &mut Refused) -> Vec<Incoming<'a>> {
        let mut admitted = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match item.admit(caller, &self.approvals) {
                Ok(incoming) => admitted.push(incoming),
                Err(status) => refused.push((index, Box::new(status))),
            }
        }
        admitted
    }

    async fn submit(&self, caller: Caller, admitted: Admitted) -> Result<Submitted, Status> {
        let Admitted { count, commands, refused, bytes, .. } = admitted;
        let answers = match commands.all() {
            [] => None,
            _ => Some(self.engine.submit(caller.actor(), commands).await?),
        };
        Ok(Submitted { caller, count, answers, refused, bytes })
    }

    /// The results of a batch, once they are durable.
    async fn finish_batch<M: Facts>(&self, submitted: Submitted) -> Result<Vec<v1::RecordResult>, Failed> {
        let bytes = submitted.bytes.clone();
        let items = || M::facts(&bytes).map(|(_, events)| events).map_err(|error| Status::internal(error.to_string()));
        self.finish(submitted, items).await
    }

    /// The results of a batch, once they are durable. Its items are asked for only where one has to be compared with the record
    /// of the same identity.
    async fn finish<'a, T: Item<'a>>(
        &self,
        submitted: Submitted,
        items: impl Fn() -> Result<Vec<T>, Status>,
    ) -> Result<Vec<v1::RecordResult>, Failed> {
        let Submitted { caller, count, answers, refused, .. } = submitted;
        let answers = match answers {
            Some(answers) => answers.wait().await.map_err(Failed::Unavailable)?,
            None => Vec::new(),
        };
        // One piece of memory for all hashes, of which each receipt has its part.
        let mut hashes = recorded_hashes(&answers);
        let mut answers = answers.into_iter();
        let mut refused = refused.into_iter().peekable();
        let mut again = None;
        let mut results = Vec::with_capacity(count);
        for index in 0..count {
            if let Some((_, status)) = refused.next_if(|(at, _)| *at == index) {
                results.push(refusal(&status));
                continue;
            }
            let missing = || Failed::Status(Box::new(Status::internal("fewer answers than events")));
            let mut answer = answers.next().ok_or_else(missing)?;
            if let Answer::Recorded { position, .. } = answer {
                let leaf_hash = hashes.split_to(size_of::<Hash>());
                results.push(recorded(&answer, v1::Receipt { position, leaf_hash, repeated: false }));
                continue;
            }
            let items: &Vec<T> = match &mut again {
                Some(items) => items,
                none => none.insert(items().map_err(|status| Failed::Status(Box::new(status)))?),
            };
            let item = items.get(index).ok_or_else(missing)?;
            let command = || item.parse().ok().map(|incoming| incoming.command);
            let mut apart = Vec::new();
            results.push(loop {
                match self.compared(&answer, command) {
                    Ok(Compared::Receipt(receipt)) => break recorded(&answer, receipt),
                    Ok(Compared::Apart(position)) => apart.push(position),
                    Err(status) => break refusal(&status),
                }
                // It is not what it was taken for: it is decided again.
                let incoming = match item.admit(&caller, &self.approvals) {
                    Ok(incoming) => Incoming { apart: apart.clone(), ..incoming.into_owned() },
                    Err(status) => break refusal(&status),
                };
                let again = self.engine.record(caller.actor(), vec![incoming]).await.map_err(Failed::Unavailable)?;
                answer = again.into_iter().next().ok_or_else(missing)?;
            });
        }
        Tally::current().count(&results);
        Ok(results)
    }
}

/// The leaf hashes of what was recorded, one after the other.
fn recorded_hashes(answers: &[Answer]) -> Bytes {
    let mut hashes = BytesMut::with_capacity(answers.len() * size_of::<Hash>());
    for answer in answers {
        if let Answer::Recorded { leaf_hash, .. } = answer {
            hashes.extend_from_slice(leaf_hash);
        }
    }
    hashes.freeze()
}

/// Why a batch has no results.
enum Failed {
    Unavailable(Unavailable),
    Status(Box<Status>),
}

impl From<Failed> for Status {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Unavailable(unavailable) => unavailable.into(),
            Failed::Status(status) => *status,
        }
    }
}

fn recorded(answer: &Answer, receipt: v1::Receipt) -> v1::RecordResult {
    let exception_cause = match answer {
        Answer::Recorded { exception: Some(cause), .. } => cause.number().into(),
        _ => 0,
    };
    v1::RecordResult { result: Some(v1::record_result::Result::Receipt(receipt)), exception_cause }
}

fn refusal(status: &Status) -> v1::RecordResult {
    let rejection = v1::record_result::Result::Rejection(as_result(status));
    v1::RecordResult { result: Some(rejection), exception_cause: 0 }
}
