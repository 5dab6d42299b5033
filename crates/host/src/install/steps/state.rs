//! The state directory, closed to everybody else, and a server in it. One that is there is kept.

use crate::install::STATE_DIR;
use crate::install::facts::Facts;
use crate::install::plan::{Action, Options, Work};

pub(in crate::install) fn work(facts: &Facts, options: &Options) -> Work {
    let again = facts.is_under_way("state");
    let mut actions = Vec::new();
    if !facts.state.is_closed || again {
        actions.push(Action::run(&format!(
            "install -d -m 0700 -o portlama -g portlama {STATE_DIR}"
        )));
    }
    // Without an address the installation was refused.
    if let (None, Some(ip)) = (&facts.state.server, options.ip.or(facts.address)) {
        let server = Box::new(options.server.clone());
        actions.push(Action::State { ip, server });
    }
    if !actions.is_empty() {
        // Of a server that root has made by hand, all files become the user's.
        actions.push(Action::run(&format!(
            "chown -R --no-dereference portlama:portlama {STATE_DIR}"
        )));
    }
    match actions.is_empty() {
        true => Work::Nothing,
        false => Work::Do(actions),
    }
}
