//! The panel API, as an agent that was set up calls it.

use portlama_api::client::{ClientError, PanelClient, PanelUrl, UrlError};

use crate::directory::AgentDir;
use crate::identity::{Beginning, Held, Identity, IdentityError};
use crate::proxy::ProxySettings;
use portlama_files::FileError;

/// Why the panel cannot be called.
#[derive(Debug, thiserror::Error)]
pub enum PanelError {
    /// The agent's identity does not fit together.
    #[error(
        "the identity in `{directory}` cannot be used; set the agent up again with a new token"
    )]
    Identity {
        /// The agent's directory.
        directory: String,
        /// Why.
        #[source]
        source: IdentityError,
    },
    /// The key cannot be read at this moment.
    #[error("the agent's key cannot be read")]
    KeyOutOfReach(#[source] IdentityError),
    /// A file of the agent.
    #[error(transparent)]
    File(#[from] FileError),
    /// The panel's address in the configuration.
    #[error("the panel's address in the configuration is not one")]
    Url(#[from] UrlError),
    /// The client could not be made.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// A client of the agent's panel that authenticates as the agent.
///
/// # Errors
/// When the agent's files are no use.
pub fn panel_of(
    agent: &AgentDir,
    proxy: Option<&ProxySettings>,
) -> Result<PanelClient, PanelError> {
    client(agent, &load(agent)?, proxy)
}

fn load(agent: &AgentDir) -> Result<Identity, PanelError> {
    Identity::load(agent).map_err(|source| no_identity(agent, source))
}

/// With what an agent begins. What a crash left half done is done.
pub(crate) fn begin(agent: &AgentDir) -> Result<Beginning, PanelError> {
    Held::settle(agent).map_err(|source| no_identity(agent, source))
}

fn no_identity(agent: &AgentDir, source: IdentityError) -> PanelError {
    if source.may_pass() {
        return PanelError::KeyOutOfReach(source);
    }
    PanelError::Identity {
        directory: agent.path().display().to_string(),
        source,
    }
}

pub(crate) fn client(
    agent: &AgentDir,
    identity: &Identity,
    proxy: Option<&ProxySettings>,
) -> Result<PanelClient, PanelError> {
    let config = agent.config().map_err(IdentityError::from);
    let config = config.map_err(|source| PanelError::Identity {
        directory: agent.path().display().to_string(),
        source,
    })?;
    let url: PanelUrl = config.panel_url.parse()?;
    let proxy = proxy.and_then(|proxy| proxy.on_the_way_to(url.host()));
    Ok(identity.panel(url, proxy)?)
}
