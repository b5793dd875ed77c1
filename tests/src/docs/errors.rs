//! `docs/errors.md`: every reason for which something is refused, from the rules' catalogue and the server's own.

use std::fmt::Write as _;

use ledger_core::Rejection;
use ledger_server::reasons::{REASONS, Scope};
use ledger_server::status::{DOMAIN, code};
use tonic::Code;

use super::{REFRESH, cell};
use crate::contract::{self, Method};

/// The catalogue of every call.
pub(super) fn text() -> String {
    catalogue(&contract::methods(), true)
}

/// The catalogue of some calls; `whole`: also of what none of them answers.
pub(super) fn catalogue(methods: &[Method], whole: bool) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "# Errors\n\nGenerated from the code that refuses; refresh it with `{REFRESH}`.\n\n\
         Every refusal is a `google.rpc.Status`: a canonical code, a text for people, and an `ErrorInfo` whose domain is\n\
         `{DOMAIN}` and whose reason is one of these names, for programs. `INVALID_FIELD` also has a `BadRequest` that names\n\
         each field, `MALFORMED_REQUEST` where the field is known. In a batch each item has a status of its own; the call then succeeds.\n\n\
         Send again after `UNAVAILABLE`, unchanged: a repeat is answered with the first receipt. All other codes mean that the\n\
         same request would be refused again until something else changes.\n\n"
    );
    let answered = |reason: &str| whole || calls(methods, reason) != NONE;
    let _ = writeln!(out, "## Of the call, the caller and the server\n");
    for reason in REASONS {
        if reason.scope != Scope::EveryCall && !answered(reason.name) {
            continue;
        }
        let _ = write!(
            out,
            "### {}\n\n`{}` {}\n\n{}\n\n",
            reason.name,
            shouted(reason.code),
            reason.meaning,
            reason.advice
        );
        let calls = match reason.scope {
            Scope::EveryCall => "every call".to_owned(),
            Scope::NamedCalls => calls(methods, reason.name),
            Scope::FourEyes => {
                "what needs a second person ([the table](api.md#who-may-call-what)), where callers are known by \
                                certificate"
                    .to_owned()
            }
        };
        let _ = writeln!(out, "Answered by: {calls}.\n");
    }
    let _ = write!(
        out,
        "## Of the rules\n\nIn the order of precedence: of several that apply, the first one is answered.\n\n"
    );
    for entry in Rejection::CATALOGUE.iter().filter(|entry| answered(entry.reason)) {
        let _ = write!(out, "### {}\n\n`{}` {}\n\n", entry.reason, shouted(code(entry.class)), entry.meaning);
        let _ = write!(out, "> {}\n\nAnswered by: {}.\n\n", cell(entry.text), calls(methods, entry.reason));
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

const NONE: &str = "no call so far";

/// The calls whose comment names a reason.
fn calls(methods: &[Method], reason: &str) -> String {
    let named = |reasons: &[String]| reasons.iter().any(|named| named == reason);
    let whole = methods.iter().filter(|method| named(&method.errors)).map(|method| method.name.clone());
    let items = methods.iter().filter(|method| named(&method.item_errors));
    let items = items.map(|method| format!("{} for an item", method.name));
    let calls: Vec<_> = whole.chain(items).collect();
    if calls.is_empty() { NONE.to_owned() } else { calls.join(", ") }
}

/// A code as gRPC's specification writes it.
fn shouted(code: Code) -> String {
    let mut name = String::new();
    for c in format!("{code:?}").chars() {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_uppercase());
    }
    name
}
