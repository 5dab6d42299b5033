//! The certifier before an authority that misbehaves: what is remembered, who waits, what the
//! operator sees. The clock stands still until it is moved.
#![allow(clippy::unwrap_used)]

mod world;

use std::time::{Duration, SystemTime};

use portlama_control::{
    AuditFilter, CertificateFailure, Control, OperationError, Part, ServiceAction, ServiceName,
    ServiceStatus,
};
use portlama_model::Hostname;
use portlama_testkit::{AuthorityFault, FakeAuthority};
use world::{DOMAIN, World, start};

const SECOND: Duration = Duration::from_secs(1);
/// How long a test waits for what happens by itself, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// The hosts that every server with a domain has: panel, portal and tunnel.
const OWN_HOSTS: usize = 3;

/// A server and its authority, after the authority did `fault` to each host once.
async fn after(fault: AuthorityFault) -> (World, FakeAuthority) {
    let authority = FakeAuthority::start(fault).await;
    let unix = u64::try_from(start().unix_seconds()).unwrap();
    authority.set_time(SystemTime::UNIX_EPOCH + Duration::from_secs(unix));
    let world = World::certified_by(&authority).await;
    let settled = async || match fault {
        AuthorityFault::None => world.plane.certificates().len() == OWN_HOSTS,
        _ => failures(&world.control).await.len() == OWN_HOSTS,
    };
    until("the first attempts are over", settled).await;
    (world, authority)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_kept_and_waited_for_after_a_restart() {
    let (world, authority) = after(AuthorityFault::Failing).await;
    let told = failures(&world.control).await;
    assert!(
        told.iter().all(|failure| failure.message.contains("503")),
        "{told:?}"
    );
    let asked = authority.asked();
    assert_eq!(asked, OWN_HOSTS, "one attempt for each");

    let world = world.restart().await;
    assert_eq!(failures(&world.control).await, told);
    // The scheduler looks at its start, and once more when it is woken.
    let looks = world.control.auto_renewal();
    world.clock.advance(SECOND);
    world.control.renew_certificates().await;
    let looked = async || world.control.auto_renewal().last_run > looks.last_run;
    until("it looked", looked).await;
    assert_eq!(authority.asked(), asked, "the wait outlives the process");

    authority.turn(AuthorityFault::None);
    // The longest first wait and its spread.
    world.clock.advance(76 * SECOND);
    world.control.renew_certificates().await;
    let served = async || world.plane.certificates().len() == OWN_HOSTS;
    until("served", served).await;
    assert_eq!(authority.asked(), 2 * OWN_HOSTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn success_makes_the_part_healthy_and_forgets_the_words() {
    let (world, authority) = after(AuthorityFault::Failing).await;
    let (status, detail) = part(&world.control).await;
    assert_eq!(status, ServiceStatus::Failed);
    let detail = detail.unwrap();
    assert!(detail.starts_with(&format!("auth.{DOMAIN}: ")), "{detail}");
    assert!(
        detail.contains("503") && detail.ends_with("(and 2 more)"),
        "{detail}"
    );

    authority.turn(AuthorityFault::None);
    world.clock.advance(76 * SECOND);
    world.control.renew_certificates().await;
    until("healthy", async || {
        part(&world.control).await.0 == ServiceStatus::Active
    })
    .await;
    assert_eq!(part(&world.control).await.1, None);
    let world = world.restart().await;
    assert_eq!(failures(&world.control).await, []);
    assert_eq!(part(&world.control).await.0, ServiceStatus::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_authority_asks_to_wait_binds_whoever_asks() {
    let (world, authority) = after(AuthorityFault::RateLimited).await;
    authority.turn(AuthorityFault::None);
    let asked = authority.asked();
    let renewed = renew(&world, "panel").await;
    let Err(OperationError::RateLimited {
        retry_after,
        message,
    }) = renewed
    else {
        panic!("{renewed:?}");
    };
    assert_eq!(retry_after, 120 * SECOND, "as the authority said");
    assert!(message.contains("too many certificates"), "{message}");
    assert!(reload(&world).await.is_err());
    world.clock.advance(119 * SECOND);
    assert!(renew(&world, "panel").await.is_err());
    assert_eq!(authority.asked(), asked, "it was left alone");
    world.clock.advance(SECOND);
    assert!(renew(&world, "panel").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_together_shares_one_order() {
    let (world, authority) = after(AuthorityFault::None).await;
    let orders = authority.orders();
    // The order is under way until all have asked.
    authority.turn(AuthorityFault::EndlessProcessing);
    let all_asked = async {
        until("all have asked", async || asks(&world.control).await == 8).await;
        authority.turn(AuthorityFault::None);
    };
    let renewals = futures_util::future::join_all((0..8).map(|_| renew(&world, "panel")));
    let (renewals, ()) = tokio::join!(renewals, all_asked);
    for renewed in renewals {
        assert!(renewed.is_ok(), "{renewed:?}");
    }
    assert_eq!(authority.orders() - orders, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_tells_whether_the_certificates_are_there() {
    let (world, authority) = after(AuthorityFault::Failing).await;
    world.clock.advance(31 * SECOND);
    let reloaded = reload(&world).await;
    let Err(OperationError::ServiceFailed { what, details }) = reloaded else {
        panic!("{reloaded:?}");
    };
    assert_eq!(what, "`reload acme`");
    assert!(
        details.contains("503") && details.ends_with("(and 2 more)"),
        "{details}"
    );
    assert_eq!(authority.asked(), 2 * OWN_HOSTS, "each was tried");

    authority.turn(AuthorityFault::None);
    world.clock.advance(31 * SECOND);
    reload(&world).await.unwrap();
    assert_eq!(world.plane.certificates().len(), OWN_HOSTS);
    // Nothing is due.
    reload(&world).await.unwrap();
    assert_eq!(authority.orders(), OWN_HOSTS);
}

async fn renew(world: &World, name: &str) -> Result<(), OperationError> {
    let host: Hostname = format!("{name}.{DOMAIN}").parse().unwrap();
    let renewed = world.control.renew_certificate(&world.admin, &host).await;
    renewed.map(drop)
}

async fn reload(world: &World) -> Result<(), OperationError> {
    let name = ServiceName::Part(Part::Acme);
    let told = world
        .control
        .act_on_service(&world.admin, name, ServiceAction::Reload);
    told.await
}

async fn part(control: &Control) -> (ServiceStatus, Option<String>) {
    let services = control.services().await;
    let acme = services
        .into_iter()
        .find(|service| service.name == ServiceName::Part(Part::Acme));
    let acme = acme.unwrap();
    (acme.status, acme.detail)
}

/// Why hosts have no new certificate.
async fn failures(control: &Control) -> Vec<CertificateFailure> {
    let certificates = control.certificates().await.into_iter();
    certificates
        .filter_map(|certificate| certificate.state?.failure)
        .collect()
}

/// How often a renewal was asked for by hand.
async fn asks(control: &Control) -> usize {
    let rows = control
        .audit(AuditFilter::default(), None, 100)
        .await
        .unwrap();
    let asked = rows
        .iter()
        .filter(|row| row.entry.action == "certificate.renew");
    asked.count()
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !holds().await {
        assert!(
            tokio::time::Instant::now() < deadline,
            "not in time: {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
