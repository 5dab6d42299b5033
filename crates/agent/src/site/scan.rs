//! The files of a folder that are to become a site.

use std::fs::{self, DirEntry, FileType};
use std::io;
use std::path::{Path, PathBuf};

use portlama_model::{MAX_SITE_FILE_BYTES, SitePath};
use portlama_pki::Sha256;

use super::LocalFile;

/// What a folder holds.
#[derive(Debug)]
pub struct Scan {
    /// By path.
    pub files: Vec<LocalFile>,
    /// How many names begin with a dot. They are left out.
    pub hidden: usize,
    /// How many symbolic links there are. They are left out, as they may lead anywhere.
    pub links: usize,
}

/// Why a folder cannot become a site.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// Something in it cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is nothing in it.
    #[error("there is no file in `{}` that could be sent: is it the right folder?", .0.display())]
    Empty(PathBuf),
    /// It holds files that no site takes.
    #[error("nothing was sent, as a site does not take {}", listed(.0))]
    Unfit(Vec<Unfit>),
}

/// A file that no site takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Below the folder.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// How many unfit files a message names.
const MAX_NAMED: usize = 10;

fn listed(unfit: &[Unfit]) -> String {
    let named = unfit.iter().take(MAX_NAMED);
    let mut named: Vec<_> = named
        .map(|file| format!("`{}` ({})", file.path, file.reason))
        .collect();
    if unfit.len() > MAX_NAMED {
        named.push(format!("{} more", unfit.len() - MAX_NAMED));
    }
    named.join(", ")
}

/// Finds and hashes all files below `root`. This blocks.
///
/// # Errors
/// When something cannot be read, a file is of no kind that sites have, or there is none.
pub fn scan(root: &Path) -> Result<Scan, ScanError> {
    let mut walk = Walk {
        found: Scan {
            files: vec![],
            hidden: 0,
            links: 0,
        },
        unfit: vec![],
        folders: vec![(root.to_owned(), SitePath::root())],
    };
    while let Some((on_disk, folder)) = walk.folders.pop() {
        let unreadable = |source| ScanError::Unreadable {
            path: on_disk.clone(),
            source,
        };
        for entry in fs::read_dir(&on_disk).map_err(unreadable)? {
            walk.take(&entry.map_err(unreadable)?, &folder)?;
        }
    }
    let Walk {
        mut found,
        mut unfit,
        ..
    } = walk;
    if !unfit.is_empty() {
        unfit.sort_by(|a, b| a.path.cmp(&b.path));
        return Err(ScanError::Unfit(unfit));
    }
    if found.files.is_empty() {
        return Err(ScanError::Empty(root.to_owned()));
    }
    found.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

struct Walk {
    found: Scan,
    unfit: Vec<Unfit>,
    folders: Vec<(PathBuf, SitePath)>,
}

impl Walk {
    fn take(&mut self, entry: &DirEntry, folder: &SitePath) -> Result<(), ScanError> {
        let on_disk = entry.path();
        let unreadable = |source| ScanError::Unreadable {
            path: on_disk.clone(),
            source,
        };
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            self.found.hidden += 1;
            return Ok(());
        }
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_symlink() {
            self.found.links += 1;
            return Ok(());
        }
        let path = match site_path(folder, name.to_str(), kind) {
            Ok(path) => path,
            Err(reason) => {
                self.unfit(format!("{folder}/{}", name.to_string_lossy()), reason);
                return Ok(());
            }
        };
        if kind.is_dir() {
            self.folders.push((on_disk, path));
            return Ok(());
        }
        let size = entry.metadata().map_err(unreadable)?.len();
        if size > MAX_SITE_FILE_BYTES {
            let limit = MAX_SITE_FILE_BYTES / (1024 * 1024);
            self.unfit(path.to_string(), format!("larger than {limit} MiB"));
            return Ok(());
        }
        let content = fs::read(&on_disk).map_err(unreadable)?;
        self.found.files.push(LocalFile {
            path,
            size: content.len() as u64,
            sha256: Sha256::of(&content),
            on_disk,
        });
        Ok(())
    }

    fn unfit(&mut self, path: String, reason: String) {
        let path = path.trim_start_matches("./").to_owned();
        self.unfit.push(Unfit { path, reason });
    }
}

/// Where it would lie in the site, or why it cannot.
fn site_path(folder: &SitePath, name: Option<&str>, kind: FileType) -> Result<SitePath, String> {
    let name = name.ok_or("its name is not UTF-8")?;
    if name.contains('"') {
        return Err("its name holds a quotation mark".to_owned());
    }
    let path = folder
        .join(name)
        .map_err(|error| format!("its path {error}"))?;
    if kind.is_dir() || (kind.is_file() && path.has_allowed_extension()) {
        Ok(path)
    } else if kind.is_file() {
        Err("files of this kind are not served".to_owned())
    } else {
        Err("neither a file nor a folder".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, file).expect("a file");
        }
        folder
    }

    #[test]
    fn what_is_hidden_or_linked_is_left_out() {
        let folder = folder(&["index.html", "a/b.css", ".git/config", "a/.DS_Store"]);
        symlink("/etc", folder.path().join("out")).expect("a link");
        let found = scan(folder.path()).expect("fit");
        let paths: Vec<_> = found.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["a/b.css", "index.html"]);
        assert_eq!((found.hidden, found.links), (2, 1));
        assert_eq!(found.files[0].sha256, Sha256::of(b"a/b.css"));
        assert_eq!(found.files[0].size, 7);
    }

    #[test]
    fn all_that_no_site_takes_is_named_at_once() {
        let folder = folder(&["index.html", "a/tool.exe", "LICENSE", "say \"hi\".txt"]);
        let large = fs::File::create(folder.path().join("film.mp4")).expect("a file");
        large.set_len(MAX_SITE_FILE_BYTES + 1).expect("sparse");
        let refused = scan(folder.path()).expect_err("unfit").to_string();
        for name in [
            "`a/tool.exe`",
            "`LICENSE`",
            "quotation",
            "`film.mp4` (larger",
        ] {
            assert!(refused.contains(name), "{name}: {refused}");
        }
        assert!(!refused.contains("index.html"), "{refused}");
    }

    #[test]
    fn an_empty_or_missing_folder_is_an_error() {
        let folder = folder(&[".hidden/index.html"]);
        assert!(matches!(scan(folder.path()), Err(ScanError::Empty(_))));
        let missing = scan(&folder.path().join("missing"));
        assert!(matches!(missing, Err(ScanError::Unreadable { .. })));
    }
}
