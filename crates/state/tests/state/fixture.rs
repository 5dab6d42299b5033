//! States and directories for the tests.

use portlama_model::{PanelConfig, Registry, Revocations, State, Users};
use portlama_state::{FilePath, StateDir, Store};
use serde_json::json;
use tempfile::TempDir;

/// A state in which every document has content and a member nobody knows.
pub(crate) fn state() -> State {
    State {
        panel: panel("198.51.100.23"),
        tunnels: serde_json::from_value(json!([{
            "id": "0c7f3f6e-2d0b-4a3e-8a55-6b5b6a0e9f01", "subdomain": "wiki",
            "fqdn": "wiki.lab.example.org", "port": 8400, "description": null, "type": "app",
            "accessMode": "authenticated", "enabled": true,
            "createdAt": "2027-02-03T08:15:00.000Z", "pluginName": "kept"
        }]))
        .expect("tunnels"),
        users: users("$2b$12$0123456789012345678901uABCDEFGHIJKLMNOPQRSTUVWXYZabcde"),
        registry: registry(),
        revoked: serde_json::from_value::<Revocations>(json!({
            "revoked": [{ "serial": "4D1F09A2C4", "label": "agent:old", "revokedAt": "2027-06-01T12:00:00.000Z" }],
            "note": "kept"
        }))
        .expect("revocations"),
        sites: serde_json::from_value(json!([{
            "id": "7a3c0b54-90fb-4f6c-8a37-2f1f5b8d6c03", "name": "handbook",
            "fqdn": "handbook.lab.example.org", "type": "managed", "spaMode": false,
            "autheliaProtected": true, "allowedUsers": ["mira"], "dnsVerified": true,
            "certIssued": true, "rootPath": "/var/www/portlama/7a3c0b54-90fb-4f6c-8a37-2f1f5b8d6c03",
            "createdAt": "2027-02-04T10:00:00.000Z", "totalSize": 18234, "theme": "kept"
        }]))
        .expect("sites"),
        invitations: serde_json::from_value(json!([{
            "id": "f2b9a7c1-5a0e-4a8d-b0c4-7f6c1f0e1d04", "tokenHash": "3f".repeat(32),
            "username": "mira", "email": "mira@example.net", "groups": [],
            "createdAt": "2027-02-05T09:00:00.000Z", "expiresAt": "2027-02-12T09:00:00.000Z",
            "used": false, "acceptedAt": null, "by": "kept"
        }]))
        .expect("invitations"),
    }
}

pub(crate) fn panel(ip: &str) -> PanelConfig {
    serde_json::from_value(json!({
        "ip": ip, "domain": "lab.example.org", "email": "ops@lab.example.org",
        "dataDir": "/etc/portlama", "serverId": "5b1f3a52-3f0e-4a53-9a0a-1d4c1f0c7b11",
        "sessionSecret": "0e12345678901234567890123456789012345678901234567890123456789012",
        "onboarding": { "status": "COMPLETED", "since": 3 },
        "staticDir": "/opt/portlama/panel-client/dist"
    }))
    .expect("panel")
}

pub(crate) fn users(password: &str) -> Users {
    serde_json::from_value(json!({
        "users": { "mira": {
            "displayname": "Mira", "email": "mira@example.net", "password": password,
            "groups": ["admins", "yes"], "phone": "0x1F"
        } },
        "version": 2
    }))
    .expect("users")
}

pub(crate) fn registry() -> Registry {
    serde_json::from_value(json!({ "agents": [{
        "label": "attic-nas", "serial": "4D1F09A2C3", "capabilities": ["tunnels:read", "sites:write"],
        "allowedSites": ["handbook"], "enrollmentMethod": "hardware-bound",
        "createdAt": "2027-02-03T08:00:00.000Z", "expiresAt": "2029-02-02T08:00:00.000Z",
        "revoked": false, "delegatedBy": "kept"
    }] }))
    .expect("registry")
}

pub(crate) fn files() -> Vec<(FilePath, Vec<u8>)> {
    vec![
        (FilePath::CA_KEY, b"key".to_vec()),
        (FilePath::CA_CERT, b"certificate".to_vec()),
        (FilePath::CLIENT_P12, vec![0, 159, 146, 150]),
        (FilePath::P12_PASSWORD, b"password".to_vec()),
    ]
}

/// A directory that was initialised with [`state`] and [`files`].
pub(crate) fn initialised() -> (TempDir, StateDir) {
    let temp = TempDir::new().expect("temporary directory");
    let dir = StateDir::new(temp.path().join("state"));
    Store::initialise(&dir, &state(), &files()).expect("initialise");
    (temp, dir)
}

/// The documents as the files would hold them, for comparing.
pub(crate) fn values(state: &State) -> serde_json::Value {
    json!({
        "panel": state.panel, "tunnels": state.tunnels, "users": state.users,
        "registry": state.registry, "revoked": state.revoked,
        "sites": state.sites, "invitations": state.invitations,
    })
}
