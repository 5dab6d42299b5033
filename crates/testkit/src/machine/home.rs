//! Machines at home: behind a router that lets nothing in, as those are that agents run on.

use std::net::{Ipv4Addr, Ipv6Addr};

use anyhow::Result;

use super::lab::command;
use super::network::{add_cable, cable, ip};
use super::{Lab, Machine};

/// The machine's own address, the same in every home, and one that leads nowhere.
pub(super) const ADDRESSES: (Ipv4Addr, Ipv6Addr) = (
    Ipv4Addr::new(192, 168, 1, 2),
    Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2),
);
const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);

/// What the router does: everybody at home shares its address, and only answers come in.
const RULES: &str = "
table ip home {
  chain in {
    type filter hook input priority 0; policy drop;
    ct state established,related accept
    iifname != \"line\" accept
  }
  chain through {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname \"home\" accept
  }
  chain out {
    type nat hook postrouting priority 100;
    oifname \"line\" masquerade
  }
}";

/// Makes the network namespace of a machine and that of its router, whose line has this address.
pub(super) fn connect(name: &str, line: Ipv4Addr) -> Result<()> {
    let router = router(name);
    ip(&format!("netns add {router}"))?;
    ip(&format!("netns add {name}"))?;
    add_cable(name, &router, "line")?;
    ip(&format!(
        "link add eth0 netns {name} type veth peer name home netns {router}"
    ))?;
    for inside in [
        "link set lo up",
        "link set line up",
        "link set home up",
        &format!("addr add {ROUTER}/24 dev home"),
    ] {
        ip(&format!("-n {router} {inside}"))?;
    }
    let forward = "echo 1 > /proc/sys/net/ipv4/ip_forward";
    let namespace = format!("--net=/run/netns/{router}");
    command("nsenter", &[&namespace, "sh", "-c", forward])?;
    command("nsenter", &[&namespace, "nft", RULES])?;
    give_line(&router, line)?;
    for inside in [
        "link set lo up".to_owned(),
        format!("addr add {}/24 dev eth0", ADDRESSES.0),
        format!("addr add {}/64 dev eth0 nodad", ADDRESSES.1),
        "link set eth0 up".to_owned(),
        format!("route add default via {ROUTER}"),
    ] {
        ip(&format!("-n {name} {inside}"))?;
    }
    Ok(())
}

impl Machine<'_> {
    /// Gives the line of this machine's home another address, as providers do at night: what was
    /// connected under the old one is cut without a word.
    ///
    /// # Errors
    /// When the machine is not at home, or the system refuses.
    pub fn change_line(&self, address: Ipv4Addr) -> Result<()> {
        let router = router(self.name());
        ip(&format!("-n {router} addr flush dev line"))?;
        give_line(&router, address)
    }
}

fn give_line(router: &str, address: Ipv4Addr) -> Result<()> {
    ip(&format!("-n {router} addr add {address}/24 dev line"))?;
    ip(&format!(
        "-n {router} route replace default via {}",
        Lab::ADDRESS
    ))
}

fn router(name: &str) -> String {
    format!("router-{}", cable(name))
}
