//! The admin's part of the demo, over the panel API.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use portlama_api::client::{ClientIdentity, PanelClient, PanelUrl};
use portlama_api::{NewEnrollment, NewTunnel, NewUser, Tunnel, TunnelStatus};
use portlama_model::{AgentLabel, Capability, Secret, Subdomain, TunnelPort};
use portlama_pki::{ca_fingerprint, certificate_from_pem};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};

use super::place::Place;

/// The demo's visitor.
const USERNAME: &str = "demo";
/// How long the agent may take to serve a new tunnel.
const SERVE_LIMIT: Duration = Duration::from_secs(20);
/// How often the tunnel's state is asked for meanwhile.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// The visitor's credentials.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Account {
    pub(crate) username: String,
    pub(crate) password: Secret,
    pub(crate) totp_uri: Secret,
}

/// The panel API as the admin.
pub(crate) struct Admin {
    client: PanelClient,
}

impl Admin {
    /// Uses the certificate that `server init` made, and pins its authority.
    pub(crate) fn new(place: &Place, panel_port: u16) -> Result<Self> {
        let read = |name: &str| {
            let path = place.pki(name);
            std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))
        };
        let ca = certificate_from_pem(&read("ca.crt")?)?;
        let key = Secret::new(read("client.key")?);
        let identity = ClientIdentity {
            chain: vec![certificate_from_pem(&read("client.crt")?)?],
            key: PrivateKeyDer::from_pem_slice(key.expose().as_bytes())?,
        };
        let url: PanelUrl = format!("https://127.0.0.1:{panel_port}").parse()?;
        let client = PanelClient::new(url, ca_fingerprint(&ca)?, Some(ca), Some(identity))?;
        Ok(Self { client })
    }

    /// A user with a random password and a new TOTP seed.
    pub(crate) async fn create_user(&self) -> Result<Account> {
        let password = random_password()?;
        let new = NewUser {
            username: USERNAME.parse()?,
            displayname: "Demo visitor".parse()?,
            email: "demo@portlama.localhost".parse()?,
            password: password.clone(),
            groups: vec![],
        };
        self.client
            .create_user(&new)
            .await
            .context("cannot create the demo's user")?;
        let reset = self.client.reset_totp(&new.username).await;
        let totp_uri = reset
            .context("cannot enrol the demo's user for codes")?
            .totp_uri;
        Ok(Account {
            username: USERNAME.to_owned(),
            password,
            totp_uri,
        })
    }

    /// A token with which one agent may enrol.
    pub(crate) async fn enrolment_token(&self, label: &str) -> Result<Secret> {
        let label: AgentLabel = label.parse()?;
        let new = NewEnrollment {
            label,
            capabilities: vec![Capability::TunnelsRead, Capability::TunnelsWrite],
            allowed_sites: vec![],
        };
        let enrollment = self.client.create_enrollment(&new).await;
        Ok(enrollment
            .context("cannot make an enrolment token")?
            .setup_token)
    }

    /// A tunnel to a local port, made unless it is there, and waited for until it serves.
    pub(crate) async fn tunnel_to(&self, subdomain: &str, port: u16) -> Result<()> {
        let subdomain: Subdomain = subdomain.parse()?;
        let port = TunnelPort::try_from(port)?;
        let tunnel = match self.find(&subdomain).await? {
            Some(tunnel) if tunnel.port == port => tunnel,
            Some(stale) => {
                self.client
                    .delete_tunnel(stale.id)
                    .await
                    .context("cannot replace the tunnel")?;
                self.create(subdomain.clone(), port).await?
            }
            None => self.create(subdomain.clone(), port).await?,
        };
        self.until_it_serves(tunnel).await
    }

    async fn find(&self, subdomain: &Subdomain) -> Result<Option<Tunnel>> {
        let tunnels = self
            .client
            .tunnels()
            .await
            .context("cannot list the tunnels")?;
        Ok(tunnels
            .into_iter()
            .find(|tunnel| tunnel.subdomain == *subdomain))
    }

    async fn create(&self, subdomain: Subdomain, port: TunnelPort) -> Result<Tunnel> {
        let new = NewTunnel::app(subdomain, port);
        self.client
            .create_tunnel(&new)
            .await
            .context("cannot create the tunnel")
    }

    async fn until_it_serves(&self, tunnel: Tunnel) -> Result<()> {
        let begun = Instant::now();
        let mut seen = tunnel;
        while seen.status != TunnelStatus::Serving {
            if begun.elapsed() > SERVE_LIMIT {
                let detail = seen.status_detail.unwrap_or_default();
                bail!("the tunnel does not serve: {:?} {detail}", seen.status);
            }
            tokio::time::sleep(ASK_AGAIN).await;
            seen = self
                .find(&seen.subdomain)
                .await?
                .context("the tunnel is gone")?;
        }
        Ok(())
    }
}

/// 80 random bits in letters and digits that are hard to confuse.
fn random_password() -> Result<Secret> {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789_";
    let mut octets = [0_u8; 16];
    getrandom::fill(&mut octets)
        .map_err(|_| anyhow::anyhow!("the system gives no random numbers"))?;
    let letter = |octet: &u8| char::from(LETTERS[usize::from(octet % 32)]);
    Ok(Secret::new(octets.iter().map(letter).collect::<String>()))
}
