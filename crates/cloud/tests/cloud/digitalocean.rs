//! Keys and droplets, and everything that can go wrong with one call.

use std::time::Duration;

use portlama_cloud::digitalocean::DropletStatus;
use portlama_cloud::{MANAGED_TAG, digitalocean::DigitalOceanError};
use portlama_testkit::fake_digitalocean::{Deed, Fault, Life, TokenSpec};

use crate::world::{TOKEN, droplet, fitting, world};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgM= portlama-provisioning";

#[tokio::test]
async fn a_droplet_is_made_looked_at_and_deleted() {
    let (fake, client) = fitting().await;
    let key = client.create_key("portlama-1", KEY).await.expect("a key");
    let new = droplet("portlama-home", key.id);
    let made = client.create_droplet(&new).await.expect("a droplet");
    assert_eq!(
        (made.status, made.public_address()),
        (DropletStatus::New, None)
    );
    assert!(made.id > u64::from(u32::MAX));
    let mut looks = 0;
    let address = loop {
        looks += 1;
        let now = client.droplet(made.id).await.expect("it is there");
        if let Some(address) = now.public_address() {
            assert_eq!(now.status, DropletStatus::Active);
            break address;
        }
        assert!(looks < 10, "no address");
    };
    assert_eq!(address.to_string(), "198.51.100.7");
    let found = client.droplets_with("portlama:op-1").await.expect("a list");
    assert_eq!(found.len(), 1);
    assert!(found[0].has_tag(MANAGED_TAG));
    client.delete_droplet(made.id).await.expect("deleted");
    client.delete_key(key.id).await.expect("deleted");
    assert_eq!(fake.resources_left(), 0);
}

#[tokio::test]
async fn what_is_gone_is_deleted() {
    let (_fake, client) = fitting().await;
    client.delete_droplet(1).await.expect("gone is fine");
    client.delete_key(1).await.expect("gone is fine");
    let error = client.droplet(1).await.expect_err("there is none");
    assert!(error.is_gone());
}

#[tokio::test]
async fn tags_are_hidden_from_a_token_that_may_not_read_them() {
    let (fake, client) = world(TokenSpec::fitting(TOKEN).without("tag:read")).await;
    let id = fake.foreign_droplet("portlama-home", &[MANAGED_TAG]);
    let seen = client.droplet(id).await.expect("it is there");
    assert!(!seen.has_tag(MANAGED_TAG));
}

#[tokio::test]
async fn what_only_looks_or_takes_away_is_tried_again() {
    let (fake, client) = fitting().await;
    let id = fake.foreign_droplet("portlama-home", &[MANAGED_TAG]);
    for deed in [Deed::Page(502), Deed::Empty(503), Deed::Cut] {
        fake.fail(Fault::new("GET", "/v2/droplets/", deed));
    }
    client.droplet(id).await.expect("the fourth try");
    for deed in [Deed::Page(500), Deed::DoneThenCut] {
        fake.fail(Fault::new("DELETE", "/v2/droplets/", deed));
    }
    client
        .delete_droplet(id)
        .await
        .expect("done, and gone is fine");
    assert_eq!(fake.droplets(), Vec::<u64>::new());
}

#[tokio::test]
async fn a_wait_that_is_asked_for_is_kept_and_a_long_one_is_told() {
    let (fake, client) = fitting().await;
    fake.fail(Fault::new("GET", "/v2/regions", Deed::TooMany(1)));
    let begun = std::time::Instant::now();
    client.regions().await.expect("after a second");
    assert!(begun.elapsed() >= Duration::from_secs(1));
    fake.fail(Fault::new("GET", "/v2/regions", Deed::TooMany(3000)));
    let error = client.regions().await.expect_err("too long");
    assert_eq!(error.status(), Some(429));
    assert!(
        error
            .advice()
            .is_some_and(|text| text.contains("wait an hour"))
    );
}

#[tokio::test]
async fn a_creation_is_repeated_only_when_it_was_not_carried_out() {
    let (fake, client) = fitting().await;
    let key = client.create_key("portlama-1", KEY).await.expect("a key");
    fake.fail(Fault::new("POST", "/v2/droplets", Deed::TooMany(0)));
    let new = droplet("portlama-home", key.id);
    client.create_droplet(&new).await.expect("the second time");
    for deed in [Deed::Page(502), Deed::DoneThenCut, Deed::HalfJson] {
        let before = fake.calls().len();
        fake.fail(Fault::new("POST", "/v2/droplets", deed.clone()));
        let error = client.create_droplet(&new).await.expect_err("unclear");
        assert!(error.may_have_been_done(), "{deed:?}: {error}");
        assert_eq!(fake.calls().len(), before + 1, "{deed:?}");
    }
    assert_eq!(fake.droplets().len(), 3);
}

#[tokio::test]
async fn refusals_keep_digitaloceans_words_and_say_what_helps() {
    let limited = TokenSpec {
        droplet_limit: 0,
        ..TokenSpec::fitting(TOKEN)
    };
    for (token, status, words) in [
        (limited, 422, "ask for more"),
        (
            TokenSpec::fitting(TOKEN).without("image:read"),
            422,
            "image:read",
        ),
        (
            TokenSpec::fitting(TOKEN).without("ssh_key:read"),
            422,
            "ssh_key:read",
        ),
        (
            TokenSpec::fitting(TOKEN).without("tag:create"),
            403,
            "droplet:create",
        ),
    ] {
        let (fake, client) = world(token).await;
        let key = client.create_key("portlama-1", KEY).await.expect("a key");
        let new = droplet("portlama-home", key.id);
        let error = client.create_droplet(&new).await.expect_err("refused");
        assert_eq!(error.status(), Some(status), "{error}");
        assert!(!error.may_have_been_done());
        let advice = error.advice().unwrap_or_default();
        assert!(advice.contains(words), "{error}: {advice}");
        assert_eq!(fake.droplets(), Vec::<u64>::new());
    }
}

#[tokio::test]
async fn answers_of_another_shape_are_refused_and_not_believed() {
    let (fake, client) = fitting().await;
    let id = fake.foreign_droplet("portlama-home", &[]);
    for deed in [Deed::WrongTypes, Deed::HalfJson] {
        fake.fail(Fault::new("GET", "/v2/droplets/", deed));
        let error = client.droplet(id).await.expect_err("not understood");
        assert!(
            matches!(error, DigitalOceanError::NotUnderstood { .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_deletion_that_meets_another_event_says_so() {
    let (fake, client) = fitting().await;
    fake.live(Life {
        pending_events: 1,
        ..Life::default()
    });
    let key = client.create_key("portlama-1", KEY).await.expect("a key");
    let new = droplet("portlama-home", key.id);
    let made = client.create_droplet(&new).await.expect("a droplet");
    let error = client.delete_droplet(made.id).await.expect_err("busy");
    assert!(error.to_string().contains("pending event"), "{error}");
    client.delete_droplet(made.id).await.expect("the next time");
}
