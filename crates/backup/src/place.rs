//! The paths that may be in a backup: those that a state directory may hold, and no others.

use portlama_model::{MAX_SITE_FILE_BYTES, SitePath};
use portlama_state::{DATABASE, Document, FilePath, MAX_FILE_BYTES, TUNNEL_LOG};
use uuid::Uuid;

/// The longest path in a backup, octets: `sites/`, an id, and the longest path in a site.
pub const MAX_PLACE_BYTES: usize = 6 + 37 + 500;

/// The largest database that is taken over, octets: twenty times what a full audit needs.
pub const MAX_DATABASE_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// The folder of the files of static sites.
const SITES: &str = "sites";

/// A file of a state directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    path: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Document,
    Database,
    Key,
    Site,
}

impl Place {
    /// The place with this path; `None` when a backup holds nothing there.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        if path.len() > MAX_PLACE_BYTES {
            return None;
        }
        let is_document =
            path == TUNNEL_LOG || Document::ALL.iter().any(|document| document.path() == path);
        let kind = if is_document {
            Kind::Document
        } else if path == DATABASE {
            Kind::Database
        } else if let Some(inner) = path.strip_prefix("sites/") {
            let (site, file) = inner.split_once('/')?;
            let (id, inside) = (site.parse::<Uuid>().ok()?, file.parse::<SitePath>().ok()?);
            // One way to write each path.
            if id.to_string() != site || inside.to_string() != file || inside.is_root() {
                return None;
            }
            Kind::Site
        } else if FilePath::new(path).is_ok() {
            Kind::Key
        } else {
            return None;
        };
        Some(Self {
            path: path.to_owned(),
            kind,
        })
    }

    /// The path, relative to the state directory.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.path
    }

    /// The largest file that may be there, octets.
    #[must_use]
    pub fn max_bytes(&self) -> u64 {
        match self.kind {
            Kind::Document | Kind::Key => MAX_FILE_BYTES as u64,
            Kind::Database => MAX_DATABASE_BYTES,
            Kind::Site => MAX_SITE_FILE_BYTES,
        }
    }

    /// The permissions it gets: certificates may be read, everything else is the server's.
    #[must_use]
    pub fn mode(&self) -> u32 {
        match self.kind {
            Kind::Key => FilePath::new(self.path.as_str()).map_or(0o600, |path| path.mode()),
            Kind::Document | Kind::Database | Kind::Site => 0o600,
        }
    }

    /// Whether it comes before the other: files are in the order in which folders list them.
    pub(crate) fn is_before(&self, other: &Self) -> bool {
        self.path.split('/').lt(other.path.split('/'))
    }

    /// Whether something below this folder may be in a backup.
    pub(crate) fn may_lie_below(folder: &str) -> bool {
        let top = folder.split('/').next().unwrap_or_default();
        [SITES, "pki", "certificates"].contains(&top)
            // What is being uploaded, and what goes away.
            && !folder.starts_with("sites/.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: &str = "sites/5b1f3a52-3f0e-4a53-9a0a-1d4c1f0c7b11";

    #[test]
    fn a_backup_holds_files_of_a_state_and_nothing_else() {
        for good in [
            "panel.json",
            "format.json",
            "runtime.db",
            "tunnels.log",
            "pki/ca.key",
            "pki/.p12-password",
            "pki/agents/registry.json",
            "pki/agents/attic/client.p12",
            "certificates/app.lab.test/privkey.pem",
            &format!("{SITE}/index.html"),
            &format!("{SITE}/a/b c/ä.css"),
        ] {
            assert!(Place::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "/etc/passwd",
            "../panel.json",
            "pki/../../etc/passwd",
            "lock",
            "intent.json",
            "panel.json.tmp",
            "runtime.db-wal",
            "control.sock",
            "backup.json",
            "SHA256SUMS",
            "./panel.json",
            "pki//ca.key",
            "sites/index.html",
            "sites/.staging/x",
            SITE,
            &format!("{SITE}/"),
            &format!("{SITE}/."),
            &format!("{SITE}/./index.html"),
            &format!("{SITE}/../x/index.html"),
            &format!("{SITE}/.htaccess"),
            &format!("{}/index.html", SITE.to_uppercase()),
            &format!("{SITE}/{}", "a/".repeat(300)),
        ] {
            assert!(Place::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn files_come_in_the_order_in_which_folders_list_them() {
        let place = |path: &str| Place::parse(&format!("{SITE}/{path}")).expect("a place");
        let order = ["a/z.css", "a.css", "a0.css"];
        for pair in order.windows(2) {
            assert!(place(pair[0]).is_before(&place(pair[1])), "{pair:?}");
            assert!(!place(pair[1]).is_before(&place(pair[0])), "{pair:?}");
        }
        assert!(!place("a.css").is_before(&place("a.css")));
    }
}
