//! From the core to the wire.

mod history;

use std::collections::HashMap;

use ledger_core::account::Balances;
use ledger_core::event::{HeldTotal, PartnerTotal};
use ledger_core::ids::Position;
use ledger_core::schedule::{Held, HeldTotals};
use ledger_core::scheme::Entitlement;
use ledger_core::state::InstructionStatus;
use ledger_core::time::{Date, Timestamp};
use ledger_core::view::{EntitlementStatus, EntitlementView, LinkView, ParticipantView, PurchaseStatus, PurchaseView};
use ledger_proto::v1;

pub(crate) use history::history_event;

/// A civil date.
pub(crate) fn date(date: Date) -> Option<ledger_proto::Date> {
    ledger_proto::Date::from_unix_days(date.days())
}

/// An instant.
pub(crate) fn timestamp(instant: Timestamp) -> ledger_proto::Timestamp {
    ledger_proto::Timestamp::from_unix_nanos(instant.nanos())
}

/// Every account that is not zero, by name, rupiah.
pub(crate) fn accounts(balances: &Balances) -> HashMap<String, i64> {
    let not_zero = balances.iter().filter(|(_, amount)| amount.get() != 0);
    not_zero.map(|(account, amount)| (account.to_string(), amount.get())).collect()
}

/// Every account, rupiah.
pub(crate) fn account_list(balances: &Balances) -> Vec<v1::AccountBalance> {
    let all = balances.iter();
    all.map(|(account, amount)| v1::AccountBalance { account: account.to_string(), amount_rupiah: amount.get() })
        .collect()
}

pub(crate) fn partner_total(entry: &PartnerTotal) -> v1::PartnerTotal {
    let PartnerTotal { partner, total } = entry;
    v1::PartnerTotal { partner: partner.number().into(), count: total.count, total_rupiah: total.amount.get() }
}

pub(crate) fn held_total(entry: &HeldTotal) -> v1::HeldTotal {
    let HeldTotal { reason, total } = entry;
    v1::HeldTotal { reason: reason.number().into(), count: total.count, total_rupiah: total.amount.get() }
}

pub(crate) fn held_totals(held: &HeldTotals) -> Vec<v1::HeldTotal> {
    held.iter().map(|entry| held_total(&entry)).collect()
}

pub(crate) fn entitlement_ref(entitlement: Entitlement) -> v1::EntitlementRef {
    v1::EntitlementRef { kind: entitlement.kind.number().into(), number: entitlement.number.into() }
}

pub(crate) const fn instruction_status(status: InstructionStatus) -> v1::InstructionStatus {
    match status {
        InstructionStatus::Instructed => v1::InstructionStatus::Instructed,
        InstructionStatus::Accepted => v1::InstructionStatus::Accepted,
        InstructionStatus::InDoubt => v1::InstructionStatus::InDoubt,
        InstructionStatus::Settled => v1::InstructionStatus::Settled,
        InstructionStatus::Rejected => v1::InstructionStatus::Rejected,
        InstructionStatus::Returned => v1::InstructionStatus::Returned,
    }
}

const fn entitlement_status(status: EntitlementStatus) -> v1::EntitlementStatus {
    match status {
        EntitlementStatus::Locked => v1::EntitlementStatus::Locked,
        EntitlementStatus::Payable => v1::EntitlementStatus::Payable,
        EntitlementStatus::Held => v1::EntitlementStatus::Held,
        EntitlementStatus::InTransit => v1::EntitlementStatus::InTransit,
        EntitlementStatus::InDoubt => v1::EntitlementStatus::InDoubt,
        EntitlementStatus::Settled => v1::EntitlementStatus::Settled,
    }
}

const fn purchase_status(status: PurchaseStatus) -> v1::PurchaseStatus {
    match status {
        PurchaseStatus::Open => v1::PurchaseStatus::Open,
        PurchaseStatus::Cancelled => v1::PurchaseStatus::Cancelled,
        PurchaseStatus::Completed => v1::PurchaseStatus::Completed,
    }
}

/// A participant; the texts that stand only in its records are filled in by the caller.
pub(crate) fn participant(view: &ParticipantView, balances: &Balances) -> v1::Participant {
    let live = v1::MembershipStatus::Live;
    v1::Participant {
        participant_id: view.id.to_string(),
        status: view.revoked.map_or(live, |_| v1::MembershipStatus::Revoked).into(),
        wave: view.wave.0,
        scheme_id: view.scheme.clone(),
        region: view.region.to_string(),
        selected_on: date(view.selected_on),
        first_purchase_deadline: view.first_purchase_deadline.and_then(date),
        balance_last_day: view.balance_last_day.and_then(date),
        unlocked_on: view.unlocked_on.and_then(date),
        revocation_ground: view.revoked.map_or(0, |ground| ground.number().into()),
        wave_closed: view.wave_closed,
        ineligible: view.ineligible,
        accounts: accounts(balances),
        purchases: view.purchases.iter().map(purchase).collect(),
        entitlements: view.entitlements.iter().map(entitlement).collect(),
        payout_accounts: view.links.iter().map(link).collect(),
        history: Vec::new(),
    }
}

fn purchase(view: &PurchaseView) -> v1::Purchase {
    v1::Purchase {
        purchase_id: view.id.to_string(),
        course: String::new(),
        platform: view.platform.number().into(),
        provider: String::new(),
        price_rupiah: view.price.get(),
        status: purchase_status(view.status).into(),
        bought_on: date(view.bought_on),
        cancelled_on: view.cancelled_on.and_then(date),
        completed_on: view.completed_on.and_then(date),
        certified_on: view.certified_on.and_then(date),
        reviewed_on: view.reviewed_on.and_then(date),
    }
}

fn entitlement(view: &EntitlementView) -> v1::Entitlement {
    v1::Entitlement {
        entitlement: Some(entitlement_ref(view.entitlement)),
        amount_rupiah: view.amount.get(),
        status: entitlement_status(view.status()).into(),
        due: view.due.and_then(date),
        held_reason: view.held.map_or(0, |reason| reason.number().into()),
        release: view.held.map_or("", Held::release).to_owned(),
        attempts: view.attempts.into(),
        instruction: view.instruction.map(Position::reference).unwrap_or_default(),
        instruction_status: view.instruction_status.map_or(0, |status| instruction_status(status).into()),
        settled_on: view.settled_on.and_then(date),
        survey_opens_on: view.survey_opens_on.and_then(date),
        survey_filled_on: view.survey_filled_on.and_then(date),
    }
}

fn link(view: &LinkView) -> v1::PayoutAccount {
    v1::PayoutAccount {
        link_id: view.id.to_string(),
        partner: view.partner.number().into(),
        linked_on: date(view.linked_on),
        ended_on: view.ended_on.and_then(date),
        fault: view.fault,
    }
}
