//! Refused tries, one line each, in a form that fail2ban can rest on.
//!
//! A line holds two things: the word of a [`SecurityEvent`] and the network that it came from, as
//! the socket told it. Nothing that a stranger wrote stands in it, and every other line begins
//! with a target of its own, so nobody can make a line that tells of somebody else. The form
//! stands in `docs/security-events.md`.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use portlama_access::NotIdentified;
use portlama_auth::Network;

use crate::rate::Windows;

/// Lines about one kind of event from one network in a [`WINDOW`](crate::rate::WINDOW): as many
/// as the installed jail counts before it bans, so that a guesser is out at once.
pub const SECURITY_LINES_PER_MINUTE: u32 = 30;
/// Lines about all networks together in a [`WINDOW`](crate::rate::WINDOW). A sixth of what
/// journald takes from one service by itself (10,000 in 30 s), so that a flood from many
/// addresses loses none of the other lines.
pub const ALL_SECURITY_LINES_PER_MINUTE: u32 = 3_000;
/// How long a network is known after its last good certificate: an admin who works every day
/// stays known.
pub const KNOWN_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// Networks that are known at a time, agents' homes included; about 50 kB.
pub const MAX_KNOWN_NETWORKS: usize = 1_000;

/// What was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecurityEvent {
    /// A name and a password that don't belong together.
    WrongPassword,
    /// A one-time code of a user.
    WrongCode,
    /// A sign-in after too many wrong ones; nothing was checked.
    HeldUp,
    /// A one-time code of the admin at the panel.
    WrongPanelCode,
    /// A token of no invitation.
    WrongInvitation,
    /// An enrolment token that lets nobody in.
    WrongToken,
    /// A client certificate that this server's authority did not make.
    ForeignCertificate,
    /// A client certificate of ours that counts no more. Its owner is no guesser: an agent that
    /// was revoked asks again and again from a household that visits the apps.
    StaleCertificate,
    /// A request beyond the limit.
    TooManyRequests,
}

impl SecurityEvent {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::WrongPassword,
        Self::WrongCode,
        Self::HeldUp,
        Self::WrongPanelCode,
        Self::WrongInvitation,
        Self::WrongToken,
        Self::ForeignCertificate,
        Self::StaleCertificate,
        Self::TooManyRequests,
    ];

    /// Its word in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::WrongPassword => "wrong-password",
            Self::WrongCode => "wrong-code",
            Self::HeldUp => "held-up",
            Self::WrongPanelCode => "wrong-panel-code",
            Self::WrongInvitation => "wrong-invitation",
            Self::WrongToken => "wrong-token",
            Self::ForeignCertificate => "foreign-certificate",
            Self::StaleCertificate => "stale-certificate",
            Self::TooManyRequests => "too-many-requests",
        }
    }

    /// What a certificate that is nobody's counts as, if one was shown.
    #[must_use]
    pub fn of_certificate(why: &NotIdentified) -> Option<Self> {
        match why {
            NotIdentified::NoCertificate => None,
            NotIdentified::Untrusted(_) => Some(Self::ForeignCertificate),
            NotIdentified::NotYetValid
            | NotIdentified::Expired
            | NotIdentified::Revoked
            | NotIdentified::Nobody => Some(Self::StaleCertificate),
        }
    }
}

/// Writes the lines, and knows whose networks a ban would hurt.
///
/// Tunnels come from homes, and visitors may live there, too: a ban of that address would take
/// every app away. So lines about networks with a good certificate say `known`, which the
/// installed filter passes over; the server's own limits hold there as everywhere.
pub struct SecurityLog {
    lines: Mutex<Lines>,
    known: Mutex<HashMap<Network, Known>>,
}

struct Lines {
    each: Windows<(Network, SecurityEvent)>,
    all: Windows<()>,
}

#[derive(Clone, Copy)]
struct Known {
    carriers: u32,
    seen: Instant,
}

/// A network that is known as long as this lives, and for [`KNOWN_FOR`] after it.
pub struct Vouched {
    log: Arc<SecurityLog>,
    network: Network,
}

impl Default for SecurityLog {
    fn default() -> Self {
        Self {
            lines: Mutex::new(Lines {
                each: Windows::new(SECURITY_LINES_PER_MINUTE),
                all: Windows::new(ALL_SECURITY_LINES_PER_MINUTE),
            }),
            known: Mutex::default(),
        }
    }
}

impl SecurityLog {
    /// Tells of a refused try. `from` is the address of the socket.
    pub fn refused(&self, event: SecurityEvent, from: impl Into<Network>) {
        if let Some(line) = self.line(event, from.into(), Instant::now()) {
            tracing::warn!(target: "portlama::security", "{line}");
        }
    }

    /// Tells of a certificate that is nobody's.
    pub fn refused_certificate(&self, why: &NotIdentified, from: impl Into<Network>) {
        if let Some(event) = SecurityEvent::of_certificate(why) {
            self.refused(event, from);
        }
    }

    /// Somebody with a good certificate, and the code where one is asked for, came from here.
    pub fn vouch(&self, from: IpAddr) {
        self.know(from.into(), 0, Instant::now());
    }

    /// The same for a connection that stays.
    #[must_use]
    pub fn vouch_while(self: &Arc<Self>, from: IpAddr) -> Vouched {
        let network = from.into();
        self.know(network, 1, Instant::now());
        Vouched {
            log: Arc::clone(self),
            network,
        }
    }

    fn line(&self, event: SecurityEvent, from: Network, now: Instant) -> Option<String> {
        let mut lines = self.lines.lock();
        // In this order: what one network has too many of takes nothing from the others.
        lines.each.count((from, event), now).check().ok()?;
        lines.all.count((), now).check().ok()?;
        let known = if self.knows(from, now) { "known " } else { "" };
        Some(format!("refused {} from {known}{from}", event.word()))
    }

    fn knows(&self, network: Network, now: Instant) -> bool {
        if is_loopback(network) {
            return true;
        }
        let known = self.known.lock();
        known.get(&network).is_some_and(|known| known.counts(now))
    }

    fn know(&self, network: Network, carriers: u32, now: Instant) {
        let mut known = self.known.lock();
        if known.len() >= MAX_KNOWN_NETWORKS && !known.contains_key(&network) {
            known.retain(|_, known| known.counts(now));
            if known.len() >= MAX_KNOWN_NETWORKS {
                let away = known.iter().filter(|(_, known)| known.carriers == 0);
                let oldest = away.min_by_key(|(_, known)| known.seen);
                let Some(oldest) = oldest.map(|(network, _)| *network) else {
                    return;
                };
                known.remove(&oldest);
            }
        }
        let known = known.entry(network).or_insert(Known {
            carriers: 0,
            seen: now,
        });
        known.carriers = known.carriers.saturating_add(carriers);
        known.seen = now;
    }
}

/// The server itself, which nobody can shut out.
fn is_loopback(network: Network) -> bool {
    match network {
        Network::V4(address) => address.is_loopback(),
        // `::1` is all that is used of it.
        Network::V6(prefix) => prefix == 0,
    }
}

impl Known {
    fn counts(&self, now: Instant) -> bool {
        self.carriers > 0 || now.saturating_duration_since(self.seen) < KNOWN_FOR
    }
}

impl Drop for Vouched {
    fn drop(&mut self) {
        if let Some(known) = self.log.known.lock().get_mut(&self.network) {
            known.carriers = known.carriers.saturating_sub(1);
            known.seen = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    fn line(log: &SecurityLog, event: SecurityEvent, from: &str, now: Instant) -> Option<String> {
        let from: IpAddr = from.parse().expect("an address");
        log.line(event, from.into(), now)
    }

    #[test]
    fn a_line_is_a_word_and_a_network() {
        let (log, now) = (SecurityLog::default(), Instant::now());
        for (from, network) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ] {
            let said = line(&log, SecurityEvent::WrongPassword, from, now);
            assert_eq!(said, Some(format!("refused wrong-password from {network}")));
        }
    }

    #[test]
    fn one_network_fills_no_log_and_takes_no_line_from_others() {
        let (log, now) = (SecurityLog::default(), Instant::now());
        let tell = |from, at| line(&log, SecurityEvent::WrongCode, from, at);
        let told = (0..10_000).filter_map(|_| tell("192.0.2.7", now)).count();
        assert_eq!(told, 30);
        assert!(tell("192.0.2.8", now).is_some());
        assert!(line(&log, SecurityEvent::HeldUp, "192.0.2.7", now).is_some());
        assert!(tell("192.0.2.7", now + crate::rate::WINDOW).is_some());
    }

    #[test]
    fn many_networks_together_fill_no_log_either() {
        let (log, now) = (SecurityLog::default(), Instant::now());
        let told = (0..20_000_u32).filter(|n| {
            let from = IpAddr::from(std::net::Ipv4Addr::from_bits(0x0a00_0000 + n));
            log.line(SecurityEvent::WrongCode, from.into(), now)
                .is_some()
        });
        assert_eq!(told.count(), 3_000);
    }

    #[test]
    fn the_network_of_a_tunnel_is_known_while_it_stands_and_for_a_day() {
        let log = Arc::new(SecurityLog::default());
        let now = Instant::now();
        let known = |after| {
            let said = line(&log, SecurityEvent::WrongCode, "192.0.2.7", now + after);
            said.expect("a line").contains("from known 192.0.2.7")
        };
        assert!(!known(Duration::ZERO));
        let stands = log.vouch_while(HOME);
        assert!(known(10 * KNOWN_FOR));
        drop(stands);
        assert!(known(KNOWN_FOR / 2));
        assert!(!known(2 * KNOWN_FOR));
        log.vouch(HOME);
        assert!(known(KNOWN_FOR / 2));
    }

    #[test]
    fn a_crowd_of_known_networks_pushes_no_tunnel_out() {
        let log = Arc::new(SecurityLog::default());
        let stands = log.vouch_while(HOME);
        for n in 0..5_000_u32 {
            log.vouch(std::net::Ipv4Addr::from_bits(0x0a00_0000 + n).into());
        }
        assert_eq!(log.known.lock().len(), MAX_KNOWN_NETWORKS);
        assert!(log.knows(HOME.into(), Instant::now() + 2 * KNOWN_FOR));
        drop(stands);
    }

    #[test]
    fn the_server_itself_is_known() {
        let (log, now) = (SecurityLog::default(), Instant::now());
        for from in ["127.0.0.1", "::1"] {
            let said = line(&log, SecurityEvent::WrongCode, from, now).expect("a line");
            assert!(said.contains("from known"), "{said}");
        }
    }

    #[test]
    fn a_revoked_agent_is_no_guesser() {
        use SecurityEvent::{ForeignCertificate, StaleCertificate};
        for (why, event) in [
            (NotIdentified::NoCertificate, None),
            (NotIdentified::Revoked, Some(StaleCertificate)),
            (NotIdentified::Nobody, Some(StaleCertificate)),
            (
                NotIdentified::Untrusted("another authority".to_owned()),
                Some(ForeignCertificate),
            ),
        ] {
            assert_eq!(SecurityEvent::of_certificate(&why), event, "{why}");
        }
    }
}
