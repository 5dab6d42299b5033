//! What the shell does with streams.

use std::time::Instant;

use bytes::Bytes;

use super::{Connection, OpenFault, Phase, Role};
use crate::limits::{
    CARRIER_QUEUE_BYTES, CONTROL_QUEUE_BYTES, CROWDED_QUEUE_BYTES, INITIAL_WINDOW_BYTES,
    MAX_PENDING_OPENS, SEND_QUEUE_BYTES,
};
use crate::stream::{Fin, Opening, ReadOutcome, Stream, StreamFault};
use crate::{
    CloseCode, Detail, Frame, GoAwayReason, OpenRequest, RefusalReason, ResetCode, StreamId,
};

impl Connection {
    /// Asks the agent for a stream (server). Data may be written at once.
    ///
    /// # Errors
    /// When the carrier takes no streams, or no more.
    pub fn open(&mut self, request: OpenRequest) -> Result<StreamId, OpenFault> {
        if !self.takes_streams() || self.config.role != Role::Server {
            return Err(OpenFault::Unavailable);
        }
        let limit = self.config.max_streams.min(self.peer_max_streams) as usize;
        if self.streams.len() >= limit
            || self.pending_opens >= MAX_PENDING_OPENS
            || self.control.len() > CONTROL_QUEUE_BYTES / 2
        {
            return Err(OpenFault::Limit);
        }
        let id = StreamId(self.next_stream);
        self.next_stream += 1;
        self.pending_opens += 1;
        let window = self.first_window();
        self.send_control(&Frame::Open {
            stream: id,
            request,
            window,
        });
        self.streams
            .insert(id, Stream::new(self.peer_window, window));
        if self.next_stream >= self.config.retire_at {
            self.go_away(GoAwayReason::Retired, std::time::Duration::ZERO);
        }
        Ok(id)
    }

    /// What the other end may send on a new stream. The agent promised its window in HELLO;
    /// the server says its own with each OPEN.
    pub(super) fn first_window(&self) -> u32 {
        match self.config.role {
            Role::Server => self.budget.initial_window(),
            Role::Agent => INITIAL_WINDOW_BYTES,
        }
    }

    /// Whether the agent has opened the stream; `Ok(false)` means not yet, and
    /// [`Event::Readable`](crate::Event::Readable) follows (server).
    ///
    /// # Errors
    /// When it was refused or lost.
    pub fn poll_opened(&mut self, id: StreamId) -> Result<bool, StreamFault> {
        let stream = self.streams.get_mut(&id).ok_or(StreamFault::Gone)?;
        if let Some(fault) = &stream.fault {
            return Err(fault.clone());
        }
        let opened = stream.opening == Opening::Done;
        stream.recv.wanted = !opened;
        Ok(opened)
    }

    /// Tells the server that the service was reached (agent).
    ///
    /// # Errors
    /// When the server has given the stream up.
    pub fn accept(&mut self, id: StreamId) -> Result<(), StreamFault> {
        let stream = self.streams.get_mut(&id).ok_or(StreamFault::Gone)?;
        if let Some(fault) = &stream.fault {
            return Err(fault.clone());
        }
        if stream.opening == Opening::Asked {
            stream.opening = Opening::Done;
            self.send_control(&Frame::Opened { stream: id });
        }
        Ok(())
    }

    /// Tells the server that there will be no stream, and forgets it (agent).
    pub fn refuse(&mut self, id: StreamId, reason: RefusalReason, detail: Detail) {
        if self
            .streams
            .get(&id)
            .is_some_and(|stream| stream.fault.is_none())
        {
            self.send_control(&Frame::Refused {
                stream: id,
                reason,
                detail,
            });
        }
        self.remove(id);
    }

    /// Takes at most `limit` received octets that lie together.
    ///
    /// # Errors
    /// When the stream broke; what had arrived before an orderly end is given first.
    pub fn read(
        &mut self,
        id: StreamId,
        limit: usize,
        now: Instant,
    ) -> Result<ReadOutcome, StreamFault> {
        let stream = self.streams.get_mut(&id).ok_or(StreamFault::Gone)?;
        let Some(bytes) = stream.recv.pop(limit) else {
            return match &stream.fault {
                _ if stream.recv.fin => Ok(ReadOutcome::End),
                Some(fault) => Err(fault.clone()),
                None => {
                    stream.recv.wanted = true;
                    Ok(ReadOutcome::Blocked)
                }
            };
        };
        self.budget.sub_unread(bytes.len());
        if !stream.recv.fin && stream.fault.is_none() {
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let rtt = self.rtt.map_or_else(Default::default, |rtt| rtt.least);
            let credit = stream.recv.window.read(length, now, rtt, &self.budget);
            if let Some(credit) = credit {
                self.send_control(&Frame::Window { stream: id, credit });
            }
        }
        Ok(ReadOutcome::Data(bytes))
    }

    /// How many octets can be written; with 0
    /// [`Event::Writable`](crate::Event::Writable) follows.
    ///
    /// # Errors
    /// When the sending half is closed or the stream broke.
    pub fn capacity(&mut self, id: StreamId) -> Result<usize, StreamFault> {
        let crowded = self.queued > CARRIER_QUEUE_BYTES;
        let limit = if crowded {
            CROWDED_QUEUE_BYTES
        } else {
            SEND_QUEUE_BYTES
        };
        let stream = self.streams.get_mut(&id).ok_or(StreamFault::Gone)?;
        if let Some(fault) = &stream.fault {
            return Err(fault.clone());
        }
        if stream.send.fin != Fin::Open {
            return Err(StreamFault::Finished);
        }
        let capacity = limit
            .saturating_sub(stream.send.queued)
            .min(stream.send.credit as usize);
        stream.send.wanted = capacity == 0;
        Ok(capacity)
    }

    /// Queues octets; at most [`capacity`](Self::capacity) of them, the rest stays in `bytes`.
    ///
    /// # Errors
    /// When the sending half is closed or the stream broke.
    pub fn write(&mut self, id: StreamId, bytes: &mut Bytes) -> Result<usize, StreamFault> {
        let count = self.capacity(id)?.min(bytes.len());
        let stream = self.streams.get_mut(&id).ok_or(StreamFault::Gone)?;
        if count > 0 {
            stream.send.push(bytes.split_to(count));
            stream.send.credit -= u32::try_from(count).unwrap_or(u32::MAX);
            self.queued += count;
            self.schedule(id);
        }
        Ok(count)
    }

    /// Ends the sending half after what was queued.
    ///
    /// # Errors
    /// When the stream broke.
    pub fn finish(&mut self, id: StreamId) -> Result<(), StreamFault> {
        let stream = self.streams.get_mut(&id).ok_or(StreamFault::Gone)?;
        if let Some(fault) = &stream.fault {
            return Err(fault.clone());
        }
        if stream.send.fin == Fin::Open {
            stream.send.fin = Fin::Queued;
            self.schedule(id);
        }
        Ok(())
    }

    /// Lets go of a stream. One that did not end in order is reset, after what was queued if
    /// its sending half was finished.
    pub fn release(&mut self, id: StreamId, code: ResetCode) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        if stream.fault.is_some() || stream.is_complete() || self.phase != Phase::Open {
            return self.remove(id);
        }
        if stream.send.fin == Fin::Queued && code == ResetCode::Cancelled {
            stream.detached = true;
            self.budget.sub_unread(stream.recv.clear());
            return;
        }
        self.send_control(&Frame::Reset { stream: id, code });
        self.remove(id);
        if self.control.len() > CONTROL_QUEUE_BYTES {
            self.close(CloseCode::Flood, Detail::default());
        }
    }

    fn schedule(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        if !stream.send.scheduled {
            stream.send.scheduled = true;
            self.schedule.push(id, stream.send.queued);
        }
    }
}
