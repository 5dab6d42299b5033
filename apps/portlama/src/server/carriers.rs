//! Connections of agents, from the edge to the hub.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use portlama_access::{Agent, Identity, Presented};
use portlama_control::http::{AsyncReadWrite, CarrierSink};
use portlama_control::{BoxFuture, Control, Live};
use portlama_tunnel::{AgentIdentity, ws};
use rustls_pki_types::CertificateDer;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error};

/// Hands what the edge accepted to the hub.
pub(crate) struct Carriers {
    control: Arc<Control>,
}

impl Carriers {
    pub(crate) fn new(control: Arc<Control>) -> Self {
        Self { control }
    }
}

impl CarrierSink for Carriers {
    fn carrier(
        &self,
        io: Box<dyn AsyncReadWrite>,
        agent: Agent,
        closed: CancellationToken,
    ) -> BoxFuture<'static, ()> {
        let hub = Arc::clone(self.control.hub());
        Box::pin(async move {
            let end = hub.serve_carrier(io, identity_of(&agent), closed).await;
            debug!(agent = %agent.label(), ?end, "carrier ended");
        })
    }

    fn websocket(&self, io: Box<dyn AsyncReadWrite>, from: IpAddr) -> BoxFuture<'static, ()> {
        let control = Arc::clone(&self.control);
        Box::pin(async move {
            let proof = match server_proof(&control) {
                Ok(proof) => proof,
                Err(cause) => return error!("no proof for a WebSocket carrier: {cause:#}"),
            };
            let live = Arc::clone(control.live());
            // The agent's home is known as long as the connection stands.
            let mut vouched = None;
            let denials = live.denials();
            let (shown, closed) = (OnceLock::new(), CancellationToken::new());
            let authenticate = |chain: &[CertificateDer<'static>]| {
                let presented = presented(&live, chain);
                let agent = agent_of(&live, &presented, from)?;
                let _ = shown.set(presented);
                vouched = Some(live.security().vouch_while(from));
                Some((identity_of(&agent), closed.clone()))
            };
            tokio::select! {
                end = ws::serve_carrier(control.hub(), io, &proof, authenticate) => {
                    debug!(?end, "WebSocket carrier ended");
                }
                () = cut_when_denied(&live, denials, &shown, &closed) => {}
            }
            drop(vouched);
        })
    }
}

fn identity_of(agent: &Agent) -> AgentIdentity {
    AgentIdentity {
        label: agent.label().clone(),
        serial: agent.serial().clone(),
    }
}

fn presented(live: &Live, chain: &[CertificateDer<'static>]) -> Presented {
    match live.client_trust().verify(chain) {
        Ok(client) => Presented::Client(client),
        Err(why) => Presented::Untrusted(why),
    }
}

/// Cuts a carrier when the certificate that was shown on it is nobody's any more. It ends never:
/// the carrier ends by itself.
async fn cut_when_denied(
    live: &Live,
    mut denials: watch::Receiver<u64>,
    shown: &OnceLock<Presented>,
    closed: &CancellationToken,
) {
    while denials.changed().await.is_ok() {
        let is_nobody = |who: &Presented| live.identify(who).is_err();
        if shown.get().is_some_and(is_nobody) {
            closed.cancel();
        }
    }
    std::future::pending().await
}

/// The agent who shows this, by the same judgement as everywhere.
fn agent_of(live: &Live, presented: &Presented, from: IpAddr) -> Option<Agent> {
    match live.identify(presented) {
        Ok(Identity::Agent(agent)) => Some(agent),
        Ok(Identity::Admin(_)) => None,
        Err(why) => {
            live.security().refused_certificate(&why, from);
            None
        }
    }
}

/// The server proves itself inside a WebSocket with the certificate of our own authority.
fn server_proof(control: &Control) -> Result<ws::ServerProof> {
    let certificate = control.panel_certificate();
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&certificate.key)
        .context("the server's key cannot sign")?;
    Ok(ws::ServerProof {
        chain: certificate.chain.clone(),
        key,
    })
}
