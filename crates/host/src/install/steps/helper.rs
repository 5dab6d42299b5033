//! The server may give systemd a few orders, through a helper of root's that knows nothing else.

use crate::install::facts::Facts;
use crate::install::plan::{Action, Work};
use crate::install::{PROGRAM, program_of};

pub(in crate::install) const SOCKET: &str = "/etc/systemd/system/portlama-helper.socket";
pub(in crate::install) const SERVICE: &str = "/etc/systemd/system/portlama-helper@.service";
pub(in crate::install) const SOCKET_TEXT: &str = include_str!("../files/portlama-helper.socket");
pub(in crate::install) const SERVICE_TEXT: &str = include_str!("../files/portlama-helper@.service");
/// By this an earlier version let the server give its orders itself. polkit watches the folder.
pub(in crate::install) const EARLIER_RULES: &str = "/etc/polkit-1/rules.d/50-portlama.rules";

pub(in crate::install) fn work(facts: &Facts) -> Work {
    let mut actions = Vec::new();
    let service = SERVICE_TEXT.replace(PROGRAM, program_of(facts.is_packaged));
    for (path, text) in [(SOCKET, SOCKET_TEXT), (SERVICE, &service)] {
        if !facts.has_file(path, text) || facts.is_under_way("helper") {
            let text = text.to_owned();
            actions.push(Action::File { path, text });
        }
    }
    if !actions.is_empty() || !facts.service.helper {
        // This makes systemd read the files as well.
        actions.push(Action::run("systemctl enable portlama-helper.socket"));
        actions.push(Action::run("systemctl restart portlama-helper.socket"));
    }
    if facts.files.contains_key(EARLIER_RULES) {
        actions.push(Action::Remove(EARLIER_RULES));
        if facts.manifest.packages.contains("polkitd") {
            actions.push(Action::Say(
                "the package polkitd, which an earlier version installed, is not needed any more"
                    .to_owned(),
            ));
        }
    }
    match actions.is_empty() {
        true => Work::Nothing,
        false => Work::Do(actions),
    }
}
