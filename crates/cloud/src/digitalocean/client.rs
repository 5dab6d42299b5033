//! One method an endpoint. What only looks, or takes away, is asked again when DigitalOcean
//! stumbles; what creates is never repeated blindly.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use portlama_dial::{Https, HttpsLimits, TrustError, retry_after};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::sleep;

use super::endpoints::Endpoints;
use super::error::DigitalOceanError;
use super::wire::{
    Account, AccountAnswer, Droplet, DropletAnswer, DropletsPage, KeyAnswer, KeysPage, NewDroplet,
    Page, RegionsPage, SshKey, TokenInfo,
};
use crate::region::ListedRegion;
use crate::token::{Scopes, Token};

/// How long one call may take.
pub const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the creation of a droplet may take.
pub const CREATE_TIMEOUT: Duration = Duration::from_secs(60);
/// The largest answer accepted, octets: a page of 100 droplets has about 300 KiB.
pub const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// Pages of 100 of one list that are read: nobody has more, and a list must end.
pub const MAX_PAGES: u32 = 50;
/// How often something harmless is tried before it counts as failed.
pub const TRIES: u32 = 4;
/// The pause before the second try; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest wait that DigitalOcean can ask for: its short window is a minute. Who has used
/// up the hour's is told, rather than kept waiting.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// What is asked, for messages and for what may be repeated.
struct Call {
    doing: &'static str,
    scope: &'static str,
    method: Method,
    path: String,
    body: Option<Bytes>,
}

impl Call {
    fn get(doing: &'static str, scope: &'static str, path: impl Into<String>) -> Self {
        Self {
            doing,
            scope,
            method: Method::GET,
            path: path.into(),
            body: None,
        }
    }

    fn delete(doing: &'static str, scope: &'static str, path: String) -> Self {
        Self {
            method: Method::DELETE,
            ..Self::get(doing, scope, path)
        }
    }

    fn post(
        doing: &'static str,
        scope: &'static str,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Self, DigitalOceanError> {
        let body = serde_json::to_vec(body).map_err(|error| DigitalOceanError::NotUnderstood {
            doing,
            reason: error.to_string(),
        })?;
        Ok(Self {
            method: Method::POST,
            body: Some(body.into()),
            ..Self::get(doing, scope, path)
        })
    }

    /// Whether asking twice does no more than asking once.
    fn is_repeatable(&self) -> bool {
        self.method != Method::POST
    }

    fn understand<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, DigitalOceanError> {
        serde_json::from_slice(body).map_err(|error| DigitalOceanError::NotUnderstood {
            doing: self.doing,
            reason: error.to_string(),
        })
    }
}

/// Asks DigitalOcean in the name of a token.
#[derive(Debug)]
pub struct DigitalOcean {
    https: Https,
    endpoints: Endpoints,
    token: Token,
}

impl DigitalOcean {
    /// Asks nothing yet. Reads the system's certificate authorities, so it blocks.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn new(endpoints: Endpoints, token: Token) -> Result<Self, TrustError> {
        let https = Https::new(endpoints.tls()?);
        Ok(Self {
            https,
            endpoints,
            token,
        })
    }

    /// What the token may and how long it holds. Needs no scope.
    ///
    /// # Errors
    /// [`DigitalOceanError`].
    pub async fn token_info(&self) -> Result<TokenInfo, DigitalOceanError> {
        let call = Call::get("looking the token up", "", "/v1/oauth/token/info");
        let answer = self.ask(&self.endpoints.console, &call).await?;
        call.understand(answer.body())
    }

    /// Whose token it is, and its scopes where the answer's head tells them.
    ///
    /// # Errors
    /// [`DigitalOceanError`].
    pub async fn account(&self) -> Result<(Account, Option<Scopes>), DigitalOceanError> {
        let call = Call::get("asking for the account", "account:read", "/v2/account");
        let answer = self.ask_api(&call).await?;
        let header = answer.headers().get("x-oauth-scopes");
        let scopes = header.and_then(|value| value.to_str().ok());
        let scopes = scopes.and_then(Scopes::of_header);
        let parsed: AccountAnswer = call.understand(answer.body())?;
        Ok((parsed.account, scopes))
    }

    /// Whether something may be listed: `droplets`, `account/keys`, `regions`, `tags`.
    ///
    /// # Errors
    /// [`DigitalOceanError`] for everything but a plain yes or no.
    pub async fn may_list(
        &self,
        list: &'static str,
        scope: &'static str,
    ) -> Result<bool, DigitalOceanError> {
        let path = format!("/v2/{list}?page=1&per_page=1");
        let call = Call::get("trying out what the token may", scope, path);
        match self.ask_api(&call).await {
            Ok(_) => Ok(true),
            Err(error) if error.status() == Some(403) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// All regions.
    ///
    /// # Errors
    /// [`DigitalOceanError`].
    pub async fn regions(&self) -> Result<Vec<ListedRegion>, DigitalOceanError> {
        let doing = "listing the regions";
        self.list::<RegionsPage>(doing, "regions:read", "/v2/regions?")
            .await
    }

    /// Brings a public key.
    ///
    /// # Errors
    /// [`DigitalOceanError`]; see [`DigitalOceanError::may_have_been_done`].
    pub async fn create_key(
        &self,
        name: &str,
        public_key: &str,
    ) -> Result<SshKey, DigitalOceanError> {
        let body = serde_json::json!({ "name": name, "public_key": public_key });
        let call = Call::post(
            "uploading the SSH key",
            "ssh_key:create",
            "/v2/account/keys",
            &body,
        )?;
        let answer: KeyAnswer = call.understand(self.ask_api(&call).await?.body())?;
        Ok(answer.ssh_key)
    }

    /// All public keys of the account.
    ///
    /// # Errors
    /// [`DigitalOceanError`].
    pub async fn keys(&self) -> Result<Vec<SshKey>, DigitalOceanError> {
        let doing = "listing the SSH keys";
        self.list::<KeysPage>(doing, "ssh_key:read", "/v2/account/keys?")
            .await
    }

    /// Takes a public key away; one that is gone is fine.
    ///
    /// # Errors
    /// [`DigitalOceanError`].
    pub async fn delete_key(&self, id: u64) -> Result<(), DigitalOceanError> {
        let path = format!("/v2/account/keys/{id}");
        let call = Call::delete("deleting the SSH key", "ssh_key:delete", path);
        self.delete(&call).await
    }

    /// Asks for a machine.
    ///
    /// # Errors
    /// [`DigitalOceanError`]; see [`DigitalOceanError::may_have_been_done`].
    pub async fn create_droplet(&self, new: &NewDroplet) -> Result<Droplet, DigitalOceanError> {
        let call = Call::post(
            "creating the droplet",
            "droplet:create",
            "/v2/droplets",
            new,
        )?;
        let answer: DropletAnswer = call.understand(self.ask_api(&call).await?.body())?;
        Ok(answer.droplet)
    }

    /// One machine.
    ///
    /// # Errors
    /// [`DigitalOceanError`]; [`DigitalOceanError::is_gone`] when there is none.
    pub async fn droplet(&self, id: u64) -> Result<Droplet, DigitalOceanError> {
        let path = format!("/v2/droplets/{id}");
        let call = Call::get("looking at the droplet", "droplet:read", path);
        let answer: DropletAnswer = call.understand(self.ask_api(&call).await?.body())?;
        Ok(answer.droplet)
    }

    /// All machines with a tag.
    ///
    /// # Errors
    /// [`DigitalOceanError`].
    pub async fn droplets_with(&self, tag: &str) -> Result<Vec<Droplet>, DigitalOceanError> {
        let tag: String = form_urlencoded::byte_serialize(tag.as_bytes()).collect();
        let path = format!("/v2/droplets?tag_name={tag}&");
        self.list::<DropletsPage>("listing the droplets", "droplet:read", &path)
            .await
    }

    /// Takes one machine away; one that is gone is fine.
    ///
    /// # Errors
    /// [`DigitalOceanError`].
    pub async fn delete_droplet(&self, id: u64) -> Result<(), DigitalOceanError> {
        let path = format!("/v2/droplets/{id}");
        let call = Call::delete("deleting the droplet", "droplet:delete", path);
        self.delete(&call).await
    }

    async fn delete(&self, call: &Call) -> Result<(), DigitalOceanError> {
        match self.ask_api(call).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_gone() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Reads a list to its end. The next page is ours to name: a link in an answer is never followed.
    async fn list<P: Page>(
        &self,
        doing: &'static str,
        scope: &'static str,
        path: &str,
    ) -> Result<Vec<P::Entry>, DigitalOceanError> {
        let mut entries = Vec::new();
        for page in 1..=MAX_PAGES {
            let call = Call::get(doing, scope, format!("{path}page={page}&per_page=100"));
            let answer = self.ask_api(&call).await?;
            let read: P = call.understand(answer.body())?;
            let is_last = !read.links().has_next();
            entries.extend(read.into_entries());
            if is_last {
                return Ok(entries);
            }
        }
        Err(DigitalOceanError::NotUnderstood {
            doing,
            reason: format!("the list has more than {MAX_PAGES} pages"),
        })
    }

    async fn ask_api(&self, call: &Call) -> Result<Response<Bytes>, DigitalOceanError> {
        self.ask(&self.endpoints.api, call).await
    }

    /// Asks until there is an answer, or trying again would not help or might do it twice.
    async fn ask(&self, base: &str, call: &Call) -> Result<Response<Bytes>, DigitalOceanError> {
        let mut pause = FIRST_PAUSE;
        let mut left = TRIES;
        loop {
            left -= 1;
            let (error, wait) = match self.exchange(base, call).await {
                Ok(answer) if answer.status().is_success() => return Ok(answer),
                Ok(answer) => {
                    let status = answer.status();
                    let error = DigitalOceanError::refused(
                        call.doing,
                        call.scope,
                        status.as_u16(),
                        answer.body(),
                    );
                    let asked = retry_after(answer.headers(), Duration::MAX);
                    let wait = match status {
                        // It was not carried out, so even a creation may be asked again.
                        StatusCode::TOO_MANY_REQUESTS => {
                            asked.filter(|asked| *asked <= MAX_RETRY_AFTER)
                        }
                        _ if status.is_server_error() && call.is_repeatable() => Some(pause),
                        _ => None,
                    };
                    (error, wait)
                }
                Err(error) => (error, call.is_repeatable().then_some(pause)),
            };
            match wait {
                Some(wait) if left > 0 => sleep(wait).await,
                _ => return Err(error),
            }
            pause *= 2;
        }
    }

    async fn exchange(
        &self,
        base: &str,
        call: &Call,
    ) -> Result<Response<Bytes>, DigitalOceanError> {
        let request = self.request(base, call)?;
        let limits = HttpsLimits {
            exchange: match call.is_repeatable() {
                true => EXCHANGE_TIMEOUT,
                false => CREATE_TIMEOUT,
            },
            body_bytes: MAX_ANSWER_BYTES,
        };
        let asking = self.https.ask(request, limits);
        asking.await.map_err(|source| DigitalOceanError::NoAnswer {
            doing: call.doing,
            source,
        })
    }

    fn request(&self, base: &str, call: &Call) -> Result<Request<Bytes>, DigitalOceanError> {
        let bearer = format!("Bearer {}", self.token.secret().expose());
        let unusable = |reason: String| DigitalOceanError::NotUnderstood {
            doing: call.doing,
            reason,
        };
        let mut bearer =
            HeaderValue::from_str(&bearer).map_err(|error| unusable(error.to_string()))?;
        bearer.set_sensitive(true);
        let user_agent = concat!("portlama/", env!("CARGO_PKG_VERSION"));
        Request::builder()
            .method(call.method.clone())
            .uri(format!("{base}{}", call.path))
            .header(AUTHORIZATION, bearer)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, user_agent)
            .body(call.body.clone().unwrap_or_default())
            .map_err(|error| unusable(error.to_string()))
    }
}
