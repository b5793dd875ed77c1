//! One participant in JSON: the shape of `balances` and `participant`.

use ledger_core::Rupiah;
use ledger_core::account::{Account, Balances};
use ledger_core::codes::{Partner, Platform};
use ledger_core::schedule::Held;
use ledger_core::view::{EntitlementStatus, EntitlementView, ParticipantView};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// A participant with its money.
#[derive(Debug, Serialize)]
pub struct Person<'a> {
    participant: String,
    wave: u32,
    /// `live` or `revoked`.
    status: &'static str,
    accounts: Accounts<'a>,
    entitlements: Vec<EntitlementJson>,
}

/// The accounts that are not zero, in the order of the money's way; rupiah as strings.
#[derive(Debug)]
pub struct Accounts<'a>(pub &'a Balances);

#[derive(Debug, Serialize)]
struct EntitlementJson {
    entitlement: String,
    amount: String,
    status: &'static str,
    due: Option<String>,
    held: Option<&'static str>,
    release: Option<&'static str>,
    attempts: u8,
    instruction: Option<String>,
    settled_on: Option<String>,
}

impl<'a> Person<'a> {
    /// What programs read of a participant.
    #[must_use]
    pub fn new(view: &ParticipantView, balances: &'a Balances) -> Self {
        Self {
            participant: view.id.into(),
            wave: view.wave.0,
            status: status(view),
            accounts: Accounts(balances),
            entitlements: view.entitlements.iter().map(EntitlementJson::new).collect(),
        }
    }
}

/// `live` or `revoked`.
#[must_use]
pub const fn status(view: &ParticipantView) -> &'static str {
    if view.revoked.is_some() { "revoked" } else { "live" }
}

/// Why money is held that is not on its way: `None` where it is payable, ordered or paid.
#[must_use]
pub fn held(entitlement: &EntitlementView) -> Option<Held> {
    match entitlement.status() {
        EntitlementStatus::Locked | EntitlementStatus::Held => entitlement.held,
        EntitlementStatus::Payable
        | EntitlementStatus::InTransit
        | EntitlementStatus::InDoubt
        | EntitlementStatus::Settled => None,
    }
}

/// What would release money that is not yet paid and cannot be ordered now.
#[must_use]
pub fn release(entitlement: &EntitlementView) -> Option<&'static str> {
    entitlement.held.filter(|held| *held != Held::Settled).map(Held::release)
}

impl EntitlementJson {
    fn new(view: &EntitlementView) -> Self {
        Self {
            entitlement: view.entitlement.to_string(),
            amount: view.amount.to_string(),
            status: view.status().code(),
            due: view.due.map(|date| date.to_string()),
            held: held(view).map(Held::code),
            release: release(view),
            attempts: view.attempts,
            instruction: view.instruction.map(|position| position.reference()),
            settled_on: view.settled_on.map(|date| date.to_string()),
        }
    }
}

impl Serialize for Accounts<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        for (account, amount) in not_zero(self.0) {
            map.serialize_entry(&account.to_string(), &amount.to_string())?;
        }
        map.end()
    }
}

/// What people look at first, for columns: the sum of some accounts, and its name.
pub const COLUMNS: [&str; 6] = ["training", "bought", "committed", "in transit", "received", "treasury"];

/// The sums of [`COLUMNS`], rupiah.
#[must_use]
pub fn columns(balances: &Balances) -> [Rupiah; 6] {
    let sum = |accounts: &mut dyn Iterator<Item = Account>| {
        Rupiah::checked_sum(accounts.map(|account| balances.get(account))).unwrap_or_default()
    };
    let earned = Platform::ALL.iter().map(|p| Account::PlatformEarned(*p));
    [
        balances.get(Account::TrainingBalance),
        sum(&mut Platform::ALL.iter().map(|p| Account::PlatformUnearned(*p)).chain(earned)),
        balances.get(Account::IncentivesCommitted),
        sum(&mut Partner::ALL.iter().map(|p| Account::InTransit(*p))),
        balances.get(Account::Received),
        balances.treasury_total(),
    ]
}

/// The accounts that are not zero.
pub fn not_zero(balances: &Balances) -> impl Iterator<Item = (Account, Rupiah)> + '_ {
    balances.iter().filter(|(_, amount)| *amount != Rupiah::ZERO)
}
