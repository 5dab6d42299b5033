//! Paths of files inside a static site.

use serde::{Deserialize, Serialize};

use crate::ParseError;
use crate::name::is_printable_line;

/// The longest path inside a site, octets. What the API takes (`path` of the files routes).
pub const MAX_SITE_PATH_BYTES: usize = 500;
/// The longest name of a file or folder, octets: `NAME_MAX` of every usual file system.
pub const MAX_SITE_PATH_SEGMENT_BYTES: usize = 255;
/// How many folders deep a file may lie. Generators of sites stay below ten; whatever walks a
/// site is bounded by it.
pub const MAX_SITE_PATH_DEPTH: usize = 32;

/// The largest file of a site, octets.
pub const MAX_SITE_FILE_BYTES: u64 = 50 * 1024 * 1024;

/// What files of a site may be, by the end of their name, in lower case.
pub const SITE_FILE_EXTENSIONS: [&str; 37] = [
    "html",
    "htm",
    "css",
    "js",
    "mjs",
    "png",
    "jpg",
    "jpeg",
    "gif",
    "svg",
    "ico",
    "webp",
    "avif",
    "bmp",
    "woff",
    "woff2",
    "ttf",
    "eot",
    "otf",
    "mp4",
    "webm",
    "ogg",
    "mp3",
    "wav",
    "flac",
    "pdf",
    "txt",
    "md",
    "json",
    "xml",
    "csv",
    "geojson",
    "topojson",
    "map",
    "webmanifest",
    "manifest",
    "wasm",
];

/// Ends of names under which a file of an allowed kind lies beside itself, compressed already.
const COMPRESSED_EXTENSIONS: [&str; 2] = ["gz", "br"];

/// Names that are devices to Windows whatever follows the first dot (Microsoft, "Naming Files,
/// Paths, and Namespaces"): a copy of the site must not open one.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// The path of a file or folder inside a static site: relative, canonical, and harmless on every
/// system that a site may be copied to.
///
/// Segments are separated by `/`. None is empty, begins with a dot (so there is no `..` and no
/// hidden file), ends in a dot or a space, names a device of Windows, or holds a backslash, a
/// control character, a character that reorders text, or `%` before two hexadecimal digits: such a
/// name says something else once a reader of addresses has decoded it, and the request gate lets
/// no address of it pass. Nothing is decoded here. The site's root is written `.`; a trailing slash and a leading `./` are
/// dropped.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SitePath(Box<str>);

impl SitePath {
    /// The folder that holds the whole site.
    #[must_use]
    pub fn root() -> Self {
        Self("".into())
    }

    /// Whether it is the folder that holds the whole site.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path as text; the root is `.`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        if self.is_root() { "." } else { &self.0 }
    }

    /// The names on the way, from the root on; none for the root.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|segment| !segment.is_empty())
    }

    /// The last name; `None` for the root.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        self.segments().last()
    }

    /// The folder around it; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (parent, _) = match self.0.rsplit_once('/') {
            Some(parted) => parted,
            None if self.is_root() => return None,
            None => ("", ""),
        };
        Some(Self(parent.into()))
    }

    /// What has this name in this folder.
    ///
    /// # Errors
    /// When the name is not one, or the path gets too long or too deep.
    pub fn join(&self, name: &str) -> Result<Self, ParseError> {
        check_segment(name)?;
        let path = if self.is_root() {
            name.to_owned()
        } else {
            format!("{self}/{name}")
        };
        path.parse()
    }

    /// Whether a file of this name may be part of a site: by its extension, one of
    /// [`SITE_FILE_EXTENSIONS`] in any case, or such a file compressed (`app.js.gz`, `app.js.br`).
    #[must_use]
    pub fn has_allowed_extension(&self) -> bool {
        let extension = |name: &str| {
            let (stem, extension) = name.rsplit_once('.')?;
            Some((stem.to_owned(), extension.to_ascii_lowercase()))
        };
        let is_allowed = |name: &str| {
            extension(name).is_some_and(|(_, end)| SITE_FILE_EXTENSIONS.contains(&end.as_str()))
        };
        let Some(name) = self.file_name() else {
            return false;
        };
        is_allowed(name)
            || extension(name).is_some_and(|(stem, end)| {
                COMPRESSED_EXTENSIONS.contains(&end.as_str()) && is_allowed(&stem)
            })
    }
}

impl std::str::FromStr for SitePath {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text.len() > MAX_SITE_PATH_BYTES {
            return Err(ParseError("must be at most 500 octets long"));
        }
        if text.starts_with('/') {
            return Err(ParseError("must be relative to the site"));
        }
        let text = text.strip_prefix("./").unwrap_or(text);
        let text = text.strip_suffix('/').unwrap_or(text);
        if text.is_empty() || text == "." {
            return Ok(Self::root());
        }
        if text.split('/').count() > MAX_SITE_PATH_DEPTH {
            return Err(ParseError("must be at most 32 folders deep"));
        }
        text.split('/').try_for_each(check_segment)?;
        Ok(Self(text.into()))
    }
}

fn check_segment(segment: &str) -> Result<(), ParseError> {
    if segment.is_empty() {
        return Err(ParseError("must not hold empty names"));
    }
    if segment.starts_with('.') {
        return Err(ParseError(
            "must not hold names that begin with a dot, `..` among them",
        ));
    }
    if segment.len() > MAX_SITE_PATH_SEGMENT_BYTES {
        return Err(ParseError("must not hold names longer than 255 octets"));
    }
    if segment.contains(['/', '\\']) || !is_printable_line(segment) {
        return Err(ParseError(
            "must not hold backslashes, control or text-direction characters",
        ));
    }
    if has_escape(segment) {
        return Err(ParseError(
            "must not hold `%` before two hexadecimal digits: no address leads to such a name",
        ));
    }
    if segment.ends_with(['.', ' ']) {
        return Err(ParseError("must not hold names that end in a dot or space"));
    }
    if is_device(segment) {
        return Err(ParseError("must not hold names of Windows devices"));
    }
    Ok(())
}

/// Whether a reader of addresses would decode something (RFC 3986 §2.1).
fn has_escape(segment: &str) -> bool {
    segment.as_bytes().windows(3).any(|three| {
        matches!(three, [b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
    })
}

fn is_device(segment: &str) -> bool {
    let stem = segment.split('.').next().unwrap_or_default();
    let stem = stem.trim_end_matches(' ').to_ascii_lowercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix).is_some_and(|number| {
            let mut digits = number.chars();
            let one = digits.next();
            // The superscript digits count, too.
            one.is_some_and(|c| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³'))
                && digits.next().is_none()
        })
    };
    DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt")
}

impl TryFrom<String> for SitePath {
    type Error = ParseError;
    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<SitePath> for String {
    fn from(path: SitePath) -> Self {
        path.as_str().to_owned()
    }
}

impl std::fmt::Display for SitePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for SitePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use super::*;

    fn path(text: &str) -> SitePath {
        text.parse().expect("a path")
    }

    #[test]
    fn the_root_is_a_dot() {
        for root in ["", ".", "./"] {
            assert_eq!(path(root), SitePath::root(), "{root:?}");
        }
        assert_eq!(SitePath::root().to_string(), ".");
        assert_eq!(SitePath::root().segments().count(), 0);
        assert_eq!(SitePath::root().parent(), None);
        assert_eq!(SitePath::root().file_name(), None);
    }

    #[test]
    fn a_path_is_canonical() {
        assert_eq!(path("./assets/img/"), path("assets/img"));
        assert_eq!(path("assets/img").parent(), Some(path("assets")));
        assert_eq!(path("assets").parent(), Some(SitePath::root()));
        assert_eq!(path("assets").join("a.png"), Ok(path("assets/a.png")));
        assert_eq!(SitePath::root().join("a.png"), Ok(path("a.png")));
        assert!(path("assets").join("../a.png").is_err());
        assert!(path("assets").join("b/a.png").is_err());
    }

    #[test]
    fn no_path_leads_out_or_hides() {
        for bad in [
            "..",
            "../a",
            "a/..",
            "a/../b",
            "/",
            "/etc/passwd",
            "//a",
            "a//b",
            "a/./b",
            "././a",
            ".git/config",
            "a/.htaccess",
            "...",
            "..\\a",
            "a\\b",
            "C:\\a",
            "a\0.html",
            "a\n.html",
            "a\u{202e}lmth.html",
            "a\u{200b}.html",
            "a/b./c",
            "a /b",
            "con",
            "NUL.html",
            "aux.tar.gz",
            "a/Com1.txt",
            "lpt\u{b2}",
            "nul .html",
            "conin$",
            "a%2fb.html",
            "%2e%2e/a",
            "a/%252e",
        ] {
            assert!(bad.parse::<SitePath>().is_err(), "{bad:?}");
        }
        for good in [
            "console.js",
            "com10.html",
            "com.html",
            "auxiliary",
            "a b/ü.html",
            "100%.html",
            "5%-off.html",
            "%zz.html",
        ] {
            assert!(good.parse::<SitePath>().is_ok(), "{good:?}");
        }
    }

    #[test]
    fn lengths_and_depth_are_bounded() {
        let deep = |depth: usize| vec!["a"; depth].join("/");
        assert!(deep(MAX_SITE_PATH_DEPTH).parse::<SitePath>().is_ok());
        assert!(deep(MAX_SITE_PATH_DEPTH + 1).parse::<SitePath>().is_err());
        assert!("a".repeat(255).parse::<SitePath>().is_ok());
        assert!("a".repeat(256).parse::<SitePath>().is_err());
        let long = format!("{}/{}", "a".repeat(250), "b".repeat(249));
        assert!(long.parse::<SitePath>().is_ok());
        assert!(format!("{long}b").parse::<SitePath>().is_err());
        assert!(path(&long).join("c").is_err());
    }

    #[test]
    fn extensions_are_a_list_in_any_case() {
        for good in [
            "index.html",
            "A.JPeG",
            "a/b.min.js",
            "app.js.gz",
            "app.css.BR",
        ] {
            assert!(path(good).has_allowed_extension(), "{good}");
        }
        for bad in [
            "index",
            "a.php",
            "a.html.php",
            "a.tar.gz",
            "a.gz",
            "a.zip",
            "html",
            "a.html/b",
            "a.htmlx",
        ] {
            assert!(!path(bad).has_allowed_extension(), "{bad}");
        }
        assert!(!SitePath::root().has_allowed_extension());
    }

    proptest::proptest! {
        #[test]
        fn whatever_parses_stays_inside_and_keeps_its_spelling(text in "[./a\\\\\\PC\\x00-\\x1f]{0,60}") {
            if let Ok(path) = text.parse::<SitePath>() {
                proptest::prop_assert_eq!(path.as_str().parse::<SitePath>(), Ok(path.clone()));
                if !path.is_root() {
                    let components: Vec<_> = Path::new(path.as_str()).components().collect();
                    proptest::prop_assert_eq!(components.len(), path.segments().count());
                    for component in components {
                        proptest::prop_assert!(matches!(component, Component::Normal(_)));
                    }
                    let parent = path.parent().expect("not the root");
                    let name = path.file_name().expect("not the root");
                    proptest::prop_assert_eq!(parent.join(name), Ok(path));
                }
            }
        }
    }
}
