//! Control groups: each machine's systemd needs a tree of its own, on hosts with one hierarchy
//! and on those with two. They are all that outlives namespaces, so they are named after the
//! test's process and removed by whoever comes next.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const PREFIX: &str = "portlama-test-";
/// How long processes that were killed may take to go.
const DEATH_LIMIT: Duration = Duration::from_secs(5);

/// What the names of a test's groups begin with.
pub(super) fn prefix_of(pid: u32) -> String {
    format!("{PREFIX}{pid}-")
}

/// Makes the group of a name in each hierarchy that systemd uses.
pub(super) fn make(name: &str) -> Result<Vec<PathBuf>> {
    let groups: Vec<PathBuf> = hierarchies().iter().map(|tree| tree.join(name)).collect();
    if groups.is_empty() {
        bail!("no tree of control groups is mounted");
    }
    for group in &groups {
        std::fs::create_dir(group).with_context(|| format!("cannot make {}", group.display()))?;
    }
    Ok(groups)
}

/// The process of the test that a name belongs to.
pub(super) fn owner(name: &str) -> Option<u32> {
    let (pid, _) = name.strip_prefix(PREFIX)?.split_once('-')?;
    pid.parse().ok()
}

/// Removes the groups with such names.
pub(super) fn sweep(which: impl Fn(&str) -> bool) {
    for tree in hierarchies() {
        for entry in std::fs::read_dir(tree).into_iter().flatten().flatten() {
            if which(&entry.file_name().to_string_lossy()) {
                remove_tree(&entry.path());
            }
        }
    }
}

/// Removes a group once the last of its processes, which were killed, is gone.
pub(super) fn remove_tree(group: &Path) {
    let begun = Instant::now();
    while group.exists() && begun.elapsed() < DEATH_LIMIT {
        remove_empty(group);
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Groups go from the leaves up, and only empty ones; files in them are the kernel's.
fn remove_empty(group: &Path) {
    for entry in std::fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_empty(&entry.path());
        }
    }
    let _ = std::fs::remove_dir(group);
}

/// Where version 2 and systemd's own tree of version 1 are mounted.
fn hierarchies() -> Vec<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mut trees = Vec::new();
    for line in mounts.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [_, place, kind, options, ..] = fields.as_slice() else {
            continue;
        };
        let of_systemd =
            *kind == "cgroup2" || (*kind == "cgroup" && options.contains("name=systemd"));
        if of_systemd {
            trees.push(PathBuf::from(place));
        }
    }
    trees
}
