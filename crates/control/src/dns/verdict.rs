//! Whether a name leads here, judged from what resolvers say. Pure.

use std::net::{IpAddr, SocketAddr};

use portlama_model::Hostname;

use super::ResolverAnswer;

/// Whether visitors of a name reach this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every resolver that answered sends them here. Addresses among theirs that are not ours
    /// send some visitors elsewhere.
    Here {
        /// IPv4 addresses beside ours.
        also: Vec<IpAddr>,
    },
    /// The name has no address.
    Nowhere,
    /// The name has addresses, and none is ours.
    Elsewhere {
        /// What it has.
        found: Vec<IpAddr>,
    },
    /// Our address is there, and one of the other kind that is not ours: visitors whose
    /// network prefers that kind would not reach us.
    WrongFamily {
        /// Those that are wrong.
        found: Vec<IpAddr>,
    },
    /// Some resolvers see our address and some do not.
    Disagreement {
        /// Who does not.
        resolver: SocketAddr,
        /// What it sees; empty for nothing.
        found: Vec<IpAddr>,
    },
    /// No resolver gave an answer.
    NoAnswer {
        /// The first resolver's reason.
        reason: String,
    },
}

impl Verdict {
    /// Whether visitors of both kinds of network reach us.
    #[must_use]
    pub fn is_here(&self) -> bool {
        matches!(self, Self::Here { .. })
    }

    /// What is so, and what to do about it, in a sentence or two for the owner of `host`.
    #[must_use]
    pub fn explain(&self, host: &Hostname, expected: IpAddr) -> String {
        let kind = record_kind(expected);
        match self {
            Self::Here { also } if also.is_empty() => format!("{host} leads to this server"),
            Self::Here { also } => format!(
                "{host} leads to this server, but also to {}: remove that record, or some visitors and the certificate authority end there",
                list(also)
            ),
            Self::Nowhere => {
                format!("{host} does not resolve: add an {kind} record with the value {expected}")
            }
            Self::Elsewhere { found } => format!(
                "{host} leads to {}, and this server is {expected}: change the {kind} record. If your DNS provider answers with addresses of its own (a proxied record), switch the proxy off for this name",
                list(found)
            ),
            Self::WrongFamily { found } => format!(
                "{host} leads to this server, but its {} record says {}, which is not this server: visitors whose network prefers that address would not reach it. Remove the record, or correct it",
                found
                    .first()
                    .map_or("other", |address| record_kind(*address)),
                list(found)
            ),
            Self::Disagreement { resolver, found } => format!(
                "{host} leads to this server for some resolvers, but {resolver} {}: new records take time to spread, try again in a few minutes",
                if found.is_empty() {
                    "finds no address".to_owned()
                } else {
                    format!("says {}", list(found))
                }
            ),
            Self::NoAnswer { reason } => format!(
                "{host} could not be looked up: no resolver answered ({reason}). Check the resolvers of this server, then try again"
            ),
        }
    }
}

fn record_kind(address: IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "A",
        IpAddr::V6(_) => "AAAA",
    }
}

fn list(addresses: &[IpAddr]) -> String {
    let texts: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    texts.join(", ")
}

/// Judges what resolvers say of a name; `own` are this server's addresses, the one it is known
/// by first.
///
/// A further IPv4 address beside ours is let pass and told, as many set-ups have one for a
/// while. An IPv6 address that is not ours is refused: browsers and certificate authorities
/// prefer IPv6, so that nearly everybody would go there. The same holds with the kinds
/// exchanged on a server that is known by an IPv6 address.
#[must_use]
pub fn leads_here(answers: &[ResolverAnswer], own: &[IpAddr]) -> Verdict {
    let heard: Vec<(&ResolverAnswer, Verdict)> = answers
        .iter()
        .filter(|answer| answer.error.is_none())
        .map(|answer| (answer, of_one(answer, own)))
        .collect();
    let Some((_, first)) = heard.first() else {
        let reason = answers.iter().find_map(|answer| answer.error.clone());
        return Verdict::NoAnswer {
            reason: reason.unwrap_or_else(|| "there is none to ask".to_owned()),
        };
    };
    let (right, wrong): (Vec<_>, Vec<_>) = heard.iter().partition(|(_, one)| one.is_here());
    match (right.first(), wrong.first()) {
        (None, _) | (_, None) => first.clone(),
        // Of what is wrong for one, a stray address is said as what it is.
        (Some(_), Some((_, wrong @ Verdict::WrongFamily { .. }))) => wrong.clone(),
        (Some(_), Some((answer, _))) => Verdict::Disagreement {
            resolver: answer.address,
            found: answer.addresses().collect(),
        },
    }
}

fn of_one(answer: &ResolverAnswer, own: &[IpAddr]) -> Verdict {
    let all: Vec<IpAddr> = answer.addresses().collect();
    if all.is_empty() {
        return Verdict::Nowhere;
    }
    let (ours, others): (Vec<IpAddr>, Vec<IpAddr>) = all
        .iter()
        .copied()
        .partition(|address| own.contains(address));
    let known_by_v4 = own.first().is_some_and(IpAddr::is_ipv4);
    if !ours.iter().any(|address| address.is_ipv4() == known_by_v4) {
        return Verdict::Elsewhere { found: all };
    }
    let (also, foreign_kind): (Vec<IpAddr>, Vec<IpAddr>) = others
        .into_iter()
        .partition(|address| address.is_ipv4() == known_by_v4);
    if foreign_kind.is_empty() {
        Verdict::Here { also }
    } else {
        Verdict::WrongFamily {
            found: foreign_kind,
        }
    }
}

/// Whether visitors from the Internet could reach this address at all. Documentation and other
/// special ranges (RFC 6890) are not; of IPv6 the global unicast range is (RFC 4291 §2.4).
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_documentation()
                || a == 0
                || a >= 224
                || (a == 100 && (64..128).contains(&b))
                || (a == 198 && (b == 18 || b == 19))
                || (a, b, c) == (192, 0, 0))
        }
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            first & 0xe000 == 0x2000
                && !(first == 0x2001 && second < 0x0200)
                && (first, second) != (0x2001, 0x0db8)
                && first != 0x2002
                && first != 0x3fff
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "198.51.100.7";
    const OUR_V6: &str = "2a00:1450::7";

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn says(port: u16, addresses: &[&str]) -> ResolverAnswer {
        let mut answer = ResolverAnswer {
            address: ([203, 0, 113, 1], port).into(),
            a: vec![],
            aaaa: vec![],
            error: None,
        };
        for address in addresses {
            match ip(address) {
                IpAddr::V4(v4) => answer.a.push(v4),
                IpAddr::V6(v6) => answer.aaaa.push(v6),
            }
        }
        answer
    }

    fn silent(port: u16) -> ResolverAnswer {
        ResolverAnswer {
            error: Some("did not answer in time".to_owned()),
            ..says(port, &[])
        }
    }

    fn judge(answers: &[ResolverAnswer]) -> Verdict {
        leads_here(answers, &[ip(OURS), ip(OUR_V6)])
    }

    fn explained(verdict: &Verdict) -> String {
        verdict.explain(&"lab.example.org".parse().expect("a name"), ip(OURS))
    }

    #[test]
    fn our_address_leads_here_with_or_without_our_ipv6() {
        for addresses in [&[OURS][..], &[OURS, OUR_V6]] {
            assert_eq!(judge(&[says(1, addresses)]), Verdict::Here { also: vec![] });
        }
    }

    #[test]
    fn an_ipv6_address_that_is_not_ours_is_refused() {
        let verdict = judge(&[says(1, &[OURS, "2001:db8::9"])]);
        let found = vec![ip("2001:db8::9")];
        assert_eq!(verdict, Verdict::WrongFamily { found });
        let text = explained(&verdict);
        assert!(text.contains("AAAA record says 2001:db8::9"), "{text}");
    }

    #[test]
    fn our_ipv6_alone_is_not_enough() {
        let verdict = judge(&[says(1, &[OUR_V6])]);
        let found = vec![ip(OUR_V6)];
        assert_eq!(verdict, Verdict::Elsewhere { found });
    }

    #[test]
    fn a_second_ipv4_address_is_told() {
        let verdict = judge(&[says(1, &[OURS, "192.0.2.1"])]);
        assert!(verdict.is_here());
        assert!(explained(&verdict).contains("also to 192.0.2.1"));
    }

    #[test]
    fn other_addresses_are_named_beside_ours_and_proxies_explained() {
        let text = explained(&judge(&[says(1, &["104.16.1.1"])]));
        assert!(text.contains("104.16.1.1"), "{text}");
        assert!(text.contains(OURS), "{text}");
        assert!(text.contains("proxied"), "{text}");
    }

    #[test]
    fn without_any_address_the_record_to_add_is_said() {
        let verdict = judge(&[says(1, &[])]);
        assert_eq!(verdict, Verdict::Nowhere);
        let text = explained(&verdict);
        assert!(
            text.contains("add an A record with the value 198.51.100.7"),
            "{text}"
        );
    }

    #[test]
    fn one_resolver_that_sees_something_else_is_named() {
        for (other, word) in [(&[][..], "no address"), (&["192.0.2.1"][..], "192.0.2.1")] {
            let verdict = judge(&[says(1, &[OURS]), says(2, other)]);
            assert!(!verdict.is_here());
            let text = explained(&verdict);
            assert!(text.contains("203.0.113.1:2"), "{text}");
            assert!(text.contains(word), "{text}");
        }
    }

    #[test]
    fn a_silent_resolver_outweighs_nobody() {
        assert!(judge(&[silent(1), says(2, &[OURS])]).is_here());
        assert_eq!(judge(&[silent(1), says(2, &[])]), Verdict::Nowhere);
        let verdict = judge(&[silent(1), silent(2)]);
        assert!(explained(&verdict).contains("did not answer in time"));
        assert!(!verdict.is_here());
        assert!(!judge(&[]).is_here());
    }

    #[test]
    fn a_server_known_by_ipv6_refuses_a_foreign_ipv4() {
        let own = [ip(OUR_V6)];
        assert!(leads_here(&[says(1, &[OUR_V6])], &own).is_here());
        assert!(!leads_here(&[says(1, &[OUR_V6, OURS])], &own).is_here());
        assert!(!leads_here(&[says(1, &[OURS])], &own).is_here());
    }

    #[test]
    fn only_what_the_internet_routes_is_public() {
        for yes in ["1.1.1.1", "203.0.114.1", "2606:4700::1111", "2a00:1450::7"] {
            assert!(is_public(ip(yes)), "{yes}");
        }
        for no in [
            "10.0.0.1",
            "127.0.0.1",
            "0.0.0.0",
            "169.254.1.1",
            "100.64.0.1",
            "192.0.2.1",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "2001:db8::1",
            "ff02::1",
            "::ffff:1.1.1.1",
            "2002::1",
            "64:ff9b::1",
        ] {
            assert!(!is_public(ip(no)), "{no}");
        }
    }
}
