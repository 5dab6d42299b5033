//! A server from nothing, in eleven steps; and nothing left behind when one fails.
//!
//! [`Plan`] says what will be made. [`Operation`] is the journal: what was made is written down
//! before it is asked for, so that whoever comes after a dead process finds it.

mod clean;
mod error;
mod event;
mod means;
mod operation;
mod plan;
mod recovery;
mod remote;
mod run;
mod step;
mod user_data;

pub(crate) use clean::delete_droplet;
pub use error::{Failure, ProvisionError};
pub use event::{Event, StepStatus};
pub use means::{Means, Pace, Ports};
pub use operation::{Leftover, Operation, OperationId, Operations};
pub use plan::Plan;
pub use recovery::{Found, Recovery};
pub use step::Step;
