//! Sans-IO core of the tunnel protocol.
#![forbid(unsafe_code)]

mod code;
mod detail;

pub use code::{CloseCode, GoAwayReason, PortState, RefusalReason, ResetCode};
pub use detail::{Detail, MAX_DETAIL_BYTES};
