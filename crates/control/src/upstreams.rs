//! The ways through the tunnels, over the hub.

use std::sync::Arc;

use portlama_model::{Origin, TunnelKey};
use portlama_tunnel::{Hub, OpenError, TunnelStream};

use crate::{BoxFuture, Upstreams};

/// [`Upstreams`] over the hub.
pub(crate) struct HubUpstreams(pub(crate) Arc<Hub>);

impl Upstreams for HubUpstreams {
    fn open<'a>(
        &'a self,
        target: &'a TunnelKey,
        origin: Origin,
    ) -> BoxFuture<'a, Result<TunnelStream, OpenError>> {
        Box::pin(self.0.open(target, origin))
    }
}
