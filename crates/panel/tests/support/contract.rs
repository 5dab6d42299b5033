//! Every answer is one that the OpenAPI document promises.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use http::Method;
use jsonschema::Validator;
use serde_json::{Value, json};

use super::Answer;

/// The document, with every object closed: a member that it does not name is a fault of the
/// document, though clients must bear it.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let text = portlama_panel::openapi_json();
    let mut document = serde_json::from_str(&text).expect("JSON");
    close(&mut document);
    document
});

/// One validator for each schema of an answer, by the schema's text.
static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Characters of an answer that a failure shows.
const LONGEST_SHOWN: usize = 2000;

/// Panics when the answer is not one that the document declares.
pub(crate) fn check(method: &Method, path: &str, answer: &Answer) {
    let path = path.split('?').next().unwrap_or_default();
    let text: String = answer.text().chars().take(LONGEST_SHOWN).collect();
    let said = format!("{method} {path} answered {}: {text}", answer.status);
    let Some(operation) = operation(method, path) else {
        // No operation: a page, or a refusal in the shape of all.
        let is_json = answer
            .header("content-type")
            .starts_with("application/json");
        if is_json && method != Method::HEAD {
            assert!(answer.status.as_u16() >= 400, "undocumented: {said}");
            validate(
                &json!({ "$ref": "#/components/schemas/ErrorBody" }),
                answer,
                &said,
            );
        }
        return;
    };
    let declared = &operation["responses"][answer.status.as_str()];
    assert!(declared.is_object(), "undocumented status: {said}");
    let content_type = answer.header("content-type");
    let Some(contents) = declared["content"].as_object() else {
        assert!(
            answer.body.is_empty(),
            "a body where none is declared: {said}"
        );
        return;
    };
    let kind = content_type.split(';').next().unwrap_or_default();
    let content = contents.get(kind);
    let content = content.unwrap_or_else(|| panic!("undocumented type `{kind}`: {said}"));
    if kind == "application/json" && method != Method::HEAD {
        validate(&content["schema"], answer, &said);
    }
}

fn validate(schema: &Value, answer: &Answer, said: &str) {
    let instance: Value = serde_json::from_slice(&answer.body).expect(said);
    let wrong: Vec<String> = validator(schema)
        .iter_errors(&instance)
        .map(|error| format!("at `{}`: {}", error.instance_path(), error.masked()))
        .collect();
    assert!(
        wrong.is_empty(),
        "{said}\nagainst {schema}:\n{}",
        wrong.join("\n")
    );
}

fn validator(schema: &Value) -> Arc<Validator> {
    let mut validators = VALIDATORS.lock().unwrap_or_else(|held| held.into_inner());
    let made = validators.entry(schema.to_string()).or_insert_with(|| {
        let mut whole = schema.clone();
        whole["components"] = DOCUMENT["components"].clone();
        let validator = jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&whole);
        Arc::new(validator.expect("a schema"))
    });
    Arc::clone(made)
}

/// The operation of a path: fixed segments win over those that are read.
fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let wanted: Vec<&str> = path.split('/').collect();
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let (_, item) = paths
        .iter()
        .filter(|(template, _)| matches(template, &wanted))
        .min_by_key(|(template, _)| template.matches('{').count())?;
    let method = match *method {
        Method::HEAD => "get".to_owned(),
        _ => method.as_str().to_ascii_lowercase(),
    };
    item.get(method)
}

fn matches(template: &str, wanted: &[&str]) -> bool {
    let template: Vec<&str> = template.split('/').collect();
    let fits =
        |(part, text): (&&str, &&str)| part == text || (part.starts_with('{') && !text.is_empty());
    template.len() == wanted.len() && template.iter().zip(wanted).all(fits)
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(close);
            let names = members.get("properties").is_some_and(Value::is_object);
            if names && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}
