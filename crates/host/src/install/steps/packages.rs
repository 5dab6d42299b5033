//! What the other steps need of the distribution. Nothing else is upgraded or removed.

use crate::install::facts::Facts;
use crate::install::plan::{Action, Work};

/// Firewall, bans, what bans need to read the journal, and the rights of the panel.
pub(in crate::install) const PACKAGES: [&str; 4] =
    ["ufw", "fail2ban", "python3-systemd", "polkitd"];

pub(in crate::install) fn work(facts: &Facts) -> Work {
    let has_other_firewall = facts.firewall.other.is_some();
    let wanted = PACKAGES
        .into_iter()
        .filter(|name| !facts.packages.contains(*name))
        .filter(|name| !(has_other_firewall && *name == "ufw"));
    let missing: Vec<_> = wanted.collect();
    match missing.is_empty() {
        true => Work::Nothing,
        false => Work::Do(vec![Action::Packages(missing)]),
    }
}
