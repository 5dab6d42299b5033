//! The fake of DigitalOcean for tests that are not written in Rust:
//! `portlama-test-digitalocean TOKEN…`, each of which may what the guide has a token do.
//!
//! Writes one line of JSON when it is ready (`url`, `caFile`), and ends with its standard input
//! or when it is told to. Then it writes a second one: everything that it was asked (`asked`), and
//! how much is left of what was made (`left`).
#![forbid(unsafe_code)]

use std::io::Write as _;

use anyhow::Result;
use portlama_testkit::fake_digitalocean::{FakeDigitalOcean, TokenSpec};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, stdin};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> Result<()> {
    let tokens = std::env::args().skip(1);
    let tokens = tokens.map(|secret| TokenSpec::fitting(&secret));
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(run(tokens.collect()));
    // Reading standard input can't be called off.
    runtime.shutdown_background();
    ended
}

/// Until whoever started it closes its standard input, sends a signal, or ends.
async fn run(tokens: Vec<TokenSpec>) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let fake = FakeDigitalOcean::start(tokens).await;
    let mut out = std::io::stdout();
    writeln!(out, "{}", json!({"url": fake.url, "caFile": fake.ca_file}))?;
    let (mut input, mut unread) = (stdin(), Vec::new());
    tokio::select! {
        read = input.read_to_end(&mut unread) => drop(read?),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    let left = fake.resources_left();
    writeln!(out, "{}", json!({"asked": fake.calls(), "left": left}))?;
    Ok(())
}
