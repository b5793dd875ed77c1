//! Faults of the engine as callers and operators meet them: everybody who waits hears that the server is unavailable, and
//! it ends with exit code 5. And clients who are gone without a word.

use std::pin::pin;

use ledger_proto::v1;
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_rpc::v1::event_service_client::EventServiceClient;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use super::*;
use crate::engine::Unavailable;
use crate::engine::tests::{self as engine, Held};

/// A hang of the server fails a test instead of holding it for ever.
const FOR_EVER: Duration = Duration::from_secs(60);

/// These speak plainly.
fn plain(listener: TcpListener) -> Front<std::future::Pending<()>> {
    Front { listener, tls: None, metrics: None, begun: Instant::now() }
}

/// A server in this process, with its engine in hand.
struct Faulty {
    engine: Engine,
    url: String,
    ended: JoinHandle<Result<(), Failure>>,
    _folder: TempDir,
}

impl Faulty {
    async fn start() -> Self {
        Self::with(|config| config).await
    }

    async fn with(change: impl FnOnce(Config) -> Config) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let start = engine::begun(folder.path()).await;
        let engine = start.engine.clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let config = Config { commit_limit: Some(Duration::from_secs(1)), ..Config::new(folder.path().to_owned()) };
        let ended = tokio::spawn(serve(start, change(config), plain(listener), || {}, std::future::pending()));
        Self { engine, url, ended, _folder: folder }
    }

    /// A caller who records one event.
    fn caller(&self) -> JoinHandle<Result<(), Status>> {
        let url = self.url.clone();
        tokio::spawn(async move {
            let channel = Endpoint::from_shared(url).expect("a URL").connect().await.expect("a connection");
            let selected = v1::Selected {
                wave: 1,
                identity_digest: vec![1; 32].into(),
                identity_key_id: "key-1".to_owned(),
                family_card_digest: vec![2; 32].into(),
                region: "12.75".to_owned(),
            };
            let event = v1::EventInput {
                participant_id: "00000000-0000-4000-8000-000000000001".to_owned(),
                occurred_at: Some(ledger_proto::Timestamp { seconds: 1_586_484_000, nanos: 0 }),
                event: Some(v1::event_input::Event::Selected(selected)),
                ..Default::default()
            };
            let mut request = Request::new(v1::RecordEventsRequest { events: vec![event] });
            request.metadata_mut().insert("x-ledger-actor", "selection/test".parse().expect("plain text"));
            EventServiceClient::new(channel).record_events(request).await.map(drop)
        })
    }

    /// Somebody records, and somebody reads what was recorded, while the writing thread is held up; then `fault` comes.
    /// Both hear that the server is unavailable, and it ends. Gives why.
    async fn meets(self, mut writer: Option<Held>, fault: impl AsyncFnOnce(&Engine, &mut Option<Held>)) -> Failure {
        let caller = self.caller();
        engine::until_decided(&self.engine, 1).await;
        let mut reader = pin!(self.engine.query(|state| state.size()));
        assert_eq!(engine::poll_once(reader.as_mut()).await, None);
        fault(&self.engine, &mut writer).await;
        let told = tokio::time::timeout(FOR_EVER, caller).await.expect("an answer");
        let told = told.expect("no panic").expect_err("a fault");
        let reason = told.get_details_error_info().map(|info| info.reason);
        assert_eq!((told.code(), reason.as_deref()), (Code::Unavailable, Some("STOPPING")), "{told:?}");
        let read = tokio::time::timeout(FOR_EVER, reader).await.expect("an answer");
        assert_eq!(read, Err(Unavailable::Stopping));
        drop(writer);
        let ended = tokio::time::timeout(FOR_EVER, self.ended).await.expect("an end");
        let failure = ended.expect("no panic").expect_err("a fault");
        assert_eq!(failure.exit_code(), 5, "{failure}");
        failure
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_of_the_writing_thread_ends_the_server() {
    let server = Faulty::start().await;
    let writer = engine::hold_writer(&server.engine, || panic!("a fault on purpose")).await;
    let failure = server.meets(Some(writer), async |_, writer| drop(writer.take())).await;
    assert!(matches!(failure, Failure::Broken), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_of_the_deciding_thread_ends_the_server() {
    let server = Faulty::start().await;
    let writer = engine::hold_writer(&server.engine, || {}).await;
    let failure = server.meets(Some(writer), async |engine, _| engine::break_decider(engine).await).await;
    assert!(matches!(failure, Failure::Broken), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_does_not_fold_ends_the_server() {
    let server = Faulty::start().await;
    let writer = engine::hold_writer(&server.engine, || {}).await;
    let failure = server.meets(Some(writer), async |engine, _| engine::decide_nonsense(engine).await).await;
    assert!(matches!(failure, Failure::Broken), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_does_not_end_ends_the_server() {
    let server = Faulty::start().await;
    let writer = engine::hold_writer(&server.engine, || {}).await;
    let failure = server.meets(Some(writer), async |_, _| {}).await;
    assert!(matches!(failure, Failure::Stalled(1)), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_answer_a_ping_is_gone_and_who_does_stays() {
    let often = Duration::from_millis(50);
    // A client on a busy machine may take a while to answer.
    let server = Faulty::with(|config| Config { keepalive: (often, Duration::from_secs(5)), ..config }).await;
    let idle = Endpoint::from_shared(server.url.clone()).expect("a URL").connect().await.expect("a connection");
    let silent = async {
        let address = server.url.strip_prefix("http://").expect("a URL");
        let mut silent = tokio::net::TcpStream::connect(address).await.expect("a connection");
        // A good beginning: the preface, and settings without any.
        silent.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.expect("sent");
        let mut pinged = Vec::new();
        silent.read_to_end(&mut pinged).await.expect("the end");
        pinged
    };
    let pinged = tokio::time::timeout(FOR_EVER, silent).await.expect("the server ends it");
    assert!(pinged.windows(5).any(|frame| frame == [0, 0, 8, 6, 0]), "it was asked by a ping: {pinged:?}");
    // The other has answered a hundred pings by now.
    let mut request = Request::new(v1::GetHeadRequest {});
    request.metadata_mut().insert("x-ledger-actor", "auditor/test".parse().expect("plain text"));
    AuditServiceClient::new(idle).get_head(request).await.expect("served over the same connection");
}
