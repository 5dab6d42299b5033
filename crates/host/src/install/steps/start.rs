//! The server serves, by the installed program.

use crate::install::facts::Facts;
use crate::install::plan::{Action, Step, Work};

pub(in crate::install) fn work(facts: &Facts, due: bool) -> Work {
    if facts.service.current && !due && !facts.is_under_way("start") {
        return Work::Nothing;
    }
    Work::Do(vec![
        Action::run("systemctl start portlama.socket"),
        Action::run("systemctl restart portlama.service"),
    ])
}

/// Whether the server must start again for what other steps do.
pub(in crate::install) fn is_due(steps: &[Step]) -> bool {
    steps.iter().any(|step| {
        matches!(step.key, "program" | "units" | "state") && matches!(step.work, Work::Do(_))
    })
}
