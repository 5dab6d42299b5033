//! The proxy on the way to the server, as `HTTPS_PROXY` names it.

use portlama_api::client::{PanelUrl, Proxy, UrlError};
use portlama_tunnel::ProxyUrl;

/// A proxy that is asked with CONNECT, for calls to the panel and for the tunnel.
#[derive(Debug, Clone)]
pub struct ProxySettings {
    panel: Proxy,
    tunnel: ProxyUrl,
    exceptions: Vec<String>,
}

impl ProxySettings {
    /// Reads the values of `HTTPS_PROXY` and `NO_PROXY`. An empty proxy is none.
    ///
    /// # Errors
    /// When the proxy is not `[http://][user:password@]host:port`.
    pub fn parse(proxy: &str, exceptions: &str) -> Result<Option<Self>, UrlError> {
        let text = proxy.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let exceptions = exceptions
            .split(',')
            .map(|name| {
                name.trim()
                    .trim_start_matches("*.")
                    .trim_start_matches('.')
                    .to_ascii_lowercase()
            })
            .filter(|name| !name.is_empty())
            .collect();
        Ok(Some(Self {
            panel: text.parse()?,
            tunnel: text.parse().map_err(|_| UrlError::Proxy)?,
            exceptions,
        }))
    }

    /// The proxy for calls to the panel, unless it is excepted.
    #[must_use]
    pub fn for_panel(&self, panel: &PanelUrl) -> Option<Proxy> {
        self.applies_to(panel.host()).then(|| self.panel.clone())
    }

    /// The proxy for the tunnel to `host`, unless it is excepted.
    #[must_use]
    pub fn for_tunnel(&self, host: &str) -> Option<ProxyUrl> {
        self.applies_to(host).then(|| self.tunnel.clone())
    }

    fn applies_to(&self, host: &str) -> bool {
        let within = |name: &str| {
            name == "*"
                || host == name
                || host
                    .strip_suffix(name)
                    .is_some_and(|before| before.ends_with('.'))
        };
        let local = host == "localhost" || host.ends_with(".localhost");
        !local && !self.exceptions.iter().any(|name| within(name))
    }
}

#[cfg(test)]
mod tests {
    use portlama_model::Secret;

    use super::*;

    fn settings(exceptions: &str) -> ProxySettings {
        ProxySettings::parse("http://me:hunter2@proxy.example.org:3128", exceptions)
            .expect("valid")
            .expect("a proxy")
    }

    #[test]
    fn a_proxy_has_host_port_and_credentials_that_do_not_print() {
        let proxy = settings("")
            .for_tunnel("tunnel.example.org")
            .expect("applies");
        assert_eq!(
            (proxy.host.as_str(), proxy.port),
            ("proxy.example.org", 3128)
        );
        assert_eq!(
            proxy.credentials.as_ref().map(Secret::expose),
            Some("me:hunter2")
        );
        assert!(!format!("{:?}", settings("")).contains("hunter2"));
    }

    #[test]
    fn no_proxy_excepts_names_and_what_is_below_them() {
        let settings = settings("intern.example, .lab.test,*.home.arpa");
        for excepted in [
            "intern.example",
            "a.intern.example",
            "x.lab.test",
            "nas.home.arpa",
            "app.localhost",
        ] {
            assert!(settings.for_tunnel(excepted).is_none(), "{excepted}");
        }
        assert!(settings.for_tunnel("notintern.example").is_some());
    }

    #[test]
    fn an_empty_proxy_is_none_and_a_wrong_one_an_error() {
        assert!(ProxySettings::parse(" ", "").expect("valid").is_none());
        assert!(ProxySettings::parse("socks5://proxy:1080", "").is_err());
    }
}
