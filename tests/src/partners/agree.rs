//! What must hold after all: each entitlement settled at most once, every rupiah in one account, every doubt explained by
//! the partner's book, and that book equal to the ledger's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use cohort_sim::partner::book::{Book, Entry};
use ledger_core::event::Event;
use ledger_log::{AtRest, record};
use ledger_proto::v1;
use ledger_proto::v1::InstructionStatus as Status;
use serde_json::Value;

use super::staff::Staff;
use super::{Run, shown};
use crate::life::at;
use crate::oracle::Oracle;
use crate::server::text;

impl Run<'_> {
    /// Staff go through what is left with the partner's book in hand; then everything is compared.
    pub(super) async fn agree(&mut self) {
        let seed = self.seed;
        let book = Book::open(&self.book()).expect("a book");
        self.met.instructions = book.entries.len();
        self.met.deaths = book.deaths as u64;
        let url = self.server.as_ref().expect("a server").url.clone();
        let staff = Staff { url: url.clone() };
        // Before anybody looks into the book: the statement shows what was paid and never told, and nothing else.
        let doubts = staff.outstanding(Status::InDoubt).await;
        let silent: BTreeSet<_> = doubts
            .iter()
            .filter(|doubt| book.entries[&doubt.instruction].paid.is_some())
            .map(|doubt| ("extra".to_owned(), doubt.instruction.clone()))
            .collect();
        assert_eq!(self.reconcile(&url, &book, "before.csv"), silent, "seed {seed}: the statement before");
        for doubt in &doubts {
            staff.resolve(explained(doubt, &book.entries[&doubt.instruction])).await;
        }
        self.met.doubts = doubts.len();
        self.met.exceptions = staff.clear_exceptions(at(10, 25)).await;
        assert_eq!(staff.outstanding(Status::Unspecified).await, [], "seed {seed}: nothing is outstanding");
        assert_eq!(self.reconcile(&url, &book, "after.csv"), BTreeSet::new(), "seed {seed}: the statement after");
        let server = self.server.take().expect("a server");
        let status = tokio::task::block_in_place(|| server.terminate());
        assert_eq!(status.code(), Some(0), "seed {seed}");
        assert_eq!(self.programs.replayed(&["verify"], &self.data())["ok"], true, "seed {seed}");
        self.every_rupiah(&book);
        once(seed, &self.data(), &book);
    }

    /// `ledger-server reconcile` of the partner's whole book: kind and instruction of each difference.
    fn reconcile(&self, url: &str, book: &Book, name: &str) -> BTreeSet<(String, String)> {
        let file = self.folder.join(name);
        std::fs::write(&file, book.statement()).expect("a file");
        let output = Command::new(self.programs.server)
            .args(["reconcile", "--json", "--partner", "gopay", "--to", url, &shown(&file)])
            .output()
            .expect("the program");
        let document: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("seed {}: {}", self.seed, text(&output.stderr)));
        let differences = document["differences"].as_array().expect("a list");
        let told = |difference: &Value| {
            let sides = ["statement", "ledger"].map(|side| difference[side]["instruction"].as_str());
            let instruction = sides.into_iter().flatten().next().unwrap_or_default();
            (difference["kind"].as_str().unwrap_or_default().to_owned(), instruction.to_owned())
        };
        differences.iter().map(told).collect()
    }

    /// Trial balance, oracle and the partner's book, three counts of the same money.
    fn every_rupiah(&self, book: &Book) {
        let seed = self.seed;
        let mut oracle = Oracle::default();
        records(&self.data(), |record| oracle.observe(record));
        let balance = self.programs.replayed(&["trial-balance"], &self.data());
        assert_eq!(balance["sum"], "0", "seed {seed}");
        let amount = |account: &Value| account["amount"].as_str().and_then(|text| text.parse::<i64>().ok());
        let accounts: BTreeMap<_, _> = balance["accounts"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|account| {
                (account["account"].as_str().expect("a name").to_owned(), amount(account).expect("a number"))
            })
            .filter(|(_, amount)| *amount != 0)
            .collect();
        assert_eq!(accounts, oracle.totals(), "seed {seed}: the oracle");
        let held = |name: &str| accounts.get(name).copied().unwrap_or_default();
        assert_eq!((held("in-transit:gopay"), held("overpaid")), (0, 0), "seed {seed}: {accounts:?}");
        let paid = book.entries.values().filter(|e| e.paid.is_some() && e.returned.is_none());
        assert_eq!(held("received"), paid.map(|e| e.taken.amount).sum::<i64>(), "seed {seed}: the partner's book");
    }
}

/// What two people find in the partner's book about a doubt.
fn explained(doubt: &v1::Instruction, entry: &Entry) -> v1::ResolveInDoubtRequest {
    let found = |kind: v1::OutcomeKind| v1::ResolveInDoubtRequest {
        occurred_at: Some(at(10, 25)),
        approved_by: "approver/siti".to_owned(),
        instruction: doubt.instruction.clone(),
        kind: kind.into(),
        evidence_reason: "seen in the partner's book".to_owned(),
        ..Default::default()
    };
    match &entry.paid {
        Some(moved) => v1::ResolveInDoubtRequest {
            occurred_at: Some(moved.at),
            transaction_reference: moved.reference.clone(),
            ..found(v1::OutcomeKind::Settled)
        },
        None if entry.refused => found(v1::OutcomeKind::Rejected),
        None => panic!("{} is in doubt, and the partner's book says neither paid nor refused", doubt.instruction),
    }
}

fn records(data: &Path, mut each: impl FnMut(&ledger_core::event::Record<'_>)) {
    let examined = AtRest::open(data).expect("a log").examine(|_, bytes| {
        each(&record::decode(bytes)?);
        Ok(())
    });
    assert_eq!(examined.expect("a readable log").findings, []);
}

/// Each entitlement has at most one payment that was not returned, in the ledger and in the partner's book.
fn once(seed: u64, data: &Path, book: &Book) {
    let mut entitlement_of = BTreeMap::new();
    let mut settled = BTreeMap::<_, i64>::new();
    records(data, |record| match &record.event {
        Event::PayoutInstructed(e) => drop(entitlement_of.insert(record.position, (record.participant, e.entitlement))),
        Event::PayoutSettled(e) => *settled.entry(entitlement_of[&e.outcome.instruction.0]).or_default() += 1,
        Event::PayoutReturned(e) => *settled.entry(entitlement_of[&e.outcome.instruction.0]).or_default() -= 1,
        _ => {}
    });
    assert!(settled.values().all(|count| (0..=1).contains(count)), "seed {seed}: settled {settled:?}");
    let mut paid = BTreeMap::<_, i64>::new();
    for entry in book.entries.values() {
        let net = i64::from(entry.paid.is_some()) - i64::from(entry.returned.is_some());
        *paid.entry((&entry.taken.participant, &entry.taken.entitlement)).or_default() += net;
    }
    assert!(paid.values().all(|count| (0..=1).contains(count)), "seed {seed}: paid {paid:?}");
    assert_eq!(settled.values().sum::<i64>(), paid.values().sum::<i64>(), "seed {seed}");
    assert_eq!(entitlement_of.len(), book.entries.len(), "seed {seed}: the partner took every instruction, each once");
}
