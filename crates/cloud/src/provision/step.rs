//! The eleven steps.

use serde::{Deserialize, Serialize};

/// A step, in the order in which they are done. Its name on the wire is in snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// What the token may is looked at once more.
    ValidateToken,
    /// The key for the installation, and the server's own host key.
    GenerateSshKey,
    /// The public half goes to DigitalOcean.
    UploadSshKey,
    /// The machine is asked for. From here on it costs money.
    CreateDroplet,
    /// Until it runs and has an address.
    WaitDroplet,
    /// Until it lets us in, with the host key that we gave it.
    WaitSsh,
    /// The program goes over, is compared, and installs the server.
    InstallPortlama,
    /// The admin's certificate comes back.
    RetrieveCredentials,
    /// Certificate and key become the admin's file, and the panel is asked with it.
    EnrollAdmin,
    /// The server is in the list. From here on it is never deleted by itself.
    SaveRegistry,
    /// The key for the installation goes.
    Cleanup,
}

impl Step {
    /// All of them, in their order.
    pub const ALL: [Self; 11] = [
        Self::ValidateToken,
        Self::GenerateSshKey,
        Self::UploadSshKey,
        Self::CreateDroplet,
        Self::WaitDroplet,
        Self::WaitSsh,
        Self::InstallPortlama,
        Self::RetrieveCredentials,
        Self::EnrollAdmin,
        Self::SaveRegistry,
        Self::Cleanup,
    ];

    /// What people read.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::ValidateToken => "Validating token",
            Self::GenerateSshKey => "Generating SSH key",
            Self::UploadSshKey => "Uploading SSH key",
            Self::CreateDroplet => "Creating droplet",
            Self::WaitDroplet => "Waiting for boot",
            Self::WaitSsh => "Connecting via SSH",
            Self::InstallPortlama => "Installing Portlama",
            Self::RetrieveCredentials => "Retrieving credentials",
            Self::EnrollAdmin => "Enrolling admin certificate",
            Self::SaveRegistry => "Saving configuration",
            Self::Cleanup => "Cleaning up",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_have_the_names_of_the_wire_in_their_order() {
        let names: Vec<_> = Step::ALL
            .iter()
            .map(|step| serde_json::to_value(step).expect("a name"))
            .collect();
        assert_eq!(
            serde_json::Value::from(names),
            serde_json::json!([
                "validate_token",
                "generate_ssh_key",
                "upload_ssh_key",
                "create_droplet",
                "wait_droplet",
                "wait_ssh",
                "install_portlama",
                "retrieve_credentials",
                "enroll_admin",
                "save_registry",
                "cleanup",
            ])
        );
        assert!(Step::ALL.is_sorted());
    }
}
