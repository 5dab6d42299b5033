//! Every scope we have an opinion on, in one table.

/// The scopes without which no server can be made, looked after and removed.
pub const REQUIRED_SCOPES: [&str; 9] = [
    "droplet:create",
    "droplet:read",
    "droplet:delete",
    "ssh_key:create",
    "ssh_key:read",
    "ssh_key:delete",
    "tag:create",
    "tag:read",
    "regions:read",
];

/// What a scope on a token means to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeClass {
    /// It must be there.
    Required,
    /// It comes with the groups that a person ticks, or DigitalOcean adds it by itself.
    Tolerated,
    /// It is not needed and harms nobody; it is said.
    Noted,
    /// It could harm what else is in the account: such a token is refused.
    Excess,
}

/// Scopes that are neither required nor judged by their ending. Sources: the groups of the cloud
/// guide, DigitalOcean's table of dependencies, and of associated scopes (since April 2025).
const KNOWN: &[(&str, ScopeClass)] = &[
    // The rest of the five groups.
    ("droplet:update", ScopeClass::Tolerated),
    ("droplet:admin", ScopeClass::Tolerated),
    ("ssh_key:update", ScopeClass::Tolerated),
    ("tag:delete", ScopeClass::Tolerated),
    ("account:read", ScopeClass::Tolerated),
    // What DigitalOcean adds by itself, to read.
    ("sizes:read", ScopeClass::Tolerated),
    ("actions:read", ScopeClass::Tolerated),
    ("image:read", ScopeClass::Tolerated),
    ("snapshot:read", ScopeClass::Tolerated),
    ("vpc:read", ScopeClass::Tolerated),
    ("block_storage:read", ScopeClass::Tolerated),
    ("monitoring:read", ScopeClass::Tolerated),
    ("reserved_ip:read", ScopeClass::Tolerated),
    ("firewall:read", ScopeClass::Tolerated),
    ("project:read", ScopeClass::Tolerated),
    // What it may add to `droplet:create` and `tag:create`. They put labels on things.
    ("monitoring:create", ScopeClass::Noted),
    ("app:update", ScopeClass::Noted),
    ("database:update", ScopeClass::Noted),
    ("reserved_ip:update", ScopeClass::Noted),
    ("image:update", ScopeClass::Noted),
    ("load_balancer:update", ScopeClass::Noted),
    ("addon:update", ScopeClass::Noted),
    ("spaces:update", ScopeClass::Noted),
    ("firewall:update", ScopeClass::Noted),
    ("kubernetes:update", ScopeClass::Noted),
    // Read-only tokens of the old kind: the required scopes are missing, nothing is in excess.
    ("read", ScopeClass::Noted),
    ("api:read", ScopeClass::Noted),
];

/// What a scope means. Whatever is neither needed nor known to be harmless and does more than
/// read is [`ScopeClass::Excess`]: DigitalOcean invents scopes faster than lists of dangers grow.
#[must_use]
pub fn classify(scope: &str) -> ScopeClass {
    if REQUIRED_SCOPES.contains(&scope) {
        return ScopeClass::Required;
    }
    let known = KNOWN.iter().find(|(name, _)| *name == scope);
    match known {
        Some((_, class)) => *class,
        None if scope.ends_with(":read") => ScopeClass::Noted,
        None => ScopeClass::Excess,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both lists of dangers that the reference names, with the spellings that don't exist.
    const DANGEROUS: &[&str] = &[
        "account:write",
        "database:create",
        "database:delete",
        "domain:create",
        "domain:delete",
        "firewall:create",
        "firewall:delete",
        "image:create",
        "image:delete",
        "kubernetes:create",
        "kubernetes:delete",
        "loadbalancer:create",
        "loadbalancer:delete",
        "load_balancer:create",
        "load_balancer:delete",
        "volume:create",
        "volume:delete",
        "block_storage:create",
        "block_storage:delete",
        "vpc:create",
        "vpc:delete",
        "write",
        "api:write",
    ];

    #[test]
    fn every_danger_that_has_a_name_is_in_excess() {
        for scope in DANGEROUS {
            assert_eq!(classify(scope), ScopeClass::Excess, "{scope}");
        }
    }

    #[test]
    fn a_scope_nobody_heard_of_is_in_excess_unless_it_reads() {
        for scope in ["function:admin", "spaces:create_credentials", "new", "x:y"] {
            assert_eq!(classify(scope), ScopeClass::Excess, "{scope}");
        }
        assert_eq!(classify("registry:read"), ScopeClass::Noted);
    }

    #[test]
    fn a_token_made_by_the_guide_has_nothing_in_excess() {
        let groups = [
            "account:read",
            "droplet:create",
            "droplet:read",
            "droplet:update",
            "droplet:delete",
            "droplet:admin",
            "regions:read",
            "ssh_key:create",
            "ssh_key:read",
            "ssh_key:update",
            "ssh_key:delete",
            "tag:create",
            "tag:read",
            "tag:delete",
            "sizes:read",
            "actions:read",
            "image:read",
            "snapshot:read",
            "vpc:read",
        ];
        for scope in groups {
            let class = classify(scope);
            let fits = matches!(class, ScopeClass::Required | ScopeClass::Tolerated);
            assert!(fits, "{scope} is {class:?}");
        }
    }
}
