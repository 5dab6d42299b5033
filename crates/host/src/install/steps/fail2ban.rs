//! Who guesses at SSH is kept out for a while.

use crate::install::facts::Facts;
use crate::install::plan::{Action, Work};

use super::firewall::ssh_is_not_seen;

pub(in crate::install) const JAIL: &str = "/etc/fail2ban/jail.d/portlama.local";

pub(in crate::install) fn work(facts: &Facts) -> Work {
    let Some(ssh) = &facts.ssh else {
        return Work::Skip("there is no SSH server".to_owned());
    };
    if facts.has_foreign_jail {
        return Work::Skip("/etc/fail2ban/jail.local sets up SSH already".to_owned());
    }
    if let Some(why) = ssh_is_not_seen(facts) {
        return Work::Skip(why);
    }
    let ports: Vec<_> = ssh.ports.iter().map(u16::to_string).collect();
    let ports = ports.join(",");
    // Debian 12 keeps its log in the journal alone, where fail2ban does not look by itself.
    let text = format!("[sshd]\nenabled = true\nbackend = systemd\nport = {ports}\n");
    let then = || {
        vec![
            Action::run("systemctl enable fail2ban.service"),
            Action::run("systemctl restart fail2ban.service"),
        ]
    };
    match facts.one_file("fail2ban", JAIL, &text, then()) {
        Work::Nothing if !facts.fail2ban_runs => Work::Do(then()),
        work => work,
    }
}
