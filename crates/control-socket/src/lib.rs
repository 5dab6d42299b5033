//! A Unix socket on which a running process answers its owner.
//!
//! A question is one line of JSON, the answer is one line of JSON. The socket is 0600, and the
//! kernel must say that the peer is root or the very user the process runs as. What can be asked
//! is an enum of whoever uses this crate ([`Question`]), so that nothing else is ever understood.
//!
//! Some answers lend something, such as a copy that is removed afterwards: it is kept as long as
//! the asker holds the connection ([`ask_and_hold`]).
#![forbid(unsafe_code)]

mod ask;
mod line;
mod path;
mod serve;

use std::time::Duration;

use serde::Serialize;

pub use ask::{AskError, Held, ask, ask_and_hold};
pub use line::{MAX_ANSWER_BYTES, MAX_QUESTION_BYTES};
pub use serve::{Answer, BoxFuture, ControlSocket, MAX_QUESTIONS, READ_TIMEOUT, Reply};

/// What can be asked of a process.
pub trait Question: Serialize + Send + Sync + 'static {
    /// How long the answer may take.
    fn time_limit(&self) -> Duration;
}
