//! What every command needs: the folder, the credential store, and whom to ask.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use portlama_cloud::digitalocean::{DigitalOcean, Endpoints};
use portlama_cloud::provision::{Means, Pace, Ports};
use portlama_cloud::registry::ServerEntry;
use portlama_cloud::token::{TOKEN_VARIABLE, Token};
use portlama_cloud::{Credentials, Home};
use portlama_credentials::{
    CredentialError, CredentialStore, EncryptedFile, Occasion, SystemStore,
};
use portlama_model::{Secret, Timestamp};

use crate::output::Output;
use crate::secret::variable;

/// Holds the passphrase of the encrypted file where nobody can be asked.
const PASSPHRASE_VARIABLE: &str = "PORTLAMA_CREDENTIAL_PASSPHRASE";
/// The encrypted file.
const CREDENTIAL_FILE: &str = "credentials.age";

/// Where everything lies, and who is asked.
#[derive(Debug, Args)]
pub(super) struct PlaceArguments {
    /// The directory of the list of servers [default: ~/.portlama].
    #[arg(long, global = true, value_name = "DIR", env = "PORTLAMA_HOME")]
    home: Option<PathBuf>,
    /// Where token and passwords are kept: in the credential store of the `system`, or in a
    /// `file` that is encrypted with a passphrase, for machines without a desktop [default:
    /// system, or file once there is one].
    #[arg(
        long,
        global = true,
        value_name = "STORE",
        env = "PORTLAMA_CREDENTIAL_STORE"
    )]
    credential_store: Option<StoreKind>,
    /// Ask this address in place of DigitalOcean's: https://HOST or https://HOST:PORT.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "PORTLAMA_CLOUD_API",
        hide = true
    )]
    api: Option<String>,
    /// Believe the certificate authorities of this file alone when asking there.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "PORTLAMA_CLOUD_API_CA",
        requires = "api",
        hide = true
    )]
    api_ca: Option<PathBuf>,
}

/// Which store keeps secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StoreKind {
    /// The Keychain, or the Secret Service of a desktop.
    System,
    /// An encrypted file.
    File,
}

impl PlaceArguments {
    pub(super) fn open(self, output: Output) -> Result<Place> {
        let home = home(self.home)?;
        let file = home.path().join(CREDENTIAL_FILE);
        let kind = self.credential_store.unwrap_or(match file.exists() {
            true => StoreKind::File,
            false => StoreKind::System,
        });
        let store: Arc<dyn CredentialStore> = match kind {
            StoreKind::System => Arc::new(SystemStore),
            StoreKind::File => Arc::new(EncryptedFile::at(file, Box::new(ask_passphrase))),
        };
        Ok(Place {
            credentials: Credentials::new(store),
            kind,
            home,
            endpoints: endpoints(self.api, self.api_ca, output)?,
            output,
        })
    }
}

fn home(given: Option<PathBuf>) -> Result<Home> {
    let path = match given.filter(|path| !path.as_os_str().is_empty()) {
        Some(path) => path,
        None => std::env::home_dir()
            .filter(|home| home.is_absolute())
            .context("this user has no home directory: name one with --home")?
            .join(".portlama"),
    };
    let path =
        std::path::absolute(&path).with_context(|| format!("`{}` is no path", path.display()))?;
    Ok(Home::at(&path))
}

fn endpoints(api: Option<String>, ca_file: Option<PathBuf>, output: Output) -> Result<Endpoints> {
    let Some(api) = api.filter(|api| !api.is_empty()) else {
        return Ok(Endpoints::default());
    };
    let api = api.trim_end_matches('/');
    // The token goes there, so nothing but TLS will do.
    let host = api.strip_prefix("https://").unwrap_or_default();
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b".-:[]".contains(&b);
    if host.is_empty() || !host.bytes().all(is_host) {
        bail!("`{api}` is no address of an API: give https://HOST or https://HOST:PORT");
    }
    output.note(format_args!("asking {api} in place of DigitalOcean"));
    Ok(Endpoints {
        api: api.to_owned(),
        console: api.to_owned(),
        ca_file,
    })
}

/// What a command works with.
pub(super) struct Place {
    pub(super) home: Home,
    pub(super) credentials: Credentials,
    pub(super) output: Output,
    kind: StoreKind,
    endpoints: Endpoints,
}

impl Place {
    /// DigitalOcean, in the name of the token that the environment or the store holds.
    pub(super) async fn digitalocean(&self) -> Result<DigitalOcean> {
        let token = match variable(TOKEN_VARIABLE) {
            Some(text) => Token::parse(text.expose())
                .with_context(|| format!("the environment variable {TOKEN_VARIABLE}"))?,
            None => match self.explained(self.credentials.token().await)? {
                Some(token) => token.context("what the credential store keeps as the token")?,
                None => bail!(
                    "there is no token yet: `portlama cloud token set` keeps one, {TOKEN_VARIABLE} gives one for once"
                ),
            },
        };
        self.digitalocean_with(token).await
    }

    /// DigitalOcean, in the name of this token.
    pub(super) async fn digitalocean_with(&self, token: Token) -> Result<DigitalOcean> {
        let endpoints = self.endpoints.clone();
        let client = tokio::task::spawn_blocking(move || DigitalOcean::new(endpoints, token));
        Ok(client.await??)
    }

    /// What making servers, and clearing away after them, works with.
    pub(super) fn means<'a>(&'a self, digital_ocean: &'a DigitalOcean) -> Means<'a> {
        Means {
            digital_ocean,
            credentials: &self.credentials,
            home: &self.home,
            pace: Pace::default(),
            ports: Ports::default(),
            now,
        }
    }

    /// Adds the way out where there is no store.
    pub(super) fn explained<T, E: Into<anyhow::Error>>(&self, done: Result<T, E>) -> Result<T> {
        let done = done.map_err(Into::into);
        let is_missing = |error: &anyhow::Error| {
            let mut causes = error.chain();
            causes.any(|cause| {
                matches!(
                    cause.downcast_ref(),
                    Some(
                        CredentialError::Unavailable(_)
                            | CredentialError::Locked(_)
                            | CredentialError::NotBuilt
                    )
                )
            })
        };
        match self.kind == StoreKind::System && done.as_ref().is_err_and(is_missing) {
            true => done.context(
                "no place for secrets (`--credential-store file` keeps them in a file that a passphrase encrypts)",
            ),
            false => done,
        }
    }

    /// The server with this label, else the active one.
    pub(super) fn server(&self, label: Option<&str>) -> Result<ServerEntry> {
        let servers = self.home.registry().read()?;
        if let Some(label) = label {
            return Ok(servers.get(label)?.clone());
        }
        let active = servers.active().cloned();
        active.context(
            "no server is active: name one, or choose one with `portlama cloud use LABEL`; `portlama cloud list` shows them",
        )
    }

    /// Older programs wrote passwords into the list: they go where passwords belong. Where that
    /// cannot be, they stay as they are, and it is said.
    pub(super) async fn move_old_passwords(&self) {
        if let Err(error) = self.try_to_move_old_passwords().await {
            self.output.note(format_args!(
                "warning: the list of servers still has passwords of an older program in plain text: {error:#}"
            ));
        }
    }

    async fn try_to_move_old_passwords(&self) -> Result<()> {
        let registry = self.home.registry();
        // A list that cannot be read is told by the command itself.
        let Ok(mut servers) = registry.read() else {
            return Ok(());
        };
        let old = servers.take_passwords();
        if old.is_empty() {
            return Ok(());
        }
        for (server, password) in &old {
            let kept = self.credentials.keep_password(*server, password).await;
            self.explained(kept)?;
        }
        registry.change(|servers| Ok(servers.take_passwords()))?;
        Ok(())
    }
}

/// The clock.
pub(super) fn now() -> Timestamp {
    std::time::SystemTime::now().into()
}

/// The passphrase of the encrypted file: from the environment, else from a person.
fn ask_passphrase(
    occasion: Occasion,
    path: &Path,
) -> Result<Secret, Box<dyn std::error::Error + Send + Sync>> {
    if let Some(passphrase) = variable(PASSPHRASE_VARIABLE) {
        return Ok(passphrase);
    }
    if !std::io::stdin().is_terminal() {
        return Err(format!("nobody is there to ask: give it in {PASSPHRASE_VARIABLE}").into());
    }
    let ask = |prompt: String| rpassword::prompt_password(prompt).map(Secret::new);
    let path = path.display();
    match occasion {
        Occasion::Existing => Ok(ask(format!("Passphrase of {path}: "))?),
        Occasion::New => {
            let first = ask(format!("New passphrase for {path}: "))?;
            let second = ask("The same again: ".to_owned())?;
            match first == second {
                true => Ok(first),
                false => Err("the two passphrases differ".into()),
            }
        }
    }
}
