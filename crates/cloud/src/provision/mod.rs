//! A server from nothing, in eleven steps; and nothing left behind when one fails.
//!
//! [`Plan`] says what will be made. [`Operation`] is the journal: what was made is written down
//! before it is asked for, so that whoever comes after a dead process finds it.

mod event;
mod operation;
mod plan;
mod step;

pub use event::Event;
pub use operation::{Leftover, Operation, OperationId, Operations};
pub use plan::Plan;
pub use step::Step;
