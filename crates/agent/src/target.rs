//! What a port at home leads to, and which addresses a connection may then reach.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The longest host name, octets (RFC 1035 §2.3.4, less the root label).
const MAX_NAME_BYTES: usize = 253;
/// The metadata services of clouds that are not link-local: AWS over IPv6, Alibaba, Oracle.
/// They hand out credentials to whoever reaches them.
const METADATA: [IpAddr; 3] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

/// A service at home: `localhost:8400`, `192.168.1.20:8123`, `nas.local:5000`, `[::1]:3000`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    host: TargetHost,
    port: u16,
}

/// The host of a [`Target`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TargetHost {
    /// This machine: `127.0.0.1`, and `::1` where nothing listens there.
    Localhost,
    /// Exactly this address.
    Address(IpAddr),
    /// A name, resolved at every connection.
    Name(LanName),
}

/// A host name as home networks use them: one or more labels of letters, digits, hyphens and
/// underscores, at most 253 octets, in lower case, and nothing that could be read as a number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LanName(Box<str>);

/// Why a text is not a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The form is wrong.
    #[error(
        "`{0}` is not a service: write PORT, HOST:PORT or [IPV6]:PORT, such as 8400 or nas.local:5000"
    )]
    Form(String),
    /// The address is one that is never forwarded to.
    #[error("`{address}` cannot be forwarded to: {why}")]
    Forbidden {
        /// The address.
        address: IpAddr,
        /// The rule.
        why: ForbiddenAddress,
    },
}

/// Why an address is not connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ForbiddenAddress {
    /// An entry for this machine came out somewhere else.
    #[error("it is not on this machine")]
    NotLoopback,
    /// A name came out at this machine, which only an entry for this machine may.
    #[error("it is this machine; allow it as localhost if that is meant")]
    Loopback,
    /// An entry for one address came out at another.
    #[error("it is not the address that was allowed")]
    OtherAddress,
    /// `0.0.0.0/8`, `::`.
    #[error("it is no address of a machine; for this machine write localhost")]
    Unspecified,
    /// Multicast or broadcast.
    #[error("it is a group of machines, not one")]
    Group,
    /// `169.254.0.0/16`, `fe80::/10`, where metadata services live.
    #[error("link-local addresses hold cloud metadata and are never forwarded to")]
    LinkLocal,
    /// A metadata service elsewhere.
    #[error("it is a cloud metadata service")]
    Metadata,
    /// The Portlama server, which would tunnel to itself.
    #[error("it is the Portlama server itself")]
    Server,
}

impl Target {
    /// A service of this machine.
    #[must_use]
    pub fn localhost(port: u16) -> Self {
        Self {
            host: TargetHost::Localhost,
            port,
        }
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &TargetHost {
        &self.host
    }

    /// The port, 1 to 65535.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Decides whether a connection to this target may reach `address`, which its host came
    /// out at. `server` are the known addresses of the Portlama server.
    ///
    /// # Errors
    /// The rule that forbids it.
    pub fn admits(&self, address: IpAddr, server: &[IpAddr]) -> Result<(), ForbiddenAddress> {
        let address = address.to_canonical();
        match &self.host {
            TargetHost::Localhost if address.is_loopback() => Ok(()),
            TargetHost::Localhost => Err(ForbiddenAddress::NotLoopback),
            TargetHost::Address(allowed) if *allowed != address => {
                Err(ForbiddenAddress::OtherAddress)
            }
            TargetHost::Address(allowed) if allowed.is_loopback() => Ok(()),
            TargetHost::Address(_) => check_elsewhere(address, server),
            TargetHost::Name(_) if address.is_loopback() => Err(ForbiddenAddress::Loopback),
            TargetHost::Name(_) => check_elsewhere(address, server),
        }
    }
}

/// The rules for addresses outside this machine.
fn check_elsewhere(address: IpAddr, server: &[IpAddr]) -> Result<(), ForbiddenAddress> {
    if server.iter().any(|known| known.to_canonical() == address) {
        return Err(ForbiddenAddress::Server);
    }
    check_reachable(address)?;
    match embedded_v4(address) {
        Some(v4) if v4.is_loopback() => Err(ForbiddenAddress::Loopback),
        Some(v4) => check_elsewhere(v4.into(), server),
        None => Ok(()),
    }
}

/// The rules that hold whoever asks.
fn check_reachable(address: IpAddr) -> Result<(), ForbiddenAddress> {
    if METADATA.contains(&address) {
        return Err(ForbiddenAddress::Metadata);
    }
    match address {
        IpAddr::V4(v4) if v4.octets()[0] == 0 => Err(ForbiddenAddress::Unspecified),
        IpAddr::V4(v4) if v4.is_link_local() => Err(ForbiddenAddress::LinkLocal),
        IpAddr::V4(v4) if v4.is_multicast() || v4.is_broadcast() => Err(ForbiddenAddress::Group),
        IpAddr::V6(v6) if v6.is_unspecified() => Err(ForbiddenAddress::Unspecified),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Err(ForbiddenAddress::LinkLocal),
        IpAddr::V6(v6) if v6.is_multicast() => Err(ForbiddenAddress::Group),
        IpAddr::V4(_) | IpAddr::V6(_) => Ok(()),
    }
}

/// The IPv4 address that a transition mechanism would reach through this IPv6 address:
/// NAT64 (RFC 6052 §2.1), 6to4 (RFC 3056 §2), and the old IPv4-compatible form
/// (RFC 4291 §2.5.5.1).
fn embedded_v4(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    let s = v6.segments();
    let join = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match s {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0, 0, 0, 0, 0, 0, high, low] => {
            Some(join(high, low))
        }
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let form = || TargetError::Form(text.chars().take(300).collect());
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (
                host.parse().map_err(|error| match error {
                    TargetError::Form(_) => form(),
                    other => other,
                })?,
                port,
            ),
            None => (TargetHost::Localhost, text),
        };
        Ok(Self {
            host,
            port: parse_port(port).ok_or_else(form)?,
        })
    }
}

fn parse_port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0)
}

impl FromStr for TargetHost {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let form = || TargetError::Form(text.to_owned());
        if let Some(inner) = text.strip_prefix('[') {
            let v6 = inner.strip_suffix(']').ok_or_else(form)?;
            return Self::literal(v6.parse::<Ipv6Addr>().map_err(|_| form())?.into());
        }
        if let Ok(v4) = text.parse::<Ipv4Addr>() {
            return Self::literal(v4.into());
        }
        let name = LanName::parse(text).ok_or_else(form)?;
        // RFC 6761 §6.3: names below `.localhost` are this machine, whatever a resolver says.
        if name.as_str() == "localhost" || name.as_str().ends_with(".localhost") {
            return Ok(Self::Localhost);
        }
        Ok(Self::Name(name))
    }
}

impl TargetHost {
    fn literal(address: IpAddr) -> Result<Self, TargetError> {
        let address = address.to_canonical();
        if !address.is_loopback() {
            check_elsewhere(address, &[]).map_err(|why| TargetError::Forbidden { address, why })?;
        }
        Ok(Self::Address(address))
    }
}

impl LanName {
    fn parse(text: &str) -> Option<Self> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        // Resolvers read `127.1`, `0x7f.1` and `2130706433` as addresses.
        let last = name.rsplit('.').next().unwrap_or_default();
        let number = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x");
        let valid = name.len() <= MAX_NAME_BYTES && name.split('.').all(label) && !number;
        valid.then(|| Self(name.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LanName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for TargetHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Localhost => f.write_str("localhost"),
            Self::Address(IpAddr::V4(v4)) => v4.fmt(f),
            Self::Address(IpAddr::V6(v6)) => write!(f, "[{v6}]"),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn target(text: &str) -> Target {
        text.parse().expect(text)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn a_bare_port_is_this_machine() {
        assert_eq!(target("8400"), Target::localhost(8400));
        assert_eq!(target("app.localhost:8400"), Target::localhost(8400));
    }

    #[test]
    fn refuses_what_is_no_service() {
        for bad in [
            "",
            ":",
            "0",
            "65536",
            "+80",
            "8 0",
            "nas",
            "nas:",
            ":80",
            "nas:0",
            "nas:http",
            "::1:80",
            "[::1]",
            "[::1:80",
            "[nas]:80",
            "[fe80::1%eth0]:80",
            "a b:80",
            "-nas:80",
            "nas..local:80",
            "http://nas:80",
            "nas/x:80",
            "ä:80",
            "127.1:80",
            "0x7f.1:80",
            "2130706433:80",
            "0x7f000001:80",
            "1.2.3.4.5:80",
            "0177.0.0.1:80",
        ] {
            assert!(bad.parse::<Target>().is_err(), "{bad}");
        }
    }

    #[test]
    fn forbidden_addresses_are_refused_when_written_down() {
        for bad in [
            "0.0.0.0:80",
            "0.1.2.3:80",
            "[::]:80",
            "169.254.169.254:80",
            "[::ffff:169.254.169.254]:80",
            "[fe80::1]:80",
            "224.0.0.1:80",
            "255.255.255.255:80",
            "[ff02::1]:80",
            "[fd00:ec2::254]:80",
            "100.100.100.200:80",
            "[64:ff9b::a9fe:a9fe]:80",
            "[2002:a9fe:a9fe::1]:80",
            "[64:ff9b::7f00:1]:80",
            "[::127.0.0.2]:80",
        ] {
            assert!(
                matches!(bad.parse::<Target>(), Err(TargetError::Forbidden { .. })),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_connection_reaches_only_what_its_entry_means() {
        use ForbiddenAddress::*;
        let server = [ip("198.51.100.23"), ip("2001:db8::23")];
        let table: &[(&str, &str, Result<(), ForbiddenAddress>)] = &[
            ("8400", "127.0.0.1", Ok(())),
            ("8400", "::1", Ok(())),
            ("8400", "::ffff:127.0.0.1", Ok(())),
            ("8400", "192.168.1.20", Err(NotLoopback)),
            ("127.0.0.5:80", "127.0.0.5", Ok(())),
            ("127.0.0.5:80", "127.0.0.1", Err(OtherAddress)),
            ("192.168.1.20:80", "192.168.1.20", Ok(())),
            ("192.168.1.20:80", "192.168.1.21", Err(OtherAddress)),
            ("192.168.1.20:80", "127.0.0.1", Err(OtherAddress)),
            ("[fd12::5]:80", "fd12::5", Ok(())),
            ("nas.local:80", "192.168.1.20", Ok(())),
            ("nas.local:80", "100.64.0.9", Ok(())),
            ("nas.local:80", "fd12::5", Ok(())),
            ("nas.local:80", "203.0.113.9", Ok(())),
            ("nas.local:80", "127.0.0.1", Err(Loopback)),
            ("nas.local:80", "::1", Err(Loopback)),
            ("nas.local:80", "::ffff:127.0.0.1", Err(Loopback)),
            ("nas.local:80", "64:ff9b::7f00:1", Err(Loopback)),
            ("nas.local:80", "0.0.0.0", Err(Unspecified)),
            ("nas.local:80", "::", Err(Unspecified)),
            ("nas.local:80", "169.254.169.254", Err(LinkLocal)),
            ("nas.local:80", "::ffff:169.254.169.254", Err(LinkLocal)),
            ("nas.local:80", "fe80::1", Err(LinkLocal)),
            ("nas.local:80", "2002:a9fe:a9fe::", Err(LinkLocal)),
            ("nas.local:80", "fd00:ec2::254", Err(Metadata)),
            ("nas.local:80", "224.0.0.251", Err(Group)),
            ("nas.local:80", "ff02::fb", Err(Group)),
            ("nas.local:80", "198.51.100.23", Err(Server)),
            ("nas.local:80", "::ffff:198.51.100.23", Err(Server)),
            ("nas.local:80", "2001:db8::23", Err(Server)),
            ("198.51.100.23:80", "198.51.100.23", Err(Server)),
        ];
        for (entry, address, expected) in table {
            assert_eq!(
                target(entry).admits(ip(address), &server),
                *expected,
                "{entry} at {address}"
            );
        }
    }

    #[test]
    fn a_server_on_this_machine_does_not_shut_this_machine() {
        assert_eq!(
            target("8400").admits(ip("127.0.0.1"), &[ip("127.0.0.1")]),
            Ok(())
        );
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_round_trips(text in "\\PC{0,80}") {
            if let Ok(target) = text.parse::<Target>() {
                prop_assert_eq!(target.to_string().parse(), Ok(target));
            }
        }

        #[test]
        fn names_and_addresses_round_trip(host in "[a-z][a-z0-9-]{0,20}(\\.[a-z]{1,9}){0,3}|[0-9]{1,3}(\\.[0-9]{1,3}){3}", port in 0u32..70_000) {
            if let Ok(target) = format!("{host}:{port}").parse::<Target>() {
                prop_assert_eq!(target.to_string().parse(), Ok(target));
            }
        }

        #[test]
        fn no_name_ever_leads_to_this_machine_or_a_metadata_service(bits in any::<u128>(), v4 in any::<bool>()) {
            let address: IpAddr = if v4 { Ipv4Addr::from(bits as u32).into() } else { Ipv6Addr::from(bits).into() };
            if target("nas.local:80").admits(address, &[]).is_ok() {
                let plain = address.to_canonical();
                prop_assert!(!plain.is_loopback() && !plain.is_unspecified() && !plain.is_multicast());
                if let IpAddr::V4(v4) = plain { prop_assert!(!v4.is_link_local()); }
            }
        }
    }
}
