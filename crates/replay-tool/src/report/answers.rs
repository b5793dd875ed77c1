//! The answers to the auditors' questions D1 to D10 (DOMAIN section 8), as the audit counted them.

use maud::{Markup, html};

use super::table::{Cell, Table};
use super::words::{self, Lang, Word};
use crate::audit::{Amount, Counted, Payments, Totals};

/// Where an answer stands in `audit --json`, and its numbers.
struct Answer {
    code: String,
    name: String,
    count: i64,
    amount: Option<Amount>,
}

impl From<Amount> for Cell {
    /// Whatever no register of 64 bits holds is shown as the most that one does.
    fn from(amount: Amount) -> Self {
        let bound = if amount.0 < 0 { i64::MIN } else { i64::MAX };
        Self::Number(i64::try_from(amount.0).unwrap_or(bound))
    }
}

pub(super) fn tables(totals: &Totals, lang: Lang) -> Markup {
    html! { (cut_offs(totals, lang)) (answers(totals, lang)) }
}

/// D1 and D2 at the end of each year.
fn cut_offs(totals: &Totals, lang: Lang) -> Markup {
    let heads = [
        Word::Day,
        Word::UnfinishedPurchases,
        Word::Unfinished,
        Word::LeftTreasury,
        Word::Received,
        Word::InTransit,
        Word::Treasury,
    ];
    let rows = totals.d1_d2_cut_offs.iter().map(|at| {
        vec![
            Cell::Named(at.date.to_string(), at.date.to_string()),
            at.unfinished_purchases.into(),
            at.unfinished.into(),
            at.left_treasury.into(),
            at.received.into(),
            at.on_the_way.into(),
            at.back_in_treasury.into(),
        ]
    });
    let table = Table {
        id: "cut-offs",
        caption: Word::CutOffs.in_lang(lang),
        heads: heads.map(|word| word.in_lang(lang)).into(),
        rows: rows.collect(),
        foot: None,
    };
    table.markup(lang)
}

fn answers(totals: &Totals, lang: Lang) -> Markup {
    let rows = all(totals, lang).into_iter().map(|answer| {
        let amount = answer.amount.map_or_else(|| Cell::Text("-".to_owned()), Cell::from);
        vec![Cell::Named(answer.name, answer.code), answer.count.into(), amount]
    });
    let table = Table {
        id: "answers",
        caption: Word::Answers.in_lang(lang),
        heads: ["", Word::Count.in_lang(lang), Word::Amount.in_lang(lang)].into(),
        rows: rows.collect(),
        foot: None,
    };
    table.markup(lang)
}

fn all(totals: &Totals, lang: Lang) -> Vec<Answer> {
    let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let named = |code: &'static str| (code.to_owned(), words::name(code, lang).to_owned());
    let answer = |code, count, amount| {
        let (code, name) = named(code);
        Answer { code, name, count: whole(count), amount }
    };
    let counted = |code, counted: &Counted| answer(code, counted.count, Some(counted.amount));
    let paid = |code, of: fn(&crate::audit::Statement) -> Payments| {
        let all = totals.d10_reconciled.statements.iter().map(of);
        let (count, amount) = all.fold((0, 0), |(n, sum), one| (n + one.count, sum + one.amount.0));
        answer(code, count, Some(Amount(amount)))
    };
    let d3 = &totals.d3_ineligible;
    let mut answers = vec![
        answer("d3_ineligible.received", d3.participants, Some(d3.received)),
        answer("d3_ineligible.spent", d3.participants, Some(d3.spent)),
    ];
    answers.extend(totals.d4_found_by.iter().map(|found| Answer {
        code: format!("d4_found_by.{}", found.source),
        name: format!("{}: {}", words::name("d4_found_by", lang), found.source),
        count: whole(found.found.saturating_sub(found.withdrawn)),
        amount: Some(found.received),
    }));
    let exceptions = totals.d10_reconciled.exceptions.iter().map(|exception| &exception.said);
    let said = exceptions.fold((0, 0), |(n, sum), one| (n + one.count, sum + one.amount.0));
    let irregular = &totals.d9_irregular;
    answers.extend([
        answer("d5_duplicates.second_memberships", totals.d5_duplicates.second_memberships, None),
        answer("d5_duplicates.beyond_family_card", totals.d5_duplicates.beyond_family_card, None),
        counted("d6_premature.certificates", &totals.d6_premature.certificates),
        counted("d6_premature.incentives", &totals.d6_premature.incentives),
        answer("d7_latest_days", u64::from(totals.d7_latest_days.unsigned_abs()), None),
        answer("d8_held_for_funds", totals.d8_held_for_funds.count, Some(totals.d8_held_for_funds.amount)),
        counted("d9_irregular.settled_twice", &irregular.settled_twice),
        counted("d9_irregular.settled_after_rejection", &irregular.settled_after_rejection),
        counted("d9_irregular.settled_after_revocation", &irregular.settled_after_revocation),
        counted("d9_irregular.long_in_doubt", &irregular.long_in_doubt),
        paid("d10_reconciled.matched", |statement| statement.matched),
        paid("d10_reconciled.missing", |statement| statement.missing),
        paid("d10_reconciled.extra", |statement| statement.extra),
        paid("d10_reconciled.other_amount", |statement| statement.other_amount),
        paid("d10_reconciled.other_day", |statement| statement.other_day),
        answer("d10_reconciled.exceptions", said.0, Some(Amount(said.1))),
        counted("demanded", &totals.demanded),
        counted("repaid_to_state", &totals.repaid),
    ]);
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_has_a_name() {
        for lang in [Lang::Id, Lang::En] {
            for answer in all(&Totals::default(), lang) {
                assert_ne!(answer.name, answer.code, "{lang:?}");
            }
        }
    }
}
