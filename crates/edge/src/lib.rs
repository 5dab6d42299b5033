//! Native data plane: TLS zones, request gate, host routing, reverse proxy, challenge answers.
