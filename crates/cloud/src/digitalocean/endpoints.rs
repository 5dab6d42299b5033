//! Where DigitalOcean is asked.

use std::path::PathBuf;
use std::sync::Arc;

use portlama_dial::{TrustError, public_tls};
use rustls::ClientConfig;

/// The API.
const API: &str = "https://api.digitalocean.com";
/// The host that tells what a token may: the vendor's own command line asks it, too.
const CONSOLE: &str = "https://cloud.digitalocean.com";

/// The addresses, and who certifies them.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// `https://host[:port]` of the API.
    pub api: String,
    /// `https://host[:port]` of the console, where a token is looked up.
    pub console: String,
    /// A file with the only authorities to believe, instead of the system's.
    pub ca_file: Option<PathBuf>,
}

impl Default for Endpoints {
    fn default() -> Self {
        Self {
            api: API.to_owned(),
            console: CONSOLE.to_owned(),
            ca_file: None,
        }
    }
}

impl Endpoints {
    /// TLS that believes whom it should. This reads files, so it blocks.
    pub(super) fn tls(&self) -> Result<Arc<ClientConfig>, TrustError> {
        public_tls(self.ca_file.as_deref())
    }
}
