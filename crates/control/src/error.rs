//! Why an operation was not done. The panel maps these to statuses and bodies.

use std::path::PathBuf;
use std::time::Duration;

use portlama_model::{AgentLabel, OnboardingStatus, SitePath};
use portlama_pki::{AuthorityError, CsrError};
use portlama_state::StateError;

use crate::http::BoxError;
use crate::operations::invitations::MAX_INVITATIONS;
use crate::operations::site_files::MAX_UPLOAD_FILE_BYTES;
use crate::operations::site_rules::MAX_SITES;
use crate::operations::tunnel_rules::MAX_TUNNELS;
use crate::site_files::MAX_SITE_FILES;
use crate::{PrepareError, TunnelView, UnknownAction, UnknownService};

/// Why an operation was not done, or not done durably.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperationError {
    /// A field breaks its rule (400 with `details.issues`).
    #[error("Validation failed")]
    Invalid(Vec<Issue>),
    /// A rule of the business says no (400).
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The enrolment token is unknown, used or expired (401).
    #[error("Invalid enrollment token")]
    InvalidToken,
    /// The one-time code is wrong, or was used before (401).
    #[error("the code is wrong or was used before: wait for the next one")]
    WrongCode,
    /// Too many wrong codes came from this address; nothing was checked (429 with `retryAfter`).
    #[error("too many wrong codes, try again later")]
    TooManyCodes {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The caller may not do this (403).
    #[error("{message}")]
    Forbidden {
        /// Why, for the caller.
        message: String,
    },
    /// There is no such thing (404).
    #[error("{what} not found")]
    NotFound {
        /// The kind of thing: `Tunnel`, `User`, `Agent`.
        what: &'static str,
    },
    /// It is there already (409).
    #[error("{message}")]
    Conflict {
        /// What is in the way.
        message: String,
    },
    /// It is no longer possible, for good (410).
    #[error("{message}")]
    Gone {
        /// Why, and what there is in its place.
        message: String,
    },
    /// The first set-up is at another point (409 with `onboardingStatus`).
    #[error("{message}")]
    WrongStage {
        /// What is in the way.
        message: String,
        /// Where the set-up is.
        status: OnboardingStatus,
    },
    /// The agent's panel is exposed already (409, with the tunnel).
    #[error("the panel of this agent is exposed already")]
    PanelExposed {
        /// As it is.
        tunnel: Box<TunnelView>,
    },
    /// Too many costly requests at once; try again (503).
    #[error("the server is busy: try again in a moment")]
    Busy,
    /// The certificate authority wants to be left alone for a while (429).
    #[error("the certificate authority wants to be left alone: {message}")]
    RateLimited {
        /// For how long.
        retry_after: Duration,
        /// What it said last.
        message: String,
    },
    /// The certificate authority refused, or has not answered in time (500 with its words in
    /// `details`). What was there stays.
    #[error("there is no new certificate: {0}")]
    Authority(String),
    /// Nothing was changed, the disk is full (507).
    #[error("the server's disk is full: nothing was changed")]
    DiskFull,
    /// The denial acts, but would be forgotten by a restart (507 when the disk is full, else 500).
    #[error(
        "this acts at once, but could not be written down and would not survive a restart: {source}"
    )]
    NotDurable {
        /// Whether freeing space helps.
        disk_full: bool,
        /// Why it was not written.
        source: BoxError,
    },
    /// The release did not come, or is none (502 with `details` saying why). Nothing was changed.
    #[error("the release was not fetched: {0}")]
    NotFetched(String),
    /// A service did not do as it was told (500 with `details` saying why).
    #[error("{what} failed: {details}")]
    ServiceFailed {
        /// What was tried.
        what: String,
        /// What the machine said.
        details: String,
    },
    /// A step failed; nothing was changed (500 with `details` naming the step).
    #[error("{step} failed")]
    Failed {
        /// The step.
        step: Step,
        /// Why, for the log.
        source: BoxError,
    },
}

/// One field that breaks its rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// The way to the field in the body.
    pub path: Vec<String>,
    /// The rule it breaks: `must be …`.
    pub message: String,
}

impl OperationError {
    /// One field that breaks its rule.
    #[must_use]
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Issue {
            path: vec![field.to_owned()],
            message: message.into(),
        }])
    }
}

/// A rule of the business that says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// One of the names Portlama keeps.
    #[error("the subdomain is reserved")]
    ReservedSubdomain,
    /// `agent-…` belongs to panel tunnels.
    #[error("subdomains that begin with `agent-` are kept for the panels of agents")]
    AgentPrefix,
    /// Plugins are kept for adopted installations only.
    #[error(
        "tunnels of this type cannot be made: choose `app`, or `panel` for an agent's own panel"
    )]
    UnsupportedType,
    /// A panel tunnel is its agent's, and opens by certificate.
    #[error(
        "the panel of an agent stays with its agent and opens by certificate: it can be switched on and off only"
    )]
    PanelByCertificate,
    /// Only an agent has a panel to expose.
    #[error("only an agent has a panel to expose: call with an agent's certificate")]
    AgentCertificateRequired,
    /// The label makes no host name.
    #[error("`agent-{0}` is no valid host name: a label that ends in a hyphen cannot have a panel")]
    NoHostForLabel(AgentLabel),
    /// Grants do not exist, so nobody could pass.
    #[error("`restricted` needs grants, and this version has none: choose `authenticated`")]
    RestrictedUnavailable,
    /// The name is taken.
    #[error("the subdomain is in use")]
    SubdomainTaken,
    /// The agent has a tunnel with this port.
    #[error("the port is in use by another tunnel of this agent")]
    PortTaken,
    /// No domain was chosen.
    #[error("no domain is configured")]
    DomainMissing,
    /// Several agents could serve it.
    #[error("several agents are enrolled, so `agentLabel` must name one of: {}", list(.0))]
    AgentRequired(Vec<AgentLabel>),
    /// No live agent has this label.
    #[error("no agent `{0}` is enrolled")]
    UnknownAgent(AgentLabel),
    /// As many tunnels exist as may.
    #[error("this server has {MAX_TUNNELS} tunnels, and that is as many as it may have")]
    TooManyTunnels,
    /// A site with a name of the owner's needs that name.
    #[error("`customDomain` is required for a site of the type `custom`")]
    CustomDomainMissing,
    /// Another site has the name.
    #[error("the name is in use by another site")]
    SiteNameTaken,
    /// A tunnel or a site has the host name.
    #[error("the host name is in use by a {by}")]
    HostTaken {
        /// `tunnel` or `site`.
        by: &'static str,
    },
    /// As many sites exist as may.
    #[error("this server has {MAX_SITES} sites, and that is as many as it may have")]
    TooManySites,
    /// Sites below the base domain need no proof.
    #[error("a site below the base domain has nothing to verify")]
    NothingToVerify,
    /// There is no such folder in the site.
    #[error("the site has no such folder")]
    NoSuchFolder,
    /// The site's own folder goes with the site.
    #[error("the root of a site cannot be deleted: delete the site")]
    SiteRoot,
    /// The file is of no kind that sites are made of.
    #[error("`{0}` has no extension that files of a site may have")]
    FileType(SitePath),
    /// The file is larger than a file may be.
    #[error("`{path}` is larger than {} MiB", MAX_UPLOAD_FILE_BYTES / (1024 * 1024))]
    FileTooLarge {
        /// The file.
        path: SitePath,
    },
    /// A folder stands where a file is to be saved, or the reverse.
    #[error("`{0}` cannot be saved: a folder has this name, or a file the name of its folder")]
    NameOfAnother(SitePath),
    /// The site would have more files and folders than it may have.
    #[error(
        "`{0}` was not saved: a site may have {MAX_SITE_FILES} files and folders, and this would be more"
    )]
    TooManyFiles(SitePath),
    /// As many invitations exist as may.
    #[error(
        "this server keeps {MAX_INVITATIONS} invitations, and that is as many as it may: delete old ones"
    )]
    TooManyInvitations,
    /// Somebody must be able to sign in.
    #[error("the last user cannot be deleted")]
    LastUser,
    /// No service has this name, or this machine does not have it.
    #[error(transparent)]
    UnknownService(#[from] UnknownService),
    /// Services cannot be told this.
    #[error(transparent)]
    UnknownAction(#[from] UnknownAction),
    /// Parts of one process begin and end with it.
    #[error(
        "this is a part of the running server and cannot be started or stopped by itself: restart `portlama-panel`, or the program"
    )]
    PartOfTheServer,
    /// The part has nothing that could be loaded anew.
    #[error("this part takes up every change at once and has nothing to reload")]
    NothingToReload,
    /// The panel would be gone.
    #[error("the panel cannot stop itself: use `systemctl stop 'portlama.*'` on the server")]
    StopsThePanel,
    /// The way in for repairs would be gone.
    #[error("stopping ssh would shut you out of the server: use `systemctl stop ssh` there")]
    StopsSsh,
    /// Nobody has said where releases are.
    #[error(
        "this server does not know where releases are fetched: set `releases.url` in its panel.json and restart it, or run `portlama server upgrade --file RELEASE` there"
    )]
    NoReleases,
    /// One after the other.
    #[error("an update is being fetched already")]
    UpdateUnderWay,
    /// It cannot be, or not to this version.
    #[error("{0}")]
    NoUpdate(String),
    /// The key of a certificate that ends with the new one's making.
    #[error("the certificate request holds the key of the present certificate, make a new key")]
    KeyInUse,
    /// Browsers keep sessions for names.
    #[error("two-factor sign-in needs a domain")]
    TwoFactorNeedsDomain,
    /// No seed waits for a code.
    #[error("two-factor sign-in was not set up: begin with setup")]
    TwoFactorNotSetUp,
    /// Nobody is asked for a code.
    #[error("two-factor sign-in to the panel is not on")]
    TwoFactorOff,
    /// What was typed is no code.
    #[error("the code must be a text of exactly 6 digits")]
    CodeFormat,
    /// The certificate request is not acceptable.
    #[error(transparent)]
    Csr(#[from] CsrError),
}

fn list(labels: &[AgentLabel]) -> String {
    let labels: Vec<&str> = labels.iter().map(AgentLabel::as_str).collect();
    labels.join(", ")
}

/// A step of an operation, as `details` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Making or reading a certificate.
    Certificate,
    /// Preparing the data plane.
    Route,
    /// Making or changing files of a site.
    Directory,
    /// Hashing a password.
    Hash,
    /// Writing the state.
    State,
    /// Asking the machine.
    Machine,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Certificate => "certificate",
            Self::Route => "route",
            Self::Directory => "directory",
            Self::Hash => "hash",
            Self::State => "state",
            Self::Machine => "machine",
        })
    }
}

/// Why somebody is not signed in. [`Wrong`](Self::Wrong) and [`Banned`](Self::Banned) are
/// answered alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// Wrong name, password or code.
    #[error("the name, password or code is wrong")]
    Wrong,
    /// Too many wrong tries; nothing was verified.
    #[error("too many wrong tries")]
    Banned,
    /// No session that has passed the factor before this one.
    #[error("the sign-in has not come this far")]
    FirstFactorRequired,
    /// Too many sign-ins at once.
    #[error("too many people sign in at once")]
    Busy,
    /// The server cannot verify anything at present.
    #[error("sign-in is not available at present")]
    Unavailable,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The state directory is in use, broken, newer than this program, or cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The authority's files are broken.
    #[error("the certificate authority cannot be used: bring `pki/` back from a backup")]
    Authority(#[from] AuthorityError),
    /// A file of the authority is missing.
    #[error("`{}` is missing: bring it back from a backup", .path.display())]
    MissingFile {
        /// The file.
        path: PathBuf,
    },
    /// The folder of the static sites cannot be used.
    #[error("`sites/` in the state directory cannot be made or opened: check its owner and mode")]
    Sites(#[source] std::io::Error),
    /// A server certificate cannot be made.
    #[error("a certificate for {name} cannot be made")]
    Certificate {
        /// The host or address.
        name: String,
        /// Why.
        source: BoxError,
    },
    /// The state asks for DNS-01, and nobody can set records.
    #[error(
        "`acme.challenge` of panel.json is `dns-01`, and this version has no DNS provider: \
         set it to `tls-alpn-01`"
    )]
    NoDnsProvider,
    /// The state cannot be served.
    #[error("what the state says cannot be served")]
    Plane(#[from] PrepareError),
}
