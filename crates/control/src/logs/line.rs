//! One line of a log, safe to show.

use portlama_model::Timestamp;

/// The longest line that is kept, octets: a stack of causes fits, a dumped body does not.
pub const MAX_LOG_LINE_BYTES: usize = 4 * 1024;

/// What a cut line ends with.
const CUT: &str = "…";

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For whoever looks for a fault.
    Debug,
    /// Something happened.
    Info,
    /// Somebody should look at it.
    Warn,
    /// Something is broken.
    Error,
}

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    at: Option<Timestamp>,
    level: Option<LogLevel>,
    message: Box<str>,
}

impl LogLine {
    /// A line, made [plain]. A source that does not say when or how much leaves that out.
    #[must_use]
    pub fn new(at: Option<Timestamp>, level: Option<LogLevel>, message: &str) -> Self {
        Self {
            at,
            level,
            message: plain(message, MAX_LOG_LINE_BYTES).into(),
        }
    }

    /// When it was written, if that is known.
    #[must_use]
    pub fn at(&self) -> Option<Timestamp> {
        self.at
    }

    /// How much it matters, if that is known.
    #[must_use]
    pub fn level(&self) -> Option<LogLevel> {
        self.level
    }

    /// The text: one line without control characters.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What it costs to keep, octets.
    pub(super) fn cost(&self) -> usize {
        self.message.len() + size_of::<Self>()
    }
}

/// `text` as one line that cannot pretend to be several and steers no terminal: escape sequences
/// and marks of writing direction are taken out, line breaks and tabs become spaces, other
/// control characters `\u{fffd}`. What is longer than `max_bytes` is cut.
#[must_use]
pub fn plain(text: &str, max_bytes: usize) -> String {
    let mut line = String::with_capacity(text.len().min(max_bytes));
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let shown = match c {
            '\u{1b}' | '\u{9b}' | '\u{9d}' => {
                skip_escape(c, &mut rest);
                continue;
            }
            '\u{200e}' | '\u{200f}' | '\u{61c}' => continue,
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => continue,
            '\n' | '\r' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        };
        if line.len() + shown.len_utf8() > max_bytes.saturating_sub(CUT.len()) {
            line.push_str(CUT);
            break;
        }
        line.push(shown);
    }
    line.truncate(line.trim_end().len());
    line
}

/// Takes the rest of an escape sequence (ECMA-48): parameters up to the final character, or a
/// string up to its terminator. One that does not end stays visible from its middle on.
fn skip_escape(start: char, rest: &mut std::str::Chars<'_>) {
    let kind = match start {
        '\u{9b}' => '[',
        '\u{9d}' => ']',
        _ => match rest.clone().next() {
            Some(kind @ ('[' | ']' | 'P' | 'X' | '^' | '_')) => {
                rest.next();
                kind
            }
            Some(' '..='~') => {
                rest.next();
                return;
            }
            _ => return,
        },
    };
    let mut ahead = rest.clone();
    let mut taken = 0;
    while let Some(c) = ahead.next() {
        taken += 1;
        let ends = match kind {
            '[' => ('@'..='~').contains(&c),
            _ => {
                c == '\u{7}'
                    || c == '\u{9c}'
                    || (c == '\u{1b}' && ahead.clone().next() == Some('\\'))
            }
        };
        let is_inside = if kind == '[' {
            (' '..='~').contains(&c)
        } else {
            taken < MAX_LOG_LINE_BYTES
        };
        if ends {
            if c == '\u{1b}' {
                ahead.next();
            }
            *rest = ahead;
            return;
        }
        if !is_inside {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_cannot_forge_a_second_line() {
        let forged = "user\r\n2026-01-01T00:00:00.000Z ERROR the admin was here\n";
        let line = LogLine::new(None, None, forged);
        assert_eq!(
            line.message(),
            "user  2026-01-01T00:00:00.000Z ERROR the admin was here"
        );
    }

    #[test]
    fn escape_sequences_and_direction_marks_are_taken_out() {
        for (text, shown) in [
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("a\u{1b}]0;title\u{7}b", "ab"),
            ("a\u{1b}]8;;https://evil.example\u{1b}\\b", "ab"),
            ("a\u{9b}2Jb", "ab"),
            ("a\u{1b}cb", "ab"),
            ("a\u{1b}", "a"),
            ("safe\u{202e}gnp.exe\u{202c}", "safegnp.exe"),
            ("a\0b\u{8}c", "a\u{fffd}b\u{fffd}c"),
            ("tab\there", "tab here"),
        ] {
            assert_eq!(plain(text, 100), shown, "{text:?}");
        }
    }

    #[test]
    fn an_escape_sequence_without_an_end_hides_nothing() {
        assert_eq!(plain("\u{1b}]0;rm -rf", 100), "0;rm -rf");
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_bounded_line(text in any::<String>(), max in 3_usize..200) {
            let line = plain(&text, max);
            prop_assert!(line.len() <= max);
            prop_assert!(!line.chars().any(char::is_control), "{line:?}");
            let is_odd = line.contains(['\u{2028}', '\u{2029}', '\u{202e}']);
            prop_assert!(!is_odd);
            prop_assert_eq!(plain(&line, max), line);
        }

        #[test]
        fn escapes_in_any_order_leave_no_control(text in "[\u{1b}\u{9b}\u{9d}\\[\\]\\\\;m\u{7}\u{9c}a\n]{0,60}") {
            let line = plain(&text, 200);
            prop_assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }
}
