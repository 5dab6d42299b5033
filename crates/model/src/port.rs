//! Ports.

use serde::{Deserialize, Serialize};

use crate::ParseError;

/// The port of a tunnel, 1024 to 65535: the name under which the server asks the agent for
/// a service, and by default the local port the agent connects to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct TunnelPort(u16);

impl TunnelPort {
    /// The port number.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for TunnelPort {
    type Error = ParseError;
    fn try_from(port: u16) -> Result<Self, ParseError> {
        if port < 1024 {
            return Err(ParseError("must be a port from 1024 to 65535"));
        }
        Ok(Self(port))
    }
}

impl From<TunnelPort> for u16 {
    fn from(port: TunnelPort) -> Self {
        port.0
    }
}

impl std::str::FromStr for TunnelPort {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let error = ParseError("must be a port from 1024 to 65535");
        if text.starts_with('+') {
            return Err(error);
        }
        text.parse::<u16>().map_err(|_| error)?.try_into()
    }
}

impl std::fmt::Display for TunnelPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tunnel_port_is_unprivileged() {
        assert!(TunnelPort::try_from(1024).is_ok());
        assert!(TunnelPort::try_from(1023).is_err());
        assert!("65536".parse::<TunnelPort>().is_err());
        assert!("+8080".parse::<TunnelPort>().is_err());
    }
}
