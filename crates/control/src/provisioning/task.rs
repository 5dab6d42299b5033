//! The tasks of the first set-up, in order.

/// A task. The ids are those that clients know; the titles say what happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProvisionTask {
    /// The certificate with which the tunnel hub proves itself to agents.
    TunnelHub,
    /// The sign-in portal's first account.
    AdminAccount,
    /// Certificates for the three names.
    Certificates,
    /// Whether the hosts can be served.
    Routes,
    /// Whether the server answers on its own ports.
    Checks,
    /// The commit that puts the server in service.
    Finish,
}

impl ProvisionTask {
    /// All of them, in the order in which they are done.
    pub const ALL: [Self; 6] = [
        Self::TunnelHub,
        Self::AdminAccount,
        Self::Certificates,
        Self::Routes,
        Self::Checks,
        Self::Finish,
    ];

    /// The id, as clients know it from the programs of other installations.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::TunnelHub => "install-chisel",
            Self::AdminAccount => "install-authelia",
            Self::Certificates => "issue-certs",
            Self::Routes => "configure-nginx",
            Self::Checks => "verify-services",
            Self::Finish => "finalize",
        }
    }

    /// What happens, for a person.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::TunnelHub => "Tunnel hub: a certificate that agents believe",
            Self::AdminAccount => "Sign-in portal: the account `admin`",
            Self::Certificates => "Certificates for panel, auth and tunnel",
            Self::Routes => "Routes for panel, auth and tunnel",
            Self::Checks => "Checks: the server answers on its ports",
            Self::Finish => "Finish: put everything in service",
        }
    }

    pub(super) fn index(self) -> usize {
        self as usize
    }
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskStatus {
    /// Its turn has not come.
    Pending,
    /// It is being done.
    Running,
    /// It is done, and a further run leaves it so.
    Done,
    /// It failed; a further run begins with it.
    Error,
}
