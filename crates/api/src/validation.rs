//! Reading a request's body: every field against its type, nothing coerced, all issues reported.

use portlama_model::{
    AccessMode, AgentLabel, Capability, DisplayName, Email, Group, HostHeader, OriginScheme,
    ParseError, ReleaseVersion, Secret, SiteName, SitePath, SiteType, Subdomain, TunnelPort,
    TunnelType, Username,
};
use serde_json::{Map, Value};

use crate::{Issue, PathSegment};

/// The most items of a list in a request. No list of the API has a use for more, and each item
/// may cause an issue in the answer.
pub const MAX_LIST_ITEMS: usize = 1000;

/// A request type that is read from a JSON body.
pub trait FromBody: Sized {
    /// Reads the fields; called once per body by [`FromBody::from_body`].
    fn read(fields: &mut Fields<'_>) -> Option<Self>;

    /// Reads a body.
    ///
    /// # Errors
    /// Everything that is wrong with it, at least one issue.
    fn from_body(body: &Value) -> Result<Self, Vec<Issue>> {
        let Value::Object(object) = body else {
            return Err(vec![Issue {
                path: vec![],
                message: "must be a JSON object".to_owned(),
            }]);
        };
        let mut fields = Fields {
            object,
            issues: vec![],
        };
        match Self::read(&mut fields) {
            Some(request) if fields.issues.is_empty() => Ok(request),
            _ => Err(fields.issues),
        }
    }
}

/// The members of a body, and what was found wrong with them so far.
pub struct Fields<'a> {
    object: &'a Map<String, Value>,
    issues: Vec<Issue>,
}

impl Fields<'_> {
    /// A field that must be there. `None` after an issue was noted.
    pub fn required<T: Field>(&mut self, name: &'static str) -> Option<T> {
        if !self.object.contains_key(name) {
            self.issue(name, "is required");
        }
        self.optional(name)
    }

    /// A field that may be absent. `None` when it is, or after an issue was noted.
    pub fn optional<T: Field>(&mut self, name: &'static str) -> Option<T> {
        match T::read(self.object.get(name)?) {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.issues.extend(wrong.into_iter().map(|issue| Issue {
                    path: [vec![PathSegment::Member(name.to_owned())], issue.path].concat(),
                    message: issue.message,
                }));
                None
            }
        }
    }

    /// Whether the body has a member of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    /// Whether a member is there and `null`.
    #[must_use]
    pub fn is_null(&self, name: &str) -> bool {
        self.object.get(name).is_some_and(Value::is_null)
    }

    /// Notes that something is wrong with a field.
    pub fn issue(&mut self, name: &str, message: impl Into<String>) {
        self.issues.push(Issue::of(name, message));
    }

    /// Notes an issue of the whole body unless it has one of these members.
    pub fn require_one_of(&mut self, names: &[&str]) {
        if !names.iter().any(|name| self.has(name)) {
            self.issues.push(Issue {
                path: vec![],
                message: format!("must have at least one of {}", names.join(", ")),
            });
        }
    }
}

/// A value that stands in a field.
pub trait Field: Sized {
    /// Reads the value without coercion.
    ///
    /// # Errors
    /// What is wrong, with paths from this value on.
    fn read(value: &Value) -> Result<Self, Vec<Issue>>;
}

fn wrong<T>(message: impl Into<String>) -> Result<T, Vec<Issue>> {
    Err(vec![Issue {
        path: vec![],
        message: message.into(),
    }])
}

impl Field for bool {
    fn read(value: &Value) -> Result<Self, Vec<Issue>> {
        value
            .as_bool()
            .map_or_else(|| wrong("must be true or false"), Ok)
    }
}

impl Field for u64 {
    fn read(value: &Value) -> Result<Self, Vec<Issue>> {
        value
            .as_u64()
            .map_or_else(|| wrong("must be a whole number of at least 0"), Ok)
    }
}

impl Field for String {
    fn read(value: &Value) -> Result<Self, Vec<Issue>> {
        match value.as_str() {
            Some(text) => Ok(text.to_owned()),
            None => wrong("must be a string"),
        }
    }
}

impl Field for Secret {
    fn read(value: &Value) -> Result<Self, Vec<Issue>> {
        String::read(value).map(Secret::new)
    }
}

impl Field for TunnelPort {
    fn read(value: &Value) -> Result<Self, Vec<Issue>> {
        let Some(number) = value.as_u64() else {
            return wrong("must be a whole number from 1024 to 65535");
        };
        u16::try_from(number)
            .ok()
            .and_then(|port| Self::try_from(port).ok())
            .map_or_else(|| wrong("must be a port from 1024 to 65535"), Ok)
    }
}

impl<T: Field> Field for Vec<T> {
    fn read(value: &Value) -> Result<Self, Vec<Issue>> {
        let Some(items) = value.as_array() else {
            return wrong("must be a list");
        };
        if items.len() > MAX_LIST_ITEMS {
            return wrong(format!("must have at most {MAX_LIST_ITEMS} items"));
        }
        let mut read = Self::with_capacity(items.len());
        let mut issues = vec![];
        for (i, item) in items.iter().enumerate() {
            match T::read(item) {
                Ok(item) => read.push(item),
                Err(wrong) => issues.extend(wrong.into_iter().map(|issue| Issue {
                    path: [vec![PathSegment::Index(i)], issue.path].concat(),
                    message: issue.message,
                })),
            }
        }
        if issues.is_empty() {
            Ok(read)
        } else {
            Err(issues)
        }
    }
}

/// Texts that parse into a checked name.
macro_rules! name_fields {
    ($($name:ty),* $(,)?) => {
        $(impl Field for $name {
            fn read(value: &Value) -> Result<Self, Vec<Issue>> {
                let Some(text) = value.as_str() else {
                    return wrong("must be a string");
                };
                text.parse().or_else(|error: ParseError| wrong(error.to_string()))
            }
        })*
    };
}

name_fields!(
    SiteName,
    SitePath,
    Subdomain,
    AgentLabel,
    Username,
    DisplayName,
    Email,
    Group,
    Capability,
    ReleaseVersion,
);

/// Texts that are one of a few words.
macro_rules! choice_fields {
    ($($name:ty { $($word:literal => $value:expr),* } $message:literal;)*) => {
        $(impl Field for $name {
            fn read(value: &Value) -> Result<Self, Vec<Issue>> {
                match value.as_str() {
                    $(Some($word) => Ok($value),)*
                    _ => wrong($message),
                }
            }
        })*
    };
}

choice_fields! {
    // Plugin tunnels exist in adopted states only; nobody makes one.
    TunnelType { "app" => Self::App, "panel" => Self::Panel } "must be app or panel";
    AccessMode {
        "public" => Self::Public,
        "authenticated" => Self::Authenticated,
        "restricted" => Self::Restricted
    } "must be public, authenticated or restricted";
    SiteType { "managed" => Self::Managed, "custom" => Self::Custom } "must be managed or custom";
    OriginScheme { "http" => Self::Http, "https" => Self::Https } "must be http or https";
    HostHeader { "public" => Self::Public, "local" => Self::Local } "must be public or local";
}
