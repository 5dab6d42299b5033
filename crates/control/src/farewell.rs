//! The one thing that a connection may still do after its certificate ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a connection may deliver the answer to the request that ended its own certificate.
///
/// The edge puts one into the extensions of every request, the same for all of a connection.
/// An operation that replaces its caller's certificate grants it between the commit and the
/// denial, so the only copy of a new certificate is not cut off with the old one; one that ends
/// it grants it before the denial. Whoever was denied by somebody else never gets it.
#[derive(Debug, Clone, Default)]
pub struct Farewell(Arc<AtomicBool>);

impl Farewell {
    /// Whether the answer under way may be sent to its end.
    #[must_use]
    pub fn is_granted(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn grant(&self) {
        self.0.store(true, Ordering::Release);
    }
}
