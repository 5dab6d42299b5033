//! What is under way on a connection, so that it can be judged again and cut.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use portlama_access::{
    Presented, Refused, VisitFacts, Visitor, may_open_agent_panel, may_read_site, may_visit,
};
use portlama_control::{BoxFuture, Farewell, Live, SignedIn};
use portlama_model::{HostService, Hostname};
use tokio::time::Instant;
use uuid::Uuid;

use crate::gate::GateError;
use crate::io::Protocol;
use crate::limits::WRITE_STALL_TIMEOUT;
use crate::refused::Denied;
use crate::table::Table;

/// What the tasks of one connection know of each other.
pub(crate) struct Connection {
    protocol: Protocol,
    opened: Instant,
    in_flight: AtomicUsize,
    /// Requests whose answer waits for the client to take more of it.
    blocked: AtomicUsize,
    /// When a body last moved, milliseconds after `opened`.
    moved: AtomicU64,
    /// When the last request ended, milliseconds after `opened`.
    ended: AtomicU64,
    refusal: OnceLock<GateError>,
    upgraded: AtomicBool,
    cut: AtomicBool,
    cut_waker: AtomicWaker,
    visits: Mutex<Vec<Arc<Visit>>>,
    farewell: Farewell,
    successor: Mutex<Option<BoxFuture<'static, ()>>>,
}

impl Connection {
    pub(crate) fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            opened: Instant::now(),
            in_flight: AtomicUsize::new(0),
            blocked: AtomicUsize::new(0),
            moved: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            refusal: OnceLock::new(),
            upgraded: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            cut_waker: AtomicWaker::new(),
            visits: Mutex::default(),
            farewell: Farewell::default(),
            successor: Mutex::default(),
        }
    }

    /// A request begins; it ends when the value is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        InFlight {
            connection: self.clone(),
            visit: None,
            blocked: false,
        }
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Acquire)
    }

    /// Remembers why the gate refused; what follows on the connection is not read.
    pub(crate) fn refuse(&self, error: GateError) {
        // Nothing is inspected after the first refusal, so it is the only one.
        let _ = self.refusal.set(error);
    }

    /// Why the gate refused.
    pub(crate) fn refusal(&self) -> Option<GateError> {
        self.refusal.get().copied()
    }

    /// Whether a last answer may still be delivered when the certificate is nobody's any more.
    pub(crate) fn farewell(&self) -> &Farewell {
        &self.farewell
    }

    /// The answer is 101: what follows is not HTTP. `successor` is what the connection becomes;
    /// it is run by the connection's own task.
    pub(crate) fn upgrade(&self, successor: BoxFuture<'static, ()>) {
        *self.successor.lock() = Some(successor);
        self.upgraded.store(true, Ordering::Release);
    }

    pub(crate) fn is_upgraded(&self) -> bool {
        self.upgraded.load(Ordering::Acquire)
    }

    pub(crate) fn take_successor(&self) -> Option<BoxFuture<'static, ()>> {
        self.successor.lock().take()
    }

    /// Ends the connection, whoever holds it by then.
    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::Release);
        self.cut_waker.wake();
    }

    /// Whether the connection was cut; the task is woken when that happens.
    pub(crate) fn is_cut(&self, cx: &Context<'_>) -> bool {
        self.cut_waker.register(cx.waker());
        self.cut.load(Ordering::Acquire)
    }

    /// When an HTTP/2 client counts as stalled: every answer waits for it, and none moved.
    /// One stream that rests, such as a paused video, is no reason while others move.
    pub(crate) fn stalled_until(&self) -> Option<Instant> {
        if self.protocol == Protocol::Http1 {
            return None;
        }
        let in_flight = self.in_flight();
        if in_flight == 0 || self.blocked.load(Ordering::Acquire) < in_flight {
            return None;
        }
        let moved = Duration::from_millis(self.moved.load(Ordering::Acquire));
        Some(self.opened + moved + WRITE_STALL_TIMEOUT)
    }

    /// Judges every visit again, and ends those that are forbidden by now.
    pub(crate) fn judge_visits(&self, live: &Live, table: &Table) {
        for visit in self.visits.lock().iter() {
            if visit.judge(live, table).is_err() {
                visit.deny();
            }
        }
    }

    /// Since when nothing is under way; of use when that is so.
    pub(crate) fn idle_since(&self) -> Instant {
        self.opened + Duration::from_millis(self.ended.load(Ordering::Acquire))
    }

    fn note_move(&self) {
        if self.protocol == Protocol::Http2 {
            self.moved.store(self.age_millis(), Ordering::Release);
        }
    }

    fn age_millis(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// A request under way, from its head to the last octet of its answer.
pub(crate) struct InFlight {
    connection: Arc<Connection>,
    visit: Option<Arc<Visit>>,
    blocked: bool,
}

impl InFlight {
    /// The request was let pass to an app: from here on it is judged again after every denial.
    pub(crate) fn admit(&mut self, visit: Visit) -> Arc<Visit> {
        let visit = Arc::new(visit);
        self.connection.visits.lock().push(visit.clone());
        self.visit = Some(visit.clone());
        visit
    }

    /// The visit goes on after the request, as a WebSocket: it stays registered with the
    /// connection.
    pub(crate) fn leave_visit(&mut self) {
        self.visit = None;
    }

    /// The visit, once the request was let pass.
    pub(crate) fn visit(&self) -> Option<&Arc<Visit>> {
        self.visit.as_ref()
    }

    /// The client took everything so far and asks for more.
    pub(crate) fn unblock(&mut self) {
        if std::mem::take(&mut self.blocked) {
            self.connection.blocked.fetch_sub(1, Ordering::AcqRel);
            self.connection.note_move();
        }
    }

    /// The client was given something to take.
    pub(crate) fn block(&mut self) {
        if !std::mem::replace(&mut self.blocked, true) {
            self.connection.blocked.fetch_add(1, Ordering::AcqRel);
            self.connection.note_move();
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.unblock();
        if let Some(visit) = self.visit.take() {
            let mut visits = self.connection.visits.lock();
            if let Some(at) = visits.iter().position(|v| Arc::ptr_eq(v, &visit)) {
                visits.swap_remove(at);
            }
        }
        let age = self.connection.age_millis();
        self.connection.ended.store(age, Ordering::Release);
        self.connection.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What a visitor wants, and all that `access` needs to be asked about it again.
pub(crate) enum Errand {
    /// A request to the app of this tunnel.
    App {
        tunnel: Uuid,
        facts: VisitFacts,
        visitor: Option<SignedIn>,
    },
    /// A file of this site. Of public sites nobody asks who reads.
    Site {
        site: Uuid,
        visitor: Option<SignedIn>,
    },
    /// A request to the agent's panel behind this tunnel.
    AgentPanel {
        tunnel: Uuid,
        facts: VisitFacts,
        presented: Arc<Presented>,
    },
}

/// A visit under way.
pub(crate) struct Visit {
    host: Hostname,
    errand: Errand,
    denied: AtomicBool,
    waker: AtomicWaker,
}

impl Visit {
    pub(crate) fn new(host: Hostname, errand: Errand) -> Self {
        Self {
            host,
            errand,
            denied: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        }
    }

    /// Who is signed in.
    pub(crate) fn visitor(&self) -> Option<&Visitor> {
        match &self.errand {
            Errand::App { visitor, .. } | Errand::Site { visitor, .. } => {
                visitor.as_ref().map(|signed_in| &*signed_in.visitor)
            }
            Errand::AgentPanel { .. } => None,
        }
    }

    /// Asks `access`, with everything as it is at this moment.
    ///
    /// # Errors
    /// Why the visit may not go on. A host that is gone, or has become another's, counts as
    /// switched off.
    pub(crate) fn judge(&self, live: &Live, table: &Table) -> Result<(), Denied> {
        let service = table.host(self.host.as_str()).map(|entry| &entry.service);
        match (&self.errand, service) {
            (
                Errand::App {
                    tunnel,
                    facts,
                    visitor,
                },
                Some(HostService::App(route)),
            ) if route.tunnel == *tunnel => {
                let visitor = still_signed_in(visitor.as_ref(), live);
                Ok(may_visit(route, visitor, *facts)?)
            }
            (Errand::Site { site, visitor }, Some(HostService::Site(route)))
                if route.site == *site =>
            {
                let visitor = still_signed_in(visitor.as_ref(), live);
                Ok(may_read_site(&route.access, visitor)?)
            }
            (
                Errand::AgentPanel {
                    tunnel,
                    facts,
                    presented,
                },
                Some(HostService::AgentPanel(route)),
            ) if route.tunnel == *tunnel => Ok(may_open_agent_panel(
                route,
                live.identify(presented),
                *facts,
            )?),
            _ => Err(Refused::SwitchedOff.into()),
        }
    }

    fn deny(&self) {
        self.denied.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Ready once the visit is forbidden.
    pub(crate) fn poll_denied(&self, cx: &Context<'_>) -> Poll<()> {
        self.waker.register(cx.waker());
        if self.denied.load(Ordering::Acquire) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Waits until the visit is forbidden.
    pub(crate) async fn denied(&self) {
        std::future::poll_fn(|cx| self.poll_denied(cx)).await;
    }
}

/// The visitor, while the session by which they came holds.
fn still_signed_in<'a>(signed_in: Option<&'a SignedIn>, live: &Live) -> Option<&'a Visitor> {
    signed_in
        .filter(|signed_in| live.sessions().is_live(&signed_in.session))
        .map(|signed_in| &*signed_in.visitor)
}
