//! `portlama cloud open`.

use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;

use super::place::Place;

/// Arguments of `portlama cloud open`.
#[derive(Debug, Args)]
#[command(after_help = "\
The browser must hold the admin's certificate: `portlama cloud credentials` says where it lies
and what its password is, for the browser's own settings.

Examples:
  portlama cloud open
      the panel of the active server
  portlama cloud open home
      that of another")]
pub(super) struct OpenArguments {
    /// The server [default: the active one].
    label: Option<String>,
}

/// What opens addresses.
const OPENER: &str = if cfg!(target_os = "macos") {
    "open"
} else {
    "xdg-open"
};

/// Opens the panel in the browser, and says where it is.
pub(super) fn open(arguments: &OpenArguments, place: &Place) -> Result<ExitCode> {
    let server = place.server(arguments.label.as_deref())?;
    let url = &server.panel_url;
    if !is_https(url) {
        bail!(
            "the panel of {} is at `{url}`, which is not opened: it must begin with https://",
            server.label
        );
    }
    let opened = Command::new(OPENER)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("cannot start {OPENER}: open {url} yourself"))?;
    if !opened.success() {
        bail!("{OPENER} found no browser: open {url} yourself");
    }
    if place.output.is_json() {
        place.output.document(&json!({"opened": url}));
    } else {
        place.output.data(url);
    }
    Ok(ExitCode::SUCCESS)
}

/// Nothing but an address of a website: the list is a file that others may have written, and
/// what opens addresses opens programs, too.
fn is_https(url: &str) -> bool {
    let rest = url.strip_prefix("https://").unwrap_or_default();
    !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_website_is_opened() {
        assert!(is_https("https://198.51.100.7:9292"));
        for url in [
            "",
            "https://",
            "http://a.b",
            "file:///bin/sh",
            "https://a b",
        ] {
            assert!(!is_https(url), "{url}");
        }
    }
}
