//! Releases by HTTPS: what comes is believed by its signature, and what does not come, or is
//! something else, leaves nothing behind.

use std::path::Path;
use std::time::Duration;

use http::Uri;
use portlama_dial::{DownloadError, DownloadLimits, Https, public_tls};
use portlama_host::release::{FetchError, ReleaseError, fetch, file_name};
use portlama_model::{ReleaseSource, ReleaseVersion};
use portlama_testkit::{RawAnswer, RawHttps, release};

const LIMITS: DownloadLimits = DownloadLimits {
    bytes: 1000,
    silence: Duration::from_millis(500),
    whole: Duration::from_secs(60),
};

fn redirect(to: &str) -> RawAnswer {
    RawAnswer::head(&format!(
        "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close"
    ))
}

async fn download(server: &RawHttps, path: &str) -> Result<Vec<u8>, DownloadError> {
    let tls = public_tls(Some(&server.ca_file)).expect("TLS");
    let address: Uri = format!("{}{path}", server.url).parse().expect("an address");
    let mut file = Vec::new();
    let mut last = (0, None);
    let mut progress = |so_far, all| last = (so_far, all);
    let octets = Https::new(tls)
        .download(&address, LIMITS, &mut file, &mut progress)
        .await?;
    assert_eq!(octets, file.len() as u64);
    assert_eq!(last.0, octets);
    Ok(file)
}

#[tokio::test]
async fn a_file_comes_whole_wherever_https_leads() {
    let server = RawHttps::start().await;
    server.at("/file", RawAnswer::file(b"a program"));
    server.at("/there", redirect("/file"));
    server.at("/elsewhere", redirect(&format!("{}/there", server.url)));
    // As HTTP/1.0 has it: the end of the connection is the end of the file.
    server.at(
        "/old",
        RawAnswer {
            octets: b"HTTP/1.0 200 ok\r\nContent-type: text/plain\r\n\r\na program".to_vec(),
            hangs: false,
        },
    );
    for path in ["/file", "/there", "/elsewhere", "/old"] {
        let file = download(&server, path).await.expect("a file");
        assert_eq!(file, b"a program", "{path}");
    }
}

#[tokio::test]
async fn what_is_no_file_is_said_and_nothing_is_waited_for_for_ever() {
    let server = RawHttps::start().await;
    server.at("/plain", redirect("http://localhost/file"));
    server.at("/round", redirect("/round"));
    server.at("/nowhere", redirect("not a place"));
    server.at("/large", RawAnswer::file(&[0; 1001]));
    server.at(
        "/endless",
        RawAnswer {
            octets: [&b"HTTP/1.0 200 ok\r\n\r\n"[..], &[0; 2000]].concat(),
            hangs: true,
        },
    );
    server.at(
        "/short",
        RawAnswer::head("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"),
    );
    server.at(
        "/silent",
        RawAnswer {
            hangs: true,
            ..RawAnswer::head("HTTP/1.1 200 OK\r\nContent-Length: 10")
        },
    );
    for (path, why) in [
        ("/missing", "404"),
        ("/plain", "is not an https address"),
        ("/round", "which is not followed"),
        ("/nowhere", "which is not followed"),
        ("/large", "more than 1000 octets"),
        ("/endless", "more than 1000 octets"),
        ("/short", "breaks off"),
        ("/silent", "did not come within"),
    ] {
        let error = download(&server, path).await.expect_err(path);
        assert!(error.to_string().contains(why), "{path}: {error}");
    }
    let rounds = server
        .asked()
        .iter()
        .filter(|path| *path == "/round")
        .count();
    assert_eq!(rounds, portlama_dial::MAX_REDIRECTS + 1);
}

fn version(text: &str) -> ReleaseVersion {
    text.parse().expect("a version")
}

/// A place with this program as version 1.2.3, said to be `named`.
async fn place(program: &[u8], named: &str, signature: &str) -> (RawHttps, ReleaseSource) {
    let server = RawHttps::start().await;
    let path = format!("/v{named}/{}", file_name(&version(named)));
    server.at(&path, RawAnswer::file(program));
    server.at(
        &format!("{path}.minisig"),
        RawAnswer::file(signature.as_bytes()),
    );
    let source = ReleaseSource {
        url: format!("{}/v{{version}}/", server.url),
        ca_file: Some(server.ca_file.display().to_string()),
    };
    (server, source)
}

async fn fetched(source: &ReleaseSource, folder: &Path, asked: &str) -> Result<(), FetchError> {
    let got = fetch(source, &version(asked), folder, &mut |_, _| {}).await;
    if got.is_err() {
        let left = std::fs::read_dir(folder).expect("a folder").count();
        assert_eq!(left, 0, "something is left");
    }
    got.map(drop)
}

#[tokio::test]
async fn a_program_without_its_signature_is_not_even_fetched() {
    let folder = tempfile::tempdir().expect("a folder");
    let (server, source) = place(b"a program", "1.2.3", "").await;
    server.at(
        &format!("/v1.2.3/{}.minisig", file_name(&version("1.2.3"))),
        RawAnswer::head("HTTP/1.1 404 Not Found\r\nContent-Length: 0"),
    );
    let error = fetched(&source, folder.path(), "1.2.3").await;
    assert!(matches!(error, Err(FetchError::Download(_))), "{error:?}");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn what_no_key_of_ours_has_signed_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let signature = release::sign(b"a program", "1.2.3").expect("signed");
    // This build believes no key of tests; one that does is tried on a machine.
    let (_server, source) = place(b"a program", "1.2.3", &signature).await;
    std::fs::write(folder.path().join("release"), "an earlier one").expect("written");
    let error = fetched(&source, folder.path(), "1.2.3").await;
    assert!(
        matches!(
            error,
            Err(FetchError::Release(
                ReleaseError::NoKeys | ReleaseError::UnknownKey
            ))
        ),
        "{error:?}"
    );
}
