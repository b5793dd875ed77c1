//! Exports as files: their exact text, and what becomes of one that cannot be written. Other software reads them in
//! `ledger-tests`.

use std::path::Path;

use ledger_core::codes::OutcomeKind;
use ledger_core::event::FundsAppropriated;
use ledger_log::leaf_hash;
use replay_tool::export::tables::Which;
use replay_tool::source::{Next, Source};
use serde_json::{Value, json};

use crate::support::*;

const FORMATS: [&str; 6] = ["hledger", "beancount", "csv", "parquet", "xlsx", "jsonl"];

/// What stands in a folder, hidden things too.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

fn printed(format: &str, clocks: &[&str]) -> String {
    let log = story_log();
    let said = on(log.path(), &[&["export", "--format", format, "--to", "-"], clocks].concat());
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    said.out
}

#[test]
fn a_journal_of_hledger_looks_like_this() {
    let journal = printed("hledger", &[]);
    let parts = [
        "\ncommodity 1000. IDR\n\naccount Equity:Budget\naccount Assets:Training-Balance\n",
        "\n2020-05-08 * (14) PayoutInstructed  ; participant: a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1, actor: approver/fajar, \
         recorded_at: 2020-05-08T03:00:00Z\n    Assets:Incentives-Committed  -600000 IDR  ; item: training-1\n    \
         Assets:In-Transit:Gopay  600000 IDR  ; item: training-1\n\n",
        "\n2020-05-09 * (16) PayoutSettled  ; participant: a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1, \
         instruction: 00000000000000000014, actor: ",
        "\n2020-12-16 * (26) BalancePeriodClosed  ; actor: programme/dewi, approved_by: programme/eko, \
         recorded_at: 2020-12-16T03:00:00Z, source_reference: letter 7\n    \
         Assets:Training-Balance  -500000 IDR  ; item: training-aid, participant: a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1\n    \
         Equity:Lapsed  500000 IDR  ; item: training-aid, participant: a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1\n    \
         Assets:Training-Balance  -600000 IDR  ; item: training-aid, participant: c3c3c3c3-c3c3-c3c3-c3c3-c3c3c3c3c3c3\n",
        "\n2020-12-31 * Balance assertions\n    Equity:Budget  0 IDR = -10650000 IDR\n",
        "\n2021-01-05 * Balance assertions\n    Equity:Budget  0 IDR = -10650000 IDR\n    Assets:Training-Balance  0 IDR = 0 IDR\n",
        "\n; 28 records known, of a log of 28 with root ",
    ];
    let mut rest = &journal[..];
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part} is not next in {rest}"));
        rest = &rest[at + part.len() - 1..];
    }
    // A record that moves no money is none of its transactions.
    assert!(!journal.contains("CertificateIssued"), "{journal}");
}

#[test]
fn a_journal_of_beancount_looks_like_this() {
    let journal = printed("beancount", &["--as-of", "2020-06-30"]);
    let parts = [
        "\noption \"operating_currency\" \"IDR\"\n",
        "\n2020-04-15 * \"TrainingBought\"\n  position: 7\n  participant: \"a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1\"\n  \
         actor: \"programme/dewi\"\n  approved_by: \"programme/eko\"\n  recorded_at: \"2020-04-15T03:00:00Z\"\n  \
         source_reference: \"letter 7\"\n  Assets:Training-Balance  -500000 IDR\n    \
         item: \"purchase a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1\"\n  Assets:Platform-Unearned:Tokopedia  500000 IDR\n",
        // In the order of the log, so that a date may go back.
        "\n2020-06-09 * \"PayoutRejected\"\n",
        "\n2020-05-20 * \"TrainingCompleted\"\n  position: 23\n",
        "\n2020-04-11 open Equity:Budget IDR\n2020-04-11 open Assets:Training-Balance IDR\n",
        "\n2020-07-01 balance Equity:Budget  -10650000 IDR\n",
        "\n; 28 records known, of a log of 28 with root ",
    ];
    let mut rest = &journal[..];
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part} is not next in {rest}"));
        rest = &rest[at + part.len() - 1..];
    }
    assert!(!journal.contains("2020-12"), "{journal}");
}

#[test]
fn lines_are_the_records_in_canonical_json() {
    let records = encoded(&story().records);
    let lines = printed("jsonl", &[]);
    assert_eq!(lines.lines().count(), 28);
    for (line, (position, bytes)) in lines.lines().zip((0u64..).zip(&records)) {
        let value: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(
            (&value["position"], &value["leaf_hash"]),
            (&json!(position), &json!(hex::encode(leaf_hash(bytes))))
        );
        // Sorted at every depth and without space, which is how this library writes what it read.
        assert_eq!(line, value.to_string());
    }
    let settled: Value = serde_json::from_str(lines.lines().nth(16).expect("a line")).expect("JSON");
    let fields = json!({
        "account_fault": false, "amount": "600000", "code_system": null, "evidence": "partner", "evidence_reason": null,
        "instruction": "00000000000000000014", "raw_code": null, "reason": null, "transaction_reference": "T-1",
    });
    assert_eq!(
        (&settled["event"], &settled["fields"], &settled["previous"]),
        (&json!("PayoutSettled"), &fields, &json!(14))
    );
    let dated = printed("jsonl", &["--as-of", "2020-06-01", "--known-at", "24"]);
    let positions: Vec<u64> = dated
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["position"].as_u64().expect("a number"))
        .collect();
    assert_eq!(positions, (0..18).chain([23]).collect::<Vec<_>>());
}

#[test]
fn a_file_has_its_name_when_it_is_whole() {
    let (log, kept) = (story_log(), Kept::new());
    let folder = Path::new(&kept.path("")).to_owned();
    for format in FORMATS {
        let to = kept.path(format);
        let said = on(log.path(), &["export", "--format", format, "--to", &to]);
        assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (0, "", ""), "{said:?}");
        if ["csv", "parquet"].contains(&format) {
            assert_eq!(names(Path::new(&to)).len(), Which::ALL.len());
        } else if format != "xlsx" {
            assert_eq!(std::fs::read_to_string(&to).expect("text"), printed(format, &[]));
        }
        // What is there is never written over, an empty folder neither.
        let there = Kept::new();
        for at in [there.text("file", "mine"), there.path("")] {
            let said = on(log.path(), &["export", "--format", format, "--to", &at]);
            let refused = format!("replay-tool: {at}: could not write it: entity already exists\n");
            assert_eq!((said.code, said.err), (2, refused));
        }
        assert_eq!(std::fs::read_to_string(there.path("file")).expect("text"), "mine");
        let nowhere = kept.path("nowhere/export");
        let said = on(log.path(), &["export", "--format", format, "--to", &nowhere]);
        assert!(said.code == 2 && said.err.contains(&nowhere), "{said:?}");
    }
    assert_eq!(names(&folder), ["beancount", "csv", "hledger", "jsonl", "parquet", "xlsx"]);
    for format in ["csv", "parquet", "xlsx"] {
        let said = on(log.path(), &["export", "--format", format, "--to", "-"]);
        assert!(said.code == 2 && said.err.contains("--to -: only a journal or lines of JSON"), "{said:?}");
    }
}

/// Excel keeps 15 digits of a number: it is not given more, and whoever exports is told.
#[test]
fn a_workbook_never_shows_another_amount() {
    let kept = Kept::new();
    let export = |amount, name: &str| {
        let mut ledger = Ledger::default();
        let (document_number, amount) = ("DIPA-1".into(), ledger_core::Rupiah::new(amount));
        ledger.programme("2020-04-03", FundsAppropriated { document_number, fiscal_year: 2020, amount });
        let log = log_of(&encoded(&ledger.records));
        on(log.path(), &["export", "--format", "xlsx", "--to", &kept.path(name)])
    };
    assert_eq!(export(999_999_999_999_999, "fits").code, 0);
    let said = export(1_000_000_000_000_000, "does-not");
    let refused = format!(
        "replay-tool: {}: could not write it: programme, amount: 1000000000000000 has more digits than Excel keeps, 15: \
         export csv\n",
        kept.path("does-not")
    );
    assert_eq!((said.code, said.err), (2, refused));
    assert_eq!(names(Path::new(&kept.path(""))), ["fits"]);
}

#[test]
fn of_a_damaged_log_nothing_is_left_under_the_name() {
    let kept = Kept::new();
    let mut broken = story().records;
    broken.remove(7);
    let damaged = log_of(&encoded(&broken));
    for format in FORMATS {
        let said = on(damaged.path(), &["export", "--format", format, "--to", &kept.path("out")]);
        assert!(said.code == 2 && said.err.contains("cannot follow"), "{said:?}");
        assert_eq!(names(Path::new(&kept.path(""))), Vec::<String>::new());
    }
}

/// Paid twice, and the money came back once: what is below zero balances too.
#[test]
fn a_journal_balances_where_money_was_paid_twice() {
    let mut ledger = story();
    ledger.outcome("2021-01-06", 14, OutcomeKind::Settled, "T-2");
    ledger.outcome("2021-01-07", 14, OutcomeKind::Returned, "T-2");
    let log = log_of(&encoded(&ledger.records));
    let journal = on(log.path(), &["export", "--format", "hledger", "--to", "-"]).out;
    let (mut sum, mut transactions) = (0i64, 0);
    for line in journal.lines() {
        if line.is_empty() {
            assert_eq!(sum, 0, "{journal}");
            transactions += 1;
        }
        let amount = line.strip_prefix("    ").and_then(|line| line.split("  ").nth(1));
        sum += amount.map_or(0, |amount| amount.split(' ').next().expect("a word").parse::<i64>().expect("rupiah"));
    }
    assert!(transactions > 10 && journal.contains("    Liabilities:Overpaid  -600000 IDR"), "{journal}");
    assert!(journal.contains("    Liabilities:Overpaid  0 IDR = 0 IDR\n"), "{journal}");
}

#[test]
fn a_pass_that_is_stopped_reads_no_further() {
    let records = vec![encoded(&story().records); 4].concat();
    let log = log_of(&records);
    let mut shown = 0;
    let pass = Source::Data(log.path().to_owned()).for_each_while(1, &mut |some| {
        shown += some.len();
        if shown > 40 { Next::Stop } else { Next::More }
    });
    assert_eq!(pass.expect("readable"), None);
    assert!(shown > 40 && shown < records.len(), "{shown} of {}", records.len());
    // To be told apart from one that only has enough.
    let pass = Source::Data(log.path().to_owned()).for_each_while(2, &mut |_| Next::Enough).expect("readable");
    assert_eq!(pass.map(|pass| (pass.size, pass.findings.len())), Some((records.len() as u64, 0)));
}
