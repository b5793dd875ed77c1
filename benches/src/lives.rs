//! Small lives for measures of calls: six events that bring a participant to the first due incentive, then a survey.

use std::collections::VecDeque;

use ledger_proto::v1::event_input::Event;
use ledger_proto::{Date, Timestamp, v1};
use ledger_rpc::v1::programme_service_client::ProgrammeServiceClient;
use tonic::Request;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;

use crate::measure::Failed;

/// Events of [`ready`].
pub(crate) const EVENTS: u64 = 6;

/// What the training costs, rupiah.
pub(crate) const PRICE: i64 = 400_000;

/// A request of an actor.
pub(crate) fn from<T>(actor: &str, message: T) -> Result<Request<T>, Failed> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("x-ledger-actor", MetadataValue::try_from(actor)?);
    Ok(request)
}

/// 09:00 WIB of a day of 2020.
pub(crate) fn at(month: i32, day: i32) -> Timestamp {
    let days = i64::from(Date { year: 2020, month, day }.unix_days().unwrap_or_default());
    Timestamp { seconds: days * 86_400 + 2 * 3_600, nanos: 0 }
}

/// The same UUID for the same kind and number, scattered as random ones are.
pub(crate) fn uuid(kind: u8, number: u64) -> String {
    let mixed = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    format!("{:08x}-{:04x}-4000-8000-{:04x}{number:08x}", mixed >> 32, kind, mixed & 0xFFFF)
}

/// A participant's id.
pub(crate) fn person(number: u64) -> String {
    uuid(1, number)
}

fn digest(kind: u8, number: u64) -> bytes::Bytes {
    use sha2::Digest as _;
    let hash: [u8; 32] = sha2::Sha256::digest([&[kind][..], &number.to_be_bytes()].concat()).into();
    hash.to_vec().into()
}

fn event(number: u64, when: Timestamp, event: Event) -> v1::EventInput {
    v1::EventInput {
        participant_id: person(number),
        occurred_at: Some(when),
        source_reference: format!("bench {number}"),
        approved_by: String::new(),
        event: Some(event),
    }
}

/// A participant up to the first due incentive, which falls due on 6 May 2020.
pub(crate) fn ready(number: u64) -> [v1::EventInput; EVENTS as usize] {
    let purchase_id = uuid(3, number);
    [
        event(
            number,
            at(4, 10),
            Event::Selected(v1::Selected {
                wave: 1,
                identity_digest: digest(1, number),
                identity_key_id: "key-1".to_owned(),
                family_card_digest: digest(2, number),
                region: "12.75".to_owned(),
            }),
        ),
        event(
            number,
            at(4, 12),
            Event::PayoutAccountLinked(v1::PayoutAccountLinked {
                link_id: uuid(2, number),
                partner: v1::Partner::Gopay.into(),
                account_token: format!("token-{number}"),
                holder_identity_digest: digest(1, number),
            }),
        ),
        event(
            number,
            at(4, 20),
            Event::TrainingBought(v1::TrainingBought {
                purchase_id: purchase_id.clone(),
                course: "Dasar-Dasar Akuntansi".to_owned(),
                platform: v1::Platform::Tokopedia.into(),
                provider: "Lembaga Uji".to_owned(),
                price_rupiah: PRICE,
            }),
        ),
        event(number, at(5, 1), Event::TrainingCompleted(v1::TrainingCompleted { purchase_id: purchase_id.clone() })),
        event(
            number,
            at(5, 1),
            Event::CertificateIssued(v1::CertificateIssued {
                purchase_id: purchase_id.clone(),
                certificate_number: format!("C-{number}"),
            }),
        ),
        event(number, at(5, 1), Event::TrainingReviewed(v1::TrainingReviewed { purchase_id, rating: 5 })),
    ]
}

/// The name and number of an event of [`ready`], as other stores keep it.
pub(crate) fn kind(input: &v1::EventInput) -> (&'static str, i16) {
    match &input.event {
        Some(Event::Selected(_)) => ("Selected", 1),
        Some(Event::PayoutAccountLinked(_)) => ("PayoutAccountLinked", 2),
        Some(Event::TrainingBought(_)) => ("TrainingBought", 4),
        Some(Event::TrainingCompleted(_)) => ("TrainingCompleted", 6),
        Some(Event::CertificateIssued(_)) => ("CertificateIssued", 8),
        Some(Event::TrainingReviewed(_)) => ("TrainingReviewed", 9),
        _ => ("", 0),
    }
}

/// Many such lives as batches that wait for each other: one for each event, since each event has its own sender.
pub(crate) fn stages(numbers: &[u64]) -> Vec<Vec<v1::EventInput>> {
    let mut stages = vec![Vec::with_capacity(numbers.len()); EVENTS as usize];
    for number in numbers {
        ready(*number).into_iter().zip(&mut stages).for_each(|(event, stage)| stage.push(event));
    }
    stages
}

/// The lives of so many people as [`stages`] of a thousand.
pub(crate) fn chains(people: u64) -> VecDeque<Vec<Vec<v1::EventInput>>> {
    let numbers: Vec<u64> = (0..people).collect();
    numbers.chunks(1_000).map(stages).collect()
}

/// Who sends a batch: the one whose its first event is to send.
pub(crate) fn sender(events: &[v1::EventInput]) -> Result<&'static str, Failed> {
    let event = events.first().and_then(|input| input.event.as_ref()).ok_or("no event")?;
    Ok(match event {
        Event::Selected(_) => "selection/bench",
        Event::PayoutAccountLinked(_) => "account/bench",
        Event::TrainingBought(_) | Event::TrainingCompleted(_) | Event::TrainingReviewed(_) => "platform/tokopedia",
        Event::CertificateIssued(_) => "provider/bench",
        Event::SurveyFilled(_) => "survey/bench",
        _ => return Err("not an event of these lives".into()),
    })
}

/// A survey, from the first to the third; each needs the one before it.
pub(crate) fn survey(number: u64, survey_number: u32) -> v1::EventInput {
    event(number, at(11, 20), Event::SurveyFilled(v1::SurveyFilled { survey_number }))
}

/// Enacts semi-bansos, opens one wave for everybody, appropriates funds.
pub(crate) async fn begin(channel: Channel) -> Result<(), Failed> {
    let mut client = ProgrammeServiceClient::new(channel);
    let scheme = v1::Scheme {
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
    };
    let approved_by = || "approver/siti".to_owned();
    let enact = v1::EnactSchemeRequest {
        occurred_at: Some(at(4, 1)),
        source_reference: "decree 1".to_owned(),
        approved_by: approved_by(),
        scheme: Some(scheme),
    };
    client.enact_scheme(from("officer/budi", enact)?).await?;
    let open = v1::OpenWaveRequest {
        occurred_at: Some(at(4, 2)),
        wave: 1,
        scheme_id: "semi-bansos".to_owned(),
        year: 2020,
        quota: 10_000_000,
        ..Default::default()
    };
    client.open_wave(from("officer/budi", open)?).await?;
    let funds = v1::AppropriateFundsRequest {
        occurred_at: Some(at(4, 2)),
        approved_by: approved_by(),
        document_number: "DIPA-1".to_owned(),
        fiscal_year: 2020,
        amount_rupiah: 20_000_000_000_000,
        ..Default::default()
    };
    client.appropriate_funds(from("officer/budi", funds)?).await?;
    Ok(())
}

/// Whether every result is a receipt.
pub(crate) fn all_in(response: &v1::RecordEventsResponse) -> Result<(), Failed> {
    for result in &response.results {
        if let Some(v1::record_result::Result::Rejection(status)) = &result.result {
            return Err(format!("refused: {}", status.message).into());
        }
    }
    Ok(())
}
