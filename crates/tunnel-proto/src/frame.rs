//! The wire format of frames; `docs/protocol.md` describes it with an example.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use portlama_model::{OriginScheme, TunnelPort};

use crate::limits::{
    HEADER_BYTES, KEEP_IN_PLACE_BYTES, MAX_CREDIT_BYTES, MAX_PAYLOAD_BYTES, MAX_ROUTES,
};
use crate::{CloseCode, Detail, GoAwayReason, Hello, PortState, RefusalReason, ResetCode};

/// Set on DATA: the sender sends no more on this stream.
const FLAG_FIN: u8 = 0x01;
/// Set on types that a receiver may skip when it does not know them.
const FLAG_IGNORABLE: u8 = 0x80;

const OPEN_HTTPS: u8 = 0x01;
const OPEN_TLS_VERIFY: u8 = 0x02;

/// The types of frames.
mod kind {
    pub(super) const HELLO: u8 = 0x01;
    pub(super) const OPEN: u8 = 0x02;
    pub(super) const OPENED: u8 = 0x03;
    pub(super) const REFUSED: u8 = 0x04;
    pub(super) const DATA: u8 = 0x05;
    pub(super) const RESET: u8 = 0x06;
    pub(super) const WINDOW: u8 = 0x07;
    pub(super) const PING: u8 = 0x08;
    pub(super) const PONG: u8 = 0x09;
    pub(super) const GOAWAY: u8 = 0x0a;
    pub(super) const ROUTES: u8 = 0x0b;
    pub(super) const REPORT: u8 = 0x0c;
    pub(super) const CLOSE: u8 = 0x0d;
}

/// A stream within its carrier. Counts up from 1; never used twice; 0 means the carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u32);

impl std::fmt::Display for StreamId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What a stream should lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenRequest {
    /// The port as the agent knows it.
    pub port: TunnelPort,
    /// Plain or TLS to the service.
    pub scheme: OriginScheme,
    /// Whether the certificate of an https service is checked.
    pub tls_verify: bool,
}

/// One port the server wants from the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The port as the agent knows it.
    pub port: TunnelPort,
    /// Plain or TLS to the service.
    pub scheme: OriginScheme,
}

/// How the service behind one port fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The port as the agent knows it.
    pub port: TunnelPort,
    /// The state.
    pub state: PortState,
    /// A short explanation.
    pub detail: Detail,
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// The greeting, first in each direction.
    Hello(Hello),
    /// The server asks for a stream; the window is what the agent may send on it at first.
    Open {
        /// The new stream.
        stream: StreamId,
        /// Where it should lead.
        request: OpenRequest,
        /// Octets the agent may send at first.
        window: u32,
    },
    /// The agent reached the service.
    Opened {
        /// The stream.
        stream: StreamId,
    },
    /// The agent did not open the stream.
    Refused {
        /// The stream.
        stream: StreamId,
        /// The kind of reason.
        reason: RefusalReason,
        /// A short explanation.
        detail: Detail,
    },
    /// Octets of a stream.
    Data {
        /// The stream.
        stream: StreamId,
        /// Whether these are the last.
        fin: bool,
        /// The octets; empty only with `fin`.
        payload: Bytes,
    },
    /// The sender gave the stream up, in both directions.
    Reset {
        /// The stream.
        stream: StreamId,
        /// Why.
        code: ResetCode,
    },
    /// The receiver of this frame may send so many octets more.
    Window {
        /// The stream.
        stream: StreamId,
        /// Octets; at least one.
        credit: u32,
    },
    /// Asks for a PONG with the same number.
    Ping(u64),
    /// The answer to the latest PING.
    Pong(u64),
    /// No new streams on this carrier.
    GoAway {
        /// Why.
        reason: GoAwayReason,
        /// How long to wait before connecting anew.
        retry_after: Duration,
    },
    /// The ports the server wants, all of them.
    Routes(Vec<Route>),
    /// The state of one port.
    Report(Report),
    /// The last frame: nothing after it is read.
    Close {
        /// Why.
        code: CloseCode,
        /// A short explanation.
        detail: Detail,
    },
    /// A frame of a later version that may be skipped.
    Ignored,
}

impl Frame {
    /// Appends the frame.
    pub fn encode(&self, out: &mut BytesMut) {
        let at = out.len();
        out.put_bytes(0, HEADER_BYTES);
        let (kind, flags, stream) = self.encode_payload(out);
        let length = u16::try_from(out.len() - at - HEADER_BYTES).unwrap_or(u16::MAX);
        if let Some(mut header) = out.get_mut(at..at + HEADER_BYTES) {
            header.put_slice(&header_bytes(kind, flags, length, stream));
        }
    }

    fn encode_payload(&self, out: &mut BytesMut) -> (u8, u8, u32) {
        match self {
            Self::Hello(hello) => {
                hello.encode(out);
                (kind::HELLO, 0, 0)
            }
            Self::Open {
                stream,
                request,
                window,
            } => {
                let https = if request.scheme == OriginScheme::Https {
                    OPEN_HTTPS
                } else {
                    0
                };
                let verify = if request.tls_verify {
                    OPEN_TLS_VERIFY
                } else {
                    0
                };
                out.put_u16(request.port.get());
                out.put_u8(https | verify);
                out.put_u8(0);
                out.put_u32(*window);
                (kind::OPEN, 0, stream.0)
            }
            Self::Opened { stream } => (kind::OPENED, 0, stream.0),
            Self::Refused {
                stream,
                reason,
                detail,
            } => {
                out.put_u8(reason.to_wire());
                out.put_slice(detail.as_str().as_bytes());
                (kind::REFUSED, 0, stream.0)
            }
            Self::Data {
                stream,
                fin,
                payload,
            } => {
                out.put_slice(payload);
                (kind::DATA, if *fin { FLAG_FIN } else { 0 }, stream.0)
            }
            Self::Reset { stream, code } => {
                out.put_u16(code.to_wire());
                (kind::RESET, 0, stream.0)
            }
            Self::Window { stream, credit } => {
                out.put_u32(*credit);
                (kind::WINDOW, 0, stream.0)
            }
            Self::Ping(number) => {
                out.put_u64(*number);
                (kind::PING, 0, 0)
            }
            Self::Pong(number) => {
                out.put_u64(*number);
                (kind::PONG, 0, 0)
            }
            Self::GoAway {
                reason,
                retry_after,
            } => {
                out.put_u8(reason.to_wire());
                out.put_u32(u32::try_from(retry_after.as_millis()).unwrap_or(u32::MAX));
                (kind::GOAWAY, 0, 0)
            }
            Self::Routes(routes) => {
                for route in routes.iter().take(MAX_ROUTES) {
                    out.put_u16(route.port.get());
                    out.put_u8(u8::from(route.scheme == OriginScheme::Https));
                    out.put_u8(0);
                }
                (kind::ROUTES, 0, 0)
            }
            Self::Report(report) => {
                out.put_u16(report.port.get());
                out.put_u8(report.state.to_wire());
                out.put_slice(report.detail.as_str().as_bytes());
                (kind::REPORT, 0, 0)
            }
            Self::Close { code, detail } => {
                out.put_u16(code.to_wire());
                out.put_slice(detail.as_str().as_bytes());
                (kind::CLOSE, 0, 0)
            }
            Self::Ignored => (0xff, FLAG_IGNORABLE, 0),
        }
    }

    /// Takes the next whole frame from `input`; `None` when more octets are needed.
    ///
    /// Nothing is allocated for a claimed length: the caller's buffer holds what arrived.
    ///
    /// # Errors
    /// The code to close the carrier with.
    pub fn decode(input: &mut BytesMut) -> Result<Option<Self>, CloseCode> {
        let Some(&[kind, flags, l0, l1, s0, s1, s2, s3]) = input.first_chunk::<HEADER_BYTES>()
        else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let stream = StreamId(u32::from_be_bytes([s0, s1, s2, s3]));
        check_header(kind, flags, length, stream)?;
        if input.len() < HEADER_BYTES + length {
            return Ok(None);
        }
        input.advance(HEADER_BYTES);
        if kind == kind::DATA {
            let payload = take_payload(input, length);
            return Ok(Some(Self::Data {
                stream,
                fin: flags & FLAG_FIN != 0,
                payload,
            }));
        }
        let frame = Self::decode_payload(kind, stream, input.get(..length).unwrap_or_default());
        input.advance(length);
        frame.map(Some)
    }

    fn decode_payload(kind: u8, stream: StreamId, payload: &[u8]) -> Result<Self, CloseCode> {
        Ok(match kind {
            kind::HELLO => Self::Hello(Hello::decode(payload)?),
            kind::OPEN => {
                let &[p0, p1, flags, reserved, w0, w1, w2, w3] = exactly(payload)?;
                if flags & !(OPEN_HTTPS | OPEN_TLS_VERIFY) != 0 || reserved != 0 {
                    return Err(CloseCode::Malformed);
                }
                let window = u32::from_be_bytes([w0, w1, w2, w3]);
                if window > MAX_CREDIT_BYTES {
                    return Err(CloseCode::CreditOverflow);
                }
                let request = OpenRequest {
                    port: port([p0, p1])?,
                    scheme: scheme(flags & OPEN_HTTPS)?,
                    tls_verify: flags & OPEN_TLS_VERIFY != 0,
                };
                Self::Open {
                    stream,
                    request,
                    window,
                }
            }
            kind::OPENED => {
                let [] = exactly(payload)?;
                Self::Opened { stream }
            }
            kind::REFUSED => {
                let (&[reason], detail) = split(payload)?;
                Self::Refused {
                    stream,
                    reason: RefusalReason::from_wire(reason),
                    detail: Detail::from_wire(detail),
                }
            }
            kind::RESET => {
                let code = ResetCode::from_wire(u16::from_be_bytes(*exactly(payload)?));
                Self::Reset { stream, code }
            }
            kind::WINDOW => match u32::from_be_bytes(*exactly(payload)?) {
                0 => return Err(CloseCode::Malformed),
                credit => Self::Window { stream, credit },
            },
            kind::PING => Self::Ping(u64::from_be_bytes(*exactly(payload)?)),
            kind::PONG => Self::Pong(u64::from_be_bytes(*exactly(payload)?)),
            kind::GOAWAY => {
                let &[reason, r0, r1, r2, r3] = exactly(payload)?;
                let millis = u32::from_be_bytes([r0, r1, r2, r3]);
                Self::GoAway {
                    reason: GoAwayReason::from_wire(reason),
                    retry_after: Duration::from_millis(millis.into()),
                }
            }
            kind::ROUTES => Self::Routes(decode_routes(payload)?),
            kind::REPORT => {
                let (&[p0, p1, state], detail) = split(payload)?;
                Self::Report(Report {
                    port: port([p0, p1])?,
                    state: PortState::from_wire(state),
                    detail: Detail::from_wire(detail),
                })
            }
            kind::CLOSE => {
                let (code, detail) = split(payload)?;
                Self::Close {
                    code: CloseCode::from_wire(u16::from_be_bytes(*code)),
                    detail: Detail::from_wire(detail),
                }
            }
            _ => Self::Ignored,
        })
    }
}

/// The header of a DATA frame whose payload is sent from where it lies.
pub(crate) fn data_header(stream: StreamId, length: usize, fin: bool) -> [u8; HEADER_BYTES] {
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    header_bytes(kind::DATA, if fin { FLAG_FIN } else { 0 }, length, stream.0)
}

fn header_bytes(kind: u8, flags: u8, length: u16, stream: u32) -> [u8; HEADER_BYTES] {
    let [l0, l1] = length.to_be_bytes();
    let [s0, s1, s2, s3] = stream.to_be_bytes();
    [kind, flags, l0, l1, s0, s1, s2, s3]
}

/// Refuses what can be refused before the payload arrived.
fn check_header(kind: u8, flags: u8, length: usize, stream: StreamId) -> Result<(), CloseCode> {
    if length > MAX_PAYLOAD_BYTES {
        return Err(CloseCode::FrameTooLarge);
    }
    let (of_stream, known_flags) = match kind {
        kind::DATA => (true, FLAG_FIN),
        kind::OPEN | kind::OPENED | kind::REFUSED | kind::RESET | kind::WINDOW => (true, 0),
        kind::HELLO..=kind::CLOSE => (false, 0),
        _ if flags & FLAG_IGNORABLE != 0 => return Ok(()),
        _ => return Err(CloseCode::UnknownFrame),
    };
    let well_formed = flags & !known_flags == 0
        && of_stream == (stream.0 != 0)
        // Empty DATA frames that end nothing would be work without a window to bound it.
        && !(kind == kind::DATA && length == 0 && flags & FLAG_FIN == 0);
    if well_formed {
        Ok(())
    } else {
        Err(CloseCode::Malformed)
    }
}

fn take_payload(input: &mut BytesMut, length: usize) -> Bytes {
    if length >= KEEP_IN_PLACE_BYTES {
        return input.split_to(length).freeze();
    }
    let payload = Bytes::copy_from_slice(input.get(..length).unwrap_or_default());
    input.advance(length);
    payload
}

fn decode_routes(payload: &[u8]) -> Result<Vec<Route>, CloseCode> {
    let (entries, rest) = payload.as_chunks::<4>();
    if !rest.is_empty() || entries.len() > MAX_ROUTES {
        return Err(CloseCode::Malformed);
    }
    entries
        .iter()
        .map(|&[p0, p1, https, _]| {
            Ok(Route {
                port: port([p0, p1])?,
                scheme: scheme(https)?,
            })
        })
        .collect()
}

fn port(bytes: [u8; 2]) -> Result<TunnelPort, CloseCode> {
    TunnelPort::try_from(u16::from_be_bytes(bytes)).map_err(|_| CloseCode::Malformed)
}

fn scheme(https: u8) -> Result<OriginScheme, CloseCode> {
    match https {
        0 => Ok(OriginScheme::Http),
        1 => Ok(OriginScheme::Https),
        _ => Err(CloseCode::Malformed),
    }
}

fn exactly<const N: usize>(payload: &[u8]) -> Result<&[u8; N], CloseCode> {
    payload.try_into().map_err(|_| CloseCode::Malformed)
}

fn split<const N: usize>(payload: &[u8]) -> Result<(&[u8; N], &[u8]), CloseCode> {
    payload.split_first_chunk().ok_or(CloseCode::Malformed)
}
