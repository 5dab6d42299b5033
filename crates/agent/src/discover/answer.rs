//! What the first octets of an answer tell of a service.

use super::text::shown;

/// The most that is read of one answer, octets: a title stands near the beginning.
pub const MAX_PAGE_BYTES: usize = 64 * 1024;
/// Headers of an answer that are read; one with more is not understood.
const MAX_HEADERS: usize = 96;
/// How much of an answer without a page is kept for recognising it, octets.
const MAX_TEXT_BYTES: usize = 512;

const SSH_GREETING: &[u8] = b"SSH-";

/// What was said first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// More octets are needed.
    Incomplete,
    /// HTTP.
    Http(Answer),
    /// A record of TLS (RFC 8446 §5.1).
    Tls,
    /// The greeting of SSH (RFC 4253 §4.2).
    Ssh,
    /// Something else.
    Other,
}

/// The part of an HTTP answer by which a service is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The title of its page, fit for a terminal.
    pub title: Option<String>,
    /// The header `server`.
    pub server: String,
    /// The names of all headers, in small letters.
    pub headers: Vec<String>,
    /// The beginning of an answer that is no page.
    pub text: String,
    /// Whether all of the answer that is worth reading is there.
    pub whole: bool,
}

/// Reads the beginning of an answer to a plain HTTP/1.0 request.
#[must_use]
pub fn read_answer(octets: &[u8]) -> Reading {
    match octets {
        [] | [0x15 | 0x16] => return Reading::Incomplete,
        // An alert or the beginning of a handshake.
        [0x15 | 0x16, 0x03, ..] => return Reading::Tls,
        _ if octets.starts_with(SSH_GREETING) => return Reading::Ssh,
        _ if SSH_GREETING.starts_with(octets) => return Reading::Incomplete,
        _ => {}
    }
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    match head.parse(octets) {
        Ok(httparse::Status::Partial) => Reading::Incomplete,
        Ok(httparse::Status::Complete(end)) => {
            Reading::Http(answer(&head, octets.get(end..).unwrap_or_default()))
        }
        Err(_) => Reading::Other,
    }
}

fn answer(head: &httparse::Response<'_, '_>, body: &[u8]) -> Answer {
    let value = |name: &str| {
        let mut named = head
            .headers
            .iter()
            .filter(|h| h.name.eq_ignore_ascii_case(name));
        named
            .next()
            .map(|h| String::from_utf8_lossy(h.value).into_owned())
    };
    let kind = value("content-type")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let is_page = kind.contains("html") || (kind.is_empty() && body.contains(&b'<'));
    let length = value("content-length").and_then(|text| text.trim().parse::<usize>().ok());
    let title = is_page.then(|| title(body)).flatten();
    let text = body.get(..MAX_TEXT_BYTES).unwrap_or(body);
    let read = !is_page && body.len() >= MAX_TEXT_BYTES;
    Answer {
        status: head.code.unwrap_or_default(),
        whole: read || title.is_some() || length.is_some_and(|length| body.len() >= length),
        title,
        server: value("server").unwrap_or_default(),
        headers: head
            .headers
            .iter()
            .map(|h| h.name.to_ascii_lowercase())
            .collect(),
        text: if is_page {
            String::new()
        } else {
            String::from_utf8_lossy(text).into_owned()
        },
    }
}

/// The text of the first whole `<title>`, with the usual entities read.
fn title(page: &[u8]) -> Option<String> {
    let begin = find(page, b"<title")?;
    let rest = page.get(begin..)?;
    let inside = rest.get(rest.iter().position(|b| *b == b'>')? + 1..)?;
    let text = inside.get(..find(inside, b"</title")?)?;
    shown(&with_entities_read(&String::from_utf8_lossy(text)))
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len())
        .position(|part| part.eq_ignore_ascii_case(word))
}

/// `&amp;` and its like, and numbers. What is not known stays as it is written.
fn with_entities_read(text: &str) -> String {
    let mut read = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        read.push_str(before);
        let found = after
            .split_once(';')
            .and_then(|(name, behind)| Some((entity(name)?, behind)));
        match found {
            Some((character, behind)) => {
                read.push(character);
                rest = behind;
            }
            None => {
                read.push('&');
                rest = after;
            }
        }
    }
    read.push_str(rest);
    read
}

fn entity(name: &str) -> Option<char> {
    let number = match name {
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        "nbsp" => return Some(' '),
        "ndash" => return Some('–'),
        "mdash" => return Some('—'),
        "middot" => return Some('·'),
        other => other.strip_prefix('#')?,
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(html: &str) -> Option<String> {
        let text = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{html}");
        match read_answer(text.as_bytes()) {
            Reading::Http(answer) => answer.title,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_title_is_read_as_a_browser_shows_it() {
        for (html, title) in [
            ("<!doctype html><title>Photos</title>", Some("Photos")),
            (
                "<TITLE data-x='1'>\n  Bread &amp; Butter \n</TITLE >",
                Some("Bread & Butter"),
            ),
            (
                "<title>a&#8211;b&#x2014;c &unknown; & d</title>",
                Some("a–b—c &unknown; & d"),
            ),
            ("<title>a\u{1b}]0;x\u{7}&#27;b</title>", Some("a]0;xb")),
            ("<title></title>", None),
            ("<title>never closed", None),
            ("<h1>Photos</h1>", None),
        ] {
            assert_eq!(page(html).as_deref(), title, "{html}");
        }
    }

    #[test]
    fn an_answer_that_is_no_page_keeps_its_beginning() {
        let text = "HTTP/1.1 200 OK\r\nServer: x/1\r\nX-Thing: 1\r\nContent-Length: 17\r\ncontent-type: text/plain\r\n\r\nOllama is running";
        let Reading::Http(answer) = read_answer(text.as_bytes()) else {
            panic!("it is HTTP");
        };
        assert_eq!(answer.text, "Ollama is running");
        assert_eq!((answer.server.as_str(), answer.status), ("x/1", 200));
        assert!(answer.headers.contains(&"x-thing".to_owned()) && answer.whole);
    }

    #[test]
    fn other_protocols_are_told_apart() {
        assert_eq!(read_answer(b""), Reading::Incomplete);
        assert_eq!(
            read_answer(b"HTTP/1.1 200 OK\r\nA: b\r\n"),
            Reading::Incomplete
        );
        assert_eq!(read_answer(b"\x15\x03\x01\x00\x02\x02\x46"), Reading::Tls);
        assert_eq!(read_answer(b"SSH-2.0-OpenSSH_9.2\r\n"), Reading::Ssh);
        assert_eq!(read_answer(b"220 mail ESMTP\r\n"), Reading::Other);
        assert_eq!(read_answer(b"-ERR unknown command\r\n"), Reading::Other);
    }

    proptest! {
        #[test]
        fn never_panics(octets in prop::collection::vec(any::<u8>(), 0..300), http in any::<bool>()) {
            let mut all = if http { b"HTTP/1.1 200 \r\n\r\n<title>".to_vec() } else { vec![] };
            all.extend(octets);
            let _ = read_answer(&all);
        }

        #[test]
        fn more_octets_never_take_a_protocol_back(text in "(HTTP/1.1 200 OK|SSH-2|\\PC)(\r\n|[ -~]){0,60}", cut in 0usize..80) {
            let part = text.as_bytes().get(..cut).unwrap_or(text.as_bytes());
            let early = read_answer(part);
            if matches!(early, Reading::Tls | Reading::Ssh | Reading::Other) {
                prop_assert_eq!(read_answer(text.as_bytes()), early);
            }
        }
    }
}
