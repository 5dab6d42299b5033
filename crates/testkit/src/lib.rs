//! What whole-system tests share: the demo as a process, `curl` as a visitor, an origin that
//! counts and hashes, a certificate authority, and the oracle that must hold after every case.
//!
//! A dev-dependency only: `cargo xtask tidy` refuses it anywhere else.
#![forbid(unsafe_code)]

mod curl;
mod demo;
mod desktop;
mod dns;
mod fake_authority;
pub mod fake_digitalocean;
mod local_tls;
mod loopback;
pub mod machine;
mod oracle;
mod origin;
mod pebble;
mod raw_https;
pub mod release;
mod security_lines;
mod server;
mod totp;
mod websocket;

pub use curl::{Answer, Curl};
pub use demo::{Demo, DemoOptions, Ready};
pub use desktop::Desktop;
pub use dns::{DnsMood, DnsServer};
pub use fake_authority::{AuthorityFault, FakeAuthority};
pub use local_tls::{LocalhostPems, localhost_pems};
pub use oracle::Oracle;
pub use origin::{Origin, sha256_of_pattern};
pub use pebble::{EVERYTHING, Pebble, PebbleOptions};
pub use raw_https::{RawAnswer, RawHttps};
pub use security_lines::SecurityLines;
pub use server::Server;
pub use totp::{fresh_totp_code, totp_code_at};
pub use websocket::{PanelSocket, VisitorSocket, open_websocket};
