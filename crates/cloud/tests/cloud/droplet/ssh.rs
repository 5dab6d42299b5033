//! The SSH of a machine: one user, commands that are known, and files by SFTP.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use portlama_pki::{AgentKey, ParsedRequest};
use russh::keys::PublicKey;
use russh::server::{Auth, Config, Msg, Session, VerifiedPublicKey, run_stream};
use russh::{Channel, ChannelId};
use russh_sftp::protocol::{FileAttributes, Handle, OpenFlags, Status, StatusCode, Version};
use serde_json::json;
use tokio::net::TcpListener;

use super::{Mood, World, new_key};

const REQUEST: &str = "/root/.portlama-install/admin.csr";

pub(super) async fn serve(listener: TcpListener, world: Arc<Mutex<World>>) {
    while let Ok((socket, _)) = listener.accept().await {
        let key = {
            let mut world = world.lock().expect("unpoisoned");
            world.connections += 1;
            let is_up = match world.mood {
                Mood::Dead => false,
                Mood::Slow(connections) => world.connections > connections,
                _ => world.machine.is_some() && !std::mem::take(&mut world.is_restarting),
            };
            match is_up {
                true => world.host_key.clone(),
                false => None,
            }
        };
        let Some(key) = key else {
            continue;
        };
        let config = Arc::new(Config {
            keys: vec![key],
            auth_rejection_time: Duration::ZERO,
            ..Config::default()
        });
        let guest = Guest {
            world: Arc::clone(&world),
            channels: HashMap::new(),
        };
        tokio::spawn(async move {
            if let Ok(session) = run_stream(config, socket, guest).await {
                let _ = session.await;
            }
        });
    }
}

/// Somebody who is connected.
struct Guest {
    world: Arc<Mutex<World>>,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

/// What a command comes to.
enum End {
    Says(String),
    Fails(String, u32),
    CutOff,
    Never,
}

impl russh::server::Handler for Guest {
    type Error = russh::Error;

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        let world = self.world.lock().expect("unpoisoned");
        let keys = world.machine.iter().flat_map(|machine| &machine.keys);
        let mut known = keys.filter_map(|line| PublicKey::from_openssh(line).ok());
        let is_known = known.any(|known| known.key_data() == key.public_key.key_data());
        Ok(
            match user == "root" && is_known && world.mood != Mood::Locked {
                true => Auth::Accept,
                false => Auth::reject(),
            },
        )
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: russh::server::ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        line: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let line = String::from_utf8_lossy(line).into_owned();
        let end = self.world.lock().expect("unpoisoned").run(&line);
        session.channel_success(id)?;
        let code = match end {
            End::Says(text) => {
                session.data(id, text.into_bytes())?;
                0
            }
            End::Fails(text, code) => {
                session.data(id, text.into_bytes())?;
                code
            }
            End::CutOff => return Err(russh::Error::Disconnect),
            End::Never => return Ok(()),
        };
        session.exit_status_request(id, code)?;
        session.eof(id)?;
        session.close(id)
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        _: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(id)?;
        if let Some(channel) = self.channels.remove(&id) {
            let files = Files(Arc::clone(&self.world));
            russh_sftp::server::run(channel.into_stream(), files).await;
        }
        Ok(())
    }
}

impl World {
    fn run(&mut self, line: &str) -> End {
        self.commands.push(line.to_owned());
        if let Some(path) = line.strip_prefix("sha256sum -- ") {
            let content = self.files.get(path.trim_matches('\''));
            let sum = digest(&SHA256, content.map_or(&[][..], Vec::as_slice));
            End::Says(format!("{}  {path}\n", hex::encode(sum)))
        } else if line.contains("server install") {
            self.install()
        } else if line.contains("ssh-keygen") {
            let new = new_key();
            let public = new.public_key().to_openssh().expect("text");
            if self.mood != Mood::WrongNewHostKey {
                self.host_key = Some(new);
            }
            // As a server that starts anew: the next one who comes meets nobody.
            self.is_restarting = true;
            End::Says(format!("{public}\n"))
        } else {
            End::Says(String::new())
        }
    }

    fn install(&mut self) -> End {
        let step = json!({"event": "step", "step": "packages", "status": "running"});
        match self.mood {
            Mood::RefusesInstallation => {
                let error = json!({"event": "error", "message": "port 443 is taken by nginx", "recoverable": true});
                End::Fails(format!("{step}\n{error}\n"), 1)
            }
            Mood::CutsInstallation => End::CutOff,
            Mood::Hangs => End::Never,
            _ => {
                self.serves = true;
                let complete = json!({"event": "complete", "server": self.credentials()});
                End::Says(format!("{step}\n{complete}\n"))
            }
        }
    }

    /// Signs what was brought, as the installation does.
    fn credentials(&self) -> serde_json::Value {
        let brought = String::from_utf8_lossy(&self.files[REQUEST]).into_owned();
        let request = match self.mood {
            Mood::WrongCertificate => {
                let other = AgentKey::generate().expect("a key");
                other.admin_request().expect("a request")
            }
            _ => brought,
        };
        let request = ParsedRequest::parse(&request).expect("a request");
        let key = request.admit(&self.authority, &BTreeSet::new());
        let key = key.expect("a fitting key");
        let signed = self.authority.sign_admin(&key, crate::provisioning::now());
        json!({
            "ip": "127.0.0.1",
            "panelUrl": "https://127.0.0.1:9292",
            "caFingerprint": self.authority.fingerprint(),
            "caCertPem": self.authority.certificate_pem(),
            "adminCertPem": signed.expect("signed").pem(),
        })
    }
}

/// Files by SFTP; a handle is the file's path.
struct Files(Arc<Mutex<World>>);

fn done(id: u32) -> Status {
    Status {
        id,
        status_code: StatusCode::Ok,
        error_message: String::new(),
        language_tag: "en".to_owned(),
    }
}

impl russh_sftp::server::Handler for Files {
    type Error = StatusCode;

    fn unimplemented(&self) -> StatusCode {
        StatusCode::OpUnsupported
    }

    async fn init(&mut self, _: u32, _: HashMap<String, String>) -> Result<Version, StatusCode> {
        Ok(Version::new())
    }

    async fn open(
        &mut self,
        id: u32,
        path: String,
        _: OpenFlags,
        _: FileAttributes,
    ) -> Result<Handle, StatusCode> {
        let mut world = self.0.lock().expect("unpoisoned");
        world.files.insert(path.clone(), Vec::new());
        Ok(Handle { id, handle: path })
    }

    async fn write(
        &mut self,
        id: u32,
        path: String,
        offset: u64,
        data: Vec<u8>,
    ) -> Result<Status, StatusCode> {
        let mut world = self.0.lock().expect("unpoisoned");
        let damages = world.mood == Mood::Damages;
        let file = world.files.get_mut(&path).ok_or(StatusCode::NoSuchFile)?;
        let begin = usize::try_from(offset).map_err(|_| StatusCode::Failure)?;
        let end = begin + data.len();
        file.resize(file.len().max(end), 0);
        file[begin..end].copy_from_slice(&data);
        if damages && let Some(octet) = file.first_mut() {
            *octet = !*octet;
        }
        Ok(done(id))
    }

    async fn close(&mut self, id: u32, _: String) -> Result<Status, StatusCode> {
        Ok(done(id))
    }
}
