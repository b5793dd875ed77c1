//! A server: the engine, the services around it, and an end in good order.

use std::future::Future;
use std::path::PathBuf;

use ledger_proto::FILE_DESCRIPTOR_SET;
use ledger_rpc::v1::audit_service_server::AuditServiceServer;
use ledger_rpc::v1::disbursement_service_server::DisbursementServiceServer;
use ledger_rpc::v1::event_service_server::EventServiceServer;
use ledger_rpc::v1::participant_service_server::ParticipantServiceServer;
use ledger_rpc::v1::payout_service_server::PayoutServiceServer;
use ledger_rpc::v1::programme_service_server::ProgrammeServiceServer;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::Failure;
use crate::engine::{Engine, Start};
use crate::services::Ledger;

/// Largest message either way, bytes.
const MOST_MESSAGE: usize = 16 << 20;

/// How long connections may take to end when the server stops.
const GRACE: std::time::Duration = std::time::Duration::from_secs(5);

/// How a server is to run.
#[derive(Clone, Debug)]
pub struct Config {
    /// The log folder.
    pub data: PathBuf,
    /// Free space below which nothing is recorded, bytes.
    pub min_free: u64,
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
    let opened = tokio::task::spawn_blocking(move || Engine::start(&config.data, config.min_free));
    let start = opened.await.map_err(|error| Failure::Thread(std::io::Error::other(error)))??;
    let Start { engine, recovery, mut ended, thread } = start;
    tracing::info!(size = recovery.head.size, clean = recovery.clean, "log open");
    if let Some(torn) = &recovery.torn {
        tracing::warn!(?torn, "a last commit that nobody was answered for was cut");
    }
    let (stop, stopping) = watch::channel(false);
    let ledger = Ledger { engine: engine.clone(), stopping };

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
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let serving = server.serve_with_incoming_shutdown(incoming, async {
        drop(finishing.await);
    });
    let mut serving = Box::pin(serving);
    tokio::pin!(shutdown);
    ready();
    tokio::select! {
        served = &mut serving => served.map_err(Failure::Port)?,
        () = &mut shutdown => {
            let _ = stop.send(true);
            let _ = finish.send(());
            tokio::select! {
                served = &mut serving => served.map_err(Failure::Port)?,
                failed = &mut ended => return failed.unwrap_or(Ok(())),
                () = tokio::time::sleep(GRACE) => tracing::warn!("connections were cut: they did not end in time"),
            }
        }
        failed = &mut ended => return failed.unwrap_or(Ok(())),
    }
    // A connection that does not end still holds the services: the engine ends all the same, and the log is closed.
    engine.stop().await;
    drop(tokio::task::spawn_blocking(move || thread.join()).await);
    ended.await.unwrap_or(Ok(()))
}
