//! Why a request was refused before anybody looked at what it wants.

use http::StatusCode;

/// A reason of the gate. The text names the rule; nothing of the request is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// The request line is not `method SP target SP version`.
    #[error("the request line is malformed")]
    RequestLine,
    /// Any other version than HTTP/1.0 and HTTP/1.1 (RFC 9110 §15.6.6).
    #[error("this version of HTTP is not supported")]
    Version,
    /// CONNECT, TRACE, TRACK (RFC 9110 §9.3.6, §9.3.8).
    #[error("this method is not allowed")]
    Method,
    /// A method longer than any known.
    #[error("this method is not implemented")]
    MethodUnknown,
    /// Not in origin-form or https absolute-form, or with octets that belong encoded.
    #[error("the request target is malformed")]
    Target,
    /// Longer than [`MAX_TARGET_BYTES`](crate::limits::MAX_TARGET_BYTES).
    #[error("the request target is too long")]
    TargetTooLong,
    /// Longer than [`MAX_HEAD_BYTES`](crate::limits::MAX_HEAD_BYTES) or more fields than
    /// [`MAX_HEADERS`](crate::limits::MAX_HEADERS).
    #[error("the request header fields are too large")]
    HeadTooLarge,
    /// A line that ends in a bare LF, or a CR without LF (RFC 9112 §2.2).
    #[error("a line of the request does not end in CR LF")]
    LineEnd,
    /// A field name that is no token, white space before the colon, a folded line, a control
    /// character in a value (RFC 9112 §5.1, §5.2).
    #[error("a header field is malformed")]
    Field,
    /// None, several or a malformed `Host` (RFC 9112 §3.2).
    #[error("the request must have exactly one valid Host field")]
    Host,
    /// Target, `:authority` and `Host` name different hosts.
    #[error("the request names two different hosts")]
    HostDisagrees,
    /// `Content-Length` that is no number, or more than one (RFC 9112 §6.3).
    #[error("the Content-Length field is invalid")]
    ContentLength,
    /// Both `Content-Length` and `Transfer-Encoding` (RFC 9112 §6.1).
    #[error("the length of the request is stated in two ways")]
    LengthTwice,
    /// `Transfer-Encoding` that does not end in `chunked`, twice, or in HTTP/1.0.
    #[error("the Transfer-Encoding field is invalid")]
    TransferEncoding,
    /// A transfer coding besides `chunked` (RFC 9112 §6.1).
    #[error("this transfer coding is not implemented")]
    TransferCodingUnknown,
    /// A chunk that breaks RFC 9112 §7.1, or too many octets of extensions or trailers.
    #[error("the chunked body is malformed")]
    Chunk,
    /// An `Expect` besides `100-continue` (RFC 9110 §10.1.1).
    #[error("this expectation cannot be met")]
    Expectation,
    /// Fields that HTTP/2 forbids, or a body where none may be.
    #[error("the request is malformed")]
    Malformed,
}

impl GateError {
    /// The status to answer with.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::MethodUnknown | Self::TransferCodingUnknown => StatusCode::NOT_IMPLEMENTED,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::RequestLine
            | Self::Target
            | Self::LineEnd
            | Self::Field
            | Self::Host
            | Self::HostDisagrees
            | Self::ContentLength
            | Self::LengthTwice
            | Self::TransferEncoding
            | Self::Chunk
            | Self::Malformed => StatusCode::BAD_REQUEST,
        }
    }
}
