//! From what is asked to head and content. Waits for the disk: runs on a thread that may.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Response, StatusCode};
use portlama_model::{SiteAccess, SiteRoute};
use tokio::sync::Semaphore;

use super::cache::Cache;
use super::coding::{self, Coding};
use super::conditions::{self, Outcome, Version};
use super::content::{self, Content, OpenFile, Piece};
use super::folder::{Entry, Folder, SiteFile};
use super::kind::Kind;
use super::path::Asked;
use super::range::{self, Part};
use crate::limits::{
    ASSET_MAX_AGE_SECONDS, MAX_COMPRESSIBLE_BYTES, MAX_COMPRESSING, MAX_OPEN_SITE_FILES,
    MIN_COMPRESSIBLE_BYTES, SITE_CHUNK_BYTES,
};

const INDEX: &str = "index.html";
const NOT_FOUND: &str = "404.html";

/// The files of all sites.
pub(crate) struct Sites {
    dir: PathBuf,
    compressed: Cache,
    open: Arc<Semaphore>,
    compressing: Semaphore,
}

/// One request for a file.
pub(crate) struct Wanted {
    pub(crate) route: Arc<SiteRoute>,
    pub(crate) method: Method,
    /// The path as it was sent, and the query with its `?`.
    pub(crate) raw_path: String,
    pub(crate) raw_query: String,
    pub(crate) asked: Asked,
    pub(crate) headers: HeaderMap,
    /// The present, in seconds since 1970.
    pub(crate) now: u64,
}

/// What a request for a file comes to.
pub(crate) enum Answer {
    /// Head and content.
    Whole(Response<Content>),
    /// Nothing is there, and the site has no page that says so.
    Nothing,
    /// It is a folder: the same path with a slash, and the query.
    Folder(String),
    /// As many files as may be are open.
    Busy,
}

impl Sites {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            compressed: Cache::default(),
            open: Arc::new(Semaphore::new(MAX_OPEN_SITE_FILES)),
            compressing: Semaphore::new(MAX_COMPRESSING),
        }
    }

    /// Answers a GET or HEAD that was let pass.
    ///
    /// # Errors
    /// When the disk fails.
    pub(crate) fn answer(&self, wanted: &Wanted) -> io::Result<Answer> {
        let Some(folder) = Folder::open(&self.dir, wanted.route.site)? else {
            return Ok(Answer::Nothing);
        };
        match find(&folder, &wanted.asked, wanted.route.spa_mode)? {
            Found::File(path, file) => self.file(wanted, &folder, &path, file),
            Found::Folder => Ok(Answer::Folder(format!(
                "{}/{}",
                wanted.raw_path, wanted.raw_query
            ))),
            Found::Nothing => self.not_found(wanted, &folder),
        }
    }

    fn file(
        &self,
        wanted: &Wanted,
        folder: &Folder,
        path: &str,
        file: SiteFile,
    ) -> io::Result<Answer> {
        let form = Form {
            kind: Kind::of(path),
            coding: None,
            is_protected: wanted.route.access != SiteAccess::Public,
        };
        let Some(content) = self.coded(wanted, folder, path, &file, form)? else {
            return self.plain(wanted, file, form);
        };
        Ok(content)
    }

    /// The file in a coding that the client takes, if there is one and it pays. Parts are cut
    /// from the file as it is.
    fn coded(
        &self,
        wanted: &Wanted,
        folder: &Folder,
        path: &str,
        file: &SiteFile,
        form: Form,
    ) -> io::Result<Option<Answer>> {
        if !form.kind.is_compressible || wanted.headers.contains_key(header::RANGE) {
            return Ok(None);
        }
        for coding in coding::accepted(&wanted.headers) {
            let form = Form {
                coding: Some(coding),
                ..form
            };
            let beside = folder.entry(&format!("{path}.{}", coding.extension()))?;
            if let Some(Entry::File(ready)) = beside.filter(|beside| beside.is_as_new_as(file)) {
                return self.plain(wanted, ready, form).map(Some);
            }
            if coding == Coding::Gzip {
                return self.compressed(wanted, file, form);
            }
        }
        Ok(None)
    }

    fn compressed(
        &self,
        wanted: &Wanted,
        file: &SiteFile,
        form: Form,
    ) -> io::Result<Option<Answer>> {
        if !(MIN_COMPRESSIBLE_BYTES..=MAX_COMPRESSIBLE_BYTES).contains(&file.len) {
            return Ok(None);
        }
        let etag = form.etag(file);
        if let Some(answer) = conditional(wanted, file, form, &etag) {
            return Ok(Some(answer));
        }
        let octets = match self.compressed.get(&file.version) {
            Some(octets) => octets,
            None => match self.compress(file)? {
                Some(octets) => octets,
                None => return Ok(None),
            },
        };
        let mut response = head_of(StatusCode::OK, wanted, file, form, &etag);
        set_length(&mut response, octets.len() as u64);
        Ok(Some(with(response, wanted, || Content::octets(octets))))
    }

    /// `None` when it does not pay, or when enough threads compress already: the file as it is
    /// costs the visitor less than waiting.
    fn compress(&self, file: &SiteFile) -> io::Result<Option<Bytes>> {
        let Ok(_turn) = self.compressing.try_acquire() else {
            return Ok(None);
        };
        let len = usize::try_from(file.len).map_err(io::Error::other)?;
        let octets = content::read(&file.file, 0, len)?;
        let gzip = Bytes::from(coding::gzip(&octets)?);
        if gzip.len() >= octets.len() {
            return Ok(None);
        }
        self.compressed.keep(file.version, gzip.clone());
        Ok(Some(gzip))
    }

    /// A file as it stands on the disk.
    fn plain(&self, wanted: &Wanted, file: SiteFile, form: Form) -> io::Result<Answer> {
        let etag = form.etag(&file);
        if let Some(answer) = conditional(wanted, &file, form, &etag) {
            return Ok(answer);
        }
        let version = version_of(&file, &etag, wanted);
        let range = wanted.headers.get(header::RANGE).filter(|_| {
            wanted.method == Method::GET
                && wanted.headers.get_all(header::RANGE).iter().count() == 1
                && conditions::may_cut(&wanted.headers, version)
        });
        let parts = match range.map(|value| range::asked(value.as_bytes(), file.len)) {
            None | Some(range::Asked::Whole) => vec![],
            Some(range::Asked::Parts(parts)) => parts,
            Some(range::Asked::Unsatisfiable) => {
                let head = head_of(
                    StatusCode::RANGE_NOT_SATISFIABLE,
                    wanted,
                    &file,
                    form,
                    &etag,
                );
                return Ok(Answer::Whole(unsatisfiable(head, file.len)));
            }
        };
        let status = if parts.is_empty() {
            StatusCode::OK
        } else {
            StatusCode::PARTIAL_CONTENT
        };
        let mut head = head_of(status, wanted, &file, form, &etag);
        if form.coding.is_none() {
            set(&mut head, header::ACCEPT_RANGES, "bytes");
        }
        let pieces = pieces(&mut head, &parts, file.len, form)?;
        self.filled(head, wanted, file, pieces)
    }

    /// The head with the content behind it: read at once when it is short, so that no file
    /// stays open for it.
    fn filled(
        &self,
        mut head: Response<()>,
        wanted: &Wanted,
        file: SiteFile,
        pieces: VecDeque<Piece>,
    ) -> io::Result<Answer> {
        let len = pieces.iter().map(Piece::len).sum();
        set_length(&mut head, len);
        if wanted.method == Method::HEAD || len == 0 {
            return Ok(Answer::Whole(head.map(|()| Content::empty())));
        }
        if let ([Piece::Span { at, len }], true) =
            (pieces.as_slices().0, len <= SITE_CHUNK_BYTES as u64)
        {
            let len = usize::try_from(*len).map_err(io::Error::other)?;
            let octets = content::read(&file.file, *at, len)?;
            return Ok(Answer::Whole(head.map(|()| Content::octets(octets))));
        }
        let Ok(permit) = self.open.clone().try_acquire_owned() else {
            return Ok(Answer::Busy);
        };
        let file = OpenFile {
            file: Arc::new(file.file),
            _permit: permit,
        };
        Ok(Answer::Whole(head.map(|()| Content::of_file(pieces, file))))
    }

    /// The site's own page for what is not there.
    fn not_found(&self, wanted: &Wanted, folder: &Folder) -> io::Result<Answer> {
        let Some(Entry::File(file)) = folder.entry(NOT_FOUND)? else {
            return Ok(Answer::Nothing);
        };
        let mut head = Response::new(());
        *head.status_mut() = StatusCode::NOT_FOUND;
        set(
            &mut head,
            header::CONTENT_TYPE,
            Kind::of(NOT_FOUND).media_type,
        );
        set(&mut head, header::CACHE_CONTROL, "no-store");
        set(&mut head, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        let whole = [Piece::Span {
            at: 0,
            len: file.len,
        }];
        self.filled(head, wanted, file, whole.into())
    }
}

enum Found {
    /// The file that answers, and its path in the site.
    File(String, SiteFile),
    Folder,
    Nothing,
}

fn find(folder: &Folder, asked: &Asked, spa_mode: bool) -> io::Result<Found> {
    let entry = folder.entry(&asked.path)?;
    let found = match entry {
        Some(Entry::File(file)) if !asked.is_folder => {
            return Ok(Found::File(asked.path.clone(), file));
        }
        Some(Entry::Folder) => index_of(folder, asked)?,
        Some(Entry::File(_)) | None => Found::Nothing,
    };
    // An application finds its own way in the path; an asset that is missing is missing.
    if matches!(found, Found::Nothing) && spa_mode && !asked.has_extension() {
        return match folder.entry(INDEX)? {
            Some(Entry::File(file)) => Ok(Found::File(INDEX.to_owned(), file)),
            Some(Entry::Folder) | None => Ok(Found::Nothing),
        };
    }
    Ok(found)
}

/// The page of a folder. A folder without one is as if it were not there.
fn index_of(folder: &Folder, asked: &Asked) -> io::Result<Found> {
    let path = match asked.path.as_str() {
        "" => INDEX.to_owned(),
        path => format!("{path}/{INDEX}"),
    };
    Ok(match folder.entry(&path)? {
        Some(Entry::File(file)) if asked.is_folder => Found::File(path, file),
        Some(Entry::File(_)) => Found::Folder,
        Some(Entry::Folder) | None => Found::Nothing,
    })
}

impl Entry {
    /// A compressed form that is older than its file was made of another one.
    fn is_as_new_as(&self, original: &SiteFile) -> bool {
        matches!(self, Self::File(file) if file.modified >= original.modified)
    }
}

/// How a file is served.
#[derive(Clone, Copy)]
struct Form {
    kind: Kind,
    coding: Option<Coding>,
    is_protected: bool,
}

impl Form {
    /// Strong; each coding is a representation of its own (RFC 9110 §8.8.3.3).
    fn etag(self, file: &SiteFile) -> String {
        match self.coding {
            None => format!("\"{}\"", file.version),
            Some(coding) => format!("\"{}-{}\"", file.version, coding.extension()),
        }
    }

    /// What is protected is asked for each time, as the visitor may be refused the next time.
    fn cache_control(self) -> String {
        match (self.is_protected, self.kind.is_page()) {
            (true, _) => "private, no-cache".to_owned(),
            (false, true) => "no-cache".to_owned(),
            (false, false) => format!("public, max-age={ASSET_MAX_AGE_SECONDS}"),
        }
    }
}

fn version_of<'a>(file: &SiteFile, etag: &'a str, wanted: &Wanted) -> Version<'a> {
    Version {
        etag,
        modified: file.modified.min(wanted.now),
        now: wanted.now,
    }
}

/// The answer when the request's conditions settle it.
fn conditional(wanted: &Wanted, file: &SiteFile, form: Form, etag: &str) -> Option<Answer> {
    let status = match conditions::judge(&wanted.headers, version_of(file, etag, wanted)) {
        Outcome::Serve => return None,
        Outcome::NotModified => StatusCode::NOT_MODIFIED,
        Outcome::Failed => StatusCode::PRECONDITION_FAILED,
    };
    let mut head = head_of(status, wanted, file, form, etag);
    for name in [header::CONTENT_TYPE, header::CONTENT_ENCODING] {
        head.headers_mut().remove(name);
    }
    Some(Answer::Whole(head.map(|()| Content::empty())))
}

fn head_of(
    status: StatusCode,
    wanted: &Wanted,
    file: &SiteFile,
    form: Form,
    etag: &str,
) -> Response<()> {
    let mut head = Response::new(());
    *head.status_mut() = status;
    let modified = conditions::http_date(file.modified.min(wanted.now));
    set(&mut head, header::CONTENT_TYPE, form.kind.media_type);
    set(&mut head, header::ETAG, etag);
    set(&mut head, header::LAST_MODIFIED, &modified);
    set(&mut head, header::CACHE_CONTROL, &form.cache_control());
    set(&mut head, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if form.kind.is_compressible {
        set(&mut head, header::VARY, "accept-encoding");
    }
    if let Some(coding) = form.coding {
        set(&mut head, header::CONTENT_ENCODING, coding.name());
    }
    if form.is_protected {
        // Sibling hosts are same-site, so the session's cookie alone does not keep their pages
        // from loading what is protected.
        let name = header::HeaderName::from_static("cross-origin-resource-policy");
        set(&mut head, name, "same-origin");
    }
    head
}

/// The pieces of the content, and what the head says of them.
fn pieces(
    head: &mut Response<()>,
    parts: &[Part],
    len: u64,
    form: Form,
) -> io::Result<VecDeque<Piece>> {
    let span = |part: &Part| Piece::Span {
        at: part.first,
        len: part.len(),
    };
    match parts {
        [] => Ok([Piece::Span { at: 0, len }].into()),
        [part] => {
            set(head, header::CONTENT_RANGE, &content_range(*part, len));
            Ok([span(part)].into())
        }
        parts => {
            let mut random = [0; 16];
            getrandom::fill(&mut random).map_err(io::Error::other)?;
            let boundary = hex::encode(random);
            let kind = format!("multipart/byteranges; boundary={boundary}");
            set(head, header::CONTENT_TYPE, &kind);
            let mut pieces = VecDeque::with_capacity(parts.len() * 2 + 1);
            let mut before = String::new();
            for part in parts {
                let range = content_range(*part, len);
                let kind = form.kind.media_type;
                // Writing to a string cannot fail.
                let _ = write!(
                    before,
                    "--{boundary}\r\ncontent-type: {kind}\r\ncontent-range: {range}\r\n\r\n"
                );
                pieces.push_back(Piece::Octets(std::mem::take(&mut before).into()));
                pieces.push_back(span(part));
                before.push_str("\r\n");
            }
            pieces.push_back(Piece::Octets(format!("\r\n--{boundary}--\r\n").into()));
            Ok(pieces)
        }
    }
}

fn content_range(part: Part, len: u64) -> String {
    format!("bytes {}-{}/{len}", part.first, part.last)
}

fn unsatisfiable(mut head: Response<()>, len: u64) -> Response<Content> {
    set(&mut head, header::CONTENT_RANGE, &format!("bytes */{len}"));
    for name in [header::CONTENT_TYPE, header::LAST_MODIFIED] {
        head.headers_mut().remove(name);
    }
    set(&mut head, header::CACHE_CONTROL, "no-store");
    set_length(&mut head, 0);
    head.map(|()| Content::empty())
}

fn with(head: Response<()>, wanted: &Wanted, content: impl FnOnce() -> Content) -> Answer {
    let is_head = wanted.method == Method::HEAD;
    Answer::Whole(head.map(|()| if is_head { Content::empty() } else { content() }))
}

fn set_length(head: &mut Response<()>, len: u64) {
    head.headers_mut()
        .insert(header::CONTENT_LENGTH, len.into());
}

fn set(head: &mut Response<()>, name: header::HeaderName, value: &str) {
    // Every value is ours and visible ASCII.
    if let Ok(value) = HeaderValue::try_from(value) {
        head.headers_mut().insert(name, value);
    }
}
