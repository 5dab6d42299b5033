//! What follows from a state, whatever the state is.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Arc;

use portlama_control::{desired, desired_after};
use portlama_model::{
    AccessMode, AdminIdentity, AgentEntry, CertificateAuthority, HostService, Hostname, Onboarding,
    OnboardingStatus, PanelConfig, PanelTwoFactor, Registry, Revocations, Site, State, Timestamp,
    Tunnel, TunnelType, Users,
};
use proptest::prelude::*;
use serde_json::{Map, json};
use uuid::Uuid;

proptest! {
    #[test]
    fn names_of_our_own_are_never_an_apps(state in states()) {
        let served = desired(&state);
        if let (Some(domain), OnboardingStatus::Completed) = (&state.panel.domain, served.onboarding) {
            prop_assert_eq!(&served.hosts[&domain.panel()], &HostService::Panel);
            prop_assert_eq!(&served.hosts[&domain.auth()], &HostService::Portal);
            prop_assert_eq!(&served.hosts[&domain.tunnel()], &HostService::Tunnel);
        }
    }

    #[test]
    fn nothing_is_served_before_the_first_set_up_ends(state in states()) {
        let complete = state.panel.domain.is_some() && state.panel.onboarding.status == OnboardingStatus::Completed;
        prop_assert_eq!(desired(&state).hosts.is_empty(), !complete);
    }

    #[test]
    fn an_app_is_as_open_as_its_record_and_never_more(state in states()) {
        for (host, service) in desired(&state).hosts.iter() {
            let HostService::App(route) = service else { continue };
            let record = state.tunnels.iter().find(|tunnel| tunnel.fqdn == *host).unwrap();
            prop_assert_eq!(record.kind, TunnelType::App);
            prop_assert_eq!(route.tunnel, record.id);
            prop_assert_eq!(route.enabled, record.enabled);
            prop_assert_eq!(route.access == AccessMode::Public, record.access_mode == Some(AccessMode::Public));
            prop_assert_eq!(route.allow_cross_site, record.allow_cross_site);
        }
    }

    #[test]
    fn only_live_agents_serve(state in states()) {
        let live: BTreeSet<_> =
            state.registry.agents.iter().filter(|agent| !agent.revoked).map(|agent| &agent.label).collect();
        for service in desired(&state).hosts.values() {
            let HostService::App(route) = service else { continue };
            if let Some(target) = &route.target {
                prop_assert!(live.contains(&target.agent));
            }
        }
    }

    #[test]
    fn one_tunnel_more_changes_one_host_at_most(state in states(), more in tunnel()) {
        let before = desired(&state).hosts;
        let mut with = state;
        with.tunnels.push(more.clone().into());
        let after = desired(&with).hosts;
        let differing: BTreeSet<&Hostname> =
            before.keys().chain(after.keys()).filter(|host| before.get(*host) != after.get(*host)).collect();
        prop_assert!(differing.is_empty() || differing == BTreeSet::from([&more.fqdn]));
    }
}

proptest! {
    #[test]
    fn what_follows_after_a_change_is_what_follows_anew(
        before in states(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), tunnel()), 0..6),
        other in states(),
        keep_rules in any::<bool>(),
    ) {
        let mut after = before.clone();
        for (index, put, tunnel) in changes {
            match (put, after.tunnels.len()) {
                (true, 0) => after.tunnels.push(tunnel.into()),
                (true, len) if index.index(2) == 0 => after.tunnels[index.index(len)] = tunnel.into(),
                (true, _) => after.tunnels.push(tunnel.into()),
                (false, 0) => {}
                (false, len) => drop(after.tunnels.remove(index.index(len))),
            }
        }
        if !keep_rules {
            after.panel = other.panel;
            after.registry = other.registry;
        }
        let derived = desired_after(&desired(&before), &before, &after);
        prop_assert_eq!(derived, desired(&after));
    }
}

fn states() -> impl Strategy<Value = State> {
    let panel = (
        prop::option::weighted(0.9, Just("lab.example.org")),
        onboarding(),
    );
    let agents = prop::collection::vec((label(), any::<bool>()), 0..4);
    let tunnels = prop::collection::vec(tunnel(), 0..8);
    (panel, tunnels, agents, prop::option::of(site())).prop_map(
        |((domain, status), tunnels, agents, site)| State {
            panel: PanelConfig {
                ip: [192, 0, 2, 7].into(),
                domain: domain.map(|domain| domain.parse().unwrap()),
                email: None,
                data_dir: String::new(),
                server_id: Uuid::nil(),
                max_site_size: 0,
                admin_auth_mode: Default::default(),
                admin: AdminIdentity::default(),
                certificate_authority: CertificateAuthority::Internal,
                acme: Default::default(),
                dns: Default::default(),
                releases: None,
                panel_2fa: PanelTwoFactor::default(),
                session_secret: None,
                epoch: 0,
                onboarding: Onboarding {
                    status,
                    extra: Map::new(),
                },
                extra: Map::new(),
            },
            tunnels: tunnels.into_iter().map(Arc::new).collect(),
            users: Users::default(),
            registry: Registry {
                agents: agents.into_iter().map(agent).collect(),
                extra: Map::new(),
            },
            revoked: Revocations::default(),
            sites: site.into_iter().collect(),
            invitations: vec![],
        },
    )
}

/// A site whose name a tunnel may have, too.
fn site() -> impl Strategy<Value = Site> {
    (prop::sample::select(vec!["wiki", "docs", "panel"]), any::<bool>()).prop_map(|(name, verified)| {
        let record = json!({
            "id": Uuid::nil(), "name": name, "fqdn": format!("{name}.lab.example.org"), "type": "custom",
            "dnsVerified": verified, "rootPath": "", "createdAt": Timestamp::UNIX_EPOCH,
        });
        serde_json::from_value(record).unwrap()
    })
}

fn onboarding() -> impl Strategy<Value = OnboardingStatus> {
    prop_oneof![
        4 => Just(OnboardingStatus::Completed),
        1 => Just(OnboardingStatus::Fresh),
        1 => Just(OnboardingStatus::Provisioning),
    ]
}

fn label() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["attic", "shed", "nas"])
}

fn agent((label, revoked): (&str, bool)) -> AgentEntry {
    let now = Timestamp::UNIX_EPOCH;
    let entry = json!({ "label": label, "serial": "0A", "createdAt": now, "expiresAt": now, "revoked": revoked });
    serde_json::from_value(entry).unwrap()
}

/// Records as an adopted or hand-edited file may hold them: names of our own, missing modes,
/// agents that do not exist.
fn tunnel() -> impl Strategy<Value = Tunnel> {
    let subdomain =
        prop::sample::select(vec!["wiki", "blog", "panel", "auth", "tunnel", "agent-nas"]);
    let mode = prop::option::of(prop::sample::select(vec![
        "public",
        "authenticated",
        "restricted",
    ]));
    let kind = prop::sample::select(vec!["app", "app", "panel", "plugin"]);
    let rest = (
        prop::option::of(label()),
        any::<bool>(),
        any::<bool>(),
        1024..1030_u16,
    );
    (any::<u128>(), subdomain, mode, kind, rest).prop_map(|(id, subdomain, mode, kind, (agent, enabled, cross, port))| {
        let mut record = json!({
            "id": Uuid::from_u128(id), "subdomain": subdomain, "fqdn": format!("{subdomain}.lab.example.org"),
            "port": port, "description": null, "type": kind, "enabled": enabled, "allowCrossSite": cross,
            "createdAt": Timestamp::UNIX_EPOCH,
        });
        if let Some(mode) = mode {
            record["accessMode"] = json!(mode);
        }
        if let Some(agent) = agent {
            record["agentLabel"] = json!(agent);
        }
        serde_json::from_value(record).unwrap()
    })
}
