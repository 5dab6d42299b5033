//! The fake of DigitalOcean answers as DigitalOcean does: by a schema of our own, which says what
//! must be there, and by the one that DigitalOcean publishes.

use portlama_cloud::MANAGED_TAG;
use portlama_cloud::digitalocean::DigitalOcean;
use portlama_cloud::token::examine;
use portlama_testkit::fake_digitalocean::{FakeDigitalOcean, Life, Logged, TokenSpec};
use serde_json::{Map, Value, json};

use crate::world::{TOKEN, client, droplet, fitting};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgM= portlama-provisioning";
/// Names the file with DigitalOcean's own description, which is not ours to hand on.
const DESCRIPTION: &str = "PORTLAMA_DO_OPENAPI";

/// Everything that the library asks of DigitalOcean, and most refusals.
async fn conversation() -> FakeDigitalOcean {
    let (fake, client) = fitting().await;
    examine(&client, &[]).await.expect("a verdict");
    for (list, scope) in [("droplets", "droplet:read"), ("tags", "tag:read")] {
        assert!(client.may_list(list, scope).await.expect("asked"));
    }
    fake.add_regions(120);
    client.regions().await.expect("regions");
    assert!(client.may_list("sizes", "sizes:read").await.expect("asked"));
    let key = client.create_key("portlama-1", KEY).await.expect("a key");
    client
        .create_key("portlama-1", KEY)
        .await
        .expect_err("twice");
    client.keys().await.expect("keys");
    a_droplet(&fake, &client, key.id).await;
    client.delete_key(key.id).await.expect("deleted");
    client.delete_key(key.id).await.expect("gone is fine");
    let stranger = self::client(&fake, "dop_v1_beef");
    stranger.account().await.expect_err("nobody");
    fake
}

async fn a_droplet(fake: &FakeDigitalOcean, client: &DigitalOcean, key: u64) {
    let mut wrong = droplet("portlama-home", key);
    wrong.size = "s-999vcpu";
    client.create_droplet(&wrong).await.expect_err("no size");
    fake.live(Life {
        pending_events: 1,
        slow_deletion: 1,
        ..Life::default()
    });
    let new = droplet("portlama-home", key);
    let made = client.create_droplet(&new).await.expect("a droplet");
    for _ in 0..5 {
        client.droplet(made.id).await.expect("it is there");
    }
    let tagged = client.droplets_with(MANAGED_TAG).await.expect("a list");
    assert_eq!(tagged.len(), 1);
    client.delete_droplet(made.id).await.expect_err("pending");
    client.delete_droplet(made.id).await.expect("deleted");
    // Lists lag behind.
    let tagged = client.droplets_with(MANAGED_TAG).await.expect("a list");
    assert_eq!(tagged.len(), 1);
    let tagged = client.droplets_with(MANAGED_TAG).await.expect("a list");
    assert_eq!(tagged.len(), 0);
    client.droplet(made.id).await.expect_err("gone");
}

fn finds(schema: &Value, document: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).expect("a schema");
    let errors = validator.iter_errors(document);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// An object of which these members must be there; each is said with its schema.
fn object(members: Value) -> Value {
    let names: Vec<_> = members.as_object().expect("members").keys().collect();
    json!({ "type": "object", "required": names, "properties": members })
}

/// What must be there by DigitalOcean's description, as the reference lists it.
fn required(member: &str) -> Value {
    let text = || json!({"type": "string"});
    let number = || json!({"type": "number"});
    let list = || json!({"type": "array"});
    let region = || {
        object(json!({
            "available": {"type": "boolean"}, "features": list(), "name": text(),
            "sizes": list(), "slug": text(),
        }))
    };
    let size = || {
        object(json!({
            "available": {"type": "boolean"}, "disk": number(), "memory": number(),
            "price_hourly": number(), "price_monthly": number(), "regions": list(),
            "slug": text(), "transfer": number(), "vcpus": number(), "description": text(),
        }))
    };
    let network = || {
        object(json!({
            "ip_address": text(), "netmask": text(), "gateway": text(),
            "type": {"enum": ["public", "private"]},
        }))
    };
    match member {
        "droplet" => object(json!({
            "id": {"type": "integer"}, "name": text(), "memory": number(), "vcpus": number(),
            "disk": number(), "locked": {"type": "boolean"},
            "status": {"enum": ["new", "active", "off", "archive"]}, "created_at": text(),
            "features": list(), "backup_ids": list(), "next_backup_window": {},
            "snapshot_ids": list(), "image": {"type": "object"}, "volume_ids": list(),
            "size": size(), "size_slug": text(), "region": region(), "tags": list(),
            "networks": object(json!({
                "v4": {"type": "array", "items": network()}, "v6": list(),
            })),
        })),
        "region" => region(),
        "size" => size(),
        "ssh_key" => object(json!({
            "id": {"type": "integer"}, "fingerprint": text(), "public_key": text(), "name": text(),
        })),
        "account" => object(json!({
            "droplet_limit": number(), "floating_ip_limit": number(), "email": text(),
            "uuid": text(), "email_verified": {"type": "boolean"},
            "status": {"enum": ["active", "warning", "locked"]}, "status_message": text(),
        })),
        _ => panic!("no schema for {member}"),
    }
}

/// The schema of our own for an answer.
fn our_schema(asked: &Logged) -> Option<Value> {
    let list = |name: &str, member: &str| {
        object(json!({
            name: {"type": "array", "items": required(member)},
            "links": {"type": "object"},
            "meta": object(json!({"total": {"type": "integer"}})),
        }))
    };
    let one = |member: &str| object(json!({ member: required(member) }));
    let refusal = || object(json!({"id": {"type": "string"}, "message": {"type": "string"}}));
    let last_is_number = asked.path.ends_with(|c: char| c.is_ascii_digit());
    Some(match (asked.status, asked.path.as_str()) {
        (204, _) => json!({"type": "null"}),
        (400.., _) => refusal(),
        (200, "/v1/oauth/token/info") => object(json!({
            "scopes": {"type": "array", "items": {"type": "string"}},
            "expires_in_seconds": {"type": ["integer", "null"]},
        })),
        (200, "/v2/account") => one("account"),
        (200, "/v2/regions") => list("regions", "region"),
        (200, "/v2/sizes") => list("sizes", "size"),
        (200, "/v2/account/keys") => list("ssh_keys", "ssh_key"),
        (201, "/v2/account/keys") => one("ssh_key"),
        (200, "/v2/droplets") => list("droplets", "droplet"),
        (202, "/v2/droplets") => object(json!({
            "droplet": required("droplet"),
            "links": object(json!({"actions": {"type": "array", "minItems": 1}})),
        })),
        (200, _) if last_is_number => one("droplet"),
        (200, "/v2/tags") => object(json!({"tags": {"type": "array"}})),
        _ => return None,
    })
}

#[tokio::test]
async fn everything_that_must_be_in_an_answer_is_in_it() {
    let fake = conversation().await;
    assert_eq!(fake.resources_left(), 0);
    for asked in fake.log() {
        let schema = our_schema(&asked);
        let schema = schema.unwrap_or_else(|| panic!("{} {}", asked.call(), asked.status));
        let wrong = finds(&schema, &asked.answer);
        assert!(
            wrong.is_empty(),
            "{} {}: {wrong:#?}",
            asked.call(),
            asked.status
        );
    }
}

#[tokio::test]
async fn a_token_that_may_not_see_something_gets_an_empty_list_and_no_missing_member() {
    let token = TokenSpec::fitting(TOKEN)
        .without("sizes:read")
        .without("tag:read");
    let (fake, client) = crate::world::world(token).await;
    let id = fake.foreign_droplet("portlama-home", &[MANAGED_TAG]);
    client.droplet(id).await.expect("it is there");
    client.regions().await.expect("regions");
    for asked in fake.log() {
        let schema = our_schema(&asked).expect("a schema");
        assert_eq!(finds(&schema, &asked.answer), Vec::<String>::new());
    }
}

#[tokio::test]
#[allow(clippy::print_stdout, reason = "who reads the test's output is told")]
async fn requests_and_answers_are_those_of_digitaloceans_own_description() {
    let Some(path) = std::env::var_os(DESCRIPTION) else {
        println!("skipped: {DESCRIPTION} names no description of DigitalOcean's API");
        return;
    };
    let text = std::fs::read_to_string(path).expect("the description");
    let description: Value = serde_json::from_str(&text).expect("JSON");
    let paths = description["paths"].as_object().expect("paths");
    let fake = conversation().await;
    let mut compared = 0;
    // The console's look-up of tokens is described nowhere.
    for asked in fake
        .log()
        .iter()
        .filter(|asked| asked.path.starts_with("/v2/"))
    {
        let operation = operation(paths, asked);
        if asked.method == "POST" {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let wrong = finds(&as_json_schema(schema), &asked.body);
            assert!(wrong.is_empty(), "{} asks {wrong:#?}", asked.call());
            compared += 1;
        }
        let answers = &operation["responses"];
        let answer = answers.get(asked.status.to_string());
        // Refusals that are not listed, 403 and 422 among them, have the form of all others.
        let answer = answer.unwrap_or(&answers["default"]);
        let schema = &answer["content"]["application/json"]["schema"];
        if asked.status == 204 {
            assert!(schema.is_null() && asked.answer.is_null());
            continue;
        }
        let wrong = finds(&as_json_schema(schema), &asked.answer);
        assert!(
            wrong.is_empty(),
            "{} {}: {wrong:#?}",
            asked.call(),
            asked.status
        );
        compared += 1;
    }
    assert!(compared > 20, "{compared}");
}

/// The operation of the description that a request is.
fn operation<'a>(paths: &'a Map<String, Value>, asked: &Logged) -> &'a Value {
    let fits = |template: &str| {
        let (template, path) = (template.split('/'), asked.path.split('/'));
        template.clone().count() == path.clone().count()
            && template
                .zip(path)
                .all(|(wanted, part)| wanted == part || wanted.starts_with('{'))
    };
    // `/v2/account/keys` is no `/v2/account/{something}`: the plain path comes first.
    let found = paths.get(&asked.path).or_else(|| {
        let mut templates = paths.iter();
        templates
            .find(|(template, _)| fits(template))
            .map(|(_, path)| path)
    });
    let found = found.unwrap_or_else(|| panic!("{} is not described", asked.path));
    &found[asked.method.to_ascii_lowercase()]
}

/// OpenAPI 3.0 says `nullable` where JSON Schema has a type `null`, and describes beside it what
/// is not JSON Schema.
fn as_json_schema(schema: &Value) -> Value {
    match schema {
        Value::Array(schemas) => schemas.iter().map(as_json_schema).collect(),
        Value::Object(members) => {
            let kept = members
                .iter()
                .filter(|(name, _)| !matches!(name.as_str(), "nullable" | "discriminator"));
            let plain: Map<_, _> = kept
                .map(|(name, value)| (name.clone(), as_json_schema(value)))
                .collect();
            match members.get("nullable") {
                Some(Value::Bool(true)) => json!({"anyOf": [{"type": "null"}, plain]}),
                _ => Value::Object(plain),
            }
        }
        other => other.clone(),
    }
}
