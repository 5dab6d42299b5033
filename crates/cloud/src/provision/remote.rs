//! What is done on the new machine, over one connection to it.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::path::Path;

use portlama_model::CaFingerprint;
use portlama_pki::{AgentKey, ClientFile, Subject, certificate_from_pem};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Pace, ProvisionError};
use crate::plain::plain;
use crate::ssh::{Command, HostKey, Sent, Ssh, SshError, Stream};

/// The comment of the key for the installation, by which it is found again on the machine.
pub(super) const LOGIN_COMMENT: &str = "portlama-provisioning";
/// Where things for the installation lie; root alone may look.
const FOLDER: &str = "/root/.portlama-install";
/// Lines of an installation that failed that are shown.
const LAST_LINES: usize = 12;
/// The longest of them, characters.
const LINE_CHARS: usize = 300;

/// The service must not reach the metadata service of the provider, where every process of the
/// machine can read what it was born with. The address is the same at all providers.
const NO_METADATA: &str = "\
[Service]
IPAddressDeny=169.254.169.254
IPAddressDeny=fd00:ec2::254
";
const DROP_INS: &str = "/etc/systemd/system/portlama.service.d";

/// Replaces the host key that this person's machine made, which stands in the user data, by one
/// that never leaves the server; writes the new one to standard output. At every moment there is
/// one key or the other.
const NEW_HOST_KEY: &str = "\
set -eu
umask 077
new=$(mktemp -d -p /etc/ssh)
trap 'rm -rf \"$new\"' EXIT
ssh-keygen -q -t ed25519 -N '' -C '' -f \"$new/key\"
cat \"$new/key.pub\" > /etc/ssh/ssh_host_ed25519_key.pub
mv -f \"$new/key\" /etc/ssh/ssh_host_ed25519_key
chmod 644 /etc/ssh/ssh_host_ed25519_key.pub
rm -f /etc/ssh/ssh_host_rsa_key* /etc/ssh/ssh_host_ecdsa_key* /etc/ssh/ssh_host_dsa_key*
systemctl try-reload-or-restart ssh.service
cat /etc/ssh/ssh_host_ed25519_key.pub
";

/// The last line of an installation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Installed {
    admin_cert_pem: String,
    ca_cert_pem: String,
    ca_fingerprint: CaFingerprint,
}

/// The machine during its installation.
pub(super) struct Remote<'a> {
    pub(super) ssh: &'a Ssh,
    pub(super) pace: &'a Pace,
}

impl Remote<'_> {
    /// Waits until the machine's own first start is over: it may hold the package manager. How
    /// it ended does not matter, since we are in.
    pub(super) async fn wait_for_first_start(&self) -> Result<(), ProvisionError> {
        let wait = Command {
            doing: "waiting for the machine's first start",
            line: "command -v cloud-init > /dev/null || exit 0; cloud-init status --wait > /dev/null 2>&1; exit 0",
            limit: self.pace.first_start,
        };
        self.ssh.output(wait).await?;
        Ok(())
    }

    /// Brings the program and the admin's request, and shuts the service out of the metadata
    /// service before there is one.
    pub(super) async fn bring(
        &self,
        program: &Path,
        request: &str,
        on_piece: impl FnMut(Sent) + Send,
    ) -> Result<(), ProvisionError> {
        let make = format!("install -d -m 700 {FOLDER} && install -d -m 755 {DROP_INS}");
        self.run("preparing the installation", &make).await?;
        let drop_in = format!("{DROP_INS}/no-metadata.conf");
        self.ssh.write(NO_METADATA, &drop_in, 0o644).await?;
        let to = format!("{FOLDER}/portlama");
        let limit = self.pace.send;
        self.ssh.send(program, &to, 0o755, limit, on_piece).await?;
        let csr = format!("{FOLDER}/admin.csr");
        self.ssh.write(request, &csr, 0o600).await?;
        Ok(())
    }

    /// Installs, and tells every step.
    pub(super) async fn install(
        &self,
        address: Ipv4Addr,
        mut on_step: impl FnMut(Value) + Send,
    ) -> Result<Installed, ProvisionError> {
        let line = format!(
            "{FOLDER}/portlama server install --json --ip {address} --admin-csr {FOLDER}/admin.csr"
        );
        let command = Command {
            doing: "the installation",
            line: &line,
            limit: self.pace.install,
        };
        let mut said = Said::default();
        let code = self
            .ssh
            .run(command, |stream, line| {
                if let Some(step) = said.take(stream, line) {
                    on_step(step);
                }
            })
            .await?;
        let installed = said.installed(code)?;
        self.run(
            "clearing up after the installation",
            &format!("rm -rf {FOLDER}"),
        )
        .await?;
        Ok(installed)
    }

    /// Gives the machine a host key that only it knows, and gives that back.
    pub(super) async fn renew_host_key(&self) -> Result<HostKey, ProvisionError> {
        let said = self.run("renewing the host key", NEW_HOST_KEY).await?;
        Ok(HostKey::parse(said.trim())?)
    }

    /// Takes the key for the installation away.
    pub(super) async fn forget_login(&self) -> Result<(), ProvisionError> {
        let line = format!("sed -i '/ {LOGIN_COMMENT}$/d' /root/.ssh/authorized_keys");
        self.run("removing the key for the installation", &line)
            .await?;
        Ok(())
    }

    async fn run(&self, doing: &str, line: &str) -> Result<String, SshError> {
        let limit = self.pace.command;
        self.ssh.output(Command { doing, line, limit }).await
    }
}

impl Installed {
    /// The admin's file, made of what the server signed and of the key that stayed here.
    pub(super) fn join(&self, key: AgentKey) -> Result<ClientFile, ProvisionError> {
        let bad = |reason: String| ProvisionError::Credentials(reason);
        let certificate = |pem: &str, whose: &str| {
            certificate_from_pem(pem).map_err(|error| bad(format!("{whose}: {error}")))
        };
        let admin = certificate(&self.admin_cert_pem, "the admin's certificate")?;
        let ca = certificate(&self.ca_cert_pem, "the authority's certificate")?;
        let file = ClientFile::join(key, admin, ca)
            .map_err(|_| bad("the certificate is not the one that was asked for".to_owned()))?;
        if *file.client().subject() != Subject::Admin {
            return Err(bad("the certificate is not an admin's".to_owned()));
        }
        if *file.fingerprint() != self.ca_fingerprint {
            return Err(bad(
                "the authority's fingerprint is not its certificate's".to_owned()
            ));
        }
        Ok(file)
    }
}

/// What an installation says, line by line.
#[derive(Debug, Default)]
struct Said {
    last: VecDeque<String>,
    installed: Option<Installed>,
    error: Option<String>,
}

/// One line of it.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Line {
    Step { step: String, status: String },
    Note { step: String, message: String },
    Complete { server: Installed },
    Error { message: String },
}

impl Said {
    /// Takes a line; gives back what whoever watches should know of it.
    fn take(&mut self, stream: Stream, line: &str) -> Option<Value> {
        let parsed = match stream {
            Stream::Out => serde_json::from_str(line).ok(),
            Stream::Err => None,
        };
        let short = |text: &str| plain(text, LINE_CHARS);
        match parsed {
            Some(Line::Step { step, status }) => {
                let (step, status) = (short(&step), short(&status));
                Some(json!({ "remoteStep": step, "remoteStatus": status }))
            }
            Some(Line::Note { step, message }) => {
                self.remember(&message);
                Some(json!({ "remoteStep": short(&step), "message": short(&message) }))
            }
            Some(Line::Complete { server }) => {
                self.installed = Some(server);
                None
            }
            Some(Line::Error { message }) => {
                self.error = Some(short(&message));
                None
            }
            None => {
                self.remember(line);
                None
            }
        }
    }

    fn remember(&mut self, line: &str) {
        self.last.push_back(plain(line, LINE_CHARS));
        if self.last.len() > LAST_LINES {
            self.last.pop_front();
        }
    }

    fn installed(self, code: u32) -> Result<Installed, ProvisionError> {
        match (code, self.installed) {
            (0, Some(installed)) => Ok(installed),
            (0, None) => Err(ProvisionError::Credentials(
                "the installation ended without a certificate".to_owned(),
            )),
            (code, _) => Err(ProvisionError::Installation {
                message: match self.error {
                    Some(message) => message,
                    None => format!("the installation ended with {code}"),
                },
                last: self.last.into(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_told_and_the_end_of_a_failed_one_is_shown() {
        let mut said = Said::default();
        let step = r#"{"event":"step","step":"packages","status":"running"}"#;
        assert_eq!(
            said.take(Stream::Out, step),
            Some(json!({ "remoteStep": "packages", "remoteStatus": "running" }))
        );
        for line in 0..30 {
            assert_eq!(
                said.take(Stream::Err, &format!("line {line}\u{1b}[2J")),
                None
            );
        }
        let error = r#"{"event":"error","message":"no space left","recoverable":true}"#;
        said.take(Stream::Out, error);
        let text = said.installed(1).expect_err("it failed").to_string();
        assert!(text.starts_with("no space left\n") && text.ends_with("line 29 [2J"));
        assert!(
            !text.contains('\u{1b}') && !text.contains("line 17 "),
            "{text}"
        );
    }

    #[test]
    fn an_end_without_a_certificate_is_no_success() {
        let said = Said::default();
        assert!(matches!(
            said.installed(0),
            Err(ProvisionError::Credentials(_))
        ));
    }
}
