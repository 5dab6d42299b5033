//! Machines booted with a real systemd, for tests of the whole server.
//!
//! A test enters a [`Lab`]: a copy of it runs as root in namespaces of its own for mounts,
//! processes and network, from where no route leads outside and where nothing is left when the
//! copy ends, however it ends. There it boots [`Machine`]s from a file system that
//! `cargo xtask test --only machine` made.

mod boot;
mod cgroups;
mod files;
mod home;
mod lab;
mod network;
mod shell;

pub use boot::{Machine, MachineOptions, Packages};
pub use lab::{Lab, ROOTS};
pub use network::Loss;
pub use shell::Said;
