//! The OpenAPI 3.1 document, made from the table of routes.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use http::Method;
use portlama_access::{When, Who};
use portlama_api::{ErrorBody, ServiceAction, formats};
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem,
};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::{SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, InfoBuilder, OpenApi, OpenApiBuilder, Paths, RefOr, Required,
    Response, ResponseBuilder, Schema,
};

use crate::describe::{Schemas, Taken};
use crate::{ROUTES, Route};

/// The document, made once.
pub(crate) static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(document);

/// The OpenAPI document as indented JSON, as `GET /api/openapi.json` gives it in one line.
///
/// # Panics
/// Never: a document of texts and numbers can be written.
#[must_use]
pub fn openapi_json() -> String {
    let text = serde_json::to_string_pretty(&*DOCUMENT);
    text.expect("a document of texts and numbers can be written")
}

fn document() -> OpenApi {
    let mut schemas = Schemas::default();
    let mut paths = Paths::new();
    for route in ROUTES {
        let operation = operation(route, &mut schemas);
        let method = method(route.method());
        let item = paths.paths.entry(route.path().to_owned()).or_default();
        item.merge_operations(PathItem::new(method, operation));
    }
    let components = schemas
        .into_inner()
        .into_iter()
        .fold(ComponentsBuilder::new(), |components, (name, schema)| {
            components.schema(name, schema)
        });
    let info = InfoBuilder::new()
        .title("Portlama panel API")
        .version(env!("CARGO_PKG_VERSION"));
    let components = components.security_scheme(CERTIFICATE, certificate());
    OpenApiBuilder::new()
        .info(info.build())
        .paths(paths)
        .components(Some(components.build()))
        .security(Some([SecurityRequirement::new(CERTIFICATE, NO_SCOPES)]))
        .build()
}

/// The name of the one way to show who one is.
const CERTIFICATE: &str = "certificate";
const NO_SCOPES: [&str; 0] = [];

fn certificate() -> SecurityScheme {
    let description = "The admin's or an agent's certificate, in the TLS handshake. An admin who \
        has turned on the second factor also sends the cookie `__Host-portlama_2fa`.";
    SecurityScheme::MutualTls {
        description: Some(description.to_owned()),
        deprecated: None,
        extensions: None,
    }
}

fn operation(route: &Route, schemas: &mut Schemas) -> Operation {
    let mut taken = Taken::default();
    (route.about().takes)(&mut taken, schemas);
    let has_body = taken.body.is_some();
    let parameters: Vec<Parameter> = segments(route.path())
        .map(|name| segment(name, schemas))
        .chain(taken.parameters)
        .collect();
    let mut operation = OperationBuilder::new()
        .operation_id(Some(route.about().id.replace("::", "_")))
        .tag(route.about().id.split("::").next().unwrap_or_default())
        .summary(Some(route.about().summary.trim()))
        .description(Some(rule_in_words(route)))
        .parameters(Some(parameters))
        .request_body(taken.body);
    if route.rule().who == Who::Public {
        operation = operation.security(SecurityRequirement::default());
    }
    let (status, gives) = route.about().gives;
    operation = operation.response(status.to_string(), gives(schemas));
    for status in refusals(route, has_body) {
        let mut refusal = refusal(status, schemas);
        // The page for browsers without a good certificate.
        if matches!(status, 400 | 403) && route.rule().who != Who::Public {
            let page = ObjectBuilder::new()
                .schema_type(Type::String)
                .pattern(Some("^<!DOCTYPE"));
            let page = Content::new(Some(page));
            refusal
                .content
                .insert("text/html".to_owned(), RefOr::T(page));
        }
        operation = operation.response(status.to_string(), refusal);
    }
    operation.build()
}

/// Statuses that the way to the handler answers, those of the row, and those of any change.
fn refusals(route: &Route, has_body: bool) -> BTreeSet<u16> {
    let mut statuses: BTreeSet<u16> = route.about().refuses.iter().copied().collect();
    let rule = route.rule();
    // The rate limit, another website, and a request that the edge or the way through it finds
    // wrong.
    statuses.extend([400, 403, 429, 500]);
    if !matches!(rule.who, Who::Public | Who::AdminByCertificate) {
        // The admin without the second factor, which is asked before the role.
        statuses.insert(401);
    }
    match rule.when {
        When::Always => {}
        When::Onboarding => drop(statuses.insert(410)),
        When::Management => drop(statuses.insert(503)),
    }
    if has_body {
        statuses.extend([408, 413, 415]);
    }
    if *route.method() != Method::GET {
        // A full disk.
        statuses.insert(507);
    }
    statuses
}

fn refusal(status: u16, schemas: &mut Schemas) -> Response {
    let reason = http::StatusCode::from_u16(status).ok();
    let reason = reason.and_then(|status| status.canonical_reason());
    ResponseBuilder::new()
        .description(reason.unwrap_or("Refused"))
        .content(
            "application/json",
            Content::new(Some(schemas.refer::<ErrorBody>())),
        )
        .build()
}

fn rule_in_words(route: &Route) -> String {
    let who = match route.rule().who {
        Who::Public => "Needs no certificate.".to_owned(),
        Who::AnyIdentity => "Any live certificate.".to_owned(),
        Who::Admin => "The admin.".to_owned(),
        Who::AdminByCertificate => "The admin, also without a two-factor session.".to_owned(),
        Who::Capability(capability) => {
            format!("The admin, or an agent with `{}`.", capability.as_str())
        }
        Who::AgentItself => "An agent, about itself.".to_owned(),
    };
    let when = match route.rule().when {
        When::Always => "",
        When::Onboarding => " Until the first set-up is complete.",
        When::Management => " Once the first set-up is complete.",
    };
    who + when
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

fn segment(name: &str, schemas: &mut Schemas) -> Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let schema: RefOr<Schema> = match name {
        "id" => text
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
            .into(),
        "label" => schemas.refer::<formats::PathLabel>(),
        "username" => schemas.refer::<formats::Username>(),
        "token" => schemas.refer::<formats::Token64>(),
        "domain" => schemas.refer::<formats::Hostname>(),
        "action" => schemas.refer::<ServiceAction>(),
        "name" => text
            .description(Some("A service, as `GET /api/services` names it."))
            .pattern(Some("^[a-z][a-z-]{0,31}$"))
            .examples(["edge"])
            .into(),
        _ => text.into(),
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(schema))
        .build()
}

fn method(method: &Method) -> HttpMethod {
    match *method {
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}
