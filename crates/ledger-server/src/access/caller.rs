//! Who calls, as the port knows it.

use std::sync::Arc;

use http::{Extensions, HeaderMap};
use ledger_core::codes::{Auth, Partner, Platform};
use ledger_rpc::client::ACTOR;
use tonic::{Request, Status};

use super::Role;
use crate::engine::Actor;
use crate::port::{Peer, Tls};
use crate::reasons::{ACTOR_MISMATCH, ACTOR_MISSING, CERTIFICATE_UNKNOWN, TOO_MANY_CONNECTIONS};
use crate::status::refused;

/// What is a caller's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    /// The purchases of a platform.
    Purchases(Platform),
    /// The instructions of a partner.
    Instructions(Partner),
    /// Nothing: a platform or partner that the programme does not know, or a role without a scope.
    Nothing,
}

impl Own {
    /// What the one of that name has.
    pub(crate) fn of(role: Role, name: &str) -> Self {
        match role {
            Role::Platform => Platform::from_code(name).map_or(Self::Nothing, Self::Purchases),
            Role::Partner => Partner::from_code(name).map_or(Self::Nothing, Self::Instructions),
            _ => Self::Nothing,
        }
    }
}

/// A caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) role: Role,
    pub(crate) own: Own,
    /// `role/name`, as log lines have it.
    pub(crate) name: Arc<str>,
    pub(crate) auth: Auth,
}

impl Caller {
    /// A caller of that `role/name`; `None` where it is none.
    pub(crate) fn named(name: &str, auth: Auth) -> Option<Self> {
        let (role, own) = name.split_once('/')?;
        let role = Role::from_name(role)?;
        let good = !own.is_empty() && name.len() <= MOST_NAME && !name.chars().any(char::is_control);
        good.then(|| Self { role, own: Own::of(role, own), name: name.into(), auth })
    }

    /// As its records name it.
    pub(crate) fn actor(&self) -> Actor {
        Actor { name: self.recorded(&self.name), auth: self.auth }
    }

    /// A person of this port as records name them: on an insecure port nobody is known better than by saying so.
    pub(crate) fn recorded(&self, name: &str) -> String {
        match self.auth {
            Auth::Insecure => format!("insecure:{name}"),
            Auth::MutualTls | Auth::Internal => name.to_owned(),
        }
    }

    /// The caller of a request, as the layer around the services found it.
    pub(crate) fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        // Without one the layer lets nothing through to a service that asks.
        request.extensions().get::<Self>().cloned().ok_or_else(|| refused(&ACTOR_MISSING, "nobody is named"))
    }
}

/// Longest `role/name`, bytes.
const MOST_NAME: usize = 100;

/// How a port knows who calls.
#[derive(Clone)]
pub(crate) enum Door {
    /// By their own word.
    Insecure,
    /// By their certificates.
    Tls(Tls),
}

impl Door {
    /// Who sends a request.
    pub(crate) fn caller(&self, headers: &HeaderMap, extensions: &Extensions) -> Result<Caller, Status> {
        match self {
            Self::Insecure => by_word(headers),
            Self::Tls(tls) => by_certificate(tls, headers, extensions),
        }
    }

    /// Comes when who sent a request is no longer that caller; `None` where nobody is known better than by saying so.
    pub(crate) fn no_longer(
        &self,
        caller: &Caller,
        extensions: &Extensions,
    ) -> Option<impl Future<Output = Status> + Send + use<>> {
        let Self::Tls(tls) = self else { return None };
        let certificate = extensions.get::<Peer>()?.certificate.clone()?;
        Some(certificate.no_longer(caller.clone(), tls.clone()))
    }
}

fn by_certificate(tls: &Tls, headers: &HeaderMap, extensions: &Extensions) -> Result<Caller, Status> {
    let peer = extensions.get::<Peer>();
    let certificate = peer.and_then(|peer| peer.certificate.as_ref());
    let certificate = certificate.ok_or_else(|| refused(&CERTIFICATE_UNKNOWN, "the connection has no certificate"))?;
    let caller = certificate.caller(tls)?;
    if peer.is_some_and(|peer| peer.one_too_many) {
        return Err(refused(&TOO_MANY_CONNECTIONS, "your certificate had 128 connections when this one came"));
    }
    // Who says to be somebody else is not recorded as who they are.
    if headers.get(ACTOR).is_some_and(|named| named.as_bytes() != caller.name.as_bytes()) {
        let text = format!("{ACTOR} names another than the certificate, which is {}", caller.name);
        return Err(refused(&ACTOR_MISMATCH, text));
    }
    Ok(caller)
}

fn by_word(headers: &HeaderMap) -> Result<Caller, Status> {
    let Some(value) = headers.get(ACTOR) else {
        return Err(refused(&ACTOR_MISSING, format!("the metadata {ACTOR} must name the caller: role/name")));
    };
    let caller = value.to_str().ok().and_then(|name| Caller::named(name, Auth::Insecure));
    caller.ok_or_else(|| {
        let roles = Role::ALL.map(Role::name).join(", ");
        let text = format!("{ACTOR} must be role/name, at most {MOST_NAME} characters, role one of {roles}");
        refused(&ACTOR_MISSING, text)
    })
}
