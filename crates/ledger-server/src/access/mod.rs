//! Who calls, and what they may do: the one [`table`], the [`Caller`], and the approvals that a second person gives.

mod admit;
mod approvals;
mod caller;
mod clients;
pub mod table;

pub(crate) use admit::{Item, Seconded, instructions_scope, partner_scope};
pub(crate) use approvals::Approvals;
pub(crate) use caller::{Caller, Door, Own};
pub(crate) use clients::{Clients, SCHEME};

/// What a caller is to the programme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Selects participants.
    Selection,
    /// Sells courses; sends its own purchases only.
    Platform,
    /// Gives courses and certificates.
    Provider,
    /// Runs the surveys.
    Survey,
    /// Registers payout accounts.
    Account,
    /// Pays instructions; sees and reports its own only.
    Partner,
    /// Reads everything, writes only ineligibility findings.
    Auditor,
    /// Programme staff.
    Officer,
    /// Approves what another person did.
    Approver,
    /// Runs the server: health, checkpoints, backup.
    Operator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 10] = [
        Self::Selection,
        Self::Platform,
        Self::Provider,
        Self::Survey,
        Self::Account,
        Self::Partner,
        Self::Auditor,
        Self::Officer,
        Self::Approver,
        Self::Operator,
    ];

    /// Its name in an actor, `role/name`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Selection => "selection",
            Self::Platform => "platform",
            Self::Provider => "provider",
            Self::Survey => "survey",
            Self::Account => "account",
            Self::Partner => "partner",
            Self::Auditor => "auditor",
            Self::Officer => "officer",
            Self::Approver => "approver",
            Self::Operator => "operator",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}
