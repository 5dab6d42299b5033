//! Files that are there whole or not at all.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

/// Puts a file in its place, durably, with this mode whatever the umask is.
pub(crate) fn put(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), String> {
    replace(path, mode, |file| file.write_all(bytes))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Copies a file to its place, as [`put`] does.
pub(crate) fn copy(from: &Path, path: &Path, mode: u32) -> Result<(), String> {
    replace(path, mode, |file| {
        io::copy(&mut File::open(from)?, file).map(drop)
    })
    .map_err(|error| {
        format!(
            "cannot copy {} to {}: {error}",
            from.display(),
            path.display()
        )
    })
}

/// Takes a file away, durably. One that is not there is no error.
pub(crate) fn remove(path: &Path) -> Result<(), String> {
    let gone = match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => File::open(folder_of(path)).and_then(|folder| folder.sync_all()),
    };
    gone.map_err(|error| format!("cannot remove {}: {error}", path.display()))
}

/// Whether both have the same octets. A file that cannot be read is like no other.
pub(crate) fn same(one: &Path, other: &Path) -> bool {
    let length = |path: &Path| fs::metadata(path).ok().map(|meta| meta.len());
    length(one).is_some()
        && length(one) == length(other)
        && matches!((fs::read(one), fs::read(other)), (Ok(a), Ok(b)) if a == b)
}

fn replace(
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let folder = folder_of(path);
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(folder)?;
    // A name that no program which reads a folder of drop-ins takes for one of them.
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".portlama-new");
    let new = folder.join(name);
    let _ = fs::remove_file(&new);
    let written = File::create_new(&new).and_then(|mut file| {
        file.set_permissions(Permissions::from_mode(mode))?;
        fill(&mut file)?;
        file.sync_all()
    });
    let placed = written.and_then(|()| fs::rename(&new, path));
    if placed.is_err() {
        let _ = fs::remove_file(&new);
    }
    placed?;
    File::open(folder)?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}
