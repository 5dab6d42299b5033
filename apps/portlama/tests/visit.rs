//! A visitor, from the first redirect to the sign-out, with curl.

mod common;

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use portlama_testkit::{Demo, Oracle, Origin, open_websocket};
use tokio_tungstenite::tungstenite::Message;

#[test]
fn a_visitor_signs_in_reaches_the_app_and_signs_out_everywhere() -> Result<()> {
    let demo = Demo::start(&common::binary())?;
    let origin = Origin::start()?;
    demo.tunnel("probe", origin.port(), "authenticated")?;
    let oracle = Oracle::before(&demo, &[])?;

    refuses_strangers(&demo, &origin)?;
    demo.sign_in("jar")?;
    passes_the_signed_in(&demo, &origin)?;
    let answer = demo
        .visitor_with_jar("jar")
        .follow()
        .send(&demo.ready.app_url)?;
    assert_eq!(answer.status, 200);
    assert!(
        answer.text().contains(&demo.ready.username),
        "the app knows who visits"
    );

    let sign_out = format!("{}/api/logout", demo.ready.auth_url);
    let answer = demo
        .visitor_with_jar("jar")
        .json("POST", &serde_json::json!({}))
        .send(&sign_out)?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    for host in ["probe", "hello"] {
        let answer = demo.visitor_with_jar("jar").send(&demo.url(host, "/"))?;
        assert_eq!(answer.status, 302, "{host} after the sign-out");
    }
    oracle.after(&demo)
}

#[test]
fn a_program_accepts_an_invitation_alike_on_every_host() -> Result<()> {
    let demo = Demo::start(&common::binary())?;
    let body = serde_json::json!({ "username": "guest", "email": "guest@example.net" });
    let invited = demo
        .admin()
        .json("POST", &body)
        .send(&demo.api("invitations"))?;
    assert_eq!(invited.status, 201, "{}", invited.text());
    let token = invited.json()?["token"]
        .as_str()
        .context("a token")?
        .to_owned();
    let path = format!("invite/{token}");
    let accept = format!("{path}/accept");
    let both = [
        format!("{}/api/{accept}", demo.ready.auth_url.trim_end_matches('/')),
        demo.api(&accept),
    ];
    let mut said = vec![];
    for url in &both {
        let short = demo
            .visitor()
            .json("POST", &serde_json::json!({ "password": "short" }))
            .send(url)?;
        let wrong = demo.visitor().send(url)?;
        assert_eq!(wrong.header("allow"), "POST");
        said.push((short.status, short.json()?, wrong.status, wrong.json()?));
    }
    assert_eq!(said[0], said[1]);
    assert_eq!((said[0].0, said[0].2), (400, 405));
    assert_eq!(said[0].1["error"], "Validation failed");

    let good = serde_json::json!({ "password": "a few words of my own" });
    let accepted = demo.visitor().json("POST", &good).send(&both[0])?;
    assert_eq!(accepted.status, 200, "{}", accepted.text());
    assert!(accepted.json()?["totpUri"].is_string());
    let used = demo.visitor().send(&demo.api(&path))?;
    assert_eq!(used.status, 410, "{}", used.text());
    Ok(())
}

fn refuses_strangers(demo: &Demo, origin: &Origin) -> Result<()> {
    let before = origin.requests();
    let page = demo
        .visitor()
        .options(["-H", "accept: text/html"])
        .send(&demo.url("probe", "/headers?x=1"))?;
    assert_eq!(page.status, 302);
    let location = page.header("location").to_owned();
    assert!(location.starts_with(&demo.ready.auth_url), "{location}");
    for (options, why) in [
        (vec!["-X", "POST", "-d", "x"], "a changing method"),
        (vec!["-H", "accept: application/json"], "a program"),
    ] {
        let answer = demo
            .visitor()
            .options(options)
            .send(&demo.url("probe", "/headers"))?;
        assert_eq!(answer.status, 401, "{why}");
    }
    let invented = [
        "-H",
        "cookie: __Host-portlama_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ];
    let answer = demo
        .visitor()
        .options(invented)
        .send(&demo.url("probe", "/headers"))?;
    assert_eq!(answer.status, 302, "an invented session");
    assert_eq!(origin.requests(), before, "nothing reached the app");
    Ok(())
}

fn passes_the_signed_in(demo: &Demo, origin: &Origin) -> Result<()> {
    let forged = [
        "--http1.1",
        "-H",
        "remote-user: root",
        "-H",
        "Remote_User: root",
        "-H",
        "remote-groups: admins",
        "-H",
        "x-forwarded-for: 203.0.113.9",
        "-H",
        "x-ssl-client-verify: SUCCESS",
        "-H",
        "x-real-ip: 203.0.113.9",
        "-H",
        "forwarded: for=203.0.113.9",
        "-H",
        "connection: remote-user, x-mine",
        "-H",
        "x-mine: 1",
        "-H",
        "cookie: mine=1",
    ];
    let answer = demo
        .visitor_with_jar("jar")
        .follow()
        .options(forged)
        .send(&demo.url("probe", "/headers"))?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = origin.last_headers();
    let header = |name: &str| seen.get(name).map(String::as_str);
    assert_eq!(header("remote-user"), Some(demo.ready.username.as_str()));
    assert_ne!(header("remote-groups"), Some("admins"));
    assert_eq!(header("remote_user"), None);
    assert_eq!(header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(header("x-forwarded-proto"), Some("https"));
    assert_eq!(header("x-ssl-client-verify"), None);
    assert_eq!(header("forwarded"), Some("for=127.0.0.1;proto=https"));
    assert_eq!(
        header("x-mine"),
        None,
        "named by Connection, so it ends here"
    );
    let cookies = header("cookie").unwrap_or_default();
    assert!(
        !cookies.contains("__Host-portlama"),
        "our cookies stay here: {cookies}"
    );

    let head = demo
        .visitor_with_jar("jar")
        .options(["--head"])
        .send(&demo.url("probe", "/bytes/1000"))?;
    assert_eq!((head.status, head.header("content-length")), (200, "1000"));
    let status = demo
        .visitor_with_jar("jar")
        .send(&demo.url("probe", "/status/204"))?;
    assert_eq!((status.status, status.body.len()), (204, 0));
    for version in ["--http1.1", "--http2"] {
        let answer = demo
            .visitor_with_jar("jar")
            .options([version])
            .send(&demo.url("probe", "/bytes/100000"))?;
        assert_eq!(
            (answer.status, answer.body.len()),
            (200, 100_000),
            "{version}"
        );
    }
    Ok(())
}

#[test]
fn a_websocket_passes_after_the_sign_in_and_ends_with_it() -> Result<()> {
    let demo = Demo::start(&common::binary())?;
    let origin = Origin::start()?;
    demo.tunnel("probe", origin.port(), "authenticated")?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let refused = open_websocket(&demo, "probe", "/echo", None).await;
        assert_eq!(
            refused.err().map(|e| e.to_string()).as_deref(),
            Some("status 401")
        );
        assert_eq!(origin.requests(), 0, "nothing reached the app");

        demo.sign_in("jar")?;
        demo.visitor_with_jar("jar")
            .follow()
            .send(&demo.url("probe", "/headers"))?;
        let mut socket = open_websocket(&demo, "probe", "/echo", Some("jar")).await?;
        for size in [0, 5, 70_000, 1 << 20] {
            let message = Message::binary(vec![7_u8; size]);
            socket.send(message.clone()).await?;
            let back = socket.next().await.context("the socket ended")??;
            assert_eq!(back.len(), size);
            assert_eq!(back, message);
        }

        let sign_out = format!("{}/api/logout", demo.ready.auth_url);
        demo.visitor_with_jar("jar")
            .json("POST", &serde_json::json!({}))
            .send(&sign_out)?;
        let end = tokio::time::timeout(std::time::Duration::from_secs(10), async {
            while let Some(Ok(message)) = socket.next().await {
                if message.is_close() {
                    break;
                }
            }
        });
        end.await.context("the socket outlived the sign-out")?;
        anyhow::Ok(())
    })
}

#[test]
fn events_arrive_one_by_one() -> Result<()> {
    let demo = Demo::start(&common::binary())?;
    let origin = Origin::start()?;
    demo.tunnel("probe", origin.port(), "public")?;
    let output = demo.file("events");
    let mut child = demo
        .visitor()
        .options(["--no-buffer"])
        .start(&demo.url("probe", "/events"), &output)?;
    let seen = |n: usize| {
        common::within(std::time::Duration::from_secs(10), || {
            let text = std::fs::read_to_string(&output).unwrap_or_default();
            (text.matches("data: tick").count() >= n).then_some(())
        })
    };
    assert!(seen(1).is_some(), "the first event waits for others");
    assert!(seen(3).is_some(), "events stop");
    child.kill()?;
    child.wait()?;
    Ok(())
}

#[test]
fn hosts_are_told_apart_strictly() -> Result<()> {
    let demo = Demo::start(&common::binary())?;
    let port = demo.ready.https_port;
    let spelled = |host: &str| format!("{host}.{}:{port}", demo.ready.domain);
    let app = demo.url("hello", "/");
    for (host, expected) in [
        (spelled("HELLO"), 302),
        (format!("hello.{}.:{port}", demo.ready.domain), 302),
        (spelled("auth"), 421),
        (spelled("panel"), 421),
        (spelled("nobody"), 421),
        (format!("127.0.0.1:{port}"), 421),
        (format!("hello.{}:1", demo.ready.domain), 421),
        ("a b".to_owned(), 400),
    ] {
        let header = format!("host: {host}");
        let answer = demo
            .visitor()
            .options(["--http1.1", "-H", &header])
            .send(&app)?;
        assert_eq!(answer.status, expected, "{host}");
    }
    let unknown = demo.visitor().send(&demo.url("nobody", "/"));
    assert!(
        unknown.is_err(),
        "an unknown host is refused in the handshake"
    );
    Ok(())
}
