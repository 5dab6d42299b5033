//! The plan from the facts, without a machine.

use std::net::Ipv4Addr;

use super::steps::{fail2ban, helper, packages, ssh, units};
use super::*;

const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 23));

/// A rented machine on its first day.
fn fresh() -> Facts {
    Facts {
        is_root: true,
        system: "debian 12".to_owned(),
        has_systemd: true,
        has_ipv6: true,
        address: Some(PUBLIC),
        free_disk_mib: 10_000,
        listeners: Some(vec![]),
        ssh: Some(SshFacts {
            ports: vec![22],
            reads_drop_ins: true,
            key_of: Some("root".to_owned()),
            ..SshFacts::default()
        }),
        ..Facts::default()
    }
}

fn work_of(facts: &Facts, key: &str) -> Work {
    let steps = plan(facts, &Options::default());
    let found = steps.into_iter().find(|step| step.key == key);
    found.expect("a step").work
}

fn rules_of(facts: &Facts) -> Vec<String> {
    let Work::Do(actions) = work_of(facts, "firewall") else {
        return vec![];
    };
    actions
        .into_iter()
        .filter_map(|action| match action {
            Action::FirewallRule(rule) => Some(rule),
            Action::EnableFirewall => Some("on".to_owned()),
            _ => None,
        })
        .collect()
}

fn refused(facts: &Facts, options: &Options) -> String {
    refusals(facts, options).join("\n")
}

#[test]
fn a_fresh_machine_gets_every_step_and_a_finished_one_none() {
    let mut facts = fresh();
    assert_eq!(refused(&facts, &Options::default()), "");
    for step in plan(&facts, &Options::default()) {
        assert!(matches!(step.work, Work::Do(_)), "{step:?}");
        finish(&mut facts, &step);
    }
    assert_eq!(refused(&facts, &Options::default()), "");
    for step in plan(&facts, &Options::default()) {
        assert_eq!(step.work, Work::Nothing, "{}", step.key);
    }
}

/// What the machine would say after the step.
fn finish(facts: &mut Facts, step: &Step) {
    let Work::Do(actions) = &step.work else {
        return;
    };
    for action in actions {
        match action {
            Action::Packages(names) => {
                facts
                    .packages
                    .extend(names.iter().map(|name| (*name).to_owned()));
            }
            Action::User => facts.has_user = true,
            Action::Program => facts.has_program = true,
            Action::State { ip, server } => facts.state.server = Some(made(*ip, server)),
            Action::File { path, text } => put(facts, path, text),
            Action::SshDropIn(text) => put(facts, ssh::DROP_IN, text),
            Action::FirewallRule(rule) => facts.firewall.rules.push(rule.clone()),
            Action::EnableFirewall => facts.firewall.active = true,
            Action::Remove(path) => {
                facts.files.remove(*path);
                facts.manifest.files.remove(*path);
            }
            Action::TakeBack(_) | Action::Run(_) | Action::Say(_) => {}
        }
    }
    match step.key {
        "state" => facts.state.is_closed = true,
        "units" => facts.service.enabled = true,
        "helper" => facts.service.helper = true,
        "swap" => facts.swap = Swap::Some,
        "fail2ban" => facts.fail2ban_runs = true,
        "start" => facts.service.current = true,
        _ => {}
    }
}

fn made(ip: IpAddr, server: &NewServer) -> ServerFacts {
    ServerFacts {
        ip,
        domain: server.domain.as_ref().map(ToString::to_string),
        email: server.email.as_ref().map(ToString::to_string),
        certificate_authority: Some("acme".to_owned()),
        acme_directory: Some(server.acme.directory.clone()),
        admin_keys: vec![],
    }
}

fn put(facts: &mut Facts, path: &str, text: &str) {
    facts.files.insert(path.to_owned(), text.to_owned());
    facts.manifest.files.insert(path.to_owned());
}

#[test]
fn a_step_that_was_cut_short_is_done_again_whole() {
    let mut facts = fresh();
    for step in plan(&facts, &Options::default()) {
        finish(&mut facts, &step);
    }
    for key in [
        "state", "units", "helper", "kernel", "ssh", "fail2ban", "bans", "start",
    ] {
        facts.manifest.under_way = Some(key.to_owned());
        assert!(matches!(work_of(&facts, key), Work::Do(_)), "{key}");
    }
}

#[test]
fn never_makes_swap_in_a_container() {
    let mut facts = fresh();
    facts.container = Some("systemd-nspawn".to_owned());
    assert!(matches!(work_of(&facts, "swap"), Work::Skip(why) if why.contains("container")));
}

#[test]
fn refuses_what_it_does_not_know_and_names_who_is_in_the_way() {
    let none = Options::default();
    let with = |change: fn(&mut Facts)| {
        let mut facts = fresh();
        change(&mut facts);
        refused(&facts, &none)
    };
    assert!(with(|f| f.is_root = false).contains("root"));
    assert!(with(|f| f.system = "fedora 42".to_owned()).contains("fedora 42"));
    assert!(with(|f| f.has_systemd = false).contains("systemd"));
    assert!(with(|f| f.free_disk_mib = 100).contains("100 MiB"));
    assert!(with(|f| f.listeners = None).contains("iproute2"));
    assert!(with(|f| f.address = None).contains("--ip"));
    assert!(with(|f| f.address = "10.0.0.7".parse().ok()).contains("10.0.0.7"));
    assert!(with(|f| f.address = "100.64.0.7".parse().ok()).contains("--ip"));
    let foreign = with(|f| {
        f.files
            .insert(units::SERVICE.to_owned(), "[Unit]".to_owned());
    });
    assert!(foreign.contains(units::SERVICE), "{foreign}");
    let taken = with(|f| {
        f.listeners = Some(vec![Listener {
            port: 443,
            owner: "nginx (process 7)".to_owned(),
            is_ours: false,
        }]);
    });
    assert!(
        taken.contains("443") && taken.contains("nginx (process 7)"),
        "{taken}"
    );
}

#[test]
fn keeps_the_address_of_a_server_that_is_there() {
    let mut facts = fresh();
    facts.state.server = Some(made(PUBLIC, &NewServer::default()));
    let other = Options {
        ip: "203.0.113.9".parse().ok(),
        ..Options::default()
    };
    assert!(refused(&facts, &other).contains("leave `--ip` out"));
    let Work::Do(actions) = work_of(&facts, "state") else {
        panic!("the directory is still root's");
    };
    assert!(
        !actions
            .iter()
            .any(|action| matches!(action, Action::State { .. }))
    );
}

#[test]
fn lets_ssh_in_before_the_firewall_is_switched_on() {
    let mut facts = fresh();
    let every = [
        "ufw allow 22/tcp",
        "ufw allow 443/tcp",
        "ufw allow 9292/tcp",
        "ufw reject 80/tcp",
        "on",
    ];
    assert_eq!(rules_of(&facts), every);
    facts.ssh.as_mut().expect("ssh").ports = vec![2222];
    assert_eq!(rules_of(&facts)[0], "ufw allow 2222/tcp");
}

#[test]
fn switches_no_firewall_on_while_it_is_not_known_where_sshd_listens() {
    let mut facts = fresh();
    let ssh = facts.ssh.as_mut().expect("ssh");
    (ssh.ports, ssh.complaint) = (vec![], Some("line 3: bad option".to_owned()));
    for key in ["firewall", "fail2ban"] {
        let work = work_of(&facts, key);
        assert!(
            matches!(&work, Work::Skip(why) if why.contains("line 3: bad option")),
            "{work:?}"
        );
    }
    // Where there is none, nobody is shut out.
    facts.ssh = None;
    assert_eq!(rules_of(&facts).last().map(String::as_str), Some("on"));
}

#[test]
fn keeps_the_rules_of_a_firewall_that_filters() {
    let mut facts = fresh();
    facts.firewall.active = true;
    facts.firewall.rules = [
        "ufw allow from 203.0.113.0/24 to any port 22 proto tcp",
        "ufw allow 80",
    ]
    .map(str::to_owned)
    .to_vec();
    assert_eq!(
        rules_of(&facts),
        ["ufw allow 443/tcp", "ufw allow 9292/tcp"]
    );
    let Work::Do(actions) = work_of(&facts, "firewall") else {
        panic!("two rules are missing");
    };
    assert!(actions.contains(&Action::Say("kept: ufw allow 80".to_owned())));
    // One that does not filter yet would keep the operator out by the same rule.
    facts.firewall.active = false;
    assert_eq!(rules_of(&facts)[0], "ufw allow 22/tcp");
    facts.firewall.rules = vec!["ufw deny 22/tcp".to_owned()];
    assert!(matches!(work_of(&facts, "firewall"), Work::Skip(why) if why.contains("deny 22")));
}

#[test]
fn leaves_another_firewall_and_a_web_server_on_port_80_alone() {
    let mut facts = fresh();
    facts.listeners = Some(vec![Listener {
        port: 80,
        owner: "apache2 (process 9)".to_owned(),
        is_ours: false,
    }]);
    assert!(!rules_of(&facts).iter().any(|rule| rule.contains("80")));
    facts.firewall.other = Some("nftables".to_owned());
    assert!(matches!(work_of(&facts, "firewall"), Work::Skip(_)));
    let Work::Do(actions) = work_of(&facts, "packages") else {
        panic!("packages are missing");
    };
    let Some(Action::Packages(names)) = actions.first() else {
        panic!("{actions:?}");
    };
    assert!(!names.contains(&"ufw") && names.len() == packages::PACKAGES.len() - 1);
}

#[test]
fn takes_passwords_away_only_from_who_has_a_key() {
    let drop_in = |facts: &Facts| match work_of(facts, "ssh") {
        Work::Do(actions) => match actions.first() {
            Some(Action::SshDropIn(text)) => text.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let mut facts = fresh();
    assert!(drop_in(&facts).contains("\nPasswordAuthentication no\n"));
    facts.ssh.as_mut().expect("ssh").key_of = None;
    assert!(!drop_in(&facts).contains("PasswordAuthentication"));
    // Who installs again without a key in sight does not open them again.
    let shut = drop_in(&fresh());
    put(&mut facts, ssh::DROP_IN, &shut);
    assert_eq!(work_of(&facts, "ssh"), Work::Nothing);
    facts.manifest.under_way = Some("ssh".to_owned());
    assert_eq!(drop_in(&facts), shut);
    facts.ssh.as_mut().expect("ssh").complaint = Some("line 3".to_owned());
    assert!(matches!(work_of(&facts, "ssh"), Work::Skip(why) if why.contains("line 3")));
}

#[test]
fn without_ipv6_no_socket_asks_for_it() {
    let mut facts = fresh();
    facts.has_ipv6 = false;
    let Work::Do(actions) = work_of(&facts, "units") else {
        panic!("units are missing");
    };
    let text = actions.iter().find_map(|action| match action {
        Action::File { path, text } if *path == units::SOCKET => Some(text),
        _ => None,
    });
    let text = text.expect("a socket");
    assert!(
        text.contains("0.0.0.0:443") && !text.contains("[::]"),
        "{text}"
    );
}

#[test]
fn units_of_an_earlier_name_go_before_the_present_ones_come() {
    let mut facts = fresh();
    for path in units::EARLIER {
        put(&mut facts, path, "[Unit]");
    }
    assert_eq!(refused(&facts, &Options::default()), "");
    let Work::Do(actions) = work_of(&facts, "units") else {
        panic!("units are missing");
    };
    let done: Vec<_> = actions.iter().map(Action::describe).collect();
    assert_eq!(
        done[..4],
        [
            "run `systemctl disable --now portlama-panel.socket`",
            "remove /etc/systemd/system/portlama-panel.socket",
            "run `systemctl disable --now portlama-panel.service`",
            "remove /etc/systemd/system/portlama-panel.service",
        ]
    );
    for step in plan(&facts, &Options::default()) {
        finish(&mut facts, &step);
    }
    assert_eq!(work_of(&facts, "units"), Work::Nothing);

    facts
        .files
        .insert(units::EARLIER[1].to_owned(), "[Unit]".to_owned());
    let foreign = refused(&facts, &Options::default());
    assert!(
        foreign.contains("portlama-panel.service was not made"),
        "{foreign}"
    );
}

#[test]
fn the_program_of_a_package_stays_where_the_package_has_it() {
    let mut facts = Facts {
        is_packaged: true,
        has_program: true,
        ..fresh()
    };
    assert_eq!(work_of(&facts, "program"), Work::Nothing);
    let Work::Do(actions) = work_of(&facts, "units") else {
        panic!("units are missing");
    };
    let service = actions.iter().find_map(|action| match action {
        Action::File { path, text } if *path == units::SERVICE => Some(text),
        _ => None,
    });
    let service = service.expect("a unit");
    assert!(
        service.contains("ExecStart=/usr/bin/portlama ") && !service.contains(PROGRAM),
        "{service}"
    );
    // The copy of an earlier installation would hide it.
    facts.manifest.files.insert(PROGRAM.to_owned());
    let work = work_of(&facts, "program");
    assert_eq!(work, Work::Do(vec![Action::Remove(PROGRAM)]));
}

#[test]
fn leaves_a_jail_that_somebody_made_alone() {
    let mut facts = fresh();
    facts.has_foreign_jail = true;
    assert!(matches!(work_of(&facts, "fail2ban"), Work::Skip(_)));
    facts.has_foreign_jail = false;
    facts.ssh.as_mut().expect("ssh").ports = vec![22, 2222];
    let Work::Do(actions) = work_of(&facts, "fail2ban") else {
        panic!("a jail is missing");
    };
    let Some(Action::File { path, text }) = actions.first() else {
        panic!("{actions:?}");
    };
    assert_eq!(*path, fail2ban::JAIL);
    assert!(text.contains("port = 22,2222") && text.contains("backend = systemd"));
}

#[test]
fn the_guide_shows_the_same_helper() {
    let guide = include_str!("../../../../docs/guide/12-server.md");
    for text in [helper::SOCKET_TEXT, helper::SERVICE_TEXT] {
        assert!(guide.contains(&format!("```\n{text}```")), "{text}");
    }
}

#[test]
fn the_rule_of_an_earlier_version_is_taken_away() {
    let mut facts = fresh();
    put(&mut facts, helper::EARLIER_RULES, "polkit.addRule(");
    facts.manifest.packages.insert("polkitd".to_owned());
    assert_eq!(refused(&facts, &Options::default()), "");
    let Work::Do(actions) = work_of(&facts, "helper") else {
        panic!("the helper is missing");
    };
    let [.., Action::Remove(path), Action::Say(text)] = actions.as_slice() else {
        panic!("{actions:?}");
    };
    assert_eq!(*path, helper::EARLIER_RULES);
    assert!(text.contains("polkitd"), "{text}");
    // One that somebody else has made stays, and is told.
    facts.manifest.files.clear();
    assert!(refused(&facts, &Options::default()).contains(helper::EARLIER_RULES));
}

/// The very programs of the plan, on a small file elsewhere. Nothing is switched on.
#[cfg(target_os = "linux")]
#[test]
fn a_swap_file_is_closed_before_it_is_filled_and_is_one_that_the_kernel_knows() {
    use std::os::unix::fs::PermissionsExt as _;
    let Work::Do(actions) = work_of(&fresh(), "swap") else {
        panic!("swap is missing");
    };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("swapfile");
    std::fs::write(&file, "").expect("a file");
    let here = file.to_str().expect("UTF-8");
    let mut modes = Vec::new();
    for action in &actions {
        let Action::Run(program) = action else {
            continue;
        };
        if program.words[0] == "systemctl" {
            continue;
        }
        let line = program.line();
        let small = line
            .replace("/swapfile", here)
            .replace("count=1024", "count=2");
        Program::new(&small).run().expect(&small);
        let meta = std::fs::metadata(&file).expect("metadata");
        modes.push((meta.permissions().mode() & 0o777, meta.len()));
    }
    assert_eq!(modes[0], (0o600, 0), "closed while it is empty");
    assert_eq!(modes.last(), Some(&(0o600, 2 << 20)));
    // mkswap(8): the signature ends the first page.
    let bytes = std::fs::read(&file).expect("the file");
    assert_eq!(&bytes[4086..4096], b"SWAPSPACE2");
    let last = actions.last().map(Action::describe).unwrap_or_default();
    assert!(
        last.contains("systemctl enable --now swapfile.swap"),
        "{last}"
    );
}
