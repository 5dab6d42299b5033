//! Requests and answers of the panel API, in the shapes that stand in JSON.
//!
//! - Each request type is read with [`FromBody`]: every field is checked against its model type,
//!   nothing is coerced, unknown members are ignored, and *all* that is wrong is reported as
//!   [`Issue`]s.
//! - Each answer serialises on the server and deserialises at the client, so no shape is
//!   written twice. Clients ignore members and statuses that they do not know.
//! - [`ErrorBody`] is the one shape of every refusal.
//!
//! With the feature `client`, [`client`] holds a typed client that believes only the servers of
//! a pinned authority. Who may do what, and when, is not known here.
#![forbid(unsafe_code)]

mod agent_panel;
mod agents;
mod audit;
mod certificates;
#[cfg(feature = "client")]
pub mod client;
mod error;
pub mod formats;
mod invitations;
mod machine;
mod onboarding;
mod renewal;
mod server;
mod sites;
mod tunnels;
mod two_factor;
mod users;
mod validation;

pub use agent_panel::{AgentPanelStatus, ExposePanel, MacPlist, PlistInstructions, PlistQuery};
pub use agents::{
    Agent, AgentCapabilities, AgentList, AgentP12, AgentRevoked, AgentSites, AllowedSitesChange,
    CapabilityChange, EnrollRequest, Enrolled, Enrollment, EnrollmentCancelled, NewEnrollment,
    OwnRevocation,
};
pub use audit::{AuditEntry, AuditPage, AuditQuery, DEFAULT_AUDIT_ROWS, MAX_AUDIT_ROWS};
pub use certificates::{
    AdminAuth, AdminRotated, AdminRotation, Certificate, CertificateFailure, CertificateList,
    CertificateRequest, CertificateSigned, CertificateStatus, CertificateType,
};
pub use error::{
    ErrorBody, INVALID_ENROLLMENT_TOKEN, Issue, NOT_FOUND, ONBOARDING_COMPLETE,
    ONBOARDING_INCOMPLETE, PathSegment, SECOND_FACTOR_REQUIRED, VALIDATION_FAILED,
};
pub use invitations::{
    AcceptInvitation, DEFAULT_INVITATION_DAYS, Invitation, InvitationAccepted, InvitationAnswer,
    InvitationList, InvitationMade, InvitationStatus, MAX_INVITATION_DAYS, NewInvitation,
    OpenInvitation,
};
pub use machine::{
    CpuStats, LogFrame, LogLevel, ProcessStats, Service, ServiceAction, ServiceDone, ServiceList,
    ServiceStatus, SystemStats, UpdateOrdered, UpdateOutcome, UpdateRequest, UpdateState, Usage,
};
pub use renewal::{AutoRenewStatus, CertificateRenewed};
pub use server::{Done, Health};
pub use sites::{
    NewSite, Site, SiteAnswer, SiteChange, SiteDns, SiteFile, SiteFileDeletion, SiteFileType,
    SiteFiles, SiteFolder, SiteList, SiteListing, SiteUpload,
};

pub use onboarding::{
    DnsCheck, DomainAnswer, NameCheck, NewDomain, OnboardingState, ProvisionComplete,
    ProvisionError, ProvisionFrame, ProvisionProgress, ProvisionResult, ProvisionStarted,
    ProvisionState, ProvisionTask, ResolverCheck, TaskFailed, TaskProgress, TaskStatus,
};
pub use tunnels::{
    AgentConfig, AgentTunnel, NewTunnel, Traffic, Tunnel, TunnelAnswer, TunnelChange, TunnelList,
    TunnelServer, TunnelStatus,
};
pub use two_factor::{
    TwoFactorCode, TwoFactorSetup, TwoFactorStatus, TwoFactorSwitched, TwoFactorVerified,
};
pub use users::{NewUser, TotpReset, User, UserAnswer, UserChange, UserList};
pub use validation::{Field, Fields, FromBody, MAX_LIST_ITEMS};
