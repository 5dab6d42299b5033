//! Text of others, made fit to be shown.

/// At most so many characters of a text, without anything that a terminal would obey.
pub(crate) fn plain(text: &str, most: usize) -> String {
    let plain = text
        .chars()
        .map(|c| if c.is_control() || is_bidi(c) { ' ' } else { c });
    let mut plain: String = plain.take(most + 1).collect();
    if let Some((at, _)) = plain.char_indices().nth(most) {
        plain.truncate(at);
        plain.push('…');
    }
    plain.trim().to_owned()
}

/// Marks that change the direction of the text around them.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_is_long_or_moves_a_cursor(text in ".{0,600}", most in 1usize..300) {
            let text = plain(&text, most);
            prop_assert!(text.chars().count() <= most + 1);
            prop_assert!(!text.chars().any(|c| c.is_control() || is_bidi(c)));
        }
    }
}
