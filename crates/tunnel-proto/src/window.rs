//! The receiving side's window of one stream: what the other end may send, and how it grows.

use std::time::{Duration, Instant};

use crate::limits::{INITIAL_WINDOW_BYTES, MAX_WINDOW_BYTES, SHRINK_AFTER, TUNING_RTT_FLOOR};
use crate::{Budget, CloseCode};

/// Credit given to the other end.
///
/// Credit returns when half a window was read. A window of which half is read within two round
/// trips held the sender up, so it doubles while the budget lasts; a slow one gives back.
#[derive(Debug)]
pub(crate) struct RecvWindow {
    /// What the other end may have under way or unread here.
    size: u32,
    /// What it may still send.
    allowed: u32,
    /// What was read and not yet allowed again.
    returnable: u32,
    /// When the first octet of the present half was read.
    reading_since: Option<Instant>,
    /// What was taken from the budget.
    grown: u32,
}

impl RecvWindow {
    pub(crate) fn new(size: u32) -> Self {
        Self {
            size,
            allowed: size,
            returnable: 0,
            reading_since: None,
            grown: 0,
        }
    }

    /// What the other end may still send.
    pub(crate) fn allowed(&self) -> u32 {
        self.allowed
    }

    /// Counts received octets.
    pub(crate) fn receive(&mut self, bytes: u32) -> Result<(), CloseCode> {
        self.allowed = self
            .allowed
            .checked_sub(bytes)
            .ok_or(CloseCode::WindowOverflow)?;
        Ok(())
    }

    /// Counts octets that were read here; the credit to send, if any.
    pub(crate) fn read(
        &mut self,
        bytes: u32,
        now: Instant,
        rtt: Duration,
        budget: &Budget,
    ) -> Option<u32> {
        self.returnable = self.returnable.saturating_add(bytes);
        let since = *self.reading_since.get_or_insert(now);
        if self.returnable < self.size / 2 {
            return None;
        }
        let mut credit = self.returnable;
        let elapsed = now.saturating_duration_since(since);
        if elapsed < 2 * rtt.max(TUNING_RTT_FLOOR) {
            credit += self.try_double(budget);
        } else if elapsed > SHRINK_AFTER {
            credit -= self.halve(budget);
        }
        self.returnable = 0;
        self.reading_since = None;
        self.allowed += credit;
        (credit > 0).then_some(credit)
    }

    fn try_double(&mut self, budget: &Budget) -> u32 {
        let more = self.size;
        if self.size > MAX_WINDOW_BYTES / 2 || !budget.try_grow(more as usize) {
            return 0;
        }
        self.size += more;
        self.grown += more;
        more
    }

    /// What the window lost; never more than half, which is what was just read.
    fn halve(&mut self, budget: &Budget) -> u32 {
        let less = (self.size / 2).min(self.grown);
        if self.size - less < INITIAL_WINDOW_BYTES {
            return 0;
        }
        self.size -= less;
        self.grown -= less;
        budget.shrink(less as usize);
        less
    }

    /// Gives back what was taken from the budget.
    pub(crate) fn release(&mut self, budget: &Budget) {
        budget.shrink(std::mem::take(&mut self.grown) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(20);

    fn window_after(reads: usize, pause: Duration, budget: &Budget) -> RecvWindow {
        let mut window = RecvWindow::new(INITIAL_WINDOW_BYTES);
        read_on(&mut window, reads, pause, budget);
        window
    }

    fn read_on(window: &mut RecvWindow, reads: usize, pause: Duration, budget: &Budget) {
        let mut now = Instant::now();
        for _ in 0..reads {
            let bytes = window.allowed().min(16 * 1024);
            window.receive(bytes).expect("allowed");
            window.read(bytes, now, RTT, budget);
            now += pause;
        }
    }

    #[test]
    fn a_window_that_is_emptied_fast_grows_to_the_limit() {
        let budget = Budget::for_process();
        let mut window = window_after(2000, Duration::from_micros(10), &budget);
        assert_eq!(window.size, MAX_WINDOW_BYTES);
        window.release(&budget);
        assert_eq!(budget.grown(), 0);
    }

    #[test]
    fn a_window_that_is_read_slowly_stays_and_shrinks() {
        let budget = Budget::for_process();
        assert_eq!(
            window_after(100, Duration::from_millis(100), &budget).size,
            INITIAL_WINDOW_BYTES
        );
        let mut window = window_after(2000, Duration::from_micros(10), &budget);
        read_on(&mut window, 5000, Duration::from_secs(1), &budget);
        assert_eq!(window.size, INITIAL_WINDOW_BYTES);
        assert_eq!(budget.grown(), 0);
    }

    #[test]
    fn windows_of_one_agent_grow_within_its_budget() {
        let process = Budget::for_process();
        let agent = process.for_agent();
        let windows: Vec<_> = (0..20)
            .map(|_| window_after(2000, Duration::from_micros(10), &agent))
            .collect();
        assert!(agent.grown() <= crate::AGENT_BUDGET_BYTES);
        assert_eq!(process.grown(), agent.grown());
        assert_eq!(windows.last().map(|w| w.size), Some(INITIAL_WINDOW_BYTES));
    }

    #[test]
    fn more_than_allowed_is_an_overflow() {
        let mut window = RecvWindow::new(10);
        assert_eq!(window.receive(10), Ok(()));
        assert_eq!(window.receive(1), Err(CloseCode::WindowOverflow));
    }
}
