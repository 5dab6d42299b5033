//! A fake with one token, and a client that uses it.

use portlama_cloud::digitalocean::{DigitalOcean, Endpoints, NewDroplet};
use portlama_cloud::token::Token;
use portlama_cloud::{IMAGE, MANAGED_TAG, SIZE};
use portlama_testkit::fake_digitalocean::{FakeDigitalOcean, TokenSpec};

/// Looks like a token, and is one for the fake.
pub(crate) const TOKEN: &str = "dop_v1_00c0ffee";

/// A fake that knows this token, and its client.
pub(crate) async fn world(token: TokenSpec) -> (FakeDigitalOcean, DigitalOcean) {
    let fake = FakeDigitalOcean::start([token]).await;
    let client = client(&fake, TOKEN);
    (fake, client)
}

/// A client with another token.
pub(crate) fn client(fake: &FakeDigitalOcean, token: &str) -> DigitalOcean {
    let endpoints = Endpoints {
        api: fake.url.clone(),
        console: fake.url.clone(),
        ca_file: Some(fake.ca_file.clone()),
    };
    let token = Token::parse(token).expect("a token");
    DigitalOcean::new(endpoints, token).expect("a client")
}

/// A fake whose token fits.
pub(crate) async fn fitting() -> (FakeDigitalOcean, DigitalOcean) {
    world(TokenSpec::fitting(TOKEN)).await
}

/// A machine to ask for.
pub(crate) fn droplet(name: &str, key: u64) -> NewDroplet {
    NewDroplet {
        name: name.to_owned(),
        region: "fra1".parse().expect("a region"),
        size: SIZE,
        image: IMAGE,
        ssh_keys: vec![key],
        tags: vec![MANAGED_TAG.to_owned(), "portlama:op-1".to_owned()],
        ipv6: false,
        monitoring: false,
        user_data: portlama_model::Secret::new("#cloud-config\n"),
    }
}
