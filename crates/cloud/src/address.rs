//! Which addresses a server that somebody adds may have: public ones.
//!
//! Whoever talks a person into adding an address must not reach what stands in that person's own
//! network. Documentation networks pass: they lead nowhere, and guides use them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is of this machine, of the network here, or of no machine.
    #[error("{address} is {kind}: a server has a public address")]
    NotPublic {
        /// The address.
        address: IpAddr,
        /// What it is.
        kind: &'static str,
    },
    /// A name that never leads to the Internet.
    #[error("`{0}` is a name of the network here: a server has a public name or address")]
    LocalName(String),
}

/// Checks an address as a literal and after a name was looked up.
///
/// # Errors
/// [`AddressError::NotPublic`].
pub fn check_public(address: IpAddr) -> Result<(), AddressError> {
    let kind = match address {
        IpAddr::V4(v4) => kind_of_v4(v4),
        IpAddr::V6(v6) => kind_of_v6(v6),
    };
    match kind {
        None => Ok(()),
        Some(kind) => Err(AddressError::NotPublic { address, kind }),
    }
}

/// Checks a host name before it is looked up.
///
/// # Errors
/// [`AddressError::LocalName`].
pub fn check_name(host: &str) -> Result<(), AddressError> {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_local = !name.contains('.')
        || matches!(last, "localhost" | "local" | "internal" | "lan" | "home")
        || name.ends_with(".home.arpa")
        // Some resolvers take such names for numbers: no top-level domain is one (RFC 1123 §2.1).
        || last.bytes().all(|b| b.is_ascii_digit())
        || last.starts_with("0x");
    match is_local {
        false => Ok(()),
        true => Err(AddressError::LocalName(host.to_owned())),
    }
}

/// Networks from the registry of special purposes (RFC 6890), but for the documentation networks.
fn kind_of_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (0, ..) => Some("no machine's address"),
        (127, ..) => Some("this machine"),
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => Some("an address of a private network"),
        (100, 64..=127, _) => Some("an address inside a provider's network"),
        (169, 254, _) => Some("an address of the network here alone"),
        (192, 0, 0) => Some("an address for protocols"),
        (198, 18..=19, _) => Some("an address for measuring networks"),
        (224..=239, ..) => Some("an address of many machines"),
        (240..=255, ..) => Some("a reserved address"),
        _ => None,
    }
}

fn kind_of_v6(address: Ipv6Addr) -> Option<&'static str> {
    if let Some(inner) = wrapped_v4(address) {
        return kind_of_v4(inner);
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("no machine's address"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("this machine"),
        [0xfc00..=0xfdff, ..] => Some("an address of a private network"),
        [0xfe80..=0xfebf, ..] => Some("an address of the network here alone"),
        [0xfec0..=0xfeff, ..] => Some("an address of a private network"),
        [0xff00..=0xffff, ..] => Some("an address of many machines"),
        [0x0100, 0, 0, 0, ..] => Some("an address that swallows everything"),
        _ => None,
    }
}

/// The IPv4 address inside: mapped and compatible (RFC 4291 §2.5.5), 6to4 (RFC 3056), NAT64
/// (RFC 6052), Teredo's server is public by itself.
fn wrapped_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_and_documentation_addresses_pass() {
        for text in [
            "8.8.8.8",
            "192.0.2.1",
            "198.51.100.7",
            "203.0.113.42",
            "172.15.255.255",
            "172.32.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "198.17.0.1",
            "198.20.0.1",
            "2001:db8::1",
            "2a03:b0c0::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            let address = text.parse().expect("an address");
            assert_eq!(check_public(address), Ok(()), "{text}");
        }
    }

    #[test]
    fn addresses_that_lead_home_are_refused_in_every_spelling() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::10.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2002:c0a8:101::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
        ] {
            let address = text.parse().expect("an address");
            assert!(check_public(address).is_err(), "{text}");
        }
    }

    #[test]
    fn names_of_the_network_here_are_refused() {
        for name in [
            "localhost",
            "app.localhost",
            "nas.local",
            "nas.local.",
            "db.internal",
            "router",
            "x.home.arpa",
            "1.2.3",
            "0x7f.0x1",
            "example.0x1",
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
        for name in [
            "panel.example.org",
            "panel.example.org.",
            "xn--bcher-kva.example",
        ] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
    }
}
