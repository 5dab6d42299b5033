//! What cloud-init reads at a machine's first start.

use portlama_model::Secret;
use serde_json::json;

use crate::ssh::{SshError, SshKeyPair};

/// Gives the machine this host key and no other, so that the first contact is with nobody else.
///
/// JSON is YAML, too, and needs no rules for quoting. Whoever runs a process on the machine can
/// read all this from the metadata service, so the key is replaced before the server is used.
///
/// # Errors
/// [`SshError::Key`].
pub(super) fn user_data(host: &SshKeyPair) -> Result<Secret, SshError> {
    let private = host.private_openssh()?;
    let config = json!({
        "disable_root": false,
        "ssh_pwauth": false,
        "ssh_deletekeys": true,
        "ssh_keys": {
            "ed25519_private": private.expose(),
            "ed25519_public": host.public_openssh()?,
        },
    });
    Ok(Secret::new(format!("#cloud-config\n{config}\n")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_host_key_is_planted_and_does_not_print() {
        let host = SshKeyPair::generate("").expect("a key");
        let data = user_data(&host).expect("text");
        let config = data.expose().strip_prefix("#cloud-config\n");
        let config: Value = serde_json::from_str(config.expect("a head")).expect("JSON");
        let public = config["ssh_keys"]["ed25519_public"].as_str();
        let planted = crate::ssh::HostKey::parse(public.expect("a key"));
        assert_eq!(planted.expect("a key"), host.host_key());
        assert!(data.expose().len() < 16 * 1024);
        assert!(!format!("{data:?}").contains("OPENSSH"));
    }
}
