//! Records as lines of JSON, in the canonical form of RFC 8785: names sorted, no space, so that equal records are equal
//! lines.

use std::io::{self, Write};

use ledger_core::time::Date;
use ledger_core::{Record, State};
use ledger_log::leaf_hash;
use serde::Serialize;

use super::Sink;
use crate::known::Known;
use crate::output::fields::{self, Fields};
use crate::output::json;
use crate::source::Pass;

/// A record; its names in this order, which is the sorted one.
#[derive(Serialize)]
struct Line<'r> {
    actor: &'r str,
    approved_by: Option<&'r str>,
    auth: &'static str,
    event: &'static str,
    fields: Fields,
    leaf_hash: String,
    occurred_at: String,
    participant: Option<String>,
    position: u64,
    previous: Option<u64>,
    recorded_at: String,
    source_reference: &'r str,
}

pub(super) struct JsonLines<'w> {
    out: &'w mut dyn Write,
}

impl<'w> JsonLines<'w> {
    pub(super) fn new(out: &'w mut dyn Write) -> Self {
        Self { out }
    }
}

impl Sink for JsonLines<'_> {
    fn record(&mut self, _: &State, record: &Record<'_>, bytes: &[u8]) -> io::Result<()> {
        let line = Line {
            actor: &record.actor,
            approved_by: record.approved_by.as_deref(),
            auth: record.auth.code(),
            event: record.event.name(),
            fields: fields::of(&record.event).sorted(),
            leaf_hash: hex::encode(leaf_hash(bytes)),
            occurred_at: record.occurred_at.to_string(),
            participant: record.participant.map(|id| id.to_string()),
            position: record.position,
            previous: record.previous,
            recorded_at: record.recorded_at.to_string(),
            source_reference: &record.source_reference,
        };
        json(self.out, &line)
    }

    fn end(&mut self, _: &Known, _: &Pass, _: Option<Date>) -> io::Result<()> {
        self.out.flush()
    }
}
