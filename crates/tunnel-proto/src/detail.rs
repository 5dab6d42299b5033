//! A short text from the other end, made harmless.

/// The longest [`Detail`] on the wire, octets: a line in a table or a log, not a document.
pub const MAX_DETAIL_BYTES: usize = 200;

/// One printable line of at most [`MAX_DETAIL_BYTES`] octets.
///
/// Whatever comes in, from here or from the wire, leaves without control characters, line
/// breaks and the invisible characters that reorder what a reader sees.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Detail(Box<str>);

impl Detail {
    /// Cleans and shortens `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut clean = String::with_capacity(text.len().min(MAX_DETAIL_BYTES));
        for c in text.chars().map(|c| if is_harmless(c) { c } else { '?' }) {
            if clean.len() + c.len_utf8() > MAX_DETAIL_BYTES {
                break;
            }
            clean.push(c);
        }
        Self(clean.into())
    }

    /// Reads a text from the wire; octets that are no UTF-8 become replacement characters.
    #[must_use]
    pub fn from_wire(bytes: &[u8]) -> Self {
        let bytes = bytes.get(..MAX_DETAIL_BYTES).unwrap_or(bytes);
        Self::new(&String::from_utf8_lossy(bytes))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Detail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detail_is_one_short_printable_line() {
        assert_eq!(
            Detail::new("a\r\nb\u{1b}[31m\u{202e}").as_str(),
            "a??b?[31m?"
        );
        assert!(Detail::new(&"ü".repeat(300)).as_str().len() <= MAX_DETAIL_BYTES);
        assert!(Detail::from_wire(&[0xff; 500]).as_str().len() <= MAX_DETAIL_BYTES);
    }
}
