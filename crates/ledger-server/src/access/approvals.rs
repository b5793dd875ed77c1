//! Four eyes where callers are known by certificate: nobody's word about a second person counts, the second person calls.
//!
//! An officer's call of what needs a second person records nothing: it is kept here as a proposal, and answered so. The
//! approver sends the same request over a connection of their own; then it is recorded, the officer its actor, the approver
//! its `approved_by`. Sent again by either, it is answered with its receipt. Proposals are kept in memory only: after a restart
//! the officer sends again. So nothing that one person alone has asked for is ever in the log.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tonic::Status;

use super::Caller;
use crate::engine::Actor;
use crate::reasons::{AWAITS_APPROVAL, NOT_PROPOSED};
use crate::status::refused;

/// How long a proposal waits.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Most proposals kept; one more lets the oldest go.
const MOST: usize = 10_000;

/// What is proposed: SHA-256 of the call and the request without `approved_by`.
pub(crate) type Content = [u8; 32];

#[derive(Debug)]
struct Proposal {
    by: Actor,
    /// Whom the proposer wants as second person; `None`: any approver.
    wants: Option<String>,
    since: Instant,
    approved_by: Option<String>,
}

/// What officers proposed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Approvals(Arc<Mutex<HashMap<Content, Proposal>>>);

impl Approvals {
    /// An officer proposes; gives who approved, once somebody did.
    pub(crate) fn propose(&self, content: Content, by: &Caller, wants: Option<&str>) -> Result<String, Status> {
        self.propose_at(Instant::now(), content, by, wants)
    }

    fn propose_at(&self, now: Instant, content: Content, by: &Caller, wants: Option<&str>) -> Result<String, Status> {
        let mut proposals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let actor = by.actor();
        if let Some(known) = proposals.get(&content).filter(|known| known.by == actor && now - known.since < KEPT)
            && let Some(approver) = &known.approved_by
        {
            return Ok(approver.clone());
        }
        proposals.retain(|_, known| now - known.since < KEPT);
        if proposals.len() >= MOST
            && let Some(oldest) = proposals.iter().min_by_key(|(_, known)| known.since).map(|(content, _)| *content)
        {
            proposals.remove(&oldest);
        }
        proposals
            .insert(content, Proposal { by: actor, wants: wants.map(str::to_owned), since: now, approved_by: None });
        let text = "nothing is recorded yet: it is when an approver sends the same within a day";
        Err(refused(&AWAITS_APPROVAL, text))
    }

    /// An approver sends the same; gives who proposed it.
    pub(crate) fn approve(&self, content: &Content, by: &Caller) -> Result<Actor, Status> {
        self.approve_at(Instant::now(), content, by)
    }

    fn approve_at(&self, now: Instant, content: &Content, by: &Caller) -> Result<Actor, Status> {
        let mut proposals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let approver = by.actor().name;
        let proposal = proposals
            .get_mut(content)
            .filter(|known| now - known.since < KEPT && known.wants.as_ref().is_none_or(|wants| *wants == approver));
        let Some(proposal) = proposal else {
            let text =
                "nobody proposed this, word for word, with you as second person, since a day or the last restart";
            return Err(refused(&NOT_PROPOSED, text));
        };
        proposal.approved_by = Some(approver);
        Ok(proposal.by.clone())
    }
}

#[cfg(test)]
mod tests {
    use ledger_core::codes::Auth;
    use tonic_types::StatusExt;

    use super::*;

    fn person(name: &str) -> Caller {
        Caller::named(name, Auth::MutualTls).expect("role/name")
    }

    fn reason<T>(answer: Result<T, Status>) -> String {
        answer.err().and_then(|status| status.get_details_error_info()).map(|info| info.reason).unwrap_or_default()
    }

    #[test]
    fn what_one_proposed_another_approves() {
        let (approvals, budi, siti) = (Approvals::default(), person("officer/budi"), person("approver/siti"));
        let content = [1; 32];
        assert_eq!(reason(approvals.approve(&content, &siti)), "NOT_PROPOSED");
        assert_eq!(reason(approvals.propose(content, &budi, None)), "AWAITS_APPROVAL");
        assert_eq!(
            reason(approvals.propose(content, &budi, None)),
            "AWAITS_APPROVAL",
            "saying it twice approves nothing"
        );
        assert_eq!(reason(approvals.approve(&[2; 32], &siti)), "NOT_PROPOSED", "something else");
        assert_eq!(approvals.approve(&content, &siti).expect("approved"), budi.actor());
        assert_eq!(approvals.propose(content, &budi, None).expect("the answer, sent again"), "approver/siti");
        assert_eq!(approvals.approve(&content, &siti).expect("the answer, sent again"), budi.actor());
        let rina = person("officer/rina");
        assert_eq!(
            reason(approvals.propose(content, &rina, None)),
            "AWAITS_APPROVAL",
            "another's approval is not hers"
        );
    }

    #[test]
    fn only_the_named_approver_counts_and_only_for_a_day() {
        let (approvals, budi) = (Approvals::default(), person("officer/budi"));
        let (content, start) = ([1; 32], Instant::now());
        let asked = approvals.propose_at(start, content, &budi, Some("approver/siti"));
        assert_eq!(reason(asked), "AWAITS_APPROVAL");
        let late = start + KEPT;
        assert_eq!(reason(approvals.approve_at(start, &content, &person("approver/rina"))), "NOT_PROPOSED");
        assert_eq!(reason(approvals.approve_at(late, &content, &person("approver/siti"))), "NOT_PROPOSED");
        approvals.approve_at(start, &content, &person("approver/siti")).expect("approved");
        assert_eq!(reason(approvals.propose_at(late, content, &budi, None)), "AWAITS_APPROVAL");
    }

    #[test]
    fn the_oldest_gives_way_when_too_many_wait() {
        let (approvals, budi, siti) = (Approvals::default(), person("officer/budi"), person("approver/siti"));
        let start = Instant::now();
        let content = |n: usize| {
            let mut content = [0; 32];
            content[..8].copy_from_slice(&(n as u64).to_be_bytes());
            content
        };
        for n in 0..=MOST {
            let at = start + Duration::from_millis(n as u64);
            assert_eq!(reason(approvals.propose_at(at, content(n), &budi, None)), "AWAITS_APPROVAL");
        }
        assert_eq!(reason(approvals.approve_at(start, &content(0), &siti)), "NOT_PROPOSED");
        approvals.approve_at(start + Duration::from_secs(60), &content(1), &siti).expect("kept");
    }
}
