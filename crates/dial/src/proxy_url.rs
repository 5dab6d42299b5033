//! The address of a proxy, as `HTTPS_PROXY` holds it.

use std::str::FromStr;

use portlama_model::Secret;

/// An HTTP proxy that understands CONNECT: `http://[user:password@]host:port`.
#[derive(Debug, Clone)]
pub struct ProxyUrl {
    /// Name or address, without brackets.
    pub host: String,
    /// The port; 80 unless given.
    pub port: u16,
    /// `user:password`, as the header takes it.
    pub credentials: Option<Secret>,
}

/// The text is not the address of a proxy that can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an HTTP proxy such as http://proxy.example.org:3128")]
pub struct ProxyUrlError;

impl FromStr for ProxyUrl {
    type Err = ProxyUrlError;

    fn from_str(text: &str) -> Result<Self, ProxyUrlError> {
        let text = text.trim();
        let rest = text.strip_prefix("http://").unwrap_or(text);
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (credentials, authority) = match rest.rsplit_once('@') {
            Some((credentials, authority)) => (Some(decode_percent(credentials)?), authority),
            None => (None, rest),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| ProxyUrlError)?)
            }
            _ => (authority, 80),
        };
        let host = host
            .strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host);
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b".-_:%".contains(&b);
        if host.is_empty() || port == 0 || !host.bytes().all(allowed) {
            return Err(ProxyUrlError);
        }
        Ok(Self {
            host: host.to_ascii_lowercase(),
            port,
            credentials: credentials.map(Secret::new),
        })
    }
}

/// RFC 3986 §2.1.
fn decode_percent(text: &str) -> Result<String, ProxyUrlError> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet != b'%' {
            octets.push(octet);
            continue;
        }
        let mut digit = || {
            rest.next()
                .and_then(|b| char::from(b).to_digit(16))
                .ok_or(ProxyUrlError)
        };
        let value = digit()? * 16 + digit()?;
        octets.push(u8::try_from(value).map_err(|_| ProxyUrlError)?);
    }
    String::from_utf8(octets).map_err(|_| ProxyUrlError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxy_has_a_host_and_may_have_credentials() {
        let proxy: ProxyUrl = "http://ann:p%40ss@proxy.example.org:3128/"
            .parse()
            .expect("valid");
        assert_eq!(
            (proxy.host.as_str(), proxy.port),
            ("proxy.example.org", 3128)
        );
        assert_eq!(
            proxy.credentials.as_ref().map(Secret::expose),
            Some("ann:p@ss")
        );
        assert!(!format!("{proxy:?}").contains("p@ss"));
        let proxy: ProxyUrl = "http://[::1]:8080".parse().expect("valid");
        assert_eq!((proxy.host.as_str(), proxy.port), ("::1", 8080));
    }

    #[test]
    fn proxy_of_another_kind_is_refused() {
        for bad in [
            "https://proxy:1",
            "socks5://proxy:1",
            "",
            "http://a b:1",
            "http://p:x",
            "http://p:0",
            "http://a%zz@p:1",
        ] {
            assert!(bad.parse::<ProxyUrl>().is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_without_panic(text in "(http://)?[a-z0-9.:/@%\\[\\]-]{0,30}") {
            let _ = text.parse::<ProxyUrl>();
        }
    }
}
