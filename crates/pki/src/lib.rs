//! The certificate authority of one Portlama server, and what its certificates prove.
//!
//! - [`Authority`] makes the CA and issues from it: the admin's key pair, an agent's certificate
//!   for a key that only the agent holds, server leaves.
//! - [`ParsedRequest`] reads a certificate request, of which nothing but the public key is
//!   believed; [`AdmittedKey`] is the proof that signing demands.
//! - [`ClientTrust`] judges the certificates a client presents: [`VerifiedClient`] is the proof
//!   of the chain, and [`VerifiedClient::is_current`] the separate question of time.
//! - [`verify_server`] judges the certificates of a server against the pinned [CA
//!   fingerprint](portlama_model::CaFingerprint).
//! - [`tls`] fits both to rustls.
//!
//! There is no IO and no clock here: the present is an argument. Randomness comes from the
//! cryptographic provider. What a certificate's holder may *do* is decided in `access`.
#![forbid(unsafe_code)]

mod agent_key;
mod authority;
mod certificate;
mod client;
mod client_file;
mod issue;
mod pem;
mod pkcs12;
mod public_key;
mod request;
mod server;
pub mod tls;

pub use agent_key::{AgentKey, KeyError};
pub use authority::{Authority, AuthorityError, CA_VALIDITY, CaFiles};
pub use certificate::{CertificateError, Sha256, Validity, ca_fingerprint};
pub use client::{
    ChainError, ClientTrust, MAX_CHAIN_BYTES, MAX_CHAIN_CERTIFICATES, Subject, VerifiedClient,
};
pub use client_file::{ClientFile, ClientFileError, MAX_CLIENT_FILE_BYTES};
pub use issue::{
    BACKDATE, CLIENT_VALIDITY, IssueError, IssuedCertificate, IssuedKeyPair, LeafName,
    MAX_LEAF_NAMES, MAX_SERVER_VALIDITY,
};
pub use pem::{certificate_from_pem, certificate_to_pem};
pub use pkcs12::{PKCS12_ITERATIONS, client_p12};
pub use public_key::{MAX_RSA_BITS, MIN_RSA_BITS, MIN_RSA_EXPONENT, UnacceptableKey};
pub use request::{AdmittedKey, CsrError, MAX_CSR_CHARACTERS, ParsedRequest};
pub use server::{ServerChainError, build_date, verify_server};
