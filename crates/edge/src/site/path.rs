//! From the path of a request to a path inside a site's folder.

use portlama_model::SitePath;

/// What a request asks of a site: a place below the site's folder, and whether it is spelled
/// as a folder. Only plain names stand in it, so that no file system resolves it to anywhere
/// else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// `docs/intro.html`; empty for the site itself.
    pub(crate) path: String,
    /// Whether it ends in a slash.
    pub(crate) is_folder: bool,
}

/// The path names nothing that a site can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAPath;

impl Asked {
    /// Reads the path of a request, which is percent-decoded exactly once.
    ///
    /// # Errors
    /// When a segment is empty, begins with a dot (`..` and hidden files), holds an encoded
    /// slash, is not UTF-8 or still encoded after decoding, or when the whole is no [`SitePath`],
    /// so that nothing could have been uploaded there.
    pub(crate) fn of(path: &str) -> Result<Self, NotAPath> {
        let inner = path.strip_prefix('/').ok_or(NotAPath)?;
        let (inner, is_folder) = match inner.strip_suffix('/') {
            Some(inner) => (inner, true),
            None => (inner, inner.is_empty()),
        };
        if inner.is_empty() {
            return if path == "/" {
                Ok(Self {
                    path: String::new(),
                    is_folder,
                })
            } else {
                Err(NotAPath)
            };
        }
        let segments: Result<Vec<String>, NotAPath> = inner.split('/').map(segment).collect();
        let path: SitePath = segments?.join("/").parse().map_err(|_| NotAPath)?;
        Ok(Self {
            path: path.to_string(),
            is_folder,
        })
    }

    /// Whether the last segment has an extension, as assets have and pages of an application
    /// do not.
    pub(crate) fn has_extension(&self) -> bool {
        extension(&self.path).is_some()
    }
}

/// What stands behind the last dot of a path's last segment.
pub(crate) fn extension(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map(|(_, extension)| extension)
}

/// One name, decoded. What a name may be is [`SitePath`]'s to say; here is refused what only a
/// request can hold.
fn segment(encoded: &str) -> Result<String, NotAPath> {
    let name = decoded(encoded)?;
    let is_name =
        !name.is_empty() && !name.starts_with('.') && !name.contains('/') && !is_encoded(&name);
    if is_name { Ok(name) } else { Err(NotAPath) }
}

fn decoded(text: &str) -> Result<String, NotAPath> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            octets.push(*first);
            continue;
        }
        let [high, low, tail @ ..] = tail else {
            return Err(NotAPath);
        };
        octets.push(hex(*high)? << 4 | hex(*low)?);
        rest = tail;
    }
    String::from_utf8(octets).map_err(|_| NotAPath)
}

fn hex(digit: u8) -> Result<u8, NotAPath> {
    let value = char::from(digit).to_digit(16).ok_or(NotAPath)?;
    u8::try_from(value).map_err(|_| NotAPath)
}

/// Whether another decoding would change it: nobody honest asks for such a name.
fn is_encoded(name: &str) -> bool {
    name.as_bytes().windows(3).any(|three| {
        matches!(three, [b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asked(path: &str, is_folder: bool) -> Result<Asked, NotAPath> {
        Ok(Asked {
            path: path.to_owned(),
            is_folder,
        })
    }

    #[test]
    fn paths_are_decoded_once() {
        for (path, expected) in [
            ("/", asked("", true)),
            ("/index.html", asked("index.html", false)),
            ("/docs/", asked("docs", true)),
            ("/docs/intro.html", asked("docs/intro.html", false)),
            ("/%64ocs/caf%C3%A9.txt", asked("docs/café.txt", false)),
            ("/a%20b+c.txt", asked("a b+c.txt", false)),
            ("/100%25.txt", asked("100%.txt", false)),
            ("/a..b/c.d", asked("a..b/c.d", false)),
            ("/console.js", asked("console.js", false)),
        ] {
            assert_eq!(Asked::of(path), expected, "{path}");
        }
    }

    #[test]
    fn what_could_lead_elsewhere_is_no_path() {
        for path in [
            "",
            "index.html",
            "//",
            "//etc/passwd",
            "/a//b",
            "/..",
            "/../x",
            "/a/../../x",
            "/./x",
            "/%2e%2e/x",
            "/.%2e/x",
            "/%2e%2e%2fx",
            "/..%2fx",
            "/a%2fb",
            "/%252e%252e/x",
            "/%252e%252e%252fx",
            "/%25%32%65%25%32%65/x",
            "/..%5cx",
            "/a%5cb",
            "/a\\b",
            "/a%00.html",
            "/a%0a",
            "/a%7f",
            "/.git/config",
            "/docs/.env",
            "/%2eenv",
            "/%c0%ae%c0%ae/x",
            "/%ff",
            "/a.",
            "/a%20",
            "/nul",
            "/CON.html",
            "/docs/com1.txt",
            "/aux .js",
            "/a%E2%80%AEb",
            "/%",
            "/%4",
            "/%zz",
        ] {
            assert_eq!(Asked::of(path), Err(NotAPath), "{path}");
        }
    }

    #[test]
    fn an_extension_is_of_the_last_segment() {
        assert_eq!(extension("a.b/c"), None);
        assert_eq!(extension("a.b/c.tar.gz"), Some("gz"));
        assert_eq!(extension(""), None);
    }

    proptest! {
        #[test]
        fn a_path_consists_of_plain_names(path in "/([.%/a-c0-9\\\\:é]|%2[eEfF5]|%5c|%00){0,12}") {
            if let Ok(asked) = Asked::of(&path) {
                for name in asked.path.split('/').filter(|_| !asked.path.is_empty()) {
                    prop_assert!(!name.is_empty() && !name.starts_with('.'), "{path}");
                    prop_assert!(!name.contains(['\\', '\0']), "{path}");
                }
                prop_assert!(!asked.path.starts_with('/'));
            }
        }
    }
}
