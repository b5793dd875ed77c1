//! A server: the engine, the services around it, and an end in good order.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger_log::{NoteSigner, Recovery};
use ledger_proto::FILE_DESCRIPTOR_SET;
use ledger_rpc::v1::audit_service_server::AuditServiceServer;
use ledger_rpc::v1::disbursement_service_server::DisbursementServiceServer;
use ledger_rpc::v1::event_service_server::EventServiceServer;
use ledger_rpc::v1::participant_service_server::ParticipantServiceServer;
use ledger_rpc::v1::payout_service_server::PayoutServiceServer;
use ledger_rpc::v1::programme_service_server::ProgrammeServiceServer;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tonic::transport::Server;

use crate::Failure;
use crate::access::{Approvals, Door};
use crate::calls::{CallLayer, InFlight};
use crate::engine::{Engine, Every, Start};
use crate::jobs;
use crate::metrics::{self, Metrics, Scrape};
use crate::notary::Notary;
use crate::port::{self, PING_ANSWER, PING_EVERY, Quota, Tls, TlsFiles};
use crate::schedule::TimeOfDay;
use crate::services::Ledger;
use crate::unread::Unread;

/// Largest message either way, bytes.
const MOST_MESSAGE: usize = 16 << 20;

/// Calls at a time on one connection.
const MOST_STREAMS: u32 = 512;
/// Largest headers of a call, bytes.
const MOST_HEADERS: u32 = 16 << 10;

/// Between the last answer and the end, for what is still on its way to a socket.
const LINGER: Duration = Duration::from_millis(100);
/// How long callers may take to hear that a write failed.
const FAREWELL: Duration = Duration::from_millis(500);

/// How a server is to run.
#[derive(Clone, Debug)]
pub struct Config {
    /// The log folder.
    pub data: PathBuf,
    /// Certificates; `None`: plain HTTP/2, the caller is whoever they say.
    pub tls: Option<TlsFiles>,
    /// Most connections at a time.
    pub connections: usize,
    /// Where metrics are served; `None`: nowhere.
    pub metrics: Option<SocketAddr>,
    /// Free space below which nothing is recorded, bytes.
    pub min_free: u64,
    /// How long calls in flight may take when the server stops.
    pub stop_grace: Duration,
    /// How long one commit may take before the disk counts as failed; `None`: for ever.
    pub commit_limit: Option<Duration>,
    /// When the deadline job runs, WIB; `None`: never by itself.
    pub deadlines: Option<TimeOfDay>,
    /// The key that signs checkpoints; `None`: nothing is signed.
    pub signer: Option<Arc<NoteSigner>>,
    /// How often a growing log is signed; `None`: at runs' closes and on request only.
    pub checkpoint_every: Option<Duration>,
    /// When snapshots of the state are written.
    pub snapshot_every: Every,
    /// How often a client is asked whether it is there, and how long its answer may take; then its connection is closed.
    pub keepalive: (Duration, Duration),
}

impl Config {
    /// A server on a folder, with the defaults of [`crate::config::OPTIONS`] and no scheduled job.
    #[must_use]
    pub const fn new(data: PathBuf) -> Self {
        Self {
            data,
            tls: None,
            connections: 1_000,
            metrics: None,
            min_free: 256 << 20,
            stop_grace: Duration::from_secs(5),
            commit_limit: Some(Duration::from_secs(60)),
            deadlines: None,
            signer: None,
            checkpoint_every: Some(Duration::from_secs(10)),
            snapshot_every: Every::Fitting,
            keepalive: (PING_EVERY, PING_ANSWER),
        }
    }
}

macro_rules! limited {
    ($service:ident, $ledger:expr) => {
        $service::new($ledger.clone()).max_decoding_message_size(MOST_MESSAGE).max_encoding_message_size(MOST_MESSAGE)
    };
}

/// Serves on `listener` until `shutdown`; `ready` is called once the log is open. At the end calls in flight finish, streams end with a reason, the log is closed in good
/// order.
///
/// # Errors
///
/// The log cannot be opened, the port cannot be served, or a write failed; see [`Failure::exit_code`].
pub async fn run(
    config: Config,
    listener: TcpListener,
    ready: impl FnOnce(),
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Failure> {
    let (data, min_free, every) = (config.data.clone(), config.min_free, config.snapshot_every);
    // Looked at before the log is read: what is wrong there is told at once.
    let tls = config.tls.clone().map(TlsFiles::load).transpose()?;
    let begun = Instant::now();
    let metrics_port = match config.metrics {
        None => None,
        Some(address) => {
            let bound = TcpListener::bind(address).await;
            Some(bound.map_err(|source| Failure::Bind { address: address.to_string(), source })?)
        }
    };
    let opened = tokio::task::spawn_blocking(move || Engine::start(&data, min_free, every));
    let start = opened.await.map_err(|error| Failure::Thread(std::io::Error::other(error)))??;
    let front = Front { listener, tls, metrics: metrics_port, begun };
    serve(start, config, front, ready, shutdown).await
}

/// The ports of a server, and when its start began.
struct Front<F> {
    listener: TcpListener,
    /// Certificates, and what keeps them fresh.
    tls: Option<(Tls, F)>,
    metrics: Option<TcpListener>,
    begun: Instant,
}

/// Serves an engine that was started; see [`run`].
async fn serve(
    start: Start,
    config: Config,
    front: Front<impl Future<Output = ()> + Send + 'static>,
    ready: impl FnOnce(),
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Failure> {
    let Front { listener, tls, metrics: metrics_port, begun } = front;
    let Config { data, connections, stop_grace, commit_limit, deadlines, signer, checkpoint_every, keepalive, .. } =
        config;
    let Start { engine, recovery, checkpoints, mut ended, thread } = start;
    tracing::info!(size = recovery.head.size, clean = recovery.clean, unread = recovery.unread, "log open");
    if !recovery.clean {
        let Recovery { beyond_head, torn_head, subtrees_rebuilt, .. } = recovery;
        tracing::warn!(
            beyond_head,
            torn_head,
            subtrees_rebuilt,
            "the log had not been closed: the last process was killed, or the power went; every record that was answered for \
             is there"
        );
    }
    if !recovery.leftovers.is_empty() {
        let names = recovery.leftovers.join(", ");
        tracing::warn!(names, "left over from an interrupted start or stop, and removed");
    }
    if let Some(torn) = &recovery.torn {
        tracing::warn!(?torn, "a last commit that nobody was answered for was cut");
    }
    if checkpoints.cut() > 0 {
        tracing::warn!(bytes = checkpoints.cut(), "a checkpoint that nobody was given was cut");
    }
    let mut unread = Unread::check(&data, engine.reader().clone(), recovery.unread).map_err(Failure::Thread)?;
    let notary = Notary::new(signer, engine.reader().clone(), checkpoints);
    let (stop, stopping) = watch::channel(false);
    let in_flight = InFlight::new();
    let (tls, fresh) = tls.unzip();
    let door = tls.clone().map_or(Door::Insecure, Door::Tls);
    let metrics = Metrics::default();
    let calls = CallLayer {
        door,
        quota: Quota::default(),
        metrics: metrics.clone(),
        in_flight: in_flight.clone(),
        stopping: stopping.clone(),
    };
    let ledger = Ledger {
        engine: engine.clone(),
        notary: notary.clone(),
        tails: Arc::default(),
        approvals: Approvals::default(),
        metrics: metrics.clone(),
        stopping,
    };

    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_serving::<EventServiceServer<Ledger>>().await;
    reporter.set_serving::<PayoutServiceServer<Ledger>>().await;
    reporter.set_serving::<AuditServiceServer<Ledger>>().await;
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let mut server = Server::builder()
        .http2_keepalive_interval(Some(keepalive.0))
        .http2_keepalive_timeout(Some(keepalive.1))
        .max_concurrent_streams(MOST_STREAMS)
        .http2_max_header_list_size(MOST_HEADERS)
        .layer(calls)
        .add_service(health)
        .add_optional_service(reflection().build_v1().ok())
        .add_optional_service(reflection().build_v1alpha().ok())
        .add_service(limited!(EventServiceServer, ledger))
        .add_service(limited!(ProgrammeServiceServer, ledger))
        .add_service(limited!(DisbursementServiceServer, ledger))
        .add_service(limited!(PayoutServiceServer, ledger))
        .add_service(limited!(ParticipantServiceServer, ledger));
    server = server.add_service(limited!(AuditServiceServer, ledger));
    drop(ledger);

    let (finish, finishing) = oneshot::channel::<()>();
    let (incoming, accepting) = port::incoming(listener, tls, connections, metrics.clone());
    // Tasks of these sets end with them, however this function ends.
    let (mut serving, mut accepts, mut jobs) = (JoinSet::new(), JoinSet::new(), JoinSet::new());
    accepts.spawn(accepting);
    if let Some(fresh) = fresh {
        jobs.spawn(fresh);
    }
    serving.spawn(server.serve_with_incoming_shutdown(incoming, async {
        drop(finishing.await);
    }));
    tokio::pin!(shutdown);
    if let Some(at) = deadlines {
        jobs.spawn(jobs::deadlines(at, engine.clone()));
    }
    if let Some(listener) = metrics_port {
        let scrape =
            Scrape { metrics: metrics.clone(), engine: engine.clone(), data: data.clone(), startup: begun.elapsed() };
        jobs.spawn(metrics::serve(listener, Arc::new(scrape)));
        jobs.spawn(metrics::watch_doubts(engine.clone(), metrics));
    }
    if let Some(period) = checkpoint_every {
        jobs.spawn(notary.clone().every(period));
    }
    let announced = async {
        ready();
        std::future::pending::<std::convert::Infallible>().await
    };
    let failure = tokio::select! {
        // In this order: who was told that it is ready may end it at once, so that is listened for before.
        biased;
        () = &mut shutdown => None,
        served = serving.join_next() => Some(Err(port(served))),
        ended = &mut ended => Some(ended.unwrap_or(Err(Failure::Broken))),
        damage = unread.damage() => Some(Err(Failure::Open(damage))),
        stalled = stalled(&engine, commit_limit) => Some(Err(stalled)),
        never = announced => match never {},
    };
    drop((jobs, unread));
    // From here on new calls are refused, on the connections that are there too: those are closed last, since a client
    // whose connection goes away cannot tell a refusal from a lost call.
    let _ = stop.send(true);
    if let Some(ended) = failure {
        // A commit that hangs would hold its callers for ever.
        engine.fail();
        // Who waits hears that it is unavailable; then the process ends, whatever the disk does.
        let _ = tokio::time::timeout(FAREWELL, quiet(&in_flight)).await;
        return ended;
    }
    tracing::info!(in_flight = in_flight.count(), "stopping: calls in flight finish, new ones are refused");
    tokio::select! {
        () = quiet(&in_flight) => {}
        ended = &mut ended => return ended.unwrap_or(Err(Failure::Broken)),
        () = tokio::time::sleep(stop_grace) => {
            tracing::warn!(in_flight = in_flight.count(), "calls were cut: they did not end in time");
        }
    }
    let _ = finish.send(());
    let _ = tokio::time::timeout(LINGER, serving.join_next()).await;
    // A call that does not end still holds the services: the engine ends all the same, and the log is closed.
    notary.end();
    engine.halt().await;
    let ended = tokio::select! {
        ended = &mut ended => ended.unwrap_or(Err(Failure::Broken)),
        stalled = stalled(&engine, commit_limit) => return Err(stalled),
    };
    drop(tokio::task::spawn_blocking(move || thread.join()).await);
    if ended.is_ok() {
        tracing::info!(size = engine.durable().borrow().to_owned(), "log closed");
    }
    ended
}

/// Why serving ended before it was told to.
fn port(served: Option<Result<Result<(), tonic::transport::Error>, tokio::task::JoinError>>) -> Failure {
    match served {
        Some(Ok(Err(error))) => Failure::Port(error),
        _ => Failure::Broken,
    }
}

/// Resolves when no call is in flight and the last answers had a moment to leave. A connection that is kept open and
/// idle keeps nobody waiting.
async fn quiet(in_flight: &InFlight) {
    in_flight.none().await;
    tokio::time::sleep(LINGER).await;
    in_flight.none().await;
}

/// Resolves when a commit takes longer than the limit.
async fn stalled(engine: &Engine, limit: Option<Duration>) -> Failure {
    let Some(limit) = limit else { return std::future::pending().await };
    loop {
        tokio::time::sleep(limit.min(Duration::from_secs(1))).await;
        if engine.commit_age().is_some_and(|age| age > limit) {
            return Failure::Stalled(limit.as_secs());
        }
    }
}

#[cfg(test)]
mod tests;
