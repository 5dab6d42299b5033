//! `/api/tunnels`.

use portlama_model::{
    AccessMode, AgentLabel, Description, Domain, HostHeader, Hostname, OriginScheme, Subdomain,
    Timestamp, TunnelPort, TunnelType,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Fields, FromBody, formats};

/// A tunnel: what was decided, and what is observed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tunnel {
    /// Stable id.
    pub id: Uuid,
    /// The label below the base domain.
    #[schema(value_type = formats::Subdomain)]
    pub subdomain: Subdomain,
    /// The whole host name.
    #[schema(value_type = formats::Hostname)]
    pub fqdn: Hostname,
    /// The port as the agent knows it.
    #[schema(value_type = formats::TunnelPort)]
    pub port: TunnelPort,
    /// A note; never empty.
    #[schema(value_type = Option<formats::Description>)]
    pub description: Option<String>,
    /// `app` or `panel`.
    #[serde(rename = "type")]
    #[schema(value_type = formats::TunnelType)]
    pub kind: TunnelType,
    /// Who may visit; absent on panel tunnels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<formats::AccessMode>)]
    pub access_mode: Option<AccessMode>,
    /// The agent that serves it; absent while there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<formats::AgentLabel>)]
    pub agent_label: Option<AgentLabel>,
    /// Whether it is served at all.
    pub enabled: bool,
    /// When it was made.
    #[schema(value_type = formats::Time)]
    pub created_at: Timestamp,
    /// How the agent speaks to the service.
    #[serde(default)]
    #[schema(value_type = formats::OriginScheme)]
    pub origin_scheme: OriginScheme,
    /// Which `Host` the service sees.
    #[serde(default)]
    #[schema(value_type = formats::HostHeader)]
    pub host_header: HostHeader,
    /// Whether the agent checks the certificate of an https service.
    #[serde(default = "yes")]
    pub origin_tls_verify: bool,
    /// Whether other websites may make a signed-in visitor's browser change things here.
    #[serde(default)]
    pub allow_cross_site: bool,
    /// What is observed.
    #[serde(default)]
    pub status: TunnelStatus,
    /// Since when.
    #[serde(default)]
    #[schema(value_type = Option<formats::Time>)]
    pub status_since: Option<Timestamp>,
    /// More about it, for people.
    #[serde(default)]
    pub status_detail: Option<String>,
    /// What passed since the server started.
    #[serde(default)]
    pub traffic: Traffic,
}

fn yes() -> bool {
    true
}

/// What is observed of a tunnel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TunnelStatus {
    /// Requests arrive at the service.
    Serving,
    /// The agent is not connected.
    AgentOffline,
    /// The agent is connected, the service does not answer it.
    OriginRefused,
    /// The host name has no certificate yet.
    CertificatePending,
    /// No agent is assigned.
    NoAgent,
    /// The agent's own list does not hold this port.
    NotAllowedAtHome,
    /// Switched off.
    Disabled,
    /// A status of a newer server. Never sent.
    #[default]
    #[serde(other)]
    Unknown,
}

/// What passed through a tunnel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Traffic {
    /// Octets of visitors' requests.
    pub bytes_in: u64,
    /// Octets of answers.
    pub bytes_out: u64,
    /// Requests.
    pub requests: u64,
}

/// `GET /api/tunnels`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TunnelList {
    /// Newest first.
    pub tunnels: Vec<Tunnel>,
}

/// The tunnel that was made or changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TunnelAnswer {
    /// `true`.
    pub ok: bool,
    /// As it is afterwards.
    pub tunnel: Tunnel,
}

/// `POST /api/tunnels`. Absent members take the server's defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewTunnel {
    /// The label below the base domain.
    #[schema(value_type = formats::Subdomain)]
    pub subdomain: Subdomain,
    /// The port as the agent knows it.
    #[schema(value_type = formats::TunnelPort)]
    pub port: TunnelPort,
    /// A note, as [`Description`] has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<formats::Description>, required = false)]
    pub description: Option<String>,
    /// `app` or `panel`.
    #[serde(rename = "type")]
    #[schema(value_type = formats::NewTunnelType, required = false, default = "app")]
    pub kind: TunnelType,
    /// Who may visit; `authenticated` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = formats::AccessMode, required = false, default = "authenticated")]
    pub access_mode: Option<AccessMode>,
    /// The agent that serves it. An agent's own when it asks; needed from the admin only when
    /// there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = formats::AgentLabel, required = false)]
    pub agent_label: Option<AgentLabel>,
    /// How the agent speaks to the service.
    #[schema(value_type = formats::OriginScheme, required = false, default = "http")]
    pub origin_scheme: OriginScheme,
    /// Which `Host` the service sees.
    #[schema(value_type = formats::HostHeader, required = false, default = "public")]
    pub host_header: HostHeader,
    /// Whether the agent checks the certificate of an https service.
    #[schema(value_type = bool, required = false, default = true)]
    pub origin_tls_verify: bool,
    /// Whether other websites may make a signed-in visitor's browser change things there.
    #[schema(value_type = bool, required = false, default = false)]
    pub allow_cross_site: bool,
}

impl NewTunnel {
    /// A tunnel with the defaults: a web app over plain http, for signed-in visitors.
    #[must_use]
    pub fn app(subdomain: Subdomain, port: TunnelPort) -> Self {
        Self {
            subdomain,
            port,
            description: None,
            kind: TunnelType::App,
            access_mode: None,
            agent_label: None,
            origin_scheme: OriginScheme::Http,
            host_header: HostHeader::Public,
            origin_tls_verify: true,
            allow_cross_site: false,
        }
    }
}

impl FromBody for NewTunnel {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let subdomain = fields.required("subdomain");
        let port = fields.required("port");
        let description = description(fields);
        let kind = fields.optional("type").unwrap_or_default();
        let access_mode = fields.optional("accessMode");
        let agent_label = fields.optional("agentLabel");
        let origin_scheme = fields.optional("originScheme").unwrap_or_default();
        let host_header = fields.optional("hostHeader").unwrap_or_default();
        let origin_tls_verify = fields.optional("originTlsVerify").unwrap_or(true);
        let allow_cross_site = fields.optional("allowCrossSite").unwrap_or(false);
        Some(Self {
            subdomain: subdomain?,
            port: port?,
            description: description.filter(|text| !text.is_empty()),
            kind,
            access_mode,
            agent_label,
            origin_scheme,
            host_header,
            origin_tls_verify,
            allow_cross_site,
        })
    }
}

/// `PATCH /api/tunnels/{id}`: at least one member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(min_properties = 1)]
pub struct TunnelChange {
    /// Whether it is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = bool, required = false)]
    pub enabled: Option<bool>,
    /// Who may visit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = formats::AccessMode, required = false)]
    pub access_mode: Option<AccessMode>,
    /// A note; an empty one, or `null`, removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<formats::Description>, required = false)]
    pub description: Option<String>,
    /// The agent that serves it; the admin's to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = formats::AgentLabel, required = false)]
    pub agent_label: Option<AgentLabel>,
    /// How the agent speaks to the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = formats::OriginScheme, required = false)]
    pub origin_scheme: Option<OriginScheme>,
    /// Which `Host` the service sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = formats::HostHeader, required = false)]
    pub host_header: Option<HostHeader>,
    /// Whether the agent checks the certificate of an https service.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = bool, required = false)]
    pub origin_tls_verify: Option<bool>,
    /// Whether other websites may make a signed-in visitor's browser change things there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = bool, required = false)]
    pub allow_cross_site: Option<bool>,
}

/// The members of a [`TunnelChange`].
const CHANGEABLE: [&str; 8] = [
    "enabled",
    "accessMode",
    "description",
    "agentLabel",
    "originScheme",
    "hostHeader",
    "originTlsVerify",
    "allowCrossSite",
];

impl FromBody for TunnelChange {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        fields.require_one_of(&CHANGEABLE);
        Some(Self {
            enabled: fields.optional("enabled"),
            access_mode: fields.optional("accessMode"),
            description: description(fields),
            agent_label: fields.optional("agentLabel"),
            origin_scheme: fields.optional("originScheme"),
            host_header: fields.optional("hostHeader"),
            origin_tls_verify: fields.optional("originTlsVerify"),
            allow_cross_site: fields.optional("allowCrossSite"),
        })
    }
}

/// A list shows `null` where there is no description, so `null` is taken back, too.
fn description(fields: &mut Fields<'_>) -> Option<String> {
    if fields.is_null("description") {
        return Some(String::new());
    }
    let text: String = fields.optional("description")?;
    if let Err(error) = text.parse::<Description>() {
        fields.issue("description", error.to_string());
    }
    Some(text)
}

/// `GET /api/tunnels/agent-config`: what an agent needs to serve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentConfig {
    /// The base domain.
    #[schema(value_type = formats::Domain)]
    pub domain: Domain,
    /// The address of the tunnel server as a URL, for clients that know this member.
    #[schema(example = "https://tunnel.lab.example.org:443")]
    pub chisel_server_url: String,
    /// Always empty: the native tunnel needs no command line.
    pub chisel_args: Vec<String>,
    /// Where the agent connects.
    pub tunnel_server: TunnelServer,
    /// The enabled tunnels of the agent that asks.
    pub tunnels: Vec<AgentTunnel>,
}

/// Where agents connect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TunnelServer {
    /// `tunnel.<domain>`.
    #[schema(value_type = formats::Hostname)]
    pub host: Hostname,
    /// The port.
    #[schema(example = 443)]
    pub port: u16,
}

/// A tunnel as its agent sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentTunnel {
    /// Stable id.
    pub id: Uuid,
    /// The port the server will ask for.
    #[schema(value_type = formats::TunnelPort)]
    pub port: TunnelPort,
    /// The label below the base domain.
    #[schema(value_type = formats::Subdomain)]
    pub subdomain: Subdomain,
    /// The whole host name.
    #[schema(value_type = formats::Hostname)]
    pub fqdn: Hostname,
    /// How to speak to the service.
    #[serde(default)]
    #[schema(value_type = formats::OriginScheme)]
    pub origin_scheme: OriginScheme,
    /// Which `Host` the service sees.
    #[serde(default)]
    #[schema(value_type = formats::HostHeader)]
    pub host_header: HostHeader,
    /// Whether to check the certificate of an https service.
    #[serde(default = "yes")]
    pub origin_tls_verify: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::Issue;

    fn issues(body: &Value) -> Vec<String> {
        match NewTunnel::from_body(body) {
            Ok(_) => vec![],
            Err(issues) => issues.iter().map(Issue::to_string).collect(),
        }
    }

    #[test]
    fn a_new_tunnel_reads_what_it_writes() {
        let new = NewTunnel {
            description: Some("notes".into()),
            access_mode: Some(AccessMode::Public),
            agent_label: Some("attic".parse().expect("valid")),
            origin_scheme: OriginScheme::Https,
            host_header: HostHeader::Local,
            origin_tls_verify: false,
            allow_cross_site: true,
            ..NewTunnel::app(
                "wiki".parse().expect("valid"),
                8400.try_into().expect("valid"),
            )
        };
        let body = serde_json::to_value(&new).expect("serialises");
        assert_eq!(NewTunnel::from_body(&body), Ok(new));
    }

    #[test]
    fn the_least_new_tunnel_is_a_name_and_a_port() {
        let body = json!({ "subdomain": "wiki", "port": 8400, "unknown": [1] });
        let least = NewTunnel::app(
            "wiki".parse().expect("valid"),
            8400.try_into().expect("valid"),
        );
        assert_eq!(NewTunnel::from_body(&body), Ok(least));
    }

    #[test]
    fn every_wrong_field_is_reported() {
        let body = json!({
            "subdomain": "Wiki", "port": "8400", "description": 5,
            "type": "plugin", "accessMode": "open", "enabled": "ignored"
        });
        assert_eq!(
            issues(&body),
            [
                "subdomain must be 1 to 63 characters of a-z, 0-9 and inner hyphens",
                "port must be a whole number from 1024 to 65535",
                "description must be a string",
                "type must be app or panel",
                "accessMode must be public, authenticated or restricted",
            ]
        );
    }

    #[test]
    fn ports_are_whole_numbers_in_range() {
        for port in [
            json!(80),
            json!(65536),
            json!(-1),
            json!(8080.5),
            json!(true),
            json!(null),
        ] {
            let body = json!({ "subdomain": "wiki", "port": port });
            assert_eq!(issues(&body).len(), 1, "{body}");
        }
    }

    #[test]
    fn descriptions_are_one_line_of_200_characters() {
        let with =
            |text: &str| issues(&json!({"subdomain": "a", "port": 8400, "description": text}));
        assert!(with(&"ü".repeat(200)).is_empty());
        assert_eq!(with(&"ü".repeat(201)).len(), 1);
        assert_eq!(with("a\nb").len(), 1);
    }

    #[test]
    fn a_change_needs_a_member_and_null_removes_the_description() {
        assert!(TunnelChange::from_body(&json!({})).is_err());
        assert!(TunnelChange::from_body(&json!({ "enabled": 1 })).is_err());
        let change = TunnelChange::from_body(&json!({ "description": null })).expect("valid");
        assert_eq!(change.description.as_deref(), Some(""));
    }

    #[test]
    fn a_newer_servers_status_is_unknown() {
        let status: Result<TunnelStatus, _> = serde_json::from_str("\"levitating\"");
        assert_eq!(status.ok(), Some(TunnelStatus::Unknown));
    }
}
