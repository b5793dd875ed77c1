//! The metrics beside the port: figures that are true, on a port that does nothing else, and alerts and a dashboard that ask for
//! what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use ledger_proto::v1;
use ledger_rpc::v1::payout_service_client::PayoutServiceClient;
use ledger_server::reasons::REASONS;
use ledger_tests::certs::{Ca, Secure, Valid};
use ledger_tests::life::{Programme, bought, outcome, ready, selected};
use ledger_tests::server::{Server, from, root};
use serde_json::Value;

use crate::PROGRAMS;

/// A loopback address that nobody else uses: this process's own, another port for each server.
fn address() -> String {
    static NEXT: AtomicU16 = AtomicU16::new(9464);
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    // Process ids have 22 bits: 127.64.0.0 and up, never the address that all others use.
    format!("127.{}.{middle}.{low}:{}", high | 64, NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Status line and body of what is answered to a request.
fn http(address: &str, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("the metrics' port");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
    stream.write_all(format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a header");
    (head.lines().next().expect("a status line").to_owned(), body.to_owned())
}

/// Samples, by name and labels as they are written.
fn scrape(address: &str) -> BTreeMap<String, f64> {
    let (status, body) = http(address, "GET /metrics");
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(body.ends_with("# EOF\n"), "{body}");
    let samples = body.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        (name.to_owned(), value.parse().expect("a number"))
    });
    samples.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_those_of_what_happened() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, metrics) = (folder.path().join("data"), address());
    let server = Server::try_start(&PROGRAMS, &data, &["--metrics", &metrics]).expect("a server");
    let empty = scrape(&metrics);
    assert_eq!((empty["ledger_records"], empty["ledger_connections"]), (0.0, 0.0));
    assert!(empty["ledger_disk_free_bytes"] > 0.0);
    assert!(!empty.keys().any(|name| name.starts_with("ledger_stream_lag_records")), "nobody reads");

    let programme = Programme::begin(server.channel().await).await;
    programme.record(ready(1)).await;
    programme.record(vec![bought(1), bought(2)]).await;
    programme.run(1, 7, 1).await;
    let instructions = programme.instructions().await;
    programme.report(vec![outcome(&instructions[0], v1::OutcomeKind::InDoubt, 7, 2)]).await;
    let mut partner = PayoutServiceClient::new(server.channel().await);
    let follow =
        v1::StreamInstructionsRequest { partner: v1::Partner::Gopay.into(), follow: true, ..Default::default() };
    let mut stream = partner.stream_instructions(from("partner/gopay", follow)).await.expect("a stream").into_inner();
    stream.message().await.expect("a message").expect("an instruction");

    let now = scrape(&metrics);
    let of = |name: &str| now.get(name).copied().unwrap_or_else(|| panic!("{name} is not in {now:#?}"));
    assert_eq!(of("ledger_rejections_total{reason=\"PARTICIPANT_UNKNOWN\"}"), 1.0);
    assert_eq!(of("ledger_items_total{result=\"rejected\"}"), 1.0);
    assert_eq!(of("ledger_items_total{result=\"repeated\"}"), 1.0);
    let size = of("ledger_records");
    let recorded = of("ledger_items_total{result=\"recorded\"}");
    assert!(recorded >= 7.0 && size > recorded, "{recorded} items of batches, and calls, are {size} records");
    let record_events = "/prakerja.ledger.v1.EventService/RecordEvents";
    let calls = of(&format!("ledger_calls_total{{method=\"{record_events}\",code=\"Ok\"}}"));
    assert_eq!(of(&format!("ledger_call_seconds_count{{method=\"{record_events}\"}}")), calls);
    assert!(of("ledger_commit_seconds_count") >= 1.0 && of("ledger_commit_seconds_sum") > 0.0);
    assert_eq!((of("ledger_connections"), of("ledger_calls_in_flight")), (2.0, 1.0));
    assert!(now.contains_key("ledger_stream_lag_records{partner=\"gopay\"}"), "{now:#?}");
    drop((stream, partner, programme));
    assert!(server.terminate().success());

    // What is in doubt is counted at the start, and every minute.
    let metrics = address();
    let _server = Server::try_start(&PROGRAMS, &data, &["--metrics", &metrics]).expect("a server");
    let doubts = loop {
        let now = scrape(&metrics);
        if now.contains_key("ledger_in_doubt{partner=\"dana\"}") {
            break now;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(doubts["ledger_in_doubt{partner=\"gopay\"}"], 1.0);
    assert_eq!(doubts["ledger_in_doubt{partner=\"dana\"}"], 0.0);
    assert!(doubts["ledger_in_doubt_oldest_seconds{partner=\"gopay\"}"] > 86_400.0, "since July 2020");
    assert_eq!(doubts["ledger_records"], size);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_of_the_metrics_does_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let metrics = address();
    let server = Server::try_start(&PROGRAMS, &folder.path().join("data"), &["--metrics", &metrics]).expect("a server");
    for (request, status) in [
        ("GET /", "HTTP/1.1 404 Not Found"),
        ("POST /metrics", "HTTP/1.1 405 Method Not Allowed"),
        ("POST /prakerja.ledger.v1.AuditService/GetHead", "HTTP/1.1 404 Not Found"),
        ("nonsense", "HTTP/1.1 400 Bad Request"),
    ] {
        assert_eq!(http(&metrics, request).0, status, "{request}");
    }
    // Those who say nothing leave room for who asks, sooner or later; here there is some.
    let _silent: Vec<_> = (0..15).map(|_| TcpStream::connect(&metrics).expect("a connection")).collect();
    assert!(scrape(&metrics).contains_key("ledger_records"));
    assert!(server.terminate().success());
}

/// The names that an expression asks for, with the labels that it picks: `name{label="a|b"}`.
fn asked(expr: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut asked = Vec::new();
    for (at, _) in expr.match_indices("ledger_") {
        let rest = &expr[at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let mut labels = Vec::new();
        if let Some(picked) = rest[end..].strip_prefix('{') {
            let picked = &picked[..picked.find('}').expect("a brace that closes")];
            for pick in picked.split(',') {
                let (label, values) = pick.split_once("=~").or_else(|| pick.split_once('=')).expect("a label's value");
                let values = values.trim_matches('"').split('|');
                labels.extend(values.map(|value| (label.trim().to_owned(), value.to_owned())));
            }
        }
        asked.push((rest[..end].to_owned(), labels));
    }
    asked
}

/// All expressions of the rules and of the dashboard.
fn expressions() -> Vec<String> {
    let read = |file: &str| std::fs::read_to_string(root().join("ops").join(file)).expect(file);
    let rules = read("prometheus/ledger.rules.yml");
    let alerts = rules.matches("- alert:").count();
    let mut expressions: Vec<String> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).map(str::to_owned).collect();
    assert_eq!(expressions.len(), alerts, "each alert has its expression on one line");
    let operations = std::fs::read_to_string(root().join("docs/operations.md")).expect("the guide");
    for alert in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(operations.contains(&format!("| `{alert}` |")), "what to do about {alert}?");
    }
    // A comma in a text without quotes would begin another annotation.
    let quoted = rules.lines().filter_map(|line| line.trim().strip_prefix("annotations: { summary: \""));
    assert_eq!(quoted.filter(|text| text.ends_with("\" }")).count(), alerts, "each alert has its summary in quotes");
    let dashboard: Value = serde_json::from_str(&read("grafana/ledger.json")).expect("a dashboard");
    let panels = dashboard["panels"].as_array().expect("panels");
    for target in panels.iter().flat_map(|panel| panel["targets"].as_array().expect("targets")) {
        expressions.push(target["expr"].as_str().expect("an expression").to_owned());
    }
    assert!(expressions.len() > alerts + panels.len() - 1, "{expressions:?}");
    expressions
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_and_dashboard_ask_for_what_there_is() {
    let metrics = address();
    let secure = Secure::start(&PROGRAMS, &["--metrics", &metrics]);
    // What appears only when it happens is made to happen: a handshake that fails, a refusal, a stream.
    let stranger =
        Ca::new(secure.folder(), "stranger").client("stranger", &["ledger:auditor/x"], Valid::Long, &secure.ca);
    if let Ok(channel) = ledger_tests::certs::connect(&secure.server.url, &stranger).await {
        let ask = v1::StreamInstructionsRequest::default();
        PayoutServiceClient::new(channel).stream_instructions(ask).await.expect_err("a stranger");
    }
    let mut partner = PayoutServiceClient::new(secure.channel("partner/gopay").await);
    let ask = |partner: v1::Partner| v1::StreamInstructionsRequest {
        partner: partner.into(),
        follow: true,
        ..Default::default()
    };
    partner.stream_instructions(ask(v1::Partner::Dana)).await.expect_err("another's");
    let stream = partner.stream_instructions(ask(v1::Partner::Gopay)).await.expect("a stream");
    let mut selection =
        ledger_rpc::v1::event_service_client::EventServiceClient::new(secure.channel("selection/pmo").await);
    let batch = v1::RecordEventsRequest { events: vec![selected(1)] };
    selection.record_events(batch).await.expect("an answer");
    let shown = loop {
        let shown = scrape(&metrics);
        if shown.contains_key("ledger_in_doubt{partner=\"dana\"}") {
            break shown;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    drop(stream);

    let names: BTreeSet<&str> = shown.keys().map(|sample| sample.split('{').next().expect("a name")).collect();
    let reasons: BTreeSet<&str> = REASONS.iter().map(|reason| reason.name).collect();
    for expression in expressions() {
        let asked = asked(&expression);
        assert!(!asked.is_empty(), "{expression} asks for nothing of ours");
        for (name, labels) in asked {
            assert!(names.contains(name.as_str()), "{expression}: there is no {name}");
            for (label, value) in labels {
                let there = match label.as_str() {
                    "reason" => reasons.contains(value.as_str()),
                    _ => shown
                        .keys()
                        .any(|sample| sample.starts_with(&name) && sample.contains(&format!("{label}=\"{value}\""))),
                };
                assert!(there, "{expression}: {name} has no {label} {value}");
            }
        }
    }
}
