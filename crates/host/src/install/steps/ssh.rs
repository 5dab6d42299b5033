//! sshd without passwords, where the operator is seen to get in by key.

use crate::install::facts::{Facts, SshFacts};
use crate::install::plan::{Action, Work};

/// The first value that sshd reads counts, so this comes before the drop-ins of cloud-init.
pub(in crate::install) const DROP_IN: &str = "/etc/ssh/sshd_config.d/00-portlama.conf";

/// Makes sshd read its configuration; open connections stay. An sshd that has its port from
/// systemd would not get it a second time when it is told to reload.
pub(in crate::install) fn reload(ssh: &SshFacts) -> Action {
    Action::run(match ssh.by_socket {
        true => "systemctl try-restart ssh.service",
        false => "systemctl try-reload-or-restart ssh.service",
    })
}

const ALWAYS: &str = "\
# Made by `portlama server install`.
MaxAuthTries 4
LoginGraceTime 30
X11Forwarding no
PermitEmptyPasswords no
";
const WITH_A_KEY: &str = "\
PasswordAuthentication no
KbdInteractiveAuthentication no
";

pub(in crate::install) fn work(facts: &Facts) -> Work {
    let Some(ssh) = &facts.ssh else {
        return Work::Skip("there is no SSH server".to_owned());
    };
    if let Some(complaint) = &ssh.complaint {
        return Work::Skip(format!(
            "sshd refuses its present configuration ({complaint}); repair it and install again"
        ));
    }
    if !ssh.reads_drop_ins {
        return Work::Skip(
            "/etc/ssh/sshd_config does not begin with the files of sshd_config.d".to_owned(),
        );
    }
    // Passwords that were shut out stay so: whoever installs again from a console, or by another
    // account, has not said that they should open.
    let were_shut = facts
        .files
        .get(DROP_IN)
        .is_some_and(|text| text.contains(WITH_A_KEY));
    let text = match ssh.key_of.is_some() || were_shut {
        true => format!("{ALWAYS}{WITH_A_KEY}"),
        false => ALWAYS.to_owned(),
    };
    if facts.has_file(DROP_IN, &text) && !facts.is_under_way("ssh") {
        return Work::Nothing;
    }
    let about_passwords = match &ssh.key_of {
        Some(user) => format!("passwords no longer open SSH: {user} has a key"),
        None if were_shut => "passwords open SSH no more than before".to_owned(),
        None => "passwords still open SSH, because no key of yours was found: add one to \
                 authorized_keys and install again"
            .to_owned(),
    };
    Work::Do(vec![
        Action::SshDropIn(text),
        reload(ssh),
        Action::Say(about_passwords),
    ])
}
