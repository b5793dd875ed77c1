//! The partner kit: its clients against the real server, through a cut and a kill, and what their books say afterwards.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ledger_proto::v1;
use ledger_proto::v1::event_input::Event;
use ledger_rpc::v1::payout_service_client::PayoutServiceClient;
use ledger_tests::certs::serve;
use ledger_tests::kit::Client;
use ledger_tests::life::{Programme, at, event, ready, uuid};
use ledger_tests::partners::network::Network;
use ledger_tests::server::{Server, from, root, text};
use serde_json::Value;

use crate::PROGRAMS;

const PEOPLE: u64 = 40;

#[test]
fn a_client_is_under_a_hundred_lines() {
    for client in Client::ALL {
        let source = std::fs::read_to_string(root().join("partner-kit").join(client.source())).expect("a client");
        assert!(source.lines().count() < 100, "{client:?} has {} lines", source.lines().count());
    }
}

fn started(client: Client, url: &str, book: &Path, more: &[&str]) -> Child {
    let mut command = client.command();
    command.args([url.trim_start_matches("http://"), "gopay"]).arg(book).args(more);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the client's program")
}

/// A client that follows its stream; it ends with its test, however that ends.
struct Following(Child);

impl Drop for Following {
    fn drop(&mut self) {
        // Ended already, or to be ended: either is fine.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn statement(client: Client, book: &Path) -> String {
    let output = client.command().arg("statement").arg(book).output().expect("the client's program");
    assert!(output.status.success(), "{client:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

async fn outstanding(server: &Server) -> usize {
    let ask = v1::ListOutstandingInstructionsRequest {
        partner: v1::Partner::Gopay.into(),
        page_size: 1_000,
        ..Default::default()
    };
    let mut client = PayoutServiceClient::new(server.channel().await);
    client
        .list_outstanding_instructions(from("auditor/bpk", ask))
        .await
        .expect("a page")
        .into_inner()
        .instructions
        .len()
}

/// Waits until a followed stream has been worked off.
async fn worked_off(client: Client, child: &mut Following, server: &Server) {
    let hangs = Instant::now() + Duration::from_secs(120);
    while outstanding(server).await > 0 {
        assert_eq!(child.0.try_wait().expect("its status"), None, "{client:?} ended");
        assert!(Instant::now() < hangs, "{client:?} does not get on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn a_client_lives_through_it(client: Client) {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, book) = (folder.path().join("data"), folder.path().join("book"));
    let mut server = Server::start(&PROGRAMS, &data);
    let programme = Programme::begin(server.channel().await).await;
    programme.record((1..=PEOPLE).flat_map(ready).collect()).await;
    programme.run(1, 5, 10).await;
    let ground = v1::RevocationGround::FalseData.into();
    let revoked = Event::MembershipRevoked(v1::MembershipRevoked { case_id: uuid(5, 7), ground });
    programme.record(vec![event(7, at(5, 10), revoked)]).await;

    // It follows over a network that swallows an answer, then the one to its report; then the server is killed under it.
    let network = Network::open().await;
    network.lead(Some(&server.url));
    network.swallow(24);
    network.swallow_answer_to(2_000);
    let mut child = Following(started(client, &network.url, &book, &[]));
    let hangs = Instant::now() + Duration::from_secs(120);
    while network.cuts() < 2 {
        assert!(Instant::now() < hangs, "{client:?} does not report");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    network.lead(None);
    server.kill();
    server = Server::start(&PROGRAMS, &data);
    network.lead(Some(&server.url));
    worked_off(client, &mut child, &server).await;
    // What comes while it waits it takes too; then it is killed itself, and another one goes on with its book.
    Programme::again(server.channel().await).run(2, 6, 10).await;
    worked_off(client, &mut child, &server).await;
    drop(child);
    Programme::again(server.channel().await).run(3, 7, 10).await;
    let output = started(client, &network.url, &book, &["--once"]).wait_with_output().expect("the client");
    assert!(output.status.success() && output.stderr.is_empty(), "{client:?}: {}", text(&output.stderr));
    assert_eq!(outstanding(&server).await, 0);

    let file = folder.path().join("statement.csv");
    std::fs::write(&file, statement(client, &book)).expect("a file");
    let compared = Command::new(PROGRAMS.server)
        .args(["reconcile", "--json", "--partner", "gopay", "--to", &server.url])
        .arg(&file)
        .output()
        .expect("the program");
    assert_eq!(compared.status.code(), Some(0), "{client:?}: {}{}", text(&compared.stdout), text(&compared.stderr));
    let document: Value = serde_json::from_slice(&compared.stdout).expect("JSON");
    // Everybody's three incentives, but for whom it was recalled from.
    assert_eq!(document["matched"]["count"], 3 * (PEOPLE - 1), "{client:?}");
    let all = Programme::again(server.channel().await).instructions().await;
    let rejected: Vec<_> = all.iter().filter(|i| i.status() == v1::InstructionStatus::Rejected).collect();
    assert!(matches!(rejected.as_slice(), [one] if one.recalled), "{client:?}: {rejected:?}");
    assert_eq!(all.len() as u64, 3 * PEOPLE - 2);
    network.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_pays_each_once_through_a_cut_and_kills() {
    a_client_lives_through_it(Client::Python).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_client_pays_each_once_through_a_cut_and_kills() {
    a_client_lives_through_it(Client::Node).await;
}

/// Both clients and the played partner, each with its certificate, on a log that was prepared without.
#[tokio::test(flavor = "multi_thread")]
async fn with_mutual_tls_each_client_pays_what_is_its_partners() {
    for client in [Some(Client::Python), Some(Client::Node), None] {
        let folder = tempfile::tempdir().expect("a folder");
        let (data, certs, book) = (folder.path().join("data"), folder.path().join("certs"), folder.path().join("book"));
        let server = Server::start(&PROGRAMS, &data);
        let programme = Programme::begin(server.channel().await).await;
        programme.record((1..=20).flat_map(ready).collect()).await;
        programme.run(1, 5, 10).await;
        assert_eq!(server.terminate().code(), Some(0));
        let made =
            Command::new(PROGRAMS.server).arg("dev-certs").arg("--dir").arg(&certs).output().expect("the program");
        assert!(made.status.success(), "{}", text(&made.stderr));
        let file = |name: &str| certs.join(name);
        let server = serve(&PROGRAMS, &data, [&file("server.pem"), &file("server.key"), &file("ca.pem")], &[]);
        // By its name: a TLS client may not say an address as the server's name.
        let address = server.url.replace("https://127.0.0.1", "localhost");
        let mut command = match client {
            Some(client) => {
                let mut command = client.command();
                command.args([&address, "gopay"]).arg(&book).arg("--once").arg("--tls").arg(&certs);
                command
            }
            None => {
                let mut command = Command::new(PROGRAMS.sim);
                command.arg("partner").arg("--script").arg(root().join("partner-kit/scripts/good.toml"));
                command.args(["--to", &server.url, "--book"]).arg(&book).arg("--tls-ca").arg(file("ca.pem"));
                command.arg("--tls-cert").arg(file("partner.pem")).arg("--tls-key").arg(file("partner.key"));
                command
            }
        };
        let output = command.output().expect("the program");
        assert!(output.status.success() && output.stderr.is_empty(), "{client:?}: {}", text(&output.stderr));
        assert_eq!(server.terminate().code(), Some(0));

        let server = Server::start(&PROGRAMS, &data);
        let all = Programme::again(server.channel().await).instructions().await;
        assert_eq!(all.len(), 20);
        assert!(all.iter().all(|i| i.status() == v1::InstructionStatus::Settled), "{client:?}: {all:?}");
        let ask = v1::GetInstructionRequest { instruction: all[0].instruction.clone() };
        let mut reader = PayoutServiceClient::new(server.channel().await);
        let told = reader.get_instruction(from("auditor/bpk", ask)).await.expect("one").into_inner();
        let actors: Vec<_> = told.history.iter().map(|e| (e.actor.as_str(), e.auth())).collect();
        assert_eq!(actors[1], ("partner/gopay", v1::AuthMethod::MutualTls), "{client:?}: its certificate is the actor");
    }
}
