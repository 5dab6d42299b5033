//! The one place where a file becomes a release.

use std::io::Read;

use aws_lc_rs::digest::{Context, SHA256};
use minisign_verify::{Error, PublicKey, Signature, StreamVerifier};

use super::{Claim, ReleaseError, ReleaseKeys, TARGET};

/// The largest release, octets. The program has about 25 MB.
pub const MAX_RELEASE_BYTES: u64 = 64 * 1024 * 1024;
/// The largest signature, octets. One has about 400.
pub const MAX_SIGNATURE_BYTES: u64 = 4 * 1024;

/// How much of the file is read at once, octets.
const PIECE_BYTES: usize = 64 * 1024;

/// Reads a file to its end and returns what its signature says of it, once that holds.
///
/// # Errors
/// When it is not a release for this machine, signed by one of `keys`.
pub fn verify(file: impl Read, signature: &str, keys: &ReleaseKeys) -> Result<Claim, ReleaseError> {
    if keys.is_empty() {
        return Err(ReleaseError::NoKeys);
    }
    let signature = Signature::decode(signature).map_err(refused)?;
    let mut verifier = verifier(&signature, keys.all())?;
    let mut digest = Context::new(&SHA256);
    each_piece(file, |piece| {
        verifier.update(piece);
        digest.update(piece);
    })?;
    verifier.finalize().map_err(refused)?;
    // Only what is signed is read from here on.
    let claim = Claim::read(signature.trusted_comment())?;
    if claim.sha256 != hex::encode(digest.finish().as_ref()) {
        return Err(ReleaseError::Digest);
    }
    if claim.target != TARGET {
        return Err(ReleaseError::Target {
            found: claim.target,
        });
    }
    Ok(claim)
}

fn verifier<'a>(
    signature: &'a Signature,
    keys: &'a [PublicKey],
) -> Result<StreamVerifier<'a>, ReleaseError> {
    for key in keys {
        match key.verify_stream(signature) {
            Err(Error::UnexpectedKeyId) => {}
            found => return found.map_err(refused),
        }
    }
    Err(ReleaseError::UnknownKey)
}

fn each_piece(mut file: impl Read, mut take: impl FnMut(&[u8])) -> Result<(), ReleaseError> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut all = 0;
    loop {
        let read = match file.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        all += read as u64;
        if all > MAX_RELEASE_BYTES {
            return Err(ReleaseError::TooLarge);
        }
        take(piece.get(..read).unwrap_or_default());
    }
}

fn refused(error: Error) -> ReleaseError {
    match error {
        Error::InvalidEncoding => ReleaseError::Malformed("it cannot be decoded"),
        Error::UnsupportedAlgorithm => ReleaseError::Malformed("its algorithm is not known"),
        Error::UnexpectedKeyId => ReleaseError::UnknownKey,
        Error::UnexpectedAlgorithm | Error::UnsupportedLegacyMode => ReleaseError::Legacy,
        Error::InvalidSignature => ReleaseError::Forged,
        Error::IoError(error) => ReleaseError::Read(error),
    }
}

#[cfg(test)]
mod tests {
    use portlama_testkit::release::{RELEASE_TEST_KEY, comment, sign, sign_saying};

    use super::*;

    const PROGRAM: &[u8] = b"\x7fELF and so on";

    fn test_keys() -> ReleaseKeys {
        ReleaseKeys::of(&[PUBLISHED_KEY, RELEASE_TEST_KEY])
    }

    /// A key and signatures that others have published, as the tests of `minisign-verify`.
    const PUBLISHED_KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    const PUBLISHED_LEGACY: &str = "untrusted comment: signature from minisign secret key
RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=
trusted comment: timestamp:1555779966\tfile:test
QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==";
    const PUBLISHED: &str = "untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1556193335\tfile:test
y/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==";

    #[test]
    fn a_release_says_its_version_by_its_signed_comment() {
        let signature = sign(PROGRAM, "1.2.3").expect("signed");
        let claim = verify(PROGRAM, &signature, &test_keys()).expect("a release");
        assert_eq!(claim.version.as_str(), "1.2.3");
    }

    #[test]
    fn a_changed_bit_anywhere_is_refused() {
        let signature = sign(PROGRAM, "1.2.3").expect("signed");
        for at in 0..PROGRAM.len() {
            let mut other = PROGRAM.to_vec();
            other[at] ^= 1;
            let refused = verify(&other[..], &signature, &test_keys());
            assert!(matches!(refused, Err(ReleaseError::Forged)), "{refused:?}");
        }
        // The first line of a signature is a comment that nobody signs.
        let signed = signature.find('\n').expect("a line") + 1;
        for at in signed..signature.trim_end().len() {
            let mut other = signature.clone().into_bytes();
            other[at] ^= 1;
            let Ok(other) = String::from_utf8(other) else {
                continue;
            };
            let refused = verify(PROGRAM, &other, &test_keys());
            assert!(refused.is_err(), "octet {at} of {other:?}");
        }
    }

    #[test]
    fn a_key_that_is_not_known_signs_nothing() {
        let signature = sign(PROGRAM, "1.2.3").expect("signed");
        let refused = verify(PROGRAM, &signature, &ReleaseKeys::of(&[PUBLISHED_KEY]));
        assert!(
            matches!(refused, Err(ReleaseError::UnknownKey)),
            "{refused:?}"
        );
    }

    #[test]
    fn a_build_without_keys_refuses_every_release_and_says_why() {
        let signature = sign(PROGRAM, "1.2.3").expect("signed");
        let refused = verify(PROGRAM, &signature, &ReleaseKeys::of(&[])).expect_err("refused");
        assert!(matches!(refused, ReleaseError::NoKeys), "{refused:?}");
        assert!(refused.to_string().contains("without release keys"));
    }

    #[test]
    fn signatures_of_the_old_kind_are_refused_though_they_hold() {
        let refused = verify(&b"test"[..], PUBLISHED_LEGACY, &test_keys());
        assert!(matches!(refused, Err(ReleaseError::Legacy)), "{refused:?}");
    }

    #[test]
    fn a_good_signature_of_something_else_is_no_release() {
        let refused = verify(&b"test"[..], PUBLISHED, &test_keys());
        assert!(
            matches!(refused, Err(ReleaseError::Claim(_))),
            "{refused:?}"
        );
    }

    #[test]
    fn the_signed_digest_and_target_must_fit() {
        let other_digest = comment(b"another program", "1.2.3");
        let signature = sign_saying(PROGRAM, &other_digest).expect("signed");
        let refused = verify(PROGRAM, &signature, &test_keys());
        assert!(matches!(refused, Err(ReleaseError::Digest)), "{refused:?}");
        let other_target = comment(PROGRAM, "1.2.3").replace(TARGET, "mips-linux");
        let signature = sign_saying(PROGRAM, &other_target).expect("signed");
        let refused = verify(PROGRAM, &signature, &test_keys());
        assert!(
            matches!(&refused, Err(ReleaseError::Target { found }) if found == "mips-linux"),
            "{refused:?}"
        );
    }

    #[test]
    fn a_file_without_end_is_given_up() {
        let signature = sign(PROGRAM, "1.2.3").expect("signed");
        let refused = verify(std::io::repeat(0), &signature, &test_keys());
        assert!(
            matches!(refused, Err(ReleaseError::TooLarge)),
            "{refused:?}"
        );
    }
}
