//! Refusals that no rule of the ledger makes: of the caller, of the way of asking, of the server's own condition.
//!
//! The rules' own refusals are `Rejection::CATALOGUE`. The error catalogue in `docs/errors.md` is made of both, and
//! `status` refuses by these constants only, so that what is documented is what is sent.

use std::time::Duration;

use tonic::Code;

/// Which calls may be refused so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every call; not repeated in the comments of the methods.
    EveryCall,
    /// The calls whose comment in `proto/` names it.
    NamedCalls,
    /// Every call, or item, that needs a second person.
    FourEyes,
}

/// A refusal that is no rule's, as the catalogue lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The stable name, UPPER_SNAKE.
    pub name: &'static str,
    /// gRPC's canonical code.
    pub code: Code,
    /// Which calls.
    pub scope: Scope,
    /// What it means.
    pub meaning: &'static str,
    /// What a caller does about it.
    pub advice: &'static str,
}

/// How long to wait before the same may go through, where waiting helps.
pub(crate) fn retry_after(reason: &Reason) -> Option<Duration> {
    if *reason == TOO_MANY_CALLS || *reason == TOO_MANY_CONNECTIONS {
        Some(Duration::from_secs(1))
    } else if *reason == DISK_FULL {
        Some(Duration::from_secs(60))
    } else {
        None
    }
}

macro_rules! reasons {
    ($($name:ident, $code:ident, $scope:ident, $meaning:literal, $advice:literal;)+) => {
        $(
            #[doc = $meaning]
            pub const $name: Reason = Reason {
                name: stringify!($name),
                code: Code::$code,
                scope: Scope::$scope,
                meaning: $meaning,
                advice: $advice,
            };
        )+

        /// All of them, in the order in which a call meets them.
        pub const REASONS: &[Reason] = &[$($name),+];
    };
}

reasons! {
    STOPPING, Unavailable, EveryCall,
        "The server stops, or a write failed; what was sent may or may not be recorded.",
        "Send the same again, with the same ids, when the server is back: what was recorded is answered with its first receipt. \
         A stream is resumed where it ended.";
    ACTOR_MISSING, Unauthenticated, EveryCall,
        "The server does not know who calls.",
        "On an insecure port send the metadata `x-ledger-actor: role/name`, the role one of those that the text lists.";
    CERTIFICATE_UNKNOWN, Unauthenticated, EveryCall,
        "On a port with TLS: the client's certificate, though signed by the right CA, has not one SAN URI, is of no known client, or has \
         expired since the connection was made.",
        "Operators list the certificate's URI in the file of clients; it holds within a second.";
    ACTOR_MISMATCH, PermissionDenied, EveryCall,
        "On a port with TLS: the metadata `x-ledger-actor` names another than the certificate.",
        "Leave the metadata out: the certificate says who calls.";
    TOO_MANY_CONNECTIONS, ResourceExhausted, EveryCall,
        "On a port with TLS: this connection is one more than one certificate may have, 128.",
        "Close it, and use those that there are: each carries 512 calls at a time.";
    TOO_MANY_CALLS, ResourceExhausted, EveryCall,
        "The caller has as many calls in flight as one may have, 1,024.",
        "Wait as long as `RetryInfo` says; send batches, or a stream of them, instead of more calls.";
    MESSAGE_TOO_LARGE, ResourceExhausted, EveryCall,
        "The message is larger than 16 MiB.",
        "Send smaller batches; waiting does not help.";
    DEADLINE_PASSED, DeadlineExceeded, EveryCall,
        "The deadline that the caller set passed; what was sent may or may not be recorded.",
        "Send the same again: what was recorded is answered with its first receipt.";
    ROLE_NOT_ALLOWED, PermissionDenied, EveryCall,
        "The caller's role may not make this call.",
        "`api.md` says of each call which roles may make it; operators map certificates to roles.";
    MALFORMED_REQUEST, InvalidArgument, EveryCall,
        "The bytes are no message of the call's request type; nothing of them was looked at. In a stream, what came before is answered \
         first.",
        "Make requests with code generated from the contract, text as UTF-8. Where the fault lies in a field, a `BadRequest` names it. \
         Fields that the server does not know are no fault.";
    UNREADABLE_RECORD, DataLoss, EveryCall,
        "A stored record cannot be read back: a fault of the log, never of the caller.",
        "Nothing a caller can do; operators run `replay-tool verify`.";
    ITEM_NOT_ALLOWED, PermissionDenied, NamedCalls,
        "The caller's role may make the call, but not send this item.",
        "Each kind of fact has its sender, each evidence of an outcome too; the text names them.";
    OUT_OF_SCOPE, PermissionDenied, NamedCalls,
        "The purchase is another platform's, or the instruction another partner's.",
        "A platform sends facts of its own purchases, a partner asks about and reports its own instructions.";
    AWAITS_APPROVAL, FailedPrecondition, FourEyes,
        "Nothing is recorded yet: it was kept as a proposal, for a day or until the server restarts.",
        "Let an approver send the same request, with the same `approved_by` or none; then send it again for its receipt.";
    NOT_PROPOSED, FailedPrecondition, FourEyes,
        "An approver sent what nobody proposed, or what was proposed with another second person.",
        "Let an officer send it first, word for word; an approver proposes nothing.";
    DISK_FULL, ResourceExhausted, NamedCalls,
        "The disk has less free space than `--min-free`; nothing was recorded, reads go on.",
        "Operators make room; then send the same again.";
    IDENTITY_UNKNOWN, NotFound, NamedCalls,
        "No participant was selected with this identity digest.",
        "Check that the digest was made with the key in use when the participant was selected.";
    INSTRUCTION_UNKNOWN, NotFound, NamedCalls,
        "No instruction has this reference.",
        "Use the 20 digits that StreamInstructions gave.";
    NOT_IN_DOUBT, FailedPrecondition, NamedCalls,
        "Only an instruction in doubt is resolved by people.",
        "Report an outcome with ReportOutcomes, or leave it: it may have ended since.";
    NO_CHECKPOINT_KEY, FailedPrecondition, NamedCalls,
        "The server has no key to sign checkpoints with.",
        "Operators make one with `ledger-server keygen` and start the server with `--checkpoint-key`; GetHead gives size and root unsigned.";
    NO_CHECKPOINT_YET, NotFound, NamedCalls,
        "No checkpoint of that size or more is kept yet.",
        "Ask without a size: the log is then signed as it is.";
    BEYOND_LOG, OutOfRange, NamedCalls,
        "A position or size is beyond the log, or beyond the size that was asked for.",
        "Use positions of receipts and sizes of checkpoints.";
    USE_REPLAY_TOOL, FailedPrecondition, NamedCalls,
        "The server answers this at the head of the log only.",
        "Ask `replay-tool` with `--as-of` or `--known-at`.";
}
