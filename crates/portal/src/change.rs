//! The door that every changing request passes: what kind it is, how large.

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::Request;
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use portlama_access::Provenance;
use portlama_auth::TotpCode;
use portlama_control::http::ClientInfo;
use portlama_model::Secret;
use serde::de::DeserializeOwned;

use crate::cookie;
use crate::fields::Fields;
use crate::refusal::Refusal;

/// The largest body of a request, bytes. A sign-in is a name, a password of at most 72 bytes
/// and an address; everything longer than this is something else.
pub const MAX_BODY_BYTES: usize = 16 * 1024;

/// The longest user name that is looked up or shown again after an error, bytes. Twice what
/// a name can have, so that a typing error still comes back whole.
pub const MAX_USERNAME_BYTES: usize = 64;

/// How long a request may take to send its body, however steadily octets drip: 16 KiB at 0.6 kB/s.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A changing request that our own pages or a program sent, read whole.
pub(crate) struct Change {
    /// Where it came from.
    pub(crate) from: IpAddr,
    /// The host it was sent to.
    pub(crate) site: String,
    /// The sign-in it belongs to.
    pub(crate) sso: Option<Secret>,
    body: Bytes,
}

/// What a changing request must be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    Form,
    Json,
    /// JSON, or nothing at all.
    JsonOrNothing,
}

impl Change {
    /// Lets a request in, or says why not. Where it began was judged before any route.
    pub(crate) async fn accept(request: Request, media: Media) -> Result<Self, Refusal> {
        let client = client(&request)?;
        let headers = request.headers();
        let typed = media_type(headers);
        let wanted = match media {
            Media::Form => "application/x-www-form-urlencoded",
            Media::Json | Media::JsonOrNothing => "application/json",
        };
        let untyped = typed.is_none() && media == Media::JsonOrNothing;
        if typed.as_deref() != Some(wanted) && !untyped {
            return Err(Refusal::MediaType);
        }
        let sso = cookie::sso_token(headers);
        let body = read(request).await?;
        if untyped && !body.is_empty() {
            return Err(Refusal::MediaType);
        }
        let (from, site) = (client.address.ip(), client.host.to_string());
        Ok(Self {
            from,
            site,
            sso,
            body,
        })
    }

    /// The body as a form.
    pub(crate) fn fields(&self) -> Fields {
        Fields::parse(&self.body)
    }

    /// The body as JSON; an empty one counts as `{}`.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let body: &[u8] = if self.body.is_empty() {
            b"{}"
        } else {
            &self.body
        };
        serde_json::from_slice(body).map_err(|_| Refusal::Malformed)
    }

    /// The token of the sign-in it belongs to.
    pub(crate) fn sso(&self) -> Option<&str> {
        self.sso.as_ref().map(Secret::expose)
    }
}

/// Who asks, as the edge saw it.
pub(crate) fn client(request: &Request) -> Result<ClientInfo, Refusal> {
    let client = request.extensions().get::<ClientInfo>().cloned();
    client.ok_or_else(|| {
        tracing::error!("a request reached the portal without the edge's word on who sent it");
        Refusal::Internal
    })
}

/// Whether another website made the browser ask. That is no try of whoever sits before it, and
/// must not lead to a ban of their address.
pub(crate) fn is_foreign(client: &ClientInfo, request: &Request) -> bool {
    let provenance = Provenance::of(request.headers());
    provenance.site(&client.served_origin).is_foreign()
}

/// A user name as people type it: phones add capitals and spaces. Names of users have
/// neither.
pub(crate) fn typed_username(text: &str) -> Result<String, Refusal> {
    let name = text.trim().to_ascii_lowercase();
    if name.is_empty() || name.len() > MAX_USERNAME_BYTES {
        return Err(Refusal::Malformed);
    }
    Ok(name)
}

/// A code as people type it, `123 456`, or `None` when it is no code.
pub(crate) fn typed_code(text: &str) -> Option<String> {
    let code: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    code.parse::<TotpCode>().is_ok().then_some(code)
}

/// The content type without its parameters, in lower case. Unreadable counts as a foreign one.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().unwrap_or("?");
    let essence = text.split(';').next().unwrap_or_default();
    Some(essence.trim().to_ascii_lowercase())
}

async fn read(request: Request) -> Result<Bytes, Refusal> {
    let reading = Limited::new(request.into_body(), MAX_BODY_BYTES).collect();
    match tokio::time::timeout(BODY_TIMEOUT, reading).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge),
        Ok(Err(_)) => Err(Refusal::Malformed),
        Err(_) => Err(Refusal::Slow),
    }
}
