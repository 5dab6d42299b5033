//! Certificates from a public authority (RFC 8555): what to renew when, and the client that
//! gets it.
//!
//! [`renewal`] is pure: plain values and the time in, the time of the next attempt out.
//! [`AcmeClient`] carries one order for one name from wherever it stands to a certificate that
//! was checked. It keeps nothing: what must survive a crash goes through [`Journal`], what must
//! be served while the authority looks goes through [`Challenges`].
#![forbid(unsafe_code)]

mod account;
mod answer;
mod chain;
mod client;
mod error;

mod issue;
mod name;
pub mod renewal;
mod seams;
mod session;
mod validation;
mod wire;

pub use account::Account;
pub use answer::ChallengeAnswer;
pub use chain::{MAX_CHAIN_CERTIFICATES, Obtained};
pub use client::{
    AcmeClient, BAD_NONCE_RETRIES, ISSUANCE_TIMEOUT, Limits, POLL_FIRST, POLL_LONGEST,
    PRESENT_TIMEOUT,
};
pub use error::{
    AcmeError, ErrorKind, MAX_PROBLEM_CHARACTERS, MAX_SUBPROBLEMS, Problem, Subproblem,
};
pub use issue::OrderRecord;
pub use name::CertificateName;
pub use seams::{BoxError, BoxFuture, Challenges, Journal, Step};
pub use wire::{EXCHANGE_TIMEOUT, MAX_ANSWER_BYTES, MAX_RETRY_AFTER};
