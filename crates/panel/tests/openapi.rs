//! The OpenAPI document says what the table of routes says.

mod support;

use std::path::PathBuf;

use portlama_panel::{ROUTES, openapi_json};
use serde_json::Value;
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

/// Changes of the API are seen where they are reviewed.
#[test]
fn the_reviewed_document_is_the_one_that_is_served() {
    const RENEW: &str = "PORTLAMA_WRITE_OPENAPI=1 cargo test -p portlama-panel --test openapi";
    let served = openapi_json() + "\n";
    let file = reviewed();
    if std::env::var_os("PORTLAMA_WRITE_OPENAPI").is_some() {
        std::fs::write(&file, &served).expect("written");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = kept.lines().zip(served.lines()).find(|(a, b)| a != b);
    assert!(
        kept == served,
        "crates/panel/openapi.json is stale, first at {differs:?}; renew and review it:\n{RENEW}"
    );
}

/// In the checkout that the test runs for, which need not be the one it was compiled in.
fn reviewed() -> PathBuf {
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").expect("run by cargo");
    PathBuf::from(folder).join("openapi.json")
}

#[test]
fn nothing_in_the_document_is_without_a_type() {
    let document: Value = serde_json::from_str(&openapi_json()).expect("JSON");
    let mut untyped = vec![];
    let schemas = document["components"]["schemas"].as_object();
    for (name, schema) in schemas.expect("schemas") {
        inspect(schema, name, &mut untyped);
    }
    visit(&document["paths"], "paths", &mut untyped);
    assert_eq!(untyped, Vec::<String>::new());
}

/// Finds the schemas of parameters and contents.
fn visit(value: &Value, at: &str, untyped: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let at = format!("{at}/{name}");
                match name.as_str() {
                    "schema" => inspect(member, &at, untyped),
                    "content" => {
                        for (kind, content) in member.as_object().into_iter().flatten() {
                            if content["schema"].is_null() {
                                untyped.push(format!("{at}/{kind}"));
                            }
                        }
                        visit(member, &at, untyped);
                    }
                    _ => visit(member, &at, untyped),
                }
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                visit(item, &format!("{at}/{i}"), untyped);
            }
        }
        _ => {}
    }
}

/// Notes every schema below `schema` that allows anything, or an object of anything.
fn inspect(schema: &Value, at: &str, untyped: &mut Vec<String>) {
    for choice in ["oneOf", "anyOf", "allOf"] {
        for (i, one) in schema[choice].as_array().into_iter().flatten().enumerate() {
            inspect(one, &format!("{at}/{choice}/{i}"), untyped);
        }
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        inspect(member, &format!("{at}/{name}"), untyped);
    }
    for inner in ["items", "additionalProperties"] {
        if schema[inner].is_object() {
            inspect(&schema[inner], &format!("{at}/{inner}"), untyped);
        }
    }
    let is = |kind: &str| {
        let kinds = &schema["type"];
        kinds == kind
            || kinds
                .as_array()
                .is_some_and(|all| all.iter().any(|one| one == kind))
    };
    let said = ["$ref", "oneOf", "anyOf", "allOf", "enum", "const", "type"];
    let said = said.iter().any(|word| !schema[*word].is_null());
    let object = !schema["properties"].is_null() || schema["additionalProperties"].is_object();
    let empty = !schema["properties"].is_null() && schema["properties"] == serde_json::json!({});
    let list = schema["items"].is_object();
    if !said || (is("object") && (!object || empty)) || (is("array") && !list) {
        untyped.push(at.to_owned());
    }
}

#[test]
fn what_stands_in_a_path_has_a_form() {
    let document: Value = serde_json::from_str(&openapi_json()).expect("JSON");
    for route in ROUTES {
        let method = route.method().as_str().to_ascii_lowercase();
        let operation = &document["paths"][route.path()][method];
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        for parameter in parameters.filter(|parameter| parameter["in"] == "path") {
            let schema = &parameter["schema"];
            let has_form = ["$ref", "pattern", "format", "enum"];
            let has_form = has_form.iter().any(|word| !schema[*word].is_null());
            assert!(has_form, "{route:?} {parameter}");
        }
    }
}

#[test]
fn a_websocket_says_how_it_opens_and_how_it_does_not() {
    let document: Value = serde_json::from_str(&openapi_json()).expect("JSON");
    let logs = &document["paths"]["/api/services/{name}/logs"]["get"]["responses"];
    assert!(logs["101"].is_object() && logs["426"].is_object(), "{logs}");
    assert!(logs["200"].is_null());
}
