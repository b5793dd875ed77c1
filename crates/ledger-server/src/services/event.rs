//! `EventService`: participants' events, in batches, one at a time or in a stream.

use ledger_proto::v1;
use ledger_rpc::v1::event_service_server::EventService;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::payout::stopped;
use super::{Answers, Compared, Ledger, actor, as_known, bounded};
use crate::calls::Tally;
use crate::engine::{Actor, Answer, Durable, Incoming, Unavailable};
use crate::from_proto;
use crate::status::{Invalid, as_result};

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
        let actor = actor(&request)?;
        let batches = request.into_inner();
        let (decided, to_answer) = mpsc::channel(IN_FLIGHT);
        let (answers, stream) = mpsc::channel(1);
        let (reading, answering) = (self.clone(), self.clone());
        tokio::spawn(async move { reading.read_batches(actor, batches, decided).await });
        let answering = async move { answering.answer_batches(to_answer, answers).await };
        tokio::spawn(Tally::current().carry(answering));
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn record_events(
        &self,
        request: Request<v1::RecordEventsRequest>,
    ) -> Result<Response<v1::RecordEventsResponse>, Status> {
        let actor = actor(&request)?;
        let events = request.into_inner().events;
        bounded("events", events.len())?;
        let results = self.record_batch(actor, &events, from_proto::event).await?;
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

/// What has the right shape of a batch is in the engine's queue; the rest is refused.
pub(super) struct Submitted {
    actor: Actor,
    answers: Option<Durable<Vec<Answer>>>,
    misshapen: Vec<(usize, Invalid)>,
}

impl Ledger {
    /// Submits batch after batch in the order in which they came, as long as there is room for them.
    async fn read_batches(
        &self,
        actor: Actor,
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
                Err(status) => return room.send(Batch::End(status)),
            };
            if let Err(status) = bounded("events", events.len()) {
                room.send(Batch::Refused { sequence, status });
                continue;
            }
            match self.submit(actor.clone(), &events, from_proto::event).await {
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
        while let Some(batch) = batches.recv().await {
            let refused = |sequence, status: &Status| v1::RecordEventStreamResponse {
                sequence,
                results: Vec::new(),
                refusal: Some(as_result(status)),
            };
            let answer = match batch {
                Batch::Refused { sequence, status } => Ok(refused(sequence, &status)),
                Batch::End(status) => Err(status),
                Batch::Submitted { sequence, events, submitted } => {
                    match self.finish(submitted, &events, from_proto::event).await {
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

    /// Records what has the right shape of a batch; gives each item's result in order.
    pub(super) async fn record_batch<T: Sync>(
        &self,
        actor: Actor,
        items: &[T],
        parse: impl Fn(&T) -> Result<Incoming, Invalid>,
    ) -> Result<Vec<v1::RecordResult>, Status> {
        let submitted = self.submit(actor, items, &parse).await?;
        Ok(self.finish(submitted, items, parse).await?)
    }

    async fn submit<T: Sync>(
        &self,
        actor: Actor,
        items: &[T],
        parse: impl Fn(&T) -> Result<Incoming, Invalid>,
    ) -> Result<Submitted, Status> {
        let mut well_shaped = Vec::with_capacity(items.len());
        let mut misshapen = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match parse(item) {
                Ok(incoming) => well_shaped.push(as_known(incoming)),
                Err(invalid) => misshapen.push((index, invalid)),
            }
        }
        let answers = match &well_shaped[..] {
            [] => None,
            _ => Some(self.engine.submit(actor.clone(), well_shaped).await?),
        };
        Ok(Submitted { actor, answers, misshapen })
    }

    async fn finish<T: Sync>(
        &self,
        submitted: Submitted,
        items: &[T],
        parse: impl Fn(&T) -> Result<Incoming, Invalid>,
    ) -> Result<Vec<v1::RecordResult>, Failed> {
        let Submitted { actor, answers, misshapen } = submitted;
        let answers = match answers {
            Some(answers) => answers.wait().await.map_err(Failed::Unavailable)?,
            None => Vec::new(),
        };
        let mut answers = answers.into_iter();
        let mut misshapen = misshapen.into_iter().peekable();
        let mut results = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            if let Some((_, invalid)) = misshapen.next_if(|(at, _)| *at == index) {
                results.push(refusal(&invalid.status()));
                continue;
            }
            let missing = || Failed::Status(Box::new(Status::internal("fewer answers than events")));
            let mut answer = answers.next().ok_or_else(missing)?;
            let command = || parse(item).ok().map(|incoming| incoming.command);
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
                let incoming = Incoming { apart: apart.clone(), ..as_known(parse(item).map_err(|_| missing())?) };
                let again = self.engine.record(actor.clone(), vec![incoming]).await.map_err(Failed::Unavailable)?;
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
