//! A run as a file for a bank: valid by the published schema, its sums right, nothing in it that is not to be paid; and the
//! bank's answer, a camt.053, read back.

use std::path::Path;
use std::process::{Command, Output};

use ledger_proto::v1;
use ledger_proto::v1::event_input::Event;
use ledger_tests::life::{Programme, at, event, outcome, ready, uuid};
use ledger_tests::python::valid_xml;
use ledger_tests::server::{Server, text};

use crate::PROGRAMS;

fn pain001(server: &Server, out: &Path, run: &str, more: &[&str]) -> Output {
    let mut command = Command::new(PROGRAMS.server);
    command.args([
        "pain001",
        "--partner",
        "gopay",
        "--to",
        &server.url,
        "--run",
        run,
        "--account",
        "0012345678",
        "--out",
    ]);
    command.arg(out).args(more);
    if !more.contains(&"--bic") {
        command.args(["--bic", "BNINIDJA"]);
    }
    command.output().expect("the program")
}

/// The texts of all elements of a name.
fn all<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let start = format!("<{name}>");
    let parts = text.split(&start).skip(1);
    parts.map(|part| part.split_once("</").expect("an end").0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_a_valid_file_with_right_sums_and_only_what_is_to_be_paid() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&PROGRAMS, &folder.path().join("data"));
    let programme = Programme::begin(server.channel().await).await;
    programme.record((1..=30).flat_map(ready).collect()).await;
    programme.run(1, 5, 10).await;
    programme.run(2, 6, 10).await;
    let instructions = programme.instructions().await;
    assert_eq!(instructions.len(), 60);
    programme.report(vec![outcome(&instructions[3], v1::OutcomeKind::Settled, 5, 12)]).await;
    let ground = v1::RevocationGround::FalseData.into();
    let revoked = Event::MembershipRevoked(v1::MembershipRevoked { case_id: uuid(5, 9), ground });
    programme.record(vec![event(9, at(6, 10), revoked)]).await;

    let file = folder.path().join("run.xml");
    let output = pain001(&server, &file, &uuid(9, 1), &["--debtor", "Kementerian <Uji> & Co"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = "28 instructions; 2 more of the run were recalled, or have their outcome\n";
    assert_eq!(text(&output.stderr), said);
    valid_xml("pain.001.001.09", &file);
    let document = std::fs::read_to_string(&file).expect("a file");
    let wanted: Vec<_> = programme.instructions().await;
    let open =
        |i: &&v1::Instruction| i.run_id == uuid(9, 1) && i.status() == v1::InstructionStatus::Instructed && !i.recalled;
    let wanted: Vec<_> = wanted.iter().filter(open).map(|i| i.instruction.as_str()).collect();
    assert_eq!((all(&document, "EndToEndId"), wanted.len()), (wanted, 28));
    assert_eq!((all(&document, "NbOfTxs"), all(&document, "CtrlSum")), (vec!["28"; 2], vec!["16800000"; 2]));
    let amounts = document.matches("<InstdAmt Ccy=\"IDR\">600000</InstdAmt>").count();
    assert_eq!((amounts, document.matches("<InstdAmt").count()), (28, 28), "whole rupiah");
    assert_eq!(all(&document, "ReqdExctnDt"), ["<Dt>2020-05-10"]);

    let again = pain001(&server, &file, &uuid(9, 1), &[]);
    assert_eq!(again.status.code(), Some(0), "it may be written again, under the same name");
    let text_again = std::fs::read_to_string(&file).expect("a file");
    assert_eq!(all(&text_again, "MsgId"), all(&document, "MsgId"));
    let settled = instructions[..30].iter().map(|i| outcome(i, v1::OutcomeKind::Settled, 5, 12)).collect();
    programme.report(settled).await;
    let nothing = folder.path().join("nothing.xml");
    let rows = [
        (
            pain001(&server, &nothing, &uuid(9, 1), &[]),
            1,
            "no instruction of this run to this partner is still to be paid",
        ),
        (pain001(&server, &nothing, &uuid(9, 2), &["--bic", "BNI"]), 2, "--bic: \"BNI\" is none"),
        (pain001(&server, &nothing, &uuid(9, 3), &[]), 2, "run"),
    ];
    for (output, code, said) in rows {
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains(said), "{said}: {}", text(&output.stderr));
    }
    assert!(!nothing.exists(), "no half file, no empty file");
}
