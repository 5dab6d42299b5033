//! One admitted request, as handlers see it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, Stream, StreamExt as _};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use parking_lot::Mutex;
use portlama_access::{Caller, Identity, Rule};
use portlama_api::{FromBody, Issue};
use portlama_control::http::{ClientInfo, WebsocketOffer};
use portlama_control::{Control, Farewell};
use portlama_model::{AgentLabel, Hostname, Username};
use serde::Serialize;
use uuid::Uuid;

use crate::body;
use crate::cookie;
use crate::refusal::Refusal;
use crate::shown::Shown;
use crate::websocket::{self, Frame};

/// The longest label in a path: labels of other versions are well-formed, though nobody has one.
const MAX_PATH_LABEL_CHARACTERS: usize = 150;

/// The end of a WebSocket whose holder may have it no longer.
const NO_LONGER_ALLOWED: Frame = Frame::Close(1008, "no longer allowed: show who you are again");

/// What the router read of a path.
pub(crate) type Segments = Result<RawPathParams, RawPathParamsRejection>;

/// The name of a segment that is read, as the table of routes writes it.
pub(crate) fn parameter(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// The segments of a path that are read, by name.
pub(crate) struct PathSegments(Vec<(Box<str>, Box<str>)>);

impl PathSegments {
    /// The segments that `route` reads in a path that the router took for `taken`, which says as
    /// much as `route` or more: the label in `/agent/{label}` is `enroll` for `/agent/enroll`.
    /// Segments that do not decode to text count as empty, which no name and no id is.
    pub(crate) fn of(segments: &Segments, taken: &str, route: &str) -> Self {
        let mut read = segments
            .as_ref()
            .map_or_else(
                |_| vec![],
                |segments| segments.iter().map(|(_, text)| text).collect(),
            )
            .into_iter();
        let mut named = vec![];
        for (taken, own) in taken.split('/').zip(route.split('/')) {
            let text = if parameter(taken).is_some() {
                read.next().unwrap_or_default()
            } else {
                taken
            };
            if let Some(name) = parameter(own) {
                named.push((name.into(), text.into()));
            }
        }
        Self(named)
    }

    fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| **known == *name);
        found.map_or("", |(_, value)| value)
    }
}

/// A request that the gate let pass.
pub(crate) struct Call {
    pub(crate) control: Arc<Control>,
    caller: Caller,
    segments: PathSegments,
    client_ip: IpAddr,
    farewell: Farewell,
    rule: Rule,
    /// Bodies are not `Sync`, and calls are borrowed across `await`; nobody ever locks this.
    request: Mutex<Request>,
}

impl Call {
    pub(crate) fn new(
        control: Arc<Control>,
        rule: Rule,
        caller: Caller,
        segments: PathSegments,
        request: Request,
    ) -> Self {
        let client = request.extensions().get::<ClientInfo>();
        let client_ip = client.map(|client| client.address.ip());
        let farewell = request.extensions().get::<Farewell>().cloned();
        Self {
            control,
            caller,
            rule,
            segments,
            farewell: farewell.unwrap_or_default(),
            client_ip: client_ip.unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
            request: Mutex::new(request),
        }
    }

    /// Who calls a route that is not public.
    pub(crate) fn by(&self) -> &Identity {
        match &self.caller {
            Caller::Identified(identity) => identity,
            Caller::Anonymous => unreachable!("handlers of public routes do not ask who calls"),
        }
    }

    pub(crate) fn client_ip(&self) -> IpAddr {
        self.client_ip
    }

    /// The segment in the path, as text.
    pub(crate) fn segment(&self, name: &str) -> &str {
        self.segments.get(name)
    }

    /// What lets the answer reach a caller whose certificate it ends.
    pub(crate) fn farewell(&self) -> &Farewell {
        &self.farewell
    }

    /// The UUID in the path: the form with hyphens alone.
    pub(crate) fn id(&self) -> Result<Uuid, Refusal> {
        let text = self.segments.get("id");
        match Uuid::try_parse(text) {
            Ok(id) if text.len() == 36 => Ok(id),
            _ => Err(Refusal::Invalid(vec![Issue::of("id", "must be a UUID")])),
        }
    }

    /// The user name in the path.
    pub(crate) fn username(&self) -> Result<Username, Refusal> {
        let parsed = self.segments.get("username").parse();
        parsed.map_err(|error: portlama_model::ParseError| {
            Refusal::Invalid(vec![Issue::of("username", error.to_string())])
        })
    }

    /// The host in the path: lower case, two or more labels.
    pub(crate) fn cert_domain(&self) -> Result<Hostname, Refusal> {
        let parsed = self.segments.get("domain").parse();
        parsed.map_err(|error: portlama_model::ParseError| {
            Refusal::Invalid(vec![Issue::of("domain", error.to_string())])
        })
    }

    /// The agent label in the path.
    pub(crate) fn label(&self) -> Result<AgentLabel, Refusal> {
        let text = self.segments.get("label");
        text.parse().map_err(|error: portlama_model::ParseError| {
            if is_path_label(text) {
                Refusal::NotFound("Agent not found")
            } else {
                Refusal::Invalid(vec![Issue::of("label", error.to_string())])
            }
        })
    }

    /// Refuses a request that is no opening handshake, before anything is begun for it.
    pub(crate) fn must_open_websocket(&mut self) -> Result<(), Refusal> {
        let extensions = self.request.get_mut().extensions();
        match extensions.get::<WebsocketOffer>() {
            Some(_) => Ok(()),
            None => Err(Refusal::UpgradeRequired),
        }
    }

    /// Answers with a WebSocket on which `frames` go to the client, for as long as the client
    /// may have it open.
    pub(crate) fn websocket(
        &mut self,
        frames: impl Stream<Item = Frame> + Send + 'static,
    ) -> Result<Response, Refusal> {
        let request = self.request.get_mut();
        let client = request.extensions().get::<ClientInfo>();
        let presented = client.ok_or(Refusal::Internal)?.presented.clone();
        let offer = request.extensions().get::<WebsocketOffer>();
        let offer = offer.ok_or(Refusal::UpgradeRequired)?;
        let cookie = cookie::of(request.headers());
        let shown = Shown::new(presented, cookie, self.rule.who, self.control.live());
        let ended = shown.until_it_counts_no_more(Arc::clone(self.control.live()));
        let frames = frames
            .chain(stream::iter([websocket::THE_END]))
            .take_until(ended)
            .chain(stream::iter([NO_LONGER_ALLOWED]));
        Ok(websocket::accept(offer, frames))
    }

    /// The headers.
    pub(crate) fn headers(&mut self) -> &http::HeaderMap {
        self.request.get_mut().headers()
    }

    /// The member of the query with this name, decoded once; `None` when there is none.
    pub(crate) fn query_member(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        let query = self.request.get_mut().uri().query().unwrap_or_default();
        let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            // What is not UTF-8 was replaced by this, and no name has it.
            (Some((_, value)), None) if !value.contains(char::REPLACEMENT_CHARACTER) => {
                Ok(Some(value.into_owned()))
            }
            _ => Err(Refusal::Invalid(vec![Issue::of(
                name,
                "must be one text in UTF-8",
            )])),
        }
    }

    /// The whole number of at least 1, and at most `most` where that is said, that the member of
    /// the query with this name holds.
    pub(crate) fn query_number(
        &mut self,
        name: &str,
        most: Option<i64>,
    ) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.query_member(name)? else {
            return Ok(None);
        };
        let number = text.parse().ok();
        if let Some(number) = number.filter(|n| *n >= 1 && most.is_none_or(|most| *n <= most)) {
            return Ok(Some(number));
        }
        let message = match most {
            Some(most) => format!("must be a whole number from 1 to {most}"),
            None => "must be a whole number of at least 1".to_owned(),
        };
        Err(Refusal::Invalid(vec![Issue::of(name, message)]))
    }

    /// The request itself, for handlers that read the body in their own way.
    pub(crate) fn take_request(&mut self) -> Request {
        std::mem::take(self.request.get_mut())
    }

    /// Reads the body.
    pub(crate) async fn json<T: FromBody>(&mut self) -> Result<T, Refusal> {
        let request = std::mem::take(self.request.get_mut());
        let value = body::read_json(request).await?;
        T::from_body(&value).map_err(Refusal::Invalid)
    }

    /// Reads the body, or takes the default when there is none.
    pub(crate) async fn json_or_default<T: FromBody + Default>(&mut self) -> Result<T, Refusal> {
        let request = std::mem::take(self.request.get_mut());
        match body::read_optional_json(request).await? {
            Some(value) => T::from_body(&value).map_err(Refusal::Invalid),
            None => Ok(T::default()),
        }
    }
}

fn is_path_label(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.len() <= MAX_PATH_LABEL_CHARACTERS
        && text.bytes().next().is_some_and(plain)
        && text.bytes().all(|b| plain(b) || b == b':' || b == b'-')
}

/// 200 with a JSON body.
pub(crate) fn ok(body: impl Serialize) -> Result<Response, Refusal> {
    json(StatusCode::OK, &body)
}

/// 201 with a JSON body.
pub(crate) fn created(body: impl Serialize) -> Result<Response, Refusal> {
    json(StatusCode::CREATED, &body)
}

/// Lists have a thousand entries, and each member is written by itself: into a `Vec` that costs
/// less than into the buffer of `axum::Json`.
fn json(status: StatusCode, body: &impl Serialize) -> Result<Response, Refusal> {
    let octets = serde_json::to_vec(body).map_err(|_| Refusal::Internal)?;
    let kind = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((status, kind, octets).into_response())
}

/// 200 with a file to keep; `name` is of letters, digits, dots and hyphens.
pub(crate) fn download(
    content_type: &'static str,
    name: &str,
    bytes: Vec<u8>,
) -> Result<Response, Refusal> {
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{name}\""));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (
            CONTENT_DISPOSITION,
            disposition.map_err(|_| Refusal::Internal)?,
        ),
    ];
    Ok((headers, bytes).into_response())
}
