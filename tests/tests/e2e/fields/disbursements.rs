//! Runs, doubts and exceptions.

use ledger_proto::v1;
use ledger_rpc::v1::disbursement_service_client::DisbursementServiceClient;
use ledger_tests::life::{at, uuid};
use ledger_tests::server::from;

use super::{YEAR_2019, YEAR_2200, date, long, names, seconds};
use crate::api::server;

#[tokio::test(flavor = "multi_thread")]
async fn each_field_of_a_command_or_question() {
    let (_folder, server) = server();
    let mut client = DisbursementServiceClient::new(server.channel().await);
    let good = || v1::PlanRunRequest { run_id: uuid(9, 1), as_of: date(2020, 5, 1), ..Default::default() };
    refuses! { client.plan_run, good(), v1::PlanRunRequest;
        "run_id": |r| r.run_id.clear();
        "as_of": |r| r.as_of = None;
        "as_of": |r| r.as_of = date(2101, 1, 1);
        "occurred_at": |r| r.occurred_at = seconds(YEAR_2019);
        "source_reference": |r| r.source_reference = long(101);
    }
    let good = || v1::ApproveRunRequest { run_id: uuid(9, 1), items_sha256: vec![1; 32].into(), ..Default::default() };
    refuses! { client.approve_run, good(), v1::ApproveRunRequest;
        "run_id": |r| r.run_id = "9".to_owned();
        "items_sha256": |r| r.items_sha256.clear();
        "occurred_at": |r| r.occurred_at = seconds(YEAR_2200);
    }
    refuses! { client.get_run, v1::GetRunRequest::default(), v1::GetRunRequest; "run_id": |_| {}; }
    refuses! { client.list_runs, v1::ListRunsRequest::default(), v1::ListRunsRequest;
        "state": |r| r.state = 4;
        "page_size": |r| r.page_size = -1;
        "page_size": |r| r.page_size = 1_001;
        "page_token": |r| r.page_token = "x".to_owned();
    }
    let good = || v1::ResolveInDoubtRequest {
        occurred_at: Some(at(5, 1)),
        approved_by: "approver/siti".to_owned(),
        instruction: "00000000000000000009".to_owned(),
        kind: v1::OutcomeKind::Settled.into(),
        transaction_reference: "t".to_owned(),
        evidence_reason: "seen".to_owned(),
        ..Default::default()
    };
    refuses! { client.resolve_in_doubt, good(), v1::ResolveInDoubtRequest;
        "occurred_at": |r| r.occurred_at = seconds(YEAR_2019);
        "approved_by": |r| r.approved_by = "siti".to_owned();
        "instruction": |r| r.instruction.clear();
        "instruction": |r| r.instruction = "9".to_owned();
        "kind": |r| r.kind = 0;
        "kind": |r| r.kind = v1::OutcomeKind::Accepted.into();
        "transaction_reference": |r| r.transaction_reference.clear();
        "reason": |r| r.reason = 1;
        "reason": |r| r.reason = 99;
        "account_fault": |r| r.account_fault = true;
        "evidence_reason": |r| r.evidence_reason.clear();
        "evidence_reason": |r| r.evidence_reason = long(401);
    }
    let good = || v1::ResolveExceptionRequest {
        partner: v1::Partner::Ovo.into(),
        transaction_reference: "t".to_owned(),
        kind: v1::OutcomeKind::Settled.into(),
        resolution: "done".to_owned(),
        approved_by: "approver/siti".to_owned(),
        ..Default::default()
    };
    refuses! { client.resolve_exception, good(), v1::ResolveExceptionRequest;
        "partner": |r| r.partner = 0;
        "transaction_reference": |r| r.transaction_reference.clear();
        "kind": |r| r.kind = 9;
        "resolution": |r| r.resolution.clear();
        "approved_by": |r| r.approved_by = long(101);
        "occurred_at": |r| r.occurred_at = seconds(YEAR_2019);
    }
}
