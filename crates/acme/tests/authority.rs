//! The client against an authority that misbehaves as Pebble cannot.

mod support;

use std::time::Duration;

use portlama_acme::{
    AcmeClient, AcmeError, ErrorKind, Limits, MAX_ANSWER_BYTES, MAX_RETRY_AFTER, Obtained, Step,
};
use portlama_dial::MAX_HEAD_BYTES;
use portlama_model::AcmeSettings;
use portlama_testkit::{AuthorityFault, FakeAuthority};
use support::{Memory, Responder, name, now};

/// The name that is ordered.
const HOST: &str = "app.example.org";

/// How long an order may take here, so that endless ones end soon.
const LIMITS: Limits = Limits {
    exchange: Duration::from_secs(3),
    issuance: Duration::from_secs(4),
    present: Duration::from_secs(3),
};

#[tokio::test]
async fn a_good_authority_is_believed() {
    let obtained = World::start(AuthorityFault::None).await.obtain().await;
    assert!(obtained.is_ok(), "{:?}", obtained.err());
}

#[tokio::test]
async fn a_rate_limit_says_how_long_to_wait() {
    let error = failure(AuthorityFault::RateLimited, ErrorKind::RateLimited).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(120)));
    let problem = error.problem().expect("the authority said why");
    assert_eq!(problem.short_kind(), Some("rateLimited"));
    assert_eq!(problem.status, Some(429));
    assert!(error.to_string().contains("already issued"), "{error}");
}

#[tokio::test]
async fn an_authority_that_fails_is_unreachable() {
    let error = failure(AuthorityFault::Failing, ErrorKind::Unreachable).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
    assert!(error.to_string().contains("503"), "{error}");
}

#[tokio::test]
async fn an_endless_order_ends_in_time_and_goes_on_later() {
    for fault in [
        AuthorityFault::EndlessPending,
        AuthorityFault::EndlessProcessing,
    ] {
        let world = World::start(fault).await;
        let error = world.obtain().await.expect_err("it never ends");
        assert_eq!(error.kind(), ErrorKind::Timeout, "{fault:?}: {error}");
        world.fake.turn(AuthorityFault::None);
        let obtained = world.obtain().await;
        assert!(obtained.is_ok(), "{fault:?}: {:?}", obtained.err());
        assert_eq!(world.fake.orders(), 1, "{fault:?}");
        assert_eq!(world.responder.open(), 0, "{fault:?}");
    }
}

#[tokio::test]
async fn an_authority_that_asks_for_an_hour_is_not_waited_for() {
    let error = failure(AuthorityFault::LongProcessing, ErrorKind::Timeout).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert!(error.retry_after() <= Some(MAX_RETRY_AFTER));
}

#[tokio::test]
async fn a_certificate_that_was_not_ordered_is_refused_and_ordered_anew() {
    for (fault, words) in [
        (AuthorityFault::WrongName, "other.example.org"),
        (AuthorityFault::MoreNames, "other.example.org"),
        (AuthorityFault::WrongKey, "another key"),
        (AuthorityFault::MissingChain, "chain is missing"),
        (AuthorityFault::BrokenChain, "do not lead to one another"),
        (AuthorityFault::Expired, "holds from"),
        (AuthorityFault::NotForServers, "do not lead to one another"),
        (AuthorityFault::GarbageCertificate, "cannot be read"),
    ] {
        let world = World::start(fault).await;
        let error = world.obtain().await.expect_err("not what was ordered");
        assert_eq!(error.kind(), ErrorKind::Malformed, "{fault:?}: {error}");
        assert!(error.to_string().contains(words), "{fault:?}: {error}");
        world.fake.turn(AuthorityFault::None);
        let obtained = world.obtain().await;
        assert!(obtained.is_ok(), "{fault:?}: {:?}", obtained.err());
        assert_eq!(world.fake.orders(), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn nonsense_is_refused() {
    for fault in [
        AuthorityFault::GarbageOrder,
        AuthorityFault::HugeAnswer(MAX_ANSWER_BYTES + 1),
        AuthorityFault::PlainAddresses,
    ] {
        failure(fault, ErrorKind::Malformed).await;
    }
    failure(
        AuthorityFault::EndlessHead(2 * MAX_HEAD_BYTES),
        ErrorKind::Unreachable,
    )
    .await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let world = World::start(AuthorityFault::Redirect).await;
    let error = world.obtain().await.expect_err("it leads elsewhere");
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    assert!(error.to_string().contains("/elsewhere"), "{error}");
    assert_eq!(world.fake.redirected(), 0);
}

#[tokio::test]
async fn a_silent_authority_is_left_in_time() {
    failure(AuthorityFault::Silence, ErrorKind::Timeout).await;
}

#[tokio::test]
async fn nothing_is_presented_for_a_name_that_was_not_ordered() {
    let world = World::start(AuthorityFault::AnotherProof).await;
    let error = world.obtain().await.expect_err("another name");
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    let steps = world.memory.steps.lock().expect("unpoisoned");
    assert!(!steps.contains(&Step::Presented), "{steps:?}");
}

#[tokio::test]
async fn a_missing_challenge_names_the_setting() {
    let error = failure(AuthorityFault::NoChallenge, ErrorKind::Rejected).await;
    assert!(error.to_string().contains("dns-01"), "{error}");
}

#[tokio::test]
async fn a_kept_order_with_an_unusable_key_is_given_up() {
    let world = World::start(AuthorityFault::EndlessPending).await;
    world.obtain().await.expect_err("it never ends");
    let mut record = world.memory.order(&name(HOST)).expect("kept");
    record.key_pem = "no key".to_owned().into();
    world.memory.keep_order(record);
    world.fake.turn(AuthorityFault::None);
    assert!(world.obtain().await.is_ok());
    assert_eq!(world.fake.orders(), 2);
}

#[test]
fn settings_that_cannot_be_used_say_why() {
    let settings = |directory: &str, ca_file: Option<&str>| AcmeSettings {
        directory: directory.to_owned(),
        ca_file: ca_file.map(str::to_owned),
        ..AcmeSettings::default()
    };
    let empty = tempfile::NamedTempFile::new().expect("a file");
    let empty = empty.path().display().to_string();
    for (settings, words) in [
        (settings("http://acme.example.org/dir", None), "https"),
        (
            settings("https://acme.example.org/dir", Some("/nowhere/ca.pem")),
            "/nowhere/ca.pem",
        ),
        (
            settings("https://acme.example.org/dir", Some(&empty)),
            "holds no certificate",
        ),
    ] {
        let error = AcmeClient::new(settings, None).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Settings);
        assert!(error.to_string().contains(words), "{error}");
    }
}

/// The failure of one attempt, which must be of this kind.
async fn failure(fault: AuthorityFault, kind: ErrorKind) -> AcmeError {
    let error = World::start(fault)
        .await
        .obtain()
        .await
        .expect_err("the authority misbehaves");
    assert_eq!(error.kind(), kind, "{fault:?}: {error}");
    error
}

struct World {
    fake: FakeAuthority,
    client: AcmeClient,
    responder: Responder,
    memory: Memory,
}

impl World {
    async fn start(fault: AuthorityFault) -> Self {
        let fake = FakeAuthority::start(fault).await;
        let settings = AcmeSettings {
            directory: fake.directory.clone(),
            ca_file: Some(fake.ca_file.display().to_string()),
            ..AcmeSettings::default()
        };
        Self {
            fake,
            client: AcmeClient::new(settings, None)
                .expect("settings")
                .with_limits(LIMITS),
            responder: Responder::start().await,
            memory: Memory::default(),
        }
    }

    /// As a process does that knows nothing but what was kept.
    async fn obtain(&self) -> Result<Obtained, AcmeError> {
        let (account, name) = (self.memory.account(), name(HOST));
        let account = self.client.account(account.as_ref(), &self.memory).await?;
        let order = self.memory.order(&name);
        self.client
            .obtain(
                &account,
                &name,
                order.as_ref(),
                &self.responder,
                &self.memory,
                now(),
            )
            .await
    }
}
