//! The same arguments give the same bytes, on every machine and for ever.

use std::fmt::Write as _;

use cohort_sim::{Cohort, Parameters, Scenario, SchemeName, demo, generate};
use ledger_proto::v1::LoadLine;
use sha2::{Digest, Sha256};

use crate::{SCHEMES, year};

fn digest(parameters: Parameters) -> String {
    let mut hasher = Sha256::new();
    let summary = generate(&parameters, |line| {
        hasher.update(serde_json::to_string(&line).expect("a line is JSON"));
        hasher.update("\n");
    });
    let hash = hasher.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    format!("{} {hash}", summary.records)
}

/// Whoever changes what is generated writes the new values here and says so in the change log: measured figures name them.
#[test]
fn bytes_are_pinned() {
    let small = |scheme, scenario| Parameters::new(20, 1, scheme, scenario);
    let rows = [
        (demo(), "3808 5bc0816a36f294f049723c1738d96f879aacb1c8f4e67319c385db67018771e1"),
        (
            small(SchemeName::SemiBansos, Scenario::Year),
            "556 adabc90ea229b0fc793b9f2e3b40e4731a28214281ec07603621f6924e525074",
        ),
        (
            small(SchemeName::Normal, Scenario::Year),
            "407 6b6dc0a3814d6e36946c78157e7c3433fdfe2c4c55a1d230ef11fd79d0298e8d",
        ),
        (
            small(SchemeName::SemiBansos, Scenario::Selected),
            "23 6c3f07371a9a55b9e63a5e39c8f50de7fb380d759f3bd42f05faa77dba50a429",
        ),
        (
            small(SchemeName::Normal, Scenario::NoPurchase),
            "43 fbb8995dcdc2d8907131e23ae77c28bfa7881e67a9f71c6dffa35e4ce389bc4d",
        ),
    ];
    let found: Vec<_> = rows.iter().map(|(parameters, _)| digest(*parameters)).collect();
    assert_eq!(found, rows.map(|(_, pinned)| pinned.to_owned()));
}

#[test]
fn another_seed_gives_another_cohort() {
    assert_ne!(digest(year(20, 1, SchemeName::Normal)), digest(year(20, 2, SchemeName::Normal)));
}

#[test]
fn lines_are_read_back_the_same_and_never_go_back_in_time() {
    for scheme in SCHEMES {
        let mut last = None;
        for line in Cohort::new(year(200, 3, scheme)) {
            let text = serde_json::to_string(&line).expect("a line is JSON");
            assert!(!text.contains('\n'));
            assert_eq!(serde_json::from_str::<LoadLine>(&text).expect("read back"), line);
            let at = occurred_at(&line);
            assert!(last <= at, "{text}");
            last = at;
        }
    }
}

fn occurred_at(line: &LoadLine) -> Option<i64> {
    use ledger_proto::v1::load_line::Request;
    let at = match line.request.as_ref()? {
        Request::Event(e) => &e.occurred_at,
        Request::EnactScheme(e) => &e.occurred_at,
        Request::OpenWave(e) => &e.occurred_at,
        Request::CloseWave(e) => &e.occurred_at,
        Request::AppropriateFunds(e) => &e.occurred_at,
        Request::CloseBalancePeriod(e) => &e.occurred_at,
        Request::PlanRun(e) => &e.occurred_at,
        Request::ApproveRun(e) => &e.occurred_at,
        Request::Outcome(e) => &e.occurred_at,
        Request::ResolveInDoubt(e) => &e.occurred_at,
        Request::ResolveException(e) => &e.occurred_at,
        // A job has a date, and no instant.
        Request::RunDeadlines(_) => return None,
    };
    at.as_ref()?.unix_nanos()
}
