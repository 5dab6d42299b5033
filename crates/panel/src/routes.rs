//! The API in one table.

use axum::response::Response;
use http::Method;
use portlama_access::{Rule, When, Who};
use portlama_control::BoxFuture;
use portlama_model::Capability;

use crate::call::Call;
use crate::handlers::{agents, server, tunnels, users};
use crate::refusal::Refusal;

/// One method of one path: who may use it, when, and what does it.
pub struct Route {
    method: Method,
    path: &'static str,
    rule: Rule,
    run: fn(Call) -> BoxFuture<'static, Result<Response, Refusal>>,
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

macro_rules! routes {
    ($($method:ident $path:literal $who:expr, $when:ident => $module:ident::$handler:ident;)*) => {
        &[$(Route {
            method: Method::$method,
            path: $path,
            rule: Rule { who: $who, when: When::$when },
            run: |call| Box::pin($module::$handler(call)),
        }),*]
    };
}

const TUNNELS_READ: Who = Who::Capability(Capability::TunnelsRead);
const TUNNELS_WRITE: Who = Who::Capability(Capability::TunnelsWrite);

/// Every route of the API. What is not here is 404.
#[rustfmt::skip]
pub static ROUTES: &[Route] = routes! {
    GET    "/api/health"                            Who::Public,      Always     => server::health;
    GET    "/api/onboarding/status"                 Who::AnyIdentity, Always     => server::onboarding;

    GET    "/api/tunnels"                           TUNNELS_READ,     Management => tunnels::list;
    POST   "/api/tunnels"                           TUNNELS_WRITE,    Management => tunnels::create;
    GET    "/api/tunnels/agent-config"              TUNNELS_READ,     Management => tunnels::agent_config;
    PATCH  "/api/tunnels/{id}"                      TUNNELS_WRITE,    Management => tunnels::change;
    DELETE "/api/tunnels/{id}"                      TUNNELS_WRITE,    Management => tunnels::delete;

    GET    "/api/users"                             Who::Admin,       Management => users::list;
    POST   "/api/users"                             Who::Admin,       Management => users::create;
    PUT    "/api/users/{username}"                  Who::Admin,       Management => users::change;
    DELETE "/api/users/{username}"                  Who::Admin,       Management => users::delete;
    POST   "/api/users/{username}/reset-totp"       Who::Admin,       Management => users::reset_totp;

    GET    "/api/certs/agent"                       Who::Admin,       Management => agents::list;
    PATCH  "/api/certs/agent/{label}/capabilities"  Who::Admin,       Management => agents::set_capabilities;
    DELETE "/api/certs/agent/{label}"               Who::Admin,       Management => agents::revoke;
    POST   "/api/certs/agent/enroll"                Who::Admin,       Management => agents::create_enrollment;
    DELETE "/api/certs/agent/enroll/{label}"        Who::Admin,       Management => agents::cancel_enrollment;
    POST   "/api/enroll"                            Who::Public,      Always     => agents::enroll;
};
