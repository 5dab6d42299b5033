//! Every limit of the protocol, with its unit and reason.

use std::time::Duration;

/// Octets of a frame header.
pub const HEADER_BYTES: usize = 8;

/// Largest payload of a frame, octets: with its header a frame fills exactly one TLS record
/// (2^14 octets of plaintext, RFC 8446 §5.1), so that other streams' frames get in between.
pub const MAX_PAYLOAD_BYTES: usize = 16_384 - HEADER_BYTES;

/// Window of a new stream, octets: enough for a page at 50 ms without waiting, little enough
/// that a thousand stalled visitors fit into the memory of the smallest server.
pub const INITIAL_WINDOW_BYTES: u32 = 64 * 1024;

/// Window of a new stream while much received data waits to be read, octets.
pub const LOW_MEMORY_WINDOW_BYTES: u32 = 16 * 1024;

/// Largest window a stream grows to, octets: 4 MiB are 670 Mbit/s at 50 ms.
pub const MAX_WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// Most credit a sender may ever hold on one stream, octets. Above [`MAX_WINDOW_BYTES`], so
/// that later versions may grow further without breaking this one.
pub const MAX_CREDIT_BYTES: u32 = 16 * 1024 * 1024;

/// What all windows of a process may grow by together, octets.
pub const PROCESS_BUDGET_BYTES: usize = 32 * 1024 * 1024;

/// What the windows of one agent may grow by together, octets.
pub const AGENT_BUDGET_BYTES: usize = 8 * 1024 * 1024;

/// Octets of one stream that wait for the carrier; two reads of a bulk source.
pub const SEND_QUEUE_BYTES: usize = 2 * 4 * MAX_PAYLOAD_BYTES;

/// Octets of all streams of a carrier that may wait before each stream is held to
/// [`CROWDED_QUEUE_BYTES`]: bounds the memory behind a slow link.
pub const CARRIER_QUEUE_BYTES: usize = 1024 * 1024;

/// Octets of one stream that wait while the carrier's queue is above [`CARRIER_QUEUE_BYTES`].
pub const CROWDED_QUEUE_BYTES: usize = 4 * 1024;

/// Octets handed to the connection at a time: four TLS records. A small frame waits behind
/// no more than this.
pub const OUTBOX_BYTES: usize = 4 * 16_384;

/// Streams with at most this many octets waiting go before bulk.
pub const SMALL_SEND_BYTES: usize = 4 * 1024;

/// Small sends in a row before one frame of bulk gets its turn.
pub const SMALL_SENDS_IN_A_ROW: u32 = 16;

/// Payloads from this size on are kept as a part of the read buffer; smaller ones are copied,
/// so that a slow reader's few octets do not hold a whole read buffer in memory.
pub const KEEP_IN_PLACE_BYTES: usize = 8 * 1024;

/// Open streams of one carrier.
pub const MAX_STREAMS: u32 = 4096;

/// Streams of one carrier that wait for the agent's OPENED or REFUSED.
pub const MAX_PENDING_OPENS: usize = 1024;

/// Routes in one announcement; 8 KiB of frame.
pub const MAX_ROUTES: usize = 2048;

/// Control frames waiting to be sent, octets: a peer that provokes answers without reading
/// them is cut here.
pub const CONTROL_QUEUE_BYTES: usize = 256 * 1024;

/// Stream ids from here on make the carrier retire; the rest up to 2^32 is never needed.
pub const RETIRE_AT_STREAM: u32 = 0xf000_0000;

/// Longest software version in a HELLO, octets.
pub const MAX_SOFTWARE_BYTES: usize = 64;

/// How long each end waits for the other's HELLO: four round trips of a satellite link.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(10);

/// Each end sends a PING this often, so that the other receives something even while this
/// direction or the opposite one is jammed.
pub const PING_INTERVAL: Duration = Duration::from_secs(5);

/// A carrier on which nothing was received for this long is dead. With the first retry within
/// a second, a silent network heals within 15 seconds.
pub const DEAD_AFTER: Duration = Duration::from_secs(12);

/// The round trip assumed at least when windows are tuned; loopback would never grow them.
pub const TUNING_RTT_FLOOR: Duration = Duration::from_millis(5);

/// A window of which half takes longer than this to consume shrinks again.
pub const SHRINK_AFTER: Duration = Duration::from_secs(2);
