//! Who a client certificate belongs to: its SAN URI, mapped to role, name and scope.
//!
//! With a file of clients only what it lists is known. Without one the URI says it itself, `ledger:role/name`, and is believed
//! because the client CA signed it.

use std::collections::HashMap;

use config::{Config, File, FileFormat};
use ledger_core::codes::Auth;
use serde::Deserialize;

use super::{Caller, Own, Role};

/// Scheme of a URI that says itself who its holder is.
pub(crate) const SCHEME: &str = "ledger:";

/// The clients that are known.
#[derive(Clone, Debug)]
pub(crate) enum Clients {
    /// Each URI says it itself.
    ByUri,
    /// Those of a file.
    Listed(HashMap<String, Caller>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    #[serde(default)]
    client: Vec<Client>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Client {
    uri: String,
    actor: String,
    scope: Option<String>,
}

impl Clients {
    /// Reads a file of clients.
    ///
    /// # Errors
    ///
    /// In words: what is wrong in it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let read = Config::builder().add_source(File::from_str(text, FileFormat::Toml)).build();
        let Listed { client } =
            read.and_then(Config::try_deserialize).map_err(|error| error.to_string().replace('\n', " "))?;
        let mut listed = HashMap::new();
        for Client { uri, actor, scope } in client {
            let mut caller = Caller::named(&actor, Auth::MutualTls)
                .ok_or_else(|| format!("{uri}: actor = \"{actor}\" must be role/name, the role a known one"))?;
            if let Some(scope) = &scope {
                caller.own = Own::of(caller.role, scope);
            }
            if matches!(caller.role, Role::Platform | Role::Partner) && caller.own == Own::Nothing {
                let role = caller.role.name();
                return Err(format!("{uri}: scope must name a {role}; where there is none the actor's name must"));
            }
            if !matches!(caller.role, Role::Platform | Role::Partner) && scope.is_some() {
                return Err(format!("{uri}: a scope is for platforms and partners"));
            }
            if listed.insert(uri.clone(), caller).is_some() {
                return Err(format!("{uri} stands twice"));
            }
        }
        Ok(Self::Listed(listed))
    }

    /// Who has this URI.
    pub(crate) fn find(&self, uri: &str) -> Option<Caller> {
        match self {
            Self::ByUri => Caller::named(uri.strip_prefix(SCHEME)?, Auth::MutualTls),
            Self::Listed(listed) => listed.get(uri).cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use ledger_core::codes::{Partner, Platform};

    use super::*;

    #[test]
    fn a_file_maps_uris_to_roles_names_and_scopes() {
        let text = "[[client]]\nuri = \"spiffe://prakerja/gopay\"\nactor = \"partner/gopay\"\n\
            [[client]]\nuri = \"spiffe://prakerja/shop-7\"\nactor = \"platform/shop-7\"\nscope = \"pijar\"\n\
            [[client]]\nuri = \"spiffe://prakerja/Budi\"\nactor = \"officer/budi\"\n";
        let clients = Clients::parse(text).expect("a good file");
        let found = |uri| clients.find(uri).map(|caller| (caller.role, caller.own, caller.name));
        let gopay = (Role::Partner, Own::Instructions(Partner::Gopay), "partner/gopay".into());
        assert_eq!(found("spiffe://prakerja/gopay"), Some(gopay));
        let shop = (Role::Platform, Own::Purchases(Platform::Pijar), "platform/shop-7".into());
        assert_eq!(found("spiffe://prakerja/shop-7"), Some(shop));
        assert_eq!(found("spiffe://prakerja/Budi"), Some((Role::Officer, Own::Nothing, "officer/budi".into())));
        assert_eq!(found("ledger:officer/budi"), None, "what is not listed is not known");
    }

    #[test]
    fn without_a_file_the_uri_says_it_itself() {
        let found = |uri| Clients::ByUri.find(uri).map(|caller| caller.name);
        assert_eq!(found("ledger:auditor/bpk").as_deref(), Some("auditor/bpk"));
        for uri in ["ledger:king/budi", "ledger:auditor", "auditor/bpk", "spiffe://auditor/bpk", ""] {
            assert_eq!(found(uri), None, "{uri}");
        }
    }

    #[test]
    fn what_is_wrong_in_a_file_is_named() {
        let rows = [
            ("[[client]]\nuri = \"a\"\nactor = \"king/budi\"\n", "king/budi"),
            ("[[client]]\nuri = \"a\"\nactor = \"partner/unheard-of\"\n", "scope must name a partner"),
            (
                "[[client]]\nuri = \"a\"\nactor = \"partner/gopay\"\nscope = \"tokopedia\"\n",
                "scope must name a partner",
            ),
            ("[[client]]\nuri = \"a\"\nactor = \"officer/budi\"\nscope = \"gopay\"\n", "for platforms and partners"),
            (
                "[[client]]\nuri = \"a\"\nactor = \"officer/a\"\n[[client]]\nuri = \"a\"\nactor = \"officer/b\"\n",
                "twice",
            ),
            ("[[client]]\nuri = \"a\"\n", "actor"),
            ("[[client]]\nuri = \"a\"\nactor = \"officer/a\"\nrole = \"king\"\n", "role"),
            ("[[clients]]\nuri = \"a\"\n", "clients"),
            ("[[client", "TOML"),
        ];
        for (text, said) in rows {
            let wrong = Clients::parse(text).expect_err(text);
            assert!(wrong.contains(said), "{text}: {wrong}");
        }
    }
}
