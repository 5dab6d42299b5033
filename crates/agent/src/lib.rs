//! The side behind the router: enrolment, allow-list, the tunnel's local end.
