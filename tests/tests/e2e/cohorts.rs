//! Whole cohorts through the real log: the published figures, and oracle, server and replay to the rupiah.

use std::collections::BTreeMap;
use std::path::Path;

use ledger_log::{AtRest, record};
use ledger_proto::v1;
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_rpc::v1::participant_service_client::ParticipantServiceClient;
use ledger_rpc::v1::programme_service_client::ProgrammeServiceClient;
use ledger_tests::oracle::Oracle;
use ledger_tests::server::{Server, from};
use serde_json::Value;

use crate::PROGRAMS;

type Accounts = BTreeMap<String, i64>;

/// Accounts of the tool's JSON that are not zero.
fn accounts(value: &Value) -> Accounts {
    let pairs: Vec<(String, &Value)> = match value {
        Value::Array(list) => {
            list.iter().map(|a| (a["account"].as_str().expect("a name").to_owned(), &a["amount"])).collect()
        }
        Value::Object(map) => map.iter().map(|(name, amount)| (name.clone(), amount)).collect(),
        other => panic!("no accounts: {other}"),
    };
    let amount = |text: &Value| text.as_str().expect("text").parse::<i64>().expect("a number");
    pairs.into_iter().map(|(name, text)| (name, amount(text))).filter(|(_, amount)| *amount != 0).collect()
}

async fn trial_balance(server: &Server) -> Accounts {
    let mut client = ProgrammeServiceClient::new(server.channel().await);
    let answer = client.get_trial_balance(from("auditor/test", v1::GetTrialBalanceRequest::default())).await;
    let answer = answer.expect("a trial balance").into_inner();
    assert_eq!(answer.sum_rupiah, 0);
    answer.accounts.into_iter().map(|a| (a.account, a.amount_rupiah)).filter(|(_, amount)| *amount != 0).collect()
}

fn oracle(data: &Path) -> Oracle {
    let mut oracle = Oracle::default();
    let log = AtRest::open(data).expect("a log");
    let examined = log.examine(|_, bytes| {
        oracle.observe(&record::decode(bytes)?);
        Ok(())
    });
    assert_eq!(examined.expect("a readable log").findings, []);
    oracle
}

/// Loads a year and compares everybody's money three ways.
async fn agree(scheme: &str, seed: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, data) = (folder.path().join("year.jsonl"), folder.path().join("data"));
    PROGRAMS.generate(40, seed, scheme, "year", &file);
    let server = Server::start(&PROGRAMS, &data);
    let loaded = PROGRAMS.load(&file, &server);
    assert_eq!(loaded["rejected"], 0, "{scheme} {seed}");
    let served = trial_balance(&server).await;
    let mut client = ParticipantServiceClient::new(server.channel().await);
    let mut people = BTreeMap::new();
    let mut from_server = oracle_of_stream(&server).await;
    for id in from_server.participants().collect::<Vec<_>>() {
        let ask = v1::GetParticipantRequest { participant_id: id.to_string(), ..Default::default() };
        let answer = client.get_participant(from("auditor/test", ask)).await.expect("a participant").into_inner();
        let accounts: Accounts = answer.participant.expect("a participant").accounts.into_iter().collect();
        assert_eq!(accounts, from_server.accounts(id), "{scheme} {seed} {id}");
        people.insert(id.to_string(), accounts);
    }
    assert_eq!(server.terminate().code(), Some(0));

    from_server = oracle(&data);
    assert_eq!(served, from_server.totals(), "{scheme} {seed}");
    let replayed = PROGRAMS.replayed(&["trial-balance"], &data);
    assert_eq!(replayed["sum"], "0");
    assert_eq!(accounts(&replayed["accounts"]), served, "{scheme} {seed}");
    let balances = PROGRAMS.replayed(&["balances"], &data);
    let listed = balances["participants"].as_array().expect("a list");
    assert_eq!(listed.len(), people.len());
    for entry in listed {
        let id = entry["participant"].as_str().expect("an id");
        assert_eq!(Some(&accounts(&entry["accounts"])), people.get(id), "{scheme} {seed} {id}");
    }
}

/// The oracle, fed from the server's own stream of records.
async fn oracle_of_stream(server: &Server) -> Oracle {
    let mut client = AuditServiceClient::new(server.channel().await);
    let stream = client.stream_records(from("auditor/test", v1::StreamRecordsRequest::default())).await;
    let mut stream = stream.expect("a stream").into_inner();
    let mut oracle = Oracle::default();
    while let Some(message) = stream.message().await.expect("a message") {
        for bytes in message.records {
            oracle.observe(&record::decode(&bytes).expect("a record"));
        }
    }
    oracle
}

#[tokio::test(flavor = "multi_thread")]
async fn oracle_server_and_replay_agree_on_twenty_seeds_of_semi_bansos() {
    for seed in 1..=20 {
        agree("semi-bansos", seed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn oracle_server_and_replay_agree_on_twenty_seeds_of_normal() {
    for seed in 1..=20 {
        agree("normal", seed).await;
    }
}

/// Generates, loads and replays one published cohort; gives the replay's accounts.
fn published(participants: u32, scenario: &str) -> Accounts {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, data) = (folder.path().join("cohort.jsonl"), folder.path().join("data"));
    PROGRAMS.generate(participants, 1, "semi-bansos", scenario, &file);
    let server = Server::start(&PROGRAMS, &data);
    let _ = PROGRAMS.load(&file, &server);
    assert_eq!(server.terminate().code(), Some(0));
    assert_eq!(PROGRAMS.replayed(&["verify"], &data)["ok"], true);
    accounts(&PROGRAMS.replayed(&["trial-balance"], &data)["accounts"])
}

#[test]
fn wave_1_committed_596_794_050_000() {
    let accounts = published(168_111, "selected");
    assert_eq!(accounts["budget"], -596_794_050_000);
}

#[test]
fn revoked_without_a_purchase_returned_672_497_800_000() {
    let accounts = published(189_436, "no-purchase");
    assert_eq!(accounts["forfeited"], 189_436_000_000);
    assert_eq!(accounts["treasury-returned"], 483_061_800_000);
    assert_eq!(accounts["forfeited"] + accounts["treasury-returned"], 672_497_800_000);
}

#[test]
fn one_batch_of_revocations_returned_123_351_850_000() {
    let accounts = published(34_747, "no-purchase");
    assert_eq!(accounts["forfeited"] + accounts["treasury-returned"], 123_351_850_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_may_be_cut_by_a_restart_and_repeated() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, data) = (folder.path().join("year.jsonl"), folder.path().join("data"));
    PROGRAMS.generate(80, 7, "semi-bansos", "year", &file);
    let lines = std::fs::read_to_string(&file).expect("a file");
    let count = lines.lines().count() as u64;
    let half: String = lines.split_inclusive('\n').take(lines.lines().count() / 2).collect();
    let first_half = folder.path().join("half.jsonl");
    std::fs::write(&first_half, half).expect("a file");

    let server = Server::start(&PROGRAMS, &data);
    let loaded = PROGRAMS.load(&first_half, &server);
    assert_eq!(loaded["recorded"], count / 2);
    assert_eq!(server.terminate().code(), Some(0));
    let server = Server::start(&PROGRAMS, &data);
    let loaded = PROGRAMS.load(&file, &server);
    assert_eq!((loaded["repeated"].as_u64(), loaded["recorded"].as_u64()), (Some(count / 2), Some(count - count / 2)));
    let once = trial_balance(&server).await;
    let loaded = PROGRAMS.load(&file, &server);
    assert_eq!((loaded["repeated"].as_u64(), loaded["recorded"].as_u64()), (Some(count), Some(0)));
    assert_eq!(trial_balance(&server).await, once);
}
