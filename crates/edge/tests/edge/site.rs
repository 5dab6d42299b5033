//! Static sites: which file answers, how it goes out, who may read, and nothing beside them.

use std::os::unix::fs::symlink;

use http::StatusCode;

use crate::access::session_on;
use crate::client::{End, Line, Raw, ask, get};
use crate::house::{APPLICATION, CLUB, FOREIGN, House, PUBLIC, SITE};

const SECRET: &str = "the-canary-of-this-test";

fn octets(len: usize, seed: u8) -> Vec<u8> {
    (0..len)
        .map(|n| (n % 251) as u8 ^ (n / 251 % 256) as u8 ^ seed)
        .collect()
}

/// A page long enough to be compressed.
fn page() -> String {
    format!(
        "<!doctype html>\n{}",
        "<p>All work and no play.</p>\n".repeat(200)
    )
}

async fn house() -> House {
    let house = House::new().await;
    house.put(SITE, "index.html", "<h1>Welcome</h1>");
    house.put(SITE, "docs/index.html", "<h1>Docs</h1>");
    house.put(SITE, "docs/guide.txt", "0123456789");
    house.put(SITE, "empty/readme.md", "nothing here");
    house
}

#[tokio::test]
async fn a_path_finds_its_file_and_a_folder_its_page() {
    let house = house().await;
    for (path, status, text) in [
        ("/", 200, "<h1>Welcome</h1>"),
        ("/index.html", 200, "<h1>Welcome</h1>"),
        ("/?utm=1", 200, "<h1>Welcome</h1>"),
        ("/docs/", 200, "<h1>Docs</h1>"),
        ("/docs/guide.txt", 200, "0123456789"),
        ("/%64ocs/guide.txt", 200, "0123456789"),
        ("/docs/guide.txt/", 404, ""),
        ("/docs/Guide.txt", 404, ""),
        ("/empty/", 404, ""),
        ("/empty", 404, ""),
        ("/nothing", 404, ""),
    ] {
        let answer = get(&house, SITE, path, "").await;
        assert_eq!(answer.status, status, "{path} {}", answer.text());
        assert!(answer.text().contains(text), "{path} {}", answer.text());
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("set-cookie"), None);
        assert!(answer.header("strict-transport-security").is_some());
    }
    let folder = get(&house, SITE, "/docs?page=2", "").await;
    assert_eq!(
        (folder.status, folder.header("location")),
        (308, Some("/docs/?page=2"))
    );
    let page = get(&house, SITE, "/", "").await;
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    assert_eq!(page.header("content-security-policy"), None);
    let asset = get(&house, SITE, "/docs/guide.txt", "").await;
    assert_eq!(asset.header("cache-control"), Some("public, max-age=300"));
}

#[tokio::test]
async fn a_site_answers_to_reading_alone() {
    let house = house().await;
    let authority = house.authority_of(SITE);
    for method in ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"] {
        let head =
            format!("{method} / HTTP/1.1\r\nhost: {authority}\r\ncontent-length: 2\r\n\r\nhi");
        let answer = ask(&house, SITE, &head).await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"));
    }
    let options = ask(
        &house,
        SITE,
        &format!("OPTIONS /x HTTP/1.1\r\nhost: {authority}\r\n\r\n"),
    )
    .await;
    assert_eq!(
        (options.status, options.header("allow")),
        (204, Some("GET, HEAD, OPTIONS"))
    );
    let mut line = Line::open(&house, SITE).await;
    line.send(format!(
        "HEAD /docs/guide.txt HTTP/1.1\r\nhost: {authority}\r\n\r\n"
    ))
    .await;
    let head = line.answer_to("HEAD").await;
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, Some("10"))
    );
    // Nothing of a body stands before the next answer.
    line.send(format!(
        "GET /docs/guide.txt HTTP/1.1\r\nhost: {authority}\r\n\r\n"
    ))
    .await;
    let body = line.answer().await;
    assert_eq!(body.text(), "0123456789");
    assert_eq!(head.header("etag"), body.header("etag"));
}

#[tokio::test]
async fn an_application_finds_its_own_way_and_missing_assets_are_missing() {
    let house = House::new().await;
    house.put(APPLICATION, "index.html", "<h1>Application</h1>");
    house.put(APPLICATION, "assets/app.js", "go()");
    for path in ["/", "/users/7", "/users/7/", "/assets", "/assets/"] {
        let answer = get(&house, APPLICATION, path, "").await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (200, "<h1>Application</h1>"),
            "{path}"
        );
    }
    for path in [
        "/assets/old.js",
        "/favicon.ico",
        "/.env",
        "/a/../b",
        "/%2e%2e/x",
        "/x%2fy",
    ] {
        assert_eq!(
            get(&house, APPLICATION, path, "").await.status,
            404,
            "{path}"
        );
    }
    house.put(APPLICATION, "404.html", "<h1>Lost</h1>");
    let own = get(&house, APPLICATION, "/assets/old.js", "").await;
    assert_eq!((own.status, own.text().as_str()), (404, "<h1>Lost</h1>"));
    assert_eq!(own.header("content-type"), Some("text/html; charset=utf-8"));
}

#[tokio::test]
async fn no_path_leads_out_of_a_site() {
    let house = house().await;
    let root = house.site_folder(SITE);
    let sites = root.parent().expect("a folder");
    std::fs::write(sites.join("secret.txt"), SECRET).expect("a file");
    std::fs::write(root.join(".hidden.txt"), SECRET).expect("a file");
    symlink("../secret.txt", root.join("link.txt")).expect("a link");
    symlink("..", root.join("up")).expect("a link");
    symlink("/", root.join("root")).expect("a link");
    house.put(CLUB, "secret.txt", SECRET);
    let club = house.site_folder(CLUB);
    let club = club.file_name().and_then(|n| n.to_str()).expect("a name");
    let mut paths: Vec<String> = [
        "/../secret.txt",
        "/docs/../../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/%252e%252e/secret.txt",
        "/%252e%252e%252fsecret.txt",
        "/%25252e%25252e%25252fsecret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "/%c0%ae%c0%ae/secret.txt",
        "/..;/secret.txt",
        "/.../secret.txt",
        "/docs/..%00/secret.txt",
        "/index.html%00.txt",
        "//etc/passwd",
        "/./../secret.txt",
        "/.hidden.txt",
        "/%2ehidden.txt",
        "/link.txt",
        "/up/secret.txt",
        "/root/etc/passwd",
        "/nul",
        "/con.txt",
        "/com1",
        "/index.html%20",
        "/.portlama/secret",
        "/.git/config",
    ]
    .map(str::to_owned)
    .into();
    paths.push(format!("/../{club}/secret.txt"));
    paths.push(format!("/up/{club}/secret.txt"));
    for path in paths {
        for spelled in [
            path.clone(),
            format!("https://{}{path}", house.authority_of(SITE)),
        ] {
            let answer = get(&house, SITE, &spelled, "").await;
            assert!(
                matches!(answer.status, 400 | 404),
                "{spelled}: {}",
                answer.status
            );
            assert!(!answer.text().contains(SECRET), "{spelled}");
            assert!(!answer.text().contains("root:"), "{spelled}");
        }
    }
}

#[tokio::test]
async fn only_the_sites_own_host_shows_it() {
    let house = house().await;
    for (shown, asked) in [(SITE, CLUB), (SITE, PUBLIC), (PUBLIC, SITE), (CLUB, SITE)] {
        let authority = house.authority_of(asked);
        let head = format!("GET / HTTP/1.1\r\nhost: {authority}\r\n\r\n");
        assert_eq!(
            ask(&house, shown, &head).await.status,
            421,
            "{shown} {asked}"
        );
    }
    let mut line = Line::panel(&house, Some(&house.admin_credentials)).await;
    let authority = house.authority_of(SITE);
    line.send(format!("GET / HTTP/1.1\r\nhost: {authority}\r\n\r\n"))
        .await;
    assert_eq!(line.answer().await.status, 421);
}

#[tokio::test]
async fn whoever_has_a_version_is_not_sent_it_again_until_it_is_replaced() {
    let house = house().await;
    let first = get(&house, SITE, "/docs/guide.txt", "").await;
    let etag = first.header("etag").expect("a tag").to_owned();
    let date = first.header("last-modified").expect("a date").to_owned();
    assert!(etag.starts_with('"'), "{etag}");
    for fields in [
        format!("if-none-match: {etag}\r\n"),
        format!("if-none-match: \"x\", W/{etag}\r\n"),
        format!("if-modified-since: {date}\r\n"),
    ] {
        let answer = get(&house, SITE, "/docs/guide.txt", &fields).await;
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{fields}");
        assert_eq!(answer.header("etag"), Some(etag.as_str()));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    }
    let failed = get(&house, SITE, "/docs/guide.txt", "if-match: \"x\"\r\n").await;
    assert_eq!(failed.status, 412);
    // As long, and of the same second.
    house.put(SITE, "docs/guide.txt", "9876543210");
    let replaced = get(
        &house,
        SITE,
        "/docs/guide.txt",
        &format!("if-none-match: {etag}\r\n"),
    )
    .await;
    assert_eq!(
        (replaced.status, replaced.text().as_str()),
        (200, "9876543210")
    );
    assert_ne!(replaced.header("etag"), Some(etag.as_str()));
}

#[tokio::test]
async fn parts_are_cut_from_the_version_that_the_client_has() {
    let house = house().await;
    let path = "/docs/guide.txt";
    let whole = get(&house, SITE, path, "").await;
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    let etag = whole.header("etag").expect("a tag").to_owned();
    let part = |range: &str, more: &str| format!("range: bytes={range}\r\n{more}");
    for (fields, status, text, range) in [
        (part("2-4", ""), 206, "234", Some("bytes 2-4/10")),
        (part("-3", ""), 206, "789", Some("bytes 7-9/10")),
        (part("8-99", ""), 206, "89", Some("bytes 8-9/10")),
        (
            part("2-4", &format!("if-range: {etag}\r\n")),
            206,
            "234",
            Some("bytes 2-4/10"),
        ),
        (
            part("2-4", "if-range: \"old\"\r\n"),
            200,
            "0123456789",
            None,
        ),
        (part("10-", ""), 416, "", Some("bytes */10")),
        (part("4-2", ""), 200, "0123456789", None),
        (part("0-5,3-8", ""), 200, "0123456789", None),
        ("range: lines=1-2\r\n".to_owned(), 200, "0123456789", None),
        (
            part(&vec!["0-0"; 1000].join(","), ""),
            200,
            "0123456789",
            None,
        ),
    ] {
        let answer = get(&house, SITE, path, &fields).await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (status, text),
            "{fields}"
        );
        assert_eq!(answer.header("content-range"), range, "{fields}");
    }
    let several = get(&house, SITE, path, &part("0-1,8-", "")).await;
    assert_eq!(several.status, 206);
    let kind = several.header("content-type").expect("a type").to_owned();
    let boundary = kind
        .strip_prefix("multipart/byteranges; boundary=")
        .expect("parts");
    let text = "text/plain; charset=utf-8";
    assert_eq!(
        several.text(),
        format!(
            "--{boundary}\r\ncontent-type: {text}\r\ncontent-range: bytes 0-1/10\r\n\r\n01\r\n\
             --{boundary}\r\ncontent-type: {text}\r\ncontent-range: bytes 8-9/10\r\n\r\n89\r\n\
             --{boundary}--\r\n"
        )
    );
}

fn gunzip(answer: &Raw) -> String {
    let mut text = String::new();
    let mut decoder = flate2::read::GzDecoder::new(answer.body.as_slice());
    std::io::Read::read_to_string(&mut decoder, &mut text).expect("gzip");
    text
}

#[tokio::test]
async fn text_goes_out_compressed_to_those_who_take_it() {
    let house = house().await;
    house.put(SITE, "long.html", page());
    house.put(SITE, "photo.png", octets(5_000, 0));
    let plain = get(&house, SITE, "/long.html", "").await;
    assert_eq!(
        (plain.text(), plain.header("content-encoding")),
        (page(), None)
    );
    assert_eq!(plain.header("vary"), Some("accept-encoding"));
    let gzip = "accept-encoding: gzip, deflate, br\r\n";
    for _ in ["made", "kept"] {
        let coded = get(&house, SITE, "/long.html", gzip).await;
        assert_eq!(coded.header("content-encoding"), Some("gzip"));
        assert_eq!(coded.header("vary"), Some("accept-encoding"));
        assert_ne!(coded.header("etag"), plain.header("etag"));
        assert!(coded.body.len() < page().len() / 5);
        assert_eq!(gunzip(&coded), page());
        let etag = coded.header("etag").expect("a tag");
        let again = get(
            &house,
            SITE,
            "/long.html",
            &format!("{gzip}if-none-match: {etag}\r\n"),
        )
        .await;
        assert_eq!((again.status, again.header("etag")), (304, Some(etag)));
        let head = format!(
            "HEAD /long.html HTTP/1.1\r\nhost: {}\r\n{gzip}\r\n",
            house.authority_of(SITE)
        );
        let head = ask(&house, SITE, &head).await;
        assert_eq!(
            head.header("content-length"),
            coded.header("content-length")
        );
    }
    for (path, fields) in [
        ("/photo.png", gzip.to_owned()),
        ("/", gzip.to_owned()),
        ("/long.html", "accept-encoding: gzip;q=0\r\n".to_owned()),
        ("/long.html", format!("{gzip}range: bytes=0-\r\n")),
    ] {
        let answer = get(&house, SITE, path, &fields).await;
        assert_eq!(answer.header("content-encoding"), None, "{path} {fields}");
    }
    house.put(SITE, "long.html", page().replace("play", "rest"));
    let replaced = get(&house, SITE, "/long.html", gzip).await;
    assert!(gunzip(&replaced).contains("no rest"));
}

#[tokio::test]
async fn a_compressed_file_beside_is_preferred_while_it_is_not_older() {
    let house = house().await;
    house.put(SITE, "app.js", "x".repeat(2_000));
    house.put(SITE, "app.js.br", "brotli");
    house.put(SITE, "app.js.gz", "gzip");
    for (accept, coding, text) in [
        ("br, gzip", Some("br"), "brotli"),
        ("gzip", Some("gzip"), "gzip"),
        ("zstd", None, "xxx"),
    ] {
        let answer = get(
            &house,
            SITE,
            "/app.js",
            &format!("accept-encoding: {accept}\r\n"),
        )
        .await;
        assert_eq!(answer.header("content-encoding"), coding);
        assert_eq!(
            answer.header("content-type"),
            Some("text/javascript; charset=utf-8")
        );
        assert!(answer.text().starts_with(text), "{}", answer.text());
    }
    let old = std::fs::File::options()
        .write(true)
        .open(house.site_folder(SITE).join("app.js.br"))
        .expect("a file");
    old.set_modified(std::time::SystemTime::UNIX_EPOCH)
        .expect("set");
    let answer = get(&house, SITE, "/app.js", "accept-encoding: br\r\n").await;
    assert_eq!(answer.header("content-encoding"), None);
}

#[tokio::test]
async fn a_download_goes_on_with_the_file_it_began_with() {
    let house = house().await;
    const LEN: usize = 24 * 1024 * 1024;
    house.put(SITE, "film.mp4", octets(LEN, 0));
    let mut line = begin(&house, SITE, "/film.mp4", "").await;
    house.put(SITE, "film.mp4", octets(LEN, 77));
    let body = line.exactly(LEN).await;
    assert!(body == octets(LEN, 0), "a mixture of two files");
    let next = get(&house, SITE, "/film.mp4", "range: bytes=0-99\r\n").await;
    assert_eq!(next.body, octets(100, 77));
}

#[tokio::test]
async fn a_file_that_becomes_shorter_breaks_the_download_off() {
    let house = house().await;
    const LEN: usize = 24 * 1024 * 1024;
    house.put(SITE, "film.mp4", octets(LEN, 0));
    let mut line = begin(&house, SITE, "/film.mp4", "").await;
    let file = std::fs::File::options()
        .write(true)
        .open(house.site_folder(SITE).join("film.mp4"))
        .expect("a file");
    file.set_len(10).expect("shorter");
    let (octets, end) = line.rest().await;
    assert!(octets.len() < LEN && end != End::Open);
}

/// Asks for a file and reads its head alone.
async fn begin(house: &House, host: &str, path: &str, fields: &str) -> Line {
    let mut line = Line::open(house, host).await;
    let authority = house.authority_of(host);
    line.send(format!(
        "GET {path} HTTP/1.1\r\nhost: {authority}\r\n{fields}\r\n"
    ))
    .await;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(line.exactly(1).await);
    }
    assert!(head.starts_with(b"HTTP/1.1 200"), "{}", head.escape_ascii());
    line
}

#[tokio::test]
async fn protected_sites_lead_strangers_to_the_sign_in_and_programs_are_told() {
    let house = House::new().await;
    for host in [CLUB, FOREIGN] {
        house.put(host, "index.html", SECRET);
        let person = get(&house, host, "/page?x=1", "accept: text/html\r\n").await;
        assert_eq!(person.status, 302, "{host}");
        assert!(
            person
                .header("location")
                .is_some_and(|l| l.contains("rd=https%3A%2F%2F"))
        );
        let program = get(&house, host, "/", "accept: application/json\r\n").await;
        assert_eq!(program.status, 401);
        for path in ["/index.html", "/nothing", "/.env", "/.portlama/x"] {
            let forged =
                "accept: text/plain\r\nremote-user: mira\r\ncookie: __Host-portlama_session=x\r\n";
            let answer = get(&house, host, path, forged).await;
            assert!(
                matches!(answer.status, 401 | 404),
                "{host}{path} {}",
                answer.status
            );
            assert!(!answer.text().contains(SECRET));
        }
        let head = format!(
            "POST / HTTP/1.1\r\nhost: {}\r\ncontent-length: 0\r\n\r\n",
            house.authority_of(host)
        );
        assert_eq!(ask(&house, host, &head).await.status, 401);
    }
}

#[tokio::test]
async fn signed_in_visitors_read_what_is_for_them() {
    let house = House::new().await;
    house.add_user("Mira").await;
    house.put(CLUB, "index.html", "<h1>Club</h1>");
    house.put(FOREIGN, "index.html", SECRET);
    let fields = format!("cookie: {}\r\n", session_on(&house, CLUB).await);
    let answer = get(&house, CLUB, "/", &fields).await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, "<h1>Club</h1>")
    );
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    assert_eq!(
        answer.header("cross-origin-resource-policy"),
        Some("same-origin")
    );
    assert_eq!(answer.header("set-cookie"), None);
    // A session is of one host, and this one lists other users.
    let elsewhere = get(&house, FOREIGN, "/", &fields).await;
    assert_eq!(elsewhere.status, 302);
    let fields = format!("cookie: {}\r\n", session_on(&house, FOREIGN).await);
    let refused = get(&house, FOREIGN, "/", &fields).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN.as_u16());
    assert!(!refused.text().contains(SECRET));
}

#[tokio::test]
async fn signing_out_cuts_a_running_download() {
    let house = House::new().await;
    house.add_user("Mira").await;
    const LEN: usize = 64 * 1024 * 1024;
    house.put(CLUB, "film.mp4", octets(LEN, 0));
    let session = session_on(&house, CLUB).await;
    let fields = format!("cookie: {session}\r\n");
    let mut line = begin(&house, CLUB, "/film.mp4", &fields).await;
    let token = session.split_once('=').expect("a cookie").1;
    let host = CLUB.parse().expect("a host");
    house.control.sign_out_host(&host, token).await;
    let (octets, end) = line.rest().await;
    assert!(octets.len() < LEN, "the whole file came");
    assert_ne!(end, End::Open);
    assert_eq!(get(&house, CLUB, "/film.mp4", &fields).await.status, 302);
}
