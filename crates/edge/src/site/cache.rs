//! Compressed files, kept for the next visitor.

use std::collections::HashMap;

use bytes::Bytes;
use parking_lot::Mutex;

use super::folder::Fingerprint;
use crate::limits::{COMPRESSED_CACHE_BYTES, COMPRESSED_ENTRY_OVERHEAD_BYTES};

/// The compressed forms of the files asked for last, within [`COMPRESSED_CACHE_BYTES`].
///
/// Keyed by the version of the file, so that a replaced file is never answered with what it was.
#[derive(Default)]
pub(crate) struct Cache(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    files: HashMap<Fingerprint, Compressed>,
    bytes: usize,
    uses: u64,
}

struct Compressed {
    octets: Bytes,
    last_use: u64,
}

impl Cache {
    pub(crate) fn get(&self, version: &Fingerprint) -> Option<Bytes> {
        let mut kept = self.0.lock();
        kept.uses += 1;
        let uses = kept.uses;
        let file = kept.files.get_mut(version)?;
        file.last_use = uses;
        Some(file.octets.clone())
    }

    /// Keeps a file, and lets go of those that were not used for longest.
    pub(crate) fn keep(&self, version: Fingerprint, octets: Bytes) {
        if cost(&octets) > COMPRESSED_CACHE_BYTES {
            return;
        }
        let mut kept = self.0.lock();
        kept.uses += 1;
        let last_use = kept.uses;
        kept.bytes += cost(&octets);
        let replaced = kept.files.insert(version, Compressed { octets, last_use });
        if let Some(replaced) = replaced {
            kept.bytes -= cost(&replaced.octets);
        }
        while kept.bytes > COMPRESSED_CACHE_BYTES {
            let oldest = kept.files.iter().min_by_key(|(_, file)| file.last_use);
            let Some(oldest) = oldest.map(|(version, _)| *version) else {
                return;
            };
            if let Some(gone) = kept.files.remove(&oldest) {
                kept.bytes -= cost(&gone.octets);
            }
        }
    }
}

fn cost(octets: &Bytes) -> usize {
    octets.len() + COMPRESSED_ENTRY_OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: u8) -> Fingerprint {
        Fingerprint::from_bytes([number; 16])
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let cache = Cache::default();
        let third = Bytes::from(vec![
            0;
            COMPRESSED_CACHE_BYTES / 3
                - COMPRESSED_ENTRY_OVERHEAD_BYTES
        ]);
        for number in 1..=3 {
            cache.keep(version(number), third.clone());
        }
        assert!(cache.get(&version(1)).is_some());
        cache.keep(version(4), third);
        assert!(cache.get(&version(2)).is_none());
        for number in [1, 3, 4] {
            assert!(cache.get(&version(number)).is_some(), "{number}");
        }
    }

    #[test]
    fn the_budget_holds_whatever_is_kept() {
        let cache = Cache::default();
        cache.keep(version(0), Bytes::from(vec![0; COMPRESSED_CACHE_BYTES]));
        assert!(cache.get(&version(0)).is_none());
        for number in 1..=255 {
            cache.keep(
                version(number),
                Bytes::from(vec![0; usize::from(number) * 1000]),
            );
            cache.keep(
                version(number),
                Bytes::from(vec![0; usize::from(number) * 999]),
            );
            let kept = cache.0.lock();
            let sum: usize = kept.files.values().map(|file| cost(&file.octets)).sum();
            assert_eq!(sum, kept.bytes);
            assert!(sum <= COMPRESSED_CACHE_BYTES);
        }
    }
}
