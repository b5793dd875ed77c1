//! Lines that may be sent together. What is recorded of one participant does not depend on the others, so only the lines of
//! one participant have to keep their order; lines of many participants go out in few large calls, several at a time.
//!
//! A line stands on a level: the one of its participant's line before it where both go in one call, else the next. Levels
//! are sent one after the other; the calls of a level, one for each actor and kind, at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use ledger_proto::v1;

/// What one call takes.
pub(super) enum Items {
    Events(Vec<v1::EventInput>),
    Outcomes(Vec<v1::OutcomeInput>),
}

/// One item of a call.
pub(super) enum Item {
    Event(v1::EventInput),
    Outcome(v1::OutcomeInput),
}

/// Items of one actor and kind, in the order of their lines.
pub(super) struct Group {
    pub(super) actor: String,
    pub(super) numbers: Vec<u64>,
    pub(super) items: Items,
}

/// Actor and kind, by number.
type Sender = usize;

/// The lines between two that all others wait for.
#[derive(Default)]
pub(super) struct Window {
    senders: HashMap<(String, bool), Sender>,
    /// By participant: level and sender of its last line.
    last: HashMap<String, (usize, Sender)>,
    levels: Vec<HashMap<Sender, Group>>,
    len: usize,
}

impl Window {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Adds a line of a participant.
    pub(super) fn add(&mut self, number: u64, actor: String, participant: &str, item: Item) {
        let senders = self.senders.len();
        let sender = *self.senders.entry((actor.clone(), matches!(item, Item::Outcome(_)))).or_insert(senders);
        // Ids are the same in either case of their letters.
        let level = match self.last.entry(participant.to_ascii_lowercase()) {
            Entry::Vacant(first) => first.insert((0, sender)).0,
            Entry::Occupied(mut last) => {
                let (level, by) = *last.get();
                let level = if by == sender { level } else { level + 1 };
                last.insert((level, sender));
                level
            }
        };
        while self.levels.len() <= level {
            self.levels.push(HashMap::new());
        }
        let group = self.levels[level].entry(sender).or_insert_with(|| {
            let items = match item {
                Item::Event(_) => Items::Events(Vec::new()),
                Item::Outcome(_) => Items::Outcomes(Vec::new()),
            };
            Group { actor, numbers: Vec::new(), items }
        });
        group.numbers.push(number);
        match (&mut group.items, item) {
            (Items::Events(events), Item::Event(event)) => events.push(event),
            (Items::Outcomes(outcomes), Item::Outcome(outcome)) => outcomes.push(outcome),
            // A sender has one kind.
            (Items::Events(_), Item::Outcome(_)) | (Items::Outcomes(_), Item::Event(_)) => {}
        }
        self.len += 1;
    }

    /// The calls, level by level.
    pub(super) fn into_levels(self) -> impl Iterator<Item = Vec<Group>> {
        self.levels.into_iter().map(|level| level.into_values().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Item {
        Item::Event(v1::EventInput::default())
    }

    #[test]
    fn lines_of_one_participant_keep_their_order_and_others_go_together() {
        let mut window = Window::default();
        let lines = [("a", "P"), ("a", "Q"), ("b", "P"), ("b", "p"), ("a", "P"), ("b", "Q"), ("a", "R")];
        for (number, (actor, participant)) in (1..).zip(lines) {
            window.add(number, actor.to_owned(), participant, event());
        }
        assert_eq!(window.len(), lines.len());
        let levels = window.into_levels().map(|groups| {
            let mut groups: Vec<_> = groups.into_iter().map(|group| (group.actor, group.numbers)).collect();
            groups.sort();
            groups
        });
        let a = |numbers: &[u64]| ("a".to_owned(), numbers.to_vec());
        let b = |numbers: &[u64]| ("b".to_owned(), numbers.to_vec());
        assert_eq!(levels.collect::<Vec<_>>(), [vec![a(&[1, 2, 7])], vec![b(&[3, 4, 6])], vec![a(&[5])]]);
    }

    #[test]
    fn events_and_outcomes_of_one_actor_are_calls_of_their_own() {
        let mut window = Window::default();
        window.add(1, "a".to_owned(), "P", event());
        window.add(2, "a".to_owned(), "P", Item::Outcome(v1::OutcomeInput::default()));
        assert_eq!(window.into_levels().map(|level| level.len()).collect::<Vec<_>>(), [1, 1]);
    }
}
