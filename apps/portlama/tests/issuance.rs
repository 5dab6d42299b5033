//! Certificates from an authority that this machine runs itself: Pebble asks the server for
//! proofs on its public port, as a public authority does.

mod common;
#[path = "common/house.rs"]
mod house;

use std::time::Duration;

use anyhow::{Context as _, Result};
use house::{DOMAIN, House};
use portlama_testkit::PebbleOptions;
use serde_json::json;

/// How long anything may take that nobody slows down, with a debug build on a busy machine.
const SOON: Duration = Duration::from_secs(45);

#[test]
fn a_new_tunnel_has_a_certificate_that_visitors_trust() -> Result<()> {
    let options = PebbleOptions {
        nonce_reject_percent: 5,
        ..PebbleOptions::default()
    };
    let Some(house) = House::start(options)? else {
        return Ok(());
    };
    let created = house.create("wiki", 8400)?;
    assert_eq!(created.status, 201, "{}", created.text());
    let status = &created.json()?["tunnel"]["status"];
    assert_ne!(status, &json!("certificate_pending"));
    // No agent is there, and that is said over a connection that visitors trust.
    assert_eq!(house.visit("wiki")?.status, 503);
    house.until(SOON, "portal and panel", || {
        ["auth", "panel", "tunnel"]
            .iter()
            .all(|name| house.shown(name).is_some())
    })?;
    assert_eq!(house.visit("auth")?.status, 200);
    assert_eq!(house.pebble.accounts(), 1);
    assert_eq!(house.pebble.orders(), 4, "one for each host");

    let before = house.shown("wiki").context("shown")?;
    let renewed = house.renew("wiki")?;
    assert_eq!(renewed.status, 200, "{}", renewed.text());
    assert_eq!(renewed.json()?["domain"], format!("wiki.{DOMAIN}"));
    assert!(renewed.json()?["newExpiry"].is_string());
    assert_ne!(house.shown("wiki").context("shown")?, before);
    assert_eq!(house.pebble.orders(), 5);
    assert_eq!(house.renew("nobody")?.status, 404);
    assert_eq!(house.renew("UPPER")?.status, 400);
    let scheduler = house.get("certs/auto-renew-status")?;
    assert_eq!(scheduler["active"], true);
    assert!(scheduler["lastRun"].is_string() && scheduler["nextRun"].is_string());

    // A certificate is rationed: it is kept for the day when its host comes back.
    let id = house.tunnel("wiki")?["id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let path = house.api(&format!("tunnels/{id}"));
    let deleted = house.admin().options(["--request", "DELETE"]).send(&path)?;
    assert_eq!(deleted.status, 200);
    assert!(house.visit("wiki").is_err());
    assert_eq!(house.create("wiki", 8400)?.status, 201);
    assert_eq!(house.visit("wiki")?.status, 503);
    assert_eq!(house.pebble.orders(), 5);
    Ok(())
}

#[test]
fn a_refusal_is_shown_in_the_authoritys_words_and_healed() -> Result<()> {
    let Some(house) = House::start(PebbleOptions::default())? else {
        return Ok(());
    };
    // Nothing of ours listens there.
    let elsewhere = "127.0.0.2".parse()?;
    house
        .pebble
        .add_a(&format!("wiki.{DOMAIN}"), &[elsewhere])?;
    let created = house.create("wiki", 8400)?;
    assert_eq!(created.status, 201, "{}", created.text());
    let tunnel = &created.json()?["tunnel"];
    assert_eq!(tunnel["status"], "certificate_pending");
    let words = tunnel["statusDetail"].as_str().unwrap_or_default();
    assert!(words.contains("urn:ietf:params:acme:error:"), "{words}");
    assert!(house.visit("wiki").is_err(), "nothing to show");

    let refused = house.renew("wiki")?;
    assert_eq!(refused.status, 500);
    let details = refused.json()?["details"].to_string();
    assert!(details.contains("urn:ietf:params:acme:error:"), "{details}");

    house
        .pebble
        .add_a(&format!("wiki.{DOMAIN}"), &["127.0.0.1".parse()?])?;
    let renewed = house.renew("wiki")?;
    assert_eq!(renewed.status, 200, "{}", renewed.text());
    assert_eq!(house.visit("wiki")?.status, 503);
    assert_ne!(house.tunnel("wiki")?["status"], "certificate_pending");
    Ok(())
}

#[test]
fn four_refusals_in_an_hour_use_up_what_may_be_tried() -> Result<()> {
    let Some(house) = House::start(PebbleOptions::default())? else {
        return Ok(());
    };
    house
        .pebble
        .add_a(&format!("wiki.{DOMAIN}"), &["127.0.0.2".parse()?])?;
    assert_eq!(house.create("wiki", 8400)?.status, 201);
    for _ in 0..3 {
        assert_eq!(house.renew("wiki")?.status, 500);
    }
    let orders = house.pebble.orders();
    let limited = house.renew("wiki")?;
    assert_eq!(limited.status, 429, "{}", limited.text());
    let wait: u64 = limited.header("retry-after").parse()?;
    assert!((3000..=3600).contains(&wait), "{wait}");
    assert!(limited.text().contains("urn:ietf:params:acme:error:"));
    assert_eq!(
        house.pebble.orders(),
        orders,
        "the authority was left alone"
    );
    Ok(())
}

#[test]
fn an_authority_that_is_down_delays_the_certificate_and_nothing_else() -> Result<()> {
    let Some(mut house) = House::start(PebbleOptions::default())? else {
        return Ok(());
    };
    house.pebble.stop();
    let created = house.create("wiki", 8400)?;
    assert_eq!(created.status, 201, "{}", created.text());
    assert_eq!(created.json()?["tunnel"]["status"], "certificate_pending");
    assert!(created.json()?["tunnel"]["statusDetail"].is_string());
    // It is asked again by itself, a minute and a bit after it failed.
    house.pebble.restart()?;
    let limit = Duration::from_secs(100);
    house.until(limit, "served", || house.visit("wiki").is_ok())?;
    Ok(())
}

#[test]
fn short_lives_are_renewed_without_a_failed_request_and_their_end_is_said() -> Result<()> {
    let options = PebbleOptions {
        validity: Duration::from_secs(36),
        ..PebbleOptions::default()
    };
    let Some(mut house) = House::start(options)? else {
        return Ok(());
    };
    assert_eq!(house.create("wiki", 8400)?.status, 201);
    let root = house.file("root.pem", &house.pebble.root_pem()?)?;
    let first = house.shown("wiki").context("shown")?;
    let mut visits = 0;
    house.until(Duration::from_secs(40), "renewed", || {
        let visited = house.visit_trusting("wiki", &root);
        assert_eq!(visited.map(|answer| answer.status).ok(), Some(503));
        visits += 1;
        house.shown("wiki").is_some_and(|shown| shown != first)
    })?;
    assert!(visits > 5, "{visits}");

    house.pebble.stop();
    house.until(Duration::from_secs(60), "expired", || {
        let tunnel = house.tunnel("wiki");
        tunnel.is_ok_and(|tunnel| tunnel["status"] == "certificate_pending")
    })?;
    let detail = house.tunnel("wiki")?["statusDetail"].to_string();
    assert!(detail.len() > 10, "{detail}");
    assert!(house.shown("wiki").is_some(), "the old one is still shown");
    Ok(())
}

#[test]
fn a_server_killed_in_the_middle_goes_on_with_the_same_account_and_order() -> Result<()> {
    let options = PebbleOptions {
        always_valid: true,
        ..PebbleOptions::default()
    };
    let Some(mut house) = House::start(options)? else {
        return Ok(());
    };
    house.until(SOON, "the first three hosts", || {
        ["auth", "panel", "tunnel"]
            .iter()
            .all(|name| house.shown(name).is_some())
    })?;
    assert_eq!(house.pebble.orders(), 3);
    let told = |house: &House| house.pebble.log().matches("POST /chalZ/").count();
    let before = told(&house);
    // Its answer dies with the server.
    let mut asking = house.create_in_background("wiki", 8400)?;
    house.until(SOON, "the challenge is under way", || told(&house) > before)?;
    house.kill();
    asking.wait()?;
    house.run()?;
    house.until(SOON, "served", || house.visit("wiki").is_ok())?;
    assert_eq!(house.pebble.accounts(), 1);
    assert_eq!(house.pebble.orders(), 4);
    Ok(())
}
