//! The engine on a real log: what overtakes, and which commit an answer waits for.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::time::Duration;

use ledger_core::NewEvent;
use ledger_core::codes::Partner;
use ledger_core::event::{Event, PayoutAccountLinked, SchemeEnacted, Selected, SurveyFilled, Text, WaveOpened};
use ledger_core::ids::{Digest, LinkId, ParticipantId, Region, Wave};
use ledger_core::money::Rupiah;
use ledger_core::scheme::{MonthDay, Scheme};
use ledger_core::state::Place;
use ledger_core::view::unchanged_since;
use ledger_log::Batch;

use super::decider::{MOST_READS, READS_EVERY};
use super::*;

/// A hang of the engine fails a test instead of holding it for ever.
const FOR_EVER: Duration = Duration::from_secs(60);

pub(crate) fn actor() -> Actor {
    Actor { name: "insecure:officer/budi".to_owned(), auth: Auth::Insecure }
}

/// On 10 April 2020, 09:00 WIB.
fn incoming(participant: Option<ParticipantId>, event: impl Into<Event<'static>>) -> Incoming<'static> {
    let occurred_at = Some(Timestamp::from_nanos(1_586_484_000_000_000_000));
    let said = Said { occurred_at, approved_by: Some("insecure:approver/siti".to_owned()), ..Said::default() };
    Incoming::new(said, Command::Record { participant, event: event.into() })
}

fn person(number: u64) -> ParticipantId {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    ParticipantId(id)
}

fn digest(kind: u8, number: u64) -> Digest {
    let mut digest = [kind; 32];
    digest[24..].copy_from_slice(&number.to_be_bytes());
    Digest(digest)
}

/// A person is selected for wave 1.
pub(crate) fn selected(number: u64) -> Incoming<'static> {
    let event = Selected {
        wave: Wave(1),
        identity_digest: digest(1, number),
        identity_key_id: Text::Borrowed("key-1"),
        family_card_digest: digest(2, number),
        region: Region(1275),
    };
    incoming(Some(person(number)), event)
}

fn linked(number: u64) -> Incoming<'static> {
    let event = PayoutAccountLinked {
        link: LinkId(person(number).0),
        partner: Partner::Gopay,
        account_token: Text::Borrowed("token"),
        holder_identity_digest: digest(1, number),
    };
    incoming(Some(person(number)), event)
}

/// An engine with a scheme and an open wave: two records.
pub(crate) async fn begun(dir: &std::path::Path) -> Start {
    let start = Engine::start(dir, 0, Every::default()).expect("an engine");
    let scheme = Scheme {
        scheme: Text::Borrowed("test"),
        training_aid: Rupiah::new(1_000_000),
        training_incentives: vec![Rupiah::new(600_000)],
        survey_incentives: vec![],
        first_purchase_days: 30,
        balance_last_day: MonthDay { month: 12, day: 15 },
        complete_by: MonthDay { month: 12, day: 31 },
        first_incentive_days: 5,
        survey_opening_days: vec![],
        survey_due_days: 14,
        instruction_expiry_days: 7,
        max_participants_per_family_card: 2,
    };
    let open = WaveOpened { wave: Wave(1), scheme: Text::Borrowed("test"), year: 2020, quota: 100_000 };
    let programme = vec![incoming(None, SchemeEnacted { scheme }), incoming(None, open)];
    let answers = start.engine.record(actor(), programme).await.expect("durable");
    assert!(answers.iter().all(|answer| matches!(answer, Answer::Recorded { .. })), "{answers:?}");
    start
}

/// Ends an engine in good order.
async fn end(start: Start) {
    start.engine.stop().await;
    start.ended.await.expect("an end").expect("in good order");
}

/// A thread of the engine that is held up; goes on when this is dropped.
pub(crate) struct Held(#[expect(dead_code, reason = "dropped, it lets the thread go on")] mpsc::Sender<()>);

/// Two ends: what holds the thread up, and the handle of whoever does.
async fn hold(block: impl FnOnce(Box<dyn FnOnce() + Send>)) -> Held {
    let (entered, entering) = oneshot::channel();
    let (release, released) = mpsc::channel();
    block(Box::new(move || {
        entered.send(()).expect("a test that waits");
        assert!(released.recv().is_err(), "nothing is sent");
    }));
    entering.await.expect("the thread came by");
    Held(release)
}

/// Holds the writing thread up: what is decided from now on is not durable. When it goes on, `then` comes first.
pub(crate) async fn hold_writer(engine: &Engine, then: fn()) -> Held {
    hold(|block| {
        let reply = Box::new(move |_: &committer::Committed<'_>| {
            block();
            then();
        });
        assert!(engine.pending.add(&Batch::new(), Some(reply)));
    })
    .await
}

/// Holds the deciding thread up: what is asked from now on waits in the queue.
async fn hold_decider(engine: &Engine) -> Held {
    let engine = engine.clone();
    hold(|block| drop(tokio::spawn(async move { engine.query(move |_| block()).await }))).await
}

/// The deciding thread panics.
pub(crate) async fn break_decider(engine: &Engine) {
    engine.send(Request::Query(Box::new(|_| panic!("a fault on purpose")))).await.expect("the engine's queue");
}

/// The deciding thread comes to a decision that does not fold: a survey of somebody whom nobody selected.
pub(crate) async fn decide_nonsense(engine: &Engine) {
    struct Nonsense;

    impl scan::Question for Nonsense {
        fn see(&mut self, _: &State, _: Place) {}

        fn end(self: Box<Self>, decider: &mut decider::Decider) -> bool {
            let actor = actor();
            let meta = decider.meta(&actor, Said::default());
            let event = SurveyFilled { number: 1 }.into();
            let new = NewEvent { participant: Some(person(1)), occurred_at: meta.occurred_at, event };
            let decided = decider.fold(&meta, vec![new]);
            unreachable!("the thread has ended: {decided:?}")
        }
    }

    let begin: Begin = Box::new(|_| Some(Box::new(Nonsense)));
    engine.send(Request::Scan(begin)).await.expect("the engine's queue");
}

/// Waits until this many records are decided and not yet with the writing thread.
pub(crate) async fn until_decided(engine: &Engine, records: usize) {
    while engine.pending.backlog() != records {
        tokio::task::yield_now().await;
    }
}

/// Polls once.
pub(crate) async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_waits_for_the_records_that_it_rests_on_and_no_others() {
    let dir = tempfile::tempdir().expect("a folder");
    let start = begun(dir.path()).await;
    let engine = &start.engine.clone();
    engine.record(actor(), vec![selected(1), selected(2)]).await.expect("durable");
    let today = now().wib_date();
    let read = |number| {
        engine.read(move |state| {
            let participant = state.participant(person(number)).expect("a person");
            (participant.links().count(), unchanged_since(state, participant, today))
        })
    };

    let writer = hold_writer(engine, || {}).await;
    let linking = engine.submit(actor(), Commands::owned(vec![linked(2)])).await.expect("the engine's queue");
    let untouched = tokio::time::timeout(FOR_EVER, read(1)).await.expect("it waits for nobody else's commit");
    assert_eq!(untouched, Ok((0, 4)), "true of the durable log, which has no link yet");
    let unknown = engine.read(|state| (state.participant(person(3)).is_some(), 0));
    assert_eq!(tokio::time::timeout(FOR_EVER, unknown).await.expect("it rests on nothing"), Ok((false, 4)));

    let mut touched = pin!(read(2));
    assert_eq!(poll_once(touched.as_mut()).await, None);
    // What is asked after it is answered: so it was looked at.
    let (_, size) = engine.look(|_| ()).await.expect("a look");
    assert_eq!(size, 5);
    assert_eq!(poll_once(touched.as_mut()).await, None, "nobody is told of a link that may vanish");

    drop(writer);
    assert_eq!(touched.await, Ok((1, 5)));
    assert!(matches!(linking.wait().await.expect("durable")[..], [Answer::Recorded { position: 4, .. }]));
    end(start).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_overtake_between_the_slices_of_a_batch_and_nothing_else_does() {
    const EVENTS: u64 = 4 * READS_EVERY as u64;
    let dir = tempfile::tempdir().expect("a folder");
    let start = begun(dir.path()).await;
    let engine = &start.engine.clone();
    let decider = hold_decider(engine).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = |what: &'static str| -> Query {
        let seen = Arc::clone(&seen);
        Box::new(move |state| seen.lock().expect("no panic").push((what, state.size())))
    };
    let batch = engine
        .submit(actor(), Commands::owned((1..=EVENTS).map(selected).collect()))
        .await
        .expect("the engine's queue");
    engine.send(Request::Query(note("query"))).await.expect("the engine's queue");
    for _ in 0..3 * MOST_READS {
        engine.send(Request::Read(note("read"))).await.expect("the engine's queue");
    }
    let one = engine.submit(actor(), Commands::owned(vec![selected(EVENTS + 1)])).await.expect("the engine's queue");
    engine.send(Request::Query(note("query"))).await.expect("the engine's queue");

    drop(decider);
    batch.wait().await.expect("durable");
    one.wait().await.expect("durable");
    end(start).await;
    let seen = seen.lock().expect("no panic").clone();
    let of = |what: &str| seen.iter().filter(|(name, _)| *name == what).map(|(_, size)| *size).collect::<Vec<_>>();
    assert_eq!(of("query"), [2 + EVENTS, 2 + EVENTS + 1], "in their turn");
    let reads = of("read");
    assert_eq!(reads.len(), 3 * MOST_READS);
    let mut states = reads.clone();
    states.dedup();
    let slices = [0, 1, 2, 3].map(|slice| 2 + slice * READS_EVERY as u64);
    assert_eq!(states, slices, "before the batch, and between its slices");
    let most = states.iter().map(|state| reads.iter().filter(|read| *read == state).count()).max();
    assert!(most <= Some(MOST_READS), "{most:?} reads at a time hold the batch up");
}
