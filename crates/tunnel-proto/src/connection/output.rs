//! What is sent.

use super::{Connection, Event, Role};
use crate::frame::data_header;
use crate::limits::{OUTBOX_BYTES, SEND_QUEUE_BYTES};
use crate::outbox::Outbox;
use crate::stream::Fin;
use crate::{Frame, ResetCode, StreamId};
use bytes::Buf;

impl Connection {
    /// Fills `outbox` up to about [`OUTBOX_BYTES`]: control frames, small sends, bulk in turn.
    pub fn poll_transmit(&mut self, outbox: &mut Outbox) {
        if let Some(number) = self.pong_due.take() {
            Frame::Pong(number).encode(&mut self.control);
        }
        if !self.control.is_empty() {
            outbox.put_slice(&self.control);
            self.control.clear();
        }
        while outbox.remaining() < OUTBOX_BYTES {
            let Some(id) = self.schedule.pop() else { break };
            self.transmit_frame(id, outbox);
        }
        outbox.seal();
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) would give something.
    #[must_use]
    pub fn has_output(&self) -> bool {
        self.pong_due.is_some() || !self.control.is_empty() || !self.schedule.is_empty()
    }

    fn transmit_frame(&mut self, id: StreamId, outbox: &mut Outbox) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        let send = &mut stream.send;
        send.scheduled = false;
        if !send.has_work() {
            return;
        }
        let length = send.next_frame_bytes();
        let fin = send.fin == Fin::Queued && length == send.queued;
        outbox.put_slice(&data_header(id, length, fin));
        let mut left = length;
        while left > 0
            && let Some(bytes) = send.pop(left)
        {
            left -= bytes.len();
            outbox.put_bytes(bytes);
        }
        self.queued -= length;
        if fin {
            send.fin = Fin::Sent;
        }
        if send.has_work() {
            send.scheduled = true;
            self.schedule.push(id, send.queued);
        }
        if send.wanted && send.credit > 0 && send.queued <= SEND_QUEUE_BYTES / 2 {
            send.wanted = false;
            self.events.push_back(Event::Writable(id));
        }
        if fin && stream.detached {
            self.finish_detached(id);
        }
    }

    /// The user had gone; its last octets are sent.
    fn finish_detached(&mut self, id: StreamId) {
        if !self.streams.get(&id).is_some_and(|stream| stream.recv.fin) {
            self.send_control(&Frame::Reset {
                stream: id,
                code: ResetCode::Cancelled,
            });
        }
        self.remove(id);
    }

    /// Forgets a stream, and keeps account of what may still arrive for it.
    pub(super) fn remove(&mut self, id: StreamId) {
        let Some(mut stream) = self.streams.remove(&id) else {
            return;
        };
        if stream.opening == crate::stream::Opening::Asked && self.config.role == Role::Server {
            self.pending_opens -= 1;
        }
        if !stream.recv.fin {
            self.late_credit += u64::from(stream.recv.window.allowed());
        }
        self.queued -= stream.send.clear();
        self.budget.sub_unread(stream.recv.clear());
        stream.recv.window.release(&self.budget);
        self.close_when_drained();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        for stream in self.streams.values_mut() {
            self.budget.sub_unread(stream.recv.clear());
            stream.recv.window.release(&self.budget);
        }
    }
}
