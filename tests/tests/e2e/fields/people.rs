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
    refuses! { client.report_outcomes, v1::ReportOutcomesRequest::default(), v1::ReportOutcomesRequest;
        "outcomes": |_| {};
        "outcomes": |r| r.outcomes = vec![v1::OutcomeInput::default(); 8_191];
    }
}
