//! May this visitor read this static site?

use portlama_model::SiteAccess;

use crate::{Refused, Visitor};

/// The group whose members may read every protected site, beside those it lists.
pub const ADMINS_GROUP: &str = "admins";

/// Decides whether a site with `access` may be read.
///
/// # Errors
/// Says why not.
pub fn may_read_site(access: &SiteAccess, visitor: Option<&Visitor>) -> Result<(), Refused> {
    match (access, visitor) {
        (SiteAccess::Public, _) | (SiteAccess::SignedIn, Some(_)) => Ok(()),
        (SiteAccess::SignedIn | SiteAccess::Users(_), None) => Err(Refused::SignInFirst),
        (SiteAccess::Users(users), Some(visitor)) => {
            let is_admin = visitor.groups.iter().any(|g| g.as_str() == ADMINS_GROUP);
            if is_admin || users.contains(&visitor.username) {
                Ok(())
            } else {
                Err(Refused::NotListed)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(name: &str, groups: &[&str]) -> Visitor {
        Visitor {
            username: name.parse().expect("valid"),
            displayname: "Somebody".parse().expect("valid"),
            email: "somebody@example.net".parse().expect("valid"),
            groups: groups.iter().map(|g| g.parse().expect("valid")).collect(),
        }
    }

    #[test]
    fn public_sites_are_for_everybody() {
        assert_eq!(may_read_site(&SiteAccess::Public, None), Ok(()));
        let mira = visitor("mira", &[]);
        assert_eq!(may_read_site(&SiteAccess::Public, Some(&mira)), Ok(()));
    }

    #[test]
    fn protected_sites_are_for_signed_in_visitors() {
        let mira = visitor("mira", &[]);
        let access = SiteAccess::SignedIn;
        assert_eq!(may_read_site(&access, None), Err(Refused::SignInFirst));
        assert_eq!(may_read_site(&access, Some(&mira)), Ok(()));
    }

    #[test]
    fn a_list_of_users_passes_those_and_admins_alone() {
        let access = SiteAccess::Users(vec!["mira".parse().expect("valid")]);
        let may = |visitor: &Visitor| may_read_site(&access, Some(visitor));
        assert_eq!(may_read_site(&access, None), Err(Refused::SignInFirst));
        assert_eq!(may(&visitor("mira", &[])), Ok(()));
        assert_eq!(may(&visitor("noor", &["admins"])), Ok(()));
        for (name, groups) in [
            ("noor", &[][..]),
            ("noor", &["admin", "staff"]),
            ("admin", &[]),
            ("admins", &["Admins"]),
        ] {
            assert_eq!(may(&visitor(name, groups)), Err(Refused::NotListed));
        }
    }
}
