//! Why something is refused, as gRPC says it: `google.rpc.Status` with ErrorInfo (domain `ledger.prakerja`, reason in
//! UPPER_SNAKE) and BadRequest for fields. The one place that maps refusals.

use std::collections::HashMap;

use ledger_core::Rejection;
use ledger_core::rejection::Class;
use ledger_proto::google::rpc;
use prost::Message;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::engine::Unavailable;
use crate::reasons::{self, Reason};

pub use ledger_rpc::DOMAIN;

/// Fields that are not as their rule says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Invalid {
    fields: Vec<(String, String)>,
}

impl Invalid {
    /// One field and its rule.
    pub(crate) fn field(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { fields: vec![(field.into(), rule.into())] }
    }

    /// The refusal of these fields.
    pub(crate) fn status(&self) -> Status {
        let mut details = ErrorDetails::with_error_info("INVALID_FIELD", DOMAIN, HashMap::new());
        for (field, rule) in &self.fields {
            details.add_bad_request_violation(field, rule);
        }
        let text: Vec<_> = self.fields.iter().map(|(field, rule)| format!("{field}: {rule}")).collect();
        Status::with_error_details(Code::InvalidArgument, text.join("; "), details)
    }
}

/// The canonical code of a class of rejections.
#[must_use]
pub const fn code(class: Class) -> Code {
    match class {
        Class::AlreadyExists => Code::AlreadyExists,
        Class::NotFound => Code::NotFound,
        Class::InvalidArgument => Code::InvalidArgument,
        Class::FailedPrecondition => Code::FailedPrecondition,
        Class::PermissionDenied => Code::PermissionDenied,
        Class::ResourceExhausted => Code::ResourceExhausted,
    }
}

/// The refusal of a rule.
pub(crate) fn rejected(rejection: &Rejection) -> Status {
    let details = match rejection {
        Rejection::InvalidField { field, rule } => {
            let mut details = ErrorDetails::with_error_info(rejection.reason(), DOMAIN, HashMap::new());
            details.add_bad_request_violation(*field, *rule);
            details
        }
        _ => ErrorDetails::with_error_info(rejection.reason(), DOMAIN, HashMap::new()),
    };
    Status::with_error_details(code(rejection.class()), rejection.to_string(), details)
}

/// The refusal of a repeat with other content, naming where the first one stands and which field differs.
pub(crate) fn already_exists(position: u64, field: &str) -> Status {
    let rejection = Rejection::AlreadyExists { position };
    let metadata =
        HashMap::from([("position".to_owned(), position.to_string()), ("field".to_owned(), field.to_owned())]);
    let details = ErrorDetails::with_error_info(rejection.reason(), DOMAIN, metadata);
    Status::with_error_details(Code::AlreadyExists, format!("{rejection}: {field} differs"), details)
}

/// A refusal that is no rule's.
pub(crate) fn refused(reason: &Reason, text: impl Into<String>) -> Status {
    let mut details = ErrorDetails::with_error_info(reason.name, DOMAIN, HashMap::new());
    if let Some(wait) = reasons::retry_after(reason) {
        details.set_retry_info(Some(wait));
    }
    Status::with_error_details(reason.code, text, details)
}

impl From<Unavailable> for Status {
    fn from(unavailable: Unavailable) -> Self {
        match unavailable {
            Unavailable::Stopping => refused(&reasons::STOPPING, unavailable.to_string()),
            Unavailable::DiskFull => refused(&reasons::DISK_FULL, unavailable.to_string()),
        }
    }
}

/// A stored record that cannot be read back: a fault of the log, never of the caller.
pub(crate) fn unreadable(position: u64, error: &dyn std::error::Error) -> Status {
    tracing::error!(position, %error, "a stored record could not be read");
    refused(&reasons::UNREADABLE_RECORD, format!("the record at position {position} could not be read"))
}

/// A refusal as one item's result in a batch.
pub(crate) fn as_result(status: &Status) -> rpc::Status {
    rpc::Status::decode(status.details()).unwrap_or_else(|_| rpc::Status {
        code: status.code().into(),
        message: status.message().to_owned(),
        details: Vec::new(),
    })
}
