//! Native data plane: TLS zones, request gate, host routing, reverse proxy, static sites,
//! challenge answers.
//!
//! A connection's way, file by file: `listen` accepts, `connection` shakes hands and
//! chooses the zone (`tls`), `io` passes every octet by the [`gate`], `service` finds
//! who answers, `app` asks `access` whether the visitor may pass, and `proxy` carries the
//! request through the tunnel; `agent_panel` does the same for the holder of a certificate, and
//! `site` answers with files. `refused` says no. `table` is what a change replaces; `ongoing` is how a denial
//! reaches what is already under way. Every limit stands in [`limits`].
//!
//! Who may do what is decided in `access`, who exists and who is signed in by `control`; this
//! crate carries their answers out.
#![forbid(unsafe_code)]

mod admission;
mod agent_panel;
mod app;
mod body;
mod connection;
mod cookies;
mod edge;
pub mod gate;
mod headers;
mod io;
pub mod limits;
mod listen;
mod ongoing;
mod pages;
mod proxy;
mod refused;
mod service;
mod signin;
mod site;
mod table;
mod tls;

pub use edge::{Edge, EdgeConfig, HostSessions, Parts};
