//! One of each kind of failure, and what is left of it.

use std::io::Write as _;
use std::time::Duration;

use portlama_cloud::digitalocean::CREATE_TIMEOUT;
use portlama_cloud::provision::{Event, ProvisionError, Recovery, Step, StepStatus};
use portlama_testkit::fake_digitalocean::{Deed, Fault, Life, TokenSpec};

use crate::droplet::Mood;
use crate::provisioning::{Place, recover};
use crate::world::TOKEN;

/// A provisioning that fails in `step` with these words and leaves nothing.
async fn fails(mut place: Place, case: &str, step: Step, words: &str) -> Place {
    let failure = place.provision().await.expect_err(case);
    assert_eq!(failure.step, step, "{case}: {failure}");
    let message = failure.message();
    assert!(message.contains(words), "{case}: {message}");
    assert_eq!(failure.left, Vec::<String>::new(), "{case}");
    let Event::Error { recoverable, .. } = place.last_event() else {
        panic!("{case}: the last event is {:?}", place.last_event());
    };
    assert!(recoverable, "{case}");
    assert_eq!(
        place.told().last(),
        Some(&(step, StepStatus::Running)),
        "{case}"
    );
    place
}

#[tokio::test]
async fn whatever_digitalocean_answers_nothing_is_left() {
    let keys = ("POST", "/v2/account/keys");
    let droplets = ("POST", "/v2/droplets");
    let looks = ("GET", "/v2/droplets/");
    let refuse = |status, words| Deed::Refuse(status, words);
    let in_use = "SSH Key is already in use on your account";
    let limit = "creating this/these droplet(s) will exceed your droplet limit";
    for (call, deed, step, words) in [
        (
            keys,
            refuse(401, "Unable to authenticate you"),
            Step::UploadSshKey,
            "make a new one",
        ),
        (
            keys,
            refuse(403, "no"),
            Step::UploadSshKey,
            "ssh_key:create",
        ),
        (
            keys,
            refuse(409, "a conflict"),
            Step::UploadSshKey,
            "a conflict",
        ),
        (
            keys,
            refuse(422, in_use),
            Step::UploadSshKey,
            "already in use",
        ),
        (
            keys,
            Deed::TooMany(3000),
            Step::UploadSshKey,
            "wait an hour",
        ),
        (
            keys,
            Deed::Page(502),
            Step::UploadSshKey,
            "no answer of the API",
        ),
        (keys, Deed::DoneThenCut, Step::UploadSshKey, "breaks off"),
        (keys, Deed::HalfJson, Step::UploadSshKey, "not understood"),
        (
            droplets,
            refuse(404, "not here"),
            Step::CreateDroplet,
            "not here",
        ),
        (
            droplets,
            refuse(422, limit),
            Step::CreateDroplet,
            "ask for more",
        ),
        (
            droplets,
            Deed::Empty(500),
            Step::CreateDroplet,
            "status.digitalocean.com",
        ),
        (droplets, Deed::Cut, Step::CreateDroplet, "breaks off"),
        (
            droplets,
            Deed::DoneThenCut,
            Step::CreateDroplet,
            "breaks off",
        ),
        (
            droplets,
            Deed::HalfJson,
            Step::CreateDroplet,
            "not understood",
        ),
        (
            droplets,
            Deed::WrongTypes,
            Step::CreateDroplet,
            "not understood",
        ),
        (looks, refuse(404, "gone"), Step::WaitDroplet, "gone"),
        (looks, Deed::WrongTypes, Step::WaitDroplet, "not understood"),
    ] {
        let case = format!("{call:?} {deed:?}");
        let place = Place::new().await;
        place.fake.fail(Fault::new(call.0, call.1, deed.clone()));
        let place = fails(place, &case, step, words).await;
        // Whether it was carried out is not known: the journal stays until that is.
        let is_open = matches!(deed, Deed::Cut | Deed::Empty(_)) && call == droplets;
        let journals = place.home.operations().all().expect("journals").len();
        assert_eq!(journals, usize::from(is_open), "{case}");
        if !is_open {
            place.assert_nothing_left(&case);
        }
        assert_eq!(place.fake.resources_left(), 0, "{case}");
    }
}

#[tokio::test]
async fn a_token_that_does_not_fit_makes_nothing() {
    let short = TokenSpec::fitting(TOKEN).without("droplet:delete");
    let broad = TokenSpec::fitting(TOKEN).with("database:delete");
    for (token, words) in [
        (short, "droplet:delete is missing"),
        (broad, "database:delete could"),
    ] {
        let place = Place::with(token).await;
        let place = fails(place, words, Step::ValidateToken, words).await;
        place.assert_nothing_left(words);
        let asked = place.fake.calls();
        assert!(
            asked.iter().all(|call| call.starts_with("GET ")),
            "{asked:?}"
        );
    }
}

#[tokio::test]
async fn a_droplet_that_does_not_come_up_goes_again() {
    let never = Life {
        never_active: true,
        ..Life::default()
    };
    let off = Life {
        turns_off: true,
        ..Life::default()
    };
    let hidden = Life {
        looks_until_address: u32::MAX / 2,
        ..Life::default()
    };
    for (life, words) in [(never, "within"), (off, "switched off"), (hidden, "within")] {
        let place = Place::new().await;
        place.fake.live(life);
        let place = fails(place, words, Step::WaitDroplet, words).await;
        place.assert_nothing_left(words);
    }
}

#[tokio::test]
async fn a_deletion_that_meets_another_event_is_tried_again() {
    let place = Place::new().await;
    place.fake.live(Life {
        turns_off: true,
        pending_events: 2,
        ..Life::default()
    });
    let place = fails(place, "pending", Step::WaitDroplet, "switched off").await;
    place.assert_nothing_left("pending");
}

#[tokio::test]
async fn whatever_the_machine_does_nothing_is_left() {
    for (mood, step, words) in [
        (Mood::Dead, Step::WaitSsh, "firewall"),
        (Mood::Impostor, Step::WaitSsh, "listening in between"),
        (Mood::Locked, Step::WaitSsh, "does not take the key"),
        (Mood::Damages, Step::InstallPortlama, "arrived damaged"),
        (
            Mood::RefusesInstallation,
            Step::InstallPortlama,
            "port 443 is taken by nginx",
        ),
        (Mood::CutsInstallation, Step::InstallPortlama, "broke off"),
        (Mood::Hangs, Step::InstallPortlama, "took longer than"),
        (
            Mood::WrongCertificate,
            Step::RetrieveCredentials,
            "not the one that was asked for",
        ),
        (
            Mood::NoPanel,
            Step::EnrollAdmin,
            "does not answer the admin",
        ),
        (
            Mood::WrongNewHostKey,
            Step::EnrollAdmin,
            "listening in between",
        ),
    ] {
        let case = format!("{mood:?}");
        let place = Place::new().await;
        place.droplets.are(mood);
        let place = fails(place, &case, step, words).await;
        place.assert_nothing_left(&case);
        // The droplet goes first: it costs money.
        let mut deletions = place.fake.calls();
        deletions.retain(|call| call.starts_with("DELETE "));
        assert_eq!(deletions.len(), 2, "{case}: {deletions:?}");
        assert!(deletions[0].starts_with("DELETE /v2/droplets/"), "{case}");
    }
}

#[tokio::test]
async fn a_machine_that_takes_its_time_is_waited_for() {
    let mut place = Place::new().await;
    place.droplets.are(Mood::Slow(5));
    place.provision().await.expect("a server");
}

#[tokio::test]
async fn a_credential_store_that_refuses_ends_it_and_nothing_is_left() {
    let place = Place::new().await;
    place.store.is_broken(true);
    let place = fails(
        place,
        "locked",
        Step::EnrollAdmin,
        "credential store is locked",
    )
    .await;
    place.assert_nothing_left("locked");
}

#[tokio::test]
async fn a_cancellation_in_any_step_leaves_nothing() {
    for step in Step::ALL.into_iter().filter(|step| *step < Step::Cleanup) {
        let case = format!("{step:?}");
        let place = Place::new().await;
        let (cancel, means, plan) = (place.cancel.clone(), place.means(), place.plan());
        let mut tell = |event| {
            if event == Event::running(step) {
                cancel.cancel();
            }
        };
        let failure = means.provision(&plan, &[], &cancel, &mut tell).await;
        let failure = failure.expect_err("it was stopped");
        assert!(
            matches!(failure.error, ProvisionError::Cancelled),
            "{case}: {failure}"
        );
        assert_eq!(failure.left, Vec::<String>::new(), "{case}");
        place.assert_nothing_left(&case);
    }
}

/// DigitalOcean is asked and does not answer any more: what is left is said, and the next start
/// finds it.
#[tokio::test]
async fn what_cannot_be_taken_away_is_named_and_found_again() {
    let mut place = Place::new().await;
    place.droplets.are(Mood::Impostor);
    for _ in 0..4 {
        place
            .fake
            .fail(Fault::new("DELETE", "/v2/droplets/", Deed::Page(503)));
    }
    let failure = place.provision().await.expect_err("it fails");
    let id = place.fake.droplets()[0];
    assert_eq!(failure.left.len(), 1, "{:?}", failure.left);
    let place_to_look = format!("https://cloud.digitalocean.com/droplets/{id}");
    assert!(
        failure.left[0].contains(&place_to_look),
        "{:?}",
        failure.left
    );
    let Event::Error {
        recoverable, left, ..
    } = place.last_event()
    else {
        panic!("{:?}", place.last_event());
    };
    assert_eq!((*recoverable, left), (false, &failure.left));
    recover(&place, "named").await;
    place.assert_nothing_left("named");
}

#[tokio::test]
async fn a_droplet_that_appears_after_its_creation_was_given_up_is_found() {
    let mut place = Place::new().await;
    place.pace.settle_tries = 1;
    place
        .fake
        .fail(Fault::new("POST", "/v2/droplets", Deed::DoneThenCut));
    // The list that is asked for right afterwards does not answer.
    for _ in 0..4 {
        place
            .fake
            .fail(Fault::new("GET", "/v2/droplets", Deed::Empty(503)));
    }
    let failure = place.provision().await.expect_err("it fails");
    assert_eq!(failure.step, Step::CreateDroplet);
    assert!(failure.left[0].contains("not known"), "{:?}", failure.left);
    assert_eq!(place.fake.droplets().len(), 1);
    recover(&place, "late").await;
    place.assert_nothing_left("late");
}

/// The real limit is a minute, so this is for the long run.
#[tokio::test]
async fn a_creation_that_is_answered_too_late_is_found_by_its_tag() {
    if std::env::var_os("PORTLAMA_TEST_LONG").is_none() {
        let skipped = "skipped: takes two minutes; PORTLAMA_TEST_LONG=1 runs it";
        let _ = writeln!(std::io::stderr(), "{skipped}");
        return;
    }
    let late = CREATE_TIMEOUT + Duration::from_secs(5);
    for path in ["/v2/account/keys", "/v2/droplets"] {
        let place = Place::new().await;
        place
            .fake
            .fail(Fault::new("POST", path, Deed::DoneThenLate(late)));
        let step = match path {
            "/v2/droplets" => Step::CreateDroplet,
            _ => Step::UploadSshKey,
        };
        let place = fails(place, path, step, "does not answer within 60 s").await;
        place.assert_nothing_left(path);
    }
}

#[tokio::test]
async fn a_journal_of_another_account_is_neither_forgotten_nor_carried_out() {
    let mut place = Place::new().await;
    place.die_at(Step::WaitSsh, StepStatus::Running).await;
    let mut operation = place.home.operations().all().expect("journals").remove(0);
    operation.account = Some("somebody@example.org".to_owned());
    place.home.operations().write(&operation).expect("written");
    let means = place.means();
    let recovery = Recovery::begin(&means).expect("the turn");
    let mut found = recovery.look().await.expect("looked");
    assert_eq!(found.len(), 1);
    let left = recovery.take_away(found.remove(0)).await;
    assert!(left[0].contains("somebody@example.org"), "{left:?}");
    assert_eq!(place.fake.droplets().len(), 1);
    assert_eq!(place.home.operations().all().expect("journals").len(), 1);
}

#[tokio::test]
async fn one_server_is_made_at_a_time() {
    let mut place = Place::new().await;
    let turn = place.home.take_turn().expect("nobody has it");
    let failure = place.provision().await.expect_err("somebody has it");
    assert!(
        matches!(failure.error, ProvisionError::Busy(_)),
        "{failure}"
    );
    let means = place.means();
    assert!(matches!(
        Recovery::begin(&means),
        Err(ProvisionError::Busy(_))
    ));
    drop(turn);
    place.provision().await.expect("free again");
}

#[tokio::test]
async fn a_label_that_is_taken_makes_nothing() {
    let mut place = Place::new().await;
    place.provision().await.expect("the first");
    let before = place.fake.resources_left();
    let failure = place.provision().await.expect_err("taken");
    assert!(
        failure.message().contains("choose another label"),
        "{failure}"
    );
    assert_eq!(place.fake.resources_left(), before);
}
