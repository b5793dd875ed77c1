//! Around every call: who calls and whether they may, one log line when it ends, a count of those in flight, and a refusal
//! once the server stops.
//!
//! A line says which method, who (role and name), how it ended and why, how long it took, how many items it had and how
//! many of them were refused, by reason. Nothing of what a caller sent is in it: no message, no field, no text of a
//! status, and no path or actor that is not known to be one.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Frame, SizeHint};
use ledger_proto::google;
use ledger_proto::v1::{RecordResult, record_result};
use prost::Message;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower_layer::Layer;
use tower_service::Service;

use crate::access::table::{Entry, Who, entry};
use crate::access::{Caller, Door};
use crate::metrics::Metrics;
use crate::port::{Entered, Quota, deadline};
use crate::reasons::{self, DEADLINE_PASSED, MESSAGE_TOO_LARGE, ROLE_NOT_ALLOWED, TOO_MANY_CALLS};
use crate::status::refused;

/// Items of a call, as its service counts them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    counts: Arc<Mutex<Counts>>,
    /// Where it counts too.
    metrics: Option<Metrics>,
    /// The caller of a stream of batches: each batch has a line of its own then, since a stream may not end for weeks.
    stream_of: Option<Arc<str>>,
}

#[derive(Debug, Default)]
struct Counts {
    actor: Arc<str>,
    items: usize,
    rejected: BTreeMap<String, usize>,
}

tokio::task_local! {
    static TALLY: Tally;
}

impl Tally {
    /// That of the call at work; one that nobody reads where there is none.
    pub(crate) fn current() -> Self {
        TALLY.try_with(Clone::clone).unwrap_or_default()
    }

    /// Carries it into a task that goes on with a stream of batches after its call has begun to answer.
    pub(crate) fn carry<F: Future>(mut self, work: F) -> impl Future<Output = F::Output> {
        let actor = Arc::clone(&self.lock().actor);
        self.stream_of = Some(actor);
        TALLY.scope(self, work)
    }

    /// Counts the results of a batch.
    pub(crate) fn count(&self, results: &[RecordResult]) {
        let mut batch = BTreeMap::new();
        for result in results {
            if let Some(record_result::Result::Rejection(status)) = &result.result {
                *batch.entry(reason_of(status)).or_default() += 1;
            }
        }
        if let Some(actor) = &self.stream_of {
            let rejected: usize = batch.values().sum();
            tracing::info!(actor = &**actor, items = results.len(), rejected, rejections = listed(&batch), "batch");
        }
        if let Some(metrics) = &self.metrics {
            metrics.items(results);
            batch.iter().for_each(|(reason, count)| metrics.rejected(reason, *count as u64));
        }
        let mut counts = self.lock();
        counts.items += results.len();
        for (reason, count) in batch {
            *counts.rejected.entry(reason).or_default() += count;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `REASON=count`, reason after reason.
fn listed(rejected: &BTreeMap<String, usize>) -> String {
    let list: Vec<_> = rejected.iter().map(|(reason, count)| format!("{reason}={count}")).collect();
    list.join(" ")
}

fn reason_of(status: &google::rpc::Status) -> String {
    let status = Status::with_details(Code::from_i32(status.code), "", status.encode_to_vec().into());
    reason(&status)
}

/// The reason that a status carries, or the name of its code.
fn reason(status: &Status) -> String {
    status.get_details_error_info().map_or_else(|| format!("{:?}", status.code()), |info| info.reason)
}

/// Calls in flight.
#[derive(Clone, Debug)]
pub(crate) struct InFlight(watch::Sender<usize>);

impl InFlight {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// How many there are now.
    pub(crate) fn count(&self) -> usize {
        *self.0.borrow()
    }

    /// Resolves when there are none.
    pub(crate) async fn none(&self) {
        // The sender is here: it does not go away.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}

/// Puts [`Calls`] around the services.
#[derive(Clone)]
pub(crate) struct CallLayer {
    pub(crate) door: Door,
    pub(crate) quota: Quota,
    pub(crate) metrics: Metrics,
    pub(crate) in_flight: InFlight,
    pub(crate) stopping: watch::Receiver<bool>,
}

impl<S> Layer<S> for CallLayer {
    type Service = Calls<S>;

    fn layer(&self, inner: S) -> Calls<S> {
        Calls { inner, layer: Arc::new(self.clone()) }
    }
}

/// The services with a log line for every call.
#[derive(Clone)]
pub(crate) struct Calls<S> {
    inner: S,
    layer: Arc<CallLayer>,
}

impl<S> Service<Request<Body>> for Calls<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Logged>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Logged>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let entry = entry(request.uri().path());
        let caller = self.layer.door.caller(request.headers(), request.extensions());
        let until = deadline::of(request.headers()).map(|time| Instant::now() + time);
        let mut call = Call::new(entry, caller.as_ref().ok(), self.layer.metrics.clone());
        let may = if *self.layer.stopping.borrow() {
            Err(refused(&reasons::STOPPING, "the server stops; nothing was recorded: send it again"))
        } else {
            may(entry, caller)
        };
        let may = may.and_then(|caller| match caller.as_ref().map(|caller| self.layer.quota.enter(&caller.name)) {
            Some(None) => Err(refused(&TOO_MANY_CALLS, "you have too many calls in flight")),
            entered => Ok((caller, entered.flatten())),
        });
        let cut = match may {
            Ok((caller, entered)) => {
                call.counted = entered;
                let gone = caller.as_ref().and_then(|caller| self.layer.door.no_longer(caller, request.extensions()));
                drop(caller.map(|caller| request.extensions_mut().insert(caller)));
                cut(until, gone)
            }
            Err(status) => return Box::pin(std::future::ready(Ok(call.refused(&status)))),
        };
        call.enter(&self.layer.in_flight);
        let answer = TALLY.scope(call.tally.clone(), self.inner.call(request));
        Box::pin(async move {
            let response = match until {
                None => answer.await?,
                Some(until) => match timeout_at(until, answer).await {
                    Ok(response) => response?,
                    Err(_) => return Ok(call.refused(&late())),
                },
            };
            if let Some(status) = response.extensions().get::<Status>() {
                match told(status) {
                    Some(told) => return Ok(call.refused(&told)),
                    None => call.ended(status),
                }
            }
            Ok(response.map(|body| Logged { body, call, cut, begun: false }))
        })
    }
}

/// What ends a call that goes on, and how.
type Cut = Pin<Box<dyn Future<Output = Status> + Send>>;

/// Ends it when the caller waits no longer, or is no longer who they were.
fn cut(until: Option<Instant>, gone: Option<impl Future<Output = Status> + Send + 'static>) -> Option<Cut> {
    if until.is_none() && gone.is_none() {
        return None;
    }
    Some(Box::pin(async move {
        let late = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
            late()
        };
        let gone = async {
            match gone {
                Some(gone) => gone.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            status = late => status,
            status = gone => status,
        }
    }))
}

fn late() -> Status {
    refused(&DEADLINE_PASSED, "the deadline that you set has passed")
}

/// A refusal of tonic's own in our words.
pub(crate) fn told(status: &Status) -> Option<Status> {
    let too_large = status.code() == Code::OutOfRange && status.details().is_empty();
    too_large.then(|| refused(&MESSAGE_TOO_LARGE, status.message()))
}

/// What the table says: the caller, where the call is for those who are known.
fn may(entry: Option<&Entry>, caller: Result<Caller, Status>) -> Result<Option<Caller>, Status> {
    let Some(entry) = entry else { return Err(Status::unimplemented("there is no such call")) };
    if entry.who == Who::Anyone {
        return Ok(None);
    }
    let caller = caller?;
    if entry.scope(caller.role).is_none() {
        return Err(refused(&ROLE_NOT_ALLOWED, format!("this call is not for the role {}", caller.role.name())));
    }
    Ok(Some(caller))
}

/// A call at work; logged when it is let go of, so that one whose caller went away is logged too.
#[derive(Debug)]
struct Call {
    method: &'static str,
    started: Instant,
    ended: Option<(Code, String)>,
    tally: Tally,
    /// Where it counts, unless it was refused at the door.
    in_flight: Option<InFlight>,
    counted: Option<Entered>,
    metrics: Metrics,
}

/// What the log says in place of a path or an actor that is none.
const UNKNOWN: &str = "-";

impl Call {
    fn new(entry: Option<&'static Entry>, caller: Option<&Caller>, metrics: Metrics) -> Self {
        let actor = caller.map_or_else(|| UNKNOWN.into(), |caller| Arc::clone(&caller.name));
        let counts = Counts { actor, ..Counts::default() };
        let tally = Tally { counts: Arc::new(Mutex::new(counts)), stream_of: None, metrics: Some(metrics.clone()) };
        Self {
            method: entry.map_or(UNKNOWN, |entry| entry.path),
            started: Instant::now(),
            ended: None,
            tally,
            in_flight: None,
            counted: None,
            metrics,
        }
    }

    /// The answer that ends it so.
    fn refused(mut self, status: &Status) -> Response<Logged> {
        self.ended(status);
        status.clone().into_http::<Body>().map(|body| Logged { body, call: self, cut: None, begun: false })
    }

    fn enter(&mut self, in_flight: &InFlight) {
        in_flight.0.send_modify(|count| *count += 1);
        self.in_flight = Some(in_flight.clone());
        self.metrics.began();
    }

    fn ended(&mut self, status: &Status) {
        let reason = if status.code() == Code::Ok { String::new() } else { reason(status) };
        self.ended = Some((status.code(), reason));
    }

    fn ended_by(&mut self, trailers: &HeaderMap) {
        if let Some(status) = Status::from_header_map(trailers) {
            self.ended(&status);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(in_flight) = &self.in_flight {
            in_flight.0.send_modify(|count| *count -= 1);
            self.metrics.over();
        }
        let (code, reason) = self.ended.take().unwrap_or((Code::Cancelled, "CALLER_GONE".to_owned()));
        let took = self.started.elapsed();
        self.metrics.call(self.method, code, &reason, took);
        let counts = self.tally.lock();
        let rejected: usize = counts.rejected.values().sum();
        tracing::info!(
            method = self.method,
            actor = &*counts.actor,
            code = ?code,
            reason,
            milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            items = counts.items,
            rejected,
            rejections = listed(&counts.rejected),
            "call"
        );
    }
}

/// The body of an answer; its end is the end of the call.
pub(crate) struct Logged {
    body: Body,
    call: Call,
    cut: Option<Cut>,
    /// Part of the answer is out.
    begun: bool,
}

impl Logged {
    /// The end of a call that is cut.
    fn end(&mut self, context: &mut Context<'_>) -> Poll<Frame<Bytes>> {
        let Some(cut) = &mut self.cut else { return Poll::Pending };
        let status = ready!(cut.as_mut().poll(context));
        // What would still come is let go of, and with it who makes it.
        (self.body, self.cut) = (Body::empty(), None);
        let mut trailers = HeaderMap::new();
        self.call.ended(&status);
        // A status of ours can stand in trailers.
        let _ = status.add_header(&mut trailers);
        Poll::Ready(Frame::trailers(trailers))
    }
}

impl http_body::Body for Logged {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        // A stream is cut though there is always more; the first part of an answer that is there goes out.
        if self.begun
            && let Poll::Ready(end) = self.end(context)
        {
            return Poll::Ready(Some(Ok(end)));
        }
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            return self.end(context).map(|end| Some(Ok(end)));
        };
        self.begun = true;
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    self.call.ended_by(trailers);
                }
            }
            Some(Err(status)) => self.call.ended(status),
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
