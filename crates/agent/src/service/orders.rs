//! Programs that are told what to do: with arguments that stand here, bounded in time and in what
//! is read of their answer.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use super::{CannotStand, NoManager};

/// How long a manager may take for one order. Stopping an agent waits for its open streams.
pub const ORDER_TIMEOUT: Duration = Duration::from_secs(60);
/// What is read of an answer, bytes: what systemd and launchd tell of one service is shorter.
pub const MAX_SERVICE_WORDS_BYTES: u64 = 64 * 1024;
/// The pause before an order is given once more.
const PAUSE: Duration = Duration::from_millis(500);

/// A program to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Which.
    pub program: &'static str,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Whether it does not matter that it fails.
    pub may_fail: bool,
    /// How often it is tried. launchd forgets a service a moment after it said that it did.
    pub tries: u8,
}

impl Order {
    pub(super) fn new<'a>(
        program: &'static str,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            program,
            arguments: arguments.into_iter().map(str::to_owned).collect(),
            may_fail: false,
            tries: 1,
        }
    }

    pub(super) fn may_fail(self) -> Self {
        Self {
            may_fail: true,
            ..self
        }
    }

    pub(super) fn tries(self, tries: u8) -> Self {
        Self { tries, ..self }
    }
}

/// What a program said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Whether it ended well.
    pub success: bool,
    /// On its standard output.
    pub stdout: String,
    /// On its standard error.
    pub stderr: String,
}

/// Why a service is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// It cannot be written down.
    #[error(transparent)]
    CannotStand(#[from] CannotStand),
    /// Its file cannot be written or read.
    #[error("cannot write `{}`", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// There is nobody to tell it to.
    #[error(transparent)]
    NoManager(#[from] NoManager),
    /// Its file is another person's, or that of an agent in another home.
    #[error(
        "`{}` is the service of another person, or of an agent in another home (--home): choose another --label",
        .path.display()
    )]
    Anothers {
        /// Which.
        path: PathBuf,
    },
    /// A program could not be run.
    #[error("cannot run {program}")]
    Program {
        /// Which.
        program: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A program did not end.
    #[error("`{order}` did not end within {} seconds", ORDER_TIMEOUT.as_secs())]
    TimedOut {
        /// The command line.
        order: String,
    },
    /// A program refused.
    #[error("`{order}` failed: {words}")]
    Refused {
        /// The command line.
        order: String,
        /// What it said.
        words: String,
    },
}

/// Gives orders, one after the other, up to the first that fails and may not.
pub(super) async fn carry_out(
    orders: Vec<Order>,
    environment: &[(String, String)],
) -> Result<(), ServiceError> {
    for order in orders {
        let answer = insist(&order, environment).await?;
        if !answer.success && !order.may_fail {
            return Err(ServiceError::Refused {
                words: words(&answer),
                order: command_line(&order),
            });
        }
    }
    Ok(())
}

async fn insist(order: &Order, environment: &[(String, String)]) -> Result<Said, ServiceError> {
    let mut answer = run(order, environment).await?;
    for _ in 1..order.tries {
        if answer.success {
            break;
        }
        sleep(PAUSE).await;
        answer = run(order, environment).await?;
    }
    Ok(answer)
}

/// Runs a program to its end, which comes by force after [`ORDER_TIMEOUT`].
pub(super) async fn run(
    order: &Order,
    environment: &[(String, String)],
) -> Result<Said, ServiceError> {
    let failed = |source| ServiceError::Program {
        program: order.program,
        source,
    };
    let mut command = Command::new(order.program);
    command.args(&order.arguments);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    // Its words are read by us.
    command.env("LC_ALL", "C").env("SYSTEMD_COLORS", "0");
    command.env("SYSTEMD_PAGER", "");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let ended = timeout(ORDER_TIMEOUT, async {
        tokio::join!(text(stdout), text(stderr), child.wait())
    });
    let Ok((stdout, stderr, status)) = ended.await else {
        return Err(ServiceError::TimedOut {
            order: command_line(order),
        });
    };
    Ok(Said {
        success: status.map_err(failed)?.success(),
        stdout,
        stderr,
    })
}

/// What is said, up to the limit; the rest is read and thrown away, so that nobody waits.
async fn text(from: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut from) = from else {
        return String::new();
    };
    let mut kept = Vec::new();
    let _ = (&mut from)
        .take(MAX_SERVICE_WORDS_BYTES)
        .read_to_end(&mut kept)
        .await;
    let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&kept).into_owned()
}

fn command_line(order: &Order) -> String {
    std::iter::once(order.program)
        .chain(order.arguments.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join(" ")
}

fn words(answer: &Said) -> String {
    let said = match answer.stderr.trim() {
        "" => answer.stdout.trim(),
        words => words,
    };
    match said {
        "" => "it gave no reason".to_owned(),
        words => words
            .split('\n')
            .map(str::trim)
            .collect::<Vec<_>>()
            .join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_order_that_fails_is_told_with_its_words_unless_it_may() {
        let fails = || Order::new("ls", ["/nowhere/at/all"]);
        let error = carry_out(vec![fails()], &[]).await.expect_err("fails");
        let text = error.to_string();
        assert!(text.contains("ls /nowhere/at/all"), "{text}");
        assert!(text.contains("No such file"), "{text}");
        carry_out(vec![fails().may_fail(), Order::new("true", [])], &[])
            .await
            .expect("the rest is done");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        let error = carry_out(vec![Order::new("portlama-no-such-program", [])], &[]).await;
        assert!(
            matches!(
                error,
                Err(ServiceError::Program {
                    program: "portlama-no-such-program",
                    ..
                })
            ),
            "{error:?}"
        );
    }

    #[tokio::test]
    async fn an_order_may_be_tried_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("made");
        let place = place.to_str().expect("text");
        // The first try fails and makes what the second finds.
        let script = format!("test -e '{place}' || {{ touch '{place}'; exit 1; }}");
        let order = || Order::new("sh", ["-c", &script]);
        carry_out(vec![order().tries(2)], &[])
            .await
            .expect("at last");
        std::fs::remove_file(place).expect("there");
        carry_out(vec![order()], &[]).await.expect_err("once only");
    }
}
