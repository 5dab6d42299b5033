//! Passwords, one-time codes, sessions and lock-out as pure rules.
//!
//! There is no IO, no clock and no source of randomness here: the present and random octets
//! are arguments, and what must be remembered is handed out as plain rows. A check that passed
//! is a value that only the check can make ([`VerifiedPassword`], [`VerifiedTotp`]);
//! the next step demands it.
//!
//! - [`Password`], [`PasswordHash`], [`verify_password`]: bcrypt, and what earlier
//!   installations left.
//! - [`TotpSeed`], [`TotpCode`]: RFC 6238, each step accepted once.
//! - [`Lockout`]: who must wait after wrong tries.
//! - [`SessionToken`], [`SessionPolicy`], [`Handover`]: how long a sign-in lasts, and how it
//!   passes from the portal to a host.
//! - [`PanelSession`], [`PanelSessionKey`], [`CodeTries`]: two-factor sign-in to the panel.
//! - [`cookie`]: the names of our cookies.
#![forbid(unsafe_code)]

mod code_tries;
pub mod cookie;
mod handover;
mod lockout;
mod panel_session;
mod password;
mod password_hash;
mod session;
mod token;
mod totp;

pub use code_tries::{
    CODE_BAN, CODE_WINDOW, CodeBan, CodeTries, MAX_CODE_NETWORKS, MAX_WRONG_CODES,
};
pub use handover::{HANDOVER_LIFETIME, Handover, HandoverError};
pub use lockout::{
    Account, Attempt, BAN_DURATION, FAILURE_WINDOW, Lockout, LockoutKey, LockoutRow, MAX_FAILURES,
    MAX_LOCKOUT_ENTRIES, MAX_NETWORK_ENTRIES, MAX_USER_DELAY, Network, NetworkError, Refusal,
    USER_DELAY_DECAY, USER_FREE_FAILURES,
};
pub use panel_session::{
    MAX_PANEL_COOKIE_CHARACTERS, PanelSession, PanelSessionError, PanelSessionKey,
    PanelSessionKeyError,
};
pub use password::{
    MAX_PASSWORD_BYTES, MIN_PASSWORD_CHARACTERS, Password, PasswordError, VerifiedPassword,
    WrongPassword, verify_password,
};
pub use password_hash::{
    BCRYPT_COST, BcryptCost, MAX_ARGON2_MEMORY_KIB, MAX_ARGON2_PASSES, MAX_BCRYPT_COST,
    MAX_HASH_CHARACTERS, PasswordHash, PasswordHashError,
};
pub use session::{
    CLOCK_TOLERANCE, SESSION_ABSOLUTE, SESSION_IDLE, SessionEnd, SessionLevel, SessionPolicy,
    TOUCH_INTERVAL,
};
pub use token::{SessionToken, TokenError, TokenHash};
pub use totp::{
    TOTP_PERIOD, TOTP_SEED_BYTES, TOTP_WINDOW_STEPS, TotpCode, TotpError, TotpParseError, TotpSeed,
    VerifiedTotp,
};
