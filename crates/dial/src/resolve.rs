//! Names to addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;

use crate::ConnectError;

/// How long names are resolved.
pub const RESOLVE_TIMEOUT: Duration = Duration::from_secs(4);
/// Addresses of one name that are tried.
pub const MAX_ADDRESSES: usize = 8;

/// The addresses of a host, in the order in which they should be tried.
pub(crate) async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
    let failed = |reason: String| ConnectError::Resolve {
        host: host.to_owned(),
        reason,
    };
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    if is_localhost(host) {
        let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        return Ok(loopback
            .map(|address| SocketAddr::new(address, port))
            .into());
    }
    let found = timeout(RESOLVE_TIMEOUT, lookup_host((host, port)))
        .await
        .map_err(|_| failed("no answer in time".to_owned()))?
        .map_err(|error| failed(error.to_string()))?;
    let addresses = alternate_families(found.take(MAX_ADDRESSES).collect());
    if addresses.is_empty() {
        Err(failed("no addresses".to_owned()))
    } else {
        Ok(addresses)
    }
}

/// Whether a host, a name or an address without brackets, is this machine.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    is_localhost(host)
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Names below `localhost` are this machine whatever a resolver says (RFC 6761 §6.3).
fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or(host);
    last.eq_ignore_ascii_case("localhost")
}

/// One of each family in turn, beginning as the resolver did (RFC 8305 §4).
fn alternate_families(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let mut second = second.into_iter();
    let mut ordered = Vec::new();
    for address in first {
        ordered.push(address);
        ordered.extend(second.next());
    }
    ordered.extend(second);
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_below_localhost_are_loopback() {
        for host in ["localhost", "tunnel.portlama.localhost", "x.LOCALHOST."] {
            let addresses = resolve(host, 7).await.expect("loopback");
            assert!(
                addresses.iter().all(|address| address.ip().is_loopback()),
                "{host}"
            );
        }
        assert!(!is_localhost("localhost.example.org"));
    }

    #[test]
    fn this_machine_has_names_and_addresses() {
        for host in ["app.localhost", "127.3.2.1", "::1", "::ffff:127.0.0.1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["192.0.2.1", "127.example.org", "notlocalhost"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn families_take_turns() {
        let parse = |text: &&str| text.parse::<SocketAddr>().expect("an address");
        let given = ["[::1]:1", "[::2]:1", "1.1.1.1:1", "2.2.2.2:1", "3.3.3.3:1"];
        let wanted = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "3.3.3.3:1"];
        let ordered = alternate_families(given.iter().map(parse).collect());
        assert_eq!(ordered, wanted.iter().map(parse).collect::<Vec<_>>());
    }
}
