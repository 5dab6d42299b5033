//! What there is, and what was asked.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use super::droplets::{Droplet, Life};
use super::faults::Fault;
use super::keys::Key;
use super::tokens::{ScopeHeader, TokenSpec};
use super::{Boot, Unplug};

pub(super) type Answer = Response<Full<Bytes>>;

/// Requests that a token has each hour.
pub(super) const HOURLY_LIMIT: u64 = 5000;

/// One request.
#[derive(Debug, Clone)]
pub struct Logged {
    /// `GET` and so on.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// What follows the question mark.
    pub query: String,
    /// The name of the token; empty when it is none.
    pub token: String,
    /// The body; `null` when there is none.
    pub body: Value,
    /// The status of the answer; 0 when there was none.
    pub status: u16,
    /// The body of the answer; `null` when it is no JSON.
    pub answer: Value,
}

impl Logged {
    /// `METHOD /path`.
    #[must_use]
    pub fn call(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

pub(super) struct World {
    pub(super) base: String,
    pub(super) tokens: Vec<TokenSpec>,
    pub(super) looks_tokens_up: bool,
    pub(super) scope_header: ScopeHeader,
    pub(super) further_regions: usize,
    pub(super) keys: Vec<Key>,
    pub(super) droplets: Vec<Droplet>,
    /// Deleted ones, and how many lists still show them.
    pub(super) going: Vec<(Droplet, u32)>,
    pub(super) tags: BTreeSet<String>,
    pub(super) life: Life,
    pub(super) boot: Option<Boot>,
    pub(super) unplug: Option<Unplug>,
    pub(super) faults: Vec<Fault>,
    pub(super) log: Vec<Logged>,
    next_id: u64,
}

impl World {
    pub(super) fn new(base: &str, tokens: impl IntoIterator<Item = TokenSpec>) -> Self {
        Self {
            base: base.to_owned(),
            tokens: tokens.into_iter().collect(),
            looks_tokens_up: true,
            scope_header: ScopeHeader::Absent,
            further_regions: 0,
            keys: Vec::new(),
            droplets: Vec::new(),
            going: Vec::new(),
            tags: BTreeSet::new(),
            life: Life::default(),
            boot: None,
            unplug: None,
            faults: Vec::new(),
            log: Vec::new(),
            // Numbers that do not fit into 32 bits, as they come.
            next_id: 4_711_000_000,
        }
    }

    pub(super) fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// What every answer carries about the limits.
    pub(super) fn with_limits(&self, mut answer: Answer) -> Answer {
        let asked = u64::try_from(self.log.len()).unwrap_or(u64::MAX);
        let left = HOURLY_LIMIT.saturating_sub(asked);
        for (name, value) in [
            ("ratelimit-limit", HOURLY_LIMIT.to_string()),
            ("ratelimit-remaining", left.to_string()),
            ("ratelimit-reset", "1767225600".to_owned()),
            ("x-request-id", format!("request-{asked}")),
        ] {
            let value = value.parse().expect("a header");
            answer.headers_mut().insert(name, value);
        }
        answer
    }
}

pub(super) fn json_answer(status: u16, body: &Value) -> Answer {
    let mut answer = plain(status, body.to_string());
    let json = "application/json".parse().expect("a header");
    answer.headers_mut().insert("content-type", json);
    answer
}

pub(super) fn plain(status: u16, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
    answer
}

/// Why not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) id: &'static str,
    pub(super) message: &'static str,
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        json_answer(
            refusal.status,
            &json!({"id": refusal.id, "message": refusal.message, "request_id": "0f1e2d3c"}),
        )
    }
}

pub(super) fn unprocessable(message: &'static str) -> Refusal {
    Refusal {
        status: 422,
        id: "unprocessable_entity",
        message,
    }
}

pub(super) fn not_found() -> Refusal {
    Refusal {
        status: 404,
        id: "not_found",
        message: "The resource you were accessing could not be found.",
    }
}
