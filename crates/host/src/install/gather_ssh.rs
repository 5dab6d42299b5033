//! Looks at the SSH server, and at how the operator gets in.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::facts::SshFacts;
use super::program::{Program, said};

/// Kinds of keys (sshd(8), AUTHORIZED_KEYS FILE FORMAT). A line that begins with anything else
/// has options, which may let in to one command only.
const KEY_KINDS: [&str; 4] = ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-", "sk-"];

/// `listeners` is what `ss` says of them.
pub(super) fn facts(listeners: Option<&str>) -> Option<SshFacts> {
    if !Path::new("/usr/sbin/sshd").exists() {
        return None;
    }
    // Where a socket starts sshd, this is made only then.
    let _ = fs::create_dir_all("/run/sshd");
    let settings = Program::new("sshd -T").run();
    let complaint = settings.as_ref().err().cloned();
    let settings = settings.unwrap_or_default();
    let config = fs::read_to_string("/etc/ssh/sshd_config").unwrap_or_default();
    let by_socket = said("systemctl is-active ssh.socket").is_some();
    let mut ports: BTreeSet<u16> = values(&settings, "port")
        .filter_map(|port| port.parse().ok())
        .collect();
    // Its settings say nothing of where systemd listens for it, and nothing at all when they have
    // a fault that the running sshd has not read yet.
    if by_socket {
        let show = "systemctl show --property=Listen --value ssh.socket";
        ports.extend(socket_ports(&said(show).unwrap_or_default()));
    }
    ports.extend(listens(listeners.unwrap_or_default()));
    Some(SshFacts {
        complaint,
        by_socket,
        ports: ports.into_iter().collect(),
        reads_drop_ins: reads_drop_ins(&config),
        key_of: operator(),
    })
}

/// Lines such as `[::]:22 (Stream)`.
fn socket_ports(listen: &str) -> impl Iterator<Item = u16> {
    let streams = listen.split("(Stream)").map(str::trim_end);
    streams.filter_map(|text| text.rsplit_once(':')?.1.parse().ok())
}

/// Where sshd itself listens, as `ss` shows it. What it forwards for somebody listens on loopback.
fn listens(listeners: &str) -> impl Iterator<Item = u16> {
    let own = listeners
        .lines()
        .filter(|l| l.contains("users:((\"sshd\","));
    own.filter_map(|line| {
        let (address, port) = line.split_whitespace().nth(3)?.rsplit_once(':')?;
        let is_loopback = address.starts_with("127.") || address == "[::1]";
        port.parse().ok().filter(|_| !is_loopback)
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
fn operator() -> Option<String> {
    let user = std::env::var("SUDO_USER")
        .ok()
        .filter(|user| !user.is_empty());
    let user = user.unwrap_or_else(|| "root".to_owned());
    // With what stands in `Match` blocks for this account.
    let who = format!("user={user},host=localhost,addr=127.0.0.1");
    let settings = Program::new(&format!("sshd -T -C {who}")).run().ok()?;
    if !takes_keys(&settings, &user) {
        return None;
    }
    let account = said(&format!("getent passwd {user}"))?;
    let mut account = account.split(':').skip(2);
    let (uid, home) = (account.next()?.parse().ok()?, account.nth(2)?);
    let file = values(&settings, "authorizedkeysfile").next()?;
    let file = match file.split(' ').next()? {
        // A pattern for all users is beyond what is looked at here.
        file if file.starts_with('/') => return None,
        file => Path::new(home).join(file),
    };
    let text = fs::read_to_string(&file).ok()?;
    (has_plain_key(&text) && sshd_believes(&file, Path::new(home), uid)).then_some(user)
}

/// Whether a key alone opens this account.
fn takes_keys(settings: &str, user: &str) -> bool {
    let setting = |name| values(settings, name).next();
    let for_root = ["yes", "prohibit-password", "without-password"];
    if user == "root" && !setting("permitrootlogin").is_some_and(|says| for_root.contains(&says)) {
        return false;
    }
    let narrowed = ["allowusers", "allowgroups", "denyusers", "denygroups"];
    setting("pubkeyauthentication") == Some("yes")
        && setting("authenticationmethods") == Some("any")
        && narrowed.into_iter().all(|name| setting(name).is_none())
}

/// Whether nobody but the account and root could have written the file: else sshd passes it over
/// (sshd(8), StrictModes).
fn sshd_believes(file: &Path, home: &Path, uid: u32) -> bool {
    let ours = file.ancestors().take_while(|path| path.starts_with(home));
    ours.map(fs::metadata).all(|found| {
        found.is_ok_and(|meta| [0, uid].contains(&meta.uid()) && meta.mode() & 0o022 == 0)
    })
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
    use std::os::unix::fs::PermissionsExt as _;

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

    const SETTINGS: &str = "permitrootlogin without-password\npubkeyauthentication yes\n\
                            authenticationmethods any\n";

    #[test]
    fn an_account_that_needs_more_than_a_key_does_not_count() {
        assert!(takes_keys(SETTINGS, "root"));
        for (from, to) in [
            ("without-password", "no"),
            ("without-password", "forced-commands-only"),
            ("authentication yes", "authentication no"),
            ("any", "publickey,keyboard-interactive"),
            ("any\n", "any\nallowusers mira\n"),
        ] {
            let settings = SETTINGS.replace(from, to);
            assert_ne!(settings, SETTINGS);
            assert!(!takes_keys(&settings, "root"), "{to}");
        }
        let others = SETTINGS.replace("without-password", "no");
        assert!(takes_keys(&others, "mira"));
    }

    #[test]
    fn keys_that_others_could_have_written_do_not_count() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let home = temp.path().join("home");
        let file = home.join(".ssh/authorized_keys");
        fs::create_dir_all(home.join(".ssh")).expect("made");
        fs::write(&file, KEY).expect("written");
        let mode = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
        };
        let paths = [file.clone(), home.join(".ssh"), home.clone()];
        // What lies above the home is not asked about.
        mode(temp.path(), 0o777);
        paths.iter().for_each(|path| mode(path, 0o755));
        let uid = fs::metadata(&file).expect("there").uid();
        assert!(sshd_believes(&file, &home, uid));
        for path in &paths {
            mode(path, 0o775);
            assert!(!sshd_believes(&file, &home, uid), "{}", path.display());
            mode(path, 0o755);
        }
        assert_eq!(sshd_believes(&file, &home, uid + 1), uid == 0);
    }

    #[test]
    fn the_ports_of_a_socket_and_of_sshd_itself_are_seen() {
        let listen = "0.0.0.0:2222 (Stream)\n[::]:2222 (Stream)\n/run/ssh.sock (Stream)";
        assert_eq!(socket_ports(listen).collect::<Vec<_>>(), [2222, 2222]);
        assert_eq!(socket_ports("").count(), 0);
        let text = "LISTEN 0 128 0.0.0.0:2022 0.0.0.0:* users:((\"sshd\",pid=7,fd=3))\n\
                    LISTEN 0 128 [::]:2022 [::]:* users:((\"sshd\",pid=7,fd=4))\n\
                    LISTEN 0 128 127.0.0.1:6010 0.0.0.0:* users:((\"sshd\",pid=9,fd=9))\n\
                    LISTEN 0 128 [::1]:6010 [::]:* users:((\"sshd\",pid=9,fd=8))\n\
                    LISTEN 0 128 *:443 *:* users:((\"nginx\",pid=5,fd=3))";
        assert_eq!(listens(text).collect::<Vec<_>>(), [2022, 2022]);
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
