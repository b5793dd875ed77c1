//! A statement as CSV: a row a payment, columns by name. `instruction`, `date`, `amount`; and, where they are there,
//! `transaction_reference` and `kind` (settled, which is also what an empty one means, or returned).

use ledger_core::codes::OutcomeKind;
use ledger_proto::v1;

use super::{Statement, date, rupiah, spanned};
use crate::to_proto;

pub(super) fn read(bytes: &[u8]) -> Result<Statement, String> {
    let mut rows = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let names = rows.headers().map_err(|error| error.to_string())?.clone();
    let known = ["instruction", "date", "amount", "transaction_reference", "kind"];
    if let Some(name) = names.iter().find(|name| !known.contains(name)) {
        return Err(format!("the column {name:?} is none of {}", known.join(", ")));
    }
    let column = |name: &str| names.iter().position(|column| column == name);
    let needed = |name: &str| column(name).ok_or_else(|| format!("has no column {name}"));
    let (instruction, day, amount) = (needed("instruction")?, needed("date")?, needed("amount")?);
    let (reference, kind) = (column("transaction_reference"), column("kind"));
    let mut lines = Vec::new();
    for (number, row) in (1..).zip(rows.records()) {
        let row = row.map_err(|error| error.to_string())?;
        let cell = |column: Option<usize>| column.and_then(|column| row.get(column)).unwrap_or_default();
        let at = |text: String| format!("payment {number}: {text}");
        let kind = match cell(kind) {
            "" => OutcomeKind::Settled,
            text => OutcomeKind::from_code(text)
                .filter(|kind| matches!(kind, OutcomeKind::Settled | OutcomeKind::Returned))
                .ok_or_else(|| at(format!("the kind {text:?} is neither settled nor returned")))?,
        };
        lines.push(v1::StatementLine {
            instruction: cell(Some(instruction)).to_owned(),
            transaction_reference: cell(reference).to_owned(),
            kind: kind.number().into(),
            amount_rupiah: rupiah(cell(Some(amount))).map_err(at)?.get(),
            date: to_proto::date(date(cell(Some(day))).map_err(at)?),
        });
    }
    Ok(Statement { period: spanned(&lines)?, lines, passed_over: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_go_by_their_names() {
        let statement = read(
            b"kind,amount,date,transaction_reference,instruction\n\
              ,600000.00,2020-05-12,gp-1,00000000000000000007\n\
              returned,50000,2020-05-10,\"gp, 2\",00000000000000000009\n",
        )
        .unwrap();
        assert_eq!(statement.period.0.to_string() + &statement.period.1.to_string(), "2020-05-102020-05-12");
        let told = |line: &v1::StatementLine| (line.instruction.clone(), line.transaction_reference.clone(), line.kind);
        let lines: Vec<_> = statement.lines.iter().map(told).collect();
        let expected = [("00000000000000000007", "gp-1", 2), ("00000000000000000009", "gp, 2", 4)];
        assert_eq!(lines, expected.map(|(i, t, k)| (i.to_owned(), t.to_owned(), k)));
        assert_eq!((statement.lines[0].amount_rupiah, statement.lines[1].amount_rupiah), (600_000, 50_000));
    }

    #[test]
    fn what_is_no_statement_is_refused_with_its_place() {
        let rows: [(&[u8], &str); 8] = [
            (b"instruction,date\n", "no column amount"),
            (b"instruction,date,amount,sum\n", "\"sum\""),
            (b"instruction,date,amount\n", "no payments"),
            (b"instruction,date,amount\n7,2020-05-12,1\n7,2020-05-32,1\n", "payment 2: \"2020-05-32\""),
            (b"instruction,date,amount\n7,2020-05-12,1.5\n", "payment 1: \"1.5\""),
            (b"instruction,date,amount,kind\n7,2020-05-12,1,accepted\n", "\"accepted\""),
            (b"instruction,date,amount\n7,2020-05-12\n", "fields"),
            (b"instruction,date,amount\n\xFF,2020-05-12,1\n", "UTF-8"),
        ];
        for (bytes, expected) in rows {
            let text = read(bytes).unwrap_err();
            assert!(text.contains(expected), "{text}: {expected}");
        }
    }
}
