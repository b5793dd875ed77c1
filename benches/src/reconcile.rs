//! `reconcile`: a statement of full size through the command that staff use, against a running server. Some lines are wrong on
//! purpose: exactly these must be found.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::Path;

use cohort_sim::SchemeName;
use ledger_core::codes::{OutcomeKind, Partner};
use ledger_core::event::Event;
use ledger_log::{Batch, Log, Options, record};
use serde_json::Value;

use crate::child::{Listening, Program};
use crate::measure::{Bar, Failed, Report, median, timed};
use crate::{Common, history};

/// Payments of the statement.
const LINES: usize = 100_000;
/// Events of the cohort's year, unless told: enough for that many payments of one partner.
const EVENTS: u64 = 2_400_000;
/// Records of one commit.
const COMMIT: usize = 8_190;
/// No statement of that size takes longer, seconds.
const SLOWEST: f64 = 5.0;

/// A payment on the statement, or its return: instruction, amount, date, and whether it came back.
type Line = (u64, i64, String, bool);

pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    let dir = common.folder()?;
    let data = dir.path().join("data");
    let (partner, lines) = build(&data, common.events.unwrap_or(EVENTS))?;
    let first = lines.iter().map(|(_, _, day, _)| day.clone()).min().ok_or("no payments")?;
    let (lines, planted) = plant(lines, &first)?;
    eprintln!("{} payments of {partner}, {} of them planted errors", lines.len(), planted.len());
    let server = Listening::server(&data)?;
    for (name, text) in [("csv", csv(&lines)), ("camt.053", camt(&lines))] {
        let file = dir.path().join(name);
        std::fs::write(&file, text)?;
        let mut took = Vec::new();
        for _ in 0..common.pairs {
            let (document, time) = timed(|| reconcile(&server.url, partner, &file))?;
            let found = found(&document)?;
            if found != planted {
                return Err(format!("{name}: planted {planted:?}, found {found:?}").into());
            }
            took.push(time.as_secs_f64());
        }
        let case = format!("{} payments as {name}, {} errors found", lines.len(), planted.len());
        report.line(("reconcile", &case, "s"), median(&mut took), None, Bar::AtMost(SLOWEST))?;
    }
    server.terminate()
}

/// A year's log, and what the partner with most payments paid in it.
fn build(data: &Path, events: u64) -> Result<(Partner, Vec<Line>), Failed> {
    let (mut writer, _, _) = Log::open(data, &Options::default())?;
    let (mut batch, mut held) = (Batch::new(), 0);
    let mut instructed: HashMap<u64, Partner> = HashMap::new();
    let mut paid: BTreeMap<Partner, Vec<Line>> = BTreeMap::new();
    history::for_each_record(history::year(events, SchemeName::SemiBansos), |bytes| {
        let record = record::decode(bytes)?;
        match &record.event {
            Event::PayoutInstructed(e) => drop(instructed.insert(record.position, e.partner)),
            event => {
                if let Some((kind @ (OutcomeKind::Settled | OutcomeKind::Returned), outcome)) = event.as_outcome() {
                    let partner = *instructed.get(&outcome.instruction.0).ok_or("no instruction")?;
                    let day = record.occurred_at.wib_date().to_string();
                    let line = (outcome.instruction.0, outcome.amount.get(), day, kind == OutcomeKind::Returned);
                    paid.entry(partner).or_default().push(line);
                }
            }
        }
        batch.push(bytes)?;
        held += 1;
        if held == COMMIT {
            writer.append(writer.head().size, &batch)?;
            batch.clear();
            held = 0;
        }
        Ok(())
    })?;
    if held > 0 {
        writer.append(writer.head().size, &batch)?;
    }
    writer.close()?;
    let most = paid.into_iter().max_by_key(|(_, lines)| lines.len()).ok_or("nobody was paid")?;
    Ok(most)
}

/// A kind of difference, and how many there are.
type Counted = (String, u64);

/// The statement of a period that has about the wanted number of payments, with seven errors; and what must be found.
fn plant(mut lines: Vec<Line>, first: &str) -> Result<(Vec<Line>, Vec<Counted>), Failed> {
    lines.sort_by(|a, b| (&a.2, a.0).cmp(&(&b.2, b.0)));
    // Whole days: a payment on the last one that is left out would be missing.
    if let Some(last) = lines.get(LINES).map(|(_, _, day, _)| day.clone()) {
        lines.retain(|(_, _, day, _)| *day <= last);
    }
    if lines.len() < 1_000 {
        return Err("too few payments: more events are needed".into());
    }
    let last = lines.last().map(|(_, _, day, _)| day.clone()).ok_or("no payments")?;
    let mut planted = Vec::new();
    let step = lines.len() / 8;
    lines[step].1 -= 1;
    planted.push(("other_amount".to_owned(), lines[step].0));
    let other = if lines[2 * step].2 == last { first.to_owned() } else { last };
    lines[2 * step].2 = other;
    planted.push(("other_day".to_owned(), lines[2 * step].0));
    let twice = lines[3 * step].clone();
    planted.push(("extra".to_owned(), twice.0));
    let nobody = (99_999_999_999, 600_000, first.to_owned(), false);
    planted.push(("extra".to_owned(), nobody.0));
    for index in [6 * step, 5 * step, 4 * step] {
        planted.push(("missing".to_owned(), lines.remove(index).0));
    }
    lines.extend([twice, nobody]);
    planted.sort();
    Ok((lines, planted))
}

fn csv(lines: &[Line]) -> String {
    let mut text = "instruction,amount,date,kind\n".to_owned();
    for (instruction, amount, day, back) in lines {
        let kind = if *back { "returned" } else { "settled" };
        let _ = writeln!(text, "{instruction:020},{amount}.00,{day},{kind}");
    }
    text
}

fn camt(lines: &[Line]) -> String {
    let mut text = "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt><GrpHdr><MsgId>bench</MsgId>\
                    <CreDtTm>2021-01-01T00:00:00+07:00</CreDtTm></GrpHdr><Stmt><Id>bench</Id>\
                    <Acct><Id><Othr><Id>0012345678</Id></Othr></Id></Acct><Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp>\
                    <Amt Ccy=\"IDR\">0</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2020-12-31</Dt></Dt></Bal>"
        .to_owned();
    for (instruction, amount, day, back) in lines {
        let side = if *back { "CRDT" } else { "DBIT" };
        let _ = write!(
            text,
            "<Ntry><Amt Ccy=\"IDR\">{amount}.00</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt>\
             <BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>DMCT</SubFmlyCd></Fmly></Domn></BkTxCd>\
             <NtryDtls><TxDtls><Refs><EndToEndId>{instruction:020}</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>"
        );
    }
    text + "</Stmt></BkToCstmrStmt></Document>"
}

fn reconcile(url: &str, partner: Partner, file: &Path) -> Result<Value, Failed> {
    let mut command = Program::Server.command()?;
    command.args(["reconcile", "--json", "--partner", partner.code(), "--to", url]).arg(file);
    let output = command.output()?;
    if output.status.code() != Some(1) {
        return Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Kind and instruction of each difference.
fn found(document: &Value) -> Result<Vec<(String, u64)>, Failed> {
    let differences = document["differences"].as_array().ok_or("no differences")?;
    let mut found = Vec::new();
    for difference in differences {
        let reference =
            difference["statement"]["instruction"].as_str().or(difference["ledger"]["instruction"].as_str());
        found.push((
            difference["kind"].as_str().ok_or("no kind")?.to_owned(),
            reference.ok_or("no reference")?.parse()?,
        ));
    }
    found.sort();
    Ok(found)
}
