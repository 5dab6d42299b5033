//! `/api/sites`.

use portlama_model::{Hostname, SiteName, SitePath, SiteType, Timestamp, Username};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{Fields, FromBody, formats};

/// A static site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Site {
    /// Stable id.
    pub id: Uuid,
    /// Unique among sites; the label below the base domain of managed ones.
    #[schema(value_type = formats::SiteName)]
    pub name: SiteName,
    /// The whole host name.
    #[schema(value_type = formats::Hostname)]
    pub fqdn: Hostname,
    /// `managed` (below the base domain) or `custom`.
    #[serde(rename = "type")]
    #[schema(value_type = formats::SiteType)]
    pub kind: SiteType,
    /// Whether unknown paths answer with `index.html`.
    pub spa_mode: bool,
    /// Whether visitors must sign in.
    pub authelia_protected: bool,
    /// Who may pass a protected site; empty means everybody who is signed in.
    #[schema(value_type = Vec<formats::Username>)]
    pub allowed_users: Vec<Username>,
    /// Whether its name was seen to lead here.
    pub dns_verified: bool,
    /// Whether it has a certificate at this moment.
    pub cert_issued: bool,
    /// The folder with its files at the server.
    pub root_path: String,
    /// When it was made.
    #[schema(value_type = formats::Time)]
    pub created_at: Timestamp,
    /// Octets of its files.
    pub total_size: u64,
}

/// `GET /api/sites`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SiteList {
    /// Newest first; for an agent those it was given.
    pub sites: Vec<Site>,
}

/// The site that was made or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SiteAnswer {
    /// `true`.
    pub ok: bool,
    /// As it is afterwards.
    pub site: Site,
    /// What is left to do, or that nothing changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// `POST /api/sites`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewSite {
    /// Unique among sites; the label below the base domain of a managed one, so at most 63
    /// characters there.
    #[schema(value_type = formats::SiteName)]
    pub name: SiteName,
    /// `managed` or `custom`.
    #[serde(rename = "type")]
    #[schema(value_type = formats::SiteType)]
    pub kind: SiteType,
    /// The host name of a `custom` site: in any case, with or without a trailing dot, and with
    /// letters of any language, which are kept in their ASCII form (`xn--…`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = formats::CustomDomain, required = false)]
    pub custom_domain: Option<Hostname>,
    /// Whether unknown paths answer with `index.html`.
    #[schema(value_type = bool, required = false, default = false)]
    pub spa_mode: bool,
    /// Whether visitors must sign in.
    #[schema(value_type = bool, required = false, default = false)]
    pub authelia_protected: bool,
}

impl FromBody for NewSite {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name");
        let kind = fields.required("type");
        let custom_domain = custom_domain(fields);
        let spa_mode = fields.optional("spaMode").unwrap_or(false);
        let authelia_protected = fields.optional("autheliaProtected").unwrap_or(false);
        Some(Self {
            name: name?,
            kind: kind?,
            custom_domain,
            spa_mode,
            authelia_protected,
        })
    }
}

fn custom_domain(fields: &mut Fields<'_>) -> Option<Hostname> {
    let text: String = fields.optional("customDomain")?;
    match public_name(&text) {
        Ok(name) => Some(name),
        Err(message) => {
            fields.issue("customDomain", message);
            None
        }
    }
}

/// A host name that the world may know, in the form DNS has it (RFC 5891 for letters beyond
/// ASCII).
fn public_name(text: &str) -> Result<Hostname, String> {
    // No name is longer in Unicode than in ASCII but for what is thrown away; long ones are not
    // worth the work.
    if text.len() > MAX_TYPED_NAME_BYTES {
        return Err("must be at most 253 characters".to_owned());
    }
    let ascii = idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::STD3)
        .map_err(|_| "must be a host name".to_owned())?;
    let name = Hostname::normalise(&ascii).map_err(|error| error.to_string())?;
    let last = name.as_str().rsplit('.').next().unwrap_or_default();
    let is_word = last.len() >= 2 && last.bytes().all(|b| b.is_ascii_lowercase());
    if is_word || last.starts_with("xn--") {
        Ok(name)
    } else {
        Err("must end in a top-level domain and be no address".to_owned())
    }
}

/// The longest `customDomain` that is looked at, octets: 253 characters of up to four.
const MAX_TYPED_NAME_BYTES: usize = 4 * 253;

/// `PATCH /api/sites/{id}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SiteChange {
    /// Whether unknown paths answer with `index.html`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = bool, required = false)]
    pub spa_mode: Option<bool>,
    /// Whether visitors must sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = bool, required = false)]
    pub authelia_protected: Option<bool>,
    /// Who may pass a protected site, in place of those before; empty means everybody who is
    /// signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<formats::Username>, max_items = 1000, required = false)]
    pub allowed_users: Option<Vec<Username>>,
}

impl FromBody for SiteChange {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            spa_mode: fields.optional("spaMode"),
            authelia_protected: fields.optional("autheliaProtected"),
            allowed_users: fields.optional("allowedUsers"),
        })
    }
}

/// `POST /api/sites/{id}/verify-dns`: 200 whatever DNS says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SiteDns {
    /// Whether the name leads here.
    pub ok: bool,
    /// What was found, and what to do.
    pub message: String,
    /// The name, when it does not lead here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<formats::Hostname>)]
    pub fqdn: Option<Hostname>,
    /// The address it should lead to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<formats::IpAddress>)]
    pub expected_ip: Option<String>,
    /// The addresses it leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<formats::IpAddress>>)]
    pub resolved_ips: Option<Vec<String>>,
}

/// The query of the routes about a site's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
pub struct SiteFolder {
    /// A folder of the site; its root when absent.
    #[param(max_length = 500, example = "assets/img")]
    pub path: Option<String>,
}

/// The query of `GET /api/sites/{id}/files`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
pub struct SiteListing {
    /// A folder of the site; its root when absent.
    #[param(max_length = 500, example = "assets/img")]
    pub path: Option<String>,
    /// Whether the files' `sha256` are wanted.
    pub sha256: Option<bool>,
}

/// `GET /api/sites/{id}/files`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SiteFiles {
    /// Folders first, then by name.
    pub files: Vec<SiteFile>,
    /// The folder.
    #[schema(example = ".")]
    pub path: String,
    /// Whether the folder holds more than is listed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// A file or folder of a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SiteFile {
    /// The last part of its path.
    #[schema(example = "logo.svg")]
    pub name: String,
    /// A file or a folder.
    #[serde(rename = "type")]
    pub kind: SiteFileType,
    /// Octets; 0 for folders.
    pub size: u64,
    /// When it was last changed.
    #[schema(value_type = formats::Time)]
    pub modified_at: Timestamp,
    /// Its path from the site's root on.
    #[schema(example = "assets/img/logo.svg")]
    pub relative_path: String,
    /// The SHA-256 of a file's content, in hexadecimal digits: when the query asked for it. One that
    /// would take too long to compute is left out; it is there when the same is asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub sha256: Option<String>,
}

/// A file or a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SiteFileType {
    /// A file.
    File,
    /// A folder.
    Directory,
}

/// `POST /api/sites/{id}/files`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SiteUpload {
    /// `true`.
    pub ok: bool,
    /// The paths of the files saved, in the order they came.
    #[schema(example = json!(["assets/img/logo.svg"]))]
    pub files: Vec<String>,
    /// That the site is larger than it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// Octets of all its files, with a warning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_size: Option<u64>,
}

/// `DELETE /api/sites/{id}/files`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SiteFileDeletion {
    /// A file, or a folder with all that is in it; never the root.
    #[schema(value_type = formats::SitePath)]
    pub path: SitePath,
}

impl FromBody for SiteFileDeletion {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let path: SitePath = fields.required("path")?;
        if path.is_root() {
            fields.issue("path", "must not be the root of the site: delete the site");
        }
        Some(Self { path })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::Issue;

    fn issues<T: FromBody>(body: &Value) -> Vec<String> {
        match T::from_body(body) {
            Ok(_) => vec![],
            Err(issues) => issues.iter().map(Issue::to_string).collect(),
        }
    }

    #[test]
    fn a_new_site_reads_what_it_writes() {
        let new = NewSite {
            name: "handbook".parse().expect("valid"),
            kind: SiteType::Custom,
            custom_domain: Some("www.example.net".parse().expect("valid")),
            spa_mode: true,
            authelia_protected: true,
        };
        let body = serde_json::to_value(&new).expect("serialises");
        assert_eq!(NewSite::from_body(&body), Ok(new));
    }

    #[test]
    fn all_that_is_wrong_is_said() {
        let body = json!({ "name": "A b", "type": "other", "spaMode": "yes", "customDomain": 7 });
        assert_eq!(issues::<NewSite>(&body).len(), 4);
        assert_eq!(
            issues::<NewSite>(&json!({})),
            ["name is required", "type is required"]
        );
        assert_eq!(
            issues::<SiteChange>(&json!({ "allowedUsers": ["mira", ""] })).len(),
            1
        );
        assert_eq!(issues::<SiteChange>(&json!({})).len(), 0);
        for path in ["", ".", "./", "../x", "/etc", ".git"] {
            let body = json!({ "path": path });
            assert_eq!(issues::<SiteFileDeletion>(&body).len(), 1, "{path}");
        }
    }

    #[test]
    fn a_custom_domain_is_kept_as_dns_has_it() {
        for (typed, kept) in [
            ("WWW.Example.NET.", "www.example.net"),
            ("example.net", "example.net"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example.", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"),
        ] {
            let name = public_name(typed).map(|name| name.to_string());
            assert_eq!(name.as_deref(), Ok(kept), "{typed}");
        }
    }

    #[test]
    fn addresses_and_what_is_no_host_name_are_refused() {
        for bad in [
            "",
            ".",
            "localhost",
            "192.0.2.7",
            "192.0.2.7.",
            "1.2.3.0x7f",
            "[2001:db8::1]",
            "a..b.example",
            "-a.example",
            "a_b.example",
            "a b.example",
            "a.example/x",
            "a.example:443",
            "user@a.example",
            "xn--\u{fc}.example",
            "xn--zzzzzz99999.example",
            "a\u{202e}.example",
            "*.example.net",
            &format!("{}.example", "a".repeat(64)),
            &format!("{}example", "a.".repeat(300)),
            &"\u{fc}".repeat(2000),
        ] {
            assert!(public_name(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_typed_becomes_a_name_that_stays(text in "\\PC{0,60}") {
            if let Ok(name) = public_name(&text) {
                proptest::prop_assert_eq!(public_name(name.as_str()), Ok(name));
            }
        }
    }
}
