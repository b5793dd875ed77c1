//! Snapshots of the state: what is taken in slices while the fold goes on, read back and folded on is the whole fold.

use cohort_sim::{Cohort, Parameters, Scenario, SchemeName};
use ledger_core::State;
use ledger_core::event::Record;
use ledger_core::state::snapshot::{Loading, NotAState, Part, REDUCER_VERSION, Taking, whole};
use ledger_log::{AtRest, record};
use ledger_tests::fixtures::folder;
use ledger_tests::strategy::{World, history};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::histories::{cases, seen};

/// SHA-256 of the snapshot of the frozen log's state under [`REDUCER_VERSION`].
const PINNED: (u32, &str) = (2, "137f76baac91984bb1c7033405fa07f692114d80bfd735763a75b4b91834a1e2");

fn load(pieces: &[Vec<u8>]) -> Result<State, NotAState> {
    let mut loading = Loading::default();
    pieces.iter().try_for_each(|piece| loading.add(Part::read(piece)?))?;
    loading.finish(|indexes| indexes.iter_mut().for_each(|index| index.build()))
}

fn fold<'r>(state: &mut State, records: impl IntoIterator<Item = &'r Record<'static>>) {
    records.into_iter().for_each(|record| state.apply(record, &mut |_| {}).expect("a recorded event"));
}

/// Takes a snapshot of the state after `at` records, so many steps before each of the following; gives its pieces and
/// the state after all.
fn taken(records: &[Record<'static>], at: usize, steps: &[u8]) -> (Vec<Vec<u8>>, State) {
    let mut state = State::new();
    fold(&mut state, &records[..at]);
    let mut taking = Taking::begin(&state);
    let mut pieces = Vec::new();
    let mut steps = steps.iter().cycle();
    for record in &records[at..] {
        for _ in 0..steps.next().copied().unwrap_or_default() {
            taking.step(&state);
        }
        taking.before(&state, record);
        fold(&mut state, [record]);
        pieces.extend(taking.piece());
    }
    while !taking.ended() {
        taking.step(&state);
    }
    pieces.extend(std::iter::from_fn(|| taking.piece()));
    (pieces, state)
}

fn goes_on_as_if_folded_from_the_start(records: &[Record<'static>], at: usize, steps: &[u8]) {
    let (pieces, all) = taken(records, at, steps);
    let mut loaded = load(&pieces).expect("a state");
    let mut then = State::new();
    fold(&mut then, &records[..at]);
    assert_eq!(whole(&loaded), whole(&then), "as it was after {at} records");
    assert_eq!(seen(&loaded), seen(&then));
    fold(&mut loaded, &records[at..]);
    assert_eq!(whole(&loaded), whole(&all), "after all");
    assert_eq!(seen(&loaded), seen(&all));
    for participant in all.participants().iter() {
        assert_eq!(loaded.place(participant.id), all.place(participant.id));
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_loaded_state_goes_on_as_the_one_it_was_taken_from(
        steps in history(120), at in 0..1_000usize, slices in prop::collection::vec(0..4u8, 1..20),
    ) {
        let world = World::after(&steps);
        let records = world.ledger.records();
        goes_on_as_if_folded_from_the_start(records, at % (records.len() + 1), &slices);
    }
}

/// The records of some hundred people's year.
fn cohort(people: u32) -> Vec<Record<'static>> {
    let records = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = records.clone();
    let parameters = Parameters::new(people, 7, SchemeName::SemiBansos, Scenario::Year);
    let cohort = Cohort::new(parameters).watched(move |new| {
        let mut bytes = Vec::new();
        record::encode(new, &mut bytes);
        kept.lock().expect("not poisoned").push(bytes);
    });
    assert!(cohort.count() > 0);
    let bytes = std::mem::take(&mut *records.lock().expect("not poisoned"));
    bytes.iter().map(|bytes| record::decode(bytes).expect("a record").into_owned()).collect()
}

#[test]
fn many_people_are_taken_while_they_are_selected_and_change() {
    let records = cohort(600);
    // In the middle of the selections, where buckets are split; and in the middle of the year.
    for at in [200, 450, records.len() / 2] {
        for steps in [&[0][..], &[1], &[3], &[0, 0, 0, 1], &[200]] {
            goes_on_as_if_folded_from_the_start(&records, at, steps);
        }
    }
}

#[test]
fn pieces_that_are_no_whole_state_are_refused() {
    let records = cohort(300);
    let mut state = State::new();
    fold(&mut state, &records);
    let pieces = whole(&state);
    assert!(pieces.len() > 4 && load(&pieces).is_ok());
    for left_out in 0..pieces.len() {
        let kind = pieces[left_out][0];
        let mut some = pieces.clone();
        some.remove(left_out);
        // Programme, instructions and participants are counted; the frame of the file holds all of them together.
        assert_eq!(load(&some).is_err(), [1, 5, 6].contains(&kind), "piece {left_out} of kind {kind}");
        let mut twice = pieces.clone();
        twice.push(pieces[left_out].clone());
        assert_eq!(load(&twice).is_err(), [1, 5, 6].contains(&kind), "piece {left_out} of kind {kind} twice");
    }
    // Whatever the bytes are, they are a state or refused.
    for piece in &pieces {
        for at in (0..piece.len()).step_by(1 + piece.len() / 200) {
            assert!(Part::read(&piece[..at]).is_err() || at > 0, "cut at {at}");
            let mut changed = piece.clone();
            changed[at] ^= 0xFF;
            let _ = Part::read(&changed).map(|part| Loading::default().add(part));
        }
    }
}

#[test]
fn the_meaning_of_the_fold_does_not_change_without_its_version() {
    let mut state = State::new();
    let log = AtRest::open(folder(1).join("log")).expect("the frozen log");
    let examined = log.examine(|_, bytes| {
        state.apply(&record::decode(bytes)?, &mut |_| {})?;
        Ok(())
    });
    assert_eq!(examined.expect("readable").findings, []);
    let mut hash = Sha256::new();
    whole(&state).iter().for_each(|piece| hash.update(piece));
    let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let raise = "the state of the frozen log is another, or in other bytes: raise REDUCER_VERSION, so that no server goes \
                 on from a snapshot that was folded by the old rules, and pin the new hash here";
    assert_eq!((REDUCER_VERSION, hash.as_str()), PINNED, "{raise}");
}
