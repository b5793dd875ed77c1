//! Each field's shape, checked at the door: one row a field and fault, and the refusal names the field.

use ledger_proto::{Date, Timestamp};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::api::reason;

#[track_caller]
fn names(status: &Status, field: &str) {
    assert_eq!((status.code(), reason(status).as_str()), (Code::InvalidArgument, "INVALID_FIELD"), "{field}");
    let violations = status.get_details_bad_request().expect("BadRequest").field_violations;
    let named: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(named, [field], "{}", status.message());
}

/// Changes that each break one field of a message.
macro_rules! rows {
    ($type:ty; $($field:literal: $change:expr;)+) => {{
        let rows: Vec<(&str, Box<dyn Fn(&mut $type) + Send>)> = vec![$(($field, Box::new($change)),)+];
        rows
    }};
}

/// Calls with each change of a good request; every one is refused by the field's name. A run is approved by an approver.
macro_rules! refuses {
    ($client:ident . $call:ident, $good:expr, $type:ty; $($rows:tt)+) => {{
        for (field, change) in rows!($type; $($rows)+) {
            let mut request = $good;
            change(&mut request);
            let actor = if stringify!($call) == "approve_run" { "approver/siti" } else { "officer/budi" };
            let refused = $client.$call(from(actor, request)).await.err().unwrap_or_else(|| {
                panic!("{} took a bad {field}", stringify!($call))
            });
            names(&refused, field);
        }
    }};
}

const fn date(year: i32, month: i32, day: i32) -> Option<Date> {
    Some(Date { year, month, day })
}

const fn seconds(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

const YEAR_2019: i64 = 1_577_000_000;
const YEAR_2200: i64 = 7_270_000_000;

fn long(length: usize) -> String {
    "x".repeat(length)
}

// Behind the macros that they use.
mod disbursements;
mod events;
mod outcomes;
mod people;
mod programme;
