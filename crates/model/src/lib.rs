//! Names and ids parsed once, the durable [`State`], and the [`Desired`] data plane.
//!
//! Nothing here does IO or reads the clock. Whatever comes from outside becomes one of these
//! types at the boundary, or an error that says what was wrong; past the boundary nobody
//! checks a host name, a label or a port again.
//!
//! The rules of each name stand in the type's documentation with their source.
#![forbid(unsafe_code)]

mod acme;
mod capability;
mod desired;
mod dns;
mod host;
mod host_map;
mod invitation;
mod name;
mod port;
mod releases;
mod secret;
mod serial;
mod site;
mod site_path;
mod state;
mod text;
mod timestamp;
mod token;
mod version;

pub use acme::{AcmeSettings, ChallengeType, LETS_ENCRYPT_DIRECTORY};
pub use capability::{Capability, CapabilitySet};
pub use desired::{
    AppRoute, Desired, HostHeader, HostService, Origin, OriginScheme, SiteAccess, SiteRoute,
    TunnelKey,
};
pub use dns::{DNS_PORT, DnsSettings, ResolverAddress};
pub use host::{Domain, Hostname, RESERVED_SUBDOMAINS, Subdomain};
pub use host_map::HostMap;
pub use invitation::Invitation;
pub use name::{AgentLabel, Description, DisplayName, Email, Group, SiteName, Username};
pub use port::TunnelPort;
pub use releases::ReleaseSource;
pub use secret::Secret;
pub use serial::Serial;
pub use site::{Site, SiteType};
pub use site_path::{
    MAX_SITE_FILE_BYTES, MAX_SITE_PATH_BYTES, MAX_SITE_PATH_DEPTH, MAX_SITE_PATH_SEGMENT_BYTES,
    SITE_FILE_EXTENSIONS, SitePath,
};
pub use state::{
    AccessMode, AdminAuthMode, AdminIdentity, AgentEntry, AgentPredecessor, AgentSuccessor,
    CertificateAuthority, EnrollmentMethod, Onboarding, OnboardingStatus, PanelConfig,
    PanelTwoFactor, PendingAdmin, Registry, Revocation, Revocations, State, Tunnel, TunnelType,
    User, Users,
};
pub use text::ParseError;
pub use timestamp::Timestamp;
pub use token::{CaFingerprint, EnrollmentToken, InvitationToken, SetupToken};
pub use version::ReleaseVersion;
