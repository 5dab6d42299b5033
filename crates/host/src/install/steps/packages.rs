//! What the other steps need of the distribution. Nothing else is upgraded or removed.

use crate::install::facts::Facts;
use crate::install::plan::{Action, Work};

/// Firewall, bans, and what bans need to read the journal.
pub(in crate::install) const PACKAGES: [&str; 3] = ["ufw", "fail2ban", "python3-systemd"];

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
