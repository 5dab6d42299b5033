//! The flags that say what a new server is: of `server init` and `server install`.

use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use portlama_host::install::NewServer;
use portlama_model::{CertificateAuthority, Domain, Email, ResolverAddress};
use portlama_pki::{MAX_CSR_CHARACTERS, ParsedRequest};

use super::acme::AcmeArguments;

/// What a new server is.
#[derive(Debug, Args)]
pub(super) struct NewServerArguments {
    /// The address under which visitors reach this machine [default: this machine's own].
    #[arg(long, value_name = "ADDRESS")]
    pub(super) ip: Option<IpAddr>,
    /// The domain below which apps get their names; without it, it is chosen in the panel. With
    /// `--certificates internal` the server is then complete at once, and DNS is not looked at.
    #[arg(long)]
    domain: Option<Domain>,
    /// Where certificate authorities may write to.
    #[arg(long)]
    email: Option<Email>,
    /// A resolver to look names up at, such as 203.0.113.1 or 203.0.113.1:5353; may be given
    /// several times [default: this machine's].
    #[arg(long, value_name = "ADDRESS")]
    resolver: Vec<ResolverAddress>,
    /// Who certifies the names that visitors see [default: acme].
    #[arg(long, value_enum)]
    certificates: Option<Certificates>,
    /// A PEM file with a certificate request (PKCS#10) for the admin. The admin's key then never
    /// exists on the server, and no P12 file is made.
    #[arg(long, value_name = "FILE")]
    admin_csr: Option<PathBuf>,
    #[command(flatten)]
    acme: AcmeArguments,
}

/// Who certifies host names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Certificates {
    /// A public authority by ACME, asked at the end of the set-up.
    Acme,
    /// This server's own authority: for closed networks and trials.
    Internal,
}

impl From<Certificates> for CertificateAuthority {
    fn from(certificates: Certificates) -> Self {
        match certificates {
            Certificates::Acme => Self::Acme,
            Certificates::Internal => Self::Internal,
        }
    }
}

impl NewServerArguments {
    /// What they say, after a look at all that can be wrong with them.
    pub(super) fn read(self) -> Result<NewServer> {
        let acme = match self.certificates {
            Some(Certificates::Internal) => self.acme.unused()?,
            Some(Certificates::Acme) | None => self.acme.settings()?,
        };
        let admin = self.admin_csr.as_deref().map(read_request);
        Ok(NewServer {
            domain: self.domain,
            email: self.email,
            certificate_authority: self.certificates.map(Into::into),
            acme,
            resolvers: self.resolver,
            admin: admin.transpose()?,
        })
    }
}

fn read_request(file: &Path) -> Result<ParsedRequest> {
    let of_flag = || format!("`--admin-csr {}`", file.display());
    // Whatever is longer is refused, so no more of it needs to be read.
    let most = u64::try_from(4 * MAX_CSR_CHARACTERS + 1)?;
    let mut text = String::new();
    let read = File::open(file).and_then(|file| file.take(most).read_to_string(&mut text));
    read.with_context(of_flag)?;
    if text.contains("PRIVATE KEY-----") {
        bail!(
            "{}: it holds a private key, which is not for the server to see: give the certificate \
             request alone",
            of_flag()
        );
    }
    ParsedRequest::parse(&text).with_context(of_flag)
}
