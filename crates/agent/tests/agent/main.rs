//! The agent through its public face: real sockets, real TLS, real files.

mod dialer;
mod panel;
mod run;
mod setup;
