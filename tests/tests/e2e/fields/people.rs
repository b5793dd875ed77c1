//! Questions about participants, and what partners ask and send.

use ledger_proto::{Timestamp, v1};
use ledger_rpc::v1::participant_service_client::ParticipantServiceClient;
use ledger_rpc::v1::payout_service_client::PayoutServiceClient;
use ledger_tests::life::person;
use ledger_tests::server::from;

use super::{date, names};
use crate::api::server;

#[tokio::test(flavor = "multi_thread")]
async fn each_field_of_a_question() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let mut client = ParticipantServiceClient::new(channel.clone());
    let good = || v1::GetParticipantRequest { participant_id: person(1), ..Default::default() };
    refuses! { client.get_participant, good(), v1::GetParticipantRequest;
        "participant_id": |r| r.participant_id.clear();
        "as_of": |r| r.as_of = date(2020, 2, 30);
        "known_at": |r| r.known_at = Some(v1::KnownAt::default());
        "known_at.recorded_at": |r| r.known_at = Some(v1::KnownAt {
            point: Some(v1::known_at::Point::RecordedAt(Timestamp { seconds: 0, nanos: -1 })),
        });
    }
    refuses! { client.list_participants, v1::ListParticipantsRequest::default(), v1::ListParticipantsRequest;
        "wave": |r| r.wave = 10_000;
        "region": |r| r.region = "1.2".to_owned();
        "status": |r| r.status = 3;
        "held_reason": |r| r.held_reason = 13;
        "held_reason": |r| r.held_reason = -1;
        "page_size": |r| r.page_size = 1_001;
        "page_token": |r| r.page_token = "0".repeat(32);
    }
    let nobody = v1::FindByIdentityDigestRequest::default;
    refuses! { client.find_by_identity_digest, nobody(), v1::FindByIdentityDigestRequest;
        "identity_digest": |_| {};
        "identity_digest": |r| r.identity_digest = vec![1; 33].into();
    }
    let good = || v1::ListParticipantEventsRequest { participant_id: person(1), ..Default::default() };
    refuses! { client.list_participant_events, good(), v1::ListParticipantEventsRequest;
        "participant_id": |r| r.participant_id = "p".to_owned();
        "order": |r| r.order = 3;
        "page_size": |r| r.page_size = -5;
        "page_token": |r| r.page_token = "next".to_owned();
    }
    let mut client = PayoutServiceClient::new(channel);
    let good = || v1::ListOutstandingInstructionsRequest { partner: 1, ..Default::default() };
    refuses! { client.list_outstanding_instructions, good(), v1::ListOutstandingInstructionsRequest;
        "partner": |r| r.partner = 0;
        "partner": |r| r.partner = 6;
        "status": |r| r.status = 7;
        "status": |r| r.status = v1::InstructionStatus::Settled.into();
        "page_size": |r| r.page_size = 1_001;
        "page_token": |r| r.page_token = "next".to_owned();
    }
    refuses! { client.get_instruction, v1::GetInstructionRequest::default(), v1::GetInstructionRequest;
        "instruction": |_| {};
        "instruction": |r| r.instruction = "0000000000000000000x".to_owned();
    }
    let good = || v1::StreamInstructionsRequest { partner: 1, ..Default::default() };
    refuses! { client.stream_instructions, good(), v1::StreamInstructionsRequest;
        "partner": |r| r.partner = 0;
        "from_instruction": |r| r.from_instruction = "7".to_owned();
    }
    let good = || v1::ListExceptionsRequest { partner: 1, ..Default::default() };
    refuses! { client.list_exceptions, good(), v1::ListExceptionsRequest;
        "partner": |r| r.partner = 0;
        "page_size": |r| r.page_size = -1;
        "page_token": |r| r.page_token = "next".to_owned();
    }
    refuses! { client.report_outcomes, v1::ReportOutcomesRequest::default(), v1::ReportOutcomesRequest;
        "outcomes": |_| {};
        "outcomes": |r| r.outcomes = vec![v1::OutcomeInput::default(); 8_191];
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_field_of_a_statement() {
    use v1::reconcile_statement_request::Part;
    let (_folder, server) = server();
    let mut client = PayoutServiceClient::new(server.channel().await);
    let good = v1::StatementHeader {
        partner: 1,
        file_sha256: vec![1; 32].into(),
        period_from: date(2020, 5, 1),
        period_to: date(2020, 5, 31),
        ..Default::default()
    };
    let line = v1::StatementLine { kind: 2, amount_rupiah: 1, date: date(2020, 5, 31), ..Default::default() };
    let mut send = async |parts: Vec<Part>| {
        let parts = parts.into_iter().map(|part| v1::ReconcileStatementRequest { part: Some(part) });
        client.reconcile_statement(from("officer/budi", tokio_stream::iter(parts.collect::<Vec<_>>()))).await
    };
    let of = |lines: &[v1::StatementLine]| Part::Lines(v1::StatementLines { lines: lines.to_vec() });
    let whole = vec![Part::Header(good.clone()), of(std::slice::from_ref(&line))];
    assert!(send(whole).await.is_ok(), "the good one");
    let headers = rows! { v1::StatementHeader;
        "occurred_at": |h| h.occurred_at = super::seconds(super::YEAR_2019);
        "source_reference": |h| h.source_reference = super::long(101);
        "partner": |h| h.partner = 0;
        "file_sha256": |h| h.file_sha256 = vec![1; 31].into();
        "period_from": |h| h.period_from = None;
        "period_to": |h| h.period_to = date(2020, 2, 30);
        "period_to": |h| h.period_to = date(2020, 4, 30);
    };
    for (field, change) in headers {
        let mut header = good.clone();
        change(&mut header);
        names(&send(vec![Part::Header(header)]).await.expect_err(field), field);
    }
    let lines = rows! { v1::StatementLine;
        "lines.instruction": |l| l.instruction = super::long(101);
        "lines.transaction_reference": |l| l.transaction_reference = "a\tb".to_owned();
        "lines.kind": |l| l.kind = v1::OutcomeKind::Rejected.into();
        "lines.kind": |l| l.kind = 0;
        "lines.amount_rupiah": |l| l.amount_rupiah = 0;
        "lines.date": |l| l.date = None;
        "lines.date": |l| l.date = date(2020, 6, 1);
        "lines.date": |l| l.date = date(2020, 4, 30);
    };
    for (field, change) in lines {
        let mut line = line.clone();
        change(&mut line);
        names(&send(vec![Part::Header(good.clone()), of(&[line])]).await.expect_err(field), field);
    }
    names(&send(vec![]).await.expect_err("no header"), "header");
    names(&send(vec![of(std::slice::from_ref(&line))]).await.expect_err("lines first"), "header");
    names(&send(vec![Part::Header(good.clone()), Part::Header(good.clone())]).await.expect_err("twice"), "header");
    names(&send(vec![Part::Header(good.clone()), of(&[])]).await.expect_err("no lines"), "lines");
}
