//! Tokio ends of the tunnel protocol: carriers, hub, connector.
