//! Decide and fold never panic, whatever comes, on whatever state.

use ledger_core::codes::Auth;
use ledger_core::deadlines::passed;
use ledger_core::event::{Event, Record, Text};
use ledger_core::fold::FoldError;
use ledger_core::postings::closing;
use ledger_core::run::{self, Execution};
use ledger_core::schedule::payable;
use ledger_core::time::{Date, Timestamp};
use ledger_core::{State, decide};
use ledger_tests::arbitrary::{any_date, command, event, moment, participant};
use ledger_tests::oracle::Oracle;
use ledger_tests::strategy::{World, history};
use ledger_tests::words::Ask;
use proptest::collection::vec;
use proptest::prelude::*;

fn cases(n: u32) -> ProptestConfig {
    ProptestConfig { cases: n, failure_persistence: None, ..ProptestConfig::default() }
}

/// A record with the header that the state expects.
fn record(
    state: &State,
    participant: Option<ledger_core::ids::ParticipantId>,
    occurred_at: Timestamp,
    event: Event<'static>,
) -> Record<'static> {
    let previous = match participant {
        Some(id) => state.participant(id).map(ledger_core::state::Participant::last_position),
        None => state.last_programme_position(),
    };
    Record {
        position: state.size(),
        previous,
        participant,
        occurred_at,
        recorded_at: state.last_recorded_at().unwrap_or_default(),
        actor: Text::Borrowed("anybody"),
        auth: Auth::Insecure,
        approved_by: None,
        source_reference: Text::Borrowed(""),
        event,
    }
}

/// Everything that reads a state.
fn ask_everything(state: &State, date: Date) {
    for place in 0..state.participants().len() {
        let balances = state.balances(place);
        let _ = (balances.sum(), balances.treasury_total(), format!("{balances:?}"));
        let Some(participant) = state.participants().get(place) else { continue };
        let _ = (passed(state, participant, date), participant.unlock(), state.first_purchase_deadline(participant));
        let Some(scheme) = state.scheme_of(participant) else { continue };
        for (entitlement, _) in scheme.entitlements() {
            let _ = (payable(state, participant, entitlement, date), participant.due(scheme, entitlement));
        }
    }
    let plan = run::plan(state, date);
    for run in state.runs() {
        for item in &plan.items {
            let _ = run::instruct(state, run.id, item);
        }
        let mut execution = Execution::new(state, run.id, plan.clone());
        while execution.step(state).is_some() {}
        let _ = execution.close(state);
    }
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn nothing_that_is_recorded_brings_the_state_down(
        steps in history(80),
        nonsense in vec((participant(), moment(), event()), 1..60),
        commands in vec((command(), moment()), 1..20),
        date in any_date(),
    ) {
        let world = World::after(&steps);
        let mut state = State::new();
        for record in world.ledger.records() {
            state.apply(record, &mut |_| {}).expect("a recorded event");
        }
        for (participant, at, event) in nonsense {
            let record = record(&state, participant, at, event);
            for place in 0..state.participants().len() {
                closing(&state, &record, place, &mut |_| {});
            }
            let size = state.size();
            let applied = state.apply(&record, &mut |_| {});
            prop_assert_eq!(state.size(), size + u64::from(applied.is_ok()));
        }
        ask_everything(&state, date);
        for (command, at) in commands {
            let ask = Ask::new(command, at);
            let _ = decide(&state, &ask.meta(&state), ask.command.clone());
        }
    }

    #[test]
    fn no_command_brings_a_decision_down_and_what_it_lets_through_can_be_folded(
        steps in history(80),
        commands in vec((command(), moment(), any::<bool>()), 1..60),
    ) {
        // The harness folds what is decided, and checks every invariant.
        let mut ledger = World::after(&steps).ledger;
        let mut oracle = Oracle::default();
        for (command, at, late) in commands {
            let ask = Ask::new(command, at);
            let clock = Timestamp::from_nanos(at.nanos().saturating_add(1));
            let _ = ledger.ask(&if late { ask.clock(clock) } else { ask });
        }
        ledger.records().iter().for_each(|record| oracle.observe(record));
        prop_assert_eq!(oracle.totals().values().sum::<i64>(), 0);
    }

    #[test]
    fn a_record_that_cannot_follow_leaves_the_state_as_it_was(
        steps in history(60), participant in participant(), at in moment(), event in event(),
        position in any::<u64>(), previous in any::<Option<u64>>(), back in 0..3u8,
    ) {
        let world = World::after(&steps);
        let mut state = State::new();
        for record in world.ledger.records() {
            state.apply(record, &mut |_| {}).expect("a recorded event");
        }
        let good = record(&state, participant, at, event);
        let totals = *state.totals();
        let bad = match back {
            0 => Record { position, ..good.clone() },
            1 => Record { previous, ..good.clone() },
            _ => Record { recorded_at: Timestamp::from_nanos(i64::MIN), ..good.clone() },
        };
        prop_assume!(bad != good);
        let mut postings = 0;
        let refused = state.apply(&bad, &mut |_| postings += 1);
        let expected = match back {
            0 => matches!(refused, Err(FoldError::Position { .. })),
            1 => matches!(refused, Err(FoldError::Previous { .. })),
            _ => matches!(refused, Err(FoldError::RecordedAt)),
        };
        prop_assert!(expected, "{:?}", refused);
        prop_assert_eq!((postings, state.size(), *state.totals()), (0, good.position, totals));
        // A subset of the log may have gaps; its positions are any.
        let _ = state.apply_of_subset(&Record { position, ..good }, &mut |_| {});
    }
}

#[test]
fn the_last_position_is_a_bound_of_the_fold() {
    let mut world = World::after(&[]);
    let close = ledger_tests::words::close_wave(1, "2020-06-01");
    world.ledger.and([close]);
    let last = world.ledger.records().last().cloned().expect("a record");
    let mut state = State::new();
    for record in &world.ledger.records()[..world.ledger.records().len() - 1] {
        state.apply(record, &mut |_| {}).expect("a recorded event");
    }
    for position in [1 << 40, u64::MAX] {
        let refused = state.apply_of_subset(&Record { position, ..last.clone() }, &mut |_| {});
        assert_eq!(refused, Err(FoldError::Position { expected: state.size(), found: position }));
    }
    assert_eq!(state.apply_of_subset(&Record { position: (1 << 40) - 1, ..last }, &mut |_| {}), Ok(()));
}
