//! `/api/sites`: shapes, statuses, and whose site it is.

mod support;

use std::collections::BTreeSet;
use std::path::PathBuf;

use http::StatusCode;
use portlama_model::Capability::{SitesRead, SitesWrite, TunnelsRead};
use serde_json::json;
use support::sites::{PATH, all_files, create, delete_file, list, upload};
use support::{Ask, TestApp};

#[tokio::test]
async fn a_new_site_has_the_documented_shape_and_a_first_page() {
    let app = TestApp::completed().await;
    let body = json!({ "name": "handbook", "type": "managed", "spaMode": true });
    let answer = app.send(&app.admin(), Ask::post(PATH, &body)).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let mut answer = answer.json();
    let id = answer["site"]["id"].take();
    let root = answer["site"]["rootPath"].take();
    let size = answer["site"]["totalSize"].take();
    assert_eq!(
        answer,
        json!({ "ok": true, "site": {
            "id": null, "name": "handbook", "fqdn": "handbook.lab.example.org", "type": "managed",
            "spaMode": true, "autheliaProtected": false, "allowedUsers": [], "dnsVerified": true,
            "certIssued": true, "rootPath": null, "createdAt": "2027-02-02T08:00:00.000Z",
            "totalSize": null,
        } })
    );
    let root = PathBuf::from(root.as_str().expect("a folder"));
    assert!(root.ends_with(format!("sites/{}", id.as_str().expect("an id"))));
    let page = std::fs::read(root.join("index.html")).expect("a first page");
    assert_eq!(size, json!(page.len()));
    let list = app.send(&app.admin(), Ask::get(PATH)).await.json();
    assert_eq!(list["sites"][0]["id"], id);
}

#[tokio::test]
async fn a_site_with_a_name_of_the_owners_waits_for_its_proof() {
    let app = TestApp::completed().await;
    let body = json!({ "name": "shop", "type": "custom", "customDomain": "WWW.Bücher.Example." });
    let answer = app.send(&app.admin(), Ask::post(PATH, &body)).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let answer = answer.json();
    let site = &answer["site"];
    assert_eq!(site["fqdn"], "www.xn--bcher-kva.example");
    assert_eq!(
        (&site["dnsVerified"], &site["certIssued"]),
        (&json!(false), &json!(false))
    );
    let message = answer["message"].as_str().expect("what to do");
    assert!(
        message.contains("A record www.xn--bcher-kva.example → 192.0.2.10"),
        "{message}"
    );
}

#[tokio::test]
async fn names_that_are_wrong_kept_or_taken_are_400() {
    let app = TestApp::completed().await;
    let taken = json!({ "subdomain": "wiki", "port": 8400 });
    app.send(&app.admin(), Ask::post("/api/tunnels", &taken))
        .await;
    create(&app, "blog").await;
    let durable = app.durable();
    let long = "a".repeat(64);
    let custom = |domain: &str| json!({ "name": "x", "type": "custom", "customDomain": domain });
    for (body, word) in [
        (json!({ "type": "managed" }), "Validation failed"),
        (
            json!({ "name": "Blog", "type": "managed" }),
            "Validation failed",
        ),
        (
            json!({ "name": "x.y", "type": "managed" }),
            "Validation failed",
        ),
        (
            json!({ "name": long, "type": "managed" }),
            "Validation failed",
        ),
        (json!({ "name": "x", "type": "other" }), "Validation failed"),
        (json!({ "name": "x", "type": "custom" }), "customDomain"),
        (custom("192.0.2.9"), "Validation failed"),
        (custom("no-dots"), "Validation failed"),
        (
            json!({ "name": "blog", "type": "managed" }),
            "in use by another site",
        ),
        (
            json!({ "name": "blog", "type": "custom", "customDomain": "b.example.net" }),
            "another site",
        ),
        (json!({ "name": "panel", "type": "managed" }), "reserved"),
        (
            json!({ "name": "agent-attic", "type": "managed" }),
            "agent-",
        ),
        (json!({ "name": "wiki", "type": "managed" }), "by a tunnel"),
        (custom("panel.lab.example.org"), "reserved"),
        (custom("AUTH.lab.example.org."), "reserved"),
        (custom("agent-x.lab.example.org"), "agent-"),
        (custom("blog.lab.example.org"), "by a site"),
        (custom("wiki.lab.example.org."), "by a tunnel"),
    ] {
        let (status, error) = app
            .send(&app.admin(), Ask::post(PATH, &body))
            .await
            .refusal();
        assert_eq!(status, 400, "{body}");
        assert!(error.contains(word), "{body}: {error}");
    }
    assert_eq!(app.durable(), durable);
    // And the other way round.
    let tunnel = json!({ "subdomain": "blog", "port": 8401 });
    let (status, error) = app
        .send(&app.admin(), Ask::post("/api/tunnels", &tunnel))
        .await
        .refusal();
    assert_eq!(status, 400);
    assert!(error.contains("by a site"), "{error}");
}

#[tokio::test]
async fn a_tunnel_may_not_take_the_name_of_a_site_that_waits() {
    let app = TestApp::completed().await;
    let site = json!({ "name": "x", "type": "custom", "customDomain": "late.lab.example.org" });
    let made = app.send(&app.admin(), Ask::post(PATH, &site)).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let tunnel = json!({ "subdomain": "late", "port": 8400 });
    let refused = app
        .send(&app.admin(), Ask::post("/api/tunnels", &tunnel))
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_site_is_changed_and_says_when_nothing_changed() {
    let app = TestApp::completed().await;
    let id = create(&app, "handbook").await;
    let path = format!("{PATH}/{id}");
    let change = json!({ "autheliaProtected": true, "allowedUsers": ["mira", "mira", "tom"] });
    let changed = app.send(&app.admin(), Ask::patch(&path, &change)).await;
    assert_eq!(changed.status, StatusCode::OK);
    let mut changed = changed.json();
    assert_eq!(changed["site"]["allowedUsers"], json!(["mira", "tom"]));
    assert!(changed.get("message").is_none());
    // Observed, not decided: a certificate that was late may come between two answers.
    changed["site"]["certIssued"].take();
    for same in [json!({}), json!({ "autheliaProtected": true })] {
        let mut again = app
            .send(&app.admin(), Ask::patch(&path, &same))
            .await
            .json();
        again["site"]["certIssued"].take();
        assert!(again["message"].is_string(), "{same}");
        assert_eq!(again["site"], changed["site"]);
    }
    let bad = json!({ "allowedUsers": [""] });
    assert_eq!(
        app.send(&app.admin(), Ask::patch(&path, &bad)).await.status,
        StatusCode::BAD_REQUEST
    );
    let unknown = format!("{PATH}/00000000-0000-0000-0000-000000000000");
    let refused = app.send(&app.admin(), Ask::patch(&unknown, &change)).await;
    assert_eq!(refused.refusal(), (404, "Site not found".into()));
}

#[tokio::test]
async fn a_deleted_site_leaves_neither_record_nor_file() {
    let app = TestApp::completed().await;
    let id = create(&app, "handbook").await;
    upload(&app, &app.admin(), &id, "a/b", &[("c.txt", b"text")]).await;
    let path = format!("{PATH}/{id}");
    let deleted = app.send(&app.admin(), Ask::delete(&path)).await;
    assert_eq!(
        (deleted.status, deleted.json()),
        (StatusCode::OK, json!({ "ok": true }))
    );
    assert_eq!(all_files(&app.sites_dir()), BTreeSet::new());
    let again = app.send(&app.admin(), Ask::delete(&path)).await;
    assert_eq!(again.refusal(), (404, "Site not found".into()));
    let files = app
        .send(&app.admin(), Ask::get(&format!("{path}/files")))
        .await;
    assert_eq!(files.refusal(), (404, "Site not found".into()));
}

#[tokio::test]
async fn an_agent_touches_the_sites_it_was_given_and_learns_of_no_other() {
    let app = TestApp::completed().await;
    let (mine, other) = (create(&app, "mine").await, create(&app, "other").await);
    let sites = ["mine", "later"];
    let writer = app
        .agent_with_sites("writer", &[TunnelsRead, SitesRead, SitesWrite], &sites)
        .await;
    let reader = app
        .agent_with_sites("reader", &[TunnelsRead, SitesRead], &sites)
        .await;
    let blind = app.agent_with_sites("blind", &[TunnelsRead], &sites).await;

    let listed = app.send(&reader, Ask::get(PATH)).await.json();
    let names: Vec<_> = listed["sites"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|site| &site["name"])
        .collect();
    assert_eq!(names, [&json!("mine")]);
    assert_eq!(app.send(&blind, Ask::get(PATH)).await.status.as_u16(), 403);

    assert_eq!(
        upload(&app, &writer, &mine, ".", &[("a.txt", b"x")])
            .await
            .status
            .as_u16(),
        200
    );
    assert_eq!(list(&app, &reader, &mine, "").await.status.as_u16(), 200);
    assert_eq!(
        delete_file(&app, &writer, &mine, "a.txt")
            .await
            .status
            .as_u16(),
        200
    );
    assert_eq!(
        upload(&app, &reader, &mine, ".", &[("a.txt", b"x")])
            .await
            .status
            .as_u16(),
        403
    );
    assert_eq!(
        delete_file(&app, &reader, &mine, "index.html")
            .await
            .status
            .as_u16(),
        403
    );

    let unknown = "00000000-0000-0000-0000-000000000000";
    let mut answers = BTreeSet::new();
    for id in [other.as_str(), unknown] {
        for answer in [
            list(&app, &writer, id, "").await,
            upload(&app, &writer, id, ".", &[("a.txt", b"x")]).await,
            delete_file(&app, &writer, id, "index.html").await,
        ] {
            answers.insert((answer.status.as_u16(), answer.text()));
        }
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers.first().map(|(status, _)| *status), Some(403));
    for ask in [
        Ask::post(PATH, &json!({ "name": "later", "type": "managed" })),
        Ask::patch(&format!("{PATH}/{mine}"), &json!({ "spaMode": true })),
        Ask::delete(&format!("{PATH}/{mine}")),
        Ask::new(http::Method::POST, &format!("{PATH}/{mine}/verify-dns")),
    ] {
        assert_eq!(app.send(&writer, ask).await.status.as_u16(), 403);
    }
    assert!(app.sites_dir().join(&other).join("index.html").is_file());
    // A site made later under a name that was given is the agent's from then on.
    let later = create(&app, "later").await;
    assert_eq!(list(&app, &reader, &later, "").await.status.as_u16(), 200);
}
