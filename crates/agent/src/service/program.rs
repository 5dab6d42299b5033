//! Which program a service is to run.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// Ends the path of a program whose file was removed or replaced while it runs (proc(5)).
const DELETED: &str = " (deleted)";

/// A program with what to know before a service relies on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceProgram {
    /// Where it is.
    pub path: PathBuf,
    /// Why it may not be there for long.
    pub warning: Option<String>,
}

/// This very program, by the name that lasts longest: where a link on the way of commands leads to
/// it, the link, because package managers keep that when they replace what it leads to.
///
/// # Errors
/// When the system does not tell which program this is.
pub fn service_program() -> io::Result<ServiceProgram> {
    let running = std::env::current_exe()?;
    let called = std::env::args_os().next().unwrap_or_default();
    let ways = std::env::var_os("PATH").unwrap_or_default();
    Ok(choose(&running, &called, &ways))
}

fn choose(running: &Path, called: &OsStr, ways: &OsStr) -> ServiceProgram {
    let text = running.to_string_lossy();
    if let Some(path) = text.strip_suffix(DELETED) {
        return ServiceProgram {
            path: PathBuf::from(path),
            warning: Some(format!(
                "`{path}` was replaced or removed while this program runs: make sure that it is there"
            )),
        };
    }
    let name = Path::new(called).file_name().unwrap_or(called);
    let is_it = |path: &PathBuf| path.canonicalize().is_ok_and(|found| found == running);
    let by_name = std::env::split_paths(ways)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(is_it);
    let path = by_name.unwrap_or_else(|| running.to_owned());
    let warning = why_not_for_long(&path);
    ServiceProgram { path, warning }
}

fn why_not_for_long(path: &Path) -> Option<String> {
    let words = |why: &str| {
        Some(format!(
            "the service runs `{}`, {why}: put the program into /usr/local/bin or ~/.local/bin, and run `portlama agent update` from there",
            path.display()
        ))
    };
    if path.starts_with("/tmp") || path.starts_with("/var/tmp") || path.starts_with("/dev/shm") {
        return words("which lies among temporary files");
    }
    let is_built = path.ancestors().skip(1).any(|folder| {
        // Cargo marks its folder (https://bford.info/cachedir/).
        folder.join("CACHEDIR.TAG").exists()
    });
    if is_built {
        return words("which the next build or clean-up replaces");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(running: &Path, called: &str, ways: &Path) -> ServiceProgram {
        choose(running, OsStr::new(called), ways.as_os_str())
    }

    #[test]
    fn a_link_on_the_way_of_commands_outlasts_what_it_leads_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().canonicalize().expect("there");
        let (cellar, bin) = (folder.join("cellar"), folder.join("bin"));
        std::fs::create_dir(&cellar).expect("made");
        std::fs::create_dir(&bin).expect("made");
        let program = cellar.join("portlama");
        std::fs::write(&program, "").expect("written");
        std::os::unix::fs::symlink(&program, bin.join("portlama")).expect("linked");
        assert_eq!(at(&program, "portlama", &bin).path, bin.join("portlama"));
        let by_path = bin.join("portlama");
        let by_path = by_path.to_str().expect("text");
        assert_eq!(at(&program, by_path, &bin).path, bin.join("portlama"));
        // A program of the same name that is another.
        std::fs::remove_file(bin.join("portlama")).expect("there");
        std::fs::write(bin.join("portlama"), "").expect("written");
        assert_eq!(at(&program, "portlama", &bin).path, program);
    }

    #[test]
    fn a_program_that_will_not_last_is_warned_about() {
        let none = Path::new("");
        let gone = at(Path::new("/opt/portlama (deleted)"), "portlama", none);
        assert_eq!(gone.path, Path::new("/opt/portlama"));
        assert!(gone.warning.expect("a warning").contains("replaced"));
        let temporary = at(Path::new("/tmp/portlama"), "portlama", none);
        assert!(temporary.warning.expect("a warning").contains("temporary"));
        let folder = tempfile::tempdir_in("/var").or_else(|_| tempfile::tempdir());
        let folder = folder.expect("a folder");
        std::fs::write(folder.path().join("CACHEDIR.TAG"), "").expect("written");
        let built = folder.path().join("debug/portlama");
        assert!(at(&built, "portlama", none).warning.is_some());
        let installed = at(Path::new("/usr/local/bin/portlama"), "portlama", none);
        assert_eq!(installed.warning, None);
    }
}
