//! The programme's own records: schemes, waves, funds, closings, runs (DOMAIN section 5, rules 3, 5, 11 and 14).

use ledger_core::Record;
use ledger_core::event::{
    DisbursementRunApproved, DisbursementRunClosed, DisbursementRunPlanned, Event, ExceptionResolved,
    FundsAppropriated, SchemeEnacted, StatementReconciled, WaveClosed, WaveOpened,
};
use ledger_core::time::Date;

use super::case::{about, four_eyes};
use super::part::{JOURNAL, Part, exception_key, hash};
use super::payouts::exception;
use super::person::Said;
use super::programme::Run;
use super::tally::Flow;
use super::totals::Statement;
use crate::finding::Rule;

impl Part {
    pub(super) fn of_programme(&mut self, record: &Record<'_>, said: Said) {
        let alone = matches!(
            record.event,
            Event::SchemeEnacted(_)
                | Event::FundsAppropriated(_)
                | Event::WaveClosed(_)
                | Event::BalancePeriodClosed(_)
                | Event::ExceptionResolved(_)
        );
        if let Some(finding) = alone.then(|| four_eyes(record)).flatten() {
            self.tell(finding);
        }
        match &record.event {
            Event::SchemeEnacted(e) => self.enact(record, e, said),
            Event::WaveOpened(e) => self.open(record, e, said),
            Event::WaveClosed(e) => self.close(record, e, said),
            Event::FundsAppropriated(e) => self.appropriate(record, e, said),
            Event::BalancePeriodClosed(e) => self.end_period(record, e.year, said),
            Event::DisbursementRunPlanned(e) => self.planned(record, e, said),
            Event::DisbursementRunApproved(e) => self.approved(record, e, said),
            Event::DisbursementRunClosed(e) => self.run_closed(record, e, said),
            Event::StatementReconciled(e) => self.statement(record, e, said),
            Event::ExceptionResolved(e) => self.resolve(record, e),
            Event::OutcomeException(e) => {
                if self.chief {
                    exception(&mut self.counts, said, None, e);
                    let key =
                        exception_key(e.partner.number(), e.kind, &e.outcome.transaction_reference, &e.instruction);
                    self.exceptions.entry(key).or_insert(said.at);
                }
            }
            event => self.tell(about(Rule::NamesUnknown, record, &[&"participant", &event.name()])),
        }
    }

    fn twice(&mut self, record: &Record<'_>, what: &str, first: u64) {
        self.tell(about(Rule::RecordedTwice, record, &[&what, &first]).with(first));
    }

    fn enact(&mut self, record: &Record<'_>, e: &SchemeEnacted<'_>, said: Said) {
        let Some(index) = self.programme.scheme(&e.scheme.scheme) else {
            return self.programme.schemes.push((e.scheme.clone().into_owned(), said));
        };
        let (first, at) = &self.programme.schemes[index];
        if *first == e.scheme {
            let at = at.at;
            return self.twice(record, "scheme", at);
        }
        let finding = about(Rule::SchemeChanged, record, &[&e.scheme.scheme, &at.at, &"with other rules"]);
        let finding = finding.with(at.at);
        self.tell(finding);
    }

    fn open(&mut self, record: &Record<'_>, e: &WaveOpened<'_>, said: Said) {
        if let Some(index) = self.programme.wave(e.wave) {
            let first = self.programme.waves[index].opened.at;
            return self.twice(record, "wave", first);
        }
        match self.programme.scheme(&e.scheme) {
            None => self.tell(about(Rule::NamesUnknown, record, &[&"scheme", &e.scheme])),
            Some(scheme) => self.programme.open_wave(e.wave, scheme, e.year, e.quota, said),
        }
    }

    fn close(&mut self, record: &Record<'_>, e: &WaveClosed, said: Said) {
        let Some(index) = self.programme.wave(e.wave) else {
            return self.tell(about(Rule::NamesUnknown, record, &[&"wave", &e.wave]));
        };
        let (opened, closed) = (self.programme.waves[index].opened, self.programme.waves[index].closed);
        if closed.is() {
            return self.twice(record, "closing of the wave", closed.at);
        }
        self.dated_before(record, "wave's opening", opened);
        self.close_wave(index, said);
    }

    fn dated_before(&mut self, record: &Record<'_>, what: &str, rests_on: Said) {
        let (date, earliest) = (record.occurred_at.wib_date(), rests_on.on.date());
        if date < earliest {
            self.tell(about(Rule::DatedBefore, record, &[&what, &earliest, &date]).with(rests_on.at));
        }
    }

    fn appropriate(&mut self, record: &Record<'_>, e: &FundsAppropriated<'_>, said: Said) {
        let document = hash(&e.document_number);
        if let Some(first) = self.programme.documents.insert(document, said.at) {
            return self.twice(record, "budget document", first);
        }
        let sum = self.programme.appropriated.entry(e.fiscal_year).or_default();
        *sum += i128::from(e.amount.get());
        let sum = *sum;
        if sum < 0 {
            self.tell(about(Rule::AppropriationBelowZero, record, &[&e.fiscal_year, &sum]));
        }
        if self.chief {
            self.counts.flows.push(Flow {
                at: said.at,
                year: e.fiscal_year,
                used: 0,
                appropriated: e.amount.get(),
                order: None,
                forbidden: None,
            });
        }
    }

    fn end_period(&mut self, record: &Record<'_>, year: i16, said: Said) {
        if let Some(first) = self.programme.period(year) {
            return self.twice(record, "closing of the period", first.at);
        }
        let date = record.occurred_at.wib_date();
        match self.programme.last_day(year) {
            None => self.tell(about(Rule::NamesUnknown, record, &[&"wave of the year", &year])),
            Some(last_day) if date <= last_day => {
                self.tell(about(Rule::PeriodClosedEarly, record, &[&last_day, &date]));
            }
            Some(_) => {}
        }
        self.close_period(year, said);
    }

    /// As-of dates are not in the future, nor do they go back behind the last approved run's.
    fn as_of(&mut self, record: &Record<'_>, as_of: Date) {
        let today = record.recorded_at.wib_date();
        let last = self.programme.last_run().unwrap_or_else(|| as_of.min(today));
        if as_of > today || as_of < last {
            self.tell(about(Rule::RunAsOf, record, &[&last, &today, &as_of]));
        }
    }

    fn planned(&mut self, record: &Record<'_>, e: &DisbursementRunPlanned, said: Said) {
        if let Some(first) = self.programme.run(e.run) {
            let first = self.programme.runs[first].planned.at;
            return self.twice(record, "plan", first);
        }
        self.as_of(record, e.as_of);
        let known_at = e.known_at.min(record.position);
        let recent = known_at + JOURNAL >= record.position;
        let items = recent.then(|| self.plan(e.as_of, known_at));
        if items.is_none() {
            self.not_replanned.push(record.position);
        }
        self.plans.push(self.programme.runs.len());
        self.programme.runs.push(Run {
            id: e.run,
            plan: e.clone(),
            planned: said,
            planned_by: record.actor.clone().into_owned(),
            approved: Said::default(),
            approved_at: record.occurred_at,
            closed: Said::default(),
            closing: None,
            instructed: Default::default(),
            items,
        });
    }

    fn approved(&mut self, record: &Record<'_>, e: &DisbursementRunApproved, said: Said) {
        let Some(index) = self.programme.run(e.run) else {
            return self.tell(about(Rule::NamesUnknown, record, &[&"run", &e.run]));
        };
        let run = &self.programme.runs[index];
        let (planned, as_of) = (run.planned, run.plan.as_of);
        if run.approved.is() {
            let first = run.approved.at;
            return self.twice(record, "approval", first);
        }
        let mut findings = Vec::new();
        if *record.actor == *run.planned_by {
            findings.push(about(Rule::ApprovedByPlanner, record, &[&run.planned_by, &record.actor]));
        }
        if e.items_digest != run.plan.items_digest {
            findings.push(about(Rule::ApprovedOtherDigest, record, &[&run.plan.items_digest, &e.items_digest]));
        }
        findings.into_iter().for_each(|finding| self.tell(finding.with(planned.at)));
        self.as_of(record, as_of);
        self.dated_before(record, "plan", planned);
        let run = &mut self.programme.runs[index];
        (run.approved, run.approved_at) = (said, record.occurred_at);
    }

    fn run_closed(&mut self, record: &Record<'_>, e: &DisbursementRunClosed, said: Said) {
        let Some(index) = self.programme.run(e.run) else {
            return self.tell(about(Rule::NamesUnknown, record, &[&"run", &e.run]));
        };
        let run = &self.programme.runs[index];
        if run.closed.is() {
            let first = run.closed.at;
            return self.twice(record, "closing of the run", first);
        }
        if !run.approved.is() {
            self.tell(about(Rule::RunNotApproved, record, &[&e.run, &"has no approval"]).with(run.planned.at));
        }
        let run = &mut self.programme.runs[index];
        (run.closed, run.closing) = (said, Some(e.clone()));
        self.closings.push((index, run.instructed));
    }

    fn statement(&mut self, record: &Record<'_>, e: &StatementReconciled, said: Said) {
        if let Some(first) = self.programme.documents.insert(hash(&(e.partner, e.file_digest)), said.at) {
            return self.twice(record, "statement", first);
        }
        if self.chief && self.counts.counts(said.on) {
            self.statements.push(Statement::of(record.position, e));
        }
    }

    fn resolve(&mut self, record: &Record<'_>, e: &ExceptionResolved<'_>) {
        if self.chief {
            let key = exception_key(e.partner.number(), e.kind, &e.transaction_reference, "");
            let unknown = about(Rule::NamesUnknown, record, &[&"exception", &e.transaction_reference]);
            self.resolved.push((key, unknown));
        }
    }
}
