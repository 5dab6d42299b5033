//! The panel may start and stop the four units it shows, and nothing else.

use crate::install::facts::Facts;
use crate::install::plan::Work;

pub(in crate::install) const RULES: &str = "/etc/polkit-1/rules.d/50-portlama.rules";
pub(in crate::install) const RULES_TEXT: &str = include_str!("../files/50-portlama.rules");

pub(in crate::install) fn work(facts: &Facts) -> Work {
    // polkit watches the folder.
    facts.one_file("polkit", RULES, RULES_TEXT, vec![])
}
