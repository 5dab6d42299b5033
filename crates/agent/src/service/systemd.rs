//! systemd, the person's own and the machine's.
//!
//! Quoting follows systemd.service(5), "Command lines", and systemd.syntax(7).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use portlama_model::AgentLabel;

use super::{CannotStand, Order, Said, Service, ServiceManager, ServiceState, text_of};

/// What a person's own systemd may take away without rights of its own: no mounts, because these
/// need namespaces that some systems forbid.
const SANDBOX: &str = "\
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
";

/// What the machine's systemd takes away as well.
const SYSTEM_SANDBOX: &str = "\
AmbientCapabilities=
CapabilityBoundingSet=
PrivateDevices=yes
PrivateTmp=yes
ProcSubset=pid
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=read-only
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
SystemCallFilter=~@resources @privileged
";

/// A systemd.
#[derive(Debug, Clone)]
pub struct Systemd {
    units: PathBuf,
    /// In the machine's systemd: the name of whoever the agent runs as.
    user: Option<String>,
}

impl Systemd {
    /// The systemd of the person whose home directory this is.
    #[must_use]
    pub fn of_person(home: &Path) -> Self {
        Self {
            units: home.join(".config/systemd/user"),
            user: None,
        }
    }

    /// The machine's, where agents run as `user`.
    #[must_use]
    pub fn of_machine(user: &str) -> Self {
        Self {
            units: PathBuf::from("/etc/systemd/system"),
            user: Some(user.to_owned()),
        }
    }

    /// The line that says whose service it is.
    fn owner_line(&self) -> Option<String> {
        self.user.as_ref().map(|user| format!("User={user}\n"))
    }

    fn systemctl<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Order {
        let scope = if self.user.is_some() {
            "--system"
        } else {
            "--user"
        };
        let fixed = [scope, "--no-ask-password", "--quiet"];
        Order::new("systemctl", fixed.into_iter().chain(words))
    }
}

impl ServiceManager for Systemd {
    fn name(&self) -> &'static str {
        if self.user.is_some() {
            "systemd"
        } else {
            "systemd (user)"
        }
    }

    fn unit(&self, label: &AgentLabel) -> String {
        format!("portlama-agent-{label}.service")
    }

    fn file(&self, label: &AgentLabel) -> PathBuf {
        self.units.join(self.unit(label))
    }

    fn render(&self, service: &Service) -> Result<String, CannotStand> {
        let label = &service.label;
        let command = command_line(&service.command(&[])?)?;
        let mut unit = format!("[Unit]\nDescription=Portlama agent {label}\n");
        if self.user.is_some() {
            unit += "Wants=network-online.target\nAfter=network-online.target\n";
        }
        // It never gives up: a server that is away for a week is no reason to stay away.
        unit += "StartLimitIntervalSec=0\n\n[Service]\nType=exec\n";
        // Writing to a string cannot fail.
        let _ = writeln!(unit, "ExecStart={command}");
        for (name, value) in service.variables()? {
            let _ = writeln!(unit, "Environment={}", quoted(&format!("{name}={value}")));
        }
        unit += "Restart=always\nRestartSec=2\nTimeoutStopSec=30\n";
        if let Some(owner) = self.owner_line() {
            unit += &owner;
            let home = text_of("the path of the agents' directory", &service.home)?;
            // Here systemd takes quotes away and leaves escapes.
            let home = without_quotes("the path of the agents' directory", &home)?;
            let _ = writeln!(unit, "ReadWritePaths={}", quoted(home));
        }
        unit += SANDBOX;
        if self.user.is_some() {
            unit += SYSTEM_SANDBOX;
        }
        let target = if self.user.is_some() {
            "multi-user.target"
        } else {
            "default.target"
        };
        let _ = write!(unit, "\n[Install]\nWantedBy={target}\n");
        Ok(unit)
    }

    fn marks(&self, home: &Path) -> Result<Vec<String>, CannotStand> {
        let home = text_of("the path of the agents' directory", home)?;
        let words = [quoted("--home"), argument(&home)].join(" ");
        let owner = self.owner_line().map(|line| format!("\n{line}"));
        Ok(owner.into_iter().chain([words]).collect())
    }

    fn load(&self, label: &AgentLabel) -> Vec<Order> {
        let unit = self.unit(label);
        vec![
            self.systemctl(["daemon-reload"]),
            self.systemctl(["enable", &unit]),
            self.systemctl(["restart", &unit]),
        ]
    }

    fn restart(&self, label: &AgentLabel) -> Vec<Order> {
        vec![self.systemctl(["restart", &self.unit(label)])]
    }

    fn unload(&self, label: &AgentLabel) -> Vec<Order> {
        vec![self.systemctl(["disable", "--now", &self.unit(label)])]
    }

    fn forget(&self, label: &AgentLabel) -> Vec<Order> {
        vec![
            self.systemctl(["daemon-reload"]),
            // A unit that failed is remembered until somebody says otherwise.
            self.systemctl(["reset-failed", &self.unit(label)])
                .may_fail(),
        ]
    }

    fn ask(&self, label: &AgentLabel) -> Order {
        let properties = "--property=LoadState,UnitFileState,ActiveState,SubState,MainPID";
        self.systemctl(["show", properties, &self.unit(label)])
    }

    fn state(&self, answer: &Said) -> ServiceState {
        let value = |name: &str| {
            let mut pairs = answer
                .stdout
                .lines()
                .filter_map(|line| line.split_once('='));
            pairs
                .find(|(known, _)| *known == name)
                .map_or("", |(_, value)| value.trim())
        };
        let active = value("ActiveState");
        ServiceState {
            loaded: value("LoadState") == "loaded",
            enabled: value("UnitFileState") == "enabled",
            running: active == "active",
            pid: value("MainPID").parse().ok().filter(|pid| *pid > 0),
            words: match (active, value("SubState")) {
                ("", _) => "unknown".to_owned(),
                (active, "") => active.to_owned(),
                (active, sub) => format!("{active} ({sub})"),
            },
        }
    }

    fn journal(&self, label: &AgentLabel) -> Option<Vec<String>> {
        // Not `--user`, which looks into files of this user alone: where the journal is kept in
        // memory there are none.
        let which = if self.user.is_some() {
            "--unit"
        } else {
            "--user-unit"
        };
        Some(vec![format!("{which}={}", self.unit(label))])
    }
}

/// A command line whose words arrive as they are.
fn command_line(words: &[String]) -> Result<String, CannotStand> {
    let (program, arguments) = words.split_first().expect("a program");
    // systemd refuses such a program whatever the quoting. Variables it replaces in arguments
    // alone, so a `$` in the program's path is itself.
    let mut line = quoted(without_quotes("the program's path", program)?);
    for word in arguments {
        line.push(' ');
        line += &argument(word);
    }
    Ok(line)
}

/// One word behind a program, without variables.
fn argument(word: &str) -> String {
    quoted(&word.replace('$', "$$"))
}

fn without_quotes<'text>(what: &'static str, text: &'text str) -> Result<&'text str, CannotStand> {
    if text.contains(['"', '\'', '\\']) {
        return Err(CannotStand {
            what,
            value: text.to_owned(),
            forbidden: "quotes and backslashes",
        });
    }
    Ok(text)
}

/// One word, without specifiers.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('%', "%%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label() -> AgentLabel {
        "attic".parse().expect("valid")
    }

    #[test]
    fn a_running_unit_is_read_with_its_process() {
        let said = |stdout: &str| Said {
            success: true,
            stdout: stdout.to_owned(),
            stderr: String::new(),
        };
        let systemd = Systemd::of_person(Path::new("/home/mira"));
        let state = systemd.state(&said(
            "MainPID=4711\nLoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\n",
        ));
        let expected = ServiceState {
            loaded: true,
            enabled: true,
            running: true,
            pid: Some(4711),
            words: "active (running)".to_owned(),
        };
        assert_eq!(state, expected);
        let state = systemd.state(&said(
            "MainPID=0\nLoadState=not-found\nActiveState=inactive\nSubState=dead\nUnitFileState=\n",
        ));
        assert!(!state.loaded && !state.enabled && !state.running && state.pid.is_none());
        assert_eq!(systemd.state(&Said::default()).words, "unknown");
    }

    #[test]
    fn each_systemd_has_its_own_place_and_its_own_orders() {
        let own = Systemd::of_person(Path::new("/home/mira"));
        let place = "/home/mira/.config/systemd/user/portlama-agent-attic.service";
        assert_eq!(own.file(&label()), Path::new(place));
        let machine = Systemd::of_machine("mira");
        let place = "/etc/systemd/system/portlama-agent-attic.service";
        assert_eq!(machine.file(&label()), Path::new(place));
        let asks = |manager: &Systemd, word: &str| {
            let orders = [
                manager.load(&label()),
                manager.unload(&label()),
                manager.forget(&label()),
            ];
            assert!(
                orders
                    .concat()
                    .iter()
                    .all(|order| order.arguments[0] == word)
            );
        };
        asks(&own, "--user");
        asks(&machine, "--system");
    }

    #[test]
    fn the_machines_unit_runs_as_the_person_without_rights() {
        let service = Service {
            label: label(),
            program: "/usr/local/bin/portlama".into(),
            home: "/home/mira/.portlama".into(),
            environment: std::collections::BTreeMap::new(),
        };
        let unit = Systemd::of_machine("mira")
            .render(&service)
            .expect("a unit");
        for line in [
            "User=mira",
            "CapabilityBoundingSet=",
            "ReadWritePaths=\"/home/mira/.portlama\"",
            "WantedBy=multi-user.target",
        ] {
            assert!(unit.lines().any(|known| known == line), "{line}: {unit}");
        }
        let own = Systemd::of_person(Path::new("/home/mira"));
        let unit = own.render(&service).expect("a unit");
        // The person's systemd can neither change users nor make mounts.
        for word in ["User=", "Protect", "Private", "Capabilit"] {
            assert!(!unit.contains(word), "{word}: {unit}");
        }
    }

    #[test]
    fn a_program_that_systemd_would_refuse_is_refused_first() {
        let service = Service {
            label: label(),
            program: "/opt/my \"own\"/portlama".into(),
            home: "/home/mira/.portlama".into(),
            environment: std::collections::BTreeMap::new(),
        };
        let error = Systemd::of_machine("mira")
            .render(&service)
            .expect_err("no");
        assert!(error.to_string().contains("quotes"), "{error}");
    }
}
