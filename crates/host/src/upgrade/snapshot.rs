//! The state as it was before an upgrade: a plain copy, made while no server runs.
//!
//! The files of static sites are left out: no version rewrites them, and they may be most of the
//! disk. On the way back they are taken over from the present state.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};

use super::Place;
use super::place::closed_folder;

/// How many snapshots stay. One upgrade after the other can be told apart, and a small state has
/// some megabytes.
pub const KEPT_SNAPSHOTS: usize = 3;

/// The files of sites, of which no version makes others.
const SITES: &str = "sites";
/// What is no state: the sites, the running process's lock, a release that waits.
const LEFT_OUT: [&str; 3] = [SITES, "lock", "upgrade"];

/// Octets that a snapshot of this state takes.
pub(super) fn size(state: &Path) -> io::Result<u64> {
    let mut all = 0;
    walk(state, &mut |path, meta| {
        if !is_left_out(state, path) {
            all += meta.len();
        }
    })?;
    Ok(all)
}

/// Copies the state into a snapshot of this name, durably. It is there whole or not at all.
pub(super) fn make(place: &Place, name: &str) -> io::Result<()> {
    let whole = place.snapshots.join(name);
    let part = place.snapshots.join(format!("{name}.part"));
    remove(&part)?;
    remove(&whole)?;
    copy_tree(&place.state, &part, &|path| is_left_out(&place.state, path))?;
    fs::rename(&part, &whole)?;
    File::open(&place.snapshots)?.sync_all()
}

/// Puts a snapshot in the place of the state, in one step, and keeps what was there as
/// `<name>-left`. It may be done again after it was cut short anywhere.
pub(super) fn bring_back(place: &Place, name: &str) -> io::Result<()> {
    let snapshot = place.snapshots.join(name);
    if !snapshot.is_dir() {
        return Err(io::Error::other(format!(
            "the snapshot {} is not there",
            snapshot.display()
        )));
    }
    let new = beside(&place.state);
    remove(&new)?;
    copy_tree(&snapshot, &new, &|_| false)?;
    let sites = place.state.join(SITES);
    // A link would be one of the server's, and lead anywhere.
    if fs::symlink_metadata(&sites).is_ok_and(|meta| meta.is_dir()) {
        link_tree(&sites, &new.join(SITES))?;
    }
    exchange(&new, &place.state)?;
    // From here on `new` is what the other version left.
    remove(&new.join(SITES))?;
    let left = place.snapshots.join(format!("{name}-left"));
    if left.exists() {
        // Of a try that was cut short, which saw the real thing.
        return remove(&new);
    }
    if fs::rename(&new, &left).is_err() {
        copy_tree(&new, &left, &|_| false)?;
        remove(&new)?;
    }
    Ok(())
}

/// Removes all but the newest, and what was never completed.
pub(super) fn prune(place: &Place) -> io::Result<()> {
    let mut names: Vec<_> = fs::read_dir(&place.snapshots)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let (parts, mut whole): (Vec<_>, Vec<_>) =
        names.drain(..).partition(|name| name.ends_with(".part"));
    // Names begin with the time; `…-left` belongs to the one before it.
    whole.sort();
    let kept: Vec<_> = whole
        .iter()
        .filter(|name| !name.ends_with("-left"))
        .rev()
        .take(KEPT_SNAPSHOTS)
        .cloned()
        .collect();
    let belongs = |name: &String| {
        let base = name.strip_suffix("-left").unwrap_or(name);
        kept.iter().any(|kept| kept == base)
    };
    for name in parts
        .iter()
        .chain(whole.iter().filter(|name| !belongs(name)))
    {
        remove(&place.snapshots.join(name))?;
    }
    Ok(())
}

/// On the same file system as the state, so that both can be exchanged.
fn beside(state: &Path) -> PathBuf {
    let mut name = state.as_os_str().to_owned();
    name.push(".portlama-new");
    name.into()
}

fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?;
    let folder = other.parent().unwrap_or(Path::new("/"));
    File::open(folder)?.sync_all()
}

fn is_left_out(state: &Path, path: &Path) -> bool {
    LEFT_OUT.iter().any(|name| path == state.join(name))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Copies folders and plain files with owners and modes; nothing is reached through a link.
fn copy_tree(from: &Path, to: &Path, left_out: &dyn Fn(&Path) -> bool) -> io::Result<()> {
    make_folder(from, to)?;
    for entry in fs::read_dir(from)? {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        let kind = fs::symlink_metadata(&path)?.file_type();
        if left_out(&path) {
            continue;
        }
        if kind.is_dir() {
            copy_tree(&path, &to.join(name), left_out)?;
        } else if kind.is_file() {
            copy_file(&path, &to.join(name))?;
        }
    }
    File::open(to)?.sync_all()
}

/// The same files under a second name.
fn link_tree(from: &Path, to: &Path) -> io::Result<()> {
    make_folder(from, to)?;
    for entry in fs::read_dir(from)? {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        let kind = fs::symlink_metadata(&path)?.file_type();
        if kind.is_dir() {
            link_tree(&path, &to.join(name))?;
        } else if kind.is_file() {
            fs::hard_link(&path, to.join(name))?;
        }
    }
    File::open(to)?.sync_all()
}

fn make_folder(like: &Path, path: &Path) -> io::Result<()> {
    let meta = fs::symlink_metadata(like)?;
    fs::DirBuilder::new().mode(0o700).create(path)?;
    let folder = File::open(path)?;
    fchown(&folder, Some(meta.uid()), Some(meta.gid()))?;
    folder.set_permissions(meta.permissions())
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let mut old = OpenOptions::new()
        .read(true)
        .custom_flags(no_follow)
        .open(from)?;
    let meta = old.metadata()?;
    let mut new = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)?;
    io::copy(&mut old, &mut new)?;
    fchown(&new, Some(meta.uid()), Some(meta.gid()))?;
    new.set_permissions(meta.permissions())?;
    new.sync_all()
}

fn walk(folder: &Path, see: &mut dyn FnMut(&Path, &fs::Metadata)) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let meta = fs::symlink_metadata(&path)?;
        if meta.is_dir() && path.file_name().is_none_or(|name| name != SITES) {
            walk(&path, see)?;
        } else if meta.is_file() {
            see(&path, &meta);
        }
    }
    Ok(())
}

/// Makes the folder of the snapshots anew, closed to others.
pub(super) fn make_room(place: &Place) -> Result<(), String> {
    closed_folder(&place.snapshots)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(folder: &Path) -> Place {
        let place = Place {
            program: folder.join("program"),
            state: folder.join("state"),
            work: folder.join("work"),
            snapshots: folder.join("snapshots"),
        };
        place.make().expect("made");
        for (path, text) in [
            ("panel.json", "before"),
            ("pki/ca.key", "a key"),
            ("sites/one/index.html", "a page"),
            ("lock", "7"),
        ] {
            put(&place, path, text);
        }
        place
    }

    fn put(place: &Place, path: &str, text: &str) {
        let path = place.state.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    fn read(place: &Place, path: &str) -> Option<String> {
        fs::read_to_string(place.state.join(path)).ok()
    }

    #[test]
    fn what_was_comes_back_and_what_came_since_is_kept_aside() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(folder.path());
        make(&place, "a").expect("a snapshot");
        put(&place, "panel.json", "after");
        put(&place, "new.json", "of the new version");
        put(&place, "sites/two/index.html", "a page of meanwhile");
        for _ in 0..2 {
            bring_back(&place, "a").expect("brought back");
            assert_eq!(read(&place, "panel.json").as_deref(), Some("before"));
            assert_eq!(read(&place, "pki/ca.key").as_deref(), Some("a key"));
            assert_eq!(read(&place, "new.json"), None);
            // Sites are not of the snapshot.
            assert_eq!(
                read(&place, "sites/one/index.html").as_deref(),
                Some("a page")
            );
            assert!(read(&place, "sites/two/index.html").is_some());
        }
        bring_back(&place, "missing").expect_err("no such snapshot");
        assert_eq!(read(&place, "panel.json").as_deref(), Some("before"));
    }

    #[test]
    fn what_the_other_version_left_can_be_looked_at() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(folder.path());
        make(&place, "a").expect("a snapshot");
        put(&place, "panel.json", "after");
        bring_back(&place, "a").expect("brought back");
        let left = place.snapshots.join("a-left");
        assert_eq!(
            fs::read_to_string(left.join("panel.json")).expect("there"),
            "after"
        );
        assert!(!left.join("sites").exists());
    }

    #[test]
    fn a_copy_that_was_cut_short_is_no_snapshot() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(folder.path());
        fs::create_dir(place.snapshots.join("a.part")).expect("made");
        fs::write(place.snapshots.join("a.part/panel.json"), "half").expect("written");
        bring_back(&place, "a").expect_err("it is not whole");
        make(&place, "a").expect("made anew");
        bring_back(&place, "a").expect("brought back");
        assert_eq!(read(&place, "panel.json").as_deref(), Some("before"));
    }

    #[test]
    fn the_newest_stay() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(folder.path());
        for name in ["1", "2", "3", "4", "5"] {
            make(&place, name).expect("a snapshot");
        }
        fs::create_dir(place.snapshots.join("1-left")).expect("made");
        fs::create_dir(place.snapshots.join("5-left")).expect("made");
        fs::create_dir(place.snapshots.join("6.part")).expect("made");
        prune(&place).expect("pruned");
        let mut left: Vec<_> = fs::read_dir(&place.snapshots)
            .expect("listed")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("a name")
            })
            .collect();
        left.sort();
        assert_eq!(left, ["3", "4", "5", "5-left"]);
    }

    #[test]
    fn sites_that_are_a_link_are_left_where_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(folder.path());
        make(&place, "a").expect("a snapshot");
        let elsewhere = folder.path().join("elsewhere");
        fs::create_dir(&elsewhere).expect("made");
        fs::write(elsewhere.join("shadow"), "root's own").expect("written");
        remove(&place.state.join("sites")).expect("removed");
        std::os::unix::fs::symlink(&elsewhere, place.state.join("sites")).expect("linked");
        bring_back(&place, "a").expect("brought back");
        assert!(fs::symlink_metadata(place.state.join("sites")).is_err());
        assert_eq!(
            fs::read_to_string(elsewhere.join("shadow")).expect("there"),
            "root's own"
        );
    }

    #[test]
    fn links_are_neither_followed_nor_copied() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(folder.path());
        std::os::unix::fs::symlink("/etc", place.state.join("pki/agents")).expect("linked");
        make(&place, "a").expect("a snapshot");
        assert!(!place.snapshots.join("a/pki/agents").exists());
        let size = size(&place.state).expect("a size");
        assert_eq!(size, ("before".len() + "a key".len()) as u64);
    }
}
