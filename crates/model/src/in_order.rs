//! Following one sorted map through another.

use std::cmp::Ordering;
use std::collections::btree_map::{BTreeMap, Iter};
use std::iter::Peekable;

/// Finds keys that are asked for in ascending order. All questions together cost one walk through
/// the map instead of a search each: two maps with thousands of hosts that are mostly the same
/// are compared after every change.
#[derive(Debug)]
pub struct InOrder<'a, K, V>(Peekable<Iter<'a, K, V>>);

impl<'a, K: Ord, V> InOrder<'a, K, V> {
    /// From the beginning of `map`.
    #[must_use]
    pub fn new(map: &'a BTreeMap<K, V>) -> Self {
        Self(map.iter().peekable())
    }

    /// The value of `key`, which is greater than every key that was asked for before.
    pub fn get(&mut self, key: &K) -> Option<&'a V> {
        while let Some((next, value)) = self.0.peek() {
            match (*next).cmp(key) {
                Ordering::Less => self.0.next(),
                Ordering::Equal => return Some(value),
                Ordering::Greater => return None,
            };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn finds_what_a_search_finds(
            map: BTreeMap<u8, u8>,
            asked: std::collections::BTreeSet<u8>,
        ) {
            let mut in_order = InOrder::new(&map);
            for key in asked {
                proptest::prop_assert_eq!(in_order.get(&key), map.get(&key));
            }
        }
    }
}
