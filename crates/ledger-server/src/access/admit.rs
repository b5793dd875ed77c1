//! What the table says of one item of a batch, and of what needs a second person.

use ledger_core::codes::{Auth, Evidence, Partner, Platform};
use ledger_proto::v1;
use ledger_proto::view::{self, Event, View};
use prost::Message;
use sha2::{Digest, Sha256};
use tonic::Status;

use super::approvals::Content;
use super::table::{EVIDENCE, fact_in};
use super::{Approvals, Caller, Own, Role};
use crate::engine::{Actor, Incoming, Said};
use crate::from_proto;
use crate::reasons::{ITEM_NOT_ALLOWED, OUT_OF_SCOPE};
use crate::status::{Invalid, refused};

/// A request or an item that names a second person.
pub(crate) trait Seconded {
    /// What is the same whoever sends it.
    fn content(&self) -> Content;
}

/// What a message says, its kind told from others with the same bytes.
fn content(name: &str, message: &impl Message) -> Content {
    let mut hash = Sha256::new();
    hash.update(name);
    hash.update([0]);
    hash.update(message.encode_to_vec());
    hash.finalize().into()
}

macro_rules! seconded {
    ($($message:ident)+) => {$(
        impl Seconded for v1::$message {
            fn content(&self) -> Content {
                content(stringify!($message), &Self { approved_by: String::new(), ..self.clone() })
            }
        }
    )+};
}

seconded! {
    EventInput OutcomeInput EnactSchemeRequest CloseWaveRequest AppropriateFundsRequest CloseBalancePeriodRequest
    ResolveInDoubtRequest ResolveExceptionRequest
}

impl<T: Seconded> Seconded for &T {
    fn content(&self) -> Content {
        (*self).content()
    }
}

impl Seconded for view::EventInput<'_> {
    fn content(&self) -> Content {
        self.to_message().content()
    }
}

impl Approvals {
    /// Who did what needs a second person, and what they say of it with that person; refused where that person is missing.
    pub(crate) fn second<'a>(
        &self,
        caller: &Caller,
        message: &impl Seconded,
        mut said: Said<'a>,
    ) -> Result<(Actor, Said<'a>), Status> {
        if caller.role == Role::Approver {
            let by = self.approve(&message.content(), caller)?;
            said.approved_by = Some(caller.actor().name);
            return Ok((by, said));
        }
        said.approved_by = match caller.auth {
            Auth::MutualTls => Some(self.propose(message.content(), caller, said.approved_by.as_deref())?),
            // Where the caller's own word is all there is, it is no worse for another person.
            Auth::Insecure | Auth::Internal => said.approved_by.map(|name| caller.recorded(&name)),
        };
        Ok((caller.actor(), said))
    }
}

/// An item of a batch, whose texts stand somewhere else.
pub(crate) trait Item<'a>: Seconded + Sized + Sync {
    /// Its shape.
    fn parse(&self) -> Result<Incoming<'a>, Invalid>;

    /// Whether its sender may send it; whether it needs a second person, and what it may be about.
    fn allowed(&self, caller: &Caller) -> Result<Allowed, Status>;

    /// The item as the engine may have it.
    fn admit(&self, caller: &Caller, approvals: &Approvals) -> Result<Incoming<'a>, Status> {
        let Allowed { four_eyes, only } = self.allowed(caller)?;
        let mut incoming = self.parse().map_err(|invalid| invalid.status())?;
        incoming.only = only;
        if four_eyes {
            let (by, said) = approvals.second(caller, self, incoming.said)?;
            (incoming.by, incoming.said) = (Some(by), said);
        } else if caller.auth == Auth::MutualTls && incoming.said.approved_by.is_some() {
            // Nobody's word about a second person is recorded.
            return Err(Invalid::field("approved_by", "must be empty where no second person is needed").status());
        } else {
            incoming.said.approved_by = incoming.said.approved_by.map(|name| caller.recorded(&name));
        }
        Ok(incoming)
    }
}

/// What the table allows of an item.
pub(crate) struct Allowed {
    four_eyes: bool,
    only: Option<Platform>,
}

/// Whether a role is among those that may send it, or may approve it.
fn is_among(caller: &Caller, by: &[Role], four_eyes: bool, what: impl FnOnce() -> String) -> Result<(), Status> {
    if by.contains(&caller.role) || (four_eyes && caller.role == Role::Approver) {
        return Ok(());
    }
    let others: Vec<_> = by.iter().map(|role| role.name()).collect();
    let others = if others.is_empty() { "the ledger itself".to_owned() } else { others.join(" or ") };
    Err(refused(&ITEM_NOT_ALLOWED, format!("{} is for {others} to send, not for {}", what(), caller.role.name())))
}

impl<'a> Item<'a> for view::EventInput<'a> {
    fn parse(&self) -> Result<Incoming<'a>, Invalid> {
        from_proto::event(self)
    }

    fn allowed(&self, caller: &Caller) -> Result<Allowed, Status> {
        let Some(event) = &self.event else { return Ok(Allowed { four_eyes: false, only: None }) };
        let fact = fact_in(event);
        is_among(caller, fact.by, fact.four_eyes, || fact.name.to_owned())?;
        let only = match (caller.role, caller.own) {
            (Role::Platform, Own::Purchases(platform)) => Some(platform),
            (Role::Platform, _) => return Err(out_of_scope(caller, "a purchase")),
            _ => None,
        };
        if let (Some(own), Event::TrainingBought(bought)) = (only, event)
            && Platform::ALL.iter().any(|other| *other != own && i32::from(other.number()) == bought.platform)
        {
            return Err(out_of_scope(caller, "a purchase"));
        }
        Ok(Allowed { four_eyes: fact.four_eyes, only })
    }
}

impl<'a> Item<'a> for &'a v1::OutcomeInput {
    fn parse(&self) -> Result<Incoming<'a>, Invalid> {
        from_proto::outcome(self)
    }

    fn allowed(&self, caller: &Caller) -> Result<Allowed, Status> {
        partner_scope(caller, self.partner)?;
        let evidence = u8::try_from(self.evidence).ok().and_then(Evidence::from_number).unwrap_or(Evidence::Partner);
        let row = EVIDENCE.iter().find(|(known, ..)| *known == evidence);
        let (by, four_eyes) = row.map_or((&[][..], false), |(_, by, four_eyes)| (*by, *four_eyes));
        is_among(caller, by, four_eyes, || format!("an outcome on evidence of {evidence}"))?;
        Ok(Allowed { four_eyes, only: None })
    }
}

/// Whether a caller may ask about a partner, or report for it. A number that is no partner's is refused for its shape.
pub(crate) fn partner_scope(caller: &Caller, number: i32) -> Result<(), Status> {
    match u8::try_from(number).ok().and_then(Partner::from_number) {
        Some(partner) => instructions_scope(caller, partner),
        None => Ok(()),
    }
}

/// Whether a caller may see a partner's instructions.
pub(crate) fn instructions_scope(caller: &Caller, partner: Partner) -> Result<(), Status> {
    match (caller.role, caller.own) {
        (Role::Partner, Own::Instructions(own)) if own == partner => Ok(()),
        (Role::Partner, _) => Err(out_of_scope(caller, "an instruction")),
        _ => Ok(()),
    }
}

/// The refusal of what is another's.
fn out_of_scope(caller: &Caller, what: &str) -> Status {
    refused(&OUT_OF_SCOPE, format!("{what} of others is not for {}", caller.name))
}
