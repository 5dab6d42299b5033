//! What will be made, before anything is.

use std::path::PathBuf;

use portlama_model::Secret;

use crate::digitalocean::NewDroplet;
use crate::{IMAGE, MANAGED_TAG, MONTHLY_PRICE_USD, RegionSlug, SIZE, ServerLabel};

use super::OperationId;

/// A server to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What its owner calls it.
    pub label: ServerLabel,
    /// Where it will stand.
    pub region: RegionSlug,
    /// The program that will run there, for Linux on x86-64.
    pub binary: PathBuf,
}

impl Plan {
    /// The machine to ask for.
    #[must_use]
    pub fn droplet(&self, operation: OperationId, ssh_key: u64, user_data: Secret) -> NewDroplet {
        NewDroplet {
            name: self.label.droplet_name(),
            region: self.region.clone(),
            size: SIZE,
            image: IMAGE,
            ssh_keys: vec![ssh_key],
            tags: vec![MANAGED_TAG.to_owned(), operation.tag()],
            ipv6: false,
            monitoring: false,
            user_data,
        }
    }

    /// What a person should agree to, one line each.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        vec![
            format!(
                "create the droplet `{}` in {}: {SIZE}, {IMAGE}, about {MONTHLY_PRICE_USD} USD a month from now on",
                self.label.droplet_name(),
                self.region
            ),
            format!("tag it {MANAGED_TAG}; a key for the installation comes and goes"),
            format!(
                "install {} on it: ports 22, 443 and 9292 are open afterwards, nothing else",
                self.binary.display()
            ),
            format!(
                "add it to the list as `{}`, as the active server; the admin's key never leaves this machine",
                self.label
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_droplet_is_tagged_as_ours_and_as_this_operations() {
        let plan = Plan {
            label: "home".parse().expect("a label"),
            region: "fra1".parse().expect("a region"),
            binary: "/usr/local/bin/portlama".into(),
        };
        let operation = OperationId::new();
        let droplet = plan.droplet(operation, 7, Secret::new("#cloud-config\n"));
        assert_eq!(droplet.tags, [MANAGED_TAG.to_owned(), operation.tag()]);
        assert_eq!(
            (droplet.name.as_str(), droplet.ssh_keys),
            ("portlama-home", vec![7])
        );
        assert!(plan.describe()[0].contains("4 USD a month"));
    }
}
