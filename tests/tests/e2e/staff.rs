//! Questions that staff ask: lists, histories, numbers of a wave, what falls due.

use ledger_proto::{Date, v1};
use ledger_rpc::v1::participant_service_client::ParticipantServiceClient;
use ledger_rpc::v1::programme_service_client::ProgrammeServiceClient;
use ledger_tests::life::{Programme, at, event, outcome, person, ready, selected};
use ledger_tests::server::from;
use tonic::Code;
use tonic::transport::Channel;
use tonic_types::StatusExt;

use crate::api::{reason, server};

async fn page(channel: &Channel, request: v1::ListParticipantsRequest) -> v1::ListParticipantsResponse {
    let mut client = ParticipantServiceClient::new(channel.clone());
    client.list_participants(from("officer/budi", request)).await.expect("a page").into_inner()
}

async fn everybody(channel: &Channel, filter: &v1::ListParticipantsRequest) -> Vec<String> {
    let (mut ids, mut page_token) = (Vec::new(), String::new());
    loop {
        let answer = page(channel, v1::ListParticipantsRequest { page_token, ..filter.clone() }).await;
        ids.extend(answer.participants.into_iter().map(|p| p.participant_id));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return ids;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_survive_writes_and_tokens_belong_to_their_filter() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let programme = Programme::begin(channel.clone()).await;
    programme.record((1..=250).map(selected).collect()).await;
    let first = page(&channel, v1::ListParticipantsRequest { wave: 1, page_size: 100, ..Default::default() }).await;
    assert_eq!(first.participants.len(), 100);
    assert_eq!(first.participants[99].participant_id, person(100));
    let mut more: Vec<_> = (251..=300).map(selected).collect();
    more.push(event(50, at(6, 1), revoked(50)));
    more.extend(ready(120).split_off(1));
    programme.record(more).await;
    let mut rest = Vec::new();
    let mut page_token = first.next_page_token.clone();
    while !page_token.is_empty() {
        let ask = v1::ListParticipantsRequest { wave: 1, page_size: 77, page_token, ..Default::default() };
        let answer = page(&channel, ask).await;
        rest.extend(answer.participants.into_iter().map(|p| p.participant_id));
        page_token = answer.next_page_token;
    }
    assert_eq!(rest, (101..=300).map(person).collect::<Vec<_>>(), "nobody twice, nobody left out");

    let mut tampered = first.next_page_token.clone();
    tampered.replace_range(..1, "f");
    let with = |token: &str| v1::ListParticipantsRequest { page_token: token.to_owned(), ..Default::default() };
    let rows = [
        ("other filter", v1::ListParticipantsRequest { wave: 2, ..with(&first.next_page_token) }),
        ("no filter", with(&first.next_page_token)),
        ("tampered", v1::ListParticipantsRequest { wave: 1, ..with(&tampered) }),
        ("made up", v1::ListParticipantsRequest { wave: 1, ..with("next please") }),
    ];
    let mut client = ParticipantServiceClient::new(channel.clone());
    for (what, request) in rows {
        let refused = client.list_participants(from("officer/budi", request)).await.expect_err(what);
        assert_eq!(refused.code(), Code::InvalidArgument, "{what}");
        assert_eq!(refused.get_details_bad_request().expect(what).field_violations[0].field, "page_token", "{what}");
    }
}

fn revoked(number: u64) -> v1::event_input::Event {
    let case_id = ledger_tests::life::uuid(7, number);
    let ground = v1::RevocationGround::FalseData.into();
    v1::event_input::Event::MembershipRevoked(v1::MembershipRevoked { case_id, ground })
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_filter_by_wave_region_status_and_reason() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let programme = Programme::begin(channel.clone()).await;
    let mut elsewhere = selected(4);
    if let Some(v1::event_input::Event::Selected(e)) = &mut elsewhere.event {
        e.region = "31.71".to_owned();
    }
    let mut no_account = ready(3);
    no_account.remove(1);
    let events = [ready(1), vec![selected(2), event(2, at(4, 30), revoked(2))], no_account, vec![elsewhere]].concat();
    let results = programme.record(events).await;
    assert!(results.iter().all(|r| matches!(r.result, Some(v1::record_result::Result::Receipt(_)))), "{results:?}");
    let all = v1::ListParticipantsRequest::default();
    let rows: Vec<(&str, v1::ListParticipantsRequest, &[u64])> = vec![
        ("all", all.clone(), &[1, 2, 3, 4]),
        ("wave", v1::ListParticipantsRequest { wave: 2, ..all.clone() }, &[]),
        ("region", v1::ListParticipantsRequest { region: "31.71".to_owned(), ..all.clone() }, &[4]),
        ("revoked", v1::ListParticipantsRequest { status: v1::MembershipStatus::Revoked.into(), ..all.clone() }, &[2]),
        (
            "no account",
            v1::ListParticipantsRequest { held_reason: v1::HeldReason::NoAccount.into(), ..all.clone() },
            &[3],
        ),
        // A run as of today draws on this year's funds, of which there are none.
        ("funds", v1::ListParticipantsRequest { held_reason: v1::HeldReason::Funds.into(), ..all.clone() }, &[1]),
        (
            "not earned and live",
            v1::ListParticipantsRequest {
                held_reason: v1::HeldReason::NotEarned.into(),
                status: v1::MembershipStatus::Live.into(),
                page_size: 1,
                ..all.clone()
            },
            &[1, 3, 4],
        ),
    ];
    for (what, filter, expected) in rows {
        let expected: Vec<_> = expected.iter().map(|n| person(*n)).collect();
        assert_eq!(everybody(&channel, &filter).await, expected, "{what}");
    }
    let one = page(&channel, v1::ListParticipantsRequest { region: "31.71".to_owned(), ..all }).await;
    let held = &one.participants[0].held;
    assert_eq!((held[0].reason(), held[0].count, held[0].total_rupiah), (v1::HeldReason::NotEarned, 7, 2_550_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_found_by_the_identity_digest() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    Programme::begin(channel.clone()).await.record(vec![selected(1), selected(2)]).await;
    let Some(v1::event_input::Event::Selected(e)) = selected(2).event else { panic!("a selection") };
    let mut client = ParticipantServiceClient::new(channel);
    let ask = |identity_digest| from("officer/budi", v1::FindByIdentityDigestRequest { identity_digest });
    let found = client.find_by_identity_digest(ask(e.identity_digest)).await.expect("one").into_inner();
    assert_eq!(found.participant.expect("one").participant_id, person(2));
    let unknown = client.find_by_identity_digest(ask(vec![9; 32].into())).await.expect_err("nobody");
    assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::NotFound, "IDENTITY_UNKNOWN"));
    assert!(!unknown.message().contains("0909"), "no digest in a text: {}", unknown.message());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_reads_both_ways_without_digests_and_tokens() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let programme = Programme::begin(channel.clone()).await;
    programme.record([ready(1), ready(2)].concat()).await;
    programme.run(1, 5, 10).await;
    let instruction = programme.instructions().await.remove(0);
    programme.report(vec![outcome(&instruction, v1::OutcomeKind::Settled, 5, 12)]).await;
    let mut client = ParticipantServiceClient::new(channel);
    let mut read = async |order: v1::HistoryOrder, page_size: i32| {
        let (mut events, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = v1::ListParticipantEventsRequest {
                participant_id: person(1),
                order: order.into(),
                page_size,
                page_token,
            };
            let answer =
                client.list_participant_events(from("officer/budi", request)).await.expect("a page").into_inner();
            events.extend(answer.events);
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                return events;
            }
        }
    };
    let oldest = read(v1::HistoryOrder::Unspecified, 3).await;
    assert_eq!(oldest.len(), 8);
    assert!(oldest.is_sorted_by_key(|e| e.position));
    let mut newest = read(v1::HistoryOrder::NewestFirst, 3).await;
    newest.reverse();
    assert_eq!(oldest, newest);
    use v1::history_event::Event as Told;
    assert!(matches!(&oldest[0].event, Some(Told::Selected(e)) if e.identity_digest.is_empty() && e.wave == 1));
    assert!(matches!(&oldest[1].event, Some(Told::PayoutAccountLinked(e)) if e.account_token.is_empty()));
    assert!(matches!(&oldest[6].event, Some(Told::PayoutInstructed(e)) if e.instruction == instruction.instruction));
    assert!(matches!(&oldest[7].event, Some(Told::PayoutSettled(e)) if e.amount_rupiah == 600_000));
    assert_eq!(oldest[0].actor, "insecure:selection/test");
    let nobody = v1::ListParticipantEventsRequest { participant_id: person(9), ..Default::default() };
    let refused = client.list_participant_events(from("officer/budi", nobody)).await.expect_err("nobody");
    assert_eq!(reason(&refused), "PARTICIPANT_UNKNOWN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wave_in_numbers() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let programme = Programme::begin(channel.clone()).await;
    let events = [ready(1), ready(2), vec![selected(3), selected(4), event(4, at(4, 30), revoked(4))]].concat();
    programme.record(events).await;
    programme.run(1, 5, 10).await;
    let instructions = programme.instructions().await;
    programme.report(vec![outcome(&instructions[0], v1::OutcomeKind::Settled, 5, 12)]).await;
    let mut client = ProgrammeServiceClient::new(channel);
    let ask = v1::GetWaveSummaryRequest { wave: 1 };
    let wave = client.get_wave_summary(from("officer/budi", ask)).await.expect("numbers").into_inner();
    let total = wave.total.expect("a total");
    assert_eq!((total.selected, total.active, total.completed, total.certified, total.paid), (4, 3, 2, 2, 1));
    assert_eq!((total.forfeited, total.received_rupiah, total.forfeited_rupiah), (1, 600_000, 1_000_000));
    assert_eq!(total.treasury_returned_rupiah, 2_550_000);
    assert_eq!((total.revoked[0].ground(), total.revoked[0].count), (v1::RevocationGround::FalseData, 1));
    assert_eq!(wave.regions.len(), 1);
    assert_eq!(wave.regions[0].counts.as_ref().map(|c| c.selected), Some(4));
    let held = |reason: v1::HeldReason| wave.held.iter().find(|h| h.reason() == reason).map_or(0, |h| h.count);
    assert_eq!(held(v1::HeldReason::Settled), 1);
    assert_eq!(held(v1::HeldReason::InTransit), 1);
    assert_eq!(held(v1::HeldReason::MembershipRevoked), 7);
    assert_eq!(wave.held.iter().map(|h| h.count).sum::<u64>(), 4 * 7, "each incentive under one reason");
    let unknown = v1::GetWaveSummaryRequest { wave: 2 };
    let refused = client.get_wave_summary(from("officer/budi", unknown)).await.expect_err("no wave 2");
    assert_eq!(reason(&refused), "WAVE_UNKNOWN");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_falls_due_by_partner() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let programme = Programme::begin(channel.clone()).await;
    let mut no_account = ready(2);
    no_account.remove(1);
    programme.record([ready(1), no_account, vec![selected(3)]].concat()).await;
    let mut client = ProgrammeServiceClient::new(channel);
    let day = |month, day| Some(Date { year: 2020, month, day });
    let ask = v1::GetDueForecastRequest { from: day(6, 1), to: day(7, 31) };
    let due = client.get_due_forecast(from("officer/budi", ask)).await.expect("a forecast").into_inner();
    let row = |entry: &v1::DueTotal| (entry.partner(), entry.count, entry.total_rupiah);
    let (gopay, none) = (v1::Partner::Gopay, v1::Partner::Unspecified);
    assert_eq!(due.due.iter().map(row).collect::<Vec<_>>(), [(gopay, 2, 1_200_000), (none, 2, 1_200_000)]);
    assert_eq!(due.overdue.iter().map(row).collect::<Vec<_>>(), [(gopay, 1, 600_000), (none, 1, 600_000)]);
    assert_eq!((due.held[0].reason(), due.held[0].count), (v1::HeldReason::NoAccount, 3));
    let backwards = v1::GetDueForecastRequest { from: day(6, 2), to: day(6, 1) };
    let refused = client.get_due_forecast(from("officer/budi", backwards)).await.expect_err("backwards");
    assert_eq!(refused.get_details_bad_request().expect("a field").field_violations[0].field, "to");
}
