//! Both ends over a real socket.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use portlama_control_socket::{
    Answer, AskError, BoxFuture, ControlSocket, Question, Reply, ask, ask_and_hold,
};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio_util::sync::{CancellationToken, DropGuard};

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "camelCase")]
enum Ask {
    Name,
    Loan,
    Never,
}

impl Question for Ask {
    fn time_limit(&self) -> Duration {
        match self {
            Self::Name | Self::Loan => Duration::from_secs(20),
            Self::Never => Duration::from_millis(20),
        }
    }
}

/// Says its name, lends a thing, and never answers the third question.
#[derive(Default)]
struct Lender {
    lent: Arc<AtomicBool>,
}

struct Thing(Arc<AtomicBool>);

impl Drop for Thing {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl Answer<Ask> for Lender {
    fn answer(&self, question: Ask) -> BoxFuture<'_, io::Result<Reply>> {
        Box::pin(async move {
            match question {
                Ask::Name => Reply::of(&"lender"),
                Ask::Loan => {
                    self.lent.store(true, Ordering::SeqCst);
                    let thing = Thing(self.lent.clone());
                    Ok(Reply::of(&"take it")?.lending(thing, Duration::from_secs(60)))
                }
                Ask::Never => std::future::pending().await,
            }
        })
    }
}

fn serve(path: &Path, lender: Lender) -> DropGuard {
    let stop = CancellationToken::new();
    let socket = ControlSocket::bind(path).expect("bound");
    tokio::spawn(socket.serve(Arc::new(lender), stop.clone()));
    stop.drop_guard()
}

async fn name(path: &Path) -> Result<String, AskError> {
    ask(path, &Ask::Name).await
}

#[tokio::test]
async fn questions_are_answered_on_a_private_socket() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("control.sock");
    let _stop = serve(&path, Lender::default());
    let mode = fs::metadata(&path).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(name(&path).await.expect("answered"), "lender");
}

#[tokio::test]
async fn a_process_that_does_not_run_is_told_apart() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("control.sock");
    let none = name(&path).await;
    assert!(matches!(none, Err(AskError::NotRunning { .. })), "{none:?}");
    drop(std::os::unix::net::UnixListener::bind(&path).expect("bound"));
    let left_over = name(&path).await;
    assert!(
        matches!(left_over, Err(AskError::NotRunning { .. })),
        "{left_over:?}"
    );
    let _stop = serve(&path, Lender::default());
    assert_eq!(name(&path).await.expect("answered"), "lender");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_directory_of_any_depth_holds_a_socket() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let deep = dir.path().join("d".repeat(120));
    fs::create_dir(&deep).expect("made");
    let path = deep.join("control.sock");
    let _stop = serve(&path, Lender::default());
    assert_eq!(name(&path).await.expect("answered"), "lender");
}

#[tokio::test]
async fn nonsense_gets_no_answer_and_harms_nobody() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("control.sock");
    let _stop = serve(&path, Lender::default());
    let long = vec![b'{'; 40_000];
    for nonsense in [&b"{}\n"[..], b"\xff\xff\n", b"{\"ask\":\"all\"}\n", &long] {
        let mut stream = UnixStream::connect(&path).await.expect("connected");
        let _ = stream.write_all(nonsense).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.is_empty());
    }
    assert_eq!(name(&path).await.expect("answered"), "lender");
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("control.sock");
    let _stop = serve(&path, Lender::default());
    let answer = ask::<String>(&path, &Ask::Never).await;
    assert!(
        matches!(answer, Err(AskError::NoAnswer { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn what_is_lent_comes_back_with_the_connection() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("control.sock");
    let lender = Lender::default();
    let lent = lender.lent.clone();
    let _stop = serve(&path, lender);
    let (said, held) = ask_and_hold::<String>(&path, &Ask::Loan)
        .await
        .expect("answered");
    assert_eq!(said, "take it");
    assert_eq!(name(&path).await.expect("answered"), "lender");
    assert!(lent.load(Ordering::SeqCst));
    drop(held);
    let back = async {
        while lent.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, back).await.expect("given back");
}
