//! Properties of arbitrary histories. The harness checks all invariants of DOMAIN section 7 at every position.

use std::collections::{BTreeMap, BTreeSet};

use ledger_core::Decision;
use ledger_core::event::{Event, Outcome, Record};
use ledger_core::ids::{ParticipantId, Position};
use ledger_core::schedule::payable;
use ledger_core::state::{AHEAD, Outlook, Participant, State};
use ledger_core::time::Date;
use ledger_core::view;
use ledger_tests::given::named;
use ledger_tests::oracle::Oracle;
use ledger_tests::strategy::{PEOPLE, Step, World, history, recorded_names};
use ledger_tests::words::{P, day};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

const STEPS: usize = 160;

pub(crate) fn cases(n: u32) -> ProptestConfig {
    ProptestConfig { cases: n, failure_persistence: None, ..ProptestConfig::default() }
}

/// Whatever can be seen of one participant that does not depend on the order of other people's events.
fn seen_of(state: &State, participant: &Participant) -> String {
    let Some(place) = state.place(participant.id) else { return String::new() };
    let Some(scheme) = state.scheme_of(participant) else { return String::new() };
    let dates = ["2020-08-01", "2020-12-31", "2021-06-01", "2030-01-01"].map(day);
    let entitlements: Vec<_> = scheme
        .entitlements()
        .map(|(e, _)| {
            let on = dates.map(|date| payable(state, participant, e, date));
            (e.to_string(), participant.money(e), participant.due(scheme, e), on)
        })
        .collect();
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {entitlements:?}",
        named(&state.balances(place)),
        participant.status,
        participant.status_since(),
        participant.open_findings,
        participant.unlock(),
        state.first_purchase_deadline(participant),
        participant.purchases().collect::<Vec<_>>(),
    )
}

/// Whatever can be seen of everything.
pub(crate) fn seen(state: &State) -> Vec<String> {
    let mut seen = vec![
        format!("{} {:?} {:?}", state.size(), state.last_recorded_at(), state.last_programme_position()),
        format!("{:?}", named(state.totals())),
        format!("{:?}", state.waves().collect::<Vec<_>>()),
        format!("{:?}", state.years().collect::<Vec<_>>()),
        format!("{:?}", state.runs()),
    ];
    let mut exceptions: Vec<_> = state.exceptions().map(|exception| format!("{exception:?}")).collect();
    exceptions.sort();
    seen.extend(exceptions);
    for participant in state.participants().iter() {
        let (instructions, links): (Vec<_>, Vec<_>) =
            (participant.instructions().collect(), participant.links().collect());
        seen.push(format!("{} {instructions:?} {links:?}", participant.last_position()));
        seen.push(seen_of(state, participant));
    }
    seen
}

fn replay<'r>(records: impl IntoIterator<Item = &'r Record<'static>>) -> State {
    let mut state = State::new();
    for record in records {
        state.apply(record, &mut |_| {}).expect("a recorded event");
    }
    state
}

/// The same history with other people's events in between: programme events stay where they are, each participant's own
/// events keep their order, and positions follow.
fn interleaved(records: &[Record<'static>], picks: &[u8]) -> Vec<Record<'static>> {
    let mut moved = BTreeMap::new();
    let mut last: BTreeMap<Option<ParticipantId>, u64> = BTreeMap::new();
    let mut out: Vec<Record<'static>> = Vec::new();
    let mut picks = picks.iter().cycle();
    let mut put = |record: &Record<'static>| {
        let position = out.len() as u64;
        moved.insert(record.position, position);
        let now = |old: Position| Position(moved.get(&old.0).copied().unwrap_or(old.0));
        let outcome = |o: &Outcome<'static>| Outcome { instruction: now(o.instruction), ..o.clone() };
        let event = match &record.event {
            Event::InstructionRecalled(e) => {
                ledger_core::event::InstructionRecalled { instruction: now(e.instruction) }.into()
            }
            event => match event.as_outcome() {
                Some((kind, said)) => Event::outcome(kind, outcome(said)),
                None => event.clone(),
            },
        };
        let previous = last.insert(record.participant, position);
        let recorded_at = records[out.len()].recorded_at;
        out.push(Record { position, previous, recorded_at, event, ..record.clone() });
    };
    for block in records.chunk_by(|a, b| a.participant.is_some() && b.participant.is_some()) {
        let mut queues: BTreeMap<_, std::collections::VecDeque<_>> = BTreeMap::new();
        block.iter().for_each(|record| queues.entry(record.participant).or_default().push_back(record));
        while !queues.is_empty() {
            let at = usize::from(*picks.next().unwrap_or(&0)) % queues.len();
            let Some((id, queue)) = queues.iter_mut().nth(at) else { break };
            let id = *id;
            if let Some(record) = queue.pop_front() {
                put(record);
            }
            queues.retain(|other, queue| *other != id || !queue.is_empty());
        }
    }
    out
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn the_oracle_agrees_at_every_position(steps in history(STEPS)) {
        let world = World::after(&steps);
        let (mut oracle, mut state) = (Oracle::default(), State::new());
        for record in world.ledger.records() {
            oracle.observe(record);
            state.apply(record, &mut |_| {}).expect("a recorded event");
            let touched: Vec<_> = match record.participant {
                Some(id) => vec![id],
                None => oracle.participants().collect(),
            };
            for id in touched {
                let place = state.place(id).expect("a participant");
                let mut expected = oracle.accounts(id);
                expected.remove("budget");
                prop_assert_eq!(named(&state.balances(place)), expected, "{} after {:?}", id, record);
            }
        }
        let mut totals = oracle.totals();
        totals.remove("budget");
        prop_assert_eq!(named(state.totals()), totals);
        for year in [2020, 2021, 2022] {
            prop_assert_eq!(state.year(year).used.get(), oracle.funds_used(year), "funds used in {}", year);
        }
        for participant in state.participants().iter() {
            let scheme = state.scheme_of(participant).expect("a scheme");
            for (entitlement, _) in scheme.entitlements() {
                let due = oracle.entitlement_due(participant.id, entitlement);
                prop_assert_eq!(participant.due(scheme, entitlement), due, "{} of {}", entitlement, participant.id);
            }
        }
    }

    #[test]
    fn replay_equals_incremental(steps in history(STEPS)) {
        let world = World::after(&steps);
        let replayed = replay(world.ledger.records());
        for (incremental, again) in seen(world.ledger.state()).into_iter().zip(seen(&replayed)) {
            prop_assert_eq!(incremental, again);
        }
    }

    #[test]
    fn a_guess_where_a_participant_stands_is_never_trusted(steps in history(STEPS), lie in 0..PEOPLE) {
        let world = World::after(&steps);
        let (mut foreseen, mut misled) = (State::new(), State::new());
        for records in world.ledger.records().chunks(AHEAD) {
            let guesses = foreseen.foresee(records.iter().map(Outlook::of_record));
            let places: Vec<_> = records.iter().map(|record| foreseen.place(record.participant?)).collect();
            prop_assert_eq!(&guesses[..records.len()], &places[..]);
            for (record, guess) in records.iter().zip(guesses) {
                foreseen.apply_foreseen(record, guess, &mut |_| {}).expect("a recorded event");
                misled.apply_foreseen(record, Some(lie.into()), &mut |_| {}).expect("a recorded event");
            }
        }
        let whole = seen(world.ledger.state());
        prop_assert_eq!(&seen(&foreseen), &whole);
        prop_assert_eq!(&seen(&misled), &whole);
    }

    #[test]
    fn what_is_told_of_a_participant_is_no_newer_than_it_is_said_to_be(steps in history(STEPS)) {
        let world = World::after(&steps);
        let mut state = State::new();
        let told = |state: &State, as_of| -> Vec<_> {
            let people = 0..state.participants().len();
            people.map(|place| (view::participant(state, place, as_of), state.balances(place))).collect()
        };
        for record in world.ledger.records() {
            let as_of = record.occurred_at.wib_date();
            let before = told(&state, as_of);
            state.apply(record, &mut |_| {}).expect("a recorded event");
            for (participant, (before, after)) in state.participants().iter().zip(before.iter().zip(told(&state, as_of))) {
                let since = view::unchanged_since(&state, participant, as_of);
                prop_assert!(since <= state.size());
                let same = *before == after;
                prop_assert!(same || since == state.size(), "{:?} changed {}, since {}", record, participant.id, since);
            }
        }
    }

    #[test]
    fn one_participants_chain_is_enough(steps in history(STEPS), who in 1..=PEOPLE) {
        let world = World::after(&steps);
        let mut state = State::new();
        for record in world.ledger.records().iter().filter(|r| r.participant.is_none_or(|id| id == P(who).id())) {
            state.apply_of_subset(record, &mut |_| {}).expect("a recorded event");
        }
        let whole = world.ledger.state();
        let of = |state: &State| state.participant(P(who).id()).map(|p| seen_of(state, p));
        prop_assert_eq!(of(whole), of(&state));
    }

    #[test]
    fn other_peoples_order_changes_nobody(steps in history(STEPS), picks in prop::collection::vec(any::<u8>(), 1..64)) {
        let world = World::after(&steps);
        let state = world.ledger.state();
        let other = replay(&interleaved(world.ledger.records(), &picks));
        prop_assert_eq!(named(state.totals()), named(other.totals()));
        for participant in state.participants().iter() {
            let same = other.participant(participant.id).expect("a participant");
            prop_assert_eq!(seen_of(state, participant), seen_of(&other, same));
        }
    }

    #[test]
    fn a_retry_is_answered_with_the_first_position(steps in history(STEPS)) {
        let world = World::after(&steps);
        let clock = day("2030-01-01");
        for (ask, position) in &world.recorded {
            // Content is the event and its time: not who sends it, nor who approves.
            for again in [ask.clone().clock(clock), ask.clone().clock(clock).by("other/person").alone()] {
                let answer = world.ledger.decide(&again);
                prop_assert_eq!(answer, Ok(Decision::Repeat { position: *position }), "{:?}", again);
            }
        }
    }

    #[test]
    fn the_jobs_do_everything_once_and_nothing_that_is_refused(steps in history(STEPS), days in 0..400i32) {
        let mut world = World::after(&steps);
        let as_of = last_day(&world).plus_days(days);
        for place in 0..world.ledger.state().participants().len() {
            let state = world.ledger.state();
            let participant = state.participants().get(place).expect("a participant");
            for new in ledger_core::deadlines::passed(state, participant, as_of) {
                prop_assert!(new.occurred_at <= as_of.midnight(), "{:?}", new);
                if matches!(new.event, Event::MembershipRevoked(_)) {
                    let ask = P(participant.id.0[0]).sends(new.event.clone(), new.occurred_at).clock(as_of);
                    let decision = world.ledger.decide(&ask);
                    prop_assert!(matches!(decision, Ok(Decision::Record(_))), "{:?}: {:?}", new, decision);
                }
            }
        }
        world.ledger.jobs(as_of);
        prop_assert_eq!(world.ledger.jobs(as_of), vec![]);
    }

    #[test]
    fn an_identity_is_recorded_once(steps in history(STEPS)) {
        let world = World::after(&steps);
        let mut known = BTreeSet::new();
        for record in world.ledger.records() {
            if let Some(identity) = identity(record) {
                prop_assert!(known.insert(identity.clone()), "{} twice: {:?}", identity, record);
            }
        }
    }
}

/// The identity of an event (DOMAIN section 3), as far as it is one beside the participant.
fn identity(record: &Record<'_>) -> Option<String> {
    let name = record.event.name();
    let who = record.participant;
    let of = |parts: &dyn std::fmt::Debug| Some(format!("{name} {parts:?}"));
    match &record.event {
        Event::Selected(_) => of(&who),
        Event::PayoutAccountLinked(e) => of(&e.link),
        Event::PayoutAccountUnlinked(e) => of(&e.link),
        Event::TrainingBought(e) => of(&e.purchase),
        Event::PurchaseCancelled(e) => of(&e.purchase),
        Event::TrainingCompleted(e) => of(&e.purchase),
        Event::CertificateIssued(e) => of(&e.purchase),
        Event::TrainingReviewed(e) => of(&e.purchase),
        Event::CompletionWithdrawn(e) => of(&(who, e.case)),
        Event::SurveyFilled(e) => of(&(who, e.number)),
        Event::MembershipRevoked(e) => of(&(who, e.case)),
        Event::MembershipReinstated(e) => of(&(who, e.case)),
        Event::PayoutAccepted(e) => of(&e.outcome.instruction),
        Event::PayoutRejected(e) => of(&e.outcome.instruction),
        Event::PayoutInDoubt(e) => of(&e.outcome.instruction),
        Event::PayoutSettled(e) => of(&(e.outcome.instruction, &e.outcome.transaction_reference)),
        Event::PayoutReturned(e) => of(&(e.outcome.instruction, &e.outcome.transaction_reference)),
        Event::InstructionRecalled(e) => of(&e.instruction),
        Event::OutcomeException(e) => of(&(e.partner, &e.outcome.transaction_reference, e.kind)),
        Event::ExceptionResolved(e) => of(&(e.partner, &e.transaction_reference, e.kind)),
        Event::IneligibilityFound(e) => of(&(who, &e.source, &e.case_number)),
        Event::IneligibilityWithdrawn(e) => of(&(who, &e.source, &e.case_number)),
        Event::RepaymentDemanded(e) => of(&(who, e.demand)),
        Event::RepaymentReceived(e) => of(&e.receipt_number),
        Event::FundsAppropriated(e) => of(&e.document_number),
        Event::StatementReconciled(e) => of(&(e.partner, e.file_digest)),
        Event::SchemeEnacted(e) => of(&e.scheme.scheme),
        Event::WaveOpened(e) => of(&e.wave),
        Event::WaveClosed(e) => of(&e.wave),
        Event::BalancePeriodClosed(e) => of(&e.year),
        Event::DisbursementRunPlanned(e) => of(&e.run),
        Event::DisbursementRunApproved(e) => of(&e.run),
        Event::DisbursementRunClosed(e) => of(&e.run),
        Event::PayoutInstructed(_) => None,
    }
}

fn last_day(world: &World) -> Date {
    world.ledger.state().last_recorded_at().map_or(Date::default(), |at| at.wib_date())
}

/// The generator is worth something only if much of what it asks is recorded, and everything happens.
#[test]
fn histories_are_rich() {
    let mut runner = TestRunner::deterministic();
    let steps = prop::collection::vec(ledger_tests::strategy::step(), STEPS);
    let (mut asked, mut recorded) = (0, 0);
    let (mut names, mut refused) = (BTreeSet::new(), BTreeMap::new());
    let (mut overpaid, mut longest) = (false, 0);
    for _ in 0..200 {
        let steps: Vec<Step> = steps.new_tree(&mut runner).expect("a history").current();
        let world = World::after(&steps);
        asked += world.asked;
        recorded += world.recorded.len() as u64;
        names.extend(recorded_names(&world.ledger));
        world.refused.iter().for_each(|(why, n)| *refused.entry(*why).or_insert(0) += n);
        overpaid |= named(world.ledger.state().totals()).contains_key("overpaid");
        let instructions = world.ledger.state().participants().iter().map(|p| p.instructions().count());
        longest = longest.max(instructions.max().unwrap_or(0));
    }
    eprintln!(
        "{recorded} of {asked} recorded, {} events, {} rejections, {longest} instructions {refused:?}",
        names.len(),
        refused.len()
    );
    assert!(recorded * 10 > asked * 6, "{recorded} of {asked} requests recorded");
    assert_eq!(names.len(), 34, "not all events happen: {names:?}");
    assert!(refused.len() > 25, "few rejections happen: {refused:?}");
    assert!(overpaid && longest > 6, "money does not get far");
}
