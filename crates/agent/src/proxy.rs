//! The proxy on the way to the server, as `HTTPS_PROXY` names it.

use portlama_dial::{ProxyUrl, ProxyUrlError, is_loopback};

/// A proxy that is asked with CONNECT, for calls to the panel and for the tunnel.
#[derive(Debug, Clone)]
pub struct ProxySettings {
    proxy: ProxyUrl,
    exceptions: Vec<String>,
}

impl ProxySettings {
    /// Reads the values of `HTTPS_PROXY` and `NO_PROXY`. An empty proxy is none.
    ///
    /// # Errors
    /// When the proxy is not `[http://][user:password@]host:port`.
    pub fn parse(proxy: &str, exceptions: &str) -> Result<Option<Self>, ProxyUrlError> {
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
            proxy: text.parse()?,
            exceptions,
        }))
    }

    /// The proxy on the way to `host`, unless it is excepted.
    #[must_use]
    pub fn on_the_way_to(&self, host: &str) -> Option<ProxyUrl> {
        self.applies_to(host).then(|| self.proxy.clone())
    }

    fn applies_to(&self, host: &str) -> bool {
        let within = |name: &str| {
            name == "*"
                || host == name
                || host
                    .strip_suffix(name)
                    .is_some_and(|before| before.ends_with('.'))
        };
        !is_loopback(host) && !self.exceptions.iter().any(|name| within(name))
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
            .on_the_way_to("tunnel.example.org")
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
            assert!(settings.on_the_way_to(excepted).is_none(), "{excepted}");
        }
        assert!(settings.on_the_way_to("notintern.example").is_some());
    }

    #[test]
    fn an_empty_proxy_is_none_and_a_wrong_one_an_error() {
        assert!(ProxySettings::parse(" ", "").expect("valid").is_none());
        assert!(ProxySettings::parse("socks5://proxy:1080", "").is_err());
    }
}
