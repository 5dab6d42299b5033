//! The request gate: what two serious parsers would read differently is refused before
//! anybody looks at what it wants.
//!
//! Pure: octets in, verdict out. HTTP/1 heads and chunked bodies are checked octet by octet
//! ([`HeadCheck`], [`ChunkScanner`]) before hyper sees them, parsed requests of both versions
//! by [`check_request`], and the heads of services' answers by [`ResponseCheck`].

mod authority;
mod chunked;
mod error;
mod field;
mod head;
mod head_fields;
mod request;
mod request_line;
mod response;
mod target;

pub use authority::{Authority, Host, Name};
pub use chunked::ChunkScanner;
pub use error::GateError;
pub use head::{HeadCheck, check_head};
pub use head_fields::{Framing, HeadFacts};
pub use request::check_request;
pub(crate) use request_line::REFUSED_METHOD;
pub use response::{ResponseCheck, ResponseError};
pub(crate) use target::check_path_and_query as check_path;
