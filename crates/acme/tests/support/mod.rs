//! What the tests of the client share: a journal in memory, and something that answers
//! TLS-ALPN-01.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use portlama_acme::{
    BoxError, BoxFuture, CertificateName, ChallengeAnswer, Challenges, Journal, OrderRecord, Step,
};
use portlama_model::{Hostname, Secret, Timestamp};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}

pub(crate) fn name(text: &str) -> CertificateName {
    text.parse().expect("a name")
}

/// A journal in memory: what it holds is what a crash leaves.
#[derive(Default)]
pub(crate) struct Memory {
    account: Mutex<Option<Secret>>,
    orders: Mutex<BTreeMap<CertificateName, OrderRecord>>,
    pub(crate) steps: Mutex<Vec<Step>>,
    reached: watch::Sender<Option<Step>>,
}

impl Memory {
    pub(crate) fn account(&self) -> Option<Secret> {
        self.account.lock().expect("unpoisoned").clone()
    }

    pub(crate) fn order(&self, name: &CertificateName) -> Option<OrderRecord> {
        self.orders.lock().expect("unpoisoned").get(name).cloned()
    }

    pub(crate) fn keep_order(&self, record: OrderRecord) {
        let mut orders = self.orders.lock().expect("unpoisoned");
        orders.insert(record.name.clone(), record);
    }

    /// Returns when an order comes to this step.
    pub(crate) async fn reaches(&self, step: Step) {
        let mut reached = self.reached.subscribe();
        reached
            .wait_for(|found| *found >= Some(step))
            .await
            .expect("the sender lives");
    }

    pub(crate) fn begin_again(&self) {
        self.reached.send_replace(None);
    }
}

impl Journal for Memory {
    fn account<'a>(&'a self, account: &'a Secret) -> BoxFuture<'a, Result<(), BoxError>> {
        *self.account.lock().expect("unpoisoned") = Some(account.clone());
        Box::pin(async { Ok(()) })
    }

    fn order<'a>(&'a self, order: &'a OrderRecord) -> BoxFuture<'a, Result<(), BoxError>> {
        self.keep_order(order.clone());
        Box::pin(async { Ok(()) })
    }

    fn step(&self, _: &CertificateName, step: Step) {
        self.steps.lock().expect("unpoisoned").push(step);
        self.reached.send_replace(Some(step));
    }
}

/// Answers TLS-ALPN-01 on a port of its own.
pub(crate) struct Responder {
    address: SocketAddr,
    answers: Arc<Answers>,
    _server: AbortOnDropHandle<()>,
}

#[derive(Debug, Default)]
struct Answers(Mutex<BTreeMap<String, Arc<CertifiedKey>>>);

impl ResolvesServerCert for Answers {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let answers = self.0.lock().expect("unpoisoned");
        answers.get(hello.server_name()?).cloned()
    }
}

impl Responder {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("an address");
        let answers = Arc::new(Answers::default());
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_cert_resolver(answers.clone());
        config.alpn_protocols = vec![b"acme-tls/1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let server = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                // The handshake is the answer.
                let _ = acceptor.accept(socket).await;
            }
        });
        Self {
            address,
            answers,
            _server: AbortOnDropHandle::new(server),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Answers that are served at this moment.
    pub(crate) fn open(&self) -> usize {
        self.answers.0.lock().expect("unpoisoned").len()
    }
}

impl Challenges for Responder {
    fn present<'a>(
        &'a self,
        host: &'a Hostname,
        answer: &'a ChallengeAnswer,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move {
            let ChallengeAnswer::TlsAlpn01 { certificate, key } = answer else {
                return Err("only tls-alpn-01 is answered here".into());
            };
            let key = default_provider()
                .key_provider
                .load_private_key(key.clone_key())?;
            let certified = CertifiedKey::new(vec![certificate.clone()], key);
            let mut answers = self.answers.0.lock().expect("unpoisoned");
            answers.insert(host.to_string(), Arc::new(certified));
            Ok(())
        })
    }

    fn withdraw<'a>(&'a self, host: &'a Hostname, _: &'a ChallengeAnswer) -> BoxFuture<'a, ()> {
        self.answers
            .0
            .lock()
            .expect("unpoisoned")
            .remove(host.as_str());
        Box::pin(async {})
    }
}
