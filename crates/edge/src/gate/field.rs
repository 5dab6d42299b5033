//! One header field line (RFC 9112 §5).

use super::GateError;

/// Splits a field line, without its CR LF, into name and value.
///
/// # Errors
/// [`GateError::Field`] for an empty name, a name that is no token (which covers white space
/// before the colon and folded lines), or a control character in the value.
pub(crate) fn check_field(line: &[u8]) -> Result<(&[u8], &[u8]), GateError> {
    let colon = memchr::memchr(b':', line).ok_or(GateError::Field)?;
    let (name, value) = line.split_at_checked(colon).ok_or(GateError::Field)?;
    let value = value.get(1..).unwrap_or_default();
    if name.is_empty() || !name.iter().all(|b| is_token(*b)) || !value.iter().all(|b| is_value(*b))
    {
        return Err(GateError::Field);
    }
    Ok((name, trim(value)))
}

/// The items of a comma-separated list, without white space and empty ones.
pub(crate) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|b| *b == b',')
        .map(trim)
        .filter(|item| !item.is_empty())
}

/// RFC 9110 §5.6.2.
pub(crate) fn is_token(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet)
}

fn is_value(octet: u8) -> bool {
    octet == b'\t' || (octet >= b' ' && octet != 0x7f)
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}
