//! What a deploy does: pure, from what lies here and what lies there.

use std::collections::{BTreeMap, BTreeSet};

use portlama_model::SitePath;

use super::LocalFile;

/// How many files go in one request: few enough that a broken connection costs little.
pub const MAX_BATCH_FILES: usize = 50;
/// How many octets go in one request, unless a single file is larger.
pub const MAX_BATCH_BYTES: u64 = 4 * 1024 * 1024;

/// Something in a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteEntry {
    /// Where.
    pub path: SitePath,
    /// What.
    pub kind: RemoteKind,
}

/// A folder, or a file and its SHA-256 in hexadecimal digits where the server told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteKind {
    /// A folder.
    Folder,
    /// A file.
    File(Option<String>),
}

/// What a deploy does, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Files in the place of a folder, or folders in the place of a file: removed first.
    pub in_the_way: Vec<SitePath>,
    /// New and changed files. Pages come after what they show, and the site's own first page last,
    /// so that no new page refers to what is not there yet.
    pub send: Vec<LocalFile>,
    /// What is not in the folder any more: removed when no page refers to it. A folder stands for
    /// everything in it.
    pub gone: Vec<SitePath>,
    /// How many files are the same on both sides.
    pub kept: usize,
}

/// Files of one folder that go in one request.
pub type Batch = Vec<LocalFile>;

/// Compares both sides.
#[must_use]
pub fn plan(local: &[LocalFile], remote: &[RemoteEntry]) -> Plan {
    let files: BTreeMap<_, _> = local.iter().map(|file| (&file.path, file)).collect();
    let folders: BTreeSet<_> = local
        .iter()
        .flat_map(|file| folders_of(&file.path))
        .collect();
    let mut plan = Plan::default();
    let mut kept = BTreeSet::new();
    let mut removed = BTreeSet::new();
    // Folders before what is in them, as they are shorter.
    let mut remote: Vec<_> = remote.iter().collect();
    remote.sort_by_key(|entry| entry.path.segments().count());
    for RemoteEntry { path, kind } in remote {
        if folders_of(path)
            .iter()
            .any(|folder| removed.contains(folder))
        {
            continue;
        }
        match (kind, files.get(path)) {
            (RemoteKind::Folder, None) if folders.contains(path) => continue,
            (RemoteKind::File(Some(digest)), Some(file)) if *digest == file.sha256.to_string() => {
                kept.insert(path);
                continue;
            }
            (RemoteKind::File(_), Some(_)) => continue,
            (RemoteKind::Folder, Some(_)) => plan.in_the_way.push(path.clone()),
            (RemoteKind::File(_), None) if folders.contains(path) => {
                plan.in_the_way.push(path.clone());
            }
            (_, None) => plan.gone.push(path.clone()),
        }
        removed.insert(path.clone());
    }
    plan.in_the_way.sort();
    plan.gone.sort();
    let changed = local.iter().filter(|file| !kept.contains(&file.path));
    plan.send = changed.cloned().collect();
    plan.send
        .sort_by_key(|file| (stage(&file.path), file.path.clone()));
    plan.kept = kept.len();
    plan
}

impl Plan {
    /// Whether both sides are the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.send.is_empty() && self.in_the_way.is_empty() && self.gone.is_empty()
    }

    /// How much is sent, octets.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.send.iter().map(|file| file.size).sum()
    }

    /// The requests that send it: those of one stage may run side by side, and each stage waits
    /// for the one before.
    #[must_use]
    pub fn stages(&self) -> Vec<Vec<Batch>> {
        let mut stages: BTreeMap<Stage, Vec<Batch>> = BTreeMap::new();
        for file in &self.send {
            let batches = stages.entry(stage(&file.path)).or_default();
            match batches.last_mut().filter(|batch| fits(batch, file)) {
                Some(batch) => batch.push(file.clone()),
                None => batches.push(vec![file.clone()]),
            }
        }
        stages.into_values().collect()
    }
}

/// When a file may appear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Shown,
    Pages,
    FirstPage,
}

fn stage(path: &SitePath) -> Stage {
    let name = path.as_str().to_ascii_lowercase();
    let is_page = [".html", ".htm"].iter().any(|end| {
        let plain = name.strip_suffix(".gz").or(name.strip_suffix(".br"));
        plain.unwrap_or(&name).ends_with(end)
    });
    match name.as_str() {
        "index.html" => Stage::FirstPage,
        _ if is_page => Stage::Pages,
        _ => Stage::Shown,
    }
}

fn fits(batch: &Batch, file: &LocalFile) -> bool {
    let size: u64 = batch.iter().map(|file| file.size).sum();
    batch.len() < MAX_BATCH_FILES
        && size.saturating_add(file.size) <= MAX_BATCH_BYTES
        && batch
            .iter()
            .all(|it| it.path.parent() == file.path.parent())
}

/// The folders around something, but for the root.
fn folders_of(path: &SitePath) -> Vec<SitePath> {
    let around = std::iter::successors(path.parent(), SitePath::parent);
    around.filter(|folder| !folder.is_root()).collect()
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
