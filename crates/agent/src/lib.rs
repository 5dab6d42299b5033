//! The side behind the router: who the agent is, what it may forward, and the tunnel's local
//! end.
//!
//! - [`Home`] and [`AgentDir`] are its files; [`setup()`] fills them with an identity that only
//!   this machine holds the key of.
//! - [`AllowList`] decides where a port leads, and [`Target`] which address a connection may
//!   then reach. The server can ask for a port and nothing else.
//! - [`Gate`] holds the list in force and cuts streams that it no longer allows; [`Dialer`]
//!   connects, and has no way around the gate.
//! - [`KeyStore`] keeps the private key: in a private file, or in the credential store of the
//!   system.
//! - [`discover`] looks for services of this machine that may want a host name.
//! - [`site`] compares a folder with a static site and sends what changed.
//! - [`service`] lets the system keep it running.
//! - [`run()`] keeps the agent connected and answers [`ask`] on a socket of its directory.
//!
//! What this crate does not do: it listens on no network port, and it never believes a server
//! of another authority than the pinned one.
#![forbid(unsafe_code)]

mod allow;
mod carrier_tls;
mod dialer;
mod directory;
pub mod discover;
mod gate;
mod home;
mod identity;
mod keys;
mod log_files;
mod origin_tls;
mod panel;
mod proxy;
mod remove;
mod renewal;
mod resolve;
mod run;
pub mod service;
mod setup;
pub mod site;
mod socket;
mod status;
mod stopped;
mod target;
mod token;
mod trust;

pub use allow::{ALLOW_LIST_FORMAT, AllowFile, AllowList};
pub use dialer::{ADDRESS_HEAD_START, CONNECT_TIMEOUT, Dialer, PROBE_TIMEOUT};
pub use directory::{AgentConfig, AgentDir, IdentityFiles, TunnelServer};
pub use gate::{Admission, Gate, Guarded};
pub use home::{AgentRegistry, ChooseError, Home, REGISTRY_FORMAT, RegisteredAgent};
pub use identity::{CertificateInUse, IdentityError, certificate_of};
pub use keys::{
    KeySlot, KeyStore, KeyStoreError, KeyStoreKind, SERVICE as CREDENTIAL_SERVICE, key_store,
    move_key,
};
pub use log_files::{LOG_FILE_BYTES, LOG_FILES, LogFiles, LogFollower, LogWriter};
pub use panel::{PanelError, panel_of};
pub use portlama_files::{FileError, FileLock};
pub use proxy::ProxySettings;
pub use remove::{RemoveError, remove_agent};
pub use renewal::{
    RENEW_BEFORE_END, RENEWAL_CHECK_INTERVAL, RENEWAL_RETRY_FIRST, RENEWAL_RETRY_LONGEST,
};
pub use resolve::{MAX_ADDRESSES, MAX_LOOKUPS, Resolve, SystemResolver};
pub use run::{
    KEY_RETRY_FIRST, KEY_RETRY_LONGEST, LIST_POLL, MEASURE_TIMEOUT, MEASUREMENTS, REFRESH_INTERVAL,
    REFRESH_RETRY_FIRST, REFRESH_RETRY_LONGEST, REFRESH_TIMEOUT, RENEWAL_ANSWER_TIMEOUT, RunError,
    RunOptions, WARNING_INTERVAL, run,
};
pub use setup::{Credential, SetUp, SetupError, SetupRequest, SetupStep, StepStatus, setup};
pub use socket::{
    Ask, AskError, ConfigChange, QUESTION_TIMEOUT, REFRESH_QUESTION_TIMEOUT, Refreshed, Reloaded,
    Renewed, ask,
};
pub use status::{
    AgentReport, CERTIFICATE_WARNING, ConnectionReport, TunnelReport, TunnelState,
    certificate_warning,
};
pub use stopped::{refresh_stopped, revoke};
pub use target::{ForbiddenAddress, LanName, Target, TargetError, TargetHost};
pub use token::{SetupSecret, TokenError, parse_fingerprint};
