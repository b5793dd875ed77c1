//! What the programme does: scheme, funds, waves, runs, closings.

use ledger_core::event::{BalancePeriodClosed, FundsAppropriated, SchemeEnacted, WaveClosed, WaveOpened};
use ledger_core::ids::{RunId, Wave};
use ledger_core::money::Rupiah;
use ledger_core::run::{Execution, plan};
use ledger_core::time::{Date, Timestamp};
use ledger_core::{Command, Event, NewEvent, deadlines, decide};

use crate::agenda::{Agenda, Step};
use crate::calendar::{APPROVED, PLANNED, at, clock, day};
use crate::cohort::{Cohort, approved, sender};
use crate::parameters::{Extent, Scenario};
use crate::person::{Dice, Id};

const OFFICER: &str = "officer/programme";
const DIRECTOR: &str = "approver/director";
const PLANNER: &str = "officer/disbursement";
const TREASURER: &str = "approver/treasurer";

/// A budget document.
struct Document {
    month: i8,
    day: i8,
    /// Years after the cohort's.
    years_on: i16,
    /// Of the whole entitlement of the cohort.
    permille: i64,
}

/// The year's money covers everybody's whole entitlement: a year's runs do not stop for funds.
const DOCUMENTS: [Document; 4] = [
    Document { month: 1, day: 6, years_on: 0, permille: 1_000 },
    Document { month: 6, day: 15, years_on: 0, permille: 100 },
    Document { month: 11, day: 16, years_on: 0, permille: -80 },
    Document { month: 1, day: 4, years_on: 1, permille: 500 },
];

impl Cohort {
    /// Plans all that the programme will do.
    pub(crate) fn plan_programme(&mut self) {
        let year = self.calendar.year;
        let mut todo = vec![(at(day(year, 1, 2), clock(9, 0)), Step::Enact)];
        let documents = match (self.parameters.scenario, self.parameters.extent) {
            (Scenario::Year, Extent::WholeYear) => 4,
            (Scenario::Year, Extent::FirstWave) => 3,
            (Scenario::Selected | Scenario::NoPurchase, _) => 1,
        };
        for (number, document) in (0..).zip(&DOCUMENTS[..documents]) {
            let date = day(year + document.years_on, document.month, document.day);
            todo.push((at(date, clock(10, 0)), Step::Funds(number)));
        }
        for (place, wave) in (0..).zip(&self.calendar.waves) {
            todo.push((at(wave.opened, clock(8, 0)), Step::OpenWave(place)));
            todo.push((at(wave.selected, clock(8, 0)), Step::Determine(place)));
        }
        for (number, date) in (0..).zip(&self.calendar.runs) {
            todo.push((at(*date, PLANNED), Step::Plan(number)));
            todo.push((at(*date, APPROVED), Step::Approve(number)));
        }
        if self.parameters.scenario == Scenario::Year {
            todo.push((at(self.calendar.period_closed, clock(9, 0)), Step::ClosePeriod));
            todo.push((self.calendar.year_end.midnight(), Step::YearEnd));
        }
        if let Some(date) = self.calendar.first_wave_closed {
            todo.push((at(date, clock(12, 0)), Step::CloseWave));
        }
        for (at, step) in todo {
            self.agenda.plan(at, Agenda::PROGRAMME, step);
        }
    }

    pub(crate) fn programme(&mut self, at: Timestamp, step: Step) {
        match step {
            Step::Enact => {
                let scheme = self.rules.clone();
                let reference = format!("scheme-{}", scheme.scheme);
                self.decided(at, reference, SchemeEnacted { scheme });
            }
            Step::Funds(number) => self.appropriate(at, number),
            Step::OpenWave(place) => self.open_wave(at, place),
            Step::Determine(place) => self.determine(place),
            Step::CloseWave => {
                let wave = Wave(self.calendar.waves[0].number);
                self.decided(at, format!("close-wave-{wave}"), WaveClosed { wave });
            }
            Step::ClosePeriod => {
                let year = self.calendar.year;
                self.decided(at, format!("close-period-{year}"), BalancePeriodClosed { year });
            }
            Step::YearEnd => self.look_at_everybody(at),
            Step::Plan(number) => self.plan_run(at, number),
            Step::Approve(number) => self.approve_run(at, number),
            _ => unreachable!("not a step of the programme: {step:?}"),
        }
    }

    /// Sends a programme event with a second person's approval.
    fn decided(&mut self, at: Timestamp, reference: String, event: impl Into<Event<'static>>) {
        self.book.send_event(&approved(at, OFFICER, DIRECTOR, reference), None, event);
    }

    fn appropriate(&mut self, at: Timestamp, number: u8) {
        let document = &DOCUMENTS[usize::from(number)];
        let whole = self.rules.whole().get() * i64::from(self.parameters.participants);
        let fiscal_year = self.calendar.year + document.years_on;
        let document_number = format!("DIPA-{fiscal_year}/{:02}", number + 1);
        let event = FundsAppropriated {
            document_number: document_number.clone().into(),
            fiscal_year,
            amount: Rupiah::new(whole / 1_000 * document.permille),
        };
        self.decided(at, document_number, event);
    }

    fn open_wave(&mut self, at: Timestamp, place: u8) {
        let (number, scheme) = (self.calendar.waves[usize::from(place)].number, self.rules.scheme.clone());
        let quota = self.wave_of.iter().filter(|wave| **wave == place).count();
        let event = WaveOpened {
            wave: Wave(number),
            scheme,
            year: self.calendar.year,
            quota: u32::try_from(quota).unwrap_or(u32::MAX).max(1),
        };
        self.book.send_event(&sender(at, OFFICER, format!("open-wave-{number}")), None, event);
    }

    /// The wave's participants are determined within four hours of one morning.
    fn determine(&mut self, place: u8) {
        let date = self.calendar.waves[usize::from(place)].selected;
        let Self { wave_of, agenda, chance, .. } = self;
        for (who, _) in (1..).zip(wave_of.iter()).filter(|(_, wave)| **wave == place) {
            let second = chance.dice(who, Dice::Wave, 1).below(4 * 3_600);
            agenda.plan(at(date, clock(10, 0) + second as u32), who, Step::Select(place));
        }
    }

    /// The desk looks at everybody on the day after the last day for completing a training.
    fn look_at_everybody(&mut self, at: Timestamp) {
        let Self { book, agenda, who_of, .. } = self;
        for (participant, who) in book.state.participants().iter().zip(who_of) {
            if deadlines::ground(&book.state, participant, at.wib_date()).is_some() {
                agenda.plan(at, *who, Step::Deadline);
            }
        }
    }

    fn run_of(&self, number: u8) -> (RunId, Date) {
        (RunId(self.chance.id(Agenda::PROGRAMME, Id::Run, number.into())), self.calendar.runs[usize::from(number)])
    }

    fn plan_run(&mut self, at: Timestamp, number: u8) {
        let (run, as_of) = self.run_of(number);
        let sender = sender(at, PLANNER, format!("run-{as_of}"));
        let meta = self.book.meta(&sender);
        let line = self.book.line(&meta, &Command::PlanRun { run, as_of });
        // As in `Command::PlanRun`, but the plan is needed here too.
        if let Err(rejection) = decide::check_plan(&self.book.state, &meta, run, as_of) {
            self.book.refused(rejection.reason());
            return;
        }
        let plan = plan(&self.book.state, as_of);
        let event = decide::planned(run, as_of, self.book.state.size(), &plan);
        self.book.record(&meta, NewEvent { participant: None, occurred_at: at, event });
        self.book.write(line);
        self.planned = Some(plan);
    }

    /// Approves what was planned in the morning; the ledger instructs what is still payable and closes the run.
    fn approve_run(&mut self, at: Timestamp, number: u8) {
        let (run, as_of) = self.run_of(number);
        let Some(plan) = self.planned.take() else { return };
        let sender = sender(at, TREASURER, format!("run-{as_of}-approval"));
        let meta = self.book.meta(&sender);
        if !self.book.send(&sender, Command::ApproveRun { run, items_digest: plan.digest }) {
            return;
        }
        let mut execution = Execution::new(&self.book.state, run, plan);
        while let Some(event) = execution.step(&self.book.state) {
            let place = event.participant.and_then(|id| self.book.state.place(id));
            self.book.record(&meta, event);
            if let Some(place) = place {
                self.instructed(at, place);
            }
        }
        if let Some(event) = execution.close(&self.book.state) {
            self.book.record(&meta, event);
        }
    }
}
