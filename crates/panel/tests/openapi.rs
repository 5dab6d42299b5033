//! The OpenAPI document says what the table of routes says.

mod support;

use portlama_panel::ROUTES;
use support::{Ask, TestApp};

#[tokio::test]
async fn the_document_has_every_route_and_is_of_version_3_1() {
    let app = TestApp::fresh().await;
    let answer = app.send(&app.admin(), Ask::get("/api/openapi.json")).await;
    let document = answer.json();
    let version = document["openapi"].as_str().expect("a version");
    assert!(version.starts_with("3.1."), "{version}");
    for route in ROUTES {
        let method = route.method().as_str().to_ascii_lowercase();
        let operation = &document["paths"][route.path()][method];
        assert!(operation["responses"].is_object(), "{route:?}");
        assert!(operation["summary"].is_string(), "{route:?}");
    }
}

#[tokio::test]
async fn every_reference_of_the_document_leads_somewhere() {
    let app = TestApp::fresh().await;
    let answer = app.send(&app.admin(), Ask::get("/api/openapi.json")).await;
    let document = answer.json();
    let text = answer.text();
    for reference in text.split("\"#/").skip(1) {
        let pointer = reference.split('"').next().expect("a pointer");
        let found = document.pointer(&format!("/{pointer}"));
        assert!(found.is_some(), "{pointer}");
    }
}
