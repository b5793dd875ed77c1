//! The generator's own ledger: decides each command by the ledger's rules, keeps the lines of those that it records.

use std::collections::{BTreeMap, VecDeque};

use ledger_core::codes::Auth;
use ledger_core::event::Text;
use ledger_core::ids::Position;
use ledger_core::time::Timestamp;
use ledger_core::{Command, Decision, Event, Meta, NewEvent, Record, State, decide};
use ledger_proto::v1::LoadLine;

use crate::line::load_line;

/// What was generated so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Lines.
    pub lines: u64,
    /// Records that these lines lead to in an empty ledger, what they bring with them included.
    pub records: u64,
    /// Records by event name.
    pub events: BTreeMap<&'static str, u64>,
    /// Steps that the rules refused, by the rejection's name, and repeats (`REPEAT`). None is written. The generator
    /// looks before each step, so any is an error of the generator.
    pub refused: BTreeMap<&'static str, u64>,
}

/// Who sends something.
pub(crate) struct Sender {
    pub(crate) at: Timestamp,
    pub(crate) actor: Text<'static>,
    pub(crate) approved_by: Option<&'static str>,
    pub(crate) reference: String,
}

/// What records are shown to, as the ledger would store them.
pub(crate) type Watcher = Box<dyn FnMut(&Record<'_>) + Send>;

/// The state and the lines not taken yet.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) state: State,
    pub(crate) lines: VecDeque<LoadLine>,
    /// Nobody takes lines: they are counted, and none is made.
    pub(crate) records_only: bool,
    pub(crate) summary: Summary,
    pub(crate) watcher: Option<Watcher>,
}

impl Book {
    /// Decides a command; where it is recorded, its line is written. Says whether it was.
    pub(crate) fn send(&mut self, sender: &Sender, command: Command<'static>) -> bool {
        let meta = self.meta(sender);
        let line = self.line(&meta, &command);
        match decide(&self.state, &meta, command) {
            Ok(Decision::Record(events)) => {
                for event in events {
                    self.record(&meta, event);
                }
                self.write(line);
                true
            }
            Ok(Decision::Repeat { .. }) => self.refused("REPEAT"),
            Err(rejection) => self.refused(rejection.reason()),
        }
    }

    /// The line of a command, where lines are taken.
    pub(crate) fn line(&self, meta: &Meta<'_>, command: &Command<'_>) -> Option<LoadLine> {
        if self.records_only {
            return None;
        }
        let line = load_line(meta, command).expect("what is sent has a line");
        Some(LoadLine { participant_id: self.payee(command), ..line })
    }

    /// The participant whose instruction an outcome is about.
    fn payee(&self, command: &Command<'_>) -> String {
        let Command::ReportOutcome { instruction, .. } = command else { return String::new() };
        let place = Position::from_reference(instruction).and_then(|at| self.state.place_by_instruction(at));
        place.and_then(|place| self.state.participants().get(place)).map(|p| p.id.to_string()).unwrap_or_default()
    }

    pub(crate) fn refused(&mut self, reason: &'static str) -> bool {
        *self.summary.refused.entry(reason).or_default() += 1;
        false
    }

    /// The sender with the ledger's clock: the source's own, which never goes back.
    pub(crate) fn meta(&self, sender: &Sender) -> Meta<'static> {
        Meta {
            occurred_at: sender.at,
            recorded_at: self.state.last_recorded_at().map_or(sender.at, |last| last.max(sender.at)),
            actor: sender.actor.clone(),
            auth: Auth::Insecure,
            approved_by: sender.approved_by.map(Text::Borrowed),
            source_reference: Text::Owned(sender.reference.clone()),
        }
    }

    /// Writes a line whose records are recorded.
    pub(crate) fn write(&mut self, line: Option<LoadLine>) {
        self.lines.extend(line);
        self.summary.lines += 1;
    }

    /// Records an event at the next position.
    pub(crate) fn record(&mut self, meta: &Meta<'_>, new: NewEvent<'_>) {
        *self.summary.events.entry(new.event.name()).or_default() += 1;
        self.summary.records += 1;
        let record = new.next_record(&self.state, meta);
        // The ledger's rules let it through on this very state.
        self.state.apply(&record, &mut |_| {}).expect("a decided event follows");
        if let Some(watcher) = &mut self.watcher {
            watcher(&record);
        }
    }

    /// Sends an event of a participant.
    pub(crate) fn send_event(
        &mut self,
        sender: &Sender,
        participant: Option<ledger_core::ids::ParticipantId>,
        event: impl Into<Event<'static>>,
    ) -> bool {
        self.send(sender, Command::Record { participant, event: event.into() })
    }
}
