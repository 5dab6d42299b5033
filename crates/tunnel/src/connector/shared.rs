//! What the tasks of a connector share: the session, its carriers, the routes, the status.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use portlama_model::{Timestamp, TunnelPort};
use portlama_tunnel_proto::{
    Budget, Config, Connection, Detail, GoAwayReason, InstanceId, PortState, Report, Route,
    SessionNumber,
};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Transport;
use crate::carrier::{Carrier, now};
use crate::dial::Dial;
use crate::limits::AGENT_GRACE;
use crate::{CarrierKind, ConnectorStatus, OriginDialer, PortReport, RouteStatus};

pub(super) struct Shared {
    pub(super) dial: Arc<dyn Dial>,
    pub(super) transport: Transport,
    pub(super) carriers_wanted: usize,
    pub(super) origins: Arc<dyn OriginDialer>,
    pub(super) status: watch::Sender<ConnectorStatus>,
    pub(super) recheck: Arc<Notify>,
    /// Counts up when all carriers are to be replaced: what they show has been renewed.
    pub(super) generation: watch::Sender<u64>,
    /// Cancelled when the connector has stopped: no carrier may outlive it.
    pub(super) stop: CancellationToken,
    software: String,
    instance: InstanceId,
    budget: Budget,
    session: Mutex<Session>,
}

/// The carriers of the present session. The number changes when the last one is gone, so that
/// the server can tell a new beginning from one more carrier.
struct Session {
    number: SessionNumber,
    /// Carriers that have this number, greeted or not.
    begun: usize,
    /// Carriers the server greeted, each with the generation in which it was dialled.
    live: Vec<(u64, Arc<Carrier>)>,
}

impl Session {
    /// The carriers of all generations but the newest.
    fn older(&self) -> Vec<Arc<Carrier>> {
        let newest = self.live.iter().map(|(number, _)| *number).max();
        let older = self
            .live
            .iter()
            .filter(|(number, _)| Some(*number) != newest);
        older.map(|(_, carrier)| carrier.clone()).collect()
    }
}

impl Shared {
    pub(super) fn new(
        dial: Arc<dyn Dial>,
        transport: Transport,
        carriers: usize,
        software: &str,
        origins: Arc<dyn OriginDialer>,
    ) -> Self {
        let mut instance = [0; 16];
        // Without randomness the instance is that of every such process, and the server still
        // works: it only cannot tell them apart.
        let _ = getrandom::fill(&mut instance);
        Self {
            dial,
            transport,
            carriers_wanted: carriers.max(1),
            origins,
            status: watch::Sender::default(),
            recheck: Arc::default(),
            generation: watch::Sender::new(0),
            stop: CancellationToken::new(),
            software: software.to_owned(),
            instance: InstanceId(instance),
            budget: Budget::for_process().for_agent(),
            session: Mutex::new(Session {
                number: SessionNumber(1),
                begun: 0,
                live: Vec::new(),
            }),
        }
    }

    /// A new carrier of the present session.
    pub(super) fn begin_carrier(&self) -> Arc<Carrier> {
        let mut session = self.session.lock();
        session.begun += 1;
        let config = Config::agent(&self.software, self.instance, session.number);
        Carrier::new(Connection::new(config, self.budget.clone(), now()))
    }

    /// The server greeted a carrier. Carriers of older generations take no new streams from
    /// here on, and end with their last one.
    pub(super) fn carrier_is_live(
        &self,
        carrier: &Arc<Carrier>,
        generation: u64,
        kind: CarrierKind,
        server_version: String,
    ) {
        let (carriers, older) = {
            let mut session = self.session.lock();
            session.live.push((generation, carrier.clone()));
            (session.live.len(), session.older())
        };
        for carrier in older {
            carrier.with(|connection| connection.go_away(GoAwayReason::Retired, Duration::ZERO));
        }
        self.status.send_modify(|status| {
            status.connected_since.get_or_insert_with(wall_clock);
            status.carriers = carriers;
            status.last_error = None;
            status.transport = Some(kind);
            status.server_version = Some(server_version);
        });
        for report in self.reports() {
            carrier.with(|connection| connection.report(report));
        }
    }

    /// A carrier of [`begin_carrier`](Self::begin_carrier) ended.
    pub(super) fn carrier_ended(&self, carrier: &Arc<Carrier>) {
        let carriers = {
            let mut session = self.session.lock();
            session
                .live
                .retain(|(_, other)| !Arc::ptr_eq(other, carrier));
            session.begun -= 1;
            if session.begun == 0 {
                session.number.0 += 1;
            }
            session.live.len()
        };
        self.status.send_modify(|status| {
            status.carriers = carriers;
            if carriers == 0 {
                status.connected_since = None;
                status.transport = None;
                status.rtt = None;
            }
        });
    }

    /// Replaces all carriers: the new ones first.
    pub(super) fn redial(&self) {
        self.generation.send_modify(|number| *number += 1);
    }

    /// Waits until carriers of this generation are to be replaced.
    pub(super) async fn renewed_since(&self, generation: u64) {
        let mut present = self.generation.subscribe();
        // The sender lives in `self`.
        let _ = present.wait_for(|number| *number != generation).await;
    }

    pub(super) fn failed(&self, reason: String) {
        self.status
            .send_modify(|status| status.last_error = Some(reason));
    }

    pub(super) fn is_connected(&self) -> bool {
        !self.session.lock().live.is_empty()
    }

    /// Waits until any carrier lives.
    pub(super) async fn connected(&self) {
        let mut status = self.status.subscribe();
        // The sender lives in `self`.
        let _ = status.wait_for(|status| status.carriers > 0).await;
    }

    /// Takes over the ports the server wants; whether they changed.
    pub(super) fn set_routes(&self, routes: &[Route]) {
        let changed = self.status.send_if_modified(|status| {
            let mut known = std::mem::take(&mut status.routes);
            let fresh: BTreeMap<_, _> = routes
                .iter()
                .map(|route| {
                    let report = known
                        .remove(&route.port)
                        .filter(|k| k.scheme == route.scheme)
                        .and_then(|k| k.report);
                    (
                        route.port,
                        RouteStatus {
                            scheme: route.scheme,
                            report,
                        },
                    )
                })
                .collect();
            let changed = !known.is_empty() || fresh.values().any(|route| route.report.is_none());
            status.routes = fresh;
            changed
        });
        if changed {
            self.recheck.notify_one();
        }
    }

    /// Notes how a wanted port fares, and tells the server what is new.
    pub(super) fn observe(&self, port: TunnelPort, state: PortState, detail: Detail) {
        let changed = self.status.send_if_modified(|status| {
            let Some(route) = status.routes.get_mut(&port) else {
                return false;
            };
            let known = route.report.as_ref();
            if known.is_some_and(|k| k.state == state && k.detail == detail) {
                return false;
            }
            let since = known
                .filter(|k| k.state == state)
                .map_or_else(wall_clock, |k| k.since);
            route.report = Some(PortReport {
                state,
                since,
                detail: detail.clone(),
            });
            true
        });
        // The newest: older ones may lead to a server that is about to end.
        let carrier = self.session.lock().live.last().cloned();
        if changed && let Some((_, carrier)) = carrier {
            carrier.with(|connection| {
                connection.report(Report {
                    port,
                    state,
                    detail,
                })
            });
        }
    }

    fn reports(&self) -> Vec<Report> {
        let status = self.status.borrow();
        let known = status
            .routes
            .iter()
            .filter_map(|(port, route)| Some((port, route.report.as_ref()?)));
        known
            .map(|(port, report)| Report {
                port: *port,
                state: report.state,
                detail: report.detail.clone(),
            })
            .collect()
    }

    /// Brings the measured round trip into the status.
    pub(super) fn refresh_rtt(&self) {
        let carriers = self.session.lock().live.clone();
        let rtts = carriers.iter().filter_map(|(_, c)| c.with(|c| c.rtt()));
        let rtt: Option<Duration> = rtts.min();
        self.status
            .send_if_modified(|status| std::mem::replace(&mut status.rtt, rtt) != rtt);
    }

    /// Lets open streams end, then closes.
    pub(super) async fn say_goodbye(&self) {
        let carriers = self.session.lock().live.clone();
        for (_, carrier) in &carriers {
            carrier.with(|c| c.go_away(GoAwayReason::Restart, Duration::ZERO));
        }
        let mut status = self.status.subscribe();
        let _ = timeout(AGENT_GRACE, status.wait_for(|status| status.carriers == 0)).await;
        self.stop.cancel();
    }
}

pub(super) fn wall_clock() -> Timestamp {
    SystemTime::now().into()
}
