//! Looks at the SSH server, and at how the operator gets in.

use std::fs;
use std::path::Path;

use super::facts::SshFacts;
use super::program::{Program, said};

/// Kinds of keys (sshd(8), AUTHORIZED_KEYS FILE FORMAT). A line that begins with anything else
/// has options, which may let in to one command only.
const KEY_KINDS: [&str; 4] = ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-", "sk-"];

pub(super) fn facts() -> Option<SshFacts> {
    if !Path::new("/usr/sbin/sshd").exists() {
        return None;
    }
    // Where a socket starts sshd, this is made only then.
    let _ = fs::create_dir_all("/run/sshd");
    let settings = Program::new("sshd -T").run();
    let complaint = settings.as_ref().err().cloned();
    let settings = settings.unwrap_or_default();
    let config = fs::read_to_string("/etc/ssh/sshd_config").unwrap_or_default();
    Some(SshFacts {
        complaint,
        by_socket: said("systemctl is-active ssh.socket").is_some(),
        ports: values(&settings, "port")
            .filter_map(|port| port.parse().ok())
            .collect(),
        reads_drop_ins: reads_drop_ins(&config),
        key_of: operator(&settings),
    })
}

fn values<'t>(settings: &'t str, name: &'t str) -> impl Iterator<Item = &'t str> {
    let pairs = settings.lines().filter_map(|line| line.split_once(' '));
    pairs
        .filter(move |(known, _)| *known == name)
        .map(|(_, value)| value)
}

/// Whether the first thing that the configuration says is to read the drop-ins.
fn reads_drop_ins(config: &str) -> bool {
    let mut lines = config.lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    let words: Vec<_> = first.unwrap_or_default().split_whitespace().collect();
    words == ["Include", "/etc/ssh/sshd_config.d/*.conf"]
}

/// The account that became root here, or root: if sshd lets it in by a key.
fn operator(settings: &str) -> Option<String> {
    let user = std::env::var("SUDO_USER")
        .ok()
        .filter(|user| !user.is_empty());
    let user = user.unwrap_or_else(|| "root".to_owned());
    let setting = |name| values(settings, name).next();
    if user == "root" && setting("permitrootlogin") == Some("no") {
        return None;
    }
    let narrowed = ["allowusers", "allowgroups", "denyusers", "denygroups"];
    if setting("pubkeyauthentication") != Some("yes")
        || narrowed.into_iter().any(|name| setting(name).is_some())
    {
        return None;
    }
    let account = said(&format!("getent passwd {user}"))?;
    let home = account.split(':').nth(5)?;
    let file = setting("authorizedkeysfile")?.split(' ').next()?;
    let file = match file.starts_with('/') {
        // A pattern for all users is beyond what is looked at here.
        true => return None,
        false => Path::new(home).join(file),
    };
    let text = fs::read_to_string(file).ok()?;
    has_plain_key(&text).then_some(user)
}

/// Whether a line is a key without options, as ssh-keygen reads keys.
fn has_plain_key(text: &str) -> bool {
    text.lines().map(str::trim).any(|line| {
        let mut words = line.split_whitespace();
        let (kind, key) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        // RFC 4253 6.6: a key begins with the length of its kind's name, so with three zeros.
        KEY_KINDS.iter().any(|known| kind.starts_with(known))
            && key.starts_with("AAAA")
            && key.len() >= 68
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

    #[test]
    fn a_key_that_opens_one_command_only_does_not_count() {
        assert!(has_plain_key(&format!("# mine\nssh-ed25519 {KEY} me\n")));
        for text in [
            String::new(),
            format!("command=\"echo no\" ssh-ed25519 {KEY}"),
            format!("# ssh-ed25519 {KEY}"),
            "ssh-ed25519 AAAA".to_owned(),
        ] {
            assert!(!has_plain_key(&text), "{text}");
        }
    }

    #[test]
    fn drop_ins_count_when_they_are_read_first() {
        let include = "Include /etc/ssh/sshd_config.d/*.conf\n";
        assert!(reads_drop_ins(&format!("# comment\n\n{include}Port 22\n")));
        assert!(!reads_drop_ins(&format!(
            "PasswordAuthentication yes\n{include}"
        )));
        assert!(!reads_drop_ins(""));
    }
}
