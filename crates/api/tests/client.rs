//! The client against real TLS servers on loopback.
