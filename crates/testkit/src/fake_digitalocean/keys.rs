//! SSH keys of the account.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::tokens::{TokenSpec, demand};
use super::world::{Answer, Refusal, World, json_answer, not_found, plain, unprocessable};

#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) id: u64,
    name: String,
    pub(super) public_key: String,
}

impl Key {
    /// Sixteen octets in pairs, as DigitalOcean writes fingerprints (its own are MD5).
    fn fingerprint(&self) -> String {
        let hash = digest(&SHA256, self.public_key.as_bytes());
        let pairs: Vec<_> = hash.as_ref().iter().take(16).collect();
        let pairs: Vec<_> = pairs.iter().map(|octet| format!("{octet:02x}")).collect();
        pairs.join(":")
    }

    fn shown(&self) -> Value {
        json!({
            "id": self.id,
            "fingerprint": self.fingerprint(),
            "name": self.name,
            "public_key": self.public_key,
        })
    }
}

impl World {
    pub(super) fn create_key(
        &mut self,
        token: &TokenSpec,
        body: &Value,
    ) -> Result<Answer, Refusal> {
        demand(token, &["ssh_key:create"])?;
        let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
        let (name, public_key) = (text("name"), text("public_key"));
        if name.is_empty() || !public_key.starts_with("ssh-") {
            return Err(unprocessable(
                "Key invalid, key should be of the format `ssh-ed25519 …`",
            ));
        }
        // The comment does not make another key of it.
        let same = |key: &Key| {
            let parts = |text: &str| {
                text.split_whitespace()
                    .take(2)
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            parts(&key.public_key) == parts(&public_key)
        };
        if self.keys.iter().any(same) {
            return Err(unprocessable("SSH Key is already in use on your account"));
        }
        let key = Key {
            id: self.new_id(),
            name,
            public_key,
        };
        let shown = key.shown();
        self.keys.push(key);
        Ok(json_answer(201, &json!({ "ssh_key": shown })))
    }

    pub(super) fn list_keys(&self, token: &TokenSpec, query: &str) -> Result<Answer, Refusal> {
        demand(token, &["ssh_key:read"])?;
        let shown = self.keys.iter().map(Key::shown).collect();
        Ok(self.page("ssh_keys", "/v2/account/keys", shown, query))
    }

    /// By number or by fingerprint.
    pub(super) fn delete_key(&mut self, token: &TokenSpec, which: &str) -> Result<Answer, Refusal> {
        demand(token, &["ssh_key:delete"])?;
        let before = self.keys.len();
        self.keys
            .retain(|key| key.id.to_string() != which && key.fingerprint() != which);
        match self.keys.len() == before {
            true => Err(not_found()),
            false => Ok(plain(204, String::new())),
        }
    }
}
