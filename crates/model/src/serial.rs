//! Certificate serial numbers.

use std::sync::Arc;

use serde::Deserialize;

use crate::ParseError;
use crate::text::text_name;

/// The longest serial accepted, octets (RFC 5280 §4.1.2.2).
const MAX_SERIAL_BYTES: usize = 20;

/// A certificate's serial: upper-case hexadecimal, two digits an octet, no separators and no
/// DER sign octet (`05`, `0A1B`). The same spelling in every file and answer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Serial(Arc<str>);

text_name!(Serial);

impl Serial {
    fn check(text: &str) -> Result<(), ParseError> {
        let valid = !text.is_empty()
            && text.len().is_multiple_of(2)
            && text.len() <= 2 * MAX_SERIAL_BYTES
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b));
        if valid {
            Ok(())
        } else {
            Err(ParseError("must be a serial in upper-case hexadecimal"))
        }
    }

    /// The serial of big-endian octets, such as the content of a DER INTEGER.
    ///
    /// # Errors
    /// When nothing, or more than 20 octets, is left after the leading zeros.
    pub fn from_be_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let start = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len());
        let significant = bytes.get(start..).unwrap_or_default();
        if significant.is_empty() {
            // Zero is one octet long.
            return if bytes.is_empty() {
                Err(ParseError("must not be empty"))
            } else {
                "00".parse()
            };
        }
        hex::encode_upper(significant).parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_has_no_sign_octet_and_two_digits_an_octet() {
        let serial = |bytes: &[u8]| Serial::from_be_bytes(bytes).map(|s| s.to_string());
        assert_eq!(serial(&[0x05]).as_deref(), Ok("05"));
        assert_eq!(serial(&[0x00, 0xA1, 0xB2]).as_deref(), Ok("A1B2"));
        assert_eq!(serial(&[0x0A, 0x1B]).as_deref(), Ok("0A1B"));
        assert!(serial(&[]).is_err());
        assert!(serial(&[1; 21]).is_err());
    }
}
