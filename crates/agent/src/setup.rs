//! Set-up: from a token, or from the file of an agent that the panel made, to one that can run.

use std::collections::BTreeMap;

use portlama_api::EnrollRequest;
use portlama_api::client::{ClientError, PanelClient, PanelUrl};
use portlama_dial::ProxyUrl;
use portlama_model::{AgentLabel, CaFingerprint, Secret, Timestamp};
use portlama_pki::{AgentKey, ClientFile, KeyError, Subject, certificate_to_pem};
use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::directory::{AgentConfig, AgentDir, IdentityFiles, TunnelServer};
use crate::home::Home;
use crate::identity::{Identity, IdentityError};
use crate::keys::{KeySlot, KeyStoreError, KeyStoreKind, key_store};
use crate::token::SetupSecret;
use portlama_files::FileError;
use portlama_tunnel::Transport;

/// What is to be set up.
#[derive(Debug)]
pub struct SetupRequest {
    /// The server.
    pub panel: PanelUrl,
    /// What the admin handed over.
    pub credential: Credential,
    /// Where the key is to be kept.
    pub key_store: KeyStoreKind,
    /// The agent's name on this machine; its name at the server when absent.
    pub label: Option<AgentLabel>,
    /// Whether an agent of that name may be replaced.
    pub replace: bool,
    /// Whether every port of this machine may be forwarded.
    pub allow_loopback: bool,
    /// Which way carriers are to take; as before, or by themselves, when absent.
    pub transport: Option<Transport>,
    /// The proxy on the way, if any.
    pub proxy: Option<ProxyUrl>,
}

/// What lets this machine become an agent.
#[derive(Debug)]
pub enum Credential {
    /// A token, for which the server certifies a key that is made here.
    Token(SetupSecret),
    /// A certificate with a key that the server made.
    File(Box<ClientFile>),
}

impl Credential {
    /// The authority whose certificates are believed.
    fn fingerprint(&self) -> &CaFingerprint {
        match self {
            Self::Token(secret) => &secret.fingerprint,
            Self::File(file) => file.fingerprint(),
        }
    }
}

/// A step, by the key that programs know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetupStep {
    /// `~/.portlama`.
    CreateDirectories,
    /// A key that never leaves this machine, and a request for it.
    GenerateKeypair,
    /// The token becomes a certificate.
    EnrollPanel,
    /// The agent's own directory.
    CreateAgentDirs,
    /// Key and certificate, checked against each other and the pin.
    ImportCert,
    /// The authority.
    SaveCa,
    /// Configuration and registry. From here on the agent exists.
    SaveConfig,
    /// The panel knows the new identity.
    VerifyConnectivity,
    /// Where the tunnel is dialled.
    FetchConfig,
    /// What the system runs from here on.
    WriteService,
    /// The system runs it.
    LoadService,
    /// It answers, and its tunnel stands.
    VerifyRunning,
}

impl SetupStep {
    /// What it does, for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::CreateDirectories => "Creating directories",
            Self::GenerateKeypair => "Generating keypair and CSR",
            Self::EnrollPanel => "Enrolling with panel",
            Self::CreateAgentDirs => "Creating agent directories",
            Self::ImportCert => "Storing certificate",
            Self::SaveCa => "Saving CA certificate",
            Self::SaveConfig => "Saving configuration",
            Self::VerifyConnectivity => "Verifying panel connectivity",
            Self::FetchConfig => "Fetching tunnel configuration",
            Self::WriteService => "Writing service config",
            Self::LoadService => "Loading agent",
            Self::VerifyRunning => "Verifying agent is running",
        }
    }
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// It began.
    Running,
    /// It is done.
    Complete,
    /// There was nothing to do, or it waits for something else.
    Skipped,
    /// It failed.
    Failed,
}

/// The agent that was set up.
#[derive(Debug)]
pub struct SetUp {
    /// Its directory.
    pub agent: AgentDir,
    /// Its configuration.
    pub config: AgentConfig,
    /// What its owner should know: what waits, what went wrong without harm.
    pub hints: Vec<String>,
}

/// Why there is no new agent.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The name is taken, and nobody said that it may be replaced. The token is unspent.
    #[error(
        "an agent called {label} is set up already: add --force to replace it, or --label with another name"
    )]
    Exists {
        /// The name.
        label: AgentLabel,
    },
    /// The panel gave no certificate.
    #[error("enrolling with {panel} failed")]
    Enroll {
        /// The panel.
        panel: String,
        /// Why.
        #[source]
        source: ClientError,
    },
    /// The panel gave a certificate that is none for this agent. It is not kept.
    #[error("{panel} sent a certificate that is no good: nothing was saved")]
    Certificate {
        /// The panel.
        panel: String,
        /// Why.
        #[source]
        source: IdentityError,
    },
    /// The file is the admin's.
    #[error(
        "this is the admin's certificate, which opens the whole panel and does not belong on this machine: make an agent in the panel under Certificates, and use its file or a token"
    )]
    Admin,
    /// The file is nobody's who could be an agent.
    #[error("the file is for `{found}`, and an agent's is for `agent:<label>`")]
    NoAgent {
        /// The common name in its certificate.
        found: String,
    },
    /// The certificate in the file has ended, or holds later.
    #[error(
        "the certificate in the file holds from {from} to {until}: check the clock, or get a new file or a token in the panel"
    )]
    NotCurrent {
        /// Its beginning.
        from: Timestamp,
        /// Its end.
        until: Timestamp,
    },
    /// The server does not let the certificate in.
    #[error(
        "{panel} does not accept the certificate in the file: get a new one, or a token, in the panel"
    )]
    NotAccepted {
        /// The panel.
        panel: String,
        /// Why.
        #[source]
        source: ClientError,
    },
    /// The panel could not be asked.
    #[error("{panel} could not be asked whether it accepts the certificate: nothing was saved")]
    Unreachable {
        /// The panel.
        panel: String,
        /// Why.
        #[source]
        source: ClientError,
    },
    /// The key could not be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key could not be kept.
    #[error("the key could not be kept")]
    KeyStore(#[from] KeyStoreError),
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Sets an agent up. With a token the private key is made here and stays here; the server is
/// believed only if it belongs to the authority that the token names, or that is in the file.
///
/// A token's certificate is saved at once, because the token is spent: what fails later is a
/// hint, not an error. A file's is saved when the server accepts it.
///
/// # Errors
/// [`SetupError`]; then there is no new agent, and one that was there still works, unless a file
/// of it could not be written.
pub async fn setup(
    home: &Home,
    request: SetupRequest,
    now: Timestamp,
    progress: &mut (dyn FnMut(SetupStep, StepStatus) + Send),
) -> Result<SetUp, SetupError> {
    let mut setup = Setting {
        home,
        request,
        now,
        progress,
    };
    setup.refuse_to_replace()?;
    setup.step(SetupStep::CreateDirectories, |setup| setup.home.create())?;
    let (files, label) = setup.admit().await?;
    let agent = setup.place(&label)?;
    let config = setup.save(&agent, &files, label)?;
    setup.meet_the_panel(agent, config).await
}

struct Setting<'a> {
    home: &'a Home,
    request: SetupRequest,
    now: Timestamp,
    progress: &'a mut (dyn FnMut(SetupStep, StepStatus) + Send),
}

impl Setting<'_> {
    fn refuse_to_replace(&self) -> Result<(), SetupError> {
        match &self.request.label {
            Some(label) if !self.request.replace && self.home.agent(label).exists() => {
                Err(SetupError::Exists {
                    label: label.clone(),
                })
            }
            _ => Ok(()),
        }
    }

    fn step<T, E>(
        &mut self,
        step: SetupStep,
        act: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        (self.progress)(step, StepStatus::Running);
        let result = act(self);
        (self.progress)(
            step,
            if result.is_ok() {
                StepStatus::Complete
            } else {
                StepStatus::Failed
            },
        );
        result
    }

    async fn admit(&mut self) -> Result<(IdentityFiles, AgentLabel), SetupError> {
        match &self.request.credential {
            Credential::Token(_) => {
                let key = self.step(SetupStep::GenerateKeypair, |_| AgentKey::generate())?;
                self.enroll(&key).await
            }
            Credential::File(file) => {
                let (files, label) = of_file(file, self.now)?;
                self.skip(SetupStep::GenerateKeypair);
                self.skip(SetupStep::EnrollPanel);
                self.ask_whether_accepted(&files, &label).await?;
                Ok((files, label))
            }
        }
    }

    fn skip(&mut self, step: SetupStep) {
        (self.progress)(step, StepStatus::Skipped);
    }

    /// Nothing is spent yet, so what the server would not let in is not kept.
    async fn ask_whether_accepted(
        &self,
        files: &IdentityFiles,
        label: &AgentLabel,
    ) -> Result<(), SetupError> {
        let panel = self.request.panel.to_string();
        let identity = Identity::check(files, self.request.credential.fingerprint(), label);
        let identity = identity.map_err(|source| SetupError::Certificate {
            panel: panel.clone(),
            source,
        })?;
        let client = identity.panel(self.request.panel.clone(), self.request.proxy.clone());
        let asked = match client {
            Ok(client) => client.agent_config().await.map(drop),
            Err(error) => Err(error),
        };
        match asked {
            Ok(()) => Ok(()),
            // It knew who asked before it said no to what was asked.
            Err(ClientError::Api { status, .. }) if (400..500).contains(&status) => Ok(()),
            Err(source @ ClientError::NotAuthorised { .. }) => {
                Err(SetupError::NotAccepted { panel, source })
            }
            Err(source) => Err(SetupError::Unreachable { panel, source }),
        }
    }

    /// Spends the token. What comes back is checked before anything is kept of it.
    async fn enroll(&mut self, key: &AgentKey) -> Result<(IdentityFiles, AgentLabel), SetupError> {
        (self.progress)(SetupStep::EnrollPanel, StepStatus::Running);
        let result = self.try_to_enroll(key).await;
        let status = if result.is_ok() {
            StepStatus::Complete
        } else {
            StepStatus::Failed
        };
        (self.progress)(SetupStep::EnrollPanel, status);
        result
    }

    async fn try_to_enroll(
        &self,
        key: &AgentKey,
    ) -> Result<(IdentityFiles, AgentLabel), SetupError> {
        let panel = self.request.panel.to_string();
        let Credential::Token(secret) = &self.request.credential else {
            unreachable!("a file needs no token");
        };
        let pinned = &secret.fingerprint;
        let failed = |source| SetupError::Enroll {
            panel: panel.clone(),
            source,
        };
        let client = self.stranger(pinned.clone()).map_err(failed)?;
        let request = EnrollRequest {
            token: Secret::new(secret.token.expose()),
            csr: key.request(&self.pending_label())?,
        };
        let enrolled = client.enroll(&request).await.map_err(failed)?;
        let files = IdentityFiles {
            key: key.to_pem(),
            certificate: enrolled.cert,
            authority: enrolled.ca_cert,
        };
        Identity::check(&files, pinned, &enrolled.label).map_err(|source| {
            SetupError::Certificate {
                panel: panel.clone(),
                source,
            }
        })?;
        Ok((files, enrolled.label))
    }

    fn stranger(&self, pinned: CaFingerprint) -> Result<PanelClient, ClientError> {
        let client = PanelClient::new(self.request.panel.clone(), pinned, None, None)?;
        Ok(client.with_proxy(self.request.proxy.clone()))
    }

    /// The name in the request, which servers ignore.
    fn pending_label(&self) -> AgentLabel {
        let pending = || "pending".parse().expect("`pending` is a label");
        self.request.label.clone().unwrap_or_else(pending)
    }

    /// Where the agent goes. The token is spent, so a name that is taken is no reason to stop:
    /// an agent of the same server is replaced (the server has just declared it dead), next to
    /// another server's the new one gets a number.
    fn place(&mut self, at_server: &AgentLabel) -> Result<AgentDir, SetupError> {
        let agent = match &self.request.label {
            Some(label) => self.home.agent(label),
            None => self.free_place(at_server),
        };
        self.step(SetupStep::CreateAgentDirs, |_| agent.create())?;
        Ok(agent)
    }

    fn free_place(&self, wanted: &AgentLabel) -> AgentDir {
        let numbered =
            (2..=u32::MAX).filter_map(|number| format!("{wanted}-{number}").parse().ok());
        std::iter::once(wanted.clone())
            .chain(numbered)
            .map(|label| self.home.agent(&label))
            .find(|agent| !agent.exists() || self.request.replace || self.is_of_same_server(agent))
            .unwrap_or_else(|| self.home.agent(wanted))
    }

    fn is_of_same_server(&self, agent: &AgentDir) -> bool {
        agent
            .config()
            .is_ok_and(|config| config.ca_fingerprint == *self.request.credential.fingerprint())
    }

    /// Saves the identity first and what makes the agent exist last.
    fn save(
        &mut self,
        agent: &AgentDir,
        files: &IdentityFiles,
        at_server: AgentLabel,
    ) -> Result<AgentConfig, SetupError> {
        let other_server = agent.exists() && !self.is_of_same_server(agent);
        let kind = self.request.key_store;
        let store = key_store(kind, agent);
        let before = agent.key_store_kind().ok().filter(|before| *before != kind);
        // The network at home is the same whatever the server.
        let before_transport = || agent.config().map(|config| config.transport);
        let before_transport = || before_transport().unwrap_or_default();
        let config = AgentConfig {
            label: agent.label().clone(),
            panel_url: self.request.panel.to_string(),
            auth_method: kind.to_string(),
            agent_label: at_server,
            ca_fingerprint: self.request.credential.fingerprint().clone(),
            domain: None,
            tunnel_server: None,
            last_good_address: None,
            setup_at: self.now,
            updated_at: None,
            transport: self.request.transport.unwrap_or_else(before_transport),
            service_environment: BTreeMap::new(),
            extra: Map::new(),
        };
        self.step(SetupStep::ImportCert, |_| agent.save_key(&*store, files))?;
        self.step(SetupStep::SaveCa, |_| agent.save_authority(files))?;
        self.step(SetupStep::SaveConfig, |setup| {
            if other_server {
                // What one server was allowed is no word for another.
                agent.allowed().clear()?;
            }
            agent.save_config(&config)?;
            setup.home.register(&config, true)
        })?;
        if let Some(before) = before {
            // What is left there is of no use to anybody, and no reason to fail.
            let _ = key_store(before, agent).remove(KeySlot::Present);
        }
        Ok(config)
    }

    /// Asks the panel where to dial. All that can go wrong here mends itself when the agent runs.
    async fn meet_the_panel(
        mut self,
        agent: AgentDir,
        config: AgentConfig,
    ) -> Result<SetUp, SetupError> {
        let mut hints = self.hints_on_names(&config);
        hints.extend(self.open_loopback(&agent));
        let Ok(identity) = Identity::load(&agent) else {
            return Ok(SetUp {
                agent,
                config,
                hints,
            });
        };
        let panel = identity.panel(self.request.panel.clone(), self.request.proxy.clone());
        let Ok(panel) = panel else {
            return Ok(SetUp {
                agent,
                config,
                hints,
            });
        };
        let health = self
            .ask(SetupStep::VerifyConnectivity, panel.health())
            .await;
        if let Err(error) = &health {
            hints.push(format!(
                "the panel did not answer the new agent yet: {}",
                in_one_line(error)
            ));
        }
        let config = match self.ask(SetupStep::FetchConfig, panel.agent_config()).await {
            Ok(found) => {
                let config = agent.change_config(self.now, |config| {
                    config.domain = Some(found.domain);
                    config.tunnel_server = Some(TunnelServer::from(found.tunnel_server));
                })?;
                self.home.register(&config, true)?;
                config
            }
            Err(error) => {
                hints.push(hint_on_missing_config(&error));
                config
            }
        };
        Ok(SetUp {
            agent,
            config,
            hints,
        })
    }

    fn open_loopback(&self, agent: &AgentDir) -> Option<String> {
        if !self.request.allow_loopback {
            return None;
        }
        let opened = agent.allowed().change(|list| list.set_loopback(true));
        opened.err().map(|error| {
            format!(
                "the ports of this machine could not be allowed: {}",
                in_one_line(&error)
            )
        })
    }

    async fn ask<T>(
        &mut self,
        step: SetupStep,
        call: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        (self.progress)(step, StepStatus::Running);
        let result = call.await;
        (self.progress)(
            step,
            if result.is_ok() {
                StepStatus::Complete
            } else {
                StepStatus::Skipped
            },
        );
        result
    }

    fn hints_on_names(&self, config: &AgentConfig) -> Vec<String> {
        if config.label == config.agent_label {
            return Vec::new();
        }
        vec![format!(
            "this agent is called {} here and {} at the server",
            config.label, config.agent_label
        )]
    }
}

/// What a file holds, if it is an agent's and holds at `now`.
fn of_file(file: &ClientFile, now: Timestamp) -> Result<(IdentityFiles, AgentLabel), SetupError> {
    let client = file.client();
    let label = match client.subject() {
        Subject::Agent(label) => label.clone(),
        Subject::Admin => return Err(SetupError::Admin),
        Subject::Nobody => {
            let found = client.common_name().to_owned();
            return Err(SetupError::NoAgent { found });
        }
    };
    if !client.is_current(now) {
        let validity = client.validity();
        return Err(SetupError::NotCurrent {
            from: validity.not_before,
            until: validity.not_after,
        });
    }
    let files = IdentityFiles {
        key: file.key().to_pem(),
        certificate: certificate_to_pem(file.certificate()),
        authority: certificate_to_pem(file.authority()),
    };
    Ok((files, label))
}

fn hint_on_missing_config(error: &ClientError) -> String {
    if error.status().is_some() {
        format!(
            "the server cannot be tunnelled to yet ({}): finish its set-up in the panel; `portlama agent run` waits for it",
            in_one_line(error)
        )
    } else {
        format!(
            "the tunnel's address is not known yet ({}): `portlama agent run` asks again",
            in_one_line(error)
        )
    }
}

/// An error and its causes.
pub(crate) fn in_one_line(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
