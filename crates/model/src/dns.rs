//! Where names are looked up.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::ParseError;

/// The port of a resolver when none is said (RFC 1035 §4.2).
pub const DNS_PORT: u16 = 53;

/// `dns` of `panel.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsSettings {
    /// The resolvers that are asked, each by itself; the machine's own when the list is empty.
    #[serde(default)]
    pub resolvers: Vec<ResolverAddress>,
}

/// The address of a resolver: `203.0.113.1`, `203.0.113.1:5353` or `[2001:db8::1]:53`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResolverAddress(SocketAddr);

impl ResolverAddress {
    /// Where to send questions.
    #[must_use]
    pub fn socket(self) -> SocketAddr {
        self.0
    }
}

impl From<SocketAddr> for ResolverAddress {
    fn from(address: SocketAddr) -> Self {
        Self(address)
    }
}

impl std::str::FromStr for ResolverAddress {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bare = text.parse().map(|ip: IpAddr| SocketAddr::new(ip, DNS_PORT));
        let address = bare.or_else(|_| text.parse());
        match address {
            Ok(address) if address.port() != 0 && !address.ip().is_unspecified() => {
                Ok(Self(address))
            }
            _ => Err(ParseError(
                "must be the address of a resolver such as 203.0.113.1, 203.0.113.1:53 or [2001:db8::1]:53",
            )),
        }
    }
}

impl TryFrom<String> for ResolverAddress {
    type Error = ParseError;
    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<ResolverAddress> for String {
    fn from(address: ResolverAddress) -> Self {
        address.to_string()
    }
}

impl std::fmt::Display for ResolverAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolver_has_port_53_unless_another_is_said() {
        for (text, whole) in [
            ("203.0.113.1", "203.0.113.1:53"),
            ("203.0.113.1:5353", "203.0.113.1:5353"),
            ("2001:db8::1", "[2001:db8::1]:53"),
            ("[2001:db8::1]:5353", "[2001:db8::1]:5353"),
        ] {
            let address: ResolverAddress = text.parse().expect("valid");
            assert_eq!(address.to_string(), whole);
            assert_eq!(whole.parse(), Ok(address), "what is stored is read again");
        }
        for bad in ["", "dns.example.org", "203.0.113.1:0", "0.0.0.0", "1.2.3"] {
            assert!(bad.parse::<ResolverAddress>().is_err(), "{bad}");
        }
    }
}
