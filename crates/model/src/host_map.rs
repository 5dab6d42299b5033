//! A map by host name of which a changed copy shares nearly everything.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::Hostname;

/// Into how many parts the names are divided. With ten thousand of them a part has about 40, and
/// a copy is no more than this many pointers.
const PARTS: usize = 256;

/// A map by host name for what is replaced whole with every change: the copy that a change makes
/// shares all but the part in which it changes something, and [`changed`](Self::changed) looks
/// at no other part. A server has thousands of hosts, of which a change concerns one.
#[derive(Clone)]
pub struct HostMap<V> {
    /// Each name lies in the part that its hash says; none where nothing lies yet.
    parts: Vec<Option<Arc<BTreeMap<Hostname, V>>>>,
    len: usize,
}

impl<V> HostMap<V> {
    /// Without any host.
    #[must_use]
    pub fn new() -> Self {
        Self {
            parts: Vec::new(),
            len: 0,
        }
    }

    /// How many hosts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What belongs to this name.
    pub fn get(&self, host: &(impl Borrow<str> + ?Sized)) -> Option<&V> {
        let host = host.borrow();
        self.part(place_of(host))?.get(host)
    }

    /// Whether there is such a host.
    pub fn contains_key(&self, host: &(impl Borrow<str> + ?Sized)) -> bool {
        self.get(host).is_some()
    }

    /// Every host, in the order of names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Hostname, &V)> {
        let mut all: Vec<_> = self
            .parts
            .iter()
            .flatten()
            .flat_map(|part| &**part)
            .collect();
        all.sort_unstable_by_key(|(host, _)| *host);
        all.into_iter()
    }

    /// Every name, in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Hostname> {
        self.iter().map(|(host, _)| host)
    }

    /// What belongs to every host, in the order of names.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// The names that only one of the two maps has, or that `same` tells apart. Parts that both
    /// share are not looked at.
    pub fn changed<'a>(
        &'a self,
        other: &'a Self,
        same: impl Fn(&V, &V) -> bool,
    ) -> Vec<&'a Hostname> {
        let mut changed = Vec::new();
        for place in 0..PARTS {
            let parts = [self.part(place), other.part(place)];
            if let [Some(one), Some(two)] = parts
                && std::ptr::eq(one, two)
            {
                continue;
            }
            let [one, two] = parts.map(|part| part.into_iter().flatten());
            let differs = |(host, value): &(&'a Hostname, &'a V)| {
                let theirs = other.get(*host);
                !theirs.is_some_and(|theirs| same(value, theirs))
            };
            changed.extend(one.filter(differs).map(|(host, _)| host));
            let added = two.map(|(host, _)| host);
            changed.extend(added.filter(|host| !self.contains_key(*host)));
        }
        changed
    }

    fn part(&self, place: usize) -> Option<&BTreeMap<Hostname, V>> {
        self.parts.get(place)?.as_deref()
    }
}

impl<V: Clone> HostMap<V> {
    /// Puts a host in; answers what it had before.
    pub fn insert(&mut self, host: Hostname, value: V) -> Option<V> {
        let place = place_of(host.as_str());
        if self.parts.is_empty() {
            self.parts = vec![None; PARTS];
        }
        let part = self.parts.get_mut(place)?.get_or_insert_default();
        let before = Arc::make_mut(part).insert(host, value);
        self.len += usize::from(before.is_none());
        before
    }

    /// Takes a host out; answers what it had.
    pub fn remove(&mut self, host: &(impl Borrow<str> + ?Sized)) -> Option<V> {
        let host = host.borrow();
        if !self.contains_key(host) {
            return None;
        }
        let part = self.parts.get_mut(place_of(host))?.as_mut()?;
        let before = Arc::make_mut(part).remove(host);
        self.len -= usize::from(before.is_some());
        before
    }
}

fn place_of(host: &str) -> usize {
    let mut hasher = DefaultHasher::new();
    host.hash(&mut hasher);
    // The remainder is smaller than the number of parts, which is a usize.
    (hasher.finish() % PARTS as u64) as usize
}

impl<V: PartialEq> PartialEq for HostMap<V> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.changed(other, PartialEq::eq).is_empty()
    }
}

impl<V: Eq> Eq for HostMap<V> {}

impl<V: std::fmt::Debug> std::fmt::Debug for HostMap<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<V> Default for HostMap<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V: Clone> FromIterator<(Hostname, V)> for HostMap<V> {
    fn from_iter<I: IntoIterator<Item = (Hostname, V)>>(hosts: I) -> Self {
        let mut map = Self::new();
        map.extend(hosts);
        map
    }
}

impl<V: Clone> Extend<(Hostname, V)> for HostMap<V> {
    fn extend<I: IntoIterator<Item = (Hostname, V)>>(&mut self, hosts: I) {
        for (host, value) in hosts {
            self.insert(host, value);
        }
    }
}

impl<V> std::ops::Index<&Hostname> for HostMap<V> {
    type Output = V;

    /// # Panics
    /// When there is no such host.
    #[expect(
        clippy::expect_used,
        reason = "an index promises that the host is there"
    )]
    fn index(&self, host: &Hostname) -> &V {
        self.get(host).expect("no such host")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn host(number: u8) -> Hostname {
        let name = format!("app-{number}.lab.example.org");
        name.parse().expect("a name")
    }

    fn filled(map: &BTreeMap<u8, u8>) -> HostMap<u8> {
        let hosts = map.iter().map(|(number, value)| (host(*number), *value));
        hosts.collect()
    }

    proptest! {
        #[test]
        fn it_is_a_map(mut model: BTreeMap<u8, u8>, changes: Vec<(u8, Option<u8>)>) {
            let mut map = filled(&model);
            for (number, value) in changes {
                let name = host(number);
                match value {
                    Some(value) => prop_assert_eq!(map.insert(name, value), model.insert(number, value)),
                    None => prop_assert_eq!(map.remove(&name), model.remove(&number)),
                }
                prop_assert_eq!(map.len(), model.len());
            }
            for number in 0..=u8::MAX {
                prop_assert_eq!(map.get(&host(number)), model.get(&number));
            }
            let mut all: Vec<_> = model.iter().map(|(number, value)| (host(*number), *value)).collect();
            all.sort();
            prop_assert!(map.iter().map(|(host, value)| (host.clone(), *value)).eq(all));
        }

        #[test]
        fn what_changed_is_what_differs(
            before: BTreeMap<u8, u8>,
            changes: Vec<(u8, Option<u8>)>,
            other: Option<BTreeMap<u8, u8>>,
        ) {
            let before = filled(&before);
            let mut after = other.as_ref().map_or_else(|| before.clone(), filled);
            for (number, value) in changes {
                match value {
                    Some(value) => drop(after.insert(host(number), value)),
                    None => drop(after.remove(&host(number))),
                }
            }
            let differing = (0..=u8::MAX).map(host).filter(|host| before.get(host) != after.get(host));
            let changed = before.changed(&after, |one, two| one == two);
            prop_assert_eq!(changed.len(), changed.iter().collect::<BTreeSet<_>>().len());
            prop_assert_eq!(changed.into_iter().cloned().collect::<BTreeSet<_>>(), differing.collect());
        }
    }
}
