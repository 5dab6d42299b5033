//! The sign-in portal on `auth.<domain>`: password, then code, then back to the app.
//!
//! The pages are forms and links; no script runs on them. Programs use the JSON routes,
//! which answer in Authelia's shapes. Nothing is decided here: `control` knows who signed in
//! and which addresses one may return to, `access` judges where a request began.
//!
//! - [`Portal`]: the handler that the edge calls, and the table of routes (`portal`).
//! - `html`, `json`: what the routes do; `pages`: what they show; `texts`: every sentence.
//! - `invite`: how a guest becomes a user.
//! - `change`: the door that every changing request passes; `fields`: forms and queries.
//! - `destination`: where the visitor wanted to go; `cookie`: the sign-in's one cookie.
//! - `refusal`: everything that goes wrong, as a page and as JSON; `headers`: what every
//!   answer carries; `assets`: style sheet and mark.
//!
//! # The way back to the app
//!
//! Browsers hold the whole chain of redirects after a form against the page's `form-action`,
//! and an app may redirect to anywhere. So a finished sign-in ends in a page of its own,
//! `/continue`, that moves on by itself; the redirect to the app then belongs to no form.
#![forbid(unsafe_code)]

mod assets;
mod change;
mod cookie;
mod destination;
mod fields;
mod headers;
mod html;
mod invite;
mod json;
mod pages;
mod portal;
mod refusal;
mod texts;

pub use change::{BODY_TIMEOUT, MAX_BODY_BYTES, MAX_USERNAME_BYTES};
pub use portal::{Portal, REQUESTS_PER_MINUTE};
pub use refusal::RETRY_AFTER;
