//! Where secrets come from that somebody gives us. They are never arguments, because those can be
//! seen by others.

use std::io::{IsTerminal as _, Read as _, Write as _};

use anyhow::{Context, Result};
use portlama_model::Secret;

use crate::output::Output;

/// The longest token or password read, bytes. Real tokens have 134.
const MAX_SECRET_BYTES: u64 = 4096;

/// What the environment holds, else what a person types, else what a pipe brings.
pub(crate) fn read_secret(what: &str, variable: &str, output: Output) -> Result<Secret> {
    if let Some(text) = self::variable(variable) {
        return Ok(text);
    }
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        let _ = write!(std::io::stderr(), "{what} (it will not be shown): ");
        let text = rpassword::read_password().context("cannot read what was typed")?;
        output.note("");
        return Ok(Secret::new(text));
    }
    let mut text = String::new();
    stdin
        .lock()
        .take(MAX_SECRET_BYTES)
        .read_to_string(&mut text)
        .context("cannot read standard input")?;
    Ok(Secret::new(text))
}

/// What an environment variable holds; nothing when that is empty.
pub(crate) fn variable(name: &str) -> Option<Secret> {
    let text = std::env::var(name).ok()?;
    (!text.trim().is_empty()).then(|| Secret::new(text))
}
