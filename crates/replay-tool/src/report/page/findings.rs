//! What the audit says.

use maud::{Markup, html};

use super::super::answers;
use super::super::overdue::Sum;
use super::super::rules;
use super::super::table::{Cell, Table};
use super::super::words::Word;
use super::Page;
use crate::audit::Audit;
use crate::finding::Finding;

/// Findings that are shown one by one.
const MOST_FINDINGS: usize = 500;

impl Page<'_> {
    pub(super) fn answers(&self) -> Markup {
        self.section(
            Word::Answers,
            &html! { (self.note(Word::AnswersNote)) (answers::tables(&self.report.audit.totals, self.lang)) },
        )
    }

    pub(super) fn findings(&self) -> Markup {
        let Audit { findings, notices, left_out, .. } = &self.report.audit;
        html! {
            (self.section(Word::Findings, &self.listed(["rules", "findings"], findings)))
            @if !notices.is_empty() {
                (self.section(Word::Notices, &html! {
                    (self.note(Word::NoticesNote))
                    (self.listed(["notice-rules", "notices"], notices))
                }))
            }
            @if *left_out > 0 { p { (left_out) " " (self.word(Word::MoreFindings)) } }
        }
    }

    /// Findings by rule, and one by one as far as a page can bear.
    fn listed(&self, [of_rules, of_each]: [&str; 2], findings: &[Finding]) -> Markup {
        if findings.is_empty() {
            return html! { p id=(format!("no-{of_each}")) { (self.word(Word::NoFindings)) } };
        }
        let mut by_rule = std::collections::BTreeMap::<_, Sum>::new();
        for finding in findings {
            let sum = by_rule.entry(finding.rule).or_default();
            *sum = sum.and(Sum { count: 1, amount: finding.amount.map_or(0, ledger_core::Rupiah::get) });
        }
        let rows = by_rule.iter().map(|(rule, sum)| {
            let name = Cell::Named(rule.code().to_owned(), rule.code().to_owned());
            vec![name, sum.count.into(), sum.amount.into(), rules::next(*rule, self.lang).to_owned().into()]
        });
        let by_rule = Table {
            id: of_rules,
            caption: self.word(Word::Rule),
            heads: [Word::Rule, Word::Count, Word::Amount, Word::Next].map(|word| self.word(word)).into(),
            rows: rows.collect(),
            foot: None,
        };
        let rows = findings.iter().take(MOST_FINDINGS).map(|finding| {
            let positions = finding.positions.iter().map(|position| format!("#{position}"));
            let place = finding.participant.map(|id| id.to_string()).into_iter().chain(positions);
            let [expected, found] = rules::texts(finding, self.lang);
            vec![
                Cell::Named(finding.rule.code().to_owned(), finding.id.clone()),
                place.collect::<Vec<_>>().join(" ").into(),
                expected.into(),
                found.into(),
                finding.amount.map_or_else(|| Cell::Text("-".to_owned()), |amount| amount.get().into()),
            ]
        });
        let heads = [Word::Rule, Word::Where, Word::Expected, Word::Found, Word::Amount];
        let each = Table {
            id: of_each,
            caption: self.word(Word::Findings),
            heads: heads.map(|word| self.word(word)).into(),
            rows: rows.collect(),
            foot: None,
        };
        let more = findings.len().saturating_sub(MOST_FINDINGS);
        html! {
            (by_rule.markup(self.lang))
            (each.markup(self.lang))
            @if more > 0 { p { (more) " " (self.word(Word::MoreFindings)) } }
        }
    }
}
