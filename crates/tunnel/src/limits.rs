//! The limits of the tokio ends; those of the wire are in `portlama-tunnel-proto`.

use std::time::Duration;

/// How many carriers an agent keeps: one per core of a small server, and a second one that is
/// already there when the first breaks.
pub const DEFAULT_CARRIERS: usize = 2;

/// Carriers of one session: the usual two, as many that are replaced, and room to grow.
pub const MAX_CARRIERS: usize = 8;

/// Open streams to one agent: more visitors than a home line serves, and a bound on memory.
pub const MAX_STREAMS_PER_AGENT: usize = 4096;

/// How long the server waits for OPENED or REFUSED; twice what the agent waits for a service.
pub const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the agent waits for a service to accept, TLS included.
pub const ORIGIN_TIMEOUT: Duration = Duration::from_secs(5);

/// A session that was silent for this long gives way to a new process of the agent: one
/// missed PING of the other end, and two seconds.
pub const STALE_AFTER: Duration = Duration::from_secs(7);

/// How long an ended carrier may take to deliver its last words.
pub const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(1);

/// Octets read from a connection at a time: full TLS records, few system calls; larger reads
/// gain nothing (measured).
pub const READ_BYTES: usize = 64 * 1024;

/// Octets read from a service at a time: four frames, hence four full TLS records.
pub const ORIGIN_READ_BYTES: usize = 4 * portlama_tunnel_proto::MAX_PAYLOAD_BYTES;

/// The first pause before a new attempt is up to this long, so that the agents of a restarted
/// server do not all come at once.
pub const FIRST_RETRY: Duration = Duration::from_secs(1);

/// No pause between attempts is longer. With a connection time-out of five seconds an agent is
/// back within 15 seconds of the network's return.
pub const MAX_RETRY: Duration = Duration::from_secs(8);

/// A carrier that lived this long makes the next pause a first one.
pub const SETTLED_AFTER: Duration = Duration::from_secs(10);

/// How long the TLS or the WebSocket handshake may take: room for four round trips of a
/// satellite link.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How often the agent measures the services the server wants.
pub const PROBE_INTERVAL: Duration = Duration::from_secs(15);

/// Services measured at once.
pub const MAX_PROBES: usize = 8;

/// How long an agent that was told to stop waits for its streams to end.
pub const AGENT_GRACE: Duration = Duration::from_secs(5);

/// Unsent octets the kernel keeps for a carrier: little, so that a PING is not stuck for a
/// minute behind an upload on a slow line.
pub const UNSENT_BYTES: u32 = 128 * 1024;

/// Octets of a WebSocket message; larger ones are refused.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// Octets of one message of the WebSocket proof: two chains fit many times.
pub const MAX_PROOF_BYTES: usize = 16 * 1024;

/// Certificates in one chain of the WebSocket proof.
pub const MAX_PROOF_CERTIFICATES: usize = 4;

/// How long the WebSocket proof may take.
pub const PROOF_TIMEOUT: Duration = Duration::from_secs(10);
