//! The panel: parse a request, ask `access`, call `control`, answer.
//!
//! [`ROUTES`] is the whole API in one table: method, path, who may call it and when. The router
//! is built from it, and the tests walk it against a matrix written by hand. Every request goes
//! through one gate (`gate.rs`) in one order: rate limit, where it came from, who asks and with
//! which second factor, in which part of the server's life, with which role, and only then its
//! path and body.
//!
//! What is *absent* here: no handler decides who may call it; no header says who somebody is; no
//! state is touched but through `control`; no route answers other websites (there is no CORS).
#![forbid(unsafe_code)]

mod body;
mod call;
mod certificate_help;
mod cookie;
mod describe;
mod gate;
mod handlers;
mod headers;
mod limits;
mod mac_plist;
mod multipart;
mod openapi;
mod pages;
mod panel;
mod refusal;
mod routes;
mod shown;
mod strict_json;
mod web;
mod websocket;

pub use body::{BODY_TIMEOUT, MAX_JSON_BYTES};
pub use limits::{ENROLMENTS_PER_MINUTE, REQUESTS_PER_MINUTE};
pub use multipart::{
    MAX_PART_HEAD_BYTES, MAX_UPLOAD_PARTS, UPLOAD_HEADER, UPLOAD_IDLE_TIMEOUT, UPLOAD_TIMEOUT,
};
pub use openapi::openapi_json;
pub use panel::Panel;
pub use routes::{ROUTES, Route};
pub use websocket::{
    CLOSE_TIMEOUT, MAX_CLIENT_MESSAGE_BYTES, PING_INTERVAL, SILENCE_TIMEOUT, WRITE_TIMEOUT,
};
