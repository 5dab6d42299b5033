//! One-time codes as an authenticator app makes them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use totp_rs::{Builder, Secret};

const PERIOD_SECONDS: u64 = 30;

/// The code of an `otpauth://` URI at a moment, seconds since 1970.
///
/// # Errors
/// When the URI has no usable secret.
pub fn totp_code_at(uri: &str, unix_seconds: u64) -> Result<String> {
    let secret = uri
        .split(['?', '&'])
        .find_map(|part| part.strip_prefix("secret="))
        .context("the otpauth URI has no secret")?;
    let secret = Secret::try_from_base32(secret).context("the secret is not base32")?;
    let totp = Builder::new()
        .with_secret(secret)
        .build()
        .context("the secret cannot be used")?;
    Ok(totp.generate(unix_seconds).to_string())
}

/// The code of this moment that was not used before: a code is accepted once, so when
/// `last` is the present one this waits for the next step, as a person would.
///
/// # Errors
/// As [`totp_code_at`].
pub fn fresh_totp_code(uri: &str, last: Option<&str>) -> Result<String> {
    loop {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let code = totp_code_at(uri, now)?;
        if last != Some(code.as_str()) {
            return Ok(code);
        }
        let left = PERIOD_SECONDS - now % PERIOD_SECONDS;
        std::thread::sleep(Duration::from_millis(left * 1000 + 50));
    }
}
