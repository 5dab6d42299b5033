//! `portlama server helper`: what systemd starts as root for one order of the server.

use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream as StdStream;
use std::process::ExitCode;

use anyhow::{Context, Result};
use portlama_host::helper::{Order, Reply, serve};
use tokio::net::UnixStream;

use crate::output::Output;

/// Serves the connection that systemd hands over as standard input.
pub(crate) async fn run(output: Output) -> Result<ExitCode> {
    let input = std::io::stdin().as_fd().try_clone_to_owned()?;
    let stream = StdStream::from(input);
    stream.set_nonblocking(true)?;
    let stream = UnixStream::from_std(stream)?;
    stream.peer_cred().context(
        "standard input is no connection: systemd starts this, by portlama-helper.socket",
    )?;
    let served = serve(stream).await.context("no order was taken")?;
    let order = served.order.map_or("no order".to_owned(), words);
    output.note(match served.reply {
        Reply::Done => format!("{order} of user {}: done", served.peer),
        Reply::Refused { reason } => format!("user {} is refused: {reason}", served.peer),
        Reply::Failed { reason } => format!("{order} of user {} failed: {reason}", served.peer),
        Reply::TimedOut => format!("{order} of user {} takes too long", served.peer),
    });
    Ok(ExitCode::SUCCESS)
}

fn words(order: Order) -> String {
    match order {
        Order::Unit(unit, action) => format!("`{} {}`", action.as_str(), unit.as_str()),
        Order::Upgrade => "`upgrade`".to_owned(),
    }
}
