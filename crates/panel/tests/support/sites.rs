//! Sites, uploads and what lies on the disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Method, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use portlama_access::Presented;
use portlama_control::http::{BoxError, RequestBody};
use serde_json::json;

use super::{Answer, Ask, TestApp};

pub(crate) const PATH: &str = "/api/sites";

pub(crate) async fn create(app: &TestApp, name: &str) -> String {
    let body = json!({ "name": name, "type": "managed" });
    let answer = app.send(&app.admin(), Ask::post(PATH, &body)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    answer.json()["site"]["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

pub(crate) async fn list(app: &TestApp, who: &Presented, id: &str, query: &str) -> Answer {
    app.send(who, Ask::get(&format!("{PATH}/{id}/files{query}")))
        .await
}

pub(crate) async fn delete_file(app: &TestApp, who: &Presented, id: &str, path: &str) -> Answer {
    let ask = Ask::delete(&format!("{PATH}/{id}/files")).json(&json!({ "path": path }));
    app.send(who, ask).await
}

pub(crate) async fn upload(
    app: &TestApp,
    who: &Presented,
    id: &str,
    folder: &str,
    files: &[(&str, &[u8])],
) -> Answer {
    send_parts(app, who, id, &format!("?path={folder}"), files).await
}

pub(crate) async fn send_parts(
    app: &TestApp,
    who: &Presented,
    id: &str,
    query: &str,
    files: &[(&str, &[u8])],
) -> Answer {
    app.send(who, ask(id, query).raw(form(files))).await
}

/// An upload without its body.
pub(crate) fn ask(id: &str, query: &str) -> Ask {
    Ask::new(Method::POST, &format!("{PATH}/{id}/files{query}"))
        .header("content-type", "multipart/form-data; boundary=b")
        .header("x-portlama-upload", "1")
}

pub(crate) fn form(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in files {
        let head = format!(
            "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"{name}\"\r\nContent-Type: text/plain\r\n\r\n"
        );
        body.extend(head.as_bytes());
        body.extend(*content);
        body.extend(b"\r\n");
    }
    body.extend(b"--b--\r\n");
    body
}

pub(crate) fn streamed(
    pieces: impl futures_util::Stream<Item = Result<Bytes, BoxError>> + Send + 'static,
) -> RequestBody {
    StreamBody::new(pieces.map(|piece| piece.map(Frame::data))).boxed_unsync()
}

/// Every file below a folder, relative to it, staging included.
pub(crate) fn all_files(root: &Path) -> BTreeSet<PathBuf> {
    fn collect(root: &Path, folder: &Path, files: &mut BTreeSet<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                collect(root, &path, files);
            } else {
                files.insert(path.strip_prefix(root).expect("below").to_owned());
            }
        }
    }
    let mut files = BTreeSet::new();
    collect(root, root, &mut files);
    files
}
