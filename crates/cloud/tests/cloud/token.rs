//! What a token may, however DigitalOcean tells it.

use portlama_cloud::token::{Examined, examine};
use portlama_testkit::fake_digitalocean::{Deed, FakeDigitalOcean, Fault, ScopeHeader, TokenSpec};

use crate::world::{TOKEN, client, fitting, world};

async fn examined(token: TokenSpec) -> Examined {
    let (_fake, client) = world(token).await;
    examine(&client, &[]).await.expect("an answer")
}

#[tokio::test]
async fn a_token_made_by_the_guide_fits() {
    let found = examined(TokenSpec::fitting(TOKEN)).await;
    assert!(found.verdict.is_valid() && found.verdict.verified);
    assert_eq!(found.days_left(), Some(90));
    let email = found.account.as_ref().map(|account| account.email.as_str());
    assert_eq!(email, Some("owner@example.org"));
    assert_eq!(found.warnings(), Vec::<String>::new());
}

#[tokio::test]
async fn a_token_fits_without_the_scope_that_tells_its_owner() {
    let found = examined(TokenSpec::fitting(TOKEN).without("account:read")).await;
    assert!(found.verdict.is_valid());
    assert_eq!(found.account, None);
}

#[tokio::test]
async fn missing_scopes_and_scopes_in_excess_are_named() {
    let token = TokenSpec::fitting(TOKEN).without("droplet:delete");
    let found = examined(token.with("database:delete").with("registry:read")).await;
    let missing: Vec<_> = found.verdict.missing.iter().map(|m| m.scope).collect();
    assert_eq!(missing, ["droplet:delete"]);
    assert_eq!(found.verdict.excess, ["database:delete"]);
    assert_eq!(found.verdict.noted, ["registry:read"]);
}

#[tokio::test]
async fn the_head_of_the_accounts_answer_tells_the_scopes_where_tokens_cannot_be_looked_up() {
    for header in [ScopeHeader::Commas, ScopeHeader::BlanksTwice] {
        let (fake, client) = world(TokenSpec::fitting(TOKEN).with("write")).await;
        fake.tell_scopes(false, header);
        let found = examine(&client, &[]).await.expect("an answer");
        assert!(found.verdict.verified);
        assert_eq!(found.verdict.excess, ["write"], "{header:?}");
    }
}

#[tokio::test]
async fn where_nobody_tells_the_scopes_what_can_be_read_is_tried_out_and_called_unverified() {
    let (fake, client) = world(TokenSpec::fitting(TOKEN).without("tag:read")).await;
    fake.tell_scopes(false, ScopeHeader::Absent);
    let found = examine(&client, &[]).await.expect("an answer");
    let missing: Vec<_> = found.verdict.missing.iter().map(|m| m.scope).collect();
    assert_eq!(missing, ["tag:read"]);
    assert!(!found.verdict.verified);
    assert!(
        found
            .warnings()
            .iter()
            .any(|text| text.contains("not known"))
    );
    let is_reading = |call: &String| call.starts_with("GET ");
    assert!(fake.calls().iter().all(is_reading), "{:?}", fake.calls());
}

#[tokio::test]
async fn a_wrong_token_and_one_that_has_expired_are_refused_with_the_way_out() {
    let expired = TokenSpec {
        expires_in: Some(0),
        ..TokenSpec::fitting(TOKEN)
    };
    let (fake, old) = world(expired).await;
    for client in [old, client(&fake, "dop_v1_beef")] {
        let error = examine(&client, &[]).await.expect_err("no");
        assert_eq!(error.status(), Some(401));
        assert!(
            error
                .advice()
                .is_some_and(|text| text.contains("make a new one"))
        );
    }
}

#[tokio::test]
async fn a_token_that_ends_soon_and_an_account_in_trouble_are_said() {
    let token = TokenSpec {
        expires_in: Some(3 * 24 * 60 * 60 + 5),
        status: "warning".to_owned(),
        ..TokenSpec::fitting(TOKEN)
    };
    let warnings = examined(token).await.warnings();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("3 days") && warnings[1].contains("payment"));
}

#[tokio::test]
async fn a_token_stands_in_no_address_and_no_error() {
    let (fake, client) = fitting().await;
    examine(&client, &[]).await.expect("an answer");
    let refuse = Deed::Refuse(403, "no");
    for _ in 0..2 {
        fake.fail(Fault::new("GET", "/v2/regions", refuse.clone()));
    }
    let error = client.regions().await.expect_err("refused");
    let addresses = fake
        .log()
        .into_iter()
        .map(|asked| asked.path + &asked.query);
    let secret = TOKEN.trim_start_matches("dop_v1_");
    assert!(
        addresses
            .into_iter()
            .all(|address| !address.contains(secret))
    );
    assert!(!format!("{error:?} {error} {client:?}").contains(secret));
    drop::<FakeDigitalOcean>(fake);
}
