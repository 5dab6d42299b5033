//! The steps, one a file: each says from the facts what it takes.

pub(super) mod bans;
pub(super) mod fail2ban;
pub(super) mod firewall;
pub(super) mod helper;
pub(super) mod kernel;
pub(super) mod packages;
pub(super) mod program;
pub(super) mod ssh;
pub(super) mod start;
pub(super) mod state;
pub(super) mod swap;
pub(super) mod units;
pub(super) mod user;
