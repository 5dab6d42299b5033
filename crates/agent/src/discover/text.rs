//! Foreign text, made fit for a terminal.

/// The longest title or name that is shown, characters: a line of a table.
pub const MAX_SHOWN_CHARACTERS: usize = 80;

/// One line without anything that moves a cursor, changes colours or turns the direction of
/// writing, cut at [`MAX_SHOWN_CHARACTERS`]; `None` when nothing is left. Whoever answers on a
/// port or names a process chooses these words.
#[must_use]
pub(crate) fn shown(text: &str) -> Option<String> {
    let visible: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_format(*c))
        .collect();
    let words: Vec<&str> = visible.split(' ').filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    let cut = match line.char_indices().nth(MAX_SHOWN_CHARACTERS) {
        None => line,
        Some(_) => {
            let short: String = line.chars().take(MAX_SHOWN_CHARACTERS - 1).collect();
            format!("{}…", short.trim_end())
        }
    };
    (!cut.is_empty()).then_some(cut)
}

/// Characters of Unicode's category Cf that change how their neighbours are drawn.
fn is_format(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn foreign_words_cannot_play_with_a_terminal() {
        assert_eq!(
            shown(" a\n\tb\u{1b}[31m\u{202e}c \u{7}"),
            Some("a b[31mc".to_owned())
        );
        assert_eq!(shown("\u{200b} \r\n"), None);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_one_short_line(text in any::<String>()) {
            if let Some(line) = shown(&text) {
                prop_assert!((1..=MAX_SHOWN_CHARACTERS).contains(&line.chars().count()));
                prop_assert!(!line.chars().any(char::is_control));
                prop_assert_eq!(shown(&line), Some(line));
            }
        }
    }
}
