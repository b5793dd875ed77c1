//! A participant's own life does not depend on how many others there are.

use cohort_sim::{Cohort, SchemeName};
use ledger_proto::v1::EventInput;
use ledger_proto::v1::event_input::Event;
use ledger_proto::v1::load_line::Request;

use crate::{SCHEMES, year};

/// The events of one participant, who is known by the number in the reference of the selection. Outcomes are left out:
/// they name log positions.
fn life(participants: u32, scheme: SchemeName, number: u32) -> Vec<EventInput> {
    let reference = format!("sel-{number}");
    let mut id = None;
    let mut events = Vec::new();
    for line in Cohort::new(year(participants, 11, scheme)) {
        let Some(Request::Event(event)) = line.request else { continue };
        if matches!(event.event, Some(Event::Selected(_))) && event.source_reference == reference {
            id = Some(event.participant_id.clone());
        }
        if id.as_ref() == Some(&event.participant_id) {
            events.push(event);
        }
    }
    events
}

#[test]
fn ten_or_a_hundred_make_no_difference_to_one() {
    for scheme in SCHEMES {
        for number in 1..=10 {
            let alone = life(10, scheme, number);
            assert!(!alone.is_empty());
            assert_eq!(alone, life(100, scheme, number), "{scheme:?} {number}");
        }
    }
}
