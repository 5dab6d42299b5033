//! What can be said and done of an agent that need not run.

use portlama_model::Timestamp;

use crate::directory::{AgentDir, TunnelServer};
use crate::home::Home;
use crate::panel::{PanelError, panel_of};
use crate::proxy::ProxySettings;
use crate::run::REFRESH_TIMEOUT;
use crate::setup::in_one_line;
use crate::socket::Refreshed;

/// Asks the panel for the domain and where to dial, and keeps the answer for the next start.
///
/// # Errors
/// When the agent's files are no use; a panel that does not answer is told in the result.
pub async fn refresh_stopped(
    home: &Home,
    agent: &AgentDir,
    proxy: Option<&ProxySettings>,
    now: Timestamp,
) -> Result<Refreshed, PanelError> {
    let panel = panel_of(agent, proxy)?.with_timeout(REFRESH_TIMEOUT);
    let found = match panel.agent_config().await {
        Ok(found) => found,
        Err(error) => {
            return Ok(Refreshed {
                error: Some(in_one_line(&error)),
                changes: Vec::new(),
            });
        }
    };
    let server = TunnelServer::from(found.tunnel_server);
    let changes = agent.config()?.differs_from(&found.domain, &server);
    if !changes.is_empty() {
        let config = agent.change_config(now, |config| {
            config.domain = Some(found.domain);
            config.tunnel_server = Some(server);
        })?;
        home.register(&config, false)?;
    }
    Ok(Refreshed {
        error: None,
        changes,
    })
}

/// Has the server revoke the agent's own certificate, at once and for ever.
///
/// # Errors
/// In words: when the agent's files are no use, or the server does not do it.
pub async fn revoke(agent: &AgentDir, proxy: Option<&ProxySettings>) -> Result<(), String> {
    let panel = panel_of(agent, proxy).map_err(|error| in_one_line(&error))?;
    let panel = panel.with_timeout(REFRESH_TIMEOUT);
    let own = agent.config().map_err(|error| in_one_line(&error))?;
    let revoked = panel.revoke_self(own.agent_label).await;
    revoked.map_err(|error| in_one_line(&error))
}
