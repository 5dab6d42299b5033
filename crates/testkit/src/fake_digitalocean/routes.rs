//! From a request to its answer, or to the fault that was asked for.

use std::sync::{Arc, Mutex};

use http::header::AUTHORIZATION;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::faults::Deed;
use super::tokens::TokenSpec;
use super::world::{Answer, Logged, Refusal, World, json_answer, not_found, plain};
use super::{Cut, Outcome};

pub(super) async fn answer(
    world: &Arc<Mutex<World>>,
    request: Request<Incoming>,
) -> Outcome<Answer> {
    let (head, body) = request.into_parts();
    let octets = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let asked = Asked {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        authorization: head
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned),
        body: serde_json::from_slice(&octets).unwrap_or_default(),
    };
    let (answer, deed, place) = world.lock().expect("unpoisoned").respond(&asked)?;
    let said = answer.body().clone().collect().await?.to_bytes();
    if let Some(logged) = world.lock().expect("unpoisoned").log.get_mut(place) {
        logged.status = answer.status().as_u16();
        logged.answer = serde_json::from_slice(&said).unwrap_or_default();
    }
    match deed {
        Some(Deed::DoneThenCut) => Err(Cut),
        Some(Deed::HalfJson) => Ok(half(answer).await),
        Some(Deed::WrongTypes) => Ok(json_answer(200, &json!([{"droplet": "yes"}]))),
        Some(Deed::DoneThenLate(wait)) => {
            tokio::time::sleep(wait).await;
            Ok(answer)
        }
        _ => Ok(answer),
    }
}

async fn half(answer: Answer) -> Answer {
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await;
    let text = body.map(|body| body.to_bytes()).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let half: String = text.chars().take(text.chars().count() / 2).collect();
    plain(status, half)
}

pub(super) struct Asked {
    method: Method,
    path: String,
    query: String,
    authorization: Option<String>,
    body: Value,
}

impl World {
    /// The answer, the fault that it still has to suffer, and its place in the log.
    fn respond(&mut self, asked: &Asked) -> Outcome<(Answer, Option<Deed>, usize)> {
        let deed = self.fault_for(asked);
        if matches!(deed, Some(Deed::Cut)) {
            self.note(asked, None);
            return Err(Cut);
        }
        let answer = match deed.as_ref().and_then(Deed::instead) {
            Some(answer) => {
                self.note(asked, None);
                answer
            }
            None => self.serve(asked),
        };
        Ok((self.with_limits(answer), deed, self.log.len() - 1))
    }

    fn fault_for(&mut self, asked: &Asked) -> Option<Deed> {
        let place = self
            .faults
            .iter()
            .position(|fault| fault.meets(asked.method.as_str(), &asked.path))?;
        Some(self.faults.remove(place).deed)
    }

    fn note(&mut self, asked: &Asked, token: Option<&TokenSpec>) {
        self.log.push(Logged {
            method: asked.method.to_string(),
            path: asked.path.clone(),
            query: asked.query.clone(),
            token: token.map(|token| token.name.clone()).unwrap_or_default(),
            body: asked.body.clone(),
            status: 0,
            answer: Value::Null,
        });
    }

    fn serve(&mut self, asked: &Asked) -> Answer {
        let token = match self.authenticate(asked.authorization.as_deref()) {
            Ok(token) => token,
            Err(refusal) => {
                self.note(asked, None);
                return refusal.into();
            }
        };
        self.note(asked, Some(&token));
        self.route(asked, &token).unwrap_or_else(Answer::from)
    }

    fn route(&mut self, asked: &Asked, token: &TokenSpec) -> Result<Answer, Refusal> {
        let path = asked.path.trim_start_matches('/');
        let parts: Vec<_> = path.split('/').collect();
        let (query, body) = (asked.query.as_str(), &asked.body);
        match (asked.method.as_str(), parts.as_slice()) {
            ("GET", ["v1", "oauth", "token", "info"]) if self.looks_tokens_up => {
                Ok(self.token_info(token))
            }
            ("GET", ["v2", "account"]) => self.account(token),
            ("GET", ["v2", "regions"]) => self.list_regions(token, query),
            ("GET", ["v2", "sizes"]) => self.list_sizes(token, query),
            ("GET", ["v2", "tags"]) => self.list_tags(token, query),
            ("GET", ["v2", "account", "keys"]) => self.list_keys(token, query),
            ("POST", ["v2", "account", "keys"]) => self.create_key(token, body),
            ("DELETE", ["v2", "account", "keys", which]) => self.delete_key(token, which),
            ("GET", ["v2", "droplets"]) => self.list_droplets(token, query),
            ("POST", ["v2", "droplets"]) => self.create_droplet(token, body),
            ("GET", ["v2", "droplets", id]) => self.show_droplet(token, id),
            ("DELETE", ["v2", "droplets", id]) => self.delete_droplet(token, id),
            _ => Err(not_found()),
        }
    }
}
