//! What is to be done so that a service has a host name. Pure.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use portlama_agent::{AllowList, Target};
use portlama_api::Tunnel;
use portlama_model::{AgentLabel, Subdomain, TunnelPort};

use crate::agent::discover::{is_own_app, leads_to};

/// Where tunnel ports for services below 1024 are looked for: 80 becomes 8080, 443 becomes 8443.
const PORTS_FOR_LOW_ONES: u16 = 8000;

/// What somebody wants.
pub(super) struct Wish {
    /// The service.
    pub(super) target: Target,
    /// The name that was asked for.
    pub(super) name: Option<Subdomain>,
    /// The name if none was asked for.
    pub(super) proposed: Subdomain,
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(super) struct Plan<'a> {
    /// The tunnel port.
    pub(super) port: TunnelPort,
    /// The service it leads to.
    pub(super) target: Target,
    /// What is missing at the server.
    pub(super) step: Step<'a>,
}

/// What is missing at the server.
#[derive(Debug, PartialEq)]
pub(super) enum Step<'a> {
    /// Nothing.
    Keep(&'a Tunnel),
    /// The tunnel is there and switched off.
    SwitchOn(&'a Tunnel),
    /// A tunnel of this name.
    Make(Subdomain),
}

impl Step<'_> {
    /// The name below the domain.
    pub(super) fn name(&self) -> &Subdomain {
        match self {
            Self::Keep(tunnel) | Self::SwitchOn(tunnel) => &tunnel.subdomain,
            Self::Make(name) => name,
        }
    }
}

/// Plans on what is there. The server has the last word on names.
pub(super) fn plan<'a>(
    wish: Wish,
    tunnels: &'a [Tunnel],
    own: &AgentLabel,
    allowed: &AllowList,
) -> Result<Plan<'a>> {
    let Wish {
        target,
        name,
        proposed,
    } = wish;
    let own_tunnels = || tunnels.iter().filter(|tunnel| is_own_app(tunnel, own));
    let there = own_tunnels().find(|tunnel| leads_to(tunnel, allowed) == target);
    if let Some(tunnel) = there {
        if let Some(other) = name.filter(|name| *name != tunnel.subdomain) {
            bail!(
                "{target} has a host name already, {}: for `{other}`, take that one away first with `portlama agent tunnel remove {}`",
                tunnel.fqdn,
                tunnel.subdomain
            );
        }
        let step = if tunnel.enabled {
            Step::Keep(tunnel)
        } else {
            Step::SwitchOn(tunnel)
        };
        return Ok(Plan {
            port: tunnel.port,
            target,
            step,
        });
    }
    let name = name.unwrap_or(proposed);
    if let Some(taken) = tunnels.iter().find(|tunnel| tunnel.subdomain == name) {
        bail!(
            "{} is taken: choose another name with --as NAME",
            taken.fqdn
        );
    }
    let taken: BTreeSet<TunnelPort> = own_tunnels().map(|tunnel| tunnel.port).collect();
    Ok(Plan {
        port: port(&target, &taken, allowed)?,
        target,
        step: Step::Make(name),
    })
}

/// The port that leads there already, else the service's own, else the next free one.
fn port(target: &Target, taken: &BTreeSet<TunnelPort>, allowed: &AllowList) -> Result<TunnelPort> {
    let mut entries = allowed.entries();
    let known = entries.find(|(port, to)| *to == target && !taken.contains(port));
    if let Some((port, _)) = known {
        return Ok(port);
    }
    let is_free = |port: &TunnelPort| {
        let mut entries = allowed.entries();
        !taken.contains(port) && !entries.any(|(other, _)| other == *port)
    };
    let first = match target.port() {
        low if low < 1024 => PORTS_FOR_LOW_ONES + low,
        port => port,
    };
    let mut ports = (first..=u16::MAX).chain(1024..first);
    let free = ports.find_map(|port| TunnelPort::try_from(port).ok().filter(is_free));
    match free {
        Some(port) => Ok(port),
        None => bail!("every tunnel port of this agent is taken"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn own() -> AgentLabel {
        "attic".parse().expect("a label")
    }

    fn tunnel(name: &str, port: u16, agent: &str, enabled: bool) -> Tunnel {
        let text = json!({
            "id": "6f7f3a52-5a06-4f6c-9f2e-0d2c1d1a0b0c",
            "subdomain": name,
            "fqdn": format!("{name}.example.org"),
            "port": port,
            "description": null,
            "type": "app",
            "accessMode": "authenticated",
            "agentLabel": agent,
            "enabled": enabled,
            "createdAt": "2026-01-02T03:04:05.000Z",
        });
        serde_json::from_value(text).expect("a tunnel")
    }

    fn wish(target: &str, name: Option<&str>) -> Wish {
        Wish {
            target: target.parse().expect("a target"),
            name: name.map(|name| name.parse().expect("a name")),
            proposed: "photos".parse().expect("a name"),
        }
    }

    fn made(target: &str, tunnels: &[Tunnel], allowed: &AllowList) -> (u16, String) {
        let plan = plan(wish(target, None), tunnels, &own(), allowed).expect("a plan");
        match plan.step {
            Step::Make(name) => (plan.port.get(), name.to_string()),
            other => panic!("{other:?}"),
        }
    }

    fn port_number(number: u16) -> TunnelPort {
        number.try_into().expect("a tunnel port")
    }

    #[test]
    fn a_new_service_gets_its_own_port_and_the_proposed_name() {
        let made = made("8400", &[], &AllowList::default());
        assert_eq!(made, (8400, "photos".to_owned()));
    }

    #[test]
    fn a_port_that_cannot_be_a_tunnel_port_or_is_taken_gets_another_number() {
        let mut allowed = AllowList::default();
        assert_eq!(made("80", &[], &allowed).0, 8080);
        allowed.allow(port_number(8080), "nas:80".parse().expect("a target"));
        assert_eq!(made("80", &[], &allowed).0, 8081);
        let others = [
            tunnel("x", 8081, "attic", true),
            tunnel("y", 8082, "barn", true),
        ];
        assert_eq!(made("80", &others, &allowed).0, 8082);
        assert_eq!(
            made("nas:80", &[], &allowed).0,
            8080,
            "it is allowed already"
        );
    }

    #[test]
    fn what_is_there_is_kept_or_switched_on() {
        let mut allowed = AllowList::default();
        allowed.allow(port_number(8080), Target::localhost(80));
        let on = [tunnel("wiki", 8080, "attic", true)];
        let kept = plan(wish("80", Some("wiki")), &on, &own(), &allowed).expect("a plan");
        assert_eq!((kept.port.get(), kept.step), (8080, Step::Keep(&on[0])));
        let off = [tunnel("wiki", 8400, "attic", false)];
        let plan = plan(wish("8400", None), &off, &own(), &allowed).expect("a plan");
        assert_eq!(plan.step, Step::SwitchOn(&off[0]));
    }

    #[test]
    fn one_service_has_one_name_and_one_name_one_service() {
        let tunnels = [
            tunnel("wiki", 8400, "attic", true),
            tunnel("films", 8400, "barn", true),
        ];
        let refused = |target, name| {
            let plan = plan(wish(target, name), &tunnels, &own(), &AllowList::default());
            plan.expect_err("refused").to_string()
        };
        assert!(refused("8400", Some("notes")).contains("tunnel remove wiki"));
        assert!(refused("8500", Some("films")).contains("--as NAME"));
    }
}
