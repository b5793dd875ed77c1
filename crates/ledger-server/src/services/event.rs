//! `EventService`: participants' events, in batches, one at a time or in a stream.

use ledger_proto::v1;
use ledger_rpc::v1::event_service_server::EventService;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::payout::stopped;
use super::{Answers, Compared, Ledger, bounded};
use crate::access::{Caller, Item};
use crate::calls::Tally;
use crate::engine::{Answer, Durable, Incoming, Unavailable};
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
        request: Request<Streaming<v1::RecordEventStreamRequest>>,
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
        request: Request<v1::RecordEventsRequest>,
    ) -> Result<Response<v1::RecordEventsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let events = request.into_inner().events;
        bounded("events", events.len())?;
        let results = self.record_batch(&caller, &events).await?;
        Ok(Response::new(v1::RecordEventsResponse { results }))
    }
}

/// A batch of a stream on its way.
enum Batch {
    /// In the engine's queue.
    Submitted { sequence: u64, events: Vec<v1::EventInput>, submitted: Submitted },
    /// Refused before that.
    Refused { sequence: u64, status: Status },
    /// The stream ends with this.
    End(Status),
}

/// What of a batch its sender may send, in the right shape, is in the engine's queue; the rest is refused.
pub(super) struct Submitted {
    caller: Caller,
    answers: Option<Durable<Vec<Answer>>>,
    refused: Vec<(usize, Box<Status>)>,
}

impl Ledger {
    /// Submits batch after batch in the order in which they came, as long as there is room for them.
    async fn read_batches(
        &self,
        caller: Caller,
        mut batches: Streaming<v1::RecordEventStreamRequest>,
        decided: mpsc::Sender<Batch>,
    ) {
        let mut stopping = self.stopping.clone();
        loop {
            let Ok(room) = decided.reserve().await else { return };
            let message = tokio::select! {
                message = batches.message() => message,
                _ = stopping.wait_for(|stopping| *stopping) => Err(stopped()),
                () = decided.closed() => return,
            };
            let v1::RecordEventStreamRequest { sequence, events } = match message {
                Ok(Some(batch)) => batch,
                Ok(None) => return,
                Err(status) => return room.send(Batch::End(crate::calls::told(&status).unwrap_or(status))),
            };
            if let Err(status) = bounded("events", events.len()) {
                room.send(Batch::Refused { sequence, status });
                continue;
            }
            match self.submit(&caller, &events).await {
                Ok(submitted) => room.send(Batch::Submitted { sequence, events, submitted }),
                Err(status) => return room.send(Batch::End(status)),
            }
        }
    }

    /// Answers batch after batch in their order, each when it is durable.
    async fn answer_batches(
        &self,
        mut batches: mpsc::Receiver<Batch>,
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
                Batch::Refused { sequence, status } => Ok(refused(sequence, &status)),
                Batch::End(status) => Err(status),
                Batch::Submitted { sequence, events, submitted } => match self.finish(submitted, &events).await {
                    Ok(results) => Ok(v1::RecordEventStreamResponse { sequence, results, refusal: None }),
                    Err(Failed::Unavailable(Unavailable::DiskFull)) => {
                        Ok(refused(sequence, &Unavailable::DiskFull.into()))
                    }
                    Err(failed) => Err(failed.into()),
                },
            };
            let ended = answer.is_err();
            if answers.send(answer).await.is_err() || ended {
                return;
            }
        }
    }

    /// Records what of a batch its sender may send, in the right shape; gives each item's result in order.
    pub(super) async fn record_batch<T: Item>(
        &self,
        caller: &Caller,
        items: &[T],
    ) -> Result<Vec<v1::RecordResult>, Status> {
        let submitted = self.submit(caller, items).await?;
        Ok(self.finish(submitted, items).await?)
    }

    async fn submit<T: Item>(&self, caller: &Caller, items: &[T]) -> Result<Submitted, Status> {
        let mut admitted = Vec::with_capacity(items.len());
        let mut refused = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match item.admit(caller, &self.approvals) {
                Ok(incoming) => admitted.push(incoming),
                Err(status) => refused.push((index, Box::new(status))),
            }
        }
        let answers = match &admitted[..] {
            [] => None,
            _ => Some(self.engine.submit(caller.actor(), admitted).await?),
        };
        Ok(Submitted { caller: caller.clone(), answers, refused })
    }

    async fn finish<T: Item>(&self, submitted: Submitted, items: &[T]) -> Result<Vec<v1::RecordResult>, Failed> {
        let Submitted { caller, answers, refused } = submitted;
        let answers = match answers {
            Some(answers) => answers.wait().await.map_err(Failed::Unavailable)?,
            None => Vec::new(),
        };
        let mut answers = answers.into_iter();
        let mut refused = refused.into_iter().peekable();
        let mut results = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            if let Some((_, status)) = refused.next_if(|(at, _)| *at == index) {
                results.push(refusal(&status));
                continue;
            }
            let missing = || Failed::Status(Box::new(Status::internal("fewer answers than events")));
            let mut answer = answers.next().ok_or_else(missing)?;
            let command = || item.parse().ok().map(|incoming| incoming.command);
            let mut apart = Vec::new();
            results.push(loop {
                match self.compared(&answer, command) {
                    Ok(Compared::Receipt(receipt)) => {
                        let result = Some(v1::record_result::Result::Receipt(receipt));
                        break v1::RecordResult { result, exception_cause: exception_cause(&answer) };
                    }
                    Ok(Compared::Apart(position)) => apart.push(position),
                    Err(status) => break refusal(&status),
                }
                // It is not what it was taken for: it is decided again.
                let incoming = match item.admit(&caller, &self.approvals) {
                    Ok(incoming) => Incoming { apart: apart.clone(), ..incoming },
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

fn exception_cause(answer: &Answer) -> i32 {
    match answer {
        Answer::Recorded { exception: Some(cause), .. } => cause.number().into(),
        _ => 0,
    }
}

fn refusal(status: &Status) -> v1::RecordResult {
    let rejection = v1::record_result::Result::Rejection(as_result(status));
    v1::RecordResult { result: Some(rejection), exception_cause: 0 }
}
