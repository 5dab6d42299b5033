//! What a file is, by its extension.

use super::path::extension;

/// The media type of a file, and how it is best served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    /// `text/html; charset=utf-8`.
    pub(crate) media_type: &'static str,
    /// Whether compressing it pays.
    pub(crate) is_compressible: bool,
}

impl Kind {
    /// Of the file at `path`. What has an unknown extension is octets, which no browser runs.
    pub(crate) fn of(path: &str) -> Self {
        let known = extension(path).and_then(|extension| {
            KINDS
                .iter()
                .find(|(known, _, _)| known.eq_ignore_ascii_case(extension))
        });
        known.map_or(Self::OCTETS, |(_, media_type, is_compressible)| Self {
            media_type,
            is_compressible: *is_compressible,
        })
    }

    /// Whether it is a page, which names everything else and so must never be stale.
    pub(crate) fn is_page(self) -> bool {
        self.media_type.starts_with("text/html")
    }

    const OCTETS: Self = Self {
        media_type: "application/octet-stream",
        is_compressible: false,
    };
}

/// Every extension that may be uploaded: its media type (IANA registry; RFC 9239 for
/// JavaScript) and whether it is compressible. Text is UTF-8.
#[rustfmt::skip]
const KINDS: &[(&str, &str, bool)] = &[
    ("html",        "text/html; charset=utf-8",                 true),
    ("htm",         "text/html; charset=utf-8",                 true),
    ("css",         "text/css; charset=utf-8",                  true),
    ("js",          "text/javascript; charset=utf-8",           true),
    ("mjs",         "text/javascript; charset=utf-8",           true),
    ("png",         "image/png",                                false),
    ("jpg",         "image/jpeg",                               false),
    ("jpeg",        "image/jpeg",                               false),
    ("gif",         "image/gif",                                false),
    ("svg",         "image/svg+xml; charset=utf-8",             true),
    ("ico",         "image/x-icon",                             true),
    ("webp",        "image/webp",                               false),
    ("avif",        "image/avif",                               false),
    ("bmp",         "image/bmp",                                true),
    ("woff",        "font/woff",                                false),
    ("woff2",       "font/woff2",                               false),
    ("ttf",         "font/ttf",                                 true),
    ("eot",         "application/vnd.ms-fontobject",            true),
    ("otf",         "font/otf",                                 true),
    ("mp4",         "video/mp4",                                false),
    ("webm",        "video/webm",                               false),
    ("ogg",         "audio/ogg",                                false),
    ("mp3",         "audio/mpeg",                               false),
    ("wav",         "audio/wav",                                false),
    ("flac",        "audio/flac",                               false),
    ("pdf",         "application/pdf",                          false),
    ("txt",         "text/plain; charset=utf-8",                true),
    ("md",          "text/markdown; charset=utf-8",             true),
    ("json",        "application/json",                         true),
    ("xml",         "application/xml; charset=utf-8",           true),
    ("csv",         "text/csv; charset=utf-8",                  true),
    ("geojson",     "application/geo+json",                     true),
    ("topojson",    "application/json",                         true),
    ("map",         "application/json",                         true),
    ("webmanifest", "application/manifest+json",                true),
    ("manifest",    "text/cache-manifest; charset=utf-8",       true),
    ("wasm",        "application/wasm",                         true),
];

#[cfg(test)]
mod tests {
    use super::*;
    use portlama_model::SITE_FILE_EXTENSIONS;

    #[test]
    fn text_says_its_charset_and_the_unknown_is_octets() {
        for (path, media_type) in [
            ("index.html", "text/html; charset=utf-8"),
            ("A/B.HTM", "text/html; charset=utf-8"),
            ("x.mjs", "text/javascript; charset=utf-8"),
            ("x.woff2", "font/woff2"),
            ("x.wasm", "application/wasm"),
            ("x.php", "application/octet-stream"),
            ("README", "application/octet-stream"),
            ("a.html/x", "application/octet-stream"),
        ] {
            assert_eq!(Kind::of(path).media_type, media_type, "{path}");
        }
    }

    #[test]
    fn whatever_may_be_uploaded_has_a_type() {
        for extension in SITE_FILE_EXTENSIONS {
            assert_ne!(
                Kind::of(&format!("x.{extension}")),
                Kind::OCTETS,
                "{extension}"
            );
        }
    }

    #[test]
    fn extensions_stand_once_in_lower_case() {
        for (at, (extension, _, _)) in KINDS.iter().enumerate() {
            assert_eq!(*extension, extension.to_ascii_lowercase());
            assert!(KINDS.iter().skip(at + 1).all(|(e, _, _)| e != extension));
        }
    }
}
