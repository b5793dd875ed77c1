//! The README's first command.

use std::path::Path;
use std::process::Command;

use ledger_tests::server::text;
use serde_json::Value;

use crate::PROGRAMS;

fn demo(data: &Path, more: &[&str]) -> String {
    let mut command = Command::new(PROGRAMS.server);
    command.args(["demo", "--once", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(more);
    let output = command.output().expect("the demo");
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn runs_twice_and_adds_nothing() {
    let data = tempfile::tempdir().expect("a folder");
    let first: Value = serde_json::from_str(&demo(data.path(), &["--json"])).expect("JSON");
    assert_eq!(first["participants"], 135);
    assert_eq!(first["committed"], "479250000", "135 times 3,550,000");
    assert_eq!(first["trial_balance"], "0");
    assert_eq!(first["loaded"]["repeated"], 0);
    assert_eq!(first["loaded"]["rejected"], 0);
    let second: Value = serde_json::from_str(&demo(data.path(), &["--json"])).expect("JSON");
    assert_eq!(second["loaded"]["recorded"], 0);
    assert_eq!(second["loaded"]["repeated"], first["loaded"]["recorded"]);
    for figure in ["records", "committed", "spent_on_training", "paid_by_partner", "held", "treasury_total"] {
        assert_eq!(first[figure], second[figure], "{figure}");
    }
    let verified = PROGRAMS.replayed(&["verify"], data.path());
    assert_eq!(verified["ok"], true);
    assert_eq!(verified["size"], first["records"]);
}

#[test]
fn prints_a_table_and_three_things_to_try() {
    let data = tempfile::tempdir().expect("a folder");
    let table = demo(data.path(), &[]);
    for line in ["committed", "spent on training", "paid by gopay", "not paid: no payout account", "trial balance"] {
        assert!(table.contains(line), "{line} is missing in\n{table}");
    }
    for step in ["1. ", "2. ", "3. ", "grpcurl"] {
        assert!(table.contains(step), "{step} is missing in\n{table}");
    }
}
