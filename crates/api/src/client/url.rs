//! Addresses as people write them.

use std::net::IpAddr;

use rustls::pki_types::ServerName;

/// Why a text is not an address of a panel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not a URL with a host.
    #[error(
        "`{0}` is not an address: write it like https://panel.example.org or https://192.0.2.10:9292"
    )]
    Malformed(String),
    /// Another scheme than https.
    #[error("`{0}` does not begin with https://: the panel is never spoken to without encryption")]
    NotHttps(String),
    /// A path, a query or a user name.
    #[error("`{0}` must be host and port alone, without path, query or user name")]
    MoreThanHost(String),
}

/// Where a panel listens: `https://host[:port]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelUrl {
    host: String,
    port: u16,
}

impl PanelUrl {
    /// The host: a name in lower case or an address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port; 443 unless it was written.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `host[:port]` as it stands in a `Host` header; 443 is left out.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = bracketed(&self.host);
        match self.port {
            443 => host,
            port => format!("{host}:{port}"),
        }
    }

    /// `host:port`, for messages.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", bracketed(&self.host), self.port)
    }

    pub(super) fn server_name(&self) -> ServerName<'static> {
        ServerName::try_from(self.host.clone()).expect("from_str checked the name")
    }
}

impl std::str::FromStr for PanelUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let malformed = || UrlError::Malformed(text.to_owned());
        let uri: http::Uri = text.trim().parse().map_err(|_| malformed())?;
        match uri.scheme_str() {
            Some("https") => {}
            Some(_) => return Err(UrlError::NotHttps(text.to_owned())),
            None => return Err(malformed()),
        }
        let authority = uri.authority().ok_or_else(malformed)?;
        let (path, query) = (uri.path(), uri.query());
        if authority.as_str().contains('@') || path.len() > 1 || query.is_some() {
            return Err(UrlError::MoreThanHost(text.to_owned()));
        }
        let (host, port) = host_and_port(authority).ok_or_else(malformed)?;
        ServerName::try_from(host.as_str()).map_err(|_| malformed())?;
        Ok(Self {
            host,
            port: port.unwrap_or(443),
        })
    }
}

impl std::fmt::Display for PanelUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "https://{}", self.authority())
    }
}

fn host_and_port(authority: &http::uri::Authority) -> Option<(String, Option<u16>)> {
    let host = authority.host();
    let port = match authority.as_str().strip_prefix(host)? {
        "" => None,
        rest => Some(
            rest.strip_prefix(':')?
                .parse::<u16>()
                .ok()
                .filter(|port| *port != 0)?,
        ),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    (!host.is_empty()).then_some((host, port))
}

fn bracketed(host: &str) -> String {
    match host.parse() {
        Ok(IpAddr::V6(_)) => format!("[{host}]"),
        Ok(IpAddr::V4(_)) | Err(_) => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_host_and_port() {
        for (text, authority) in [
            ("https://panel.lab.example.org", "panel.lab.example.org"),
            ("https://Panel.Lab.example.org./", "panel.lab.example.org"),
            ("https://192.0.2.10:9292", "192.0.2.10:9292"),
            ("https://[2001:db8::1]:9292", "[2001:db8::1]:9292"),
            ("https://panel.example.org:443/", "panel.example.org"),
        ] {
            let url: PanelUrl = text.parse().expect(text);
            assert_eq!(url.authority(), authority);
        }
    }

    #[test]
    fn other_addresses_are_refused() {
        for text in [
            "",
            "panel.example.org",
            "http://panel.example.org",
            "https://",
            "https://user@panel.example.org",
            "https://panel.example.org/api",
            "https://panel.example.org?x",
            "https://panel.example.org:0",
            "https://panel.example.org:99999",
            "https://panel example.org",
        ] {
            assert!(text.parse::<PanelUrl>().is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn parsing_never_panics_and_round_trips(text in "(https://)?[a-z0-9.:/@?\\[\\]-]{0,30}") {
            if let Ok(url) = text.parse::<PanelUrl>() {
                proptest::prop_assert_eq!(url.to_string().parse(), Ok(url));
            }
        }
    }
}
