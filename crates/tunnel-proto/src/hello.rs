//! The greeting: who speaks which versions, in which session.

use bytes::{Buf, BufMut, BytesMut};

use crate::limits::{MAX_CREDIT_BYTES, MAX_SOFTWARE_BYTES};
use crate::{CloseCode, Detail};

/// First octets of every HELLO.
pub const MAGIC: [u8; 4] = *b"PTLM";

/// The newest version this build speaks.
pub const VERSION: u16 = 1;

/// The oldest version this build speaks: two before [`VERSION`], once there are so many.
pub const MIN_VERSION: u16 = 1;

/// Octets of a HELLO before the software version.
const FIXED_BYTES: usize = 46;

/// A process of an agent; random at its start, so that two processes with one identity differ.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(pub [u8; 16]);

impl std::fmt::Debug for InstanceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().take(4).try_for_each(|b| write!(f, "{b:02x}"))
    }
}

/// A session of an agent's process: counts up whenever all its carriers were lost. A greater
/// number is newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionNumber(pub u64);

/// The content of a HELLO frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Oldest version spoken.
    pub min_version: u16,
    /// Newest version spoken.
    pub max_version: u16,
    /// Optional abilities, one a bit; both ends use those that both have.
    pub features: u32,
    /// Octets the other end may send on a new stream.
    pub initial_window: u32,
    /// Streams this end is ready to keep.
    pub max_streams: u32,
    /// The agent's session; the server repeats it.
    pub session: SessionNumber,
    /// The agent's process; the server repeats it.
    pub instance: InstanceId,
    /// Software version, for people.
    pub software: Detail,
}

impl Hello {
    /// The version both ends use, or `None` when the ranges do not meet.
    #[must_use]
    pub fn negotiate(&self, min: u16, max: u16) -> Option<u16> {
        let version = self.max_version.min(max);
        (version >= self.min_version.max(min)).then_some(version)
    }

    /// Appends the payload.
    pub(crate) fn encode(&self, out: &mut BytesMut) {
        out.put_slice(&MAGIC);
        out.put_u16(self.min_version);
        out.put_u16(self.max_version);
        out.put_u32(self.features);
        out.put_u32(self.initial_window);
        out.put_u32(self.max_streams);
        out.put_u64(self.session.0);
        out.put_slice(&self.instance.0);
        let software = self.software.as_str().as_bytes();
        let software = software.get(..MAX_SOFTWARE_BYTES).unwrap_or(software);
        out.put_u16(u16::try_from(software.len()).unwrap_or(0));
        out.put_slice(software);
    }

    /// Reads the payload. Octets after the known fields belong to later versions and are
    /// skipped.
    pub(crate) fn decode(mut payload: &[u8]) -> Result<Self, CloseCode> {
        if payload.get(..MAGIC.len()) != Some(&MAGIC[..]) {
            return Err(CloseCode::BadMagic);
        }
        if payload.len() < FIXED_BYTES {
            return Err(CloseCode::Malformed);
        }
        payload.advance(MAGIC.len());
        let hello = Self {
            min_version: payload.get_u16(),
            max_version: payload.get_u16(),
            features: payload.get_u32(),
            initial_window: payload.get_u32(),
            max_streams: payload.get_u32(),
            session: SessionNumber(payload.get_u64()),
            instance: InstanceId(payload.get_u128().to_be_bytes()),
            software: {
                let length = usize::from(payload.get_u16());
                let text = payload.get(..length).ok_or(CloseCode::Malformed)?;
                Detail::from_wire(text.get(..MAX_SOFTWARE_BYTES).unwrap_or(text))
            },
        };
        if hello.initial_window > MAX_CREDIT_BYTES {
            return Err(CloseCode::CreditOverflow);
        }
        Ok(hello)
    }
}
