//! Releases signed by the tests' key, which programs of tests believe (feature
//! `test-release-key`) and nobody else's.

use anyhow::Result;
use aws_lc_rs::digest::{SHA256, digest};
use minisign::{SecretKey, SecretKeyBox};

/// The public half of the tests' key.
pub const RELEASE_TEST_KEY: &str = "RWT9Kwd0t6FW4+IrqBGHYn2c9CI6BAJnTyy4E3SGf3HVKkdTRPdD4EaU";

const SECRET_HALF: &str = include_str!("../fixtures/release-test.key");

/// What these tests run on, as releases name it.
#[must_use]
pub fn target() -> String {
    format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)
}

/// The comment that is signed with a release.
#[must_use]
pub fn comment(program: &[u8], version: &str) -> String {
    let sha256 = hex::encode(digest(&SHA256, program));
    format!(
        "portlama version={version} target={} sha256={sha256}",
        target()
    )
}

/// The signature of a release.
///
/// # Errors
/// When it cannot be signed.
pub fn sign(program: &[u8], version: &str) -> Result<String> {
    sign_saying(program, &comment(program, version))
}

/// A signature with whatever comment.
///
/// # Errors
/// When it cannot be signed.
pub fn sign_saying(program: &[u8], comment: &str) -> Result<String> {
    let untrusted = Some("a release of the tests");
    let signed = minisign::sign(None, &secret_half()?, program, Some(comment), untrusted)?;
    Ok(signed.into_string())
}

fn secret_half() -> Result<SecretKey> {
    Ok(SecretKeyBox::from_string(SECRET_HALF)?.into_unencrypted_secret_key()?)
}
