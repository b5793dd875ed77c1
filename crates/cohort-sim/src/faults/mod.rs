//! Logs of a faulty or dishonest ledger: a cohort's honest history with faults planted in it, everything else made to fit.
//!
//! Positions, back-pointers and the positions that records name are put right after the planting, and hashes are computed
//! when the log is written: so plain integrity does not give a fault away, unless integrity is what it breaks. Each kind names
//! the rule that an audit must find, and the record at which.

mod history;
mod of_payouts;
mod of_people;
mod of_programme;

pub use history::{Forged, History, Mark};

/// One kind of fault.
pub struct Fault {
    /// What was done.
    pub name: &'static str,
    /// The rule that it breaks, as an audit names it.
    pub rule: &'static str,
    /// Does it, to people that no other fault touched; gives the record that is to blame, or nothing where the history has
    /// no room for it.
    pub plant: fn(&mut History) -> Option<Mark>,
}

/// Every kind of fault.
#[must_use]
pub fn all() -> Vec<&'static Fault> {
    [of_people::FAULTS, of_payouts::FAULTS, of_programme::FAULTS].into_iter().flatten().collect()
}
