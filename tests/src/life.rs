//! A small programme over the API: a scheme, a wave, funds, and people who live in it.

use std::collections::{BTreeMap, HashMap};

use ledger_core::codes::Platform;
use ledger_proto::v1::event_input::Event;
use ledger_proto::{Date, Timestamp, v1};
use ledger_rpc::v1::disbursement_service_client::DisbursementServiceClient;
use ledger_rpc::v1::event_service_client::EventServiceClient;
use ledger_rpc::v1::payout_service_client::PayoutServiceClient;
use ledger_rpc::v1::programme_service_client::ProgrammeServiceClient;
use ledger_server::access::Role;
use ledger_server::access::table::fact;
use tonic::transport::Channel;

use crate::server::from;

/// 09:00 WIB of a day of 2020.
#[must_use]
pub fn at(month: i32, day: i32) -> Timestamp {
    let date = Date { year: 2020, month, day };
    let days = i64::from(date.unix_days().unwrap_or_default());
    Timestamp { seconds: days * 86_400 + 2 * 3_600, nanos: 0 }
}

/// The same UUID for the same kind and number.
#[must_use]
pub fn uuid(kind: u8, number: u64) -> String {
    format!("{kind:08x}-0000-4000-8000-{number:012x}")
}

/// A participant's id.
#[must_use]
pub fn person(number: u64) -> String {
    uuid(1, number)
}

fn digest(kind: u8, number: u64) -> bytes::Bytes {
    let mut bytes = vec![kind; 24];
    bytes.extend_from_slice(&number.to_be_bytes());
    bytes.into()
}

/// An event of a person.
#[must_use]
pub fn event(number: u64, when: Timestamp, event: Event) -> v1::EventInput {
    v1::EventInput {
        participant_id: person(number),
        occurred_at: Some(when),
        source_reference: format!("test {number}"),
        approved_by: String::new(),
        event: Some(event),
    }
}

/// Selected on 10 April 2020 in Kota Binjai.
#[must_use]
pub fn selected(number: u64) -> v1::EventInput {
    let selected = v1::Selected {
        wave: 1,
        identity_digest: digest(1, number),
        identity_key_id: "key-1".to_owned(),
        family_card_digest: digest(2, number),
        region: "12.75".to_owned(),
    };
    event(number, at(4, 10), Event::Selected(selected))
}

/// A GoPay account, linked on 12 April 2020.
#[must_use]
pub fn linked(number: u64) -> v1::EventInput {
    let linked = v1::PayoutAccountLinked {
        link_id: uuid(2, number),
        partner: v1::Partner::Gopay.into(),
        account_token: format!("token-{number}"),
        holder_identity_digest: digest(1, number),
    };
    event(number, at(4, 12), Event::PayoutAccountLinked(linked))
}

/// A course bought on 20 April 2020 for 400,000.
#[must_use]
pub fn bought(number: u64) -> v1::EventInput {
    let bought = v1::TrainingBought {
        purchase_id: uuid(3, number),
        course: "Dasar-Dasar Akuntansi".to_owned(),
        platform: v1::Platform::Tokopedia.into(),
        provider: "Lembaga Uji".to_owned(),
        price_rupiah: 400_000,
    };
    event(number, at(4, 20), Event::TrainingBought(bought))
}

/// Completed, certified and reviewed on 1 May 2020: the first incentive is due on 6 May.
#[must_use]
pub fn unlocked(number: u64) -> Vec<v1::EventInput> {
    let purchase_id = uuid(3, number);
    let certificate = format!("C-{number}");
    let events = [
        Event::TrainingCompleted(v1::TrainingCompleted { purchase_id: purchase_id.clone() }),
        Event::CertificateIssued(v1::CertificateIssued {
            purchase_id: purchase_id.clone(),
            certificate_number: certificate,
        }),
        Event::TrainingReviewed(v1::TrainingReviewed { purchase_id, rating: 5 }),
    ];
    events.into_iter().map(|e| event(number, at(5, 1), e)).collect()
}

/// A person up to the first due incentive.
#[must_use]
pub fn ready(number: u64) -> Vec<v1::EventInput> {
    let mut events = vec![selected(number), linked(number), bought(number)];
    events.extend(unlocked(number));
    events
}

/// Six people selected: as many events as [`ready`] has, all for one sender.
#[must_use]
pub fn selections(number: u64) -> Vec<v1::EventInput> {
    (6 * number..6 * number + 6).map(selected).collect()
}

/// Who sends an event: the first of those whose it is to send (DOMAIN section 3).
///
/// # Panics
///
/// Nobody may send it.
#[must_use]
pub fn sender(event: &v1::EventInput) -> String {
    let Some(event) = &event.event else { return "selection/test".to_owned() };
    let role = fact(event).by.first().expect("a sender");
    let name = match (role, event) {
        (Role::Platform, Event::TrainingBought(bought)) => {
            let number = u8::try_from(bought.platform).ok();
            number.and_then(Platform::from_number).unwrap_or(Platform::Tokopedia).code()
        }
        (Role::Platform, _) => Platform::Tokopedia.code(),
        (Role::Officer, _) => "budi",
        _ => "test",
    };
    format!("{}/{name}", role.name())
}

/// The semi-bansos scheme as a message.
#[must_use]
pub fn semi_bansos() -> v1::Scheme {
    v1::Scheme {
        scheme_id: "semi-bansos".to_owned(),
        training_aid_rupiah: 1_000_000,
        training_incentives_rupiah: vec![600_000; 4],
        survey_incentives_rupiah: vec![50_000; 3],
        first_purchase_days: 30,
        balance_last_day: Some(v1::MonthDay { month: 12, day: 15 }),
        complete_by: Some(v1::MonthDay { month: 12, day: 31 }),
        first_incentive_due_days: 5,
        survey_opening_days: vec![30, 60, 90],
        survey_due_days: 14,
        instruction_expiry_days: 7,
        max_participants_per_family_card: 2,
    }
}

/// The programme's side of a test, as officer and approver.
pub struct Programme {
    channel: Channel,
}

impl Programme {
    /// Enacts semi-bansos, opens wave 1 of 2020, appropriates ten billion.
    ///
    /// # Panics
    ///
    /// The ledger refuses.
    pub async fn begin(channel: Channel) -> Self {
        let mut client = ProgrammeServiceClient::new(channel.clone());
        let enact = v1::EnactSchemeRequest {
            occurred_at: Some(at(4, 1)),
            source_reference: "decree 1".to_owned(),
            approved_by: "approver/siti".to_owned(),
            scheme: Some(semi_bansos()),
        };
        client.enact_scheme(from("officer/budi", enact)).await.expect("a scheme");
        let open = v1::OpenWaveRequest {
            occurred_at: Some(at(4, 2)),
            wave: 1,
            scheme_id: "semi-bansos".to_owned(),
            year: 2020,
            quota: 1_000_000,
            ..Default::default()
        };
        client.open_wave(from("officer/budi", open)).await.expect("a wave");
        let funds = v1::AppropriateFundsRequest {
            occurred_at: Some(at(4, 2)),
            approved_by: "approver/siti".to_owned(),
            document_number: "DIPA-1".to_owned(),
            fiscal_year: 2020,
            amount_rupiah: 10_000_000_000,
            ..Default::default()
        };
        client.appropriate_funds(from("officer/budi", funds)).await.expect("funds");
        Self { channel }
    }

    /// The same people at a programme that was begun before.
    #[must_use]
    pub const fn again(channel: Channel) -> Self {
        Self { channel }
    }

    /// Records events, each sent by whose it is to send; gives each one's result in their order. Those of one participant are
    /// decided in their order; others go out together with them, in as few calls as that takes.
    ///
    /// # Panics
    ///
    /// The call fails.
    pub async fn record(&self, events: Vec<v1::EventInput>) -> Vec<v1::RecordResult> {
        let mut client = EventServiceClient::new(self.channel.clone());
        let mut levels = HashMap::<String, (usize, String)>::new();
        let mut calls = BTreeMap::<(usize, String), Vec<usize>>::new();
        for (index, event) in events.iter().enumerate() {
            let sender = sender(event);
            let (level, last) = levels.entry(event.participant_id.clone()).or_insert((0, sender.clone()));
            if *last != sender {
                (*level, *last) = (*level + 1, sender.clone());
            }
            calls.entry((*level, sender)).or_default().push(index);
        }
        let mut results = vec![v1::RecordResult::default(); events.len()];
        for ((_, sender), indices) in calls {
            let events = indices.iter().map(|index| events[*index].clone()).collect();
            let request = from(&sender, v1::RecordEventsRequest { events });
            let answers = client.record_events(request).await.expect("an answer").into_inner().results;
            for (index, answer) in indices.into_iter().zip(answers) {
                results[index] = answer;
            }
        }
        results
    }

    /// Plans a run and approves it; gives the closing.
    ///
    /// # Panics
    ///
    /// The ledger refuses.
    pub async fn run(&self, number: u64, month: i32, day: i32) -> v1::ApproveRunResponse {
        let mut client = DisbursementServiceClient::new(self.channel.clone());
        let plan = v1::PlanRunRequest {
            occurred_at: Some(at(month, day)),
            run_id: uuid(9, number),
            as_of: Some(Date { year: 2020, month, day }),
            ..Default::default()
        };
        let planned = client.plan_run(from("officer/budi", plan)).await.expect("a plan").into_inner();
        let approve = v1::ApproveRunRequest {
            occurred_at: Some(at(month, day)),
            run_id: uuid(9, number),
            items_sha256: planned.plan.expect("a plan").items_sha256,
            ..Default::default()
        };
        client.approve_run(from("approver/siti", approve)).await.expect("an approval").into_inner()
    }

    /// All instructions of GoPay from the start.
    ///
    /// # Panics
    ///
    /// The stream fails.
    pub async fn instructions(&self) -> Vec<v1::Instruction> {
        let mut client = PayoutServiceClient::new(self.channel.clone());
        let ask = v1::StreamInstructionsRequest { partner: v1::Partner::Gopay.into(), ..Default::default() };
        let mut stream = client.stream_instructions(from("partner/gopay", ask)).await.expect("a stream").into_inner();
        let mut instructions = Vec::new();
        while let Some(message) = stream.message().await.expect("a message") {
            instructions.extend(message.instructions);
        }
        instructions
    }

    /// Reports outcomes; gives each one's result.
    ///
    /// # Panics
    ///
    /// The call fails.
    pub async fn report(&self, outcomes: Vec<v1::OutcomeInput>) -> Vec<v1::RecordResult> {
        let mut client = PayoutServiceClient::new(self.channel.clone());
        let request = from("partner/gopay", v1::ReportOutcomesRequest { outcomes });
        client.report_outcomes(request).await.expect("an answer").into_inner().results
    }
}

/// What GoPay says of an instruction on a day of 2020.
#[must_use]
pub fn outcome(instruction: &v1::Instruction, kind: v1::OutcomeKind, month: i32, day: i32) -> v1::OutcomeInput {
    v1::OutcomeInput {
        occurred_at: Some(at(month, day)),
        partner: v1::Partner::Gopay.into(),
        instruction: instruction.instruction.clone(),
        kind: kind.into(),
        amount_rupiah: instruction.amount_rupiah,
        transaction_reference: format!("gp-{}", instruction.instruction),
        ..Default::default()
    }
}

/// The receipt of a result.
///
/// # Panics
///
/// It is a rejection.
#[must_use]
pub fn receipt(result: &v1::RecordResult) -> &v1::Receipt {
    match &result.result {
        Some(v1::record_result::Result::Receipt(receipt)) => receipt,
        other => panic!("no receipt: {other:?}"),
    }
}
