//! `audit`: every rule and every question of DOMAIN section 8, from the log alone.

use std::io::{self, Write};
use std::time::Instant;

use serde::Serialize;

use super::trial_balance::heading;
use crate::audit::{self, Audit, Totals};
use crate::error::Error;
use crate::finding::Finding;
use crate::known::Window;
use crate::output::{self, Format, text};
use crate::source::Source;

#[derive(Serialize)]
struct Document<'a> {
    findings: &'a [Finding],
    notices: &'a [Finding],
    left_out: u64,
    size: u64,
    root: String,
    totals: &'a Totals,
}

/// Audits the log and writes what was found; says on `err` how fast. Gives whether no rule was broken.
///
/// # Errors
///
/// The log could not be read, or the answer not be written.
pub fn run(
    source: &Source,
    window: &Window,
    threads: usize,
    format: Format,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<bool, Error> {
    let started = Instant::now();
    let audit = audit::run(source, window, threads)?;
    text::pace(err, (audit.size, audit.threads), started.elapsed(), &audit.notes);
    if audit.left_out > 0 {
        let _ = writeln!(err, "{} more findings and notices are not shown", audit.left_out);
    }
    let written = match format {
        Format::Json => output::json(
            out,
            &Document {
                findings: &audit.findings,
                notices: &audit.notices,
                left_out: audit.left_out,
                size: audit.size,
                root: hex::encode(audit.root),
                totals: &audit.totals,
            },
        ),
        Format::Text => words(&audit, out),
    };
    match written.and_then(|()| out.flush()) {
        // What was found counts, whoever stopped reading.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(audit.ok()),
    }
}

fn rupiah(amount: audit::Amount) -> String {
    text::rupiah(ledger_core::Rupiah::new(i64::try_from(amount.0).unwrap_or(i64::MAX)))
}

fn words(audit: &Audit, out: &mut dyn Write) -> io::Result<()> {
    let totals = &audit.totals;
    writeln!(out, "{}\n", heading("Audit", totals.as_of, totals.known_at))?;
    writeln!(out, "root          {}", hex::encode(audit.root))?;
    writeln!(out, "participants  {}", text::count(totals.participants))?;
    let count = |list: &[Finding]| text::count(list.len() as u64);
    writeln!(out, "findings      {}: rules that were broken", count(&audit.findings))?;
    writeln!(out, "notices       {}: no rule is broken, and a person must look", count(&audit.notices))?;
    writeln!(out, "\nMoney at the end of a day, rupiah (D1, D2)")?;
    let heads = ["date", "unfinished trainings", "left the treasury", "received", "on the way", "back in the treasury"];
    let mut rows = vec![heads.map(str::to_owned)];
    for cut in &totals.d1_d2_cut_offs {
        let amounts = [cut.unfinished, cut.left_treasury, cut.received, cut.on_the_way, cut.back_in_treasury];
        let [a, b, c, d, e] = amounts.map(rupiah);
        rows.push([cut.date.to_string(), a, b, c, d, e]);
    }
    out.write_all(text::table(&rows, [false, true, true, true, true, true]).as_bytes())?;
    writeln!(out, "\nQuestions")?;
    let mut rows = vec![["question", "count", "rupiah"].map(str::to_owned)];
    let mut row = |what: &str, count: u64, amount: audit::Amount| {
        rows.push([what.to_owned(), text::count(count), rupiah(amount)]);
    };
    let ineligible = &totals.d3_ineligible;
    row("D3 with an open ineligibility finding: received", ineligible.participants, ineligible.received);
    for found in &totals.d4_found_by {
        row(&format!("D4 found by {}", found.source), found.found, found.received);
    }
    row("D5 second memberships", totals.d5_duplicates.second_memberships, audit::Amount(0));
    row("D5 beyond a family card", totals.d5_duplicates.beyond_family_card, audit::Amount(0));
    let premature = &totals.d6_premature;
    row("D6 certificates before completion", premature.certificates.count, premature.certificates.amount);
    row("D6 incentives before completion", premature.incentives.count, premature.incentives.amount);
    let late = totals.d7_lateness.iter().filter(|class| class.days_from > 0);
    let late = late.fold((0, 0), |(n, sum), class| (n + class.payments.count, sum + class.payments.amount.0));
    row("D7 paid after the due date", late.0, audit::Amount(late.1));
    if let Some(day) = totals.d8_held.last() {
        for (reason, count) in &day.held {
            let amount = day.amount.get(reason).copied().unwrap_or_default();
            row(&format!("D8 due and unpaid on {}: {reason}", day.date), (*count).unsigned_abs(), amount);
        }
    }
    let irregular = &totals.d9_irregular;
    for (what, counted) in [
        ("D9 settled twice", &irregular.settled_twice),
        ("D9 settled after rejection", &irregular.settled_after_rejection),
        ("D9 settled after revocation", &irregular.settled_after_revocation),
        ("D9 in doubt for long", &irregular.long_in_doubt),
    ] {
        row(what, counted.count, counted.amount);
    }
    for exception in &totals.d10_reconciled.exceptions {
        row(&format!("D10 exceptions: {}", exception.cause), exception.said.count, exception.said.amount);
    }
    out.write_all(text::table(&rows, [false, true, true]).as_bytes())?;
    for (title, list) in [("Findings", &audit.findings), ("Notices", &audit.notices)] {
        if !list.is_empty() {
            writeln!(out, "\n{title}")?;
            text::findings(list, out)?;
        }
    }
    Ok(())
}
