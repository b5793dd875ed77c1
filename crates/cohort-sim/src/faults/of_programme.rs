//! Faults in what the programme itself recorded: schemes, waves, funds, closings and runs.

use ledger_core::Rupiah;
use ledger_core::event::{Event, FundsAppropriated, Selected, Text};
use ledger_core::ids::{Digest, ParticipantId, RunId, Wave};
use ledger_core::time::Date;

use super::Fault;
use super::history::{History, Mark, shifted};
use super::of_people::id_like;

/// The runs by number of instructions, few first; each fault takes one of its own: plan, approval, first order, closing.
fn run(h: &History, which: usize) -> Option<[usize; 4]> {
    let mut runs: Vec<(u64, usize, RunId)> = Vec::new();
    for (index, record) in h.from(0) {
        if let Event::DisbursementRunClosed(e) = &record.event
            && e.instructed.count > 1
        {
            runs.push((e.instructed.count, index, e.run));
        }
    }
    runs.sort_by_key(|(count, index, _)| (*count, *index));
    let (_, closed, run) = *runs.get(which)?;
    let planned = h.find(0, |event| matches!(event, Event::DisbursementRunPlanned(e) if e.run == run))?;
    let approved = h.find(planned, |event| matches!(event, Event::DisbursementRunApproved(e) if e.run == run))?;
    let first = h.find(approved, |event| matches!(event, Event::PayoutInstructed(e) if e.run == run))?;
    Some([planned, approved, first, closed])
}

fn wave_opened(h: &History, which: usize) -> Option<usize> {
    let waves = h.from(0).filter(|(_, record)| matches!(record.event, Event::WaveOpened(_)));
    waves.map(|(index, _)| index).nth(which)
}

fn appropriation(h: &mut History, index: usize, document: &'static str, year: i16, amount: i64) -> Option<Mark> {
    let like = h.find(0, |event| matches!(event, Event::FundsAppropriated(_)))?;
    let mut record = h.at(like).clone();
    let document_number = Text::Borrowed(document);
    record.event = FundsAppropriated { document_number, fiscal_year: year, amount: Rupiah::new(amount) }.into();
    record.occurred_at = h.at(index - 1).recorded_at;
    Some(h.insert(index, record))
}

fn year(h: &History) -> Option<i16> {
    h.from(0).find_map(|(_, record)| match &record.event {
        Event::WaveOpened(e) => Some(e.year),
        _ => None,
    })
}

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        name: "a scheme changed in between",
        rule: "scheme-changed",
        plant: |h| {
            let at = h.find(0, |event| matches!(event, Event::SchemeEnacted(_)))?;
            let mut record = h.at(at).clone();
            if let Event::SchemeEnacted(e) = &mut record.event {
                e.scheme.training_incentives = vec![Rupiah::new(900_000)];
            }
            let middle = h.len() / 2;
            record.occurred_at = h.at(middle - 1).recorded_at;
            Some(h.insert(middle, record))
        },
    },
    Fault {
        name: "a scheme enacted by one person",
        rule: "four-eyes",
        plant: |h| {
            let at = h.find(0, |event| matches!(event, Event::SchemeEnacted(_)))?;
            let record = h.change(at);
            record.approved_by = Some(record.actor.clone());
            Some(h.mark(at))
        },
    },
    Fault {
        name: "a quota exceeded",
        rule: "quota-exceeded",
        plant: |h| {
            let at = wave_opened(h, 3)?;
            let Event::WaveOpened(e) = &mut h.change(at).event else { return None };
            e.quota -= 1;
            let wave = e.wave;
            let last =
                h.from(0).filter(|(_, record)| matches!(&record.event, Event::Selected(s) if s.wave == wave)).last()?;
            Some(h.mark(last.0))
        },
    },
    Fault {
        name: "a selection in a closed wave",
        rule: "selected-in-closed-wave",
        plant: |h| {
            let closed = h.find(0, |event| matches!(event, Event::WaveClosed(_)))?;
            let Event::WaveClosed(e) = h.at(closed).event.clone() else { return None };
            let (at, like) = h.take(|_, _, record| matches!(record.event, Event::Selected(_)))?;
            let Event::Selected(selected) = h.at(at).event.clone() else { return None };
            let id = ParticipantId(id_like(like, 7));
            let (identity_digest, family_card_digest) = (Digest([0xC1; 32]), Digest([0xC2; 32]));
            Some(h.happens(closed + 1, id, Selected { wave: e.wave, identity_digest, family_card_digest, ..selected }))
        },
    },
    Fault {
        name: "a selection in no wave",
        rule: "names-unknown",
        plant: |h| {
            let (at, like) = h.take(|_, _, record| matches!(record.event, Event::Selected(_)))?;
            let Event::Selected(selected) = h.at(at).event.clone() else { return None };
            let id = ParticipantId(id_like(like, 8));
            let (identity_digest, family_card_digest) = (Digest([0xC3; 32]), Digest([0xC4; 32]));
            Some(h.happens(at + 1, id, Selected { wave: Wave(999), identity_digest, family_card_digest, ..selected }))
        },
    },
    Fault {
        name: "a fact after the wave closed",
        rule: "after-wave-closed",
        plant: |h| {
            let closed = h.find(0, |event| matches!(event, Event::WaveClosed(_)))?;
            let Event::WaveClosed(e) = h.at(closed).event.clone() else { return None };
            let (_, id) =
                h.take_from(0, |_, _, record| matches!(&record.event, Event::Selected(s) if s.wave == e.wave))?;
            Some(h.happens(closed + 1, id, ledger_core::event::SurveyFilled { number: 2 }))
        },
    },
    Fault {
        name: "funds exceeded",
        rule: "funds-exceeded",
        plant: |h| {
            let [_, _, first, closed] = run(h, 4)?;
            let (mark, year) = (h.mark(first), h.at(first).recorded_at.wib_date().year());
            let cut = h.from(0).take(first).filter_map(|(_, record)| match &record.event {
                Event::FundsAppropriated(e) if e.fiscal_year == year => Some(e.amount.get()),
                _ => None,
            });
            let cut: i64 = cut.sum();
            // Given back after the run, so that it is this run alone.
            appropriation(h, closed + 1, "DIPA-back", year, cut)?;
            appropriation(h, first, "DIPA-cut", year, -cut)?;
            Some(mark)
        },
    },
    Fault {
        name: "appropriations below zero",
        rule: "appropriation-below-zero",
        plant: |h| {
            let year = year(h)? + 7;
            let middle = h.len() / 2;
            appropriation(h, middle, "DIPA-below", year, -1)
        },
    },
    Fault {
        name: "a budget document counted twice",
        rule: "recorded-twice",
        plant: |h| {
            let (year, middle) = (year(h)? + 8, h.len() / 2);
            appropriation(h, middle, "DIPA-twice", year, 5)?;
            appropriation(h, middle + 1, "DIPA-twice", year, 5)
        },
    },
    Fault {
        name: "a balance period closed early",
        rule: "period-closed-early",
        plant: |h| {
            let at = h.find(0, |event| matches!(event, Event::BalancePeriodClosed(_)))?;
            let record = h.change(at);
            record.occurred_at = shifted(record.occurred_at, -1);
            Some(h.mark(at))
        },
    },
    Fault {
        name: "a run without approval",
        rule: "run-not-approved",
        plant: |h| {
            let [_, approved, first, _] = run(h, 0)?;
            let mark = h.mark(first);
            h.remove(approved);
            Some(mark)
        },
    },
    Fault {
        name: "an order after the run closed",
        rule: "run-not-approved",
        plant: |h| {
            let [_, _, first, closed] = run(h, 1)?;
            let order = h.at(first).clone();
            Some(h.insert(closed + 1, order))
        },
    },
    Fault {
        name: "an approver who planned the run",
        rule: "approved-by-planner",
        plant: |h| {
            let [planned, approved, ..] = run(h, 1)?;
            let planner = h.at(planned).actor.clone();
            h.change(approved).actor = planner;
            Some(h.mark(approved))
        },
    },
    Fault {
        name: "an approval with another digest",
        rule: "approved-other-digest",
        plant: |h| {
            let [_, approved, ..] = run(h, 2)?;
            if let Event::DisbursementRunApproved(e) = &mut h.change(approved).event {
                e.items_digest = Digest([0xAD; 32]);
            }
            Some(h.mark(approved))
        },
    },
    Fault {
        name: "a plan of other items",
        rule: "plan-differs",
        plant: |h| {
            let [planned, approved, ..] = run(h, 3)?;
            let other = Digest([0xDA; 32]);
            if let Event::DisbursementRunPlanned(e) = &mut h.change(planned).event {
                e.items_digest = other;
            }
            if let Event::DisbursementRunApproved(e) = &mut h.change(approved).event {
                e.items_digest = other;
            }
            Some(h.mark(planned))
        },
    },
    Fault {
        name: "a run as of a day to come",
        rule: "run-as-of",
        plant: |h| {
            let at = h.from(0).filter(|(_, record)| matches!(record.event, Event::DisbursementRunPlanned(_))).last()?.0;
            if let Event::DisbursementRunPlanned(e) = &mut h.change(at).event {
                e.as_of = Date::plus_days(e.as_of, 40);
            }
            Some(h.mark(at))
        },
    },
    Fault {
        name: "items of a run out of order",
        rule: "run-out-of-order",
        plant: |h| {
            let [_, _, first, _] = run(h, 5)?;
            let (a, b) = (first, first + 1);
            let mark = h.mark(a);
            h.exchange(a, b);
            Some(mark)
        },
    },
    Fault {
        name: "a run's closing with other totals",
        rule: "run-closing",
        plant: |h| {
            let [.., closed] = run(h, 2)?;
            if let Event::DisbursementRunClosed(e) = &mut h.change(closed).event {
                e.instructed.count += 1;
            }
            Some(h.mark(closed))
        },
    },
];
