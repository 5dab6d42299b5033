//! The first set-up: which step follows which, what the DNS must say, and a run that can be
//! taken up wherever it was cut.
#![allow(clippy::unwrap_used)]

mod world;

use std::time::Duration;

use portlama_control::{
    BoxFuture, Doors, OperationError, ProvisionEvent, ProvisionFailure, ProvisionResult,
    ProvisionTask, RESULT_LIFETIME, TaskStatus, Verdict,
};
use portlama_model::{OnboardingStatus, Secret};
use portlama_testkit::{DnsMood, DnsServer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use world::{DOMAIN, HERE, World};

/// How long a test waits for what takes seconds at most.
const PATIENCE: Duration = Duration::from_secs(60);

const OURS: &str = "198.51.100.7";

/// A DNS server with the domain and every name below it at our address.
fn dns() -> DnsServer {
    let dns = DnsServer::start().expect("a DNS server");
    dns.set(DOMAIN, &[OURS]);
    dns.set(&format!("*.{DOMAIN}"), &[OURS]);
    dns
}

async fn choose(world: &World) {
    let email = "ops@example.org".parse().unwrap();
    let domain = DOMAIN.parse().unwrap();
    let chosen = world.control.set_domain(&world.admin, domain, email).await;
    chosen.expect("chosen");
}

/// A server whose domain was seen to lead to it.
async fn ready(dns: &DnsServer) -> World {
    let world = World::fresh(&[dns.address()]).await;
    choose(&world).await;
    let check = world
        .control
        .verify_dns(&world.admin)
        .await
        .expect("looked up");
    assert!(check.verdict.is_here(), "{}", check.message);
    world
}

fn status(world: &World) -> OnboardingStatus {
    world.control.live().desired().onboarding
}

/// Runs the provisioning to its end.
async fn run(world: &World) -> Result<(), ProvisionFailure> {
    let (_, mut events) = world.control.watch_provisioning();
    world.control.provision(&world.admin).await.expect("begins");
    let end = async {
        loop {
            match events.recv().await.expect("an event") {
                ProvisionEvent::Complete => return Ok(()),
                ProvisionEvent::Failed { failure, .. } => return Err(failure),
                ProvisionEvent::Progress { .. } => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, end).await.expect("an end")
}

fn wrong_stage(error: OperationError) -> OnboardingStatus {
    match error {
        OperationError::WrongStage { status, .. } => status,
        other => panic!("{other:?}"),
    }
}

/// Signs in with what the result says.
async fn sign_in(world: &World, result: &ProvisionResult) {
    let password = result.admin_password.clone().expect("a password");
    let first = world
        .control
        .first_factor(None, "admin", password, HERE)
        .await
        .expect("the password is right");
    let uri = result.admin_totp_uri.clone().expect("a seed");
    let secret = uri.expose().split("secret=").nth(1).unwrap();
    let secret = secret.split('&').next().unwrap();
    let seed = portlama_auth::TotpSeed::from_base32(&Secret::new(secret)).unwrap();
    world
        .control
        .second_factor(first.sso_token.expose(), &world.code(&seed), HERE)
        .await
        .expect("the code is right");
}

#[tokio::test]
async fn a_fresh_server_comes_into_service_step_by_step() {
    let dns = dns();
    let world = World::fresh(&[dns.address()]).await;
    assert_eq!(status(&world), OnboardingStatus::Fresh);
    choose(&world).await;
    assert_eq!(status(&world), OnboardingStatus::DomainSet);
    let check = world
        .control
        .verify_dns(&world.admin)
        .await
        .expect("looked up");
    assert_eq!(check.resolved, [HERE]);
    assert!(check.wildcard.is_here() && check.names.iter().all(|(_, name)| name.is_here()));
    assert_eq!(status(&world), OnboardingStatus::DnsReady);
    assert!(
        world.plane.desired().hosts.is_empty(),
        "nobody is served before the end"
    );
    run(&world).await.expect("completes");
    assert_eq!(status(&world), OnboardingStatus::Completed);
    for host in ["panel", "auth", "tunnel"] {
        let host = format!("{host}.{DOMAIN}");
        assert!(world.plane.serves(&host), "{host}");
        let has_one = |name: &&portlama_model::Hostname| name.as_str() == host;
        assert!(
            world.plane.certificates().keys().any(|name| has_one(&name)),
            "{host}"
        );
    }
    let result = world.control.provisioning_result().expect("readable");
    assert_eq!(result.panel_url, "https://panel.lab.example.org");
    assert_eq!(result.auth_url, "https://auth.lab.example.org");
    sign_in(&world, &result).await;
    let users = world.control.users();
    let admin = users.first().expect("the first account");
    assert_eq!((users.len(), admin.username.as_str()), (1, "admin"));
    assert!(admin.groups.iter().any(|group| group.as_str() == "admins"));
    let tasks = world.control.provisioning().tasks;
    assert!(tasks.iter().all(|task| task.status == TaskStatus::Done));
    let audit = world.file("panel.json") + &world.file("users.yml");
    assert!(!audit.contains(result.admin_password.unwrap().expose()));
}

#[tokio::test]
async fn no_step_can_be_skipped_or_taken_back() {
    let dns = dns();
    let world = World::fresh(&[dns.address()]).await;
    let (control, admin) = (&world.control, &world.admin);
    let domain = || DOMAIN.parse().unwrap();
    let email = || "ops@example.org".parse().unwrap();
    let fresh = OnboardingStatus::Fresh;
    assert_eq!(
        wrong_stage(control.verify_dns(admin).await.unwrap_err()),
        fresh
    );
    assert_eq!(
        wrong_stage(control.provision(admin).await.unwrap_err()),
        fresh
    );
    choose(&world).await;
    choose(&world).await;
    let refused = control.provision(admin).await.unwrap_err();
    assert_eq!(wrong_stage(refused), OnboardingStatus::DomainSet);
    control.verify_dns(admin).await.expect("looked up");
    control.verify_dns(admin).await.expect("again");
    let refused = control
        .set_domain(admin, domain(), email())
        .await
        .unwrap_err();
    assert_eq!(wrong_stage(refused), OnboardingStatus::DnsReady);
    let unread = control.provisioning_result().unwrap_err();
    assert_eq!(wrong_stage(unread), OnboardingStatus::DnsReady);
    let unread = control.acknowledge_provisioning(admin).await.unwrap_err();
    assert_eq!(wrong_stage(unread), OnboardingStatus::DnsReady);
    run(&world).await.expect("completes");
    let completed = OnboardingStatus::Completed;
    let refused = control
        .set_domain(admin, domain(), email())
        .await
        .unwrap_err();
    assert_eq!(wrong_stage(refused), completed);
    assert_eq!(
        wrong_stage(control.verify_dns(admin).await.unwrap_err()),
        completed
    );
    assert_eq!(
        wrong_stage(control.provision(admin).await.unwrap_err()),
        completed
    );
}

#[tokio::test]
async fn the_set_up_goes_on_only_when_the_domain_leads_here() {
    let dns = DnsServer::start().expect("a DNS server");
    let world = World::fresh(&[dns.address()]).await;
    choose(&world).await;
    type Case<'a> = (Option<&'a [&'a str]>, fn(&Verdict) -> bool, &'a str);
    let cases: [Case<'_>; 4] = [
        (None, |v| *v == Verdict::Nowhere, "add an A record"),
        (Some(&[]), |v| *v == Verdict::Nowhere, "add an A record"),
        (
            Some(&["192.0.2.66"]),
            |v| matches!(v, Verdict::Elsewhere { .. }),
            "192.0.2.66",
        ),
        (
            Some(&[OURS, "2001:db8::66"]),
            |v| matches!(v, Verdict::WrongFamily { .. }),
            "2001:db8::66",
        ),
    ];
    for (records, is_right, word) in cases {
        dns.forget(DOMAIN);
        if let Some(records) = records {
            dns.set(DOMAIN, records);
        }
        let check = world
            .control
            .verify_dns(&world.admin)
            .await
            .expect("looked up");
        assert!(is_right(&check.verdict), "{records:?}: {:?}", check.verdict);
        assert!(check.message.contains(word), "{}", check.message);
        assert_eq!(status(&world), OnboardingStatus::DomainSet);
    }
    dns.set(DOMAIN, &[OURS]);
    let check = world
        .control
        .verify_dns(&world.admin)
        .await
        .expect("looked up");
    assert!(check.verdict.is_here() && !check.wildcard.is_here());
    for word in ["*.lab.example.org", "auth.lab.example.org", OURS] {
        assert!(check.message.contains(word), "{}", check.message);
    }
    assert_eq!(
        status(&world),
        OnboardingStatus::DnsReady,
        "a wildcard is never required"
    );
}

#[tokio::test]
async fn resolvers_that_do_not_answer_are_shown_and_decide_nothing() {
    let (good, bad) = (dns(), dns());
    let world = World::fresh(&[good.address(), bad.address()]).await;
    choose(&world).await;
    for (mood, word) in [
        (DnsMood::Fails, "answered"),
        (DnsMood::Silent, "in time"),
        (DnsMood::Garbage, ""),
    ] {
        bad.behave(mood);
        let check = world
            .control
            .verify_dns(&world.admin)
            .await
            .expect("looked up");
        assert!(check.verdict.is_here(), "{mood:?}: {}", check.message);
        let [(first, wildcard), (second, _)] = &check.resolvers[..] else {
            panic!("{:?}", check.resolvers);
        };
        assert_eq!((first.address, &first.error), (good.address(), &None));
        assert_eq!(wildcard, &[HERE]);
        let error = second.error.as_ref().expect("a reason");
        assert!(error.contains(word), "{mood:?}: {error}");
    }
}

#[tokio::test]
async fn one_resolver_that_sees_another_address_stops_the_set_up() {
    let (good, stale) = (dns(), dns());
    stale.set(DOMAIN, &["192.0.2.66"]);
    let world = World::fresh(&[good.address(), stale.address()]).await;
    choose(&world).await;
    let check = world
        .control
        .verify_dns(&world.admin)
        .await
        .expect("looked up");
    assert!(matches!(check.verdict, Verdict::Disagreement { .. }));
    let names_it = check.message.contains(&stale.address().to_string());
    assert!(names_it, "{}", check.message);
    assert_eq!(status(&world), OnboardingStatus::DomainSet);
    stale.set(DOMAIN, &[OURS]);
    let check = world
        .control
        .verify_dns(&world.admin)
        .await
        .expect("looked up");
    assert!(check.verdict.is_here(), "the answer is never an old one");
}

#[tokio::test]
async fn with_no_resolver_that_answers_nothing_goes_on() {
    let dns = dns();
    dns.behave(DnsMood::Silent);
    let world = World::fresh(&[dns.address()]).await;
    choose(&world).await;
    let check = world
        .control
        .verify_dns(&world.admin)
        .await
        .expect("looked up");
    assert!(matches!(check.verdict, Verdict::NoAnswer { .. }));
    assert_eq!(status(&world), OnboardingStatus::DomainSet);
}

#[tokio::test]
async fn of_two_runs_at_once_one_begins() {
    let dns = dns();
    let world = ready(&dns).await;
    // The run is busy with it for seconds.
    dns.behave(DnsMood::Silent);
    let (one, other) = tokio::join!(
        world.control.provision(&world.admin),
        world.control.provision(&world.admin),
    );
    let refused = match (one, other) {
        (Ok(()), Err(error)) | (Err(error), Ok(())) => error,
        both => panic!("{both:?}"),
    };
    assert_eq!(wrong_stage(refused), OnboardingStatus::Provisioning);
}

#[tokio::test]
async fn a_failed_run_is_taken_up_where_it_failed() {
    let dns = dns();
    let world = ready(&dns).await;
    dns.forget(&format!("*.{DOMAIN}"));
    let failure = run(&world).await.expect_err("a name is missing");
    assert_eq!(failure.task, ProvisionTask::Certificates);
    assert!(
        failure
            .message
            .contains("panel.lab.example.org does not resolve")
    );
    assert_eq!(world.control.provisioning_failure(), Some(failure));
    assert_eq!(status(&world), OnboardingStatus::Provisioning);
    assert!(world.plane.desired().hosts.is_empty());
    assert!(
        world.control.users().is_empty(),
        "the account comes with the end"
    );
    let done: Vec<_> = world
        .control
        .provisioning()
        .tasks
        .iter()
        .map(|t| t.status)
        .collect();
    let (ok, no, not_yet) = (TaskStatus::Done, TaskStatus::Error, TaskStatus::Pending);
    assert_eq!(done, [ok, ok, no, not_yet, not_yet, not_yet]);
    dns.set(&format!("*.{DOMAIN}"), &[OURS]);
    run(&world).await.expect("completes");
    assert_eq!(world.control.provisioning_failure(), None);
    sign_in(
        &world,
        &world.control.provisioning_result().expect("readable"),
    )
    .await;
}

/// Doors that answer or do not.
struct Door(AtomicBool);

impl Doors for Door {
    fn knock(&self) -> BoxFuture<'_, Result<(), String>> {
        let answer = match self.0.load(Ordering::SeqCst) {
            true => Ok(()),
            false => Err("nobody is at home".to_owned()),
        };
        Box::pin(std::future::ready(answer))
    }
}

#[tokio::test]
async fn a_server_that_restarts_after_any_task_takes_the_set_up_up() {
    for task in [
        ProvisionTask::Certificates,
        ProvisionTask::Routes,
        ProvisionTask::Checks,
    ] {
        let dns = dns();
        let world = ready(&dns).await;
        match task {
            ProvisionTask::Certificates => dns.forget(&format!("*.{DOMAIN}")),
            ProvisionTask::Routes => world.plane.fails.store(true, Ordering::SeqCst),
            _ => world
                .control
                .attach_doors(Arc::new(Door(AtomicBool::new(false)))),
        }
        if task == ProvisionTask::Routes {
            // The run's own beginning is a change, too.
            world.plane.fails.store(false, Ordering::SeqCst);
            let plane = Arc::clone(&world.plane);
            let (_, mut events) = world.control.watch_provisioning();
            world.control.provision(&world.admin).await.expect("begins");
            plane.fails.store(true, Ordering::SeqCst);
            let failed = async {
                loop {
                    if let ProvisionEvent::Failed { failure, .. } = events.recv().await.unwrap() {
                        return failure;
                    }
                }
            };
            let failure = tokio::time::timeout(PATIENCE, failed)
                .await
                .expect("an end");
            assert!(failure.task >= ProvisionTask::Certificates, "{failure:?}");
        } else {
            let failure = run(&world).await.expect_err("fails");
            assert_eq!(failure.task, task);
        }
        dns.set(&format!("*.{DOMAIN}"), &[OURS]);
        let world = world.restart().await;
        assert_eq!(status(&world), OnboardingStatus::Provisioning);
        assert!(
            world.plane.desired().hosts.is_empty(),
            "half a server is none"
        );
        run(&world).await.expect("completes");
        sign_in(
            &world,
            &world.control.provisioning_result().expect("readable"),
        )
        .await;
        let world = world.restart().await;
        assert_eq!(status(&world), OnboardingStatus::Completed);
        assert!(world.plane.serves("auth.lab.example.org"));
    }
}

#[tokio::test]
async fn the_last_commit_is_whole_or_not_at_all() {
    let dns = dns();
    let world = ready(&dns).await;
    let door = Arc::new(Door(AtomicBool::new(false)));
    world.control.attach_doors(Arc::clone(&door) as _);
    run(&world).await.expect_err("the doors do not answer");
    door.0.store(true, Ordering::SeqCst);
    world.plane.fails.store(true, Ordering::SeqCst);
    let failure = run(&world).await.expect_err("the hosts cannot be served");
    assert_eq!(failure.task, ProvisionTask::Finish);
    assert_eq!(status(&world), OnboardingStatus::Provisioning);
    assert!(world.control.users().is_empty());
    assert!(world.control.provisioning_result().is_err());
    world.plane.fails.store(false, Ordering::SeqCst);
    run(&world).await.expect("completes");
    sign_in(
        &world,
        &world.control.provisioning_result().expect("readable"),
    )
    .await;
}

#[tokio::test]
async fn the_first_password_is_readable_until_it_is_acknowledged() {
    let dns = dns();
    let world = ready(&dns).await;
    run(&world).await.expect("completes");
    let read = || {
        world
            .control
            .provisioning_result()
            .map(|r| r.admin_password.is_some())
    };
    assert!(matches!(read(), Ok(true)));
    assert!(matches!(read(), Ok(true)), "a reload loses nothing");
    world
        .control
        .acknowledge_provisioning(&world.admin)
        .await
        .expect("acknowledged");
    assert!(matches!(read(), Err(OperationError::Gone { .. })));
    let again = world.control.acknowledge_provisioning(&world.admin).await;
    assert!(matches!(again, Err(OperationError::Gone { .. })));
    let shown = world
        .control
        .provisioning()
        .result
        .expect("the addresses stay");
    assert!(shown.admin_password.is_none() && shown.admin_totp_uri.is_none());
}

#[tokio::test]
async fn the_first_password_is_gone_after_ten_minutes() {
    let dns = dns();
    let world = ready(&dns).await;
    run(&world).await.expect("completes");
    world
        .clock
        .advance(RESULT_LIFETIME - Duration::from_secs(1));
    assert!(world.control.provisioning_result().is_ok());
    world.clock.advance(Duration::from_secs(1));
    let gone = world.control.provisioning_result();
    assert!(matches!(gone, Err(OperationError::Gone { .. })));
    let gone = world.control.acknowledge_provisioning(&world.admin).await;
    assert!(matches!(gone, Err(OperationError::Gone { .. })));
}

#[tokio::test]
async fn a_restart_shows_the_first_password_for_the_rest_of_its_time() {
    let dns = dns();
    let world = ready(&dns).await;
    run(&world).await.expect("completes");
    let first = world.control.provisioning_result().expect("readable");
    let until = world.control.provisioning_result_until();
    world.clock.advance(RESULT_LIFETIME / 2);
    let world = world.restart().await;
    let again = world.control.provisioning_result().expect("readable");
    let shown = |result: &ProvisionResult| {
        let text = |secret: &Option<Secret>| secret.as_ref().map(|s| s.expose().to_owned());
        let secrets = (text(&result.admin_password), text(&result.admin_totp_uri));
        (secrets, result.panel_url.clone(), result.auth_url.clone())
    };
    assert_eq!(shown(&again), shown(&first));
    assert_eq!(world.control.provisioning_result_until(), until);
    sign_in(&world, &again).await;

    world.clock.advance(RESULT_LIFETIME / 2);
    let world = world.restart().await;
    let gone = world.control.provisioning_result();
    assert!(matches!(gone, Err(OperationError::Gone { .. })));
    world.clock.set_back(RESULT_LIFETIME);
    let world = world.restart().await;
    let gone = world.control.provisioning_result();
    assert!(
        matches!(gone, Err(OperationError::Gone { .. })),
        "a clock that goes back brings nothing back"
    );
}

#[tokio::test]
async fn an_acknowledged_password_does_not_come_back_with_a_restart() {
    let dns = dns();
    let world = ready(&dns).await;
    run(&world).await.expect("completes");
    let acknowledged = world.control.acknowledge_provisioning(&world.admin).await;
    acknowledged.expect("acknowledged");
    let world = world.restart().await;
    let gone = world.control.provisioning_result().unwrap_err();
    assert!(gone.to_string().contains("a new password"), "{gone}");
}

#[tokio::test]
async fn a_server_that_was_complete_at_once_says_that_it_has_no_first_account() {
    let world = World::new().await;
    assert_eq!(status(&world), OnboardingStatus::Completed);
    let none = world.control.provisioning_result().unwrap_err();
    assert!(matches!(none, OperationError::Gone { .. }), "{none:?}");
    assert!(none.to_string().contains("add a user"), "{none}");
    let none = world.control.acknowledge_provisioning(&world.admin).await;
    assert!(matches!(none, Err(OperationError::Gone { .. })));
}

#[tokio::test]
async fn an_account_that_was_there_before_keeps_its_password() {
    let dns = dns();
    let users = "users:\n  admin:\n    displayname: 'Mira'\n    email: 'mira@example.org'\n    \
                 password: '$2b$12$abcdefghijklmnopqrstuuAbCdEfGhIjKlMnOpQrStUvWxYz012345'\n";
    let world = World::fresh_with_users(&[dns.address()], users).await;
    choose(&world).await;
    world
        .control
        .verify_dns(&world.admin)
        .await
        .expect("looked up");
    run(&world).await.expect("completes");
    let result = world
        .control
        .provisioning_result()
        .expect("a code to enrol");
    assert!(result.admin_password.is_none());
    assert!(result.admin_totp_uri.is_some(), "it had none");
    assert!(
        world
            .file("users.yml")
            .contains("$2b$12$abcdefghijklmnopqrstuu")
    );
}
