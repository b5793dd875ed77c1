//! A statement as ISO 20022 camt.053 (BankToCustomerStatement, any version): booked entries in rupiah, a payment for each
//! transaction of an entry, or for the entry where it has none. A debit is a payment, a credit its return; the
//! instruction's reference is the `EndToEndId`, as pain.001 gave it to the bank.

use ledger_core::codes::OutcomeKind;
use ledger_core::ids::Position;
use ledger_core::time::Date;
use ledger_proto::v1;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{Statement, date, rupiah, spanned};
use crate::to_proto;

/// Where entries are.
const ENTRY: &str = "/Document/BkToCstmrStmt/Stmt/Ntry";

/// What a transaction of an entry says; what it leaves out is the entry's.
#[derive(Default)]
struct Transaction {
    end_to_end: String,
    reference: String,
    amount: String,
    currency: String,
    indicator: String,
}

#[derive(Default)]
struct Entry {
    of_all: Transaction,
    status: String,
    day: String,
    transactions: Vec<Transaction>,
}

pub(super) fn read(bytes: &[u8]) -> Result<Statement, String> {
    let mut reader = Reader::from_str(std::str::from_utf8(bytes).map_err(|error| error.to_string())?);
    let (mut path, mut text) = (String::new(), String::new());
    let mut found = Found::default();
    loop {
        let at = reader.buffer_position();
        let event = reader.read_event().map_err(|error| format!("byte {at}: {error}"))?;
        match event {
            Event::Start(start) => {
                path.push('/');
                path.push_str(&local(&start));
                text.clear();
                found.open(&path, &start)?;
            }
            Event::Empty(start) => {
                let empty = format!("{path}/{}", local(&start));
                found.open(&empty, &start)?;
                found.close(&empty, "")?;
            }
            Event::Text(part) => text.push_str(&part),
            Event::CData(part) => text.push_str(&part),
            // Names, never references or amounts, have such characters.
            Event::GeneralRef(_) => text.push('?'),
            Event::End(_) => {
                found.close(&path, text.trim())?;
                text.clear();
                path.truncate(path.rfind('/').unwrap_or_default());
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if !found.is_statement {
        return Err("is no camt.053: it has no Document/BkToCstmrStmt/Stmt".to_owned());
    }
    let period = match (found.from, found.to) {
        (Some(from), Some(to)) => (from, to),
        _ => spanned(&found.lines)?,
    };
    Ok(Statement { period, lines: found.lines, passed_over: found.passed_over })
}

/// An element's name without its prefix.
fn local(start: &BytesStart<'_>) -> String {
    start.local_name().as_ref().to_owned()
}

/// What was found so far.
#[derive(Default)]
struct Found {
    is_statement: bool,
    from: Option<Date>,
    to: Option<Date>,
    entry: Entry,
    lines: Vec<v1::StatementLine>,
    passed_over: u64,
    /// Entries so far.
    entries: u64,
}

impl Found {
    fn open(&mut self, path: &str, start: &BytesStart<'_>) -> Result<(), String> {
        self.is_statement |= path == "/Document/BkToCstmrStmt/Stmt";
        match path.strip_prefix(ENTRY) {
            Some("") => self.entry = Entry::default(),
            Some("/NtryDtls/TxDtls") => self.entry.transactions.push(Transaction::default()),
            Some("/Amt") => self.entry.of_all.currency = currency(start)?,
            Some("/NtryDtls/TxDtls/Amt" | "/NtryDtls/TxDtls/AmtDtls/TxAmt/Amt") => {
                let currency = currency(start)?;
                if let Some(last) = self.entry.transactions.last_mut() {
                    last.currency = currency;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, path: &str, text: &str) -> Result<(), String> {
        match path {
            "/Document/BkToCstmrStmt/Stmt/FrToDt/FrDtTm" => self.from = earlier(self.from, day(text)?),
            "/Document/BkToCstmrStmt/Stmt/FrToDt/ToDtTm" => self.to = self.to.max(Some(day(text)?)),
            _ => {}
        }
        let Some(within) = path.strip_prefix(ENTRY) else { return Ok(()) };
        let entry = &mut self.entry;
        if let Some(within) = within.strip_prefix("/NtryDtls/TxDtls") {
            let Some(last) = entry.transactions.last_mut() else { return Ok(()) };
            match within {
                "/Refs/EndToEndId" => text.clone_into(&mut last.end_to_end),
                "/Refs/AcctSvcrRef" => text.clone_into(&mut last.reference),
                "/Refs/TxId" if last.reference.is_empty() => text.clone_into(&mut last.reference),
                "/Amt" | "/AmtDtls/TxAmt/Amt" => text.clone_into(&mut last.amount),
                "/CdtDbtInd" => text.clone_into(&mut last.indicator),
                _ => {}
            }
            return Ok(());
        }
        match within {
            "/Amt" => text.clone_into(&mut entry.of_all.amount),
            "/CdtDbtInd" => text.clone_into(&mut entry.of_all.indicator),
            "/AcctSvcrRef" => text.clone_into(&mut entry.of_all.reference),
            "/Sts" | "/Sts/Cd" if !text.is_empty() => text.clone_into(&mut entry.status),
            "/BookgDt/Dt" | "/BookgDt/DtTm" => text.clone_into(&mut entry.day),
            "" => {
                self.entries += 1;
                let entry = std::mem::take(&mut self.entry);
                self.add(entry).map_err(|text| format!("entry {}: {text}", self.entries))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, entry: Entry) -> Result<(), String> {
        if entry.status != "BOOK" {
            return Ok(());
        }
        let date = to_proto::date(day(&entry.day)?);
        let Entry { of_all, mut transactions, .. } = entry;
        let alone = transactions.len() <= 1;
        if transactions.is_empty() {
            transactions.push(Transaction::default());
        }
        for transaction in transactions {
            let Transaction { end_to_end, reference, amount, currency, indicator } = transaction;
            let (amount, currency) = match amount.is_empty() {
                false => (amount, currency),
                true if alone => (of_all.amount.clone(), of_all.currency.clone()),
                true => return Err("one of several transactions has no amount".to_owned()),
            };
            if currency != "IDR" {
                return Err(format!("an amount is in {currency:?}, not in IDR"));
            }
            let indicator = if indicator.is_empty() { &of_all.indicator } else { &indicator };
            let kind = match indicator.as_str() {
                "DBIT" => OutcomeKind::Settled,
                "CRDT" if Position::from_reference(&end_to_end).is_none() => {
                    self.passed_over += 1;
                    continue;
                }
                "CRDT" => OutcomeKind::Returned,
                other => return Err(format!("{other:?} is neither DBIT nor CRDT")),
            };
            let reference = if reference.is_empty() { of_all.reference.clone() } else { reference };
            self.lines.push(v1::StatementLine {
                instruction: end_to_end,
                transaction_reference: reference,
                kind: kind.number().into(),
                amount_rupiah: rupiah(&amount)?.get(),
                date,
            });
        }
        Ok(())
    }
}

fn earlier(one: Option<Date>, other: Date) -> Option<Date> {
    Some(one.map_or(other, |one| one.min(other)))
}

/// The date of a date, or of a time as the bank's own clock shows it.
fn day(text: &str) -> Result<Date, String> {
    date(text.get(..10).unwrap_or(text))
}

fn currency(start: &BytesStart<'_>) -> Result<String, String> {
    let attribute = start.try_get_attribute("Ccy").map_err(|error| error.to_string())?;
    Ok(attribute.map(|ccy| ccy.value.into_owned()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(entries: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.02\"><BkToCstmrStmt><Stmt>\
             <FrToDt><FrDtTm>2020-05-01T00:00:00+07:00</FrDtTm><ToDtTm>2020-05-31T23:59:59+07:00</ToDtTm></FrToDt>\
             {entries}</Stmt></BkToCstmrStmt></Document>"
        )
    }

    fn entry(indicator: &str, amount: &str, details: &str) -> String {
        format!(
            "<Ntry><Amt Ccy=\"IDR\">{amount}</Amt><CdtDbtInd>{indicator}</CdtDbtInd><Sts>BOOK</Sts>\
             <BookgDt><Dt>2020-05-12</Dt></BookgDt><AcctSvcrRef>B-1</AcctSvcrRef><NtryDtls>{details}</NtryDtls></Ntry>"
        )
    }

    fn details(end_to_end: &str, more: &str) -> String {
        format!("<TxDtls><Refs><EndToEndId>{end_to_end}</EndToEndId></Refs>{more}</TxDtls>")
    }

    const SEVEN: &str = "00000000000000000007";

    fn lines(text: &str) -> Vec<(String, i32, i64, String)> {
        let statement = read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
        let told = |l: v1::StatementLine| (l.instruction, l.kind, l.amount_rupiah, l.transaction_reference);
        statement.lines.into_iter().map(told).collect()
    }

    #[test]
    fn debits_are_payments_and_credits_their_returns() {
        let seven = |kind, amount| (SEVEN.to_owned(), kind, amount, "B-1".to_owned());
        assert_eq!(lines(&document(&entry("DBIT", "600000.00", &details(SEVEN, "")))), [seven(2, 600_000)]);
        assert_eq!(lines(&document(&entry("CRDT", "600000", &details(SEVEN, "")))), [seven(4, 600_000)]);
        let batch = details(SEVEN, "<Amt Ccy=\"IDR\">50000</Amt>")
            + &details("X", "<AmtDtls><TxAmt><Amt Ccy=\"IDR\">1</Amt></TxAmt></AmtDtls><CdtDbtInd>DBIT</CdtDbtInd>");
        let found = lines(&document(&entry("DBIT", "50001", &batch)));
        assert_eq!(found, [seven(2, 50_000), ("X".to_owned(), 2, 1, "B-1".to_owned())]);
        assert_eq!(lines(&document(&entry("DBIT", "7", ""))), [(String::new(), 2, 7, "B-1".to_owned())], "no details");
        let newer =
            document(&entry("DBIT", "5", &details(SEVEN, ""))).replace("<Sts>BOOK</Sts>", "<Sts><Cd>BOOK</Cd></Sts>");
        assert_eq!(lines(&newer), [seven(2, 5)], "the status as later versions have it");
        let prefixed = document(&entry("DBIT", "5", &details(SEVEN, "")))
            .replace("</", "</c:")
            .replace('<', "<c:")
            .replace("<c:/c:", "</c:")
            .replace("<c:?", "<?");
        assert_eq!(lines(&prefixed), [seven(2, 5)], "with a prefix");
    }

    #[test]
    fn funding_and_what_is_not_booked_is_not_compared() {
        let funding = entry("CRDT", "9000000", &details("NOTPROVIDED", ""));
        let pending = entry("DBIT", "5", &details(SEVEN, "")).replace("BOOK", "PDNG");
        let statement = read(document(&(funding + &pending)).as_bytes()).unwrap();
        assert_eq!((statement.lines.len(), statement.passed_over), (0, 1));
        assert_eq!(statement.period, (date("2020-05-01").unwrap(), date("2020-05-31").unwrap()));
    }

    #[test]
    fn what_cannot_be_compared_is_refused_with_its_place() {
        let good = entry("DBIT", "5", &details(SEVEN, ""));
        let several = entry("DBIT", "5", &(details(SEVEN, "") + &details(SEVEN, "")));
        let rows = [
            (document(&(good.clone() + &good.replace("IDR", "USD"))), "entry 2: an amount is in \"USD\""),
            (document(&good.replace(">5<", ">5.5<")), "entry 1: \"5.5\""),
            (document(&good.replace("DBIT", "BOTH")), "neither DBIT nor CRDT"),
            (document(&good.replace("2020-05-12", "12 May")), "no date"),
            (document(&several), "no amount"),
            (document(&good).replace("BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn"), "no camt.053"),
            (document(&good).replace("</Stmt>", ""), "byte "),
        ];
        for (text, expected) in rows {
            let error = read(text.as_bytes()).expect_err(expected);
            assert!(error.contains(expected), "{error}: {expected}");
        }
    }
}
