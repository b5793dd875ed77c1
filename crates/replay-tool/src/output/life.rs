//! What was recorded of one participant: each record with its fields and its postings.

use ledger_core::account::Account;
use ledger_core::event::Record;
use ledger_core::postings::{Item, Posting};
use ledger_core::time::Date;
use serde::Serialize;

use super::fields::{self, Fields};
use super::text;

/// One record in a participant's life.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    position: u64,
    event: &'static str,
    occurred_at: String,
    recorded_at: String,
    actor: String,
    auth: &'static str,
    approved_by: Option<String>,
    source_reference: String,
    fields: Fields,
    postings: Vec<PostingJson>,
    #[serde(skip)]
    date: Date,
    #[serde(skip)]
    of_programme: bool,
}

#[derive(Clone, Debug, Serialize)]
struct PostingJson {
    account: String,
    amount: String,
    /// What it is about: `training-aid`, `repayment`, an entitlement or a purchase.
    item: String,
    #[serde(skip)]
    posting: Posting,
}

impl Entry {
    /// A record with the postings that concern the participant.
    #[must_use]
    pub fn new(record: &Record<'_>, postings: &[Posting]) -> Self {
        Self {
            position: record.position,
            event: record.event.name(),
            occurred_at: record.occurred_at.to_string(),
            recorded_at: record.recorded_at.to_string(),
            actor: record.actor.to_string(),
            auth: record.auth.code(),
            approved_by: record.approved_by.as_ref().map(ToString::to_string),
            source_reference: record.source_reference.to_string(),
            fields: fields::of(&record.event),
            postings: postings.iter().map(PostingJson::new).collect(),
            date: record.occurred_at.wib_date(),
            of_programme: record.participant.is_none(),
        }
    }

    /// The event's name.
    #[must_use]
    pub const fn event(&self) -> &'static str {
        self.event
    }

    /// WIB date on which it happened.
    #[must_use]
    pub const fn date(&self) -> Date {
        self.date
    }

    /// Position of the record.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// The postings that concern the participant.
    pub fn postings(&self) -> impl Iterator<Item = &Posting> {
        self.postings.iter().map(|posting| &posting.posting)
    }

    /// The accounts that it changed, by how much: `received +600.000`; empty where none did.
    #[must_use]
    pub fn moves(&self) -> String {
        let mut sums: Vec<(Account, i64)> = Vec::new();
        for posting in self.postings() {
            match sums.iter_mut().find(|(account, _)| *account == posting.account) {
                Some((_, sum)) => *sum = sum.saturating_add(posting.amount.get()),
                None => sums.push((posting.account, posting.amount.get())),
            }
        }
        let moves = sums.iter().map(|(a, sum)| format!("{a} {}", text::signed(ledger_core::Rupiah::new(*sum))));
        moves.collect::<Vec<_>>().join(", ")
    }

    /// The entry for people: when and what, who said so, and where the money went.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut out = format!("{}  {:<22} #{}", self.date, self.event, self.position);
        if self.of_programme {
            out.push_str("  (whole programme)");
        }
        out.push('\n');
        let mut line = |text: String| out.push_str(&format!("            {text}\n"));
        let fields = self.fields.to_string();
        if !fields.is_empty() {
            line(fields);
        }
        let approved = self.approved_by.as_ref().map_or_else(String::new, |person| format!(", approved by {person}"));
        line(format!("by {}{approved}", self.actor));
        let moves = self.moves();
        if !moves.is_empty() {
            line(format!("Rp: {moves}"));
        }
        out
    }
}

impl PostingJson {
    fn new(posting: &Posting) -> Self {
        let item = item(&posting.item);
        Self { account: posting.account.to_string(), amount: posting.amount.to_string(), item, posting: *posting }
    }
}

/// What a posting is about, in a word or two that no comma stands in.
pub(crate) fn item(item: &Item) -> String {
    match item {
        Item::Aid => "training-aid".to_owned(),
        Item::Purchase(purchase) => format!("purchase {purchase}"),
        Item::Entitlement(entitlement) => entitlement.to_string(),
        Item::Repayment => "repayment".to_owned(),
        Item::Wave(wave) => format!("wave {wave}"),
    }
}
