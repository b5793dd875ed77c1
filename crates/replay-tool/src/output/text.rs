//! Numbers and columns for people, the Indonesian way: dots between thousands.

use std::io::{self, Write};
use std::time::Duration;

use ledger_core::Rupiah;

use super::style;
use crate::finding::Finding;

/// An amount with dots between thousands: `-1.234.567`.
#[must_use]
pub fn rupiah(amount: Rupiah) -> String {
    let dotted = count(amount.get().unsigned_abs());
    if amount < Rupiah::ZERO { format!("-{dotted}") } else { dotted }
}

/// An amount with its sign: `+1.234.567`.
#[must_use]
pub fn signed(amount: Rupiah) -> String {
    if amount > Rupiah::ZERO { format!("+{}", rupiah(amount)) } else { rupiah(amount) }
}

/// A number with dots between thousands.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push('.');
        }
        out.push(digit);
    }
    out
}

/// Says how fast so many records were read by so many threads, and what is worth knowing of them. Diagnostics that nobody can
/// read are no reason to fail.
#[expect(clippy::cast_precision_loss, reason = "a rate")]
pub fn pace(err: &mut dyn Write, (size, threads): (u64, usize), took: Duration, notes: &[String]) {
    let seconds = took.as_secs_f64();
    let rate = if seconds > 0.0 { size as f64 / seconds } else { 0.0 };
    let _ = writeln!(err, "{size} records in {seconds:.2} s, {rate:.0}/s, threads {threads}");
    for note in notes {
        let _ = writeln!(err, "note: {note}");
    }
}

/// A value, or a dash where there is none.
pub fn or_dash(value: Option<impl std::fmt::Display>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// Rows in columns as wide as their widest cell, two spaces apart; `right` says which columns are numbers. The first
/// row is the heading. No space stands at the end of a line.
#[must_use]
pub fn table<const N: usize>(rows: &[[String; N]], right: [bool; N]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for ((cell, width), right) in row.iter().zip(widths).zip(right) {
            let cell = if right { format!("{cell:>width$}  ") } else { format!("{cell:<width$}  ") };
            line.push_str(&cell);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Findings one after the other, numbered.
///
/// # Errors
///
/// The output cannot be written.
pub fn findings(findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    for (number, finding) in (1..).zip(findings) {
        writeln!(out, "\n{number}. {}", style::heading(finding.at()))?;
        writeln!(out, "   expected  {}", finding.expected)?;
        writeln!(out, "   found     {}", finding.found)?;
        if let Some(amount) = finding.amount {
            writeln!(out, "   amount    Rp{}", rupiah(amount))?;
        }
        writeln!(out, "   next      {}", finding.next)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_stand_between_thousands() {
        let rows = [
            (0, "0"),
            (999, "999"),
            (1_000, "1.000"),
            (-1_234_567, "-1.234.567"),
            (672_497_800_000, "672.497.800.000"),
            (i64::MIN, "-9.223.372.036.854.775.808"),
        ];
        for (amount, expected) in rows {
            assert_eq!(rupiah(Rupiah::new(amount)), expected);
        }
        assert_eq!(signed(Rupiah::new(1_000)), "+1.000");
        assert_eq!(signed(Rupiah::ZERO), "0");
    }

    #[test]
    fn columns_line_up() {
        let rows = [["what".into(), "rupiah".into()], ["a".into(), "1.000.000".into()]];
        assert_eq!(table(&rows, [false, true]), "what     rupiah\na     1.000.000\n");
    }
}
