//! `diff --known-at A --and B`: what changed between two states of knowledge, and which records did it.

use std::io::{self, Write};

use ledger_core::Rupiah;
use ledger_core::account::{Account, Balances};
use ledger_core::time::Date;
use serde::{Serialize, Serializer};

use crate::difference::{Change, Difference, ProgrammeChange, Stand, Standing, moved};
use crate::error::Error;
use crate::known::KnownAt;
use crate::output::{self, Format, text};
use crate::source::Source;

/// A value before and after.
#[derive(Serialize)]
struct Pair<T> {
    before: T,
    after: T,
}

#[derive(Serialize)]
struct AccountJson {
    account: String,
    #[serde(flatten)]
    amounts: Pair<String>,
}

#[derive(Serialize)]
struct FundsJson {
    year: i16,
    appropriated: Pair<String>,
    used: Pair<String>,
}

#[derive(Serialize)]
struct ProgrammeJson {
    position: u64,
    event: &'static str,
    occurred_at: String,
    participants: u64,
    moved: Vec<Moved>,
}

#[derive(Serialize)]
struct Moved {
    account: String,
    amount: String,
}

#[derive(Serialize)]
struct ChangeJson<'c> {
    participant: String,
    wave: u32,
    positions: &'c [u64],
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Pair<Option<String>>>,
    accounts: Vec<AccountJson>,
    entitlements: Vec<EntitlementJson>,
}

#[derive(Serialize)]
struct EntitlementJson {
    entitlement: String,
    #[serde(flatten)]
    stands: Pair<Option<StandJson>>,
}

struct StandJson(Stand);

impl Serialize for StandJson {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let Self(stand) = self;
        let date = |date: Option<Date>| date.map(|date| date.to_string());
        let mut map = s.serialize_map(None)?;
        map.serialize_entry("status", stand.status.code())?;
        map.serialize_entry("held", &stand.held)?;
        map.serialize_entry("due", &date(stand.due))?;
        map.serialize_entry("attempts", &stand.attempts)?;
        map.serialize_entry("settled_on", &date(stand.settled_on))?;
        map.end()
    }
}

/// Writes what changed.
///
/// # Errors
///
/// The log could not be read, is not that long, or the answer could not be written.
pub fn run(
    source: &Source,
    as_of: Option<Date>,
    [a, b]: [KnownAt; 2],
    format: Format,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let difference = Difference::read(source, as_of, a, b)?;
    match format {
        Format::Json => json(&difference, out)?,
        Format::Text => table(&difference, out)?,
    }
    Ok(out.flush()?)
}

fn json(difference: &Difference, out: &mut dyn Write) -> io::Result<()> {
    let [before, after] = difference.known_at;
    let rupiah = |[before, after]: [Rupiah; 2]| Pair { before: before.to_string(), after: after.to_string() };
    write!(out, "{{\"as_of\":")?;
    output::json_part(out, &difference.as_of.map(|date| date.to_string()))?;
    write!(out, ",\"known_at\":")?;
    output::json_part(out, &Pair { before, after })?;
    write!(out, ",\"accounts\":")?;
    let [totals, later] = &difference.totals;
    let accounts = |(account, _): (Account, Rupiah)| AccountJson {
        account: account.to_string(),
        amounts: rupiah([totals.get(account), later.get(account)]),
    };
    output::json_part(out, &moved(totals, later).map(accounts).collect::<Vec<_>>())?;
    let funds = difference.funds.iter().map(|funds| FundsJson {
        year: funds.year,
        appropriated: rupiah(funds.appropriated),
        used: rupiah(funds.used),
    });
    write!(out, ",\"funds\":")?;
    output::json_part(out, &funds.collect::<Vec<_>>())?;
    let programme = difference.programme.iter().map(|record| ProgrammeJson {
        position: record.position,
        event: record.event,
        occurred_at: record.occurred_at.to_string(),
        participants: record.participants,
        moved: record.moved.iter().map(|(a, sum)| Moved { account: a.to_string(), amount: sum.to_string() }).collect(),
    });
    write!(out, ",\"programme\":")?;
    output::json_part(out, &programme.collect::<Vec<_>>())?;
    write!(out, ",\"touched\":{},\"participants\":[", difference.touched())?;
    for (place, change) in difference.changes().enumerate() {
        out.write_all(if place == 0 { b"\n" } else { b",\n" })?;
        output::json_part(out, &ChangeJson::new(&change))?;
    }
    writeln!(out, "\n]}}")
}

impl<'c> ChangeJson<'c> {
    fn new(change: &'c Change) -> Self {
        let [before, after] = change.standings.each_ref().map(Option::as_ref);
        let (was, is) = (before.map(status), after.map(status));
        let accounts = accounts(change).map(|(account, [before, after])| AccountJson {
            account: account.to_string(),
            amounts: Pair { before: before.to_string(), after: after.to_string() },
        });
        let entitlements = entitlements(change).map(|(before, after)| EntitlementJson {
            entitlement: after.or(before).map(|stand| stand.entitlement.to_string()).unwrap_or_default(),
            stands: Pair { before: before.map(StandJson), after: after.map(StandJson) },
        });
        Self {
            participant: change.participant.to_string(),
            wave: change.wave,
            positions: &change.positions,
            status: (was != is).then_some(Pair { before: was, after: is }),
            accounts: accounts.collect(),
            entitlements: entitlements.collect(),
        }
    }
}

/// `live`, or why not; and an open finding.
fn status(standing: &Standing) -> String {
    let status = standing.revoked.map_or_else(|| "live".to_owned(), |ground| format!("revoked: {ground}"));
    if standing.ineligible { format!("{status}, ineligibility finding open") } else { status }
}

/// The accounts that differ, before and after.
fn accounts(change: &Change) -> impl Iterator<Item = (Account, [Rupiah; 2])> + '_ {
    let amounts = |account| {
        change.standings.each_ref().map(|standing| standing.as_ref().map_or(Rupiah::ZERO, |s| s.account(account)))
    };
    Account::all().map(move |account| (account, amounts(account))).filter(|(_, [before, after])| before != after)
}

/// The entitlements that differ, before and after.
fn entitlements(change: &Change) -> impl Iterator<Item = (Option<Stand>, Option<Stand>)> + '_ {
    let of = |standing: &Option<Standing>| standing.as_ref().map_or_else(Vec::new, |s| s.entitlements.to_vec());
    let [before, after] = change.standings.each_ref().map(of);
    let pairs = (0..before.len().max(after.len())).map(move |i| (before.get(i).copied(), after.get(i).copied()));
    pairs.filter(|(before, after)| before != after)
}

fn table(difference: &Difference, out: &mut dyn Write) -> io::Result<()> {
    let [before, after] = difference.known_at;
    let as_of = difference.as_of.map_or_else(String::new, |date| format!(" as of {date},"));
    writeln!(out, "What changed{as_of} from {} records to {}\n", text::count(before), text::count(after))?;
    let [totals, later] = &difference.totals;
    money(totals, later, out)?;
    if !difference.funds.is_empty() {
        writeln!(out, "\nFunds")?;
    }
    for funds in &difference.funds {
        let pair = |name, [before, after]: [Rupiah; 2]| match before == after {
            true => format!("{name} {}", text::rupiah(after)),
            false => format!("{name} {} -> {}", text::rupiah(before), text::rupiah(after)),
        };
        writeln!(out, "{}  {}, {}", funds.year, pair("appropriated", funds.appropriated), pair("used", funds.used))?;
    }
    if !difference.programme.is_empty() {
        writeln!(out, "\nThe programme's records between")?;
    }
    difference.programme.iter().try_for_each(|record| programme(record, out))?;
    writeln!(out, "\nParticipants with records between: {}", text::count(difference.touched() as u64))?;
    let mut changed = 0;
    for change in difference.changes() {
        changed += 1;
        person(&change, out)?;
    }
    writeln!(out, "\n{} participants changed", text::count(changed))
}

fn money(before: &Balances, after: &Balances, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = vec![["account", "before", "after", "change"].map(str::to_owned)];
    for (account, change) in moved(before, after) {
        let [before, after] = [before, after].map(|balances| text::rupiah(balances.get(account)));
        rows.push([account.to_string(), before, after, text::signed(change)]);
    }
    if rows.len() == 1 {
        return writeln!(out, "No account changed");
    }
    out.write_all(text::table(&rows, [false, true, true, true]).as_bytes())
}

fn programme(record: &ProgrammeChange, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{}  {:<22} #{}", record.occurred_at.wib_date(), record.event, record.position)?;
    if record.participants > 0 {
        write!(out, ", money of {} participants", text::count(record.participants))?;
    }
    writeln!(out)?;
    if !record.moved.is_empty() {
        let moves = record.moved.iter().map(|(account, sum)| format!("{account} {}", text::signed(*sum)));
        writeln!(out, "            Rp: {}", moves.collect::<Vec<_>>().join(", "))?;
    }
    Ok(())
}

fn person(change: &Change, out: &mut dyn Write) -> io::Result<()> {
    let positions: Vec<_> = change.positions.iter().map(|position| format!("#{position}")).collect();
    writeln!(out, "\n{}  wave {}, by {}", change.participant, change.wave, positions.join(" "))?;
    let [before, after] = change.standings.each_ref().map(|standing| standing.as_ref().map(status));
    if before != after {
        writeln!(out, "  {:<30} {} -> {}", "status", text::or_dash(before), text::or_dash(after))?;
    }
    for (account, [before, after]) in accounts(change) {
        writeln!(out, "  {:<30} {} -> {}", account.to_string(), text::rupiah(before), text::rupiah(after))?;
    }
    for (before, after) in entitlements(change) {
        let name = after.or(before).map(|stand| stand.entitlement.to_string()).unwrap_or_default();
        writeln!(out, "  {name:<30} {} -> {}", stand(before), stand(after))?;
    }
    Ok(())
}

fn stand(stand: Option<Stand>) -> String {
    let Some(stand) = stand else { return "-".to_owned() };
    let mut text = stand.status.code().to_owned();
    if let Some(held) = stand.held {
        text.push_str(&format!(": {held}"));
    }
    if let Some(day) = stand.settled_on {
        return format!("{text} on {day}");
    }
    match stand.due {
        Some(due) => format!("{text}, due {due}"),
        None => text,
    }
}
