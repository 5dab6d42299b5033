//! The request target (RFC 9112 §3.2).

use super::GateError;

/// What a target may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    /// `/path?query`
    Origin,
    /// `https://host[:port]/path?query`; the authority as it is written.
    Absolute {
        /// `host[:port]`
        authority: &'a [u8],
    },
    /// `*`, for OPTIONS alone.
    Asterisk,
}

/// Checks the spelling of a target.
///
/// # Errors
/// [`GateError::Target`] for anything that a parser behind might read differently: control
/// characters, spaces, raw non-ASCII, a fragment, broken or NUL percent-encoding in the path, a
/// back-slash in the path, user information, another scheme than https.
pub(crate) fn check_target<'a>(method: &[u8], target: &'a [u8]) -> Result<Target<'a>, GateError> {
    match target.first() {
        Some(b'/') => check_path_and_query(target).map(|()| Target::Origin),
        Some(b'*') if target.len() == 1 && method == b"OPTIONS" => Ok(Target::Asterisk),
        _ => check_absolute(target),
    }
}

fn check_absolute(target: &[u8]) -> Result<Target<'_>, GateError> {
    const SCHEME: &[u8] = b"https://";
    let (scheme, rest) = target
        .split_at_checked(SCHEME.len())
        .ok_or(GateError::Target)?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Err(GateError::Target);
    }
    let end = rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#'));
    let (authority, path) = rest
        .split_at_checked(end.unwrap_or(rest.len()))
        .ok_or(GateError::Target)?;
    check_path_and_query(path)?;
    Ok(Target::Absolute { authority })
}

/// Checks the octets of a path with or without a query. Shared by both protocol versions.
pub(crate) fn check_path_and_query(text: &[u8]) -> Result<(), GateError> {
    let query = text.iter().position(|b| *b == b'?').unwrap_or(text.len());
    let clean = |b: &u8| b.is_ascii_graphic() && *b != b'#';
    if !text.iter().all(clean) {
        return Err(GateError::Target);
    }
    let mut path = text.get(..query).unwrap_or_default().iter();
    while let Some(octet) = path.next() {
        match octet {
            b'\\' => return Err(GateError::Target),
            b'%' => {
                let digits = (path.next(), path.next());
                let (Some(high), Some(low)) = digits else {
                    return Err(GateError::Target);
                };
                let hex = high.is_ascii_hexdigit() && low.is_ascii_hexdigit();
                if !hex || (*high, *low) == (b'0', b'0') {
                    return Err(GateError::Target);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_browsers_send() {
        for good in [
            "/",
            "/a/b.c?d=e&f",
            "/%C3%A4/x;y=1",
            "/?q=100%&r={|}^`\\",
            "//",
            "/a//../b",
            "/[x]",
        ] {
            assert_eq!(
                check_target(b"GET", good.as_bytes()),
                Ok(Target::Origin),
                "{good}"
            );
        }
        let authority = &b"a.b:8443"[..];
        let absolute = check_target(b"GET", b"HTTPS://a.b:8443/x");
        assert_eq!(absolute, Ok(Target::Absolute { authority }));
        assert_eq!(check_target(b"OPTIONS", b"*"), Ok(Target::Asterisk));
    }

    #[test]
    fn refuses_ambiguous_targets() {
        let bad: [&[u8]; 16] = [
            b"",
            b"*",
            b"a.b:443",
            b"x",
            b"http://a.b/",
            b"ftp://a.b/",
            b"/a#b",
            b"/a b",
            b"/\0",
            b"/\x7f",
            b"/\xc3\xa4",
            b"/a\\b",
            b"/%0",
            b"/%zz",
            b"/%00",
            b"https:/a",
        ];
        for target in bad {
            assert_eq!(
                check_target(b"GET", target),
                Err(GateError::Target),
                "{}",
                target.escape_ascii()
            );
        }
    }
}
