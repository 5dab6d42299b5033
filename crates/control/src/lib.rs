//! All operations on a Portlama server, and the only writer of its state.
//!
//! An operation validates, builds the next [`portlama_model::State`], lets the data plane
//! [prepare](DataPlane::prepare) what follows from it ([`desired()`]), commits it durably with
//! its audit row, and then activates it. Denials (revoke, disable, delete, sign out) act in
//! [`Live`] before the commit, so that they hold even when the disk is full.
//!
//! - [`Control`]: the operations; [`setup`]: making a server that does not run yet.
//! - [`Live`]: what requests are judged against, shared with edge, portal and panel.
//! - [`DataPlane`], [`Upstreams`], [`ChallengeStore`]: the seams to the rooms above.
//! - [`Machine`], [`logs`]: the machine under the server, and the lines that people read.
//! - [`http`]: what a room behind the edge is, in types.
//!
//! Who may do what is decided in `access`; this crate never looks at a header.
#![forbid(unsafe_code)]

pub mod at_rest;
mod background;
mod certificates;
mod certifier;
mod change;
mod clock;
mod control;
mod desired;
mod dns;
mod error;
mod farewell;
mod first_use;
mod handovers;
pub mod http;
mod live;
mod lockouts;
pub mod logs;
mod machine;
mod observed;
mod operations;
mod panel_door;
mod parts;
mod passwords;
pub mod picture;
mod plane;
mod provisioning;
mod random;
pub mod rate;
pub mod reset_admin;
pub mod restore;
mod return_target;
mod routes;
pub mod security;
mod services;
mod session_table;
mod sessions;
pub mod setup;
mod sign_in_types;
mod site_files;
mod traffic;
mod upstreams;
mod writer;

pub use background::{DURABILITY_RETRY_INTERVAL, FOLD_INTERVAL, RENEWAL_INTERVAL, SWEEP_INTERVAL};
pub use certificates::LEAF_VALIDITY;
pub use certifier::{CREATE_WAIT, CertificateFailure, MAX_PARALLEL_ORDERS};
pub use clock::{Clock, SystemClock};
pub use control::{Control, DnsProvider, Settings};
pub use desired::{desired, desired_after};
pub use dns::{
    DNS_ATTEMPT_TIMEOUT, DNS_LOOKUP_TIMEOUT, Dns, MAX_ADDRESSES_PER_ANSWER, MAX_PARALLEL_QUESTIONS,
    MAX_RESOLVERS, ResolverAnswer, Verdict, is_public, leads_here, own_among,
};
pub use error::{Issue, OperationError, Refusal, SignInError, StartError, Step};
pub use farewell::Farewell;
pub use handovers::MAX_PENDING_HANDOVERS;
pub use live::Live;
pub use machine::{
    LastUpdate, Machine, MachineError, MachineStats, UNIT_ACTION_TIMEOUT, Unit, UnitView,
    UpdateError,
};
pub use observed::TunnelStatus;
pub use operations::admin::{RotatedAdmin, Rotation};
pub use operations::admin_rotation::{ROTATION_GRACE, ROTATION_INTERVAL, UNUSED_ADMIN_LIFETIME};
pub use operations::agent_certificates::NewP12;
pub use operations::agent_panel::AgentPanelStatus;
pub use operations::agent_renewal::{RENEWAL_GRACE, UNUSED_AGENT_LIFETIME};
pub use operations::agents::{AgentView, EXPIRING_SOON};
pub use operations::audit::{AuditFilter, AuditRow};
pub use operations::certificate_list::{
    CertificateKind, CertificateState, CertificateStatus, CertificateView,
};
pub use operations::certificate_renewal::AutoRenewal;
pub use operations::enrolment::{
    ENROLLMENT_LIFETIME, Enrolled, Enrollment, MAX_SITE_NAME_CHARACTERS,
};
pub use operations::invitations::{
    Accepted, InvitationStatus, InvitationView, Invited, MAX_INVITATIONS, NewInvitation,
    OpenInvitation,
};
pub use operations::keys::{P12_PASSWORD_BYTES, SignedClient};
pub use operations::onboarding::DnsCheck;
pub use operations::services::{ServiceView, may_act_on_unit};
pub use operations::sign_in::FIRST_FACTOR_LIFETIME;
pub use operations::site_dns::SiteProof;
pub use operations::site_files::{MAX_UPLOAD_FILE_BYTES, UPLOAD_BUFFER_BYTES, Upload, Uploaded};
pub use operations::site_rules::MAX_SITES;
pub use operations::sites::{ChangedSite, NewSite, SiteChange};
pub use operations::tunnel_rules::MAX_TUNNELS;
pub use operations::tunnels::{AgentConfigView, AgentTunnel, NewTunnel, TunnelChange, TunnelView};
pub use operations::two_factor::{PanelCookie, TwoFactorSeed, TwoFactorState};
pub use operations::users::{NewUser, UserChange, UserView};
pub use parts::{
    Part, PartState, Parts, ServiceAction, ServiceName, ServiceStatus, UnknownAction,
    UnknownService,
};
pub use passwords::{
    MAX_DELAYED_SIGN_INS, MAX_HASHES_OF_ONE_NETWORK, MAX_PARALLEL_HASHES, MAX_WAITING_HASHES,
};
pub use plane::{
    Activation, BoxFuture, ChallengeCertificate, ChallengeStore, DataPlane, Doors, HostCertificate,
    HostCertificates, PrepareError, Upstreams,
};
pub use portlama_acme::{ChallengeAnswer, Challenges};
pub use portlama_tunnel::{OpenError, TunnelStream};
pub use provisioning::{
    ADMIN_PASSWORD_BYTES, CERTIFICATE_WAIT, CHECK_TIMEOUT, MAX_WAITING_FRAMES, ProvisionEvent,
    ProvisionFailure, ProvisionResult, ProvisionTask, ProvisionView, RESULT_LIFETIME, TaskStatus,
    TaskView,
};
pub use return_target::MAX_RETURN_URL_BYTES;
pub use services::{MACHINE_CACHE, MAX_LOG_WATCHERS, MAX_PARALLEL_ACTIONS, Surroundings};
pub use session_table::{MAX_HOST_SESSIONS_PER_SIGN_IN, MAX_SIGN_INS_PER_USER, SessionId};
pub use sessions::{Sessions, SignedIn};
pub use sign_in_types::{FirstFactor, HandoverCode, ReturnTarget, SessionToken, SsoState};
pub use site_files::{
    FileKind, ListedFile, Listing, MAX_LISTED_FILES, MAX_PARALLEL_UPLOADS, MAX_SITE_FILES,
    MAX_UPLOADS_PER_IDENTITY, MEASURE_INTERVAL, RESERVED_DISK_BYTES, RESERVED_DISK_INODES,
    SiteEntry, SiteFile, SiteFiles,
};
pub use traffic::{Traffic, TrafficTotals};
