//! The client against Pebble, a real authority that is strict and misbehaves on demand.

mod support;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use portlama_acme::{
    Account, AcmeClient, AcmeError, BoxError, BoxFuture, CertificateName, ChallengeAnswer,
    Challenges, ErrorKind, Limits, Obtained, Step,
};
use portlama_model::{AcmeSettings, ChallengeType, Hostname};
use portlama_testkit::{Pebble, PebbleOptions};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use support::{Memory, Responder, name, now};

/// Steps at which a process may die.
const STEPS: [Step; 6] = [
    Step::Ordered,
    Step::Presented,
    Step::Validating,
    Step::Finalizing,
    Step::Issuing,
    Step::Fetching,
];

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_certified_by_a_handshake() -> Result<()> {
    let Some(world) = World::start(PebbleOptions::default()).await? else {
        return Ok(());
    };
    let obtained = world.obtain(&name("app.test")).await?;
    world.is_trusted(&obtained, "app.test")?;
    assert!(obtained.issuer.contains("Pebble"), "{}", obtained.issuer);
    assert_eq!(*world.memory.steps.lock().expect("unpoisoned"), STEPS);
    assert_eq!(world.responder.open(), 0, "the answer was withdrawn");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wildcard_and_its_apex_are_certified_by_dns() -> Result<()> {
    let Some(mut world) = World::start(PebbleOptions::default()).await? else {
        return Ok(());
    };
    world.challenge(ChallengeType::Dns01)?;
    let pebble = Arc::new(world.pebble);
    let challenges = Dns(pebble.clone());
    let (client, memory) = (&world.client, &world.memory);
    let account = client.account(None, memory).await?;
    for (ordered, host) in [("dns.test", "dns.test"), ("*.dns.test", "any.dns.test")] {
        let obtained = client
            .obtain(&account, &name(ordered), None, &challenges, memory, now())
            .await?;
        is_trusted(&pebble, &obtained, host)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_challenge_brings_the_authoritys_words() -> Result<()> {
    let Some(world) = World::start(PebbleOptions::default()).await? else {
        return Ok(());
    };
    // Nobody listens at this address.
    world.pebble.add_a("gone.test", &["127.0.0.9".parse()?])?;
    let error = world
        .obtain(&name("gone.test"))
        .await
        .expect_err("the name leads elsewhere");
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    let problem = error.problem().context("the authority said why")?;
    assert_eq!(problem.short_kind(), Some("unauthorized"), "{problem:?}");
    for words in ["gone.test", "Failed to connect to 127.0.0.9"] {
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(world.responder.open(), 0, "the answer was withdrawn");

    // The failed order is given up for a new one, which succeeds once the name leads here.
    world.pebble.add_a("gone.test", &["127.0.0.1".parse()?])?;
    let obtained = world.obtain(&name("gone.test")).await?;
    world.is_trusted(&obtained, "gone.test")?;
    assert_eq!(world.pebble.orders(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn half_of_all_nonces_may_be_bad() -> Result<()> {
    let options = PebbleOptions {
        nonce_reject_percent: 50,
        ..PebbleOptions::default()
    };
    let Some(world) = World::start(options).await? else {
        return Ok(());
    };
    for host in ["one.test", "two.test", "three.test"] {
        let obtained = world.obtain(&name(host)).await?;
        world.is_trusted(&obtained, host)?;
    }
    assert_eq!(world.pebble.orders(), 3);
    assert_eq!(world.pebble.accounts(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_is_down_is_unreachable_and_nothing_is_lost() -> Result<()> {
    let Some(mut world) = World::start(PebbleOptions::default()).await? else {
        return Ok(());
    };
    let account = world.account().await?;
    world.pebble.stop();
    for error in [
        world.account().await.err().context("it is down")?,
        world
            .obtain_as(&account, &name("app.test"))
            .await
            .expect_err("it is down"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
        assert!(error.to_string().contains("localhost"), "{error}");
    }
    world.pebble.restart()?;
    world.obtain(&name("app.test")).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_was_forgotten_is_made_again_with_the_same_key() -> Result<()> {
    let Some(mut world) = World::start(PebbleOptions::default()).await? else {
        return Ok(());
    };
    let account = world.account().await?;
    let again = world.account().await?;
    assert_eq!(account.id(), again.id());
    assert_eq!(world.pebble.accounts(), 1);
    world.obtain(&name("before.test")).await?;

    world.pebble.restart()?;
    let error = world
        .obtain_as(&account, &name("app.test"))
        .await
        .expect_err("the account is unknown");
    assert_eq!(error.kind(), ErrorKind::Account, "{error}");
    // `before.test` still has the record of an order that is forgotten, too.
    for host in ["app.test", "before.test"] {
        let obtained = world.obtain(&name(host)).await?;
        world.is_trusted(&obtained, host)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_at_any_step_goes_on_with_the_same_order() -> Result<()> {
    let Some(world) = World::start(PebbleOptions::default()).await? else {
        return Ok(());
    };
    for (orders_before, step) in STEPS.into_iter().enumerate() {
        let host = format!("step{}.test", orders_before);
        let name = name(&host);
        world.memory.begin_again();
        let account = world.account().await?;
        tokio::select! {
            biased;
            () = world.memory.reaches(step) => {}
            done = world.obtain_as(&account, &name) => {
                done?;
                // The last steps may pass within one poll.
                assert!(step >= Step::Finalizing, "{step:?} was passed");
            }
        }
        let obtained = world.obtain(&name).await?;
        world.is_trusted(&obtained, &host)?;
        assert_eq!(world.pebble.orders(), orders_before + 1, "at {step:?}");
        let kept = world.memory.order(&name).context("kept")?;
        assert_eq!(kept.key_pem.expose(), obtained.key_pem.expose());
    }
    assert_eq!(world.pebble.accounts(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_before_the_account_is_answered_makes_no_second_one() -> Result<()> {
    let Some(world) = World::start(PebbleOptions::default()).await? else {
        return Ok(());
    };
    world.account().await?;
    // What was kept before the authority answered: the key without the account's address.
    let kept = world.memory.account().context("kept")?;
    let mut kept: serde_json::Value = serde_json::from_str(kept.expose())?;
    kept.as_object_mut().context("an object")?.remove("id");
    let account = world
        .client
        .account(Some(&kept.to_string().into()), &world.memory)
        .await?;
    assert!(account.id().contains("/my-account/"), "{}", account.id());
    assert_eq!(world.pebble.accounts(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_outlived_its_certificate_is_given_up() -> Result<()> {
    let options = PebbleOptions {
        validity: Duration::from_secs(24 * 60 * 60),
        ..PebbleOptions::default()
    };
    let Some(world) = World::start(options).await? else {
        return Ok(());
    };
    let first = world.obtain(&name("app.test")).await?;
    let account = world.account().await?;
    let record = world.memory.order(&name("app.test"));
    // In 20 hours that certificate is due; the order must not bring it again.
    let later = now().plus(Duration::from_secs(20 * 60 * 60));
    let second = world
        .client
        .obtain(
            &account,
            &name("app.test"),
            record.as_ref(),
            &world.responder,
            &world.memory,
            later,
        )
        .await?;
    assert_ne!(first.chain_pem, second.chain_pem);
    assert_eq!(world.pebble.orders(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_presented_is_our_fault() -> Result<()> {
    let Some(world) = World::start(PebbleOptions::default()).await? else {
        return Ok(());
    };
    let account = world.account().await?;
    let (client, memory) = (&world.client, &world.memory);
    let error = client
        .obtain(&account, &name("app.test"), None, &Broken, memory, now())
        .await
        .expect_err("nothing is presented");
    assert_eq!(error.kind(), ErrorKind::Local);
    assert!(error.to_string().contains("the disk is full"), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untrusted_authority_is_told_nothing() -> Result<()> {
    let Some(world) = World::start(PebbleOptions::default()).await? else {
        return Ok(());
    };
    // Its own certificate is of nobody whom the system trusts.
    let settings = AcmeSettings {
        directory: world.pebble.directory(),
        ..AcmeSettings::default()
    };
    let client = match AcmeClient::new(settings, None) {
        Ok(client) => client,
        // A system without authorities trusts nobody either.
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Settings, "{error}");
            return Ok(());
        }
    };
    let error = client
        .account(None, &world.memory)
        .await
        .err()
        .context("not trusted")?;
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    assert_eq!(world.pebble.accounts(), 0);
    Ok(())
}

/// A Pebble, a client of it, and what answers its challenges.
struct World {
    pebble: Pebble,
    client: AcmeClient,
    responder: Responder,
    memory: Memory,
}

impl World {
    /// `None` where Pebble is not installed.
    async fn start(options: PebbleOptions) -> Result<Option<Self>> {
        let responder = Responder::start().await;
        let options = PebbleOptions {
            tls_port: responder.port(),
            ..options
        };
        let Some(pebble) = tokio::task::spawn_blocking(|| Pebble::start(options)).await?? else {
            return Ok(None);
        };
        let client = client(&pebble, ChallengeType::TlsAlpn01)?;
        Ok(Some(Self {
            pebble,
            client,
            responder,
            memory: Memory::default(),
        }))
    }

    fn challenge(&mut self, challenge: ChallengeType) -> Result<()> {
        self.client = client(&self.pebble, challenge)?;
        Ok(())
    }

    async fn account(&self) -> Result<Account, AcmeError> {
        let kept = self.memory.account();
        self.client.account(kept.as_ref(), &self.memory).await
    }

    /// As a process does that knows nothing but what was kept.
    async fn obtain(&self, name: &CertificateName) -> Result<Obtained, AcmeError> {
        let account = self.account().await?;
        self.obtain_as(&account, name).await
    }

    async fn obtain_as(
        &self,
        account: &Account,
        name: &CertificateName,
    ) -> Result<Obtained, AcmeError> {
        let kept = self.memory.order(name);
        self.client
            .obtain(
                account,
                name,
                kept.as_ref(),
                &self.responder,
                &self.memory,
                now(),
            )
            .await
    }

    fn is_trusted(&self, obtained: &Obtained, host: &str) -> Result<()> {
        is_trusted(&self.pebble, obtained, host)
    }
}

fn client(pebble: &Pebble, challenge: ChallengeType) -> Result<AcmeClient, AcmeError> {
    let settings = AcmeSettings {
        directory: pebble.directory(),
        ca_file: Some(pebble.ca_file().display().to_string()),
        challenge,
    };
    let contact = "admin@example.org".parse().expect("an address");
    Ok(
        AcmeClient::new(settings, Some(contact))?.with_limits(Limits {
            issuance: Duration::from_secs(60),
            ..Limits::default()
        }),
    )
}

/// As a visitor judges who trusts Pebble's root.
fn is_trusted(pebble: &Pebble, obtained: &Obtained, host: &str) -> Result<()> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(
        pebble.root_pem()?.as_bytes(),
    )?)?;
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()))
            .build()?;
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(obtained.chain_pem.as_bytes()).collect::<Result<_, _>>()?;
    let (leaf, intermediates) = chain.split_first().context("a leaf")?;
    let name = ServerName::try_from(host.to_owned())?;
    verifier.verify_server_cert(leaf, intermediates, &name, &[], UnixTime::now())?;
    Ok(())
}

/// Records at Pebble's DNS.
struct Dns(Arc<Pebble>);

impl Challenges for Dns {
    fn present<'a>(
        &'a self,
        _: &'a Hostname,
        answer: &'a ChallengeAnswer,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move {
            let ChallengeAnswer::Dns01 { record, value } = answer else {
                return Err("only dns-01 is answered here".into());
            };
            Ok(self.0.set_txt(record, value)?)
        })
    }

    fn withdraw<'a>(&'a self, _: &'a Hostname, answer: &'a ChallengeAnswer) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let ChallengeAnswer::Dns01 { record, .. } = answer {
                self.0.clear_txt(record).expect("cleared");
            }
        })
    }
}

/// Cannot present anything.
struct Broken;

impl Challenges for Broken {
    fn present<'a>(
        &'a self,
        _: &'a Hostname,
        _: &'a ChallengeAnswer,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Err("the disk is full".into()) })
    }

    fn withdraw<'a>(&'a self, _: &'a Hostname, _: &'a ChallengeAnswer) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}
