//! Taking an agent away: its own files and nothing beside them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use portlama_model::AgentLabel;

use crate::directory::AgentDir;
use crate::home::Home;
use crate::keys::{KeyStoreError, KeyStoreKind};
use portlama_files::FileError;

/// Why an agent's files are still there.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// The directory is not where agents are.
    #[error("`{}` leads to `{}`, out of the agents' directory: it is left as it is", .path.display(), .real.display())]
    Elsewhere {
        /// Where the agent should be.
        path: PathBuf,
        /// Where that leads.
        real: PathBuf,
    },
    /// The agent runs, or a file cannot be changed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The key is in the system's credential store, which does not let go of it.
    #[error("the agent's key could not be removed; nothing was: try again when it can be")]
    Key(#[from] KeyStoreError),
    /// The directory cannot be removed.
    #[error("cannot remove `{}`", .path.display())]
    Remove {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Removes the directory of an agent and forgets it. What the desktop program keeps beside the
/// agents stays; what is empty afterwards goes.
///
/// # Errors
/// When it runs, leads elsewhere, or the system refuses.
pub fn remove_agent(home: &Home, agent: &AgentDir) -> Result<(), RemoveError> {
    if lies_at_home(home, agent)? {
        let lock = agent.lock()?;
        // Keys in files go with the directory.
        if agent
            .key_store_kind()
            .is_ok_and(|kind| kind == KeyStoreKind::System)
        {
            agent.remove_keys()?;
        }
        // Through no link: the standard library opens each folder below the one before.
        let removed = fs::remove_dir_all(agent.path());
        drop(lock);
        removed.map_err(|source| RemoveError::Remove {
            path: agent.path().to_owned(),
            source,
        })?;
    }
    if home.forget(agent.label())? {
        // Each goes only when nothing is left in it.
        let _ = fs::remove_dir(home.path().join("agents"));
        let _ = fs::remove_dir(home.path());
    }
    Ok(())
}

/// Whether there is a directory, which then is where it should be: neither it nor the one above is
/// a link to elsewhere.
fn lies_at_home(home: &Home, agent: &AgentDir) -> Result<bool, RemoveError> {
    let path = agent.path();
    let failed = |source| RemoveError::Remove {
        path: path.to_owned(),
        source,
    };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        other => other.map_err(failed)?,
    };
    let real = path.canonicalize().map_err(failed)?;
    let expected = home.path().canonicalize().map_err(failed)?;
    if real == place_in(&expected, agent.label()) {
        return Ok(true);
    }
    Err(RemoveError::Elsewhere {
        path: path.to_owned(),
        real,
    })
}

fn place_in(home: &Path, label: &AgentLabel) -> PathBuf {
    home.join("agents").join(label.as_str())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use serde_json::json;

    use super::*;

    fn label(text: &str) -> AgentLabel {
        text.parse().expect("valid")
    }

    /// A home with agents of these names, and files of the desktop program.
    fn home(labels: &[&str]) -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::at(folder.path().join(".portlama"));
        home.create().expect("made");
        for name in [
            "servers.json",
            "servers/vps/client.p12",
            "desktop/settings.json",
        ] {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, "mine").expect("written");
        }
        for name in labels {
            let agent = home.agent(&label(name));
            agent.create().expect("made");
            let config = json!({
                "label": name, "panelUrl": "https://198.51.100.23:9292", "authMethod": "file",
                "agentLabel": name, "caFingerprint": "ab".repeat(32),
                "setupAt": "2027-01-01T00:00:00.000Z",
            });
            fs::write(agent.path().join("config.json"), config.to_string()).expect("written");
            fs::write(agent.path().join("client.key"), "key").expect("written");
            let config = agent.config().expect("a configuration");
            home.register(&config, true).expect("registered");
        }
        (folder, home)
    }

    fn files(below: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir(below).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                found.extend(files(&entry.path()));
            } else {
                found.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        found.sort();
        found
    }

    #[test]
    fn the_next_agent_becomes_current_and_other_programs_files_stay() {
        let (_folder, home) = home(&["attic", "shed"]);
        remove_agent(&home, &home.agent(&label("shed"))).expect("removed");
        let registry = home.registry().expect("a registry");
        assert_eq!(registry.labels(), [label("attic")]);
        assert_eq!(registry.current_label, Some(label("attic")));
        assert!(home.agent(&label("attic")).exists());
        remove_agent(&home, &home.agent(&label("attic"))).expect("removed");
        assert_eq!(
            files(home.path()),
            ["client.p12", "servers.json", "settings.json"]
        );
        // Nothing is left to remove, which is no error.
        remove_agent(&home, &home.agent(&label("attic"))).expect("nothing");
    }

    #[test]
    fn a_home_of_agents_alone_goes_with_the_last() {
        let (folder, home) = home(&["attic"]);
        for name in ["servers", "desktop"] {
            fs::remove_dir_all(home.path().join(name)).expect("removed");
        }
        fs::remove_file(home.path().join("servers.json")).expect("removed");
        remove_agent(&home, &home.agent(&label("attic"))).expect("removed");
        assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 0);
    }

    #[test]
    fn a_link_to_elsewhere_is_left_alone_with_what_it_leads_to() {
        let (folder, home) = home(&["attic"]);
        let outside = folder.path().join("documents");
        fs::create_dir(&outside).expect("made");
        fs::write(outside.join("thesis"), "years").expect("written");
        // In place of the agent, and inside it.
        symlink(&outside, home.agent(&label("shed")).path()).expect("linked");
        symlink(&outside, home.agent(&label("attic")).path().join("logs")).expect("linked");
        let error = remove_agent(&home, &home.agent(&label("shed"))).expect_err("elsewhere");
        assert!(matches!(error, RemoveError::Elsewhere { .. }), "{error}");
        remove_agent(&home, &home.agent(&label("attic"))).expect("removed");
        assert_eq!(files(&outside), ["thesis"]);
        // In place of the directory of all.
        fs::remove_file(home.path().join("agents/shed")).expect("removed");
        let _ = fs::remove_dir(home.path().join("agents"));
        fs::create_dir(outside.join("attic")).expect("made");
        symlink(&outside, home.path().join("agents")).expect("linked");
        let error = remove_agent(&home, &home.agent(&label("attic"))).expect_err("elsewhere");
        assert!(matches!(error, RemoveError::Elsewhere { .. }), "{error}");
        assert!(outside.join("attic").exists());
    }

    #[test]
    fn an_agent_that_runs_stays_whole() {
        let (_folder, home) = home(&["attic"]);
        let agent = home.agent(&label("attic"));
        let running = agent.lock().expect("free");
        let error = remove_agent(&home, &agent).expect_err("it runs");
        assert!(error.to_string().contains("in use"), "{error}");
        assert!(agent.exists() && agent.path().join("client.key").exists());
        drop(running);
        remove_agent(&home, &agent).expect("removed");
    }
}
