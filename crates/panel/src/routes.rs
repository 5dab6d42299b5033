//! The API in one table.

use axum::response::Response;
use http::Method;
use portlama_access::{Rule, When, Who};
// The table names nearly everything of the API, every handler and every shape.
use portlama_api::*;
use portlama_control::BoxFuture;
use portlama_model::Capability;

use crate::call::Call;
use crate::describe::*;
use crate::handlers::*;
use crate::limits::Tries;
use crate::refusal::Refusal;

/// One method of one path: who may use it, when, what does it, and what it takes and gives.
pub struct Route {
    method: Method,
    path: &'static str,
    rule: Rule,
    tries: &'static [Tries],
    run: fn(Call) -> BoxFuture<'static, Result<Response, Refusal>>,
    about: About,
}

/// What the OpenAPI document says of a route.
pub(crate) struct About {
    /// `<module>::<handler>`.
    pub(crate) id: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) takes: fn(&mut Taken, &mut Schemas),
    pub(crate) gives: (u16, fn(&mut Schemas) -> utoipa::openapi::Response),
    /// Statuses of the handler itself; those of the way to it follow from the rule.
    pub(crate) refuses: &'static [u16],
}

impl Route {
    /// The method. A `GET` answers `HEAD`, too.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path, with `{name}` for a segment that is read.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// Who may use it, and when.
    #[must_use]
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// What of it is limited per address beside the requests.
    pub(crate) fn tries(&self) -> &'static [Tries] {
        self.tries
    }

    pub(crate) fn about(&self) -> &About {
        &self.about
    }

    pub(crate) fn run(&self, call: Call) -> BoxFuture<'static, Result<Response, Refusal>> {
        (self.run)(call)
    }

    /// Whether a request with `method` is this route's.
    pub(crate) fn answers(&self, method: &Method) -> bool {
        self.method == method || (self.method == Method::GET && method == Method::HEAD)
    }
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {:?}", self.method, self.path, self.rule)
    }
}

/// Rows of the table:
///
/// ```text
/// /// Summary, for the OpenAPI document.
/// METHOD "path" who, when[, tries] => module::handler(what it takes…) -> status what-it-gives, other statuses…;
/// ```
macro_rules! routes {
    ($(
        $(#[doc = $summary:literal])+
        $method:ident $path:literal $who:expr, $when:ident $(, $tries:ident)?
            => $module:ident::$handler:ident($($takes:ty),*) -> $status:literal $gives:ty $(, $refused:literal)*;
    )*) => {
        &[$(Route {
            method: Method::$method,
            path: $path,
            rule: Rule { who: $who, when: When::$when },
            tries: &[$(Tries::$tries)?],
            run: |call| Box::pin($module::$handler(call)),
            about: About {
                id: concat!(stringify!($module), "::", stringify!($handler)),
                summary: concat!($($summary),+),
                takes: |_taken, _schemas| { $(<$takes as Takes>::describe(_taken, _schemas);)* },
                gives: ($status, <$gives as Gives>::describe),
                refuses: &[$($refused),*],
            },
        }),*]
    };
}

const SITES_READ: Who = Who::Capability(Capability::SitesRead);
const SITES_WRITE: Who = Who::Capability(Capability::SitesWrite);
const TUNNELS_READ: Who = Who::Capability(Capability::TunnelsRead);
const TUNNELS_WRITE: Who = Who::Capability(Capability::TunnelsWrite);
const PANEL_EXPOSE: Who = Who::Capability(Capability::PanelExpose);
const SERVICES_READ: Who = Who::Capability(Capability::ServicesRead);
const SERVICES_WRITE: Who = Who::Capability(Capability::ServicesWrite);
const SYSTEM_READ: Who = Who::Capability(Capability::SystemRead);

/// Every route of the API. What is not here is 404.
#[rustfmt::skip]
pub static ROUTES: &[Route] = routes! {
    /// That the server answers, and its version.
    GET "/api/health" Who::Public, Always
        => server::health() -> 200 Health;
    /// How far the first set-up has come.
    GET "/api/onboarding/status" Who::AnyIdentity, Always
        => onboarding::status() -> 200 OnboardingState;
    /// Chooses the base domain.
    POST "/api/onboarding/domain" Who::Admin, Onboarding
        => onboarding::set_domain(NewDomain) -> 200 DomainAnswer, 409;
    /// Looks whether the domain leads to this server.
    POST "/api/onboarding/verify-dns" Who::Admin, Onboarding
        => onboarding::verify_dns() -> 200 DnsCheck, 409;
    /// Begins the run that puts the server in service, or takes up one that failed.
    POST "/api/onboarding/provision" Who::Admin, Onboarding
        => onboarding::provision() -> 202 ProvisionStarted, 409;
    /// Where that run stands, as it goes on.
    GET "/api/onboarding/provision/stream" Who::Admin, Onboarding
        => onboarding::stream() -> 101 Websocket<ProvisionFrame>, 426;
    /// The first account's password and one-time code, until they are acknowledged.
    GET "/api/onboarding/result" Who::Admin, Always
        => onboarding::result() -> 200 ProvisionResult, 409, 410;
    /// Says that the admin has them, so that the server forgets them.
    POST "/api/onboarding/acknowledge" Who::Admin, Always
        => onboarding::acknowledge() -> 200 Done, 409, 410;
    /// This document.
    GET "/api/openapi.json" Who::AnyIdentity, Always
        => server::openapi() -> 200 OpenApiDocument;

    /// All tunnels, the newest first.
    GET "/api/tunnels" TUNNELS_READ, Management
        => tunnels::list() -> 200 TunnelList;
    /// Makes a tunnel.
    POST "/api/tunnels" TUNNELS_WRITE, Management
        => tunnels::create(NewTunnel) -> 201 TunnelAnswer;
    /// What the caller's agent serves.
    GET "/api/tunnels/agent-config" TUNNELS_READ, Management
        => tunnels::agent_config() -> 200 AgentConfig;
    /// The launchd job that keeps the agent of a Mac connected.
    GET "/api/tunnels/mac-plist" TUNNELS_READ, Management
        => agent_panel::mac_plist(Query<PlistQuery>) -> 200 PlistFile;
    /// How the panel of the caller's agent stands.
    GET "/api/tunnels/agent-panel-status" PANEL_EXPOSE, Management
        => agent_panel::status() -> 200 AgentPanelStatus;
    /// Serves the panel of the caller's agent, behind client certificates.
    POST "/api/tunnels/expose-panel" PANEL_EXPOSE, Management
        => agent_panel::expose(ExposePanel) -> 201 TunnelAnswer, 409;
    /// Takes the panel of the caller's agent out of service.
    DELETE "/api/tunnels/retract-panel" PANEL_EXPOSE, Management
        => agent_panel::retract() -> 200 Done, 404;
    /// Changes a tunnel.
    PATCH "/api/tunnels/{id}" TUNNELS_WRITE, Management
        => tunnels::change(TunnelChange) -> 200 TunnelAnswer, 404;
    /// Deletes a tunnel.
    DELETE "/api/tunnels/{id}" TUNNELS_WRITE, Management
        => tunnels::delete() -> 200 Done, 404;

    /// The static sites that the caller may touch, the newest first.
    GET "/api/sites" SITES_READ, Management
        => sites::list() -> 200 SiteList;
    /// Makes a static site.
    POST "/api/sites" Who::Admin, Management
        => sites::create(NewSite) -> 201 SiteAnswer;
    /// Changes a site.
    PATCH "/api/sites/{id}" Who::Admin, Management
        => sites::change(SiteChange) -> 200 SiteAnswer, 404;
    /// Deletes a site with its files.
    DELETE "/api/sites/{id}" Who::Admin, Management
        => sites::delete() -> 200 Done, 404;
    /// Looks whether the name of a site leads here, and serves the site when it does.
    POST "/api/sites/{id}/verify-dns" Who::Admin, Management
        => sites::verify_dns() -> 200 SiteDns, 404;
    /// What lies in a folder of a site.
    GET "/api/sites/{id}/files" SITES_READ, Management
        => sites::list_files(Query<SiteListing>) -> 200 SiteFiles, 404;
    /// Saves files in a folder of a site; needs the header `x-portlama-upload: 1`.
    POST "/api/sites/{id}/files" SITES_WRITE, Management
        => sites::upload(Query<SiteFolder>, Multipart) -> 200 SiteUpload, 404;
    /// Deletes a file or folder of a site; what is not there counts as deleted.
    DELETE "/api/sites/{id}/files" SITES_WRITE, Management
        => sites::delete_files(SiteFileDeletion) -> 200 Done, 404;

    /// All users, by name.
    GET "/api/users" Who::Admin, Management
        => users::list() -> 200 UserList;
    /// Makes a user.
    POST "/api/users" Who::Admin, Management
        => users::create(NewUser) -> 201 UserAnswer, 409;
    /// Changes a user.
    PUT "/api/users/{username}" Who::Admin, Management
        => users::change(UserChange) -> 200 UserAnswer, 404;
    /// Deletes a user.
    DELETE "/api/users/{username}" Who::Admin, Management
        => users::delete() -> 200 Done, 404;
    /// Gives a user a new TOTP seed; the old one dies.
    POST "/api/users/{username}/reset-totp" Who::Admin, Management
        => users::reset_totp() -> 200 TotpReset, 404;

    /// All invitations, in the order they were made.
    GET "/api/invitations" Who::Admin, Management
        => invitations::list() -> 200 InvitationList;
    /// Invites somebody to become a user; the link is shown once.
    POST "/api/invitations" Who::Admin, Management
        => invitations::create(NewInvitation) -> 201 InvitationAnswer, 409;
    /// Removes an invitation; one that is open is void at once.
    DELETE "/api/invitations/{id}" Who::Admin, Management
        => invitations::delete() -> 200 Done, 404;
    /// What an invitation is for. Looking changes nothing.
    GET "/api/invite/{token}" Who::Public, Always, Invitation
        => invitations::look() -> 200 OpenInvitation, 404, 410;
    /// Makes the user of an invitation.
    POST "/api/invite/{token}/accept" Who::Public, Always, Invitation
        => invitations::accept(AcceptInvitation) -> 200 InvitationAccepted, 404, 409, 410, 503;

    /// Who changed what, the newest first.
    GET "/api/audit" Who::Admin, Management
        => audit::list(Query<AuditQuery>) -> 200 AuditPage;

    /// Certificates of hosts, of the server's own authority and of the admin.
    GET "/api/certs" Who::Admin, Management
        => certificates::list() -> 200 CertificateList;
    /// Makes a new admin certificate; the old one dies five minutes after its first use.
    POST "/api/certs/mtls/rotate" Who::Admin, Management
        => certificates::rotate(Optional<AdminRotation>) -> 200 AdminRotated, 410;
    /// The file that carries the admin's certificate to a browser.
    GET "/api/certs/mtls/download" Who::Admin, Management
        => certificates::download_admin() -> 200 P12File, 404, 410;
    /// Whether the server ever had the admin's key.
    GET "/api/certs/admin/auth-mode" Who::Admin, Management
        => certificates::auth_mode() -> 200 AdminAuth;
    /// Exchanges the admin's certificate for one of a key that the server never sees.
    POST "/api/certs/admin/upgrade-to-hardware-bound" Who::Admin, Management
        => certificates::upgrade_admin(CertificateRequest) -> 200 CertificateSigned, 409;
    /// When certificates are looked through for those to renew.
    GET "/api/certs/auto-renew-status" Who::Admin, Management
        => renewal::status() -> 200 AutoRenewStatus;
    /// Gets a host a new certificate, due or not.
    POST "/api/certs/{domain}/renew" Who::Admin, Management
        => renewal::renew() -> 200 CertificateRenewed, 404;

    /// Makes an agent with a key of the server's making.
    POST "/api/certs/agent" Who::Admin, Management
        => agents::create(NewEnrollment) -> 200 AgentP12, 409;
    /// Exchanges the calling agent's certificate for one of a new key of its own.
    POST "/api/certs/agent/upgrade-cert" Who::AgentItself, Management
        => agents::upgrade(CertificateRequest) -> 200 CertificateSigned;
    /// Revokes the calling agent, which is about to be uninstalled.
    POST "/api/certs/agent/revoke-self" Who::AgentItself, Management
        => agents::revoke_self(OwnRevocation) -> 200 AgentRevoked;
    /// The file that carries an agent's certificate to its machine.
    GET "/api/certs/agent/{label}/download" Who::Admin, Management
        => agents::download_p12() -> 200 P12File, 404;
    /// Changes which sites an agent may touch.
    PATCH "/api/certs/agent/{label}/allowed-sites" Who::Admin, Management
        => agents::set_allowed_sites(AllowedSitesChange) -> 200 AgentSites, 404;
    /// All agents ever.
    GET "/api/certs/agent" Who::Admin, Management
        => agents::list() -> 200 AgentList;
    /// Changes what an agent may ask of the API.
    PATCH "/api/certs/agent/{label}/capabilities" Who::Admin, Management
        => agents::set_capabilities(CapabilityChange) -> 200 AgentCapabilities, 404;
    /// Revokes an agent.
    DELETE "/api/certs/agent/{label}" Who::Admin, Management
        => agents::revoke() -> 200 AgentRevoked, 404;
    /// Makes a single-use token with which a machine becomes an agent.
    POST "/api/certs/agent/enroll" Who::Admin, Management
        => agents::create_enrollment(NewEnrollment) -> 200 Enrollment, 409;
    /// Voids the pending token of a label.
    DELETE "/api/certs/agent/enroll/{label}" Who::Admin, Management
        => agents::cancel_enrollment() -> 200 EnrollmentCancelled;
    /// Whether the panel asks the admin for a one-time code.
    GET "/api/settings/2fa" Who::AdminByCertificate, Management
        => two_factor::status() -> 200 TwoFactorStatus;
    /// Makes a seed that waits for its confirmation.
    POST "/api/settings/2fa/setup" Who::Admin, Management
        => two_factor::setup() -> 200 TwoFactorSetup, 409;
    /// Turns two-factor sign-in on with a code of that seed, and signs in.
    POST "/api/settings/2fa/confirm" Who::Admin, Management
        => two_factor::confirm(TwoFactorCode) -> 200 TwoFactorSwitched, 401, 409;
    /// Signs in with a code.
    POST "/api/settings/2fa/verify" Who::AdminByCertificate, Management
        => two_factor::verify(TwoFactorCode) -> 200 TwoFactorVerified, 401;
    /// Turns two-factor sign-in off with a code, and ends every session.
    POST "/api/settings/2fa/disable" Who::Admin, Management
        => two_factor::disable(TwoFactorCode) -> 200 TwoFactorSwitched, 401;

    /// Turns a token and a certificate request into an agent's certificate.
    POST "/api/enroll" Who::Public, Always, Enrolment
        => agents::enroll(EnrollRequest) -> 200 Enrolled, 401, 409;

    /// The server's own parts and the machine's units.
    GET "/api/services" SERVICES_READ, Management
        => services::list() -> 200 ServiceList;
    /// Tells a service what to do.
    POST "/api/services/{name}/{action}" SERVICES_WRITE, Management
        => services::act() -> 200 ServiceDone;
    /// The last lines of a service's log, and those that follow.
    GET "/api/services/{name}/logs" Who::Admin, Management
        => services::logs() -> 101 Websocket<LogFrame>, 426;
    /// What the machine has, and what of it is in use.
    GET "/api/system/stats" SYSTEM_READ, Management
        => system::stats() -> 200 SystemStats;
    /// Which version serves, and how the last change of it ended.
    GET "/api/system/update" Who::Admin, Management
        => system::version() -> 200 UpdateState;
    /// Fetches a newer version of the program, verifies it and has it put in place of the running
    /// one; answers when that is ordered. The health of the server says which version serves then.
    POST "/api/system/update" Who::Admin, Management
        => system::update(UpdateRequest) -> 202 UpdateOrdered, 502;
};
