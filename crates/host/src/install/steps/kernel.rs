//! Settings of the kernel for a machine that everybody can reach.

use crate::install::facts::Facts;
use crate::install::plan::{Action, Work};

pub(in crate::install) const SETTINGS: &str = "/etc/sysctl.d/60-portlama.conf";
const TEXT: &str = include_str!("../files/60-portlama.conf");

pub(in crate::install) fn work(facts: &Facts) -> Work {
    let apply = format!("/lib/systemd/systemd-sysctl {SETTINGS}");
    facts.one_file("kernel", SETTINGS, TEXT, vec![Action::run(&apply)])
}
