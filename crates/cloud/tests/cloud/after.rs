//! What becomes of servers in the list: watched, destroyed, forgotten, added.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use portlama_cloud::adopt::{self, AdoptError};
use portlama_cloud::destroy::{self, DestroyError, Doomed};
use portlama_cloud::health::{Health, watch};
use portlama_testkit::fake_digitalocean::Life;

use crate::droplet::Mood;
use crate::provisioning::{Place, now};

#[tokio::test]
async fn a_server_is_destroyed_with_everything_of_it() {
    let mut place = Place::new().await;
    // Deletions meet another event first.
    place.fake.live(Life {
        pending_events: 2,
        ..Life::default()
    });
    let server = place.provision().await.expect("a server");
    let means = place.means();
    let doomed = destroy::look(&means, &server).await.expect("looked");
    assert!(matches!(doomed, Doomed::Known(_)), "{doomed:?}");
    destroy::destroy(&means, &server, &doomed)
        .await
        .expect("destroyed");
    place.assert_nothing_left("destroyed");
    assert!(
        !place
            .home
            .p12(server.id)
            .parent()
            .is_some_and(std::path::Path::exists)
    );
}

#[tokio::test]
async fn a_droplet_that_is_gone_already_does_not_keep_its_server_in_the_list() {
    let mut place = Place::new().await;
    let server = place.provision().await.expect("a server");
    let means = place.means();
    let id = server.droplet().expect("a droplet");
    crate::world::client(&place.fake, crate::world::TOKEN)
        .delete_droplet(id)
        .await
        .expect("somebody deleted it");
    let doomed = destroy::look(&means, &server).await.expect("looked");
    assert_eq!(doomed, Doomed::Gone);
    destroy::destroy(&means, &server, &doomed)
        .await
        .expect("destroyed");
    place.assert_nothing_left("gone");
}

#[tokio::test]
async fn somebody_elses_droplet_is_never_destroyed() {
    let mut place = Place::new().await;
    let mut server = place.provision().await.expect("a server");
    let foreign = place.fake.foreign_droplet("shop", &["portlama"]);
    let ours = place
        .fake
        .foreign_droplet("portlama-other", &["portlama:managed"]);
    let means = place.means();
    server.provider_id = Some(foreign.to_string());
    let refused = destroy::look(&means, &server).await;
    assert!(
        matches!(refused, Err(DestroyError::NotManaged { .. })),
        "{refused:?}"
    );
    server.provider_id = Some(ours.to_string());
    let another = destroy::look(&means, &server).await.expect("looked");
    assert!(matches!(another, Doomed::Another(_)), "{another:?}");
    server.provider = None;
    let none = destroy::look(&means, &server).await;
    assert!(matches!(none, Err(DestroyError::NoDroplet(_))), "{none:?}");
    assert_eq!(place.fake.droplets().len(), 3);
}

#[tokio::test]
async fn a_forgotten_server_goes_on_running() {
    let mut place = Place::new().await;
    let server = place.provision().await.expect("a server");
    let means = place.means();
    destroy::forget(means.home, means.credentials, &server)
        .await
        .expect("forgotten");
    assert_eq!(place.fake.droplets().len(), 1);
    assert_eq!(place.store.len(), 0);
    assert_eq!(
        place.home.registry().read().expect("a list").iter().count(),
        0
    );
}

#[tokio::test]
async fn states_are_told_as_they_change_and_a_server_that_is_silent_holds_no_other_up() {
    let mut place = Place::new().await;
    let server = place.provision().await.expect("a server");
    let mut other = server.clone();
    other.id = uuid::Uuid::new_v4();
    other.panel_url = "https://127.0.0.1:9".to_owned();
    let mut states = watch([server.clone(), other.clone()], Duration::from_millis(20));
    let mut saw_other = false;
    for _ in 0..2 {
        let (id, state) = states.next().await.expect("a state");
        match id == server.id {
            true => assert!(matches!(state, Health::Online { .. }), "{state:?}"),
            false => saw_other = matches!(state, Health::Offline { .. }),
        }
    }
    assert!(saw_other);
    place.droplets.are(Mood::NoPanel);
    loop {
        let (id, state) = states.next().await.expect("a state");
        if id == server.id && matches!(state, Health::Offline { .. }) {
            break;
        }
    }
    // Somebody else who answers is not the server.
    place.droplets.are(Mood::Well);
    let mut stranger = server.clone();
    stranger.ca_fingerprint = Some("0".repeat(64).parse().expect("a fingerprint"));
    let state = portlama_cloud::health::check(&stranger).await;
    assert!(matches!(state, Health::Offline { .. }), "{state:?}");
}

#[tokio::test]
async fn a_server_that_stands_already_is_looked_at_where_it_was_checked() {
    let mut place = Place::new().await;
    let server = place.provision().await.expect("a server");
    let url = server.panel_url.parse().expect("an address");
    let at = SocketAddr::from(([127, 0, 0, 1], place.droplets.ports.panel));
    let candidate = adopt::ask(&url, &[at]).await.expect("it answers");
    assert_eq!(Some(&candidate.fingerprint), server.ca_fingerprint.as_ref());
    assert_eq!(candidate.version.as_deref(), Some("0.1.0"));
    let entry = candidate.entry("other".parse().expect("a label"), now());
    assert!(!entry.active && entry.droplet().is_none());
    assert_eq!(entry.panel_url, server.panel_url);
}

#[tokio::test]
async fn addresses_of_the_network_here_are_refused_before_anybody_is_asked() {
    for text in [
        "https://127.0.0.1:9292",
        "https://10.0.0.1",
        "https://169.254.169.254",
        "https://[::1]:9292",
        "https://localhost:9292",
        "https://panel.localhost",
        "https://2130706433",
        "https://0x7f.1",
        "https://nas.local",
    ] {
        let refused = adopt::look(text).await.expect_err(text);
        assert!(
            matches!(refused, AdoptError::Address(_) | AdoptError::Url(_)),
            "{text}: {refused}"
        );
    }
    for text in [
        "http://203.0.113.42:9292",
        "https://a@203.0.113.42",
        "https://203.0.113.42/x",
    ] {
        let refused = adopt::look(text).await.expect_err(text);
        assert!(matches!(refused, AdoptError::Url(_)), "{text}: {refused}");
    }
    let guide = "https://203.0.113.42:9292".parse().expect("an address");
    let passes = adopt::public_addresses(&guide).await;
    assert!(passes.is_ok(), "documentation networks pass: {passes:?}");
}

#[tokio::test]
async fn whoever_is_no_server_of_ours_is_not_added() {
    let place = Place::new().await;
    let port = place.fake.url.rsplit(':').next().expect("a port");
    let port: u16 = port.parse().expect("a port");
    let url = format!("https://127.0.0.1:{port}")
        .parse()
        .expect("an address");
    let at = SocketAddr::from(([127, 0, 0, 1], port));
    let refused = adopt::ask(&url, &[at]).await.expect_err("not ours");
    assert!(matches!(refused, AdoptError::NotOurs { .. }), "{refused}");
}
