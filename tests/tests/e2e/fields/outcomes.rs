//! Outcomes of instructions.

use ledger_proto::v1;
use ledger_tests::life::{Programme, outcome};

use super::{YEAR_2019, long, names, seconds};
use crate::api::{as_status, rejection, server};

#[tokio::test(flavor = "multi_thread")]
async fn each_field_of_an_outcome() {
    let (_folder, server) = server();
    let programme = Programme::begin(server.channel().await).await;
    let instruction = v1::Instruction { instruction: "00000000000000000009".to_owned(), ..Default::default() };
    let table = rows! { v1::OutcomeInput;
        "occurred_at": |o| o.occurred_at = None;
        "occurred_at": |o| o.occurred_at = seconds(YEAR_2019);
        "source_reference": |o| o.source_reference = long(101);
        "approved_by": |o| o.approved_by = "siti".to_owned();
        "partner": |o| o.partner = 0;
        "partner": |o| o.partner = 77;
        "instruction": |o| o.instruction.clear();
        "instruction": |o| o.instruction = long(101);
        "kind": |o| o.kind = 0;
        "kind": |o| o.kind = 6;
        "amount_rupiah": |o| o.amount_rupiah = -1;
        "amount_rupiah": |o| o.amount_rupiah = i64::MAX;
        "transaction_reference": |o| o.transaction_reference = long(101);
        "raw_code": |o| o.raw_code = "a\tb".to_owned();
        "code_system": |o| o.code_system = 4;
        "reason": |o| o.reason = 12;
        "evidence": |o| o.evidence = 6;
        "evidence_reason": |o| o.evidence_reason = long(401);
        "transaction_reference": |o| o.transaction_reference.clear();
    };
    for (field, change) in table {
        let mut report = outcome(&instruction, v1::OutcomeKind::Settled, 5, 12);
        change(&mut report);
        names(&as_status(rejection(&programme.report(vec![report]).await[0])), field);
    }
}
