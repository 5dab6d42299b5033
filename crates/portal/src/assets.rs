//! The two files the pages load. Their names carry a digest of their content, so that
//! browsers may keep them for ever.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

/// A file that is part of the program.
pub(crate) struct Asset {
    /// Its address on this host, `/assets/<name>.<digest>.<extension>`.
    pub(crate) path: String,
    content: &'static str,
    media_type: &'static str,
}

/// How the pages look.
pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "portal",
        "css",
        "text/css; charset=utf-8",
        include_str!("../assets/portal.css"),
    )
});

/// The llama.
pub(crate) static MARK: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "mark",
        "svg",
        "image/svg+xml",
        include_str!("../assets/mark.svg"),
    )
});

impl Asset {
    fn new(name: &str, extension: &str, media_type: &'static str, content: &'static str) -> Self {
        let digest = fnv1a(content.as_bytes());
        Self {
            path: format!("/assets/{name}.{digest:016x}.{extension}"),
            content,
            media_type,
        }
    }
}

impl IntoResponse for &Asset {
    fn into_response(self) -> Response {
        let headers = [
            (CONTENT_TYPE, self.media_type),
            (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        ];
        (headers, self.content).into_response()
    }
}

/// The asset at `path`, if there is one of this very content.
pub(crate) fn find(path: &str) -> Option<&'static Asset> {
    [&*STYLE, &*MARK]
        .into_iter()
        .find(|asset| asset.path == path)
}

/// FNV-1a, 64 bits. The name of a file needs to change with its content, no more.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
