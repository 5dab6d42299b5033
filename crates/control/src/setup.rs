//! Making a server that does not run yet: its authority, the admin's credentials, the first
//! state.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portlama_acme::{AcmeClient, AcmeError};
use portlama_model::{
    AcmeSettings, AdminAuthMode, AdminIdentity, CaFingerprint, CertificateAuthority, DnsSettings,
    Domain, Email, Onboarding, OnboardingStatus, PanelConfig, PanelTwoFactor, Registry,
    Revocations, Secret, Serial, State, Timestamp, Users,
};
use portlama_pki::{
    Authority, AuthorityError, CaFiles, CsrError, IssueError, IssuedCertificate, ParsedRequest,
    client_p12,
};
use portlama_state::{FilePath, StateDir, StateError, Store};
use uuid::Uuid;

use crate::certificates::{issue_leaf, own_names};
use crate::desired;
use crate::random::octets;

/// Octets of the password of the admin's P12 file; 192 random bits, as the file's own
/// protection is weak.
pub const P12_PASSWORD_BYTES: usize = 24;

/// What a new server is.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Its public address.
    pub ip: IpAddr,
    /// The base domain. With [`CertificateAuthority::Internal`] the server is complete at
    /// once; with a public authority the names must first be shown to lead here.
    pub domain: Option<Domain>,
    /// The address certificate authorities write to.
    pub email: Option<Email>,
    /// Who certifies the names visitors see.
    pub certificate_authority: CertificateAuthority,
    /// How a public authority is reached.
    pub acme: AcmeSettings,
    /// Where names are looked up.
    pub dns: DnsSettings,
    /// The present.
    pub now: Timestamp,
}

/// A server that was made.
#[derive(Debug, Clone)]
pub struct Initialised {
    /// What our own programs pin.
    pub ca_fingerprint: CaFingerprint,
    /// The authority's certificate.
    pub ca_path: PathBuf,
    /// The admin's certificate and key for browsers and keychains.
    pub p12_path: PathBuf,
    /// Its password.
    pub p12_password_path: PathBuf,
    /// The admin's certificate, PEM.
    pub admin_cert_path: PathBuf,
    /// The admin's key, PEM.
    pub admin_key_path: PathBuf,
    /// The admin certificate's serial.
    pub admin_serial: Serial,
}

/// A server that was made for an admin whose key is elsewhere.
#[derive(Debug, Clone)]
pub struct InitialisedForRequest {
    /// What our own programs pin.
    pub ca_fingerprint: CaFingerprint,
    /// The authority's certificate.
    pub ca_path: PathBuf,
    /// The admin's certificate, PEM: for the key of the request.
    pub admin_cert_path: PathBuf,
}

/// Why a server was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The authority could not be made.
    #[error("cannot make the certificate authority")]
    Authority(#[from] AuthorityError),
    /// A certificate could not be made.
    #[error("cannot make the first certificates")]
    Certificate(#[from] IssueError),
    /// The key of the admin's request is not one that is certified.
    #[error(transparent)]
    Request(#[from] CsrError),
    /// The certificate authority's directory is no address.
    #[error("`{0}` is not the https address of a certificate authority's directory")]
    Directory(String),
    /// The settings of the certificate authority cannot be used.
    #[error(transparent)]
    Acme(#[from] AcmeError),
    /// The directory holds something, or cannot be written.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Looks whether a public authority could be asked with these settings. Nothing is sent.
///
/// # Errors
/// [`SetupError::Directory`] and [`SetupError::Acme`].
pub fn check_authority(settings: &AcmeSettings) -> Result<(), SetupError> {
    let usable = settings.directory.parse::<http::Uri>().is_ok_and(|uri| {
        let host = uri.host().unwrap_or_default();
        let user = uri.authority().is_some_and(|a| a.as_str().contains('@'));
        uri.scheme_str() == Some("https") && !host.is_empty() && !user
    });
    if !usable {
        return Err(SetupError::Directory(settings.directory.clone()));
    }
    AcmeClient::new(settings.clone(), None)?;
    Ok(())
}

/// Makes the authority, the admin's credentials and the first state in `dir`, in one commit:
/// an attempt that is cut short leaves nothing, or is completed by the next start.
///
/// # Errors
/// When `dir` holds a server already or something else, or cannot be written.
pub fn initialise(dir: &Path, setup: Setup) -> Result<Initialised, SetupError> {
    let dir = StateDir::new(dir);
    let (authority, ca) = Authority::create(setup.now)?;
    let admin = authority.issue_admin(setup.now)?;
    let password = p12_password();
    let p12 = client_p12(
        &admin,
        authority.certificate_der(),
        "Portlama admin",
        &password,
    )?;
    let key_files = vec![
        (FilePath::CLIENT_KEY, admin.key_pem().expose().into()),
        (FilePath::CLIENT_P12, p12),
        (FilePath::P12_PASSWORD, password.expose().into()),
    ];
    let state = first_state(&dir, &setup, admin.certificate(), AdminAuthMode::P12);
    write(
        &dir,
        &setup,
        &state,
        (&authority, ca),
        admin.certificate(),
        key_files,
    )?;
    Ok(Initialised {
        ca_fingerprint: authority.fingerprint(),
        ca_path: dir.file(&FilePath::CA_CERT),
        p12_path: dir.file(&FilePath::CLIENT_P12),
        p12_password_path: dir.file(&FilePath::P12_PASSWORD),
        admin_cert_path: dir.file(&FilePath::CLIENT_CERT),
        admin_key_path: dir.file(&FilePath::CLIENT_KEY),
        admin_serial: admin.certificate().serial().clone(),
    })
}

/// As [`initialise`], for an admin who asks for a certificate for a key of their own: no key of
/// the admin's ever exists here.
///
/// # Errors
/// As [`initialise`].
pub fn initialise_for_request(
    dir: &Path,
    setup: Setup,
    request: ParsedRequest,
) -> Result<InitialisedForRequest, SetupError> {
    let dir = StateDir::new(dir);
    let (authority, ca) = Authority::create(setup.now)?;
    // An authority that is new has revoked nothing.
    let key = request.admit(&authority, &BTreeSet::new())?;
    let admin = authority.sign_admin(&key, setup.now)?;
    let state = first_state(&dir, &setup, &admin, AdminAuthMode::HardwareBound);
    write(&dir, &setup, &state, (&authority, ca), &admin, vec![])?;
    Ok(InitialisedForRequest {
        ca_fingerprint: authority.fingerprint(),
        ca_path: dir.file(&FilePath::CA_CERT),
        admin_cert_path: dir.file(&FilePath::CLIENT_CERT),
    })
}

/// The one commit that makes a server.
fn write(
    dir: &StateDir,
    setup: &Setup,
    state: &State,
    (authority, ca): (&Authority, CaFiles),
    admin: &IssuedCertificate,
    mut files: Vec<(FilePath, Vec<u8>)>,
) -> Result<(), SetupError> {
    files.extend([
        (FilePath::CA_CERT, ca.certificate_pem.into_bytes()),
        (FilePath::CA_KEY, ca.key_pem.expose().into()),
        (FilePath::CLIENT_CERT, admin.pem().into_bytes()),
    ]);
    let own = own_names(setup.ip, setup.domain.as_ref());
    files.extend(issue_leaf(authority, &own, setup.now)?.own_files());
    if setup.certificate_authority == CertificateAuthority::Internal {
        for host in desired(state).hosts.keys() {
            let leaf = issue_leaf(authority, &[host.clone().into()], setup.now)?;
            files.extend(leaf.host_files(host));
        }
    }
    Store::initialise(dir, state, &files)?;
    Ok(())
}

fn p12_password() -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(octets::<P12_PASSWORD_BYTES>()))
}

fn first_state(
    dir: &StateDir,
    setup: &Setup,
    admin: &IssuedCertificate,
    admin_auth_mode: AdminAuthMode,
) -> State {
    let status = match (&setup.domain, setup.certificate_authority) {
        (None, _) => OnboardingStatus::Fresh,
        (Some(_), CertificateAuthority::Internal) => OnboardingStatus::Completed,
        (Some(_), CertificateAuthority::Acme) => OnboardingStatus::DomainSet,
    };
    State {
        panel: PanelConfig {
            ip: setup.ip,
            domain: setup.domain.clone(),
            email: setup.email.clone(),
            data_dir: dir.path().display().to_string(),
            server_id: Uuid::new_v4(),
            max_site_size: 524_288_000,
            admin_auth_mode,
            admin: AdminIdentity {
                serials: vec![admin.serial().clone()],
                public_keys: [(admin.serial().clone(), admin.key_digest().to_string())].into(),
                ..AdminIdentity::default()
            },
            certificate_authority: setup.certificate_authority,
            acme: setup.acme.clone(),
            dns: setup.dns.clone(),
            releases: None,
            panel_2fa: PanelTwoFactor::default(),
            session_secret: None,
            epoch: 0,
            onboarding: Onboarding {
                status,
                extra: serde_json::Map::new(),
            },
            extra: serde_json::Map::new(),
        },
        tunnels: Vec::new(),
        users: Users::default(),
        registry: Registry::default(),
        revoked: Revocations::default(),
        sites: vec![],
        invitations: vec![],
    }
}
