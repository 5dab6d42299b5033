//! What the rows of the table say about bodies, in the words of OpenAPI.

use std::collections::BTreeMap;

use portlama_api::formats::Json;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{Content, Ref, RefOr, Required, Response, ResponseBuilder, Schema};
use utoipa::{IntoParams, ToSchema};

use crate::UPLOAD_HEADER;

/// The schemas that the operations refer to, by name.
#[derive(Default)]
pub(crate) struct Schemas(BTreeMap<String, RefOr<Schema>>);

impl Schemas {
    /// A reference to the schema of `T`, which is added with all that it refers to.
    pub(crate) fn refer<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let mut inner = Vec::new();
        T::schemas(&mut inner);
        self.0.extend(inner);
        self.0.insert(T::name().into_owned(), T::schema());
        RefOr::Ref(Ref::from_schema_name(T::name()))
    }

    pub(crate) fn into_inner(self) -> BTreeMap<String, RefOr<Schema>> {
        self.0
    }
}

/// What of a request a handler reads, beside the segments of the path.
#[derive(Default)]
pub(crate) struct Taken {
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<utoipa::openapi::request_body::RequestBody>,
}

/// Something that a handler reads.
pub(crate) trait Takes {
    fn describe(taken: &mut Taken, schemas: &mut Schemas);
}

/// Something that a handler answers.
pub(crate) trait Gives {
    fn describe(schemas: &mut Schemas) -> Response;
}

/// Every type with a schema is a JSON body.
impl<T: ToSchema> Takes for T {
    fn describe(taken: &mut Taken, schemas: &mut Schemas) {
        let content = Content::new(Some(schemas.refer::<T>()));
        let body = RequestBodyBuilder::new()
            .content("application/json", content)
            .required(Some(Required::True));
        taken.body = Some(body.build());
    }
}

/// A JSON body that may be left out.
pub(crate) struct Optional<T>(std::marker::PhantomData<T>);

impl<T: ToSchema> Takes for Optional<T> {
    fn describe(taken: &mut Taken, schemas: &mut Schemas) {
        <T as Takes>::describe(taken, schemas);
        if let Some(body) = &mut taken.body {
            body.required = Some(Required::False);
        }
    }
}

impl<T: ToSchema> Gives for T {
    fn describe(schemas: &mut Schemas) -> Response {
        let content = Content::new(Some(schemas.refer::<T>()));
        ResponseBuilder::new()
            .description("Done")
            .content("application/json", content)
            .build()
    }
}

/// Members of the query.
pub(crate) struct Query<T>(std::marker::PhantomData<T>);

impl<T: IntoParams> Takes for Query<T> {
    fn describe(taken: &mut Taken, _: &mut Schemas) {
        let parameters = T::into_params(|| Some(ParameterIn::Query));
        taken.parameters.extend(parameters);
    }
}

/// Files in a `multipart/form-data` body.
pub(crate) struct Multipart;

impl Takes for Multipart {
    fn describe(taken: &mut Taken, _: &mut Schemas) {
        let files = ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(octets()));
        let body = RequestBodyBuilder::new()
            .content("multipart/form-data", Content::new(Some(files)))
            .required(Some(Required::True));
        taken.body = Some(body.build());
        let one = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(["1"]));
        let header = ParameterBuilder::new()
            .name(UPLOAD_HEADER)
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some("Says that the caller means to upload."))
            .schema(Some(one));
        taken.parameters.push(header.build());
    }
}

/// A PKCS#12 file.
pub(crate) struct P12File;

impl Gives for P12File {
    fn describe(_: &mut Schemas) -> Response {
        file("A PKCS#12 file", "application/x-pkcs12")
    }
}

/// A launchd job: the file, or with instructions in JSON.
pub(crate) struct PlistFile;

impl Gives for PlistFile {
    fn describe(schemas: &mut Schemas) -> Response {
        let json = Content::new(Some(schemas.refer::<portlama_api::MacPlist>()));
        ResponseBuilder::new()
            .description("A launchd job")
            .content("application/x-plist", Content::new(Some(octets())))
            .content("application/json", json)
            .build()
    }
}

/// A WebSocket on which the server alone speaks; the description of its frames is `T`.
pub(crate) struct Websocket<T>(std::marker::PhantomData<T>);

impl<T: ToSchema> Gives for Websocket<T> {
    fn describe(schemas: &mut Schemas) -> Response {
        schemas.refer::<T>();
        let frames = format!("A WebSocket with text frames of `{}`", T::name());
        ResponseBuilder::new().description(frames).build()
    }
}

/// The OpenAPI document itself, in outline; the whole schema is the OpenAPI Initiative's.
#[derive(ToSchema)]
#[allow(dead_code, reason = "described, never made")]
pub(crate) struct OpenApiDocument {
    /// The version of OpenAPI.
    #[schema(pattern = r"^3\.1\.\d+$")]
    openapi: String,
    /// What it is about.
    info: BTreeMap<String, Json>,
    /// The operations, by path and method.
    paths: BTreeMap<String, Json>,
    /// What the operations refer to.
    components: BTreeMap<String, Json>,
    /// How callers show who they are, where an operation does not say otherwise.
    security: Vec<BTreeMap<String, Vec<String>>>,
}

pub(crate) fn file(description: &str, content_type: &str) -> Response {
    ResponseBuilder::new()
        .description(description)
        .content(content_type, Content::new(Some(octets())))
        .build()
}

fn octets() -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
        .into()
}
