//! What payment partners say of instructions, and what participants do about a faulty account.

use ledger_core::Command;
use ledger_core::codes::{CodeSystem, Evidence, OutcomeKind, Partner, Reason};
use ledger_core::event::{Outcome, Text};
use ledger_core::ids::{LinkId, Position};
use ledger_core::money::Rupiah;
use ledger_core::state::{FactKind, Place};
use ledger_core::time::Timestamp;

use crate::agenda::{Answer, Fate, Step};
use crate::calendar::clock;
use crate::cohort::{Cohort, Now, approved, sender};
use crate::person::Dice;
use crate::rates;
use crate::rng::{Delay, Stream};

const PAYMENTS: &str = "officer/payments";
const PAYMENTS_CHAIR: &str = "approver/payments";

/// What partners answer, in their own codes: ISO 20022 status and return reasons of the bank, SNAP response codes of the
/// wallets (HTTP status, service 38, case).
struct Code {
    iso20022: &'static str,
    snap: &'static str,
    reason: Option<Reason>,
}

const fn code(iso20022: &'static str, snap: &'static str, reason: Option<Reason>) -> Code {
    Code { iso20022, snap, reason }
}

const TAKEN: Code = code("ACSP", "2023800", None);
const PAID: Code = code("ACSC", "2003800", None);
const NO_ANSWER: Code = code("AB01", "5043800", Some(Reason::Timeout));
const NOT_DONE: Code = code("AB09", "5003800", Some(Reason::PartnerUnavailable));
const RECALLED: Code = code("CUST", "4033815", Some(Reason::Other));
const SENT_BACK: Code = code("CUST", "2003899", Some(Reason::ReturnedByHolder));
const SENT_BACK_CLOSED: Code = code("AC04", "4033818", Some(Reason::AccountClosed));
const ACCOUNT_FAULTS: [Code; 4] = [
    code("AC01", "4043811", Some(Reason::AccountNotFound)),
    code("BE01", "4043812", Some(Reason::IdentityMismatch)),
    code("AC04", "4033818", Some(Reason::AccountClosed)),
    code("AC06", "4033805", Some(Reason::AccountBlocked)),
];
const OTHER_FAULTS: [Code; 2] =
    [code("AM02", "4033802", Some(Reason::LimitExceeded)), code("AB06", "5003801", Some(Reason::PartnerUnavailable))];

/// The instruction that an answer is about.
#[derive(Clone, Copy)]
struct Subject {
    now: Now,
    ordinal: u8,
    position: Position,
    partner: Partner,
    amount: Rupiah,
    link: Option<LinkId>,
    recalled: bool,
}

/// What is answered.
struct Word<'c> {
    kind: OutcomeKind,
    code: &'c Code,
    account_fault: bool,
    evidence: Evidence,
    /// The partner's transaction; 0 where it names none.
    transaction: u64,
}

impl Cohort {
    /// An instruction was just recorded: plans the partner's first answer.
    pub(crate) fn instructed(&mut self, at: Timestamp, place: Place) {
        let now = Now { at, who: self.who_of[place as usize], place };
        let ordinal = (self.participant(now).count(FactKind::Instructed) - 1) as u8;
        let mut dice = self.chance.dice(now.who, Dice::Payout, ordinal.into());
        let fate = Fate::ALL[dice.weighted(&rates::OUTCOMES).unwrap_or(0)];
        let (accepted, seconds) = (dice.chance(rates::ACCEPTED), dice.range(20..=7_200));
        if accepted {
            let then = Timestamp::from_nanos(at.nanos() + seconds.cast_signed() * 1_000_000_000);
            self.plan(now.who, then, Step::Answer(ordinal, Answer::Accepted(fate)));
        } else {
            self.expect_final(now, ordinal, fate, &mut dice);
        }
    }

    /// The partner pays, or not, in office hours of one of the next days.
    fn expect_final(&mut self, now: Now, ordinal: u8, fate: Fate, dice: &mut Stream) {
        let (days, second) = (dice.days(&Delay::OUTCOME), clock(8, 0) + dice.below(14 * 3_600) as u32);
        self.later(now, days, second, Step::Answer(ordinal, Answer::Final(fate)));
    }

    pub(crate) fn answer(&mut self, now: Now, ordinal: u8, answer: Answer) {
        let participant = self.participant(now);
        let instruction = participant.instructions().nth(ordinal.into()).expect("an instruction that was given");
        let subject = Subject {
            now,
            ordinal,
            position: instruction.position(),
            partner: instruction.partner,
            amount: self.rules.amount(instruction.entitlement()).unwrap_or_default(),
            link: participant.link_of(&instruction).map(|(link, _)| link.id),
            recalled: participant.fact(FactKind::Recalled, ordinal.into()).is_some(),
        };
        let said = match answer {
            Answer::Accepted(_) => 0,
            Answer::Final(_) => 1,
            Answer::Returned => 2,
            Answer::DoubtEnds => 3,
            Answer::PaidAfterAll => 4,
        };
        let mut dice = self.chance.dice(now.who, Dice::Answer, u16::from(ordinal) << 3 | said);
        match answer {
            Answer::Accepted(fate) => {
                self.say(subject, &partner(OutcomeKind::Accepted, &TAKEN, dice.draw()));
                self.expect_final(now, ordinal, fate, &mut dice);
            }
            Answer::Final(fate) => self.end(subject, fate, &mut dice),
            Answer::Returned => {
                let (fault, transaction) = (dice.chance(rates::RETURNED_FOR_ACCOUNT), dice.draw());
                let code = if fault { &SENT_BACK_CLOSED } else { &SENT_BACK };
                self.say(subject, &Word { account_fault: fault, ..partner(OutcomeKind::Returned, code, transaction) });
            }
            Answer::DoubtEnds => self.end_doubt(subject, &mut dice),
            Answer::PaidAfterAll => self.say(subject, &partner(OutcomeKind::Settled, &PAID, dice.draw())),
        }
    }

    fn end(&mut self, subject: Subject, fate: Fate, dice: &mut Stream) {
        let (stopped, transaction) = (dice.chance(rates::RECALL_WORKS), dice.draw());
        let (fault, which) = (dice.chance(rates::ACCOUNT_FAULT), dice.draw() as usize);
        let (days, second) = (dice.range(1..=10) as u32, dice.second_of_day());
        let (after_all, long_after) = (dice.chance(rates::PAID_AFTER_ALL), dice.range(2..=45) as u32);
        let rejected = fate == Fate::Rejected || subject.recalled && stopped;
        if rejected && after_all {
            self.later(subject.now, long_after, second, Step::Answer(subject.ordinal, Answer::PaidAfterAll));
        }
        if subject.recalled && stopped {
            self.say(subject, &partner(OutcomeKind::Rejected, &RECALLED, transaction));
            return;
        }
        match fate {
            Fate::Settled => self.say(subject, &partner(OutcomeKind::Settled, &PAID, transaction)),
            Fate::SettledAndReturned => {
                self.say(subject, &partner(OutcomeKind::Settled, &PAID, transaction));
                self.later(subject.now, days, second, Step::Answer(subject.ordinal, Answer::Returned));
            }
            Fate::Rejected => {
                let codes = if fault { &ACCOUNT_FAULTS[..] } else { &OTHER_FAULTS[..] };
                let code = &codes[which % codes.len()];
                let word = partner(OutcomeKind::Rejected, code, transaction);
                self.say(subject, &Word { account_fault: fault, ..word });
            }
            Fate::InDoubt => {
                self.say(subject, &partner(OutcomeKind::InDoubt, &NO_ANSWER, 0));
                self.later(subject.now, days, second, Step::Answer(subject.ordinal, Answer::DoubtEnds));
            }
        }
    }

    fn end_doubt(&mut self, subject: Subject, dice: &mut Stream) {
        let end = dice.weighted(&rates::DOUBT_ENDS);
        let transaction = dice.draw();
        let (kind, code, evidence) = match end {
            Some(0) => (OutcomeKind::Settled, &PAID, Evidence::Inquiry),
            Some(1) => (OutcomeKind::Rejected, &NOT_DONE, Evidence::Inquiry),
            _ => (OutcomeKind::Rejected, &NOT_DONE, Evidence::Manual),
        };
        self.say(subject, &Word { evidence, ..partner(kind, code, transaction) });
    }

    /// Reports an outcome; a fault of the account makes the participant link another one, mostly.
    fn say(&mut self, subject: Subject, word: &Word<'_>) {
        let Subject { now, ordinal, position, partner, amount, link, .. } = subject;
        let manual = word.evidence == Evidence::Manual;
        let (raw_code, system) = match partner {
            Partner::Bank => (word.code.iso20022, CodeSystem::Iso20022),
            _ => (word.code.snap, CodeSystem::Snap),
        };
        let transaction_reference = match word.transaction {
            0 => Text::Borrowed(""),
            transaction => format!("{partner}-{transaction:016x}").into(),
        };
        let outcome = Outcome {
            instruction: position,
            amount,
            transaction_reference,
            raw_code: raw_code.into(),
            code_system: Some(system),
            reason: word.code.reason,
            account_fault: word.account_fault,
            evidence: word.evidence,
            evidence_reason: if manual { "the partner confirmed by letter that nothing was paid" } else { "" }.into(),
        };
        let reference = format!("pay-{}-{ordinal}-{}", now.who, word.kind);
        let sender = if manual {
            approved(now.at, PAYMENTS, PAYMENTS_CHAIR, reference)
        } else {
            sender(now.at, format!("partner/{partner}"), reference)
        };
        let instruction = position.reference().into();
        self.book.send(&sender, Command::ReportOutcome { partner, instruction, kind: word.kind, outcome });
        if word.account_fault {
            self.mend(now, ordinal, link);
        }
    }

    fn mend(&mut self, now: Now, ordinal: u8, faulty: Option<LinkId>) {
        let mut dice = self.chance.dice(now.who, Dice::Mend, ordinal.into());
        let (mends, days, second) =
            (dice.chance(rates::MENDS_ACCOUNT), dice.days(&Delay::ACCOUNT_MENDED), dice.second_of_day());
        let in_force = self.participant(now).link().map(|(_, link, _)| link.id);
        if mends && in_force == faulty {
            self.later(now, days, second, Step::Link);
        }
    }
}

/// A partner's own word about its transaction.
const fn partner(kind: OutcomeKind, code: &Code, transaction: u64) -> Word<'_> {
    Word { kind, code, account_fault: false, evidence: Evidence::Partner, transaction }
}
