//! kill -9 under load, again and again: what was acknowledged is there with a true receipt, and retries double nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ledger_log::leaf_hash;
use ledger_proto::v1;
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_rpc::v1::event_service_client::EventServiceClient;
use ledger_tests::life::{Programme, receipt, selections};
use ledger_tests::server::{Server, from};

use crate::PROGRAMS;

const ROUNDS: u64 = 50;
const CLIENTS: u64 = 4;
/// People of one request; each has six events.
const PEOPLE: u64 = 15;

/// What clients know: the requests to send next, and the receipts of what was answered.
#[derive(Default)]
struct Book {
    next_person: u64,
    unanswered: Vec<u64>,
    /// Leaf hash by position.
    receipts: BTreeMap<u64, Vec<u8>>,
    answered: u64,
}

/// A request is known by its first person.
fn request(first: u64) -> Vec<v1::EventInput> {
    (first..first + PEOPLE).flat_map(selections).collect()
}

/// Sends until the server is gone; what was not answered goes back to the book.
async fn client(url: String, book: Arc<Mutex<Book>>) {
    let Ok(channel) = tonic::transport::Channel::from_shared(url).expect("a URL").connect().await else { return };
    let mut client = EventServiceClient::new(channel);
    loop {
        let first = {
            let mut book = book.lock().expect("a book");
            book.unanswered.pop().unwrap_or_else(|| {
                book.next_person += PEOPLE;
                book.next_person
            })
        };
        let events = request(first);
        match client.record_events(from("selection/test", v1::RecordEventsRequest { events })).await {
            Ok(answer) => {
                let mut book = book.lock().expect("a book");
                book.answered += 1;
                for result in &answer.into_inner().results {
                    let receipt = receipt(result);
                    let known = book.receipts.insert(receipt.position, receipt.leaf_hash.to_vec());
                    assert!(known.is_none_or(|known| known == receipt.leaf_hash), "one position, one record");
                }
            }
            Err(_) => {
                book.lock().expect("a book").unanswered.push(first);
                return;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_lose_nothing_and_double_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = Server::start(&PROGRAMS, &data);
    Programme::begin(server.channel().await).await;
    assert_eq!(server.terminate().code(), Some(0));
    let book = Arc::new(Mutex::new(Book::default()));
    for round in 0..ROUNDS {
        let server = Server::start(&PROGRAMS, &data);
        let clients: Vec<_> =
            (0..CLIENTS).map(|_| tokio::spawn(client(server.url.clone(), Arc::clone(&book)))).collect();
        // Moments spread over the first fifth of a second, in no order: 83 is a generator modulo 199.
        tokio::time::sleep(Duration::from_millis(10 + round * 83 % 199)).await;
        server.kill();
        for client in clients {
            client.await.expect("a client");
        }
    }
    let server = Server::start(&PROGRAMS, &data);
    let mut sender = EventServiceClient::new(server.channel().await);
    let unanswered = std::mem::take(&mut book.lock().expect("a book").unanswered);
    for first in unanswered {
        let events = request(first);
        let answer = sender.record_events(from("selection/test", v1::RecordEventsRequest { events })).await;
        for result in &answer.expect("an answer").into_inner().results {
            let receipt = receipt(result);
            book.lock().expect("a book").receipts.insert(receipt.position, receipt.leaf_hash.to_vec());
        }
    }
    let mut stored = BTreeMap::new();
    let mut auditor = AuditServiceClient::new(server.channel().await);
    let ask = from("auditor/test", v1::StreamRecordsRequest::default());
    let mut stream = auditor.stream_records(ask).await.expect("a stream").into_inner();
    while let Some(message) = stream.message().await.expect("a message") {
        for (bytes, position) in message.records.iter().zip(message.first_position..) {
            stored.insert(position, leaf_hash(bytes).to_vec());
        }
    }
    let book = book.lock().expect("a book");
    let events = book.next_person * 6;
    // Three records of the programme, then each event once: gapless, none lost, none doubled.
    assert_eq!(stored.keys().copied().collect::<Vec<_>>(), (0..3 + events).collect::<Vec<_>>());
    assert_eq!(book.receipts.len() as u64, events, "every event was acknowledged in the end");
    for (position, hash) in &book.receipts {
        assert_eq!(stored.get(position), Some(hash), "the receipt of position {position}");
    }
    assert!(book.answered > ROUNDS, "the kills came under load: {} answers", book.answered);
    assert_eq!(server.terminate().code(), Some(0));
    assert_eq!(PROGRAMS.replayed(&["verify"], &data)["ok"], true);
}
