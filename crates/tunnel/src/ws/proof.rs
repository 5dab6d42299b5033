//! Both ends prove themselves inside the WebSocket.
//!
//! ```text
//! agent  → server   agent nonce, agent chain
//! server → agent    server nonce, server chain, signature by the server's leaf key
//! agent  → server   signature by the agent's leaf key
//! ```
//!
//! Each signature covers a context of its own, both nonces and the digest of both chains: it
//! is good for this exchange alone, and for nothing else the key is used for.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use rustls::SignatureScheme;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::sign::SigningKey;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use webpki::EndEntityCert;

use crate::WebSocketConfig;
use crate::dial::certificate_reason;
use crate::limits::{MAX_PROOF_BYTES, MAX_PROOF_CERTIFICATES};

/// What the server signs begins with this.
const SERVER_CONTEXT: &[u8] = b"portlama-tunnel/1 websocket server proof\0";

/// What the agent signs begins with this.
const AGENT_CONTEXT: &[u8] = b"portlama-tunnel/1 websocket agent proof\0";

/// The version of these messages, their first octet.
const PROOF_VERSION: u8 = 1;

const NONCE_BYTES: usize = 32;

/// Keys of our own certificates, and RSA of adopted installations (RFC 8446 §4.2.3).
const SCHEMES: [SignatureScheme; 3] = [
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::RSA_PSS_SHA256,
];

/// Why one end did not believe the other.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The connection broke or ended.
    #[error("the connection broke during the proof of identity")]
    Connection,
    /// The message has not the form it should have.
    #[error("the other end's proof of identity is malformed")]
    Malformed,
    /// The certificate is not of the pinned authority, or for another name or time.
    #[error("the server is not the one this agent was enrolled at: {}", certificate_reason(.0))]
    Certificate(rustls::Error),
    /// The signature does not fit the certificate.
    #[error("the other end does not hold the key of its certificate")]
    Signature,
    /// This end's key cannot sign.
    #[error("this end's key cannot sign: {0}")]
    Key(String),
}

type Nonce = [u8; NONCE_BYTES];
type Chain = Vec<CertificateDer<'static>>;

/// The server's side of the proof.
#[derive(Clone)]
pub struct ServerProof {
    /// The chain of `tunnel.<domain>` from the Portlama CA, leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's key.
    pub key: Arc<dyn SigningKey>,
}

impl ServerProof {
    /// Proves the server and demands the agent's proof; the agent's chain, whose leaf's key
    /// the agent holds. Whether the certificate means anything is the caller's question.
    pub(super) async fn exchange<IO>(
        &self,
        socket: &mut WebSocketStream<IO>,
    ) -> Result<Chain, ProofError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let mut opening = receive(socket).await?;
        let agent_nonce = get_nonce(&mut opening)?;
        let agent_chain = get_chain(&mut opening)?;
        let server_nonce = fresh_nonce()?;
        let transcript = Transcript {
            agent_nonce,
            server_nonce,
            agent: &agent_chain,
            server: &self.chain,
        };

        let mut answer = start_message();
        answer.put_slice(&server_nonce);
        put_chain(&mut answer, &self.chain);
        put_signature(
            &mut answer,
            &*self.key,
            &transcript.signed_as(SERVER_CONTEXT),
        )?;
        send(socket, answer).await?;

        let mut closing = receive(socket).await?;
        check_signature(
            &mut closing,
            &agent_chain,
            &transcript.signed_as(AGENT_CONTEXT),
        )?;
        Ok(agent_chain)
    }
}

/// Demands the server's proof against the pinned authority, then proves the agent.
pub(super) async fn prove_agent<IO>(
    socket: &mut WebSocketStream<IO>,
    server: &ServerName<'static>,
    config: &WebSocketConfig,
) -> Result<(), ProofError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let agent_nonce = fresh_nonce()?;
    let mut opening = start_message();
    opening.put_slice(&agent_nonce);
    put_chain(&mut opening, &config.chain);
    send(socket, opening).await?;

    let mut answer = receive(socket).await?;
    let server_nonce = get_nonce(&mut answer)?;
    let server_chain = get_chain(&mut answer)?;
    let transcript = Transcript {
        agent_nonce,
        server_nonce,
        agent: &config.chain,
        server: &server_chain,
    };
    let (leaf, others) = server_chain.split_first().ok_or(ProofError::Malformed)?;
    config
        .server
        .verify_server_cert(leaf, others, server, &[], UnixTime::now())
        .map_err(ProofError::Certificate)?;
    check_signature(
        &mut answer,
        &server_chain,
        &transcript.signed_as(SERVER_CONTEXT),
    )?;

    let mut closing = start_message();
    put_signature(
        &mut closing,
        &*config.key,
        &transcript.signed_as(AGENT_CONTEXT),
    )?;
    send(socket, closing).await
}

/// What both signatures cover.
struct Transcript<'a> {
    agent_nonce: Nonce,
    server_nonce: Nonce,
    agent: &'a [CertificateDer<'static>],
    server: &'a [CertificateDer<'static>],
}

impl Transcript<'_> {
    fn signed_as(&self, context: &[u8]) -> Vec<u8> {
        let mut chains = BytesMut::new();
        put_chain(&mut chains, self.agent);
        put_chain(&mut chains, self.server);
        let chains = digest(&SHA256, &chains);
        [
            context,
            &self.agent_nonce,
            &self.server_nonce,
            chains.as_ref(),
        ]
        .concat()
    }
}

fn start_message() -> BytesMut {
    let mut message = BytesMut::new();
    message.put_u8(PROOF_VERSION);
    message
}

async fn send<IO>(socket: &mut WebSocketStream<IO>, message: BytesMut) -> Result<(), ProofError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    socket
        .send(Message::Binary(message.freeze()))
        .await
        .map_err(|_| ProofError::Connection)
}

/// The next message without its version.
async fn receive<IO>(socket: &mut WebSocketStream<IO>) -> Result<Bytes, ProofError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    match socket.next().await {
        Some(Ok(Message::Binary(mut message))) if message.len() <= MAX_PROOF_BYTES => {
            match message.try_get_u8() {
                Ok(PROOF_VERSION) => Ok(message),
                _ => Err(ProofError::Malformed),
            }
        }
        Some(Ok(Message::Close(_)) | Err(_)) | None => Err(ProofError::Connection),
        Some(Ok(_)) => Err(ProofError::Malformed),
    }
}

fn fresh_nonce() -> Result<Nonce, ProofError> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(|error| ProofError::Key(error.to_string()))?;
    Ok(nonce)
}

fn get_nonce(message: &mut Bytes) -> Result<Nonce, ProofError> {
    let mut nonce = [0; NONCE_BYTES];
    message
        .try_copy_to_slice(&mut nonce)
        .map_err(|_| ProofError::Malformed)?;
    Ok(nonce)
}

/// A count, then each certificate after its length.
fn put_chain(message: &mut BytesMut, chain: &[CertificateDer<'static>]) {
    let chain = chain.get(..MAX_PROOF_CERTIFICATES).unwrap_or(chain);
    message.put_u8(u8::try_from(chain.len()).unwrap_or(u8::MAX));
    for certificate in chain {
        put_bytes(message, certificate);
    }
}

fn get_chain(message: &mut Bytes) -> Result<Chain, ProofError> {
    let count = usize::from(message.try_get_u8().map_err(|_| ProofError::Malformed)?);
    if !(1..=MAX_PROOF_CERTIFICATES).contains(&count) {
        return Err(ProofError::Malformed);
    }
    (0..count)
        .map(|_| get_bytes(message).map(|der| CertificateDer::from(der.to_vec())))
        .collect()
}

fn put_bytes(message: &mut BytesMut, bytes: &[u8]) {
    message.put_u16(u16::try_from(bytes.len()).unwrap_or(u16::MAX));
    message.put_slice(bytes);
}

fn get_bytes(message: &mut Bytes) -> Result<Bytes, ProofError> {
    let length = usize::from(message.try_get_u16().map_err(|_| ProofError::Malformed)?);
    if length > message.len() {
        return Err(ProofError::Malformed);
    }
    Ok(message.split_to(length))
}

fn put_signature(
    message: &mut BytesMut,
    key: &dyn SigningKey,
    signed: &[u8],
) -> Result<(), ProofError> {
    let signer = key
        .choose_scheme(&SCHEMES)
        .ok_or_else(|| ProofError::Key("neither ECDSA nor RSA".to_owned()))?;
    let signature = signer
        .sign(signed)
        .map_err(|error| ProofError::Key(error.to_string()))?;
    message.put_u16(signer.scheme().into());
    put_bytes(message, &signature);
    Ok(())
}

/// Reads the signature, the last part of a message, and checks it against the chain's leaf.
fn check_signature(
    message: &mut Bytes,
    chain: &[CertificateDer<'static>],
    signed: &[u8],
) -> Result<(), ProofError> {
    let scheme = message
        .try_get_u16()
        .map_err(|_| ProofError::Malformed)?
        .into();
    let signature = get_bytes(message)?;
    if !message.is_empty() || !SCHEMES.contains(&scheme) {
        return Err(ProofError::Malformed);
    }
    let leaf = chain.first().ok_or(ProofError::Malformed)?;
    let leaf = EndEntityCert::try_from(leaf).map_err(|_| ProofError::Malformed)?;
    let algorithms = default_provider().signature_verification_algorithms;
    let candidates = algorithms
        .mapping
        .iter()
        .filter(|(known, _)| *known == scheme);
    let valid = candidates
        .flat_map(|(_, algorithms)| algorithms.iter())
        .any(|algorithm| {
            leaf.verify_signature(*algorithm, signed, &signature)
                .is_ok()
        });
    if valid {
        Ok(())
    } else {
        Err(ProofError::Signature)
    }
}
