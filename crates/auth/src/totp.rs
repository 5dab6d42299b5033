//! Time-based one-time codes (RFC 6238): SHA-1, 6 digits, 30 seconds.

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use portlama_model::{Secret, Timestamp, Username};
use zeroize::Zeroizing;

/// Octets of a new seed (RFC 4226 §4, R6: at least 16, better 20).
pub const TOTP_SEED_BYTES: usize = 20;
/// The length of a step (RFC 6238 §4.1, the default).
pub const TOTP_PERIOD: Duration = Duration::from_secs(30);
/// How many steps before and after the present one are accepted (RFC 6238 §5.2: one).
pub const TOTP_WINDOW_STEPS: u64 = 1;

/// Octets of an adopted seed: RFC 4226's least, and what fits a QR code with ease.
const SEED_BYTES: std::ops::RangeInclusive<usize> = 10..=64;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const DIGITS: usize = 6;

/// Why a text is no seed or no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TotpParseError {
    /// Not base32, or of another length.
    #[error("the seed must be 10 to 64 octets in base32")]
    Seed,
    /// Not six ASCII digits.
    #[error("must be exactly 6 digits")]
    Code,
}

/// Why a code is refused. The person who typed it learns no difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TotpError {
    /// It belongs to none of the accepted steps.
    #[error("the code is wrong")]
    Wrong,
    /// It, or a later one, was accepted before.
    #[error("the code was used before, wait for the next one")]
    Replayed,
}

/// Six digits as typed.
#[derive(Clone)]
pub struct TotpCode(Zeroizing<[u8; DIGITS]>);

impl std::str::FromStr for TotpCode {
    type Err = TotpParseError;

    fn from_str(text: &str) -> Result<Self, TotpParseError> {
        let digits: [u8; DIGITS] = text
            .as_bytes()
            .try_into()
            .map_err(|_| TotpParseError::Code)?;
        if digits.iter().all(u8::is_ascii_digit) {
            Ok(Self(Zeroizing::new(digits)))
        } else {
            Err(TotpParseError::Code)
        }
    }
}

impl TotpCode {
    /// The digits, for the one line that shows them.
    #[must_use]
    pub fn expose(&self) -> Secret {
        Secret::new(self.0.iter().copied().map(char::from).collect::<String>())
    }
}

impl std::fmt::Debug for TotpCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpCode(…)")
    }
}

/// The secret that a person's authenticator app shares with us.
#[derive(Clone)]
pub struct TotpSeed(Zeroizing<Vec<u8>>);

impl TotpSeed {
    /// A new seed of random octets.
    #[must_use]
    pub fn from_random(octets: [u8; TOTP_SEED_BYTES]) -> Self {
        Self(Zeroizing::new(octets.to_vec()))
    }

    /// Reads a stored or adopted seed: base32 of either case, with or without padding.
    ///
    /// # Errors
    /// [`TotpParseError::Seed`].
    pub fn from_base32(text: &Secret) -> Result<Self, TotpParseError> {
        let octets = base32_decode(text.expose()).ok_or(TotpParseError::Seed)?;
        if SEED_BYTES.contains(&octets.len()) {
            Ok(Self(octets))
        } else {
            Err(TotpParseError::Seed)
        }
    }

    /// The seed in base32 without padding, as people type it.
    #[must_use]
    pub fn to_base32(&self) -> Secret {
        Secret::new(base32_encode(&self.0))
    }

    /// The content of the QR code for a user's authenticator app.
    #[must_use]
    pub fn uri(&self, user: &Username) -> Secret {
        self.uri_of("Portlama", user.as_str())
    }

    /// The same for the admin's sign-in to the panel.
    #[must_use]
    pub fn panel_uri(&self) -> Secret {
        self.uri_of("Portlama%20Panel", "admin")
    }

    fn uri_of(&self, issuer: &str, account: &str) -> Secret {
        Secret::new(format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={}",
            self.to_base32().expose(),
            TOTP_PERIOD.as_secs(),
        ))
    }

    /// The code at a time.
    #[must_use]
    pub fn code_at(&self, now: Timestamp) -> TotpCode {
        TotpCode(Zeroizing::new(self.code_of_step(step_at(now))))
    }

    /// Checks a code against the present step and its neighbours. `last_accepted_step` is what
    /// an earlier [`VerifiedTotp::step`] gave for this seed; no step up to it is accepted again,
    /// so the caller stores the new one before it acts on the proof.
    ///
    /// # Errors
    /// [`TotpError`].
    pub fn verify(
        &self,
        code: &TotpCode,
        last_accepted_step: Option<u64>,
        now: Timestamp,
    ) -> Result<VerifiedTotp, TotpError> {
        let present = step_at(now);
        let window = present.saturating_sub(TOTP_WINDOW_STEPS)..=present + TOTP_WINDOW_STEPS;
        // Every step is computed and compared, whatever an earlier one gave.
        let newest = window
            .filter(|step| verify_slices_are_equal(&self.code_of_step(*step), &*code.0).is_ok())
            .max();
        match newest {
            None => Err(TotpError::Wrong),
            Some(step) if last_accepted_step.is_some_and(|last| step <= last) => {
                Err(TotpError::Replayed)
            }
            Some(step) => Ok(VerifiedTotp { step }),
        }
    }

    /// RFC 4226 §5.3.
    fn code_of_step(&self, step: u64) -> [u8; DIGITS] {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag.last().copied().unwrap_or(0) & 0x0F);
        let number = tag
            .iter()
            .skip(offset)
            .take(4)
            .fold(0_u32, |number, octet| number << 8 | u32::from(*octet))
            & 0x7FFF_FFFF;
        let mut rest = number;
        let mut digits = [b'0'; DIGITS];
        for digit in digits.iter_mut().rev() {
            *digit += (rest % 10) as u8;
            rest /= 10;
        }
        digits
    }
}

impl std::fmt::Debug for TotpSeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSeed(…)")
    }
}

/// A code that was right and new; made by [`TotpSeed::verify`] only.
#[derive(Debug, PartialEq, Eq)]
pub struct VerifiedTotp {
    step: u64,
}

impl VerifiedTotp {
    /// The step to store as the last accepted one.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.step
    }
}

fn step_at(now: Timestamp) -> u64 {
    u64::try_from(now.unix_seconds()).unwrap_or(0) / TOTP_PERIOD.as_secs()
}

fn base32_encode(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len().div_ceil(5) * 8);
    let (mut buffer, mut bits) = (0_u32, 0);
    for octet in octets {
        buffer = buffer << 8 | u32::from(*octet);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(base32_digit(buffer >> bits));
        }
    }
    if bits > 0 {
        text.push(base32_digit(buffer << (5 - bits)));
    }
    text
}

fn base32_digit(value: u32) -> char {
    char::from(BASE32[(value & 31) as usize])
}

fn base32_decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits = text.trim_end_matches('=');
    if digits.len() > 2 * SEED_BYTES.end() {
        return None;
    }
    let mut octets = Zeroizing::new(Vec::with_capacity(*SEED_BYTES.end() + 1));
    let (mut buffer, mut bits) = (0_u32, 0);
    for digit in digits.bytes() {
        let digit = digit.to_ascii_uppercase();
        let value = BASE32.iter().position(|known| *known == digit)?;
        buffer = buffer << 5 | u32::try_from(value).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            octets.push((buffer >> bits & 0xFF) as u8);
        }
    }
    Some(octets)
}
