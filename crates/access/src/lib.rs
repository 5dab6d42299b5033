//! The decision: may this identity do this on this host or route, and why not. No IO.
