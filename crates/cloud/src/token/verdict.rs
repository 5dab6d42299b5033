//! Whether a token fits.

use std::collections::BTreeSet;

use serde::Serialize;

use super::scopes::{REQUIRED_SCOPES, ScopeClass, classify};

/// The one scope beyond the required ones that the list of regions cannot do without.
const SIZES: &str = "sizes:read";

/// The scopes of a token, as far as they could be learnt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scopes {
    /// DigitalOcean listed them.
    Listed(BTreeSet<String>),
    /// DigitalOcean listed none; what could be read was tried out, and this could not. What may be
    /// created, deleted or harmed nobody knows.
    Probed {
        /// The scopes that were refused.
        missing: Vec<&'static str>,
    },
}

impl Scopes {
    /// The scopes of a header: separated by commas or blanks.
    #[must_use]
    pub fn of_header(text: &str) -> Option<Self> {
        let scopes: BTreeSet<_> = text
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        (!scopes.is_empty()).then_some(Self::Listed(scopes))
    }
}

/// A scope that is not there, and what it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingScope {
    /// Its name.
    pub scope: &'static str,
    /// What cannot be done without it.
    pub needed_for: &'static str,
}

/// Whether a token fits, and why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether DigitalOcean listed the scopes: else what the token may do is in part assumed.
    pub verified: bool,
    /// In the order of the required list.
    pub missing: Vec<MissingScope>,
    /// Scopes that could harm what else is in the account.
    pub excess: Vec<String>,
    /// Scopes that are not needed and harm nobody.
    pub noted: Vec<String>,
}

impl Verdict {
    /// Whether nothing is missing and nothing is in excess.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.missing.is_empty() && self.excess.is_empty()
    }
}

/// Judges the scopes of a token. `accepted` are scopes in excess that the owner takes upon
/// themselves: DigitalOcean's own page may add `database:create` without asking.
#[must_use]
pub fn judge(scopes: &Scopes, accepted: &[String]) -> Verdict {
    match scopes {
        Scopes::Listed(scopes) => {
            let missing = REQUIRED_SCOPES
                .into_iter()
                .chain([SIZES])
                .filter(|scope| !scopes.contains(*scope));
            let of_class = |class| {
                let fits = scopes.iter().filter(move |scope| classify(scope) == class);
                fits.cloned()
            };
            Verdict {
                verified: true,
                missing: missing.map(missing_scope).collect(),
                excess: of_class(ScopeClass::Excess)
                    .filter(|scope| !accepted.contains(scope))
                    .collect(),
                noted: of_class(ScopeClass::Noted).collect(),
            }
        }
        Scopes::Probed { missing } => Verdict {
            verified: false,
            missing: missing.iter().copied().map(missing_scope).collect(),
            excess: Vec::new(),
            noted: Vec::new(),
        },
    }
}

fn missing_scope(scope: &'static str) -> MissingScope {
    let needed_for = match scope {
        "droplet:create" => "creating the server",
        "droplet:read" => "seeing whether the server has started",
        "droplet:delete" => "removing the server",
        "ssh_key:create" => "bringing the key for the installation",
        "ssh_key:read" => "giving that key to the server",
        "ssh_key:delete" => "taking that key away again",
        "tag:create" => "marking the server as made by Portlama",
        "tag:read" => "telling Portlama's servers from your others",
        "regions:read" => "listing the regions",
        SIZES => "knowing which regions offer the size",
        _ => "creating the server",
    };
    MissingScope { scope, needed_for }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn listed(scopes: &[&str]) -> Scopes {
        Scopes::Listed(scopes.iter().map(|scope| (*scope).to_owned()).collect())
    }

    fn fitting() -> Vec<&'static str> {
        REQUIRED_SCOPES.into_iter().chain([SIZES]).collect()
    }

    #[test]
    fn a_token_with_what_is_required_fits() {
        let verdict = judge(&listed(&fitting()), &[]);
        assert!(verdict.is_valid() && verdict.verified, "{verdict:?}");
    }

    #[test]
    fn what_is_missing_is_named_in_the_order_of_the_list() {
        let verdict = judge(&listed(&["tag:read", "droplet:read"]), &[]);
        let names: Vec<_> = verdict.missing.iter().map(|m| m.scope).collect();
        assert_eq!(
            names,
            [
                "droplet:create",
                "droplet:delete",
                "ssh_key:create",
                "ssh_key:read",
                "ssh_key:delete",
                "tag:create",
                "regions:read",
                "sizes:read",
            ]
        );
    }

    #[test]
    fn a_scope_in_excess_makes_a_token_unfit_unless_the_owner_accepts_it() {
        let mut scopes = fitting();
        scopes.push("database:create");
        let verdict = judge(&listed(&scopes), &[]);
        assert_eq!(verdict.excess, ["database:create"]);
        assert!(!verdict.is_valid());
        assert!(judge(&listed(&scopes), &["database:create".to_owned()]).is_valid());
    }

    #[test]
    fn a_token_with_full_access_is_unfit() {
        for full in ["write", "api:write"] {
            let mut scopes = fitting();
            scopes.push(full);
            assert_eq!(judge(&listed(&scopes), &[]).excess, [full]);
        }
    }

    #[test]
    fn what_was_only_tried_out_is_never_called_verified() {
        let missing = Vec::new();
        assert!(!judge(&Scopes::Probed { missing }, &[]).verified);
    }

    #[test]
    fn a_header_may_part_its_scopes_by_commas_or_blanks() {
        let scopes = Scopes::of_header("a:read, b:read  c:read,a:read");
        assert_eq!(scopes, Some(listed(&["a:read", "b:read", "c:read"])));
        assert_eq!(Scopes::of_header(" , "), None);
    }

    proptest! {
        #[test]
        fn every_scope_is_judged_once(scope in "[a-z_]{1,12}:[a-z_]{1,10}") {
            let mut scopes = fitting();
            scopes.push(&scope);
            let verdict = judge(&listed(&scopes), &[]);
            let times = [&verdict.excess, &verdict.noted]
                .iter()
                .filter(|list| list.contains(&scope))
                .count();
            prop_assert!(times <= 1);
            prop_assert_eq!(verdict.is_valid(), verdict.excess.is_empty());
        }
    }
}
