//! What is counted and measured, for Prometheus, on a port of its own.

mod doubts;
mod lags;
mod port;

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ledger_core::codes::Partner;
use ledger_proto::v1::{RecordResult, record_result};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tonic::Code;

use crate::engine::Engine;

pub(crate) use doubts::watch_doubts;
pub(crate) use lags::Lags;
pub(crate) use port::serve;

/// Labels with their values; all values come from closed lists of this program.
type Labels<const N: usize> = [(&'static str, Cow<'static, str>); N];

/// Seconds from a tenth of a millisecond to 3.5 minutes.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.0001, 2.0, 22))
}

/// Times of the writing thread.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    /// A commit: batch written and synced.
    pub(crate) commit: Histogram,
    /// The head file, written and synced.
    pub(crate) sync: Histogram,
}

impl Default for Times {
    fn default() -> Self {
        Self { commit: seconds(), sync: seconds() }
    }
}

/// What all count into.
pub(crate) type Metrics = Arc<Counters>;

/// Counters of the port and its calls.
#[derive(Debug)]
pub(crate) struct Counters {
    calls: Family<Labels<2>, Counter>,
    call_seconds: Family<Labels<1>, Histogram, fn() -> Histogram>,
    items: Family<Labels<1>, Counter>,
    rejections: Family<Labels<1>, Counter>,
    in_flight: Gauge,
    connections: Gauge,
    refused: Family<Labels<1>, Counter>,
    pub(crate) lags: Lags,
    in_doubt: Family<Labels<1>, Gauge>,
    in_doubt_oldest: Family<Labels<1>, Gauge>,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            calls: Family::default(),
            call_seconds: Family::new_with_constructor(seconds),
            items: Family::default(),
            rejections: Family::default(),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            refused: Family::default(),
            lags: Lags::default(),
            in_doubt: Family::default(),
            in_doubt_oldest: Family::default(),
        }
    }
}

impl Counters {
    /// A call began.
    pub(crate) fn began(&self) {
        self.in_flight.inc();
    }

    /// A call that had begun is over.
    pub(crate) fn over(&self) {
        self.in_flight.dec();
    }

    /// A call ended so; `reason` is empty where it succeeded.
    pub(crate) fn call(&self, method: &'static str, code: Code, reason: &str, took: Duration) {
        let code = if code == Code::Ok { "Ok".into() } else { format!("{code:?}").into() };
        self.calls.get_or_create(&[("method", method.into()), ("code", code)]).inc();
        self.call_seconds.get_or_create(&[("method", method.into())]).observe(took.as_secs_f64());
        if !reason.is_empty() {
            self.rejected(reason, 1);
        }
    }

    /// Items, or calls, were refused for a reason.
    pub(crate) fn rejected(&self, reason: &str, count: u64) {
        self.rejections.get_or_create(&[("reason", reason.to_owned().into())]).inc_by(count);
    }

    /// What became of a batch's items.
    pub(crate) fn items(&self, results: &[RecordResult]) {
        let (mut recorded, mut repeated, mut rejected) = (0, 0, 0);
        for result in results {
            match &result.result {
                Some(record_result::Result::Receipt(receipt)) if receipt.repeated => repeated += 1,
                Some(record_result::Result::Receipt(_)) => recorded += 1,
                _ => rejected += 1,
            }
        }
        for (result, count) in [("recorded", recorded), ("repeated", repeated), ("rejected", rejected)] {
            if count > 0 {
                self.items.get_or_create(&[("result", result.into())]).inc_by(count);
            }
        }
    }

    /// A connection was let in.
    pub(crate) fn connected(&self) {
        self.connections.inc();
    }

    /// A connection that was let in is gone.
    pub(crate) fn disconnected(&self) {
        self.connections.dec();
    }

    /// A connection was not let in.
    pub(crate) fn turned_away(&self, why: &'static str) {
        self.refused.get_or_create(&[("why", why.into())]).inc();
    }

    fn in_doubt(&self, partner: Partner, count: u64, oldest: Duration) {
        self.in_doubt.get_or_create(&partner_label(partner)).set(count.cast_signed());
        self.in_doubt_oldest.get_or_create(&partner_label(partner)).set(oldest.as_secs().cast_signed());
    }
}

fn partner_label(partner: Partner) -> Labels<1> {
    [("partner", partner.code().into())]
}

/// What is asked of the engine when somebody looks.
pub(crate) struct Scrape {
    pub(crate) metrics: Metrics,
    pub(crate) engine: Engine,
    pub(crate) data: PathBuf,
    /// How long the start took.
    pub(crate) startup: Duration,
}

impl Scrape {
    /// Everything, in the OpenMetrics text format.
    fn text(&self) -> String {
        let Self { metrics, engine, data, startup } = self;
        let mut registry = Registry::with_prefix("ledger");
        registry.register("calls", "Calls by method and code", metrics.calls.clone());
        registry.register(
            "call_seconds",
            "How long calls take; streams their whole life",
            metrics.call_seconds.clone(),
        );
        registry.register("items", "Items of batches by what became of them", metrics.items.clone());
        registry.register("rejections", "Calls and items refused, by reason", metrics.rejections.clone());
        registry.register("calls_in_flight", "Calls at work", metrics.in_flight.clone());
        registry.register("connections", "Open connections", metrics.connections.clone());
        registry.register("connections_refused", "Connections not let in", metrics.refused.clone());
        let size = *engine.durable().borrow();
        let lag = Family::<Labels<1>, Gauge>::default();
        for (partner, records) in metrics.lags.behind(size) {
            lag.get_or_create(&partner_label(partner)).set(records.cast_signed());
        }
        registry.register(
            "stream_lag_records",
            "Records that the slowest of a partner's open streams is behind the log",
            lag,
        );
        registry.register("in_doubt", "Instructions in doubt", metrics.in_doubt.clone());
        registry.register(
            "in_doubt_oldest_seconds",
            "Since when the oldest instruction is in doubt, by its WIB date",
            metrics.in_doubt_oldest.clone(),
        );
        let times = engine.times();
        registry.register("commit_seconds", "Commits of the log: batch written and synced", times.commit.clone());
        registry.register("head_sync_seconds", "Syncs of the head file", times.sync.clone());
        let mut gauge = |name: &str, help: &str, value: u64| {
            let gauge = Gauge::<i64>::default();
            gauge.set(value.cast_signed());
            registry.register(name, help, gauge);
        };
        gauge("records", "Durable records of the log", size);
        gauge("queue", "Requests that wait for the engine", engine.queued() as u64);
        gauge("backlog_records", "Records that wait for the disk", engine.backlog() as u64);
        gauge("commit_age_milliseconds", "Age of the commit at work", engine.commit_age().map_or(0, milliseconds));
        gauge("startup_milliseconds", "How long the last start took", milliseconds(*startup));
        // Where the disk does not say, the gauge is missing.
        if let Ok(free) = ledger_log::free_bytes(data) {
            gauge("disk_free_bytes", "Free space of the log's disk", free);
        }
        let mut text = String::new();
        // Writing to a text cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
        text
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What a port's tasks share.
pub(crate) type Shared = Arc<Scrape>;
