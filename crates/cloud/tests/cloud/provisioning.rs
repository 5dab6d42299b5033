//! From a token to a server in the list, and from every failure back to nothing.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use portlama_cloud::digitalocean::DigitalOcean;
use portlama_cloud::provision::{Event, Failure, Means, Pace, Plan, Recovery, Step, StepStatus};
use portlama_cloud::registry::ServerEntry;
use portlama_cloud::{Credentials, Home};
use portlama_credentials::{CredentialError, CredentialName, CredentialStore};
use portlama_model::{Secret, Timestamp};
use portlama_pki::ClientFile;
use portlama_testkit::fake_digitalocean::{FakeDigitalOcean, TokenSpec};
use tokio_util::sync::CancellationToken;

use crate::droplet::Droplets;
use crate::world::{TOKEN, client};

/// The clock of these tests: that of the machine, since certificates are judged by it.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let millis = since.expect("after 1970").as_millis();
    Timestamp::from_unix_millis(i64::try_from(millis).expect("before the year 292277026"))
}

/// Waits that tests can afford.
pub(crate) const PACE: Pace = Pace {
    look: Duration::from_millis(5),
    boot: Duration::from_millis(500),
    knock: Duration::from_millis(20),
    knock_after_refusal: Duration::from_millis(50),
    let_in: Duration::from_millis(1500),
    first_start: Duration::from_secs(10),
    send: Duration::from_secs(20),
    install: Duration::from_secs(3),
    command: Duration::from_secs(10),
    ask: Duration::from_millis(50),
    answer: Duration::from_millis(1500),
    settle: Duration::from_millis(20),
    settle_tries: 5,
};

/// A store that lives as long as a test and shows what it holds.
#[derive(Default)]
pub(crate) struct Memory {
    kept: Mutex<Vec<(CredentialName, Secret)>>,
    is_broken: Mutex<bool>,
}

impl Memory {
    pub(crate) fn len(&self) -> usize {
        self.kept.lock().expect("unpoisoned").len()
    }

    pub(crate) fn is_broken(&self, is_broken: bool) {
        *self.is_broken.lock().expect("unpoisoned") = is_broken;
    }

    fn secrets(&self) -> Vec<Secret> {
        let kept = self.kept.lock().expect("unpoisoned");
        kept.iter().map(|(_, secret)| secret.clone()).collect()
    }
}

impl CredentialStore for Memory {
    fn read(&self, name: &CredentialName) -> Result<Option<Secret>, CredentialError> {
        let kept = self.kept.lock().expect("unpoisoned");
        let found = kept.iter().find(|(known, _)| known == name);
        Ok(found.map(|(_, secret)| secret.clone()))
    }

    fn write(&self, name: &CredentialName, secret: &Secret) -> Result<(), CredentialError> {
        if *self.is_broken.lock().expect("unpoisoned") {
            return Err(CredentialError::Locked("somebody has to sign in".into()));
        }
        self.remove(name)?;
        let mut kept = self.kept.lock().expect("unpoisoned");
        kept.push((name.clone(), secret.clone()));
        Ok(())
    }

    fn remove(&self, name: &CredentialName) -> Result<(), CredentialError> {
        let mut kept = self.kept.lock().expect("unpoisoned");
        kept.retain(|(known, _)| known != name);
        Ok(())
    }
}

/// Everything that a provisioning touches.
pub(crate) struct Place {
    pub(crate) fake: FakeDigitalOcean,
    pub(crate) droplets: Droplets,
    pub(crate) store: Arc<Memory>,
    pub(crate) home: Home,
    pub(crate) cancel: CancellationToken,
    pub(crate) pace: Pace,
    digital_ocean: DigitalOcean,
    credentials: Credentials,
    events: Vec<Event>,
    folder: tempfile::TempDir,
}

impl Place {
    pub(crate) async fn new() -> Self {
        Self::with(TokenSpec::fitting(TOKEN)).await
    }

    pub(crate) async fn with(token: TokenSpec) -> Self {
        let fake = FakeDigitalOcean::start([token]).await;
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(Memory::default());
        let place = Self {
            droplets: Droplets::behind(&fake).await,
            digital_ocean: client(&fake, TOKEN),
            credentials: Credentials::new(Arc::clone(&store) as Arc<dyn CredentialStore>),
            home: Home::at(&folder.path().join("home")),
            cancel: CancellationToken::new(),
            pace: PACE,
            events: Vec::new(),
            fake,
            store,
            folder,
        };
        std::fs::write(place.program(), program()).expect("written");
        place
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("portlama")
    }

    pub(crate) fn means(&self) -> Means<'_> {
        Means {
            digital_ocean: &self.digital_ocean,
            credentials: &self.credentials,
            home: &self.home,
            pace: self.pace,
            ports: self.droplets.ports,
            now,
        }
    }

    pub(crate) fn plan(&self) -> Plan {
        Plan {
            label: "home".parse().expect("a label"),
            region: "fra1".parse().expect("a region"),
            binary: self.program(),
        }
    }

    /// Makes a server and keeps what was told.
    pub(crate) async fn provision(&mut self) -> Result<ServerEntry, Failure> {
        let mut events = Vec::new();
        let (means, plan) = (self.means(), self.plan());
        let made = means
            .provision(&plan, &[], &self.cancel, &mut |event| events.push(event))
            .await;
        self.events = events;
        made
    }

    /// The same, dropped when this event was told: as a process dies, but for what the operating
    /// system would still send.
    pub(crate) async fn die_at(&mut self, step: Step, status: StepStatus) {
        let (reached, wait) = tokio::sync::oneshot::channel();
        let mut reached = Some(reached);
        let (means, plan) = (self.means(), self.plan());
        let mut tell = |event| {
            if let Event::Step {
                step: at,
                status: how,
                ..
            } = event
                && (at, how) == (step, status)
                && let Some(reached) = reached.take()
            {
                let _ = reached.send(());
            }
        };
        let provisioning = means.provision(&plan, &[], &self.cancel, &mut tell);
        tokio::select! {
            biased;
            _ = wait => {}
            made = provisioning => panic!("it came to an end: {made:?}"),
        }
    }

    /// The steps that were told, with `done` where they were.
    pub(crate) fn told(&self) -> Vec<(Step, StepStatus)> {
        let mut told = Vec::new();
        for event in &self.events {
            if let Event::Step { step, status, .. } = event {
                told.push((*step, *status));
            }
        }
        told.dedup();
        told
    }

    pub(crate) fn last_event(&self) -> &Event {
        self.events.last().expect("an event")
    }

    /// Asserts that nothing is left: at DigitalOcean, here, and in the credential store.
    pub(crate) fn assert_nothing_left(&self, case: &str) {
        assert_eq!(self.fake.resources_left(), 0, "{case}: at DigitalOcean");
        assert_eq!(self.store.len(), 0, "{case}: in the credential store");
        let servers = self.home.registry().read().expect("a list");
        assert_eq!(servers.iter().count(), 0, "{case}: in the list");
        let operations = self.home.operations().all().expect("journals");
        assert_eq!(operations, [], "{case}: journals");
        let files = self.files();
        let p12 = files.iter().find(|(path, _)| path.ends_with("client.p12"));
        assert_eq!(p12, None, "{case}");
        self.assert_no_secret(case);
    }

    /// Asserts that no secret stands in a file, in an event, or in a command.
    pub(crate) fn assert_no_secret(&self, case: &str) {
        let mut secrets = vec![TOKEN.trim_start_matches("dop_v1_").to_owned()];
        let kept = self.store.secrets();
        secrets.extend(kept.iter().map(|secret| secret.expose().to_owned()));
        let events = format!(
            "{:?} {}",
            self.events,
            serde_json::to_string(&self.events).expect("JSON")
        );
        let commands = self.droplets.commands().join("\n");
        for secret in secrets {
            for (path, content) in self.files() {
                let found = content
                    .windows(secret.len())
                    .any(|part| part == secret.as_bytes());
                assert!(!found, "{case}: a secret in {path:?}");
            }
            assert!(!events.contains(&secret), "{case}: a secret in an event");
            assert!(!commands.contains(&secret), "{case}: a secret in a command");
            let log = self.fake.log();
            let mut asked = log
                .iter()
                .map(|asked| format!("{}?{}", asked.path, asked.query));
            assert!(
                !asked.any(|asked| asked.contains(&secret)),
                "{case}: in a URL"
            );
        }
        for (path, content) in self.files() {
            let text = String::from_utf8_lossy(&content);
            assert!(!text.contains("PRIVATE KEY"), "{case}: a key in {path:?}");
        }
    }

    /// Every file below the home.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut folders = vec![self.home.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => {
                        let content = std::fs::read(&path).expect("a file");
                        files.push((path, content));
                    }
                }
            }
        }
        files
    }
}

/// Begins like a program for the server, and is long enough for several pieces.
fn program() -> Vec<u8> {
    let mut program = vec![0x5a; 200_000];
    program[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
    program[18..20].copy_from_slice(&[0x3e, 0]);
    program
}

#[tokio::test]
async fn a_token_becomes_a_server_in_the_list_that_its_admin_opens() {
    let mut place = Place::new().await;
    let server = place.provision().await.expect("a server");

    let every_step: Vec<_> = Step::ALL
        .into_iter()
        .flat_map(|step| [(step, StepStatus::Running), (step, StepStatus::Done)])
        .collect();
    assert_eq!(place.told(), every_step);
    let listed = place.home.registry().read().expect("a list");
    assert_eq!(listed.active(), Some(&server));
    assert_eq!(
        *place.last_event(),
        Event::Complete {
            server: Box::new(server.clone())
        }
    );

    // The file opens with the password in the store, and holds the admin of that authority.
    let p12 = std::fs::read(place.home.p12(server.id)).expect("a file");
    let password = place.credentials.password(server.id).await;
    let password = password.expect("a store").expect("a password");
    let file = ClientFile::open(&p12, &password).expect("it opens");
    assert_eq!(Some(file.fingerprint()), server.ca_fingerprint.as_ref());
    let health = portlama_cloud::health::check(&server).await;
    assert!(
        matches!(health, portlama_cloud::health::Health::Online { .. }),
        "{health:?}"
    );

    // The machine costs money and stays; the key for the installation is gone everywhere.
    assert_eq!(place.fake.droplets().len(), 1);
    assert_eq!(place.fake.keys(), Vec::<u64>::new());
    assert_eq!(place.home.operations().all().expect("journals"), []);
    let last = place.droplets.commands().pop().expect("a command");
    assert!(last.contains("portlama-provisioning$/d"), "{last}");

    // What everybody on the machine could read is not what it shows any more.
    let shown = place.droplets.host_key();
    assert_eq!(server.ssh_host_key.as_deref(), Some(shown.trim_end()));
    let planted = place.droplets.born_with().user_data;
    assert!(!planted.contains(shown.split(' ').nth(1).expect("a key")));

    let brought = place.droplets.file("/root/.portlama-install/portlama");
    assert_eq!(brought, Some(program()));
    let drop_in = "/etc/systemd/system/portlama.service.d/no-metadata.conf";
    let drop_in = place.droplets.file(drop_in).expect("a drop-in");
    assert!(String::from_utf8_lossy(&drop_in).contains("IPAddressDeny=169.254.169.254\n"));
    place.assert_no_secret("a good run");
}

#[tokio::test]
async fn a_good_run_asks_for_one_droplet_and_takes_only_the_key_away() {
    let mut place = Place::new().await;
    place.provision().await.expect("a server");
    let mut calls = place.fake.calls();
    calls.retain(|call| !call.starts_with("GET "));
    let key = calls.pop().expect("a call");
    assert_eq!(calls, ["POST /v2/account/keys", "POST /v2/droplets"]);
    assert!(key.starts_with("DELETE /v2/account/keys/"), "{key}");
    let bodies = place.fake.log();
    let asked = bodies
        .iter()
        .find(|asked| asked.call() == "POST /v2/droplets");
    let body = &asked.expect("a creation").body;
    assert_eq!(body["name"], "portlama-home");
    assert_eq!(body["tags"][0], "portlama:managed");
    let tag = body["tags"][1].as_str().expect("a second tag");
    assert!(tag.starts_with("portlama:op-"), "{tag}");
}

#[tokio::test]
async fn a_process_that_dies_in_any_step_leaves_nothing_that_the_next_one_does_not_find() {
    for step in Step::ALL {
        for status in [StepStatus::Running, StepStatus::Done] {
            let case = format!("{step:?} {status:?}");
            let mut place = Place::new().await;
            if (step, status) == (Step::Cleanup, StepStatus::Done) {
                continue;
            }
            place.die_at(step, status).await;
            let is_registered = place.home.registry().read().expect("a list").iter().count() == 1;
            // From the end of the enrolment to the journal's last line nothing waits, so nothing
            // is cut in between.
            let is_earlier = (step, status) < (Step::EnrollAdmin, StepStatus::Done);
            assert_eq!(is_registered, !is_earlier, "{case}");
            recover(&place, &case).await;
            if is_registered {
                assert_eq!(place.fake.droplets().len(), 1, "{case}: it is its owner's");
                assert_eq!(place.fake.keys(), Vec::<u64>::new(), "{case}");
                place.assert_no_secret(&case);
            } else {
                place.assert_nothing_left(&case);
                place.provision().await.expect("a new start is clean");
            }
        }
    }
}

/// What the next start does, with a yes.
pub(crate) async fn recover(place: &Place, case: &str) {
    let means = place.means();
    let recovery = Recovery::begin(&means).expect("the turn");
    for found in recovery.look().await.expect("looked") {
        assert!(!found.describe().is_empty(), "{case}");
        let left = recovery.take_away(found).await;
        assert_eq!(left, Vec::<String>::new(), "{case}");
    }
    let again = recovery.look().await.expect("looked");
    assert!(again.is_empty(), "{case}: {again:?}");
}
