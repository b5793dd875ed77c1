//! Who may call what, for `docs/api.md`, from the table that the server enforces.

use std::fmt::Write as _;

use ledger_server::access::Role;
use ledger_server::access::table::{CALLS, EVIDENCE, Entry, FACTS, FourEyes, Scope, Who, entry};

use crate::contract::Method;

/// The chapter.
pub(super) fn text() -> String {
    let mut out = String::from(
        "\n## Who may call what\n\nEach call below names the roles that may make it; others are refused with `ROLE_NOT_ALLOWED`. A platform sends facts of its\n\
         own purchases, a partner asks about and reports its own instructions: anything else is `OUT_OF_SCOPE`. Health and reflection\n\
         are for everybody.\n\n\
         What needs a second person is sent by an officer and then, the same, by an approver. Where callers are known by certificate,\n\
         the first is answered `AWAITS_APPROVAL` and nothing is recorded; the second records it, with the officer as actor and the\n\
         approver as `approved_by`; sent again, both are answered with the receipt. On an insecure port the officer names the approver\n\
         in `approved_by` and it is recorded at once.\n\n\
         Each fact has its senders (others: `ITEM_NOT_ALLOWED`):\n\n| fact | senders | second person |\n|---|---|---|\n",
    );
    for fact in FACTS {
        let _ = writeln!(out, "| `{}` | {} | {} |", fact.name, named(fact.by), yes(fact.four_eyes));
    }
    out.push_str("\nSo has each outcome, by the evidence it rests on:\n\n| evidence | senders | second person |\n|---|---|---|\n");
    for (evidence, by, four_eyes) in EVIDENCE {
        let _ = writeln!(out, "| {evidence} | {} | {} |", named(by), yes(*four_eyes));
    }
    let anyone: Vec<_> = CALLS.iter().filter(|entry| entry.who == Who::Anyone).map(|entry| entry.path).collect();
    let _ = writeln!(out, "\nFor everybody: `{}`.", anyone.join("`, `"));
    out
}

/// The line of a method.
pub(super) fn of(method: &Method) -> String {
    let entry = entry(&method.path()).unwrap_or_else(|| panic!("{} is not in the table", method.name));
    let Entry { who: Who::Roles(roles), four_eyes, .. } = entry else { return "Roles: everybody.".to_owned() };
    let one = |(role, scope): &(Role, Scope)| match scope {
        Scope::All => role.name().to_owned(),
        Scope::Own => format!("{} (its own)", role.name()),
        Scope::Approval => format!("{} (to approve)", role.name()),
    };
    let roles: Vec<_> =
        if roles.len() == Role::ALL.len() { vec!["all".to_owned()] } else { roles.iter().map(one).collect() };
    let second = match four_eyes {
        FourEyes::No => "",
        FourEyes::Yes => " A second person is needed.",
        FourEyes::SomeItems => " Some items need a second person.",
        FourEyes::IsApproval => " It is the second person's call.",
    };
    format!("Roles: {}.{second}", roles.join(", "))
}

fn named(roles: &[Role]) -> String {
    if roles.is_empty() {
        return "the ledger itself".to_owned();
    }
    roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ")
}

const fn yes(four_eyes: bool) -> &'static str {
    if four_eyes { "yes" } else { "" }
}
