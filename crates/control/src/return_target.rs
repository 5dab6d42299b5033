//! Reading where a visitor wants to return to after the sign-in.

use portlama_model::{Desired, HostService, Hostname};

use crate::ReturnTarget;

/// The longest address a visitor is sent back to, octets: browsers and proxies disagree about
/// longer ones.
pub const MAX_RETURN_URL_BYTES: usize = 8192;

/// Reads an address: `https`, one of the enabled apps or the sites of
/// `desired`, our port, and nothing
/// that two parsers of addresses would read differently. A fragment is dropped.
pub(crate) fn parse(url: &str, desired: &Desired, https_port: u16) -> Option<ReturnTarget> {
    let plain = |b: u8| {
        b.is_ascii_graphic()
            && !matches!(
                b,
                b'\\' | b'<' | b'>' | b'"' | b'`' | b'{' | b'}' | b'|' | b'^'
            )
    };
    if url.len() > MAX_RETURN_URL_BYTES || !url.bytes().all(plain) {
        return None;
    }
    let (scheme, rest) = url.split_at_checked("https://".len())?;
    if !scheme.eq_ignore_ascii_case("https://") {
        return None;
    }
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    let (authority, path) = match rest.find(['/', '?']) {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    let host = host_of(authority, https_port)?;
    if !is_for_visitors(desired, &host) || path.starts_with("//") {
        return None;
    }
    let slash = if path.starts_with('/') { "" } else { "/" };
    Some(ReturnTarget {
        origin: origin(&host, https_port),
        path_and_query: format!("{slash}{path}"),
        host,
    })
}

/// `https://<host>[:port]`.
pub(crate) fn origin(host: &Hostname, https_port: u16) -> String {
    match https_port {
        443 => format!("https://{host}"),
        port => format!("https://{host}:{port}"),
    }
}

fn host_of(authority: &str, https_port: u16) -> Option<Hostname> {
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => {
            (host, port.parse().ok()?)
        }
        Some(_) => return None,
        None => (authority, 443),
    };
    (port == https_port).then(|| Hostname::normalise(host).ok())?
}

/// A host that visitors use: an app that is switched on, or a site.
fn is_for_visitors(desired: &Desired, host: &Hostname) -> bool {
    match desired.hosts.get(host) {
        Some(HostService::App(route)) => route.enabled,
        Some(HostService::Site(_)) => true,
        _ => false,
    }
}
