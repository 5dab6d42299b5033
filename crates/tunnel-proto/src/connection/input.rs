//! What arrives.

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use super::{Connection, Ended, Event, Phase, Role, Rtt, notify};
use crate::hello::{MIN_VERSION, VERSION};
use crate::limits::{CONTROL_QUEUE_BYTES, MAX_CREDIT_BYTES};
use crate::stream::{Opening, Stream, StreamFault};
use crate::{CloseCode, Detail, Frame, Hello, OpenRequest, RefusalReason, ResetCode, StreamId};

impl Connection {
    /// Takes all whole frames out of `input`; what remains is the beginning of one.
    ///
    /// A violation closes the carrier with its code: see [`ended`](Self::ended).
    pub fn handle_input(&mut self, input: &mut BytesMut, now: Instant) {
        self.last_received = now;
        while matches!(self.phase, Phase::Greeting | Phase::Open) {
            match Frame::decode(input)
                .and_then(|frame| frame.map(|frame| self.handle_frame(frame, now)).transpose())
            {
                Ok(Some(())) => {}
                Ok(None) => return,
                Err(code) => self.close(self.blame(code), Detail::default()),
            }
        }
        if self.ended().is_some() {
            input.clear();
        }
    }

    /// Before the greeting every unreadable frame is a stranger's, such as an HTTP client's.
    fn blame(&self, code: CloseCode) -> CloseCode {
        match (self.phase == Phase::Greeting, code) {
            (true, CloseCode::UnknownFrame | CloseCode::Malformed | CloseCode::FrameTooLarge) => {
                CloseCode::BadMagic
            }
            _ => code,
        }
    }

    fn handle_frame(&mut self, frame: Frame, now: Instant) -> Result<(), CloseCode> {
        if self.phase == Phase::Greeting {
            return match frame {
                Frame::Hello(hello) => self.handle_hello(hello, now),
                // The server may refuse an agent without greeting it.
                Frame::Close { code, detail } => {
                    self.end(Ended {
                        by_peer: true,
                        code,
                        detail,
                    });
                    Ok(())
                }
                _ => Err(CloseCode::HelloExpected),
            };
        }
        match (self.config.role, frame) {
            (
                _,
                Frame::Data {
                    stream,
                    fin,
                    payload,
                },
            ) => self.handle_data(stream, fin, payload),
            (_, Frame::Window { stream, credit }) => self.handle_window(stream, credit),
            (_, Frame::Reset { stream, code }) => self.handle_reset(stream, code),
            (
                Role::Agent,
                Frame::Open {
                    stream,
                    request,
                    window,
                },
            ) => self.handle_open(stream, request, window),
            (Role::Server, Frame::Opened { stream }) => self.handle_answer(stream, None),
            (
                Role::Server,
                Frame::Refused {
                    stream,
                    reason,
                    detail,
                },
            ) => self.handle_answer(stream, Some(StreamFault::Refused(reason, detail))),
            (_, Frame::Ping(number)) => {
                self.pong_due = Some(number);
                Ok(())
            }
            (_, Frame::Pong(number)) => {
                self.handle_pong(number, now);
                Ok(())
            }
            (Role::Agent, Frame::Routes(routes)) => {
                self.events.push_back(Event::Routes(routes));
                Ok(())
            }
            (Role::Server, Frame::Report(report)) => {
                self.events.push_back(Event::Report(report));
                Ok(())
            }
            (
                _,
                Frame::GoAway {
                    reason,
                    retry_after,
                },
            ) => {
                self.peer_went_away = true;
                self.events.push_back(Event::GoAway {
                    reason,
                    retry_after,
                });
                self.close_when_drained();
                Ok(())
            }
            (_, Frame::Close { code, detail }) => {
                self.end(Ended {
                    by_peer: true,
                    code,
                    detail,
                });
                Ok(())
            }
            (_, Frame::Ignored) => Ok(()),
            (_, Frame::Hello(_)) => Err(CloseCode::HelloExpected),
            (Role::Server, Frame::Open { .. } | Frame::Routes(_))
            | (Role::Agent, Frame::Opened { .. } | Frame::Refused { .. } | Frame::Report(_)) => {
                Err(CloseCode::UnexpectedFrame)
            }
        }?;
        if self.control.len() > CONTROL_QUEUE_BYTES {
            Err(CloseCode::Flood)
        } else {
            Ok(())
        }
    }

    fn handle_hello(&mut self, hello: Hello, now: Instant) -> Result<(), CloseCode> {
        hello
            .negotiate(MIN_VERSION, VERSION)
            .ok_or(CloseCode::VersionUnsupported)?;
        self.peer_window = hello.initial_window;
        self.peer_max_streams = hello.max_streams;
        match self.config.role {
            Role::Server => {
                self.config.session = hello.session;
                self.config.instance = hello.instance;
                self.phase = Phase::Deciding;
            }
            Role::Agent => self.open_for_streams(now),
        }
        self.events.push_back(Event::Hello(hello));
        Ok(())
    }

    fn handle_open(
        &mut self,
        id: StreamId,
        request: OpenRequest,
        window: u32,
    ) -> Result<(), CloseCode> {
        if id.0 < self.next_stream {
            return Err(CloseCode::StreamReopened);
        }
        self.next_stream = id.0.checked_add(1).ok_or(CloseCode::StreamReopened)?;
        let recv_window = self.first_window();
        if self.streams.len() >= self.config.max_streams as usize {
            self.late_credit += u64::from(recv_window);
            let (reason, detail) = (RefusalReason::Limit, Detail::default());
            self.send_control(&Frame::Refused {
                stream: id,
                reason,
                detail,
            });
            return Ok(());
        }
        self.streams.insert(id, Stream::new(window, recv_window));
        self.events.push_back(Event::StreamRequested(id, request));
        Ok(())
    }

    fn handle_answer(
        &mut self,
        id: StreamId,
        refusal: Option<StreamFault>,
    ) -> Result<(), CloseCode> {
        let Some(stream) = self.streams.get_mut(&id) else {
            return self.check_known(id);
        };
        if stream.opening == Opening::Done {
            return Err(CloseCode::StreamReopened);
        }
        stream.opening = Opening::Done;
        self.pending_opens -= 1;
        if let Some(refusal) = refusal {
            stream.fault = Some(refusal);
            self.queued -= stream.send.clear();
        }
        notify(&mut self.events, id, stream);
        if stream.fault.is_some() && stream.detached {
            self.remove(id);
        }
        Ok(())
    }

    fn handle_data(&mut self, id: StreamId, fin: bool, payload: Bytes) -> Result<(), CloseCode> {
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        let Some(stream) = self.streams.get_mut(&id) else {
            self.check_known(id)?;
            let left = self.late_credit.checked_sub(u64::from(length));
            self.late_credit = left.ok_or(CloseCode::WindowOverflow)?;
            return Ok(());
        };
        let unanswered = self.config.role == Role::Server && stream.opening == Opening::Asked;
        if stream.recv.fin || unanswered {
            return Err(CloseCode::UnexpectedFrame);
        }
        stream.recv.window.receive(length)?;
        stream.recv.fin = fin;
        if !payload.is_empty() && stream.fault.is_none() && !stream.detached {
            self.budget.add_unread(payload.len());
            stream.recv.push(payload);
        }
        if std::mem::take(&mut stream.recv.wanted) {
            self.events.push_back(Event::Readable(id));
        }
        Ok(())
    }

    fn handle_window(&mut self, id: StreamId, credit: u32) -> Result<(), CloseCode> {
        let Some(stream) = self.streams.get_mut(&id) else {
            return self.check_known(id);
        };
        let sum = stream
            .send
            .credit
            .checked_add(credit)
            .filter(|sum| *sum <= MAX_CREDIT_BYTES);
        stream.send.credit = sum.ok_or(CloseCode::CreditOverflow)?;
        if std::mem::take(&mut stream.send.wanted) {
            self.events.push_back(Event::Writable(id));
        }
        Ok(())
    }

    fn handle_reset(&mut self, id: StreamId, code: ResetCode) -> Result<(), CloseCode> {
        let Some(stream) = self.streams.get_mut(&id) else {
            return self.check_known(id);
        };
        if stream.opening == Opening::Asked {
            stream.opening = Opening::Done;
            self.pending_opens = self.pending_opens.saturating_sub(1);
        }
        self.queued -= stream.send.clear();
        // What arrived before an orderly end is whole and stays readable.
        if !stream.recv.fin {
            self.budget.sub_unread(stream.recv.clear());
        }
        stream.fault.get_or_insert(StreamFault::Reset(code));
        notify(&mut self.events, id, stream);
        if stream.detached {
            self.remove(id);
        }
        Ok(())
    }

    /// Frames may cross the end of their stream on the way; a stream that never was is a
    /// violation.
    fn check_known(&self, id: StreamId) -> Result<(), CloseCode> {
        if id.0 < self.next_stream {
            Ok(())
        } else {
            Err(CloseCode::UnknownStream)
        }
    }

    fn handle_pong(&mut self, number: u64, now: Instant) {
        let Some((_, sent)) = self.ping.take_if(|(asked, _)| *asked == number) else {
            return;
        };
        let sample = now.saturating_duration_since(sent);
        self.rtt = Some(self.rtt.map_or(
            Rtt {
                smoothed: sample,
                least: sample,
            },
            |rtt| Rtt {
                // RFC 6298 §2: a gain of one eighth.
                smoothed: (rtt.smoothed * 7 + sample) / 8,
                least: rtt.least.min(sample),
            },
        ));
    }
}
