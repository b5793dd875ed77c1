//! The disbursement ledger served over gRPC.
//!
//! Reading order: [`run`] (what a server is made of), [`engine`] (the one writer), `services` (the calls), `from_proto`
//! and `to_proto` (wire to core and back), [`access`] (who may do what), [`status`] and [`reasons`] (why something is refused), `port` (connections,
//! TLS, limits), `metrics`, `calls` (what is logged
//! of a call), `notary` (signed checkpoints), `unread` (what the start left unread), [`schedule`] (jobs by the clock), [`config`] (what a server can be told), [`cli`], `output` (what commands print), [`load`],
//! [`pain001`] (what a bank that takes files is told), [`reconcile`] and [`reason_codes`] (what partners say), [`demo`].

pub mod access;
pub mod backup;
mod calls;
pub mod cli;
pub mod config;
pub mod demo;
mod dev_certs;
pub mod engine;
mod from_proto;
mod jobs;
mod keygen;
pub mod load;
mod logging;
mod metrics;
#[cfg(test)]
mod nonsense;
mod notary;
mod output;
pub mod pain001;
mod port;
pub mod reason_codes;
pub mod reasons;
pub mod reconcile;
pub mod schedule;
mod serve;
mod services;
pub mod status;
mod to_proto;
mod unread;

pub use port::{TlsError, TlsFiles};
pub use serve::{Config, run};

use ledger_core::time::Timestamp;
use ledger_log::{AppendError, OpenError};

/// Why a server cannot start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The log could not be opened.
    #[error("the log could not be opened")]
    Open(#[source] OpenError),
    /// A write or a sync failed; what was not answered may or may not be recorded.
    #[error("a write to the log failed")]
    Write(#[source] AppendError),
    /// A commit takes so long that the disk counts as failed.
    #[error("a commit has not ended after {0} seconds: the disk does not answer")]
    Stalled(u64),
    /// A thread of the engine ended by a fault of this program; what was not answered may or may not be recorded.
    #[error("the engine ended by a fault of this program; please report what stands above")]
    Broken,
    /// The clock is behind the log.
    #[error("the clock is more than 5 minutes behind the last record's recorded_at, {last}; set the clock first")]
    ClockBehind {
        /// The last record's `recorded_at`.
        last: Timestamp,
    },
    /// No thread could be started.
    #[error("a thread could not be started")]
    Thread(#[source] std::io::Error),
    /// Certificates or clients cannot be used.
    #[error("TLS cannot be served")]
    Tls(#[from] TlsError),
    /// The port could not be served.
    #[error("the port could not be served")]
    Port(#[source] tonic::transport::Error),
    /// The address could not be bound.
    #[error("{address} could not be bound")]
    Bind {
        /// The address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
}

impl Failure {
    /// The process's exit code: 2 usage, 3 damaged, 4 locked, 5 write or sync failed.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Open(OpenError::Locked { .. }) => 4,
            Self::Open(OpenError::Damaged(_) | OpenError::Record { .. }) => 3,
            Self::Open(_)
            | Self::ClockBehind { .. }
            | Self::Tls(_)
            | Self::Thread(_)
            | Self::Port(_)
            | Self::Bind { .. } => 2,
            Self::Write(_) | Self::Stalled(_) | Self::Broken => 5,
        }
    }
    /// The first bad position of a damaged log.
    #[must_use]
    pub const fn first_bad_position(&self) -> Option<u64> {
        match self {
            Self::Open(OpenError::Damaged(damage)) => Some(damage.first_bad_position),
            Self::Open(OpenError::Record { position, .. }) => Some(*position),
            _ => None,
        }
    }
}
