//! The way back from manifest and facts, without a machine.

use super::super::facts::{Facts, SshFacts};
use super::super::manifest::{MANIFEST, Manifest};
use super::super::steps::{kernel, ssh, swap, units};
use super::super::{Action, PROGRAM, STATE_DIR, Step, Work};
use super::*;

const ALL: RemovalOptions = RemovalOptions {
    keep_data: false,
    all: true,
};
const SOME: RemovalOptions = RemovalOptions {
    keep_data: false,
    all: false,
};
const KEEPING: RemovalOptions = RemovalOptions {
    keep_data: true,
    all: false,
};

/// A machine on which everything was installed.
fn installed() -> Facts {
    let text = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    let mut facts = Facts {
        is_root: true,
        has_user: true,
        ssh: Some(SshFacts {
            ports: vec![22],
            ..SshFacts::default()
        }),
        manifest: Manifest {
            written_by: "1.0.0".to_owned(),
            files: text(&[
                PROGRAM,
                units::SERVICE,
                units::SOCKET,
                kernel::SETTINGS,
                ssh::DROP_IN,
                swap::UNIT,
                swap::FILE,
                "/etc/fail2ban/jail.d/portlama.local",
                "/etc/elsewhere",
            ]),
            packages: text(&["fail2ban", "ufw"]),
            firewall_rules: text(&["ufw allow 22/tcp", "ufw allow 443/tcp"]),
            firewall_enabled: true,
            user: true,
            ..Manifest::default()
        },
        ..Facts::default()
    };
    facts.state.exists = true;
    facts.firewall.active = true;
    facts.firewall.rules = facts.manifest.firewall_rules.iter().cloned().collect();
    facts
}

fn taken(facts: &Facts, options: RemovalOptions) -> Vec<TakeBack> {
    let actions = |step: Step| match step.work {
        Work::Do(actions) => actions,
        work => panic!("{work:?}"),
    };
    let steps = plan_removal(facts, options).into_iter();
    let actions = steps.flat_map(actions);
    actions
        .filter_map(|action| match action {
            Action::TakeBack(what) => Some(what),
            _ => None,
        })
        .collect()
}

fn files(taken: &[TakeBack]) -> Vec<&str> {
    let lists = taken.iter().filter_map(|what| match what {
        TakeBack::Files(files) => Some(files),
        _ => None,
    });
    lists.flatten().map(String::as_str).collect()
}

fn stays(facts: &Facts, options: RemovalOptions) -> String {
    let all = remains(facts, options).into_iter();
    all.map(|left| left.what).collect::<Vec<_>>().join("\n")
}

#[test]
fn takes_back_every_file_of_the_manifest_and_the_program_nearly_last() {
    let facts = installed();
    let taken = taken(&facts, ALL);
    let mut gone = files(&taken);
    assert_eq!(gone.last(), Some(&PROGRAM));
    assert!(taken.contains(&TakeBack::SshDropIn));
    gone.push(ssh::DROP_IN);
    gone.sort_unstable();
    let added: Vec<_> = facts.manifest.files.iter().map(String::as_str).collect();
    assert_eq!(gone, added);
    assert!(taken.contains(&TakeBack::State) && taken.contains(&TakeBack::User));
    assert!(matches!(&taken[0], TakeBack::Units(units) if units.len() == 2));
    assert_eq!(taken.last(), Some(&TakeBack::Record));
    assert_eq!(stays(&facts, ALL), "kernel settings that are in force");
}

#[test]
fn packages_and_the_hardening_of_ssh_stay_unless_all_is_said() {
    let facts = installed();
    let taken = taken(&facts, SOME);
    assert!(!taken.contains(&TakeBack::SshDropIn));
    assert!(
        !taken
            .iter()
            .any(|what| matches!(what, TakeBack::Packages(_)))
    );
    let stays = stays(&facts, SOME);
    for word in [ssh::DROP_IN, "fail2ban, ufw", MANIFEST] {
        assert!(stays.contains(word), "{stays}");
    }
}

#[test]
fn data_that_is_kept_keeps_its_owner() {
    let facts = installed();
    let taken = taken(&facts, KEEPING);
    assert!(!taken.contains(&TakeBack::State) && !taken.contains(&TakeBack::User));
    let stays = stays(&facts, KEEPING);
    assert!(
        stays.contains(STATE_DIR) && stays.contains("user portlama"),
        "{stays}"
    );
}

#[test]
fn states_that_a_restore_set_aside_stay_named_and_are_roots() {
    const ASIDE: &str = "/etc/portlama.before-20270202T080000Z";
    const SNAPSHOTS: &str = "/var/lib/portlama/snapshots";
    let mut facts = installed();
    facts.state.aside = vec![ASIDE.to_owned()];
    facts.state.has_snapshots = true;
    let user = |options| {
        let mut steps = plan_removal(&facts, options).into_iter();
        steps.find(|step| step.key == "user").map(|step| step.work)
    };
    let closed = Action::run(&format!("chown -R --no-dereference root:root {ASIDE}"));
    let gone = Action::TakeBack(TakeBack::User);
    for options in [ALL, SOME] {
        assert_eq!(
            user(options),
            Some(Work::Do(vec![closed.clone(), gone.clone()]))
        );
        let stays = stays(&facts, options);
        assert!(
            stays.contains(ASIDE) && !stays.contains(SNAPSHOTS),
            "{stays}"
        );
    }
    assert_eq!(user(KEEPING), None, "its owner stays");
    let stays = stays(&facts, KEEPING);
    assert!(
        stays.contains(ASIDE) && stays.contains(SNAPSHOTS),
        "{stays}"
    );
}

#[test]
fn a_firewall_is_off_before_its_rule_for_ssh_goes() {
    let taken = taken(&installed(), SOME);
    let place = |what: &TakeBack| taken.iter().position(|taken| taken == what);
    let off = place(&TakeBack::Firewall).expect("it was switched on");
    let ssh = place(&TakeBack::FirewallRule("ufw allow 22/tcp".to_owned()));
    assert!(off < ssh.expect("it was added"));
}

#[test]
fn a_firewall_of_the_operator_keeps_the_rule_for_ssh_that_is_its_only_one() {
    let mut facts = installed();
    facts.manifest.firewall_enabled = false;
    let kept = TakeBack::KeepFirewallRule("ufw allow 22/tcp".to_owned());
    let found = taken(&facts, ALL);
    assert!(found.contains(&kept), "{found:?}");
    assert!(found.contains(&TakeBack::FirewallRule("ufw allow 443/tcp".to_owned())));
    assert!(!found.contains(&TakeBack::Firewall));
    // It filters by its owner's will, so its package stays as well.
    assert!(found.contains(&TakeBack::Packages(vec!["fail2ban".to_owned()])));
    assert!(stays(&facts, ALL).contains("ufw allow 22/tcp"));
    let theirs = "ufw allow from 203.0.113.0/24 to any port 22 proto tcp";
    facts.firewall.rules.push(theirs.to_owned());
    assert!(!taken(&facts, ALL).contains(&kept));
}

#[test]
fn without_a_manifest_nothing_is_anybodys_to_take_back() {
    let mut facts = installed();
    facts.manifest = Manifest::default();
    assert!(plan_removal(&facts, ALL).is_empty());
    assert!(remains(&facts, KEEPING).is_empty());
}

#[test]
fn what_is_gone_already_is_not_asked_for_again() {
    let mut facts = installed();
    facts.manifest = Manifest {
        written_by: "1.0.0".to_owned(),
        packages: ["ufw".to_owned()].into(),
        ..Manifest::default()
    };
    facts.state.exists = false;
    assert_eq!(taken(&facts, SOME), [TakeBack::Record]);
}
