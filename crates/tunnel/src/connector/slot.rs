//! One of the carriers an agent keeps: dial, run, pause, again.

use std::sync::Arc;
use std::time::Duration;

use portlama_tunnel_proto::{Event, GoAwayReason};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::Transport;
use super::backoff::{Backoff, random_fraction};
use super::serve::serve_stream;
use super::shared::Shared;
use crate::carrier::{Carrier, drive};
use crate::dial::{DialError, Dialed};
use crate::limits::SETTLED_AFTER;
use crate::{CarrierEnd, CarrierKind, CloseCode};

/// Keeps one carrier up, for ever.
///
/// While the agent is offline only the first slot tries, so that a struggling server sees one
/// attempt an agent; the others follow when it lives.
pub(super) async fn keep_up(shared: Arc<Shared>, slot: usize) {
    let mut backoff = Backoff::default();
    let mut choice = TransportChoice::new(shared.transport);
    loop {
        if slot > 0 {
            shared.connected().await;
        }
        let kind = choice.next_kind();
        let begun = Instant::now();
        let generation = *shared.generation.borrow();
        let outcome = match shared.dial.dial(kind).await {
            Ok(dialed) => run_carrier(&shared, dialed, generation).await,
            Err(error) => Outcome::Failed(error),
        };
        choice.learn(&outcome);
        let connected = !matches!(outcome, Outcome::Failed(_));
        if connected && begun.elapsed() >= SETTLED_AFTER {
            backoff.reset();
        }
        let pause = match &outcome {
            Outcome::Failed(error) => {
                tracing::debug!(slot, %kind, %error, "connecting failed");
                // While another carrier lives, one more that fails is no outage.
                if !shared.is_connected() {
                    shared.failed(error.to_string());
                }
                backoff.next_pause()
            }
            Outcome::Ended(end) => {
                tracing::info!(slot, %kind, reason = %end, "carrier ended");
                if !shared.is_connected() {
                    shared.failed(end.to_string());
                }
                backoff.next_pause()
            }
            // A restarting server asks for a pause; spread by half of it, and a little.
            Outcome::SentAway(pause) => *pause + pause.mul_f64(random_fraction() / 2.0),
            Outcome::Renewed => continue,
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = shared.renewed_since(generation) => {}
        }
    }
}

enum Outcome {
    Failed(DialError),
    Ended(CarrierEnd),
    /// The server takes no new streams on it; it runs on by itself until its streams end.
    SentAway(Duration),
    /// It is to be replaced; it serves until the next one lives, and its streams to their end.
    Renewed,
}

/// Runs a carrier in its own task until it ends, is sent away or is to be replaced.
async fn run_carrier(shared: &Arc<Shared>, dialed: Dialed, generation: u64) -> Outcome {
    let (sent_away, mut away) = oneshot::channel();
    let mut owner = Owner {
        shared: shared.clone(),
        kind: dialed.kind,
        generation,
        sent_away: Some(sent_away),
    };
    if let Some(address) = dialed.address {
        shared
            .status
            .send_if_modified(|s| s.last_good.replace(address) != Some(address));
    }
    let carrier = shared.begin_carrier();
    let stop = shared.stop.clone();
    let mut task = tokio::spawn(async move {
        let _present = Present {
            shared: owner.shared.clone(),
            carrier: carrier.clone(),
        };
        let act = |carrier: &Arc<Carrier>, event| owner.act(carrier, event);
        drive(dialed.io, carrier, act, stop, CloseCode::Shutdown).await
    });
    tokio::select! {
        biased;
        Ok(pause) = &mut away => Outcome::SentAway(pause),
        end = &mut task => Outcome::Ended(end.unwrap_or(CarrierEnd::Cancelled)),
        () = shared.renewed_since(generation) => Outcome::Renewed,
    }
}

/// Counts a carrier as long as its task lives.
struct Present {
    shared: Arc<Shared>,
    carrier: Arc<Carrier>,
}

impl Drop for Present {
    fn drop(&mut self) {
        self.shared.carrier_ended(&self.carrier);
    }
}

/// Acts on what concerns a carrier as a whole.
struct Owner {
    shared: Arc<Shared>,
    kind: CarrierKind,
    generation: u64,
    sent_away: Option<oneshot::Sender<Duration>>,
}

impl Owner {
    fn act(&mut self, carrier: &Arc<Carrier>, event: Event) {
        match event {
            Event::Hello(hello) => {
                let version = hello.software.as_str().to_owned();
                tracing::info!(server.version = %version, transport = %self.kind, "carrier up");
                self.shared
                    .carrier_is_live(carrier, self.generation, self.kind, version);
            }
            Event::StreamRequested(id, request) => {
                let (shared, carrier) = (self.shared.clone(), carrier.clone());
                tokio::spawn(serve_stream(shared, carrier, id, request));
            }
            Event::Routes(routes) => self.shared.set_routes(&routes),
            Event::GoAway {
                reason,
                retry_after,
            } => {
                let pause = match reason {
                    GoAwayReason::Restart => retry_after,
                    GoAwayReason::Retired => Duration::ZERO,
                };
                if let Some(sent_away) = self.sent_away.take() {
                    // The slot is gone when the connector stops.
                    let _ = sent_away.send(pause);
                }
            }
            // Streams are woken by the carrier itself; agents receive no reports.
            Event::Readable(_) | Event::Writable(_) | Event::Report(_) => {}
        }
    }
}

/// Which way to try next.
struct TransportChoice {
    wanted: Transport,
    next: CarrierKind,
    failures: u32,
}

/// Failures of one way before the other is tried.
const PATIENCE: u32 = 2;

impl TransportChoice {
    fn new(wanted: Transport) -> Self {
        let next = match wanted {
            Transport::Auto | Transport::Tls => CarrierKind::Tls,
            Transport::WebSocket => CarrierKind::WebSocket,
        };
        Self {
            wanted,
            next,
            failures: 0,
        }
    }

    fn next_kind(&self) -> CarrierKind {
        self.next
    }

    fn learn(&mut self, outcome: &Outcome) {
        let Outcome::Failed(error) = outcome else {
            self.failures = 0;
            return;
        };
        // Both ways begin with the same connection: an outage must not end on the slower one.
        if matches!(error, DialError::Connect(_)) {
            return;
        }
        self.failures += 1;
        let other = match self.next {
            CarrierKind::Tls => CarrierKind::WebSocket,
            CarrierKind::WebSocket => CarrierKind::Tls,
        };
        if self.wanted == Transport::Auto && (error.is_interception() || self.failures >= PATIENCE)
        {
            self.next = other;
            self.failures = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use portlama_dial::ConnectError;

    use super::*;

    fn after(errors: impl IntoIterator<Item = DialError>) -> CarrierKind {
        let mut choice = TransportChoice::new(Transport::Auto);
        for error in errors {
            choice.learn(&Outcome::Failed(error));
        }
        choice.next_kind()
    }

    #[test]
    fn an_outage_is_no_reason_for_a_websocket() {
        let unreachable = || DialError::Connect(ConnectError::NoAddress);
        assert_eq!(
            after([unreachable(), unreachable(), unreachable()]),
            CarrierKind::Tls
        );
    }

    #[test]
    fn tls_that_fails_twice_or_is_intercepted_is() {
        let fails = || DialError::Tls(io::ErrorKind::ConnectionReset.into());
        assert_eq!(after([fails()]), CarrierKind::Tls);
        assert_eq!(after([fails(), fails()]), CarrierKind::WebSocket);
        assert_eq!(after([DialError::Intercepted]), CarrierKind::WebSocket);
    }
}
