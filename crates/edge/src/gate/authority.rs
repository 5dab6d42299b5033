//! Host and port as requests spell them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::GateError;

/// The longest host name, octets (RFC 1035 §2.3.4), without a trailing dot.
const MAX_NAME_BYTES: usize = 253;

/// The host of a request in the one spelling in which hosts are looked up.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "on the stack, so that looking a host up allocates nothing"
)]
pub enum Host {
    /// A DNS name in lower case without a trailing dot.
    Name(Name),
    /// An address.
    Ip(IpAddr),
}

impl Host {
    /// The name, unless it is an address.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name.as_str()),
            Self::Ip(_) => None,
        }
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name.as_str()),
            Self::Ip(IpAddr::V4(ip)) => ip.fmt(f),
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
        }
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// A DNS name on the stack: looking a host up allocates nothing.
#[derive(Clone, Copy)]
pub struct Name {
    octets: [u8; MAX_NAME_BYTES],
    len: u8,
}

impl Name {
    /// Parses letters, digits, hyphens and dots in any case, with or without one trailing dot.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = text.strip_suffix(b".").unwrap_or(text);
        let mut octets = [0; MAX_NAME_BYTES];
        let mut label = 0_usize;
        for (to, from) in octets.get_mut(..text.len())?.iter_mut().zip(text) {
            *to = from.to_ascii_lowercase();
            label = match from {
                b'.' if label == 0 => return None,
                b'.' => 0,
                b'-' if label == 0 => return None,
                _ if from.is_ascii_alphanumeric() || *from == b'-' => label + 1,
                _ => return None,
            };
            if label > 63 {
                return None;
            }
        }
        let len = u8::try_from(text.len()).ok()?;
        (label > 0).then_some(Self { octets, len })
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let octets = self.octets.get(..usize::from(self.len));
        octets
            .and_then(|o| std::str::from_utf8(o).ok())
            .unwrap_or_default()
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Name {}

impl std::fmt::Debug for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// `host[:port]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authority {
    /// The host.
    pub host: Host,
    /// The port, if one was given.
    pub port: Option<u16>,
}

impl Authority {
    /// Parses what may stand in `Host` and `:authority`: no user, no empty port, and no
    /// spelling of an address besides the usual one.
    ///
    /// # Errors
    /// [`GateError::Host`].
    pub fn parse(text: &[u8]) -> Result<Self, GateError> {
        let (host, port) = if text.first() == Some(&b'[') {
            let end = text
                .iter()
                .position(|b| *b == b']')
                .ok_or(GateError::Host)?;
            let (host, rest) = text.split_at_checked(end + 1).ok_or(GateError::Host)?;
            (host, rest)
        } else {
            let end = text.iter().position(|b| *b == b':').unwrap_or(text.len());
            text.split_at_checked(end).ok_or(GateError::Host)?
        };
        Ok(Self {
            host: parse_host(host).ok_or(GateError::Host)?,
            port: parse_port(port)?,
        })
    }
}

fn parse_host(text: &[u8]) -> Option<Host> {
    if let Some(v6) = text.strip_prefix(b"[") {
        let v6 = std::str::from_utf8(v6.strip_suffix(b"]")?).ok()?;
        return Some(Host::Ip(IpAddr::V6(v6.parse::<Ipv6Addr>().ok()?)));
    }
    let ends_in_digit = text.last().is_some_and(u8::is_ascii_digit);
    if let Some(v4) = std::str::from_utf8(text)
        .ok()?
        .parse::<Ipv4Addr>()
        .ok()
        .filter(|_| ends_in_digit)
    {
        return Some(Host::Ip(IpAddr::V4(v4)));
    }
    let name = Name::parse(text)?;
    // `127.1` and `0x7f.1` are addresses to some parsers and names to others (WHATWG URL, host
    // parser: a last label that is a number makes the host an address).
    let last = name.as_str().rsplit('.').next().unwrap_or_default();
    let numeric = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x");
    (!numeric).then_some(Host::Name(name))
}

fn parse_port(text: &[u8]) -> Result<Option<u16>, GateError> {
    let Some(digits) = text.strip_prefix(b":") else {
        return if text.is_empty() {
            Ok(None)
        } else {
            Err(GateError::Host)
        };
    };
    if digits.is_empty() || digits.len() > 5 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(GateError::Host);
    }
    let text = std::str::from_utf8(digits).map_err(|_| GateError::Host)?;
    text.parse().map(Some).map_err(|_| GateError::Host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_in_lower_case_without_the_root_dot() {
        let authority = Authority::parse(b"WiKi.Example.org.:8443").expect("valid");
        assert_eq!(authority.host.name(), Some("wiki.example.org"));
        assert_eq!(authority.port, Some(8443));
    }

    #[test]
    fn addresses_are_told_from_names() {
        let ip = |text: &[u8]| Authority::parse(text).map(|a| a.host);
        assert_eq!(
            ip(b"198.51.100.7:9292"),
            Ok(Host::Ip([198, 51, 100, 7].into()))
        );
        assert_eq!(ip(b"[::1]:9292"), Ok(Host::Ip(Ipv6Addr::LOCALHOST.into())));
    }

    #[test]
    fn refuses_what_two_parsers_would_read_differently() {
        let bad: [&[u8]; 22] = [
            b"",
            b".",
            b"a..b",
            b"a b",
            b"user@a.b",
            b"a.b:",
            b"a.b:+1",
            b"a.b:65536",
            b"a.b:1:2",
            b"a.b/",
            b"a.b?x",
            b"a.b#x",
            b"a,b",
            b"a_b.c",
            b"-a.b",
            b"127.1",
            b"0x7f.0x1",
            b"[::1",
            b"[::1]x",
            b"::1",
            b"a.b\0",
            b"\xc3\xa4.b",
        ];
        for text in bad {
            assert_eq!(
                Authority::parse(text),
                Err(GateError::Host),
                "{}",
                text.escape_ascii()
            );
        }
        assert!(Authority::parse(&[b'a'; 64]).is_err());
        assert!(Authority::parse("a.".repeat(127).as_bytes()).is_ok());
        assert!(Authority::parse(format!("{}bc", "a.".repeat(126)).as_bytes()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics_and_round_trips(text in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            if let Ok(authority) = Authority::parse(&text) {
                let again = authority.host.to_string();
                proptest::prop_assert_eq!(Authority::parse(again.as_bytes()).map(|a| a.host), Ok(authority.host));
            }
        }
    }
}
