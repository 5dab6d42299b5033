//! Sans-IO core of the tunnel protocol: frames, streams, windows, both ends' state machine.
//!
//! A [`Connection`] is one end of one carrier. It takes bytes and the time, and gives bytes,
//! events and the next time it wants to be asked. It opens no socket, reads no clock and
//! starts no task; the `tunnel` crate does. The wire format is in `docs/protocol.md`.
#![forbid(unsafe_code)]

mod budget;
mod code;
mod connection;
mod detail;
mod frame;
mod hello;
mod limits;
mod outbox;
mod schedule;
mod stream;
mod window;

pub use budget::Budget;
pub use code::{CloseCode, GoAwayReason, PortState, RefusalReason, ResetCode};
pub use connection::{Config, Connection, Ended, Event, OpenFault, Role};
pub use detail::{Detail, MAX_DETAIL_BYTES};
pub use frame::{Frame, OpenRequest, Report, Route, StreamId};
pub use hello::{Hello, InstanceId, MAGIC, MIN_VERSION, SessionNumber, VERSION};
pub use limits::*;
pub use outbox::Outbox;
pub use stream::{ReadOutcome, StreamFault};
