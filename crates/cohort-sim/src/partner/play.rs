//! The loop of a partner: take instructions, do what is due, tell the ledger, and begin again where it broke off.

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ledger_core::time::{Date, Timestamp};
use ledger_proto::v1;
use ledger_proto::v1::InstructionStatus as Status;
use ledger_proto::v1::record_result::Result as Answer;
use tonic::transport::Endpoint;

use super::book::{Book, BookError, Heard, Line, Moved, Refusal};
use super::plan::{Act, Word, steps};
use super::port::{Port, passes};
use super::script::{Moment, Script, system_of};
use crate::rng::Stream;

/// The first and the longest pause before a new connection.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];

/// How long the part is played.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// What would happen after this WIB date waits for a later start; `None`: nothing ahead of the clock.
    pub as_of: Option<Date>,
    /// Wait for further instructions, for ever.
    pub follow: bool,
    /// How long the server may be away.
    pub patience: Duration,
}

/// Why the part could not be played to its end.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The book.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The ledger refused, or was away too long.
    #[error("the ledger: {0}")]
    Ledger(#[from] Box<tonic::Status>),
    /// The script says that the process ends here.
    #[error("died as the script says: {0:?}")]
    Died(Moment),
    /// The ledger and the book contradict each other.
    #[error("{instruction}: {text}")]
    Contradiction {
        /// The instruction's reference.
        instruction: String,
        /// How.
        text: String,
    },
}

/// A partner at work.
#[derive(Debug)]
pub struct Player {
    script: Script,
    /// Its book.
    pub book: Book,
    extent: Extent,
    /// The next step of each instruction that has one.
    agenda: BTreeSet<(Timestamp, String)>,
    /// Moments at which the next death could have been and was not.
    passed: u64,
    reports: u64,
    heard_at: Instant,
}

impl Player {
    /// Takes a part up where the book left it.
    #[must_use]
    pub fn new(script: Script, book: Book, extent: Extent) -> Self {
        Self { script, book, extent, agenda: BTreeSet::new(), passed: 0, reports: 0, heard_at: Instant::now() }
    }

    /// Plays until nothing is left to do, through whatever breaks.
    ///
    /// # Errors
    ///
    /// See [`Stopped`].
    pub async fn play(&mut self, endpoint: &Endpoint) -> Result<(), Stopped> {
        self.heard_at = Instant::now();
        let mut pause = PAUSES[0];
        loop {
            let began = self.heard_at;
            match self.session(endpoint).await {
                Err(Stopped::Ledger(status)) if passes(&status) => {
                    if self.heard_at > began {
                        pause = PAUSES[0];
                    }
                    if self.heard_at.elapsed() > self.extent.patience {
                        return Err(Stopped::Ledger(status));
                    }
                    tokio::time::sleep(pause).await;
                    pause = PAUSES[1].min(2 * pause);
                }
                ended => return ended,
            }
        }
    }

    /// One connection.
    async fn session(&mut self, endpoint: &Endpoint) -> Result<(), Stopped> {
        let mut port = Port::connect(endpoint, self.script.partner).await.map_err(Box::new)?;
        // What was begun when the last connection broke is begun again.
        self.agenda.clear();
        let all: Vec<_> = self.book.entries.keys().cloned().collect();
        all.into_iter().for_each(|instruction| self.plan_next(instruction));
        self.work(&mut port).await?;
        let mut stream = port.stream(self.book.next.clone(), self.extent.follow).await.map_err(Box::new)?;
        loop {
            let message = tokio::select! {
                message = stream.message() => message.map_err(Box::new)?,
                () = self.next_step() => {
                    self.work(&mut port).await?;
                    continue;
                }
            };
            self.heard_at = Instant::now();
            let Some(message) = message else { return Ok(()) };
            let unknown = |said: &&v1::Instruction| !self.book.entries.contains_key(&said.instruction);
            let news: Vec<_> = message.instructions.iter().filter(unknown).map(|i| i.instruction.clone()).collect();
            let instructions = message.instructions.into_iter().map(Into::into).collect();
            self.write(vec![Line::Taken { instructions, next: message.next_instruction }])?;
            news.into_iter().for_each(|instruction| self.plan_next(instruction));
            self.dies(Moment::Taken)?;
            self.work(&mut port).await?;
        }
    }

    /// Waits until the clock reaches the next step.
    async fn next_step(&self) {
        let wait = self.agenda.first().map(|(at, _)| at.nanos().saturating_sub(now().nanos()).max(0).unsigned_abs());
        match wait.filter(|_| self.extent.as_of.is_none()) {
            Some(wait) => tokio::time::sleep(Duration::from_nanos(wait)).await,
            None => std::future::pending().await,
        }
    }

    /// Until when steps are due.
    fn due(&self) -> Timestamp {
        let end = self.extent.as_of.map(|date| Timestamp::from_nanos(date.plus_days(1).midnight().nanos() - 1));
        end.map_or_else(now, |end| end.min(now()))
    }

    /// Puts an instruction's next step on the agenda.
    fn plan_next(&mut self, instruction: String) {
        if let Some(entry) = self.book.entries.get(&instruction)
            && let Some(step) = steps(&self.script, entry).into_iter().nth(entry.done)
        {
            self.agenda.insert((step.at, instruction));
        }
    }

    /// Does all that is due: moves money one by one, tells the ledger a batch at a time.
    async fn work(&mut self, port: &mut Port) -> Result<(), Stopped> {
        loop {
            let mut words = Vec::new();
            while words.len() < self.script.batch
                && let Some((at, instruction)) = self.agenda.first().cloned().filter(|(at, _)| *at <= self.due())
            {
                self.agenda.pop_first();
                let Some(entry) = self.book.entries.get(&instruction) else { continue };
                let Some(step) = steps(&self.script, entry).into_iter().nth(entry.done) else { continue };
                match step.act {
                    Act::Tell(word) => {
                        words.push((at, instruction, word));
                        continue;
                    }
                    Act::TakeOn => self.take_on(port, &instruction).await?,
                    Act::Pay => {
                        let moved = self.moved(&instruction, at);
                        self.write(vec![Line::Paid { instruction: instruction.clone(), moved }])?;
                        self.dies(Moment::Paid)?;
                    }
                    Act::GiveBack => {
                        let moved = self.moved(&instruction, at);
                        self.write(vec![Line::Returned { instruction: instruction.clone(), moved }])?;
                    }
                    Act::Refuse => self.write(vec![Line::Refused { instruction: instruction.clone() }])?,
                }
                self.plan_next(instruction);
            }
            if words.is_empty() {
                return Ok(());
            }
            self.tell(port, words).await?;
        }
    }

    /// Takes an instruction on, if the ledger still wants it paid.
    async fn take_on(&mut self, port: &mut Port, instruction: &str) -> Result<(), Stopped> {
        let now = port.look(instruction.to_owned()).await.map_err(Box::new)?;
        let instruction = instruction.to_owned();
        let refusal = match now.status() {
            Status::Instructed | Status::Accepted if !now.recalled => None,
            Status::Instructed | Status::Accepted => Some(Refusal::Recalled),
            Status::InDoubt => Some(Refusal::InDoubt),
            _ => Some(Refusal::Ended),
        };
        let line = match refusal {
            None => Line::TakenOn { instruction },
            Some(refusal) => Line::NotWanted { instruction, refusal },
        };
        self.write(vec![line])
    }

    fn moved(&self, instruction: &str, at: Timestamp) -> Moved {
        let reference = format!("{}-{}", self.script.partner, instruction.trim_start_matches('0'));
        Moved { at: ledger_proto::Timestamp::from_unix_nanos(at.nanos()), reference }
    }

    /// Tells the ledger, some of it twice, and writes down what it answered.
    async fn tell(&mut self, port: &mut Port, mut words: Vec<(Timestamp, String, Word)>) -> Result<(), Stopped> {
        self.reports += 1;
        let mut dice = Stream::new(self.script.seed, "report", self.reports);
        let whole = dice.chance(self.script.twice);
        if self.script.out_of_order {
            for last in (1..words.len()).rev() {
                words.swap(last, dice.below(last as u64 + 1) as usize);
            }
        }
        let mut outcomes: Vec<_> =
            words.iter().map(|(at, instruction, word)| self.outcome(*at, instruction, word)).collect();
        // Once more behind, so that the repeat is the later one.
        let again: Vec<_> = (0..words.len()).filter(|_| dice.chance(self.script.twice)).collect();
        outcomes.extend(again.iter().map(|index| outcomes[*index].clone()).collect::<Vec<_>>());
        let results = port.report(outcomes.clone()).await.map_err(Box::new)?;
        self.heard_at = Instant::now();
        for (index, result) in again.iter().zip(&results[words.len()..]) {
            same(&words[*index].1, &results[*index], result)?;
        }
        if whole {
            let repeated = port.report(outcomes).await.map_err(Box::new)?;
            for (index, result) in repeated.iter().take(words.len()).enumerate() {
                same(&words[index].1, &results[index], result)?;
            }
        }
        self.dies(Moment::Told)?;
        let heard = words.iter().zip(&results).map(|((_, instruction, word), result)| heard(instruction, word, result));
        let heard = heard.collect::<Result<Vec<_>, _>>()?;
        self.write(vec![Line::Told { heard }])?;
        words.into_iter().for_each(|(_, instruction, _)| self.plan_next(instruction));
        Ok(())
    }

    fn outcome(&self, at: Timestamp, instruction: &str, word: &Word) -> v1::OutcomeInput {
        let entry = &self.book.entries[instruction];
        let moved = if word.kind == v1::OutcomeKind::Returned { &entry.returned } else { &entry.paid };
        let money = matches!(word.kind, v1::OutcomeKind::Settled | v1::OutcomeKind::Returned);
        v1::OutcomeInput {
            occurred_at: Some(ledger_proto::Timestamp::from_unix_nanos(at.nanos())),
            source_reference: format!("{}/{}", self.script.partner, entry.done),
            partner: self.script.partner.number().into(),
            instruction: instruction.to_owned(),
            kind: word.kind.into(),
            amount_rupiah: entry.taken.amount - word.short,
            transaction_reference: moved.as_ref().filter(|_| money).map(|m| m.reference.clone()).unwrap_or_default(),
            code_system: if word.code.is_empty() { 0 } else { system_of(&word.code).into() },
            raw_code: word.code.clone(),
            evidence: word.evidence.into(),
            ..Default::default()
        }
    }

    fn write(&mut self, lines: Vec<Line>) -> Result<(), Stopped> {
        if self.comes(Moment::Writing)? {
            self.book.tear()?;
            return Err(Stopped::Died(Moment::Writing));
        }
        Ok(self.book.write(lines)?)
    }

    fn dies(&mut self, moment: Moment) -> Result<(), Stopped> {
        if self.comes(moment)? { Err(Stopped::Died(moment)) } else { Ok(()) }
    }

    /// Whether the script's next death comes now; the book knows it before.
    fn comes(&mut self, moment: Moment) -> Result<bool, Stopped> {
        let death = self.book.deaths;
        let Some(next) = self.script.deaths.get(death).filter(|next| next.at == moment) else { return Ok(false) };
        if self.passed < next.after {
            self.passed += 1;
            return Ok(false);
        }
        self.book.write(vec![Line::Died { death }])?;
        Ok(true)
    }
}

/// A repeat is answered with the first receipt.
fn same(instruction: &str, first: &v1::RecordResult, again: &v1::RecordResult) -> Result<(), Stopped> {
    match (&first.result, &again.result) {
        (Some(Answer::Receipt(first)), Some(Answer::Receipt(again)))
            if again.repeated && first.position == again.position =>
        {
            Ok(())
        }
        (Some(Answer::Rejection(first)), Some(Answer::Rejection(again))) if first.code == again.code => Ok(()),
        (first, again) => {
            let text = format!("said twice, answered {first:?}, then {again:?}");
            Err(Stopped::Contradiction { instruction: instruction.to_owned(), text })
        }
    }
}

/// `google.rpc.Code.ALREADY_EXISTS`.
const ALREADY_EXISTS: i32 = 6;

fn heard(instruction: &str, word: &Word, result: &v1::RecordResult) -> Result<(String, Heard), Stopped> {
    let heard = match &result.result {
        Some(Answer::Receipt(_)) if result.exception_cause == 0 => Heard::Recorded,
        Some(Answer::Receipt(_)) => Heard::Kept,
        Some(Answer::Rejection(status)) if status.code == ALREADY_EXISTS && word.kind == v1::OutcomeKind::InDoubt => {
            Heard::Known
        }
        refused => {
            let text = format!("{:?} was refused: {refused:?}", word.kind);
            return Err(Stopped::Contradiction { instruction: instruction.to_owned(), text });
        }
    };
    Ok((instruction.to_owned(), heard))
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
