//! Pebble for tests that are not written in Rust: `portlama-test-authority ADDRESS TLS_PORT`.
//!
//! Lets every name lead to the address, writes one line of JSON when it is ready
//! (`directory`, `caFile`, `root` as PEM, `dns` as an address), and ends with its standard input
//! or when it is told to. However it ends, Pebble ends with it.
#![forbid(unsafe_code)]

use std::io::Write as _;
use std::net::Ipv4Addr;

use anyhow::{Context as _, Result};
use portlama_testkit::{Pebble, PebbleOptions};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, stdin};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().context("arguments: ADDRESS TLS_PORT");
    let address: Ipv4Addr = next()?.parse().context("ADDRESS is no IPv4 address")?;
    let tls_port: u16 = next()?.parse().context("TLS_PORT is no port")?;
    let options = PebbleOptions {
        address,
        tls_port,
        // This is the first thread, which lives as long as the program.
        dies_with_thread: true,
        ..PebbleOptions::default()
    };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(run(options));
    // Reading standard input can't be called off.
    runtime.shutdown_background();
    ended
}

/// Until whoever started it closes its standard input, sends a signal, or ends.
async fn run(options: PebbleOptions) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let pebble = Pebble::start(options)?.context("pebble is not installed")?;
    let ready = json!({
        "directory": pebble.directory(),
        "caFile": pebble.ca_file(),
        "root": pebble.root_pem()?,
        "dns": format!("127.0.0.1:{}", pebble.dns_port()),
    });
    writeln!(std::io::stdout(), "{ready}")?;
    let (mut input, mut unread) = (stdin(), Vec::new());
    tokio::select! {
        read = input.read_to_end(&mut unread) => drop(read?),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
