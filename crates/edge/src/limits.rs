//! Every limit of the edge: default, unit and reason in one place.

use std::time::Duration;

/// Octets of a request head (request line and header fields). What nginx grants with its
/// default buffers (4 × 8 KiB); a page with every cookie a browser may send still fits.
pub const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Header fields of a request. Browsers send about 20; hyper's own default is 100.
pub const MAX_HEADERS: usize = 100;
/// Octets of a request target. RFC 9112 §3 asks for at least 8,000.
pub const MAX_TARGET_BYTES: usize = 8 * 1024;
/// Octets of a method. The longest registered one (`UPDATEREDIRECTREF`) has 17.
pub const MAX_METHOD_BYTES: usize = 24;
/// Octets of all chunk extensions of one message. Nobody uses them; without a limit they
/// carry an endless message without content.
pub const MAX_CHUNK_EXTENSION_BYTES: usize = 16 * 1024;
/// Octets of all trailer fields of one message. They are dropped.
pub const MAX_TRAILER_BYTES: usize = 8 * 1024;

/// Octets of a response head from a service. Twice what visitors may send: applications set
/// long policies and many cookies.
pub const MAX_RESPONSE_HEAD_BYTES: usize = 64 * 1024;
/// Header fields of a response from a service.
pub const MAX_RESPONSE_HEADERS: usize = 256;
/// Interim (1xx) responses before the final one. One `100 Continue` and a few early hints are
/// honest; more is a flood.
pub const MAX_INTERIM_RESPONSES: usize = 16;

/// From the connection to the end of the TLS handshake. A handshake on a bad mobile network
/// takes about two seconds.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// From the first octet of a request head (or the handshake) to its end.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection between two requests. Longer than the 60 s after which browsers let go by
/// themselves, so that the client is the one who closes.
pub const KEEP_ALIVE_IDLE: Duration = Duration::from_secs(75);
/// Between two pieces of a request body that somebody waits for.
pub const BODY_IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How much of a body that nobody wants is still read, bytes: what a client has under way when
/// it is refused. More is cut off.
pub const MAX_UNREAD_BODY_BYTES: usize = 64 * 1024;
/// How long such a rest is read.
pub const UNREAD_BODY_TIMEOUT: Duration = Duration::from_secs(2);
/// A client that takes nothing of what is written to it.
pub const WRITE_STALL_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a busy connection is looked at for an answer that ended or a client that stalls;
/// the limits above may be exceeded by as much.
pub const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Reading on after the last answer, so that a client that still sends gets to read it.
pub const LINGER_TIMEOUT: Duration = Duration::from_secs(2);
/// Octets read and thrown away while lingering.
pub const LINGER_MAX_BYTES: usize = 1024 * 1024;
/// From the stop signal until open connections are cut. A download of a page's worth ends in
/// that time; the service manager kills after 90 s.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(30);
/// What is left of a stop after the grace: agents are told to come back.
pub const SHUTDOWN_FAREWELL: Duration = Duration::from_secs(3);
/// How long a handshake that is under way when the server stops may take to end. Others need
/// some milliseconds.
pub const SHUTDOWN_HANDSHAKE_GRACE: Duration = Duration::from_secs(1);
/// How long an answer that ends its own caller's certificate may take to be delivered: a few
/// KiB over a slow line.
pub const FAREWELL_GRACE: Duration = Duration::from_secs(10);
/// From a carrier's dismissal until its connection is cut.
pub const CARRIER_GRACE: Duration = Duration::from_secs(1);

/// Connections at the same time. 12,288 idle ones cost about 250 MB, and stay below the
/// 20,000 descriptors of a usual hard limit.
pub const MAX_CONNECTIONS: usize = 12_288;
/// Connections of one address (IPv4 address or IPv6 /64) at the same time: nobody alone can
/// take every slot, and an office behind one address is not locked out.
pub const MAX_CONNECTIONS_PER_ADDRESS: usize = 10_240;
/// The first pause after a failed accept, doubled up to [`ACCEPT_BACKOFF_MAX`]. Descriptors
/// come free when a connection ends, not by asking again at once.
pub const ACCEPT_BACKOFF_MIN: Duration = Duration::from_millis(20);
/// The longest pause after a failed accept.
pub const ACCEPT_BACKOFF_MAX: Duration = Duration::from_secs(1);

/// HTTP/2 streams of one connection at the same time. RFC 9113 §6.5.2 recommends 100 or more.
pub const H2_MAX_STREAMS: u32 = 128;
/// HTTP/2 receive window of a stream, octets: 40 Mbit/s of upload at 50 ms, and the most a
/// stream holds in memory.
pub const H2_STREAM_WINDOW_BYTES: u32 = 256 * 1024;
/// HTTP/2 receive window of a connection, octets.
pub const H2_CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// HTTP/2 send buffer of a stream, octets.
pub const H2_SEND_BUFFER_BYTES: usize = 256 * 1024;
/// HTTP/2 frame payload, octets.
pub const H2_MAX_FRAME_BYTES: u32 = 32 * 1024;
/// Streams a client may reset before they were looked at (CVE-2023-44487), and resets we send
/// for its mistakes; then the connection ends.
pub const H2_MAX_RESETS: usize = 32;
/// Silence after which an HTTP/2 client is asked for a sign of life.
pub const H2_PING_INTERVAL: Duration = Duration::from_secs(45);
/// How long the sign of life may take.
pub const H2_PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Opening a way through the tunnel to the service.
pub const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// From the last octet of a request that the service took to the head of its answer. nginx
/// waits as long by default (`proxy_read_timeout`).
pub const RESPONSE_HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// Connections to a service kept for the next request, a tunnel: as many as busy HTTP/2
/// visitors have in flight, so that a burst does not connect anew for every request.
pub const MAX_IDLE_UPSTREAMS: usize = 256;
/// How long such a connection is kept without use.
pub const UPSTREAM_IDLE: Duration = Duration::from_secs(60);
/// A request that must not be sent twice takes a kept connection only if it was used this
/// recently: many services close idle ones after 5 s, just as a request arrives.
pub const UPSTREAM_IDLE_UNSAFE: Duration = Duration::from_secs(1);
/// How often kept connections are looked through.
pub const UPSTREAM_SWEEP: Duration = Duration::from_secs(15);
/// Octets of the read buffer towards a service.
pub const UPSTREAM_BUFFER_BYTES: usize = 64 * 1024;
/// Octets of each of a WebSocket's two copy buffers: 1,000 of them cost 32 MB.
pub const WEBSOCKET_BUFFER_BYTES: usize = 16 * 1024;
/// Portlama servers a request may pass (RFC 8586 `CDN-Loop`). A tunnel behind a tunnel makes
/// two; more is a loop.
pub const MAX_HOPS: usize = 4;

/// Octets of a site's file that are read at once, and the most that is read ahead of a slow
/// visitor. A shorter answer is read whole before it begins, and holds no file open.
pub const SITE_CHUNK_BYTES: usize = 64 * 1024;
/// Files of sites held open for visitors at the same time; what is beyond is 503. With as many
/// connections as there may be it stays below 20,000 descriptors, the usual hard limit.
pub const MAX_OPEN_SITE_FILES: usize = 4_096;
/// Parts of a file in one answer. Readers of documents ask for two or three; a request with
/// more gets the whole file (RFC 9110 §14.2).
pub const MAX_RANGES: usize = 8;
/// Octets of the smallest file worth compressing: a shorter one fits one packet either way.
pub const MIN_COMPRESSIBLE_BYTES: u64 = 1024;
/// Octets of the largest file that is compressed while a visitor waits: some 50 ms of work.
pub const MAX_COMPRESSIBLE_BYTES: u64 = 2 * 1024 * 1024;
/// Files compressed at the same time; others go out as they are. A small server has one core,
/// and the visitors of apps need it, too.
pub const MAX_COMPRESSING: usize = 2;
/// Octets of compressed files kept for the next visitor, all sites together: the pages, styles
/// and scripts of about thirty sites.
pub const COMPRESSED_CACHE_BYTES: usize = 8 * 1024 * 1024;
/// What a kept file counts beside its own octets.
pub const COMPRESSED_ENTRY_OVERHEAD_BYTES: usize = 128;
/// How long browsers may use an asset of a public site without asking, seconds. Short, because
/// names need not change when files do. Pages are asked for each time.
pub const ASSET_MAX_AGE_SECONDS: u64 = 300;

/// Life of the cookie that ties a sign-in to the browser that began it.
pub const NONCE_LIFE: Duration = Duration::from_secs(600);
/// Octets of a place to return to after the sign-in; a longer one becomes `/`.
pub const MAX_RETURN_BYTES: usize = 4 * 1024;
/// `Strict-Transport-Security`: two years, the least that Mozilla's guideline 5.7 accepts.
pub const HSTS_SECONDS: u64 = 63_072_000;
