//! How many connections there may be, in all and of one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::limits::{MAX_CONNECTIONS, MAX_CONNECTIONS_PER_ADDRESS};

/// Counts connections.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_network: HashMap<IpAddr, usize>,
}

/// One connection's place; dropping it makes room.
#[derive(Debug)]
pub(crate) struct Permit {
    admission: Arc<Admission>,
    network: IpAddr,
}

impl Admission {
    /// A place for a connection of `address`, while there is one.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Permit> {
        let network = network(address);
        let mut counts = self.counts.lock();
        if counts.all >= MAX_CONNECTIONS {
            return None;
        }
        let same = counts.by_network.entry(network).or_default();
        if *same >= MAX_CONNECTIONS_PER_ADDRESS {
            return None;
        }
        *same += 1;
        counts.all += 1;
        Some(Permit {
            admission: self.clone(),
            network,
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.admission.counts.lock();
        counts.all = counts.all.saturating_sub(1);
        if let Some(same) = counts.by_network.get_mut(&self.network) {
            *same -= 1;
            if *same == 0 {
                counts.by_network.remove(&self.network);
            }
        }
    }
}

/// What one party controls: an IPv4 address, or the first 64 bits of an IPv6 address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_cannot_take_every_place() {
        let admission = Arc::new(Admission::default());
        let place = |n: usize| format!("2001:db8::{n:x}").parse().expect("an address");
        let taken: Vec<_> = (0..MAX_CONNECTIONS_PER_ADDRESS)
            .map(|n| admission.admit(place(n)))
            .collect();
        assert!(taken.iter().all(Option::is_some));
        assert!(admission.admit(place(1)).is_none());
        let other = admission.admit([192, 0, 2, 1].into());
        assert!(other.is_some());
        drop(taken);
        assert!(admission.admit(place(1)).is_some());
        drop(other);
        assert_eq!(admission.counts.lock().all, 0);
    }

    #[test]
    fn mapped_addresses_are_the_same_as_plain_ones() {
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().expect("an address");
        assert_eq!(network(mapped), network([192, 0, 2, 1].into()));
    }
}
