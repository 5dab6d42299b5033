//! Whose turn it is to send.

use std::collections::VecDeque;

use crate::StreamId;
use crate::limits::{SMALL_SEND_BYTES, SMALL_SENDS_IN_A_ROW};

/// Two round-robin queues: streams with little to send go first, but bulk gets its turn after
/// [`SMALL_SENDS_IN_A_ROW`] of them.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    small: VecDeque<StreamId>,
    bulk: VecDeque<StreamId>,
    small_in_a_row: u32,
}

impl Schedule {
    /// Puts a stream with so many octets at the end of its queue.
    pub(crate) fn push(&mut self, stream: StreamId, queued: usize) {
        let queue = if queued <= SMALL_SEND_BYTES {
            &mut self.small
        } else {
            &mut self.bulk
        };
        queue.push_back(stream);
    }

    pub(crate) fn pop(&mut self) -> Option<StreamId> {
        let bulk_waited = self.small_in_a_row >= SMALL_SENDS_IN_A_ROW && !self.bulk.is_empty();
        if !bulk_waited && let Some(stream) = self.small.pop_front() {
            self.small_in_a_row += 1;
            return Some(stream);
        }
        self.small_in_a_row = 0;
        self.bulk.pop_front()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.small.is_empty() && self.bulk.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_goes_before_bulk_and_does_not_starve_it() {
        let mut schedule = Schedule::default();
        schedule.push(StreamId(1), 1 << 20);
        for id in 2..40 {
            schedule.push(StreamId(id), 10);
        }
        let order: Vec<_> = std::iter::from_fn(|| schedule.pop())
            .map(|id| id.0)
            .collect();
        assert_eq!(order.first(), Some(&2));
        assert_eq!(
            order.iter().position(|id| *id == 1),
            Some(SMALL_SENDS_IN_A_ROW as usize)
        );
    }
}
