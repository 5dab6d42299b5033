//! From the ClientHello to the zone.

use portlama_model::HostService;
use rustls::server::ClientHello;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::{ALPN_ACME, ALPN_TUNNEL};
use crate::gate::Name;
use crate::table::Table;

/// The listener a connection came in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// The public port.
    Https,
    /// The panel's own port.
    Panel,
}

/// The zones, each with its own TLS configuration. What is asked later must belong to the zone
/// and name of the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone {
    /// A certificate authority checks a name (RFC 8737).
    Challenge(Name),
    /// Apps, sites, portal, and the WebSocket carriers: never asks for a certificate.
    Public(Name),
    /// The panel, by its name or, without one, by address.
    Panel(Option<Name>),
    /// The panel of an agent, by its name: a certificate may be presented.
    AgentPanel(Name),
    /// Carriers of agents: demands a certificate.
    Tunnel,
}

/// Why a connection belongs to no zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nothing is served under that name.
    UnknownName,
    /// The name is served, but has no certificate yet.
    NoCertificate,
}

/// Says where a connection belongs. ALPN is looked at first: `acme-tls/1` alone is a challenge
/// whatever the name, and `portlama-tunnel/1` an agent.
///
/// # Errors
/// When the name is none of ours.
pub(crate) fn choose_zone(
    door: Door,
    hello: &ClientHello<'_>,
    table: &Table,
) -> Result<Zone, Refusal> {
    let name = match hello.server_name() {
        None => None,
        Some(text) => Some(Name::parse(text.as_bytes()).ok_or(Refusal::UnknownName)?),
    };
    let entry = name.as_ref().and_then(|name| table.host(name.as_str()));
    let service = entry.map(|e| &e.service);
    if door == Door::Https {
        let mut offers = hello.alpn().into_iter().flatten();
        if let (Some(ALPN_ACME), None, Some(name)) = (offers.next(), offers.next(), name) {
            return Ok(Zone::Challenge(name));
        }
        if hello
            .alpn()
            .into_iter()
            .flatten()
            .any(|offer| offer == ALPN_TUNNEL)
        {
            return match (name, service) {
                (None, _) | (_, Some(HostService::Tunnel | HostService::Panel)) => Ok(Zone::Tunnel),
                _ => Err(Refusal::UnknownName),
            };
        }
    }
    match (door, name, service) {
        (_, None, _) => Ok(Zone::Panel(None)),
        (_, name, Some(HostService::Panel)) => Ok(Zone::Panel(name)),
        (Door::Panel, Some(_), _) | (_, Some(_), None) => Err(Refusal::UnknownName),
        (Door::Https, Some(name), Some(service)) => {
            let has_certificate = entry.is_some_and(|e| e.certificate.is_some());
            // The tunnel host shows our own authority's certificate to those that ask for it.
            match service {
                HostService::Tunnel => Ok(Zone::Public(name)),
                _ if !has_certificate => Err(Refusal::NoCertificate),
                HostService::AgentPanel(_) => Ok(Zone::AgentPanel(name)),
                _ => Ok(Zone::Public(name)),
            }
        }
    }
}

/// Sends the alert `unrecognized_name` (RFC 6066 §3), fatal, in a plain record, as nothing was
/// agreed upon yet.
pub(crate) async fn refuse_name(io: &mut (impl AsyncWrite + Unpin)) {
    const RECORD: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];
    // The peer may be gone; there is nobody to tell.
    let _ = io.write_all(&RECORD).await;
    let _ = io.shutdown().await;
}
