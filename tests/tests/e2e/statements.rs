//! Partners' statements beside the ledger, exceptions as a list, and codes that say why.

use std::fmt::Write as _;
use std::process::{Command, Output};

use ledger_proto::v1;
use ledger_rpc::v1::disbursement_service_client::DisbursementServiceClient;
use ledger_rpc::v1::payout_service_client::PayoutServiceClient;
use ledger_tests::life::{Programme, at, outcome, person, ready, receipt};
use ledger_tests::server::{Server, from, text};
use serde_json::Value;
use tonic::transport::Channel;

use crate::PROGRAMS;
use crate::api::server;

/// `ledger-server reconcile` of a file.
fn reconcile(server: &Server, file: &std::path::Path) -> (Option<i32>, Value) {
    let output: Output = Command::new(PROGRAMS.server)
        .args(["reconcile", "--partner", "gopay", "--json", "--to", &server.url])
        .arg(file)
        .output()
        .expect("the program");
    let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| text(&output.stderr).into());
    (output.status.code(), document)
}

/// People whose first incentive was settled by GoPay on 12 May.
async fn paid(server: &Server, people: u64) -> (Programme, Vec<v1::Instruction>) {
    let programme = Programme::begin(server.channel().await).await;
    programme.record((1..=people).flat_map(ready).collect()).await;
    programme.run(1, 5, 10).await;
    let instructions = programme.instructions().await;
    assert_eq!(instructions.len() as u64, people);
    let settled = instructions.iter().map(|i| outcome(i, v1::OutcomeKind::Settled, 5, 12)).collect();
    programme.report(settled).await.iter().for_each(|result| _ = receipt(result));
    (programme, instructions)
}

/// A line of a statement: instruction, amount, date.
type Line = (String, i64, String);

/// A day outside of the statement, to lines for which the whole of May counts.
fn lines(instructions: &[v1::Instruction]) -> Vec<Line> {
    let line = |i: &v1::Instruction| (i.instruction.clone(), i.amount_rupiah, "2020-05-12".to_owned());
    instructions.iter().map(line).collect()
}

/// Seven errors, each of its own: what is found of them, and nothing else.
fn plant(lines: &mut Vec<Line>) -> Vec<(&'static str, String)> {
    let mut planted = Vec::new();
    lines[1].1 = 500_000;
    planted.push(("other_amount", lines[1].0.clone()));
    lines[5].2 = "2020-05-13".to_owned();
    planted.push(("other_day", lines[5].0.clone()));
    lines.push(lines[7].clone());
    planted.push(("extra", lines[7].0.clone()));
    lines.push(("00000000000099999999".to_owned(), 600_000, "2020-05-12".to_owned()));
    planted.push(("extra", "00000000000099999999".to_owned()));
    lines.push(("a bank's own".to_owned(), 1, "2020-05-12".to_owned()));
    planted.push(("extra", "a bank's own".to_owned()));
    for index in [20, 10] {
        planted.push(("missing", lines.remove(index).0));
    }
    planted.sort();
    planted
}

fn found(document: &Value) -> Vec<(String, String)> {
    let differences = document["differences"].as_array().unwrap_or_else(|| panic!("{document}"));
    let reference =
        |d: &Value| d["statement"]["instruction"].as_str().or(d["ledger"]["instruction"].as_str()).map(str::to_owned);
    let mut found: Vec<_> = differences
        .iter()
        .map(|d| (d["kind"].as_str().unwrap_or_default().to_owned(), reference(d).expect("a reference")))
        .collect();
    found.sort();
    found
}

/// A partner's exceptions, page by page.
async fn exceptions(
    client: &mut PayoutServiceClient<Channel>,
    partner: v1::Partner,
    include_resolved: bool,
) -> Vec<v1::KeptException> {
    let (mut all, mut page_token) = (Vec::new(), String::new());
    loop {
        let ask = v1::ListExceptionsRequest { partner: partner.into(), include_resolved, page_size: 1, page_token };
        let page = client.list_exceptions(from("officer/budi", ask)).await.expect("a page").into_inner();
        all.extend(page.exceptions);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return all;
        }
    }
}

/// Why an exception is kept, and the reference that it is about.
fn cause(kept: &v1::KeptException) -> (String, String) {
    match kept.exception.as_ref().and_then(|event| event.event.as_ref()) {
        Some(v1::history_event::Event::OutcomeException(said)) => {
            let cause = said.cause().as_str_name().trim_start_matches("EXCEPTION_CAUSE_").to_lowercase();
            (cause, said.instruction_reference.clone())
        }
        other => panic!("{other:?}"),
    }
}

fn csv(lines: &[Line]) -> String {
    let mut text = "instruction,amount,date\n".to_owned();
    lines
        .iter()
        .for_each(|(instruction, amount, day)| writeln!(text, "{instruction},{amount}.00,{day}").expect("text"));
    text
}

/// The same as a bank's camt.053: an entry of many transactions for each day.
fn camt(lines: &[Line]) -> String {
    let mut entries = String::new();
    for day in ["2020-05-12", "2020-05-13"] {
        let of_day = || lines.iter().filter(|(_, _, date)| date == day);
        if of_day().next().is_none() {
            continue;
        }
        let sum: i64 = of_day().map(|(_, amount, _)| amount).sum();
        write!(
            entries,
            "<Ntry><Amt Ccy=\"IDR\">{sum}</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
             <BookgDt><Dt>{day}</Dt></BookgDt><NtryDtls>"
        )
        .expect("text");
        for (instruction, amount, _) in of_day() {
            write!(
                entries,
                "<TxDtls><Refs><EndToEndId>{instruction}</EndToEndId></Refs><Amt Ccy=\"IDR\">{amount}.00</Amt></TxDtls>"
            )
            .expect("text");
        }
        entries.push_str("</NtryDtls></Ntry>");
    }
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt><Stmt><FrToDt>\
         <FrDtTm>2020-05-01T00:00:00+07:00</FrDtTm><ToDtTm>2020-05-31T23:59:59+07:00</ToDtTm></FrToDt>\
         {entries}</Stmt></BkToCstmrStmt></Document>"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn planted_errors_are_found_and_nothing_else() {
    let (folder, server) = server();
    let (_, instructions) = paid(&server, 300).await;
    let mut lines = lines(&instructions);
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).expect("a file");
        file
    };
    for (name, text) in [("good.csv", csv(&lines)), ("good.xml", camt(&lines))] {
        let (code, document) = reconcile(&server, &write(name, &text));
        assert_eq!((code, found(&document)), (Some(0), vec![]), "{name}");
        assert_eq!(document["matched"]["total"], (300 * 600_000).to_string(), "{name}");
    }
    let planted = plant(&mut lines);
    for (name, text) in [("planted.csv", csv(&lines)), ("planted.xml", camt(&lines))] {
        let file = write(name, &text);
        let (code, document) = reconcile(&server, &file);
        let expected: Vec<_> = planted.iter().map(|(kind, id)| ((*kind).to_owned(), id.clone())).collect();
        assert_eq!((code, found(&document)), (Some(1), expected), "{name}");
        let counts =
            ["matched", "missing", "extra", "other_amount", "other_day"].map(|n| document[n]["count"].as_u64());
        assert_eq!(counts, [296, 2, 3, 1, 1].map(Some), "{name}");
        assert_eq!(document["repeated"], false, "{name}");
        let (_, again) = reconcile(&server, &file);
        assert_eq!((&again["repeated"], &again["position"]), (&true.into(), &document["position"]), "{name}");
        assert_eq!(again["differences"], document["differences"], "{name}");
    }
    // Each is kept once, whichever file says it, until somebody clears it up.
    let kept = exceptions(&mut PayoutServiceClient::new(server.channel().await), v1::Partner::Gopay, false).await;
    let mut causes: Vec<_> = kept.iter().map(cause).collect();
    causes.sort();
    let expected: Vec<_> = planted.iter().map(|(kind, id)| (format!("statement_{kind}"), id.clone())).collect();
    assert_eq!(causes, expected);
    let (code, refused) = reconcile(&server, &write("bad.csv", "instruction,date\n"));
    assert_eq!(code, Some(2), "{refused}");
    assert!(refused.as_str().is_some_and(|text| text.contains("bad.csv: has no column amount")), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_goes_when_its_cause_is_reported() {
    let (folder, server) = server();
    let programme = Programme::begin(server.channel().await).await;
    programme.record([ready(1), ready(2)].concat()).await;
    programme.run(1, 5, 10).await;
    let instructions = programme.instructions().await;
    let file = folder.path().join("may.csv");
    std::fs::write(&file, csv(&lines(&instructions))).expect("a file");
    programme.report(vec![outcome(&instructions[0], v1::OutcomeKind::Settled, 5, 12)]).await;
    let (_, before) = reconcile(&server, &file);
    assert_eq!(found(&before), [("extra".to_owned(), instructions[1].instruction.clone())]);
    programme.report(vec![outcome(&instructions[1], v1::OutcomeKind::Settled, 5, 12)]).await;
    let (code, after) = reconcile(&server, &file);
    assert_eq!((code, found(&after), &after["position"]), (Some(0), vec![], &before["position"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn exceptions_are_listed_until_they_are_resolved() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let (programme, instructions) = paid(&server, 2).await;
    let mut unknown = outcome(&instructions[0], v1::OutcomeKind::Settled, 5, 12);
    unknown.instruction = "00000000000000009999".to_owned();
    let rejected = outcome(&instructions[1], v1::OutcomeKind::Rejected, 5, 13);
    let kept = programme.report(vec![unknown, rejected]).await;
    assert!(kept.iter().all(|result| result.exception_cause != 0), "{kept:?}");
    let mut client = PayoutServiceClient::new(channel.clone());
    let mut list = async |partner, resolved| exceptions(&mut client, partner, resolved).await;
    let open = list(v1::Partner::Gopay, false).await;
    let told: Vec<_> = open
        .iter()
        .map(|e| match e.exception.as_ref().and_then(|event| event.event.as_ref()) {
            Some(v1::history_event::Event::OutcomeException(said)) => {
                (said.instruction_reference.as_str(), said.cause(), e.participant_id.clone())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let place = &instructions[1];
    let expected = [
        ("00000000000000009999", v1::ExceptionCause::UnknownInstruction, String::new()),
        (place.instruction.as_str(), v1::ExceptionCause::NotAllowedInState, place.participant_id.clone()),
    ];
    assert_eq!(told, expected);
    assert_eq!(list(v1::Partner::Ovo, true).await, [], "of another partner");
    let resolve = v1::ResolveExceptionRequest {
        occurred_at: Some(at(5, 20)),
        approved_by: "approver/siti".to_owned(),
        partner: v1::Partner::Gopay.into(),
        transaction_reference: format!("gp-{}", instructions[0].instruction),
        kind: v1::OutcomeKind::Settled.into(),
        resolution: "a test transaction of the partner".to_owned(),
        ..Default::default()
    };
    let mut staff = DisbursementServiceClient::new(channel);
    staff.resolve_exception(from("officer/budi", resolve)).await.expect("resolved");
    assert_eq!(list(v1::Partner::Gopay, false).await, open[1..], "the resolved one is gone");
    let all = list(v1::Partner::Gopay, true).await;
    assert_eq!((&all[0].exception, &all[1]), (&open[0].exception, &open[1]));
    let resolution = all[0].resolution.as_ref().expect("a resolution");
    let said = (resolution.actor.as_str(), resolution.approved_by.as_str(), resolution.resolution.as_str());
    assert_eq!(said, ("insecure:officer/budi", "insecure:approver/siti", "a test transaction of the partner"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_says_why_and_holds_the_account() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let programme = Programme::begin(channel.clone()).await;
    programme.record((1..=5).flat_map(ready).collect()).await;
    programme.run(1, 5, 10).await;
    let instructions = programme.instructions().await;
    use v1::{CodeSystem as System, OutcomeReason as Reason};
    let rows = [
        (System::Iso20022, "AC04", Reason::Unspecified, (Reason::AccountClosed, true)),
        (System::Snap, "4031814", Reason::Unspecified, (Reason::InsufficientFunds, false)),
        (System::Snap, "4041811", Reason::Unspecified, (Reason::AccountNotFound, true)),
        (System::Partner, "AC04", Reason::Unspecified, (Reason::Unspecified, false)),
        // What the partner says itself stands.
        (System::Iso20022, "AC04", Reason::Other, (Reason::Other, false)),
    ];
    let mut client = PayoutServiceClient::new(channel);
    for (instruction, (system, code, reason, expected)) in instructions.iter().zip(rows) {
        let rejected = v1::OutcomeInput {
            raw_code: code.to_owned(),
            code_system: system.into(),
            reason: reason.into(),
            ..outcome(instruction, v1::OutcomeKind::Rejected, 5, 12)
        };
        let results = programme.report(vec![rejected.clone(), rejected]).await;
        assert!(receipt(&results[1]).repeated, "{code}");
        let ask = v1::GetInstructionRequest { instruction: instruction.instruction.clone() };
        let told = client.get_instruction(from("partner/gopay", ask)).await.expect("one").into_inner();
        let Some(v1::history_event::Event::PayoutRejected(said)) = told.history[1].event.clone() else {
            panic!("no rejection: {:?}", told.history)
        };
        assert_eq!(((said.reason(), said.account_fault), said.raw_code.as_str()), (expected, code), "{system:?}");
    }
    // Where the account is at fault nothing is instructed again before another one is linked.
    let again = programme.run(2, 6, 10).await;
    assert_eq!((again.instructed_count, again.instructed_total_rupiah), (6, 6 * 600_000));
    let open: std::collections::BTreeSet<_> =
        programme.instructions().await[5..].iter().map(|i| i.participant_id.clone()).collect();
    assert_eq!(open, [2, 4, 5].map(person).into());
}
