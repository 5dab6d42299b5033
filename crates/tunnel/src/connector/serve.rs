//! One stream at the agent: reach the service, copy, end.

use std::sync::Arc;

use portlama_tunnel_proto::{Detail, OpenRequest, PortState, RefusalReason, StreamId};
use tokio::time::timeout;

use super::shared::Shared;
use crate::carrier::Carrier;
use crate::limits::ORIGIN_TIMEOUT;
use crate::relay::relay;
use crate::{OriginIo, OriginSpec, Refusal, TunnelStream};

pub(super) async fn serve_stream(
    shared: Arc<Shared>,
    carrier: Arc<Carrier>,
    id: StreamId,
    request: OpenRequest,
) {
    let reached = reach(&shared, request).await;
    observe(&shared, request, &reached);
    let mut origin = match reached {
        Ok(origin) => origin,
        Err(refusal) => {
            return carrier.with(|c| c.refuse(id, refusal.reason, refusal.detail));
        }
    };
    drop(shared);
    let mut stream = TunnelStream::new(carrier.clone(), id);
    // The server may have given up in the meantime.
    if carrier.with(|c| c.accept(id)).is_err() {
        return;
    }
    drop(carrier);
    if relay(&mut stream, &mut origin).await.is_err() {
        stream.abort();
    }
}

async fn reach(shared: &Shared, request: OpenRequest) -> Result<Box<dyn OriginIo>, Refusal> {
    let spec = OriginSpec {
        scheme: request.scheme,
        tls_verify: request.tls_verify,
    };
    match timeout(ORIGIN_TIMEOUT, shared.origins.open(request.port, spec)).await {
        Ok(reached) => reached,
        Err(_) => Err(Refusal::new(RefusalReason::OriginTimeout, "")),
    }
}

/// What every stream shows about its service.
fn observe(shared: &Shared, request: OpenRequest, reached: &Result<Box<dyn OriginIo>, Refusal>) {
    let (state, detail) = match reached {
        Ok(_) => (PortState::Ready, Detail::default()),
        Err(refusal) => match refusal.reason {
            RefusalReason::NotAllowed => (PortState::NotAllowed, refusal.detail.clone()),
            RefusalReason::OriginRefused
            | RefusalReason::OriginTimeout
            | RefusalReason::TlsFailed => {
                let detail = if refusal.detail.as_str().is_empty() {
                    Detail::new(&refusal.reason.to_string())
                } else {
                    refusal.detail.clone()
                };
                (PortState::OriginRefused, detail)
            }
            RefusalReason::Limit | RefusalReason::Internal => return,
        },
    };
    shared.observe(request.port, state, detail);
}
