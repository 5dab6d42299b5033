//! What the server becomes that an installation makes.

use std::fs::DirBuilder;
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use portlama_control::setup::{
    Initialised, InitialisedForRequest, Setup, SetupError, initialise, initialise_for_request,
};
use portlama_model::{
    AcmeSettings, CertificateAuthority, DnsSettings, Domain, Email, ResolverAddress, Timestamp,
};
use portlama_pki::ParsedRequest;

use super::facts::ServerFacts;
use super::{STATE_DIR, file};

/// Where a copy of `--acme-ca-file` goes: the service can read neither `/root` nor `/home`.
const ACME_CA: &str = "/etc/portlama/pki/acme-ca.crt";

/// What the operator has said about the new server; the rest is chosen in the panel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewServer {
    /// The base domain.
    pub domain: Option<Domain>,
    /// The address certificate authorities write to.
    pub email: Option<Email>,
    /// Who certifies the names visitors see.
    pub certificate_authority: Option<CertificateAuthority>,
    /// How a public authority is reached.
    pub acme: AcmeSettings,
    /// Where names are looked up; none for the machine's own resolvers.
    pub resolvers: Vec<ResolverAddress>,
    /// What an admin asks who keeps the key.
    pub admin: Option<ParsedRequest>,
}

/// A server that was made.
#[derive(Debug)]
pub enum MadeServer {
    /// With a key for the admin.
    WithKey(Box<Initialised>),
    /// For the admin's own key.
    ForRequest(InitialisedForRequest),
}

impl NewServer {
    /// Makes it in `dir`.
    ///
    /// # Errors
    /// As [`initialise`].
    pub fn make(&self, dir: &Path, ip: IpAddr, now: Timestamp) -> Result<MadeServer, SetupError> {
        let setup = Setup {
            ip,
            domain: self.domain.clone(),
            email: self.email.clone(),
            certificate_authority: self.certificate_authority.unwrap_or_default(),
            acme: self.acme.clone(),
            dns: DnsSettings {
                resolvers: self.resolvers.clone(),
            },
            now,
        };
        match self.admin.clone() {
            None => initialise(dir, setup).map(|made| MadeServer::WithKey(Box::new(made))),
            Some(request) => {
                initialise_for_request(dir, setup, request).map(MadeServer::ForRequest)
            }
        }
    }

    /// This, with the authorities of the ACME directory where the service may read them.
    pub(super) fn with_own_files(&self) -> Result<Self, String> {
        let mut server = self.clone();
        if let Some(theirs) = server.acme.ca_file.replace(ACME_CA.to_owned()) {
            let folder = Path::new(STATE_DIR).join("pki");
            let made = DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder);
            made.map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
            file::copy(Path::new(&theirs), Path::new(ACME_CA), 0o644)?;
        } else {
            server.acme.ca_file = None;
        }
        Ok(server)
    }

    /// What was asked for and is otherwise in a server that is there, with the way out.
    pub(super) fn differences(&self, there: &ServerFacts) -> Vec<String> {
        let text = |value: &dyn ToString| value.to_string();
        let asked = [
            (
                "--domain",
                self.domain.as_ref().map(|v| text(v)),
                &there.domain,
            ),
            (
                "--email",
                self.email.as_ref().map(|v| text(v)),
                &there.email,
            ),
            (
                "--certificates",
                self.certificate_authority.map(name_of),
                &there.certificate_authority,
            ),
            (
                "--acme-directory",
                (self.acme != AcmeSettings::default()).then(|| self.acme.directory.clone()),
                &there.acme_directory,
            ),
        ];
        let mut reasons: Vec<_> = asked
            .into_iter()
            .filter(|(_, wanted, found)| wanted.is_some() && wanted != *found)
            .map(|(flag, _, found)| {
                let found = found.as_deref().unwrap_or("not said");
                format!(
                    "of the server in {STATE_DIR} `{flag}` is {found}: leave it out to keep that"
                )
            })
            .collect();
        let digest = self
            .admin
            .as_ref()
            .map(|admin| admin.key_digest().to_string());
        if digest.is_some_and(|digest| !there.admin_keys.contains(&digest)) {
            reasons.push(format!(
                "the server in {STATE_DIR} has an admin with another key: leave `--admin-csr` out \
                 to keep that admin, or make a new one by `portlama server reset-admin`"
            ));
        }
        reasons
    }
}

/// As `panel.json` says it.
fn name_of(authority: CertificateAuthority) -> String {
    match authority {
        CertificateAuthority::Acme => "acme".to_owned(),
        CertificateAuthority::Internal => "internal".to_owned(),
    }
}
