//! The operations, by what they change.

pub(crate) mod agents;
pub(crate) mod enrolment;
pub(crate) mod sign_in;
pub(crate) mod tunnels;
pub(crate) mod users;
