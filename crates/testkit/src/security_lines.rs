//! What a part says about refused tries, as fail2ban would read it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::subscriber::{DefaultGuard, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// The target of these lines; `docs/security-events.md`.
const TARGET: &str = "portlama::security";

/// Collects the lines that the present thread logs while this lives, which is all of them in a
/// test on a runtime of one thread.
pub struct SecurityLines {
    lines: Arc<Mutex<Vec<String>>>,
    _until_dropped: DefaultGuard,
}

impl SecurityLines {
    /// Begins to listen.
    #[must_use]
    pub fn listen() -> Self {
        let lines = Arc::default();
        let listening = tracing_subscriber::registry().with(Collector(Arc::clone(&lines)));
        Self {
            lines,
            _until_dropped: tracing::subscriber::set_default(listening),
        }
    }

    /// The lines since the last call, in their order.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Collector(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Collector {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == TARGET {
            let mut line = Message(String::new());
            event.record(&mut line);
            let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            lines.push(line.0);
        }
    }
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
