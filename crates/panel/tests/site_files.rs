//! `/api/sites/{id}/files`: what is listed, saved and deleted, and what an upload cannot do.

mod support;

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::StatusCode;
use portlama_control::MAX_UPLOADS_PER_IDENTITY;
use portlama_control::http::BoxError;
use portlama_panel::MAX_UPLOAD_PARTS;
use serde_json::{Value, json};
use support::sites::{
    PATH, all_files, ask, create, delete_file, form, list, send_parts, streamed, upload,
};
use support::{Ask, TestApp};

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn files_are_uploaded_listed_folders_first_and_deleted() {
    let app = TestApp::completed().await;
    let id = create(&app, "handbook").await;
    let admin = app.admin();
    let answer = upload(
        &app,
        &admin,
        &id,
        "assets/img",
        &[("b.PNG", b"bb"), ("a.svg", b"a")],
    )
    .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(
        answer.json(),
        json!({ "ok": true, "files": ["assets/img/b.PNG", "assets/img/a.svg"] })
    );
    let root = list(&app, &admin, &id, "").await.json();
    let names = |listing: &Value| -> Vec<String> {
        let files = listing["files"].as_array().into_iter().flatten();
        files
            .map(|file| {
                format!(
                    "{} {}",
                    file["type"].as_str().unwrap_or(""),
                    file["name"].as_str().unwrap_or("")
                )
            })
            .collect()
    };
    assert_eq!(names(&root), ["directory assets", "file index.html"]);
    assert_eq!(root["path"], ".");
    let mut inner = list(&app, &admin, &id, "?path=./assets/img/").await.json();
    assert!(inner["files"][0]["modifiedAt"].take().is_string());
    assert_eq!(inner["path"], "assets/img");
    assert_eq!(
        inner["files"][0],
        json!({ "name": "a.svg", "type": "file", "size": 1, "modifiedAt": null,
            "relativePath": "assets/img/a.svg" })
    );

    let digests = list(&app, &admin, &id, "?path=assets/img&sha256=true").await;
    let a = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
    assert_eq!(digests.json()["files"][0]["sha256"], a);
    let folder = list(&app, &admin, &id, "?sha256=true").await.json();
    assert_eq!(folder["files"][0].get("sha256"), None, "of a folder");
    let unclear = list(&app, &admin, &id, "?sha256=yes").await;
    assert_eq!(unclear.status, StatusCode::BAD_REQUEST);

    let sites = app.send(&admin, Ask::get(PATH)).await.json();
    let page = std::fs::metadata(app.sites_dir().join(&id).join("index.html"))
        .expect("a page")
        .len();
    assert_eq!(sites["sites"][0]["totalSize"], json!(page + 3));

    for (path, status) in [
        ("assets/img/b.PNG", 200),
        ("assets/img/b.PNG", 200),
        ("never/there.txt", 200),
        ("index.html/below.txt", 200),
        ("assets", 200),
        (".", 400),
        ("", 400),
        ("../state", 400),
    ] {
        let answer = delete_file(&app, &admin, &id, path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
    }
    assert_eq!(
        names(&list(&app, &admin, &id, "").await.json()),
        ["file index.html"]
    );
    assert_eq!(
        list(&app, &admin, &id, "?path=assets").await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        list(&app, &admin, &id, "?path=index.html").await.status,
        StatusCode::BAD_REQUEST
    );
    let sites = app.send(&admin, Ask::get(PATH)).await.json();
    assert_eq!(sites["sites"][0]["totalSize"], json!(page));
}

#[tokio::test]
async fn no_path_and_no_name_leads_out_of_the_site() {
    let app = TestApp::completed().await;
    let id = create(&app, "handbook").await;
    let admin = app.admin();
    let before = all_files(&app.sites_dir());
    let durable = app.durable();
    for path in [
        "..",
        "../..",
        "a/../../b",
        "/etc",
        "%2e%2e",
        "..%2f..%2fpki",
        "a%2f..%2f..",
        "%2fetc",
        "a%00b",
        "..%5c..",
        "a%5cb",
        ".git",
        "a/.hidden",
        "nul",
        "a/COM1.txt",
        "a%0ab",
        "%ff",
        "a//b",
    ] {
        let query = format!("?path={path}");
        assert_eq!(
            list(&app, &admin, &id, &query).await.status.as_u16(),
            400,
            "{path}"
        );
        let answer = send_parts(&app, &admin, &id, &query, &[("a.txt", b"x")]).await;
        assert_eq!(answer.status.as_u16(), 400, "{path}");
    }
    let long = format!("?path={}", vec!["a"; 251].join("/"));
    assert_eq!(list(&app, &admin, &id, &long).await.status.as_u16(), 400);
    assert_eq!(
        list(&app, &admin, &id, "?path=a&path=b")
            .await
            .status
            .as_u16(),
        400
    );
    for name in [
        "",
        "..",
        ".htaccess",
        "dir/.env.txt",
        "noextension",
        "a.php",
        "a.html.exe",
        "a.zip",
        "nul.txt",
        "a\u{202e}txt.html",
        "a.txt ",
        "a.txt.",
        "folder/",
        &format!("{}.txt", "a".repeat(252)),
    ] {
        let answer = upload(&app, &admin, &id, ".", &[(name, b"x")]).await;
        assert_eq!(answer.status.as_u16(), 400, "{name:?} {}", answer.text());
    }
    for path in [
        "..",
        "../../panel.json",
        "/etc/passwd",
        "a\0b",
        "a\\b",
        ".staging",
        "con",
    ] {
        assert_eq!(
            delete_file(&app, &admin, &id, path).await.status.as_u16(),
            400,
            "{path:?}"
        );
    }
    assert_eq!(all_files(&app.sites_dir()), before);
    assert_eq!(app.durable(), durable);

    // Decoded once: what is encoded twice would be a name that no address leads to.
    let answer = upload(&app, &admin, &id, "%252e%252e", &[("a.txt", b"x")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
    let answer = upload(&app, &admin, &id, ".", &[("a%2fb.html", b"x")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
    assert_eq!(all_files(&app.sites_dir()), before);
    // The directory part of a name is the client's business.
    for (name, kept) in [
        ("../../up.txt", "up.txt"),
        ("C:\\Users\\me\\win.txt", "win.txt"),
        ("/etc/abs.txt", "abs.txt"),
    ] {
        let answer = upload(&app, &admin, &id, ".", &[(name, b"x")]).await;
        assert_eq!(answer.json()["files"], json!([kept]), "{name}");
    }
}

#[tokio::test]
async fn links_that_somebody_planted_are_neither_listed_nor_followed() {
    let app = TestApp::completed().await;
    let id = create(&app, "handbook").await;
    let admin = app.admin();
    let root = app.sites_dir().join(&id);
    let outside = app.sites_dir().parent().expect("the state").join("outside");
    std::fs::create_dir(&outside).expect("a folder");
    std::fs::write(outside.join("kept.txt"), "kept").expect("a file");
    symlink(&outside, root.join("out")).expect("a link");
    symlink(outside.join("kept.txt"), root.join("file.txt")).expect("a link");

    let listed = list(&app, &admin, &id, "").await.text();
    assert!(
        !listed.contains("out") && !listed.contains("file.txt"),
        "{listed}"
    );
    assert_eq!(
        list(&app, &admin, &id, "?path=out").await.status.as_u16(),
        400
    );
    let answer = upload(&app, &admin, &id, "out", &[("new.txt", b"x")]).await;
    assert_eq!(answer.status.as_u16(), 400, "{}", answer.text());
    // The link itself gives way to a file of its name.
    upload(&app, &admin, &id, ".", &[("file.txt", b"mine")]).await;
    assert_eq!(
        delete_file(&app, &admin, &id, "out/kept.txt")
            .await
            .status
            .as_u16(),
        200
    );
    assert_eq!(
        delete_file(&app, &admin, &id, "out").await.status.as_u16(),
        200
    );
    assert_eq!(
        all_files(&outside),
        BTreeSet::from([PathBuf::from("kept.txt")])
    );
    assert_eq!(
        std::fs::read_to_string(outside.join("kept.txt")).expect("kept"),
        "kept"
    );
    assert_eq!(
        std::fs::read_to_string(root.join("file.txt")).expect("saved"),
        "mine"
    );
    app.send(&admin, Ask::delete(&format!("{PATH}/{id}"))).await;
    assert!(outside.join("kept.txt").is_file());
}

#[tokio::test]
async fn a_file_that_is_too_large_leaves_nothing_and_those_before_it_stay() {
    let app = TestApp::completed().await;
    let id = create(&app, "handbook").await;
    let largest = vec![b'x'; 50 * MIB];
    let larger = vec![b'x'; 50 * MIB + 1];
    let admin = app.admin();
    let answer = upload(&app, &admin, &id, ".", &[("max.pdf", &largest)]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let parts = [
        ("first.txt", &b"1"[..]),
        ("max.pdf", &larger),
        ("last.txt", b"3"),
    ];
    let answer = upload(&app, &admin, &id, ".", &parts).await;
    let (status, error) = answer.refusal();
    assert_eq!(
        (status, error.as_str()),
        (400, "`max.pdf` is larger than 50 MiB")
    );
    let files = all_files(&app.sites_dir());
    let here = |name: &str| PathBuf::from(format!("{id}/{name}"));
    assert_eq!(
        files,
        BTreeSet::from(["index.html", "max.pdf", "first.txt"].map(here))
    );
    let kept = std::fs::metadata(app.sites_dir().join(here("max.pdf"))).expect("kept");
    assert_eq!(kept.len(), 50 * MIB as u64);
    let sites = app.send(&admin, Ask::get(PATH)).await.json();
    assert!(sites["sites"][0]["totalSize"].as_u64() > Some(50 * MIB as u64 + 1));
}

#[tokio::test]
async fn an_upload_that_is_cut_leaves_nothing() {
    let app = TestApp::completed().await;
    let id = create(&app, "handbook").await;
    let whole = form(&[("cut.txt", &vec![b'x'; MIB])]);
    let at = whole.len() * 9 / 10;
    for end in [
        Some(Err::<Bytes, BoxError>("the connection broke".into())),
        None,
    ] {
        let pieces = [Ok(Bytes::copy_from_slice(&whole[..at]))]
            .into_iter()
            .chain(end);
        let body = streamed(stream::iter(pieces));
        let answer = app.send(&app.admin(), ask(&id, "").streamed(body)).await;
        assert_eq!(answer.status.as_u16(), 400, "{}", answer.text());
    }
    let only = BTreeSet::from([PathBuf::from(format!("{id}/index.html"))]);
    assert_eq!(all_files(&app.sites_dir()), only);
}

#[tokio::test]
async fn parallel_uploads_of_one_name_leave_one_whole_version() {
    let app = Arc::new(TestApp::completed().await);
    let id = create(&app, "handbook").await;
    let uploads = (0..MAX_UPLOADS_PER_IDENTITY as u8).map(|n| {
        let (app, id) = (app.clone(), id.clone());
        async move {
            let content = vec![b'0' + n; 300_000 + usize::from(n)];
            upload(&app, &app.admin(), &id, ".", &[("one.txt", &content)])
                .await
                .status
        }
    });
    let answers = futures_util::future::join_all(uploads).await;
    assert!(
        answers.iter().all(|status| *status == StatusCode::OK),
        "{answers:?}"
    );
    let content = std::fs::read(app.sites_dir().join(&id).join("one.txt")).expect("one");
    let first = content[0];
    assert_eq!(content, vec![first; 300_000 + usize::from(first - b'0')]);
    let here = |name: &str| PathBuf::from(format!("{id}/{name}"));
    assert_eq!(
        all_files(&app.sites_dir()),
        BTreeSet::from(["index.html", "one.txt"].map(here))
    );
}

#[tokio::test]
async fn a_site_deleted_during_an_upload_is_404_and_leaves_nothing() {
    let app = Arc::new(TestApp::completed().await);
    let id = create(&app, "handbook").await;
    let whole = Bytes::from(form(&[("late.txt", &vec![b'x'; MIB])]));
    let (first, rest) = (whole.slice(..MIB / 2), whole.slice(MIB / 2..));
    let deleting = (app.clone(), id.clone());
    let body = stream::iter([Ok(first)]).chain(stream::once(async move {
        let (app, id) = deleting;
        let answer = app
            .send(&app.admin(), Ask::delete(&format!("{PATH}/{id}")))
            .await;
        assert_eq!(answer.status, StatusCode::OK);
        Ok(rest)
    }));
    let answer = app
        .send(&app.admin(), ask(&id, "").streamed(streamed(body)))
        .await;
    assert_eq!(answer.refusal(), (404, "Site not found".into()));
    assert_eq!(all_files(&app.sites_dir()), BTreeSet::new());
}

#[tokio::test]
async fn thousands_of_parts_are_refused() {
    let app = TestApp::completed().await;
    let id = create(&app, "handbook").await;
    let (empty, file) = (
        "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n\r\n",
        "--b\r\nContent-Disposition: form-data; name=\"x\"; filename=\"same.txt\"\r\n\r\nx\r\n",
    );
    for part in [empty, "--b\r\n\r\n\r\n"] {
        let body = format!("{}--b--\r\n", part.repeat(10_000));
        let answer = app.send(&app.admin(), ask(&id, "").raw(body)).await;
        let (status, error) = answer.refusal();
        assert_eq!(status, 400);
        assert!(error.contains("parts"), "{error}");
    }
    let body = format!("{}{file}--b--\r\n", empty.repeat(MAX_UPLOAD_PARTS));
    let answer = app.send(&app.admin(), ask(&id, "").raw(body)).await;
    assert_eq!(answer.status.as_u16(), 400);
    let body = format!("{}{file}--b--\r\n", empty.repeat(MAX_UPLOAD_PARTS - 1));
    let answer = app.send(&app.admin(), ask(&id, "").raw(body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
}

#[tokio::test]
async fn what_is_no_upload_is_refused() {
    let app = TestApp::completed().await;
    let id = create(&app, "handbook").await;
    let admin = app.admin();
    let path = format!("{PATH}/{id}/files");
    let good = form(&[("a.txt", b"x")]);
    let multipart = "multipart/form-data; boundary=b";
    let plain = |kind: &str| {
        Ask::new(http::Method::POST, &path)
            .header("content-type", kind)
            .raw(good.clone())
    };

    // A form of another website could be sent like this.
    assert_eq!(
        app.send(&admin, plain(multipart)).await.status.as_u16(),
        403
    );
    let twice = plain(multipart)
        .header("x-portlama-upload", "1")
        .header("x-portlama-upload", "1");
    assert_eq!(app.send(&admin, twice).await.status.as_u16(), 403);
    let meant = |kind: &str| plain(kind).header("x-portlama-upload", "1");
    for (kind, status) in [
        (multipart, 200),
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=other", 400),
        ("application/json", 415),
        ("multipart/mixed; boundary=b", 415),
    ] {
        assert_eq!(
            app.send(&admin, meant(kind)).await.status.as_u16(),
            status,
            "{kind}"
        );
    }
    let compressed = meant(multipart).header("content-encoding", "gzip");
    assert_eq!(app.send(&admin, compressed).await.status.as_u16(), 415);
    let no_file = "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nvalue\r\n--b--\r\n";
    let answer = app.send(&admin, ask(&id, "").raw(no_file)).await;
    assert_eq!(answer.refusal(), (400, "The upload holds no file".into()));
    for broken in [
        "",
        "--b--\r\n",
        "--b\r\nContent-Disposition: form-data; filename=\"a.txt\"\r\n\r\nx",
    ] {
        assert_eq!(
            app.send(&admin, ask(&id, "").raw(broken))
                .await
                .status
                .as_u16(),
            400,
            "{broken:?}"
        );
    }
}

#[tokio::test]
async fn parts_that_are_no_files_are_passed_over_and_the_last_of_a_name_stays() {
    let app = TestApp::completed().await;
    let id = create(&app, "handbook").await;
    let mut body = b"--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n".to_vec();
    body.extend(vec![b'n'; 2 * MIB]);
    body.extend(b"\r\n");
    body.extend(form(&[("a.txt", b"first"), ("a.txt", b"second")]));
    let answer = app.send(&app.admin(), ask(&id, "").raw(body)).await;
    assert_eq!(
        answer.json()["files"],
        json!(["a.txt", "a.txt"]),
        "{}",
        answer.text()
    );
    let content = std::fs::read_to_string(app.sites_dir().join(&id).join("a.txt"));
    assert_eq!(content.expect("saved"), "second");
}

#[tokio::test]
async fn a_folder_and_a_file_do_not_take_each_others_place() {
    let app = TestApp::completed().await;
    let id = create(&app, "handbook").await;
    let admin = app.admin();
    upload(&app, &admin, &id, "a.html", &[("inner.txt", b"x")]).await;
    for (folder, name) in [(".", "a.html"), ("index.html", "inner.txt")] {
        let answer = upload(&app, &admin, &id, folder, &[(name, b"x")]).await;
        assert_eq!(answer.status.as_u16(), 400, "{folder} {name}");
    }
}
