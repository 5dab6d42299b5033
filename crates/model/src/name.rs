//! Names of agents and people.

use std::sync::Arc;

use serde::Deserialize;

use crate::ParseError;
use crate::text::text_name;

fn is_slug_byte(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit()
}

/// The label of an agent: 1 to 50 characters of `a-z 0-9 -`, the first alphanumeric.
///
/// An agent's certificate has the common name `agent:<label>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct AgentLabel(Arc<str>);

text_name!(AgentLabel);

impl AgentLabel {
    fn check(text: &str) -> Result<(), ParseError> {
        let bytes = text.as_bytes();
        let valid = (1..=50).contains(&bytes.len())
            && bytes.first().is_some_and(|b| is_slug_byte(*b))
            && bytes.iter().all(|b| is_slug_byte(*b) || *b == b'-');
        if valid {
            Ok(())
        } else {
            Err(ParseError(
                "must be 1 to 50 characters of a-z, 0-9 and hyphens, beginning with a letter or digit",
            ))
        }
    }

    /// The common name of this agent's certificate.
    #[must_use]
    pub fn common_name(&self) -> String {
        format!("agent:{self}")
    }
}

/// The name of a static site: 1 to 100 characters of `a-z 0-9 -`, first and last alphanumeric.
///
/// A site below the base domain has its name as subdomain, so it must be a
/// [`Subdomain`](crate::Subdomain), too: at most 63 characters (RFC 1035 §2.3.1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct SiteName(Arc<str>);

text_name!(SiteName);

impl SiteName {
    fn check(text: &str) -> Result<(), ParseError> {
        let bytes = text.as_bytes();
        let valid = (1..=100).contains(&bytes.len())
            && bytes.first().is_some_and(|b| is_slug_byte(*b))
            && bytes.last().is_some_and(|b| is_slug_byte(*b))
            && bytes.iter().all(|b| is_slug_byte(*b) || *b == b'-');
        if valid {
            Ok(())
        } else {
            Err(ParseError(
                "must be 1 to 100 characters of a-z, 0-9 and inner hyphens",
            ))
        }
    }
}

/// A visitor's user name: 2 to 32 characters of `a-z 0-9 _ -`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Username(Arc<str>);

text_name!(Username);

impl Username {
    fn check(text: &str) -> Result<(), ParseError> {
        let valid = (2..=32).contains(&text.len())
            && text
                .bytes()
                .all(|b| is_slug_byte(b) || b == b'_' || b == b'-');
        if valid {
            Ok(())
        } else {
            Err(ParseError(
                "must be 2 to 32 characters of a-z, 0-9, underscore and hyphen",
            ))
        }
    }
}

/// Whether a text may stand in a header, a page and a log line: no control characters and
/// none of the invisible characters that reorder what a reader sees (Unicode bidi controls).
pub(crate) fn is_printable_line(text: &str) -> bool {
    !text.chars().any(|c| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    })
}

/// The name a user is shown under: 1 to 100 characters on one line.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct DisplayName(Arc<str>);

text_name!(DisplayName);

impl DisplayName {
    fn check(text: &str) -> Result<(), ParseError> {
        if !(1..=100).contains(&text.chars().count()) {
            return Err(ParseError("must be 1 to 100 characters"));
        }
        if !is_printable_line(text) {
            return Err(ParseError(
                "must not contain control or text-direction characters",
            ));
        }
        Ok(())
    }
}

/// The longest description, characters. A line in a list, no page.
const MAX_DESCRIPTION_CHARACTERS: usize = 200;

/// A note on a tunnel: one line of at most 200 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Description(Arc<str>);

text_name!(Description);

impl Description {
    fn check(text: &str) -> Result<(), ParseError> {
        if text.chars().count() > MAX_DESCRIPTION_CHARACTERS {
            return Err(ParseError("must be at most 200 characters"));
        }
        if text.chars().any(char::is_control) {
            return Err(ParseError("must be one line without control characters"));
        }
        Ok(())
    }
}

/// An e-mail address as far as Portlama needs to know one: `local@host` in ASCII without
/// spaces or quotes, at most 254 octets (RFC 5321 §4.5.3.1.3).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Email(Arc<str>);

text_name!(Email);

impl Email {
    fn check(text: &str) -> Result<(), ParseError> {
        const ERROR: ParseError = ParseError("must be an e-mail address such as ops@example.org");
        let (local, host) = text.rsplit_once('@').ok_or(ERROR)?;
        let atom = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b);
        let valid = text.len() <= 254
            && (1..=64).contains(&local.len())
            && local.bytes().all(atom)
            && !local.starts_with('.')
            && !local.ends_with('.')
            && crate::Hostname::normalise(host).is_ok();
        if valid { Ok(()) } else { Err(ERROR) }
    }
}

/// A group of users: 1 to 63 printable characters without commas, because groups reach the
/// app as one comma-separated header (`Remote-Groups`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Group(Arc<str>);

text_name!(Group);

impl Group {
    fn check(text: &str) -> Result<(), ParseError> {
        let valid = (1..=63).contains(&text.chars().count())
            && is_printable_line(text)
            && !text.contains(',')
            && text.trim() == text;
        if valid {
            Ok(())
        } else {
            Err(ParseError("must be 1 to 63 characters without commas"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agent_label_begins_alphanumeric_and_is_short() {
        assert!("attic-nas".parse::<AgentLabel>().is_ok());
        for bad in ["", "-a", "A", "a b", "agent:x", &"a".repeat(51)] {
            assert!(bad.parse::<AgentLabel>().is_err(), "{bad}");
        }
    }

    #[test]
    fn username_has_2_to_32_plain_characters() {
        assert!("mira_2".parse::<Username>().is_ok());
        for bad in ["m", "Mira", "a b", "a@b", "ümit", &"a".repeat(33)] {
            assert!(bad.parse::<Username>().is_err(), "{bad}");
        }
    }

    #[test]
    fn display_name_refuses_what_could_forge_a_line() {
        assert!("Mira Müller".parse::<DisplayName>().is_ok());
        for bad in ["", "a\r\nb", "a\u{1b}[31m", "a\u{202e}b"] {
            assert!(bad.parse::<DisplayName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn description_is_one_line_of_200_characters() {
        assert!("ü".repeat(200).parse::<Description>().is_ok());
        for bad in ["ü".repeat(201).as_str(), "a\nb"] {
            assert!(bad.parse::<Description>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn email_is_an_address_with_a_host() {
        assert!("ops+1@lab.example.org".parse::<Email>().is_ok());
        for bad in ["a", "@b.c", "a@b", "a b@c.de", "a@b.c\r\nX: y", ".a@b.de"] {
            assert!(bad.parse::<Email>().is_err(), "{bad:?}");
        }
    }
}
