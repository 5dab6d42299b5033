//! The side of the server.

use std::io;
use std::path::Path;
use std::time::Duration;

use portlama_control::{MachineError, UNIT_ACTION_TIMEOUT};
use portlama_control_socket::{AskError, Question, ask};

use super::HELPER_SOCKET;
use super::order::{Order, Reply};
use crate::systemd;

/// Said where nobody listens.
const NO_HELPER: &str = "the server may not do this itself, and its helper is not there: run \
     `systemctl start portlama-helper.socket`; where that is unknown, `portlama server install` \
     brings it, and the guide shows it in \"Set up the server\" under \"Keep it running\"";
/// Said where the socket is not for this user.
const NOT_FOR_US: &str = "the helper obeys root and the user portlama, and this server runs as \
     somebody else; the guide says more, in \"Set up the server\" under \"Keep it running\"";
/// Said when the line is cut without an answer.
const HUNG_UP: &str = "the helper hung up without an answer: it may have too much to do; \
     `journalctl -t portlama-helper` on the server says more";

impl Question for Order {
    fn time_limit(&self) -> Duration {
        UNIT_ACTION_TIMEOUT
    }
}

/// Has an order carried out: by root itself, by anybody else through the helper.
///
/// # Errors
/// When it may not be, it fails, or it is not done in time.
pub async fn order(order: Order) -> Result<(), MachineError> {
    match rustix::process::geteuid().is_root() {
        true => systemd::carry_out(order).await,
        false => ask_at(Path::new(HELPER_SOCKET), order).await,
    }
}

async fn ask_at(path: &Path, order: Order) -> Result<(), MachineError> {
    match ask(path, &order).await {
        Ok(reply) => Reply::into(reply),
        Err(AskError::NotRunning { .. }) => Err(MachineError::Refused(NO_HELPER.to_owned())),
        Err(AskError::NoAnswer { source, .. }) => Err(unanswered(&source)),
    }
}

fn unanswered(error: &io::Error) -> MachineError {
    match error.kind() {
        io::ErrorKind::TimedOut => MachineError::TimedOut,
        io::ErrorKind::PermissionDenied => MachineError::Refused(NOT_FOR_US.to_owned()),
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe => MachineError::Refused(HUNG_UP.to_owned()),
        _ => MachineError::Program {
            program: "portlama server helper",
            reason: error.to_string(),
        },
    }
}

impl From<Reply> for Result<(), MachineError> {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Done => Ok(()),
            Reply::Refused { reason } | Reply::Failed { reason } => {
                Err(MachineError::Refused(reason))
            }
            Reply::TimedOut => Err(MachineError::TimedOut),
        }
    }
}

impl From<Result<(), MachineError>> for Reply {
    fn from(done: Result<(), MachineError>) -> Self {
        match done {
            Ok(()) => Self::Done,
            Err(MachineError::TimedOut) => Self::TimedOut,
            Err(error) => Self::Failed {
                reason: error.to_string(),
            },
        }
    }
}
