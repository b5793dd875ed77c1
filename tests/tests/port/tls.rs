//! The port with certificates on both sides: who is let in, as whom, what changes without a restart, and four eyes that are
//! two certificates.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use ledger_log::record;
use ledger_proto::v1;
use ledger_rpc::client::ClientTls;
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_rpc::v1::event_service_client::EventServiceClient;
use ledger_rpc::v1::programme_service_client::ProgrammeServiceClient;
use ledger_server::access::Role;
use ledger_server::access::table::{CALLS, Who};
use ledger_server::reasons::ROLE_NOT_ALLOWED;
use ledger_tests::certs::{Ca, Secure, Valid, connect, serve};
use ledger_tests::dynamic::{call_raw, reason};
use ledger_tests::life::{at, selected, semi_bansos};
use ledger_tests::server::{from, text};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::PROGRAMS;

async fn head(channel: Channel) -> Result<v1::GetHeadResponse, Status> {
    let head = AuditServiceClient::new(channel).get_head(Request::new(v1::GetHeadRequest {})).await;
    head.map(tonic::Response::into_inner)
}

/// What a client meets: refused at the handshake, or the reason of its first call.
async fn meets(url: &str, tls: &ClientTls) -> String {
    // In TLS 1.3 a client may learn after its handshake only that its certificate was not taken.
    let Ok(channel) = connect(url, tls).await else { return "handshake".to_owned() };
    match head(channel).await {
        Ok(_) => "OK".to_owned(),
        Err(status) if broken(&status) => "handshake".to_owned(),
        Err(status) => reason(&status),
    }
}

/// Whether a call ended because its connection did, not because the server answered.
fn broken(status: &Status) -> bool {
    std::error::Error::source(status).is_some() && status.details().is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_certificates_of_our_ca_with_one_known_uri_are_let_in() {
    let secure = Secure::start(&PROGRAMS, &[]);
    let (ours, url) = (&secure.ca, &secure.server.url);
    let other = Ca::new(secure.folder(), "other");
    let uri = "ledger:auditor/bpk";
    let rows = [
        ("good", ours.client("good", &[uri], Valid::Long, ours), "OK"),
        ("another CA", other.client("another-ca", &[uri], Valid::Long, ours), "handshake"),
        ("expired", ours.client("expired", &[uri], Valid::Expired, ours), "handshake"),
        ("no URI", ours.client("none", &[], Valid::Long, ours), "CERTIFICATE_UNKNOWN"),
        ("two URIs", ours.client("two", &[uri, "ledger:officer/budi"], Valid::Long, ours), "CERTIFICATE_UNKNOWN"),
        ("unknown URI", ours.client("unknown", &["spiffe://x/y"], Valid::Long, ours), "CERTIFICATE_UNKNOWN"),
        ("unknown role", ours.client("role", &["ledger:king/budi"], Valid::Long, ours), "CERTIFICATE_UNKNOWN"),
    ];
    for (what, client, expected) in rows {
        assert_eq!(meets(url, &client).await, expected, "{what}");
    }
    // A server that the client's CA did not sign.
    let trusting_others = ours.client("trusting", &[uri], Valid::Long, &other);
    assert_eq!(meets(url, &trusting_others).await, "handshake");
    // Without a certificate, and without TLS.
    let ca = tonic::transport::Certificate::from_pem(std::fs::read(&ours.file).expect("the CA"));
    let bare = Channel::from_shared(url.clone()).expect("a URL");
    let bare = bare.tls_config(tonic::transport::ClientTlsConfig::new().ca_certificate(ca)).expect("a CA");
    let plain = Channel::from_shared(url.replace("https", "http")).expect("a URL");
    for (what, endpoint) in [("no certificate", bare), ("no TLS", plain)] {
        if let Ok(channel) = endpoint.connect().await {
            let refused = head(channel).await.expect_err(what);
            assert!(broken(&refused), "{what}: {refused:?}");
        }
    }
    // It goes on.
    assert_eq!(meets(url, &ours.client("good", &[uri], Valid::Long, ours)).await, "OK");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_is_the_actor_and_its_role_decides() {
    let secure = Secure::start(&PROGRAMS, &[]);
    programme(&secure).await;
    let mut selection = EventServiceClient::new(secure.channel("selection/pmo").await);
    let send = |events| v1::RecordEventsRequest { events };
    let results = selection.record_events(Request::new(send(vec![selected(1)]))).await.expect("recorded");
    assert!(matches!(results.get_ref().results[0].result, Some(v1::record_result::Result::Receipt(_))), "{results:?}");
    let lied = selection.record_events(from("officer/budi", send(vec![selected(2)]))).await.expect_err("another name");
    assert_eq!((lied.code(), reason(&lied).as_str()), (Code::PermissionDenied, "ACTOR_MISMATCH"));
    selection.record_events(from("selection/pmo", send(vec![selected(2)]))).await.expect("its own name");
    let claimed = v1::EventInput { approved_by: "approver/siti".to_owned(), ..selected(3) };
    let claimed = selection.record_events(Request::new(send(vec![claimed]))).await.expect("an answer").into_inner();
    let Some(v1::record_result::Result::Rejection(told)) = &claimed.results[0].result else { panic!("{claimed:?}") };
    let told = told.message.as_str();
    assert!(told.contains("approved_by"), "nobody's word about a second person is recorded: {told}");
    let all = v1::StreamRecordsRequest { from_position: 0, follow: false };
    let mut platform = AuditServiceClient::new(secure.channel("platform/pijar").await);
    let refused = platform.stream_records(Request::new(all)).await.expect_err("not its call");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "ROLE_NOT_ALLOWED"));
    let actors: Vec<_> =
        records(&secure).await.iter().map(|(actor, approver, _)| format!("{actor} {approver}")).collect();
    assert_eq!(actors[..2], ["officer/budi approver/siti", "officer/budi "]);
    assert_eq!(actors[2..], ["selection/pmo ", "selection/pmo "]);
}

/// A scheme and a wave.
async fn programme(secure: &Secure) {
    let mut officer = ProgrammeServiceClient::new(secure.channel("officer/budi").await);
    let mut approver = ProgrammeServiceClient::new(secure.channel("approver/siti").await);
    officer.enact_scheme(Request::new(enact())).await.expect_err("alone");
    approver.enact_scheme(Request::new(enact())).await.expect("together");
    let open = v1::OpenWaveRequest {
        occurred_at: Some(at(4, 2)),
        wave: 1,
        scheme_id: "semi-bansos".to_owned(),
        year: 2020,
        quota: 100,
        ..Default::default()
    };
    officer.open_wave(Request::new(open)).await.expect("a wave");
}

/// Actor, approver and event of every record.
async fn records(secure: &Secure) -> Vec<(String, String, &'static str)> {
    let mut auditor = AuditServiceClient::new(secure.channel("auditor/bpk").await);
    let all = v1::StreamRecordsRequest { from_position: 0, follow: false };
    let mut stream = auditor.stream_records(Request::new(all)).await.expect("records").into_inner();
    let mut records = Vec::new();
    while let Some(message) = stream.message().await.expect("a message") {
        for bytes in &message.records {
            let record = record::decode(bytes).expect("a record");
            let approver = record.approved_by.as_deref().unwrap_or_default().to_owned();
            records.push((record.actor.to_string(), approver, record.event.name()));
        }
    }
    records
}

fn enact() -> v1::EnactSchemeRequest {
    v1::EnactSchemeRequest { occurred_at: Some(at(4, 1)), scheme: Some(semi_bansos()), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn four_eyes_are_two_certificates() {
    let secure = Secure::start(&PROGRAMS, &[]);
    let mut officer = ProgrammeServiceClient::new(secure.channel("officer/budi").await);
    let mut approver = ProgrammeServiceClient::new(secure.channel("approver/siti").await);
    let unproposed = approver.enact_scheme(Request::new(enact())).await.expect_err("nobody proposed it");
    assert_eq!((unproposed.code(), reason(&unproposed).as_str()), (Code::FailedPrecondition, "NOT_PROPOSED"));
    // An officer's word that somebody approved is worth nothing.
    let claimed = v1::EnactSchemeRequest { approved_by: "approver/siti".to_owned(), ..enact() };
    for _ in 0..2 {
        let waits = officer.enact_scheme(Request::new(claimed.clone())).await.expect_err("alone");
        assert_eq!((waits.code(), reason(&waits).as_str()), (Code::FailedPrecondition, "AWAITS_APPROVAL"));
    }
    assert_eq!(head(secure.channel("operator/ops").await).await.expect("a head").size, 0, "nothing is recorded");
    let other = v1::EnactSchemeRequest { occurred_at: Some(at(4, 3)), ..enact() };
    let other = approver.enact_scheme(Request::new(other)).await.expect_err("not what was proposed");
    assert_eq!(reason(&other), "NOT_PROPOSED");
    let mut rina = ProgrammeServiceClient::new(secure.channel("approver/rina").await);
    assert_eq!(reason(&rina.enact_scheme(Request::new(enact())).await.expect_err("not named")), "NOT_PROPOSED");
    let approved = approver.enact_scheme(Request::new(enact())).await.expect("approved").into_inner().receipt;
    let approved = approved.expect("a receipt");
    assert_eq!((approved.position, approved.repeated), (0, false));
    for client in [&mut officer, &mut approver] {
        let again = client.enact_scheme(Request::new(claimed.clone())).await.expect("sent again").into_inner().receipt;
        assert_eq!(again.map(|receipt| (receipt.position, receipt.repeated)), Some((0, true)));
    }
    let recorded = ("officer/budi".to_owned(), "approver/siti".to_owned(), "SchemeEnacted");
    assert_eq!(records(&secure).await, [recorded]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_certificate_on_every_call_is_answered_as_the_table_says() {
    let secure = Secure::start(&PROGRAMS, &[]);
    for role in Role::ALL {
        let name = match role {
            Role::Platform => "tokopedia",
            Role::Partner => "gopay",
            _ => "test",
        };
        let channel = secure.channel(&format!("{}/{name}", role.name())).await;
        for entry in CALLS.iter().filter(|entry| entry.who != Who::Anyone) {
            let answered = call_raw(&channel, entry.path, None, vec![Bytes::new()]).await;
            let refused = answered.err().filter(|status| reason(status) == ROLE_NOT_ALLOWED.name);
            assert_eq!(refused.is_none(), entry.scope(role).is_some(), "{} by {}", entry.path, role.name());
        }
    }
}

/// Tries until it is so; a server that never comes to it fails the test.
async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{what} does not come");
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_and_clients_are_read_again_without_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("clients.toml");
    let client = |uri: &str, actor: &str| format!("[[client]]\nuri = \"{uri}\"\nactor = \"{actor}\"\n");
    let both = client("spiffe://prakerja/a", "auditor/a") + &client("spiffe://prakerja/c", "selection/c");
    std::fs::write(&list, both).expect("a list");
    let secure = Secure::start(&PROGRAMS, &["--clients", &list.display().to_string()]);
    let (ours, url) = (&secure.ca, &secure.server.url);
    let one = |name: &str, uri: &str| ours.client(name, &[uri], Valid::Long, ours);
    let (a, b) = (one("a", "spiffe://prakerja/a"), one("b", "spiffe://prakerja/b"));
    assert_eq!(meets(url, &a).await, "OK");
    assert_eq!(meets(url, &b).await, "CERTIFICATE_UNKNOWN");
    assert_eq!(meets(url, &one("by-uri", "ledger:auditor/a")).await, "CERTIFICATE_UNKNOWN", "only the list counts");
    let open = connect(url, &a).await.expect("a connection");
    // One stream that is read, one that is sent; both are of people who will not be on the list.
    let follow = v1::StreamRecordsRequest { from_position: 0, follow: true };
    let mut read = AuditServiceClient::new(open.clone()).stream_records(follow).await.expect("a stream").into_inner();
    let (batches, sent) = tokio::sync::mpsc::channel::<v1::RecordEventStreamRequest>(1);
    let c = connect(url, &one("c", "spiffe://prakerja/c")).await.expect("a connection");
    let mut recording = EventServiceClient::new(c);
    let answers = recording.record_event_stream(tokio_stream::wrappers::ReceiverStream::new(sent)).await;
    let mut answers = answers.expect("a stream").into_inner();

    // What cannot be used leaves things as they are.
    std::fs::write(&list, "[[client]]\nuri = 1\n").expect("a list");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(meets(url, &a).await, "OK");
    // Another list: it holds for connections that are open too.
    std::fs::write(&list, client("spiffe://prakerja/b", "auditor/b")).expect("a list");
    until("the other list", async || meets(url, &b).await == "OK").await;
    assert_eq!(reason(&head(open).await.expect_err("no more")), "CERTIFICATE_UNKNOWN");
    let ends = async {
        assert_eq!(reason(&read.message().await.expect_err("no more is sent")), "CERTIFICATE_UNKNOWN");
        assert_eq!(reason(&answers.message().await.expect_err("no more is taken")), "CERTIFICATE_UNKNOWN");
        // Nobody reads what would be sent now.
        batches.closed().await;
    };
    tokio::time::timeout(Duration::from_secs(30), ends).await.expect("both streams end");

    // Another CA, of the server too.
    let next = Ca::new(folder.path(), "next");
    let (cert, key) = next.server("next-server");
    std::fs::copy(&cert, secure.folder().join("server.pem")).expect("a certificate");
    std::fs::copy(&key, secure.folder().join("server.key")).expect("a key");
    std::fs::copy(&next.file, &ours.file).expect("a CA");
    let b_next = next.client("b-next", &["spiffe://prakerja/b"], Valid::Long, &next);
    until("the other CA", async || meets(url, &b_next).await == "OK").await;
    let b_old = ClientTls { ca: next.file.clone(), ..b };
    assert_eq!(meets(url, &b_old).await, "handshake");
}

#[test]
fn dev_certs_make_a_port_that_every_role_can_call() {
    let folder = tempfile::tempdir().expect("a folder");
    let certs = folder.path().join("certs");
    let make = || Command::new(PROGRAMS.server).args(["dev-certs", "--dir"]).arg(&certs).output().expect("dev-certs");
    let made = make();
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert_eq!(make().status.code(), Some(2), "nothing is overwritten");
    let file = |name: &str| certs.join(name);
    let list = file("clients.toml").display().to_string();
    let tls = [&file("server.pem"), &file("server.key"), &file("ca.pem")];
    let server = serve(&PROGRAMS, &folder.path().join("data"), tls, &["--clients", &list]);
    let of = |role: &str| ClientTls {
        ca: file("ca.pem"),
        cert: file(&format!("{role}.pem")),
        key: file(&format!("{role}.key")),
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for role in Role::ALL {
        assert_eq!(runtime.block_on(meets(&server.url, &of(role.name()))), "OK", "{}", role.name());
    }
    // The tools, with their flags.
    let flags = |command: &mut Command, role: &str| {
        let of = of(role);
        command.arg("--tls-ca").arg(of.ca).arg("--tls-cert").arg(of.cert).arg("--tls-key").arg(of.key);
        let done = command.output().expect("a tool");
        (done.status.code(), text(&done.stdout) + &text(&done.stderr))
    };
    let mut backup = Command::new(PROGRAMS.server);
    backup.args(["backup", "--from", &server.url, "--to"]).arg(folder.path().join("backup"));
    let (code, said) = flags(&mut backup, "operator");
    assert_eq!(code, Some(0), "{said}");
    let lines = folder.path().join("lines.jsonl");
    let line = r#"{"actor":"officer/dev","openWave":{"occurredAt":"2020-04-02T02:00:00Z","wave":1,"schemeId":"x","year":2020,"quota":1}}"#;
    std::fs::write(&lines, line).expect("a file");
    for (role, told) in [("officer", "SCHEME_UNKNOWN"), ("approver", "ACTOR_MISMATCH")] {
        let mut load = Command::new(PROGRAMS.server);
        load.arg("load").arg(&lines).args(["--to", &server.url]);
        let (code, said) = flags(&mut load, role);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(&format!("line 1: {told}")), "{said}");
    }
}

#[test]
fn what_does_not_fit_together_is_a_usage_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let ca = Ca::new(folder.path(), "ca");
    let (cert, key) = ca.server("server");
    let path = |file: &Path| file.display().to_string();
    let (cert, key, ca) = (path(&cert), path(&key), path(&ca.file));
    let rows: [(&[&str], &str); 6] = [
        (&[], "--tls-cert"),
        (&["--tls-cert", &cert], "tls_key is not set"),
        (&["--insecure", "--tls-cert", &cert, "--tls-key", &key, "--client-ca", &ca], "exclude each other"),
        (&["--tls-cert", &cert, "--tls-key", &key, "--client-ca", &key], "has no certificate"),
        (&["--tls-cert", &ca, "--tls-key", &key, "--client-ca", &ca], "TLS cannot be served"),
        (&["--tls-cert", &cert, "--tls-key", &key, "--client-ca", "/nowhere.pem"], "/nowhere.pem"),
    ];
    for (flags, said) in rows {
        let mut command = Command::new(PROGRAMS.server);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(folder.path().join("data")).args(flags);
        let done = command.output().expect("the server's program");
        assert_eq!(done.status.code(), Some(2), "{flags:?}");
        assert!(text(&done.stderr).contains(said), "{flags:?}: {}", text(&done.stderr));
    }
    // Nobody listens there, and nobody is asked.
    let shown = ["--tls-ca", &ca, "--tls-cert", &cert, "--tls-key", &key];
    let asked: [(&str, &[&str], &str); 2] = [
        ("https://127.0.0.1:1", &[], "https needs --tls-ca, --tls-cert and --tls-key"),
        ("http://127.0.0.1:1", &shown, "the address must begin with https://"),
    ];
    for (url, flags, said) in asked {
        for (program, args) in [
            (PROGRAMS.replay, vec!["verify", "--from", url]),
            (PROGRAMS.server, vec!["backup", "--to", "/nowhere/backup", "--from", url]),
        ] {
            let done = Command::new(program).args(args).args(flags).output().expect("a tool");
            assert_eq!(done.status.code(), Some(2), "{url}");
            assert!(text(&done.stderr).contains(said), "{url}: {}", text(&done.stderr));
        }
    }
}
