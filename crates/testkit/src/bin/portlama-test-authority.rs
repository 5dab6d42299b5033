//! Pebble for tests that are not written in Rust: `portlama-test-authority ADDRESS TLS_PORT`.
//!
//! Lets every name lead to the address, writes one line of JSON when it is ready
//! (`directory`, `caFile`, `root` as PEM, `dns` as an address), and ends with its standard input.
#![forbid(unsafe_code)]

use std::io::{Read as _, Write as _};
use std::net::Ipv4Addr;

use anyhow::{Context as _, Result};
use portlama_testkit::{Pebble, PebbleOptions};
use serde_json::json;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().context("arguments: ADDRESS TLS_PORT");
    let address: Ipv4Addr = next()?.parse().context("ADDRESS is no IPv4 address")?;
    let tls_port: u16 = next()?.parse().context("TLS_PORT is no port")?;
    let options = PebbleOptions {
        address,
        tls_port,
        ..PebbleOptions::default()
    };
    let pebble = Pebble::start(options)?.context("pebble is not installed")?;
    let ready = json!({
        "directory": pebble.directory(),
        "caFile": pebble.ca_file(),
        "root": pebble.root_pem()?,
        "dns": format!("127.0.0.1:{}", pebble.dns_port()),
    });
    writeln!(std::io::stdout(), "{ready}")?;
    // Whoever started it closes this, or ends.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
