//! What of the manifest is whose.

use std::path::Path;

use super::super::PROGRAM;
use super::super::manifest::Manifest;
use super::super::steps::{ssh, swap};

/// Where units of the machine's own are.
const UNITS: &str = "/etc/systemd/system/";
const FAIL2BAN: &str = "/etc/fail2ban/";
const SETTINGS: &str = "/etc/sysctl.d/";

/// Files that were added, by the step that takes them back.
#[derive(Debug, Default)]
pub(super) struct Added {
    pub(super) units: Vec<String>,
    pub(super) fail2ban: Vec<String>,
    pub(super) settings: Vec<String>,
    pub(super) swap: Vec<String>,
    pub(super) ssh: bool,
    pub(super) program: bool,
    pub(super) others: Vec<String>,
}

impl Added {
    pub(super) fn of(manifest: &Manifest) -> Self {
        let mut added = Self::default();
        for path in &manifest.files {
            let list = match path.as_str() {
                swap::UNIT | swap::FILE => &mut added.swap,
                ssh::DROP_IN => {
                    added.ssh = true;
                    continue;
                }
                PROGRAM => {
                    added.program = true;
                    continue;
                }
                path if path.starts_with(UNITS) => &mut added.units,
                path if path.starts_with(FAIL2BAN) => &mut added.fail2ban,
                path if path.starts_with(SETTINGS) => &mut added.settings,
                _ => &mut added.others,
            };
            list.push(path.clone());
        }
        added
    }
}

/// The unit of a file, as `systemctl` takes it: of a template all its instances.
pub(super) fn unit_of(path: &str) -> Option<String> {
    let path = Path::new(path);
    if path.parent() != Some(Path::new(UNITS)) {
        return None;
    }
    let name = path.file_name()?.to_str()?;
    Some(name.replace("@.", "@*."))
}
