//! The machine under the server: [`Host`] implements [`portlama_control::Machine`].
//!
//! - figures of processor, memory and disk, from the system itself;
//! - units through `systemctl`, journals through `journalctl`: programs with arguments that
//!   stand in this crate, no shell, and nothing of what a caller wrote;
//! - orders to units by [`helper`], root's part, which the server asks.
//!
//! [`install`] makes a serving machine of a fresh one; [`release`] knows which programs are ours;
//! [`upgrade`] puts one in the place of another, and back.
//!
//! On a machine without systemd there are no units; the figures are there all the same.
#![forbid(unsafe_code)]

mod figures;
pub mod helper;
mod host;
pub mod install;
mod journal;
mod packaged;
pub mod release;
mod systemd;
pub mod upgrade;

pub use figures::MAX_CPU_STRETCH;
pub use host::Host;
pub use journal::{JournalEntry, MAX_JOURNAL_COMPLAINTS, MAX_JOURNAL_LINE_BYTES};
pub use packaged::{PACKAGED_PROGRAM, belongs_to_package};
pub use systemd::{MAX_SYSTEMCTL_BYTES, UNIT_LIST_TIMEOUT};
