//! What lies between sockets and hyper: the gate's octet checks and the time limits.

mod clock;
mod origin;
mod visitor;

pub(crate) use clock::LazyTimer;
pub(crate) use origin::{ArmedHead, OriginIo};
pub(crate) use visitor::{Protocol, VisitorIo};
