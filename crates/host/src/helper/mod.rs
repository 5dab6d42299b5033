//! Root's part at run time: the few orders that the server, which has no rights, may give systemd.
//!
//! systemd listens at [`HELPER_SOCKET`], opens it to root and to the group of the server alone, and
//! starts `portlama server helper` as root for each connection. That reads one line, asks the kernel
//! who sent it, judges both ([`judge`]), runs programs whose every word stands in this crate
//! ([`Order::programs`]), answers one line and ends. A server that root runs gives the same orders
//! itself.

mod ask;
mod order;
mod serve;

pub use ask::order;
pub use order::{
    MAX_ORDER_BYTES, NotAnOrder, Order, Program, Reply, SERVER_USER, Verdict, ids_in, judge,
};
pub use serve::{ORDER_READ_TIMEOUT, PASSWD, Served, serve};

/// Where the helper is asked.
pub const HELPER_SOCKET: &str = "/run/portlama-helper.sock";
