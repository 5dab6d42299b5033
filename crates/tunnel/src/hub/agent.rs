//! One agent at the server: its session, its carriers, what it reported.

use std::collections::BTreeMap;
use std::sync::Arc;

use portlama_model::{Timestamp, TunnelPort};
use portlama_tunnel_proto::{Budget, Hello, InstanceId, MAX_ROUTES, Report, Route, SessionNumber};

use super::RouteAnnouncement;
use crate::carrier::{Carrier, now};
use crate::limits::{MAX_CARRIERS, MAX_STREAMS_PER_AGENT, STALE_AFTER};
use crate::{AgentStatus, CloseCode, OpenError, PortReport};

#[derive(Debug, Default)]
pub(super) struct Agent {
    budget: Option<Budget>,
    session: Option<Session>,
    /// Carriers of a process that said goodbye; their last streams may end.
    leaving: Vec<Arc<Carrier>>,
    routes: Vec<RouteAnnouncement>,
    reports: BTreeMap<TunnelPort, PortReport>,
    offline_since: Option<Timestamp>,
    refused_second_instance: Option<Timestamp>,
}

#[derive(Debug)]
struct Session {
    instance: InstanceId,
    number: SessionNumber,
    since: Timestamp,
    version: String,
    carriers: Vec<Arc<Carrier>>,
}

impl Agent {
    pub(super) fn budget(&mut self, process: &Budget) -> Budget {
        self.budget
            .get_or_insert_with(|| process.for_agent())
            .clone()
    }

    /// Lets a carrier into the session it names, or says why not.
    pub(super) fn join(
        &mut self,
        hello: &Hello,
        carrier: &Arc<Carrier>,
        at: Timestamp,
    ) -> Result<(), CloseCode> {
        if let Some(session) = &mut self.session {
            let same_process = session.instance == hello.instance;
            if same_process && hello.session == session.number {
                if session.carriers.len() >= MAX_CARRIERS {
                    return Err(CloseCode::TooManyCarriers);
                }
                session.carriers.push(carrier.clone());
                return Ok(());
            }
            if same_process && hello.session < session.number {
                return Err(CloseCode::StaleSession);
            }
            if !same_process && session.is_alive() {
                self.refused_second_instance = Some(at);
                return Err(CloseCode::SecondInstance);
            }
            self.replace_session();
        }
        self.session = Some(Session {
            instance: hello.instance,
            number: hello.session,
            since: at,
            version: hello.software.as_str().to_owned(),
            carriers: vec![carrier.clone()],
        });
        self.offline_since = None;
        self.refused_second_instance = None;
        Ok(())
    }

    /// A newer session takes over: carriers that said goodbye may finish, the others are cut.
    fn replace_session(&mut self) {
        for carrier in self
            .session
            .take()
            .into_iter()
            .flat_map(|session| session.carriers)
        {
            if carrier.with(|connection| connection.takes_streams()) {
                carrier.close(CloseCode::Superseded);
            } else {
                self.leaving.push(carrier);
            }
        }
    }

    /// Forgets a carrier that ended.
    pub(super) fn leave(&mut self, carrier: &Arc<Carrier>, at: Timestamp) {
        self.leaving.retain(|other| !Arc::ptr_eq(other, carrier));
        let Some(session) = &mut self.session else {
            return;
        };
        session
            .carriers
            .retain(|other| !Arc::ptr_eq(other, carrier));
        if session.carriers.is_empty() {
            self.session = None;
            self.offline_since = Some(at);
        }
    }

    /// Forgets the session and gives all its carriers to be closed.
    pub(super) fn dismiss(&mut self, at: Timestamp) -> Vec<Arc<Carrier>> {
        let mut carriers = std::mem::take(&mut self.leaving);
        if let Some(session) = self.session.take() {
            carriers.extend(session.carriers);
            self.offline_since = Some(at);
        }
        carriers
    }

    pub(super) fn least_loaded(&self) -> Result<Arc<Carrier>, OpenError> {
        let session = self.session.as_ref().ok_or(OpenError::AgentOffline)?;
        if session.streams() >= MAX_STREAMS_PER_AGENT {
            return Err(OpenError::Limit);
        }
        session
            .carriers
            .iter()
            .filter(|carrier| carrier.with(|connection| connection.takes_streams()))
            .min_by_key(|carrier| carrier.score())
            .cloned()
            .ok_or(OpenError::AgentOffline)
    }

    /// Sets the routes; the carriers to tell, if anything changed.
    pub(super) fn set_routes(
        &mut self,
        routes: Vec<RouteAnnouncement>,
    ) -> Vec<(Arc<Carrier>, Vec<Route>)> {
        if routes == self.routes {
            return Vec::new();
        }
        self.routes = routes;
        let routes = &self.routes;
        self.reports
            .retain(|port, _| routes.iter().any(|route| route.port == *port));
        let told = self.wire_routes();
        let carriers = self.session.iter().flat_map(|session| &session.carriers);
        carriers
            .map(|carrier| (carrier.clone(), told.clone()))
            .collect()
    }

    pub(super) fn wire_routes(&self) -> Vec<Route> {
        self.routes
            .iter()
            .take(MAX_ROUTES)
            .map(|route| route.to_wire())
            .collect()
    }

    /// Keeps a report about a wanted port; whether it says something new.
    pub(super) fn record(&mut self, report: Report, at: Timestamp) -> bool {
        if !self.routes.iter().any(|route| route.port == report.port) {
            return false;
        }
        let known = self.reports.get(&report.port);
        if known.is_some_and(|k| k.state == report.state && k.detail == report.detail) {
            return false;
        }
        let since = known
            .filter(|known| known.state == report.state)
            .map_or(at, |k| k.since);
        let (state, detail) = (report.state, report.detail);
        self.reports.insert(
            report.port,
            PortReport {
                state,
                since,
                detail,
            },
        );
        true
    }

    pub(super) fn carriers(&self) -> impl Iterator<Item = Arc<Carrier>> {
        let of_session = self.session.iter().flat_map(|session| &session.carriers);
        of_session.chain(&self.leaving).cloned()
    }

    pub(super) fn status(&self) -> AgentStatus {
        let session = self.session.as_ref();
        AgentStatus {
            connected_since: session.map(|session| session.since),
            offline_since: self.offline_since,
            carriers: session.map_or(0, |session| session.carriers.len()),
            streams: session.map_or(0, Session::streams),
            rtt: session.and_then(Session::rtt),
            version: session.map(|session| session.version.clone()),
            reports: self.reports.clone(),
            refused_second_instance: self.refused_second_instance,
        }
    }
}

impl Session {
    /// Whether another process must stay out: something was heard lately on a carrier that
    /// did not say goodbye.
    fn is_alive(&self) -> bool {
        let now = now();
        self.carriers.iter().any(|carrier| {
            carrier.with(|connection| {
                let silence = now.saturating_duration_since(connection.last_received());
                connection.takes_streams() && silence < STALE_AFTER
            })
        })
    }

    fn streams(&self) -> usize {
        self.carriers
            .iter()
            .map(|carrier| carrier.with(|c| c.open_streams()))
            .sum()
    }

    fn rtt(&self) -> Option<std::time::Duration> {
        self.carriers
            .iter()
            .filter_map(|carrier| carrier.with(|c| c.rtt()))
            .min()
    }
}
