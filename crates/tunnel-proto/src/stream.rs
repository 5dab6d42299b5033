//! The two halves of one stream.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::limits::MAX_PAYLOAD_BYTES;
use crate::window::RecvWindow;
use crate::{CloseCode, Detail, RefusalReason, ResetCode};

/// Why a stream cannot be used any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamFault {
    /// The agent did not open it; nothing was delivered.
    #[error("{0}: {1}")]
    Refused(RefusalReason, Detail),
    /// The other end gave it up.
    #[error("the other end reset the stream: {0}")]
    Reset(ResetCode),
    /// This end closed its sending half before.
    #[error("the sending half is closed")]
    Finished,
    /// The carrier ended.
    #[error("the carrier ended: {0}")]
    CarrierEnded(CloseCode),
    /// This end let go of it before.
    #[error("the stream is gone")]
    Gone,
}

/// What a read found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadOutcome {
    /// Octets.
    Data(Bytes),
    /// The other end's half ended in order.
    End,
    /// Nothing yet; [`Event::Readable`](crate::Event::Readable) follows.
    Blocked,
}

/// How far the opening of a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// The agent has not answered yet.
    Asked,
    /// The service was reached.
    Done,
}

/// How far the sending half's end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fin {
    /// More may follow.
    Open,
    /// The end follows the queue.
    Queued,
    /// The end was sent.
    Sent,
}

#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) opening: Opening,
    pub(crate) send: SendHalf,
    pub(crate) recv: RecvHalf,
    pub(crate) fault: Option<StreamFault>,
    /// The user has gone and left a queue to be sent.
    pub(crate) detached: bool,
}

#[derive(Debug)]
pub(crate) struct SendHalf {
    queue: VecDeque<Bytes>,
    pub(crate) queued: usize,
    /// Octets the other end allows beyond those queued.
    pub(crate) credit: u32,
    pub(crate) fin: Fin,
    /// Whether the stream stands in the schedule.
    pub(crate) scheduled: bool,
    /// Whether somebody waits for capacity.
    pub(crate) wanted: bool,
}

#[derive(Debug)]
pub(crate) struct RecvHalf {
    queue: VecDeque<Bytes>,
    pub(crate) window: RecvWindow,
    pub(crate) fin: bool,
    /// Whether somebody waits for octets or for the opening.
    pub(crate) wanted: bool,
}

/// Queues longer than this give their memory back when they are empty.
const KEPT_QUEUE_SLOTS: usize = 8;

impl Stream {
    pub(crate) fn new(credit: u32, window: u32) -> Self {
        Self {
            opening: Opening::Asked,
            send: SendHalf {
                queue: VecDeque::new(),
                queued: 0,
                credit,
                fin: Fin::Open,
                scheduled: false,
                wanted: false,
            },
            recv: RecvHalf {
                queue: VecDeque::new(),
                window: RecvWindow::new(window),
                fin: false,
                wanted: false,
            },
            fault: None,
            detached: false,
        }
    }

    /// Whether both halves ended in order.
    pub(crate) fn is_complete(&self) -> bool {
        self.send.fin == Fin::Sent && self.recv.fin
    }
}

impl SendHalf {
    pub(crate) fn push(&mut self, bytes: Bytes) {
        self.queued += bytes.len();
        self.queue.push_back(bytes);
    }

    pub(crate) fn has_work(&self) -> bool {
        self.queued > 0 || self.fin == Fin::Queued
    }

    /// How many octets the next frame has.
    pub(crate) fn next_frame_bytes(&self) -> usize {
        self.queued.min(MAX_PAYLOAD_BYTES)
    }

    /// Takes at most `limit` octets that lie together.
    pub(crate) fn pop(&mut self, limit: usize) -> Option<Bytes> {
        let front = self.queue.front_mut()?;
        let bytes = if front.len() <= limit {
            self.queue.pop_front()?
        } else {
            front.split_to(limit)
        };
        self.queued -= bytes.len();
        release_when_empty(&mut self.queue);
        Some(bytes)
    }

    pub(crate) fn clear(&mut self) -> usize {
        self.queue = VecDeque::new();
        std::mem::take(&mut self.queued)
    }
}

impl RecvHalf {
    pub(crate) fn push(&mut self, bytes: Bytes) {
        self.queue.push_back(bytes);
    }

    /// Takes at most `limit` octets that lie together.
    pub(crate) fn pop(&mut self, limit: usize) -> Option<Bytes> {
        let front = self.queue.front_mut()?;
        if front.len() > limit {
            return Some(front.split_to(limit));
        }
        let bytes = self.queue.pop_front();
        release_when_empty(&mut self.queue);
        bytes
    }

    pub(crate) fn clear(&mut self) -> usize {
        std::mem::take(&mut self.queue).iter().map(Bytes::len).sum()
    }
}

fn release_when_empty(queue: &mut VecDeque<Bytes>) {
    if queue.is_empty() && queue.capacity() > KEPT_QUEUE_SLOTS {
        *queue = VecDeque::new();
    }
}
