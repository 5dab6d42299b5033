//! The lab's network: one bridge, a cable to each machine, no way out.

use std::net::{Ipv4Addr, Ipv6Addr};

use anyhow::Result;

use super::lab::command;
use super::{Lab, Machine};

const BRIDGE: &str = "lab";

impl Lab {
    /// Where machines reach the test. All addresses are of ranges for documentation
    /// (RFC 5737, RFC 3849): public for programs that look, and nobody's.
    pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
    /// The same in IPv6.
    pub const ADDRESS_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
}

/// Packets that vanish without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// What the machine sends.
    FromMachine,
    /// What is sent to it.
    ToMachine,
    /// Both.
    Both,
}

/// Makes the network, with the test in it.
pub(super) fn make_bridge() -> Result<()> {
    ip("link set lo up")?;
    ip(&format!("link add {BRIDGE} type bridge"))?;
    ip(&format!("addr add {}/24 dev {BRIDGE}", Lab::ADDRESS))?;
    let v6 = Lab::ADDRESS_V6;
    ip(&format!("addr add {v6}/64 dev {BRIDGE} nodad"))?;
    ip(&format!("link set {BRIDGE} up"))
}

pub(super) fn add_address(address: Ipv4Addr) -> Result<()> {
    ip(&format!("addr add {address}/24 dev {BRIDGE}"))
}

/// The addresses of the machine with this number.
pub(super) fn addresses(number: u8) -> (Ipv4Addr, Ipv6Addr) {
    let host = 11 + number;
    let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(host));
    (Ipv4Addr::new(198, 51, 100, host), v6)
}

/// Makes a machine's network namespace, which stays when the machine restarts, with `eth0`.
pub(super) fn connect(name: &str, v4: Ipv4Addr, v6: Ipv6Addr) -> Result<()> {
    ip(&format!("netns add {name}"))?;
    add_cable(name, name, "eth0")?;
    let gateways = (Lab::ADDRESS, Lab::ADDRESS_V6);
    for inside in [
        "link set lo up".to_owned(),
        format!("addr add {v4}/24 dev eth0"),
        format!("addr add {v6}/64 dev eth0 nodad"),
        "link set eth0 up".to_owned(),
        format!("route add default via {}", gateways.0),
        format!("route add default via {}", gateways.1),
    ] {
        ip(&format!("-n {name} {inside}"))?;
    }
    Ok(())
}

/// Lays a machine's cable, which ends in a namespace as `interface`.
pub(super) fn add_cable(name: &str, namespace: &str, interface: &str) -> Result<()> {
    let cable = cable(name);
    ip(&format!(
        "link add {cable} type veth peer name {interface} netns {namespace}"
    ))?;
    ip(&format!("link set {cable} master {BRIDGE} up"))
}

impl Machine<'_> {
    /// Pulls the network cable: the machine sees that there is no link. At home it is the
    /// router's, and the machine sees nothing.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn unplug(&self) -> Result<()> {
        ip(&format!("link set {} down", cable(self.name())))
    }

    /// Plugs it in again.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn plug(&self) -> Result<()> {
        ip(&format!("link set {} up", cable(self.name())))
    }

    /// Lets packets vanish until [`deliver`](Self::deliver); nobody sees a link go down.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn lose(&self, loss: Loss) -> Result<()> {
        let hooks: &[&str] = match loss {
            Loss::FromMachine => &["ingress"],
            Loss::ToMachine => &["egress"],
            Loss::Both => &["ingress", "egress"],
        };
        let cable = cable(self.name());
        let mut rules = format!("add table netdev {cable}\n");
        for hook in hooks {
            rules += &format!(
                "add chain netdev {cable} {hook} \
                 {{ type filter hook {hook} device \"{cable}\" priority 0; policy drop; }}\n"
            );
        }
        command("nft", &[&rules])
    }

    /// Ends what [`lose`](Self::lose) began.
    ///
    /// # Errors
    /// When the system refuses, or nothing was lost.
    pub fn deliver(&self) -> Result<()> {
        command("nft", &["delete", "table", "netdev", &cable(self.name())])
    }
}

/// The lab's end of a machine's cable; names of interfaces have at most 15 octets.
pub(super) fn cable(name: &str) -> String {
    format!("to-{name}")
}

pub(super) fn ip(arguments: &str) -> Result<()> {
    let arguments: Vec<&str> = arguments.split(' ').collect();
    command("ip", &arguments)
}
