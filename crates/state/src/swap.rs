//! One directory in the place of another, so that a crash finds the one or the other.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::StateError;
use crate::error::OnFile;

/// Puts the directory `new` at `place`. What is there comes to lie at `aside`, whole; a place
/// that is missing or empty leaves nothing there. The answer is whether something was set aside.
///
/// All three lie in one directory. What is in `new` must be durable before.
///
/// # Errors
/// When `aside` exists, or the file system refuses, as at a mount point; nothing was moved then.
pub fn swap(new: &Path, place: &Path, aside: &Path) -> Result<bool, StateError> {
    if aside.try_exists().on(aside)? {
        return Err(StateError::io(aside, io::ErrorKind::AlreadyExists.into()));
    }
    let is_vacant = match fs::read_dir(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        entries => entries.on(place)?.next().is_none(),
    };
    if is_vacant {
        fs::rename(new, place).on(place)?;
    } else {
        // Under its last name first: a crash then never leaves the old one under another.
        fs::rename(new, aside).on(aside)?;
        if let Err(error) = exchange(aside, place) {
            let _ = fs::rename(aside, new);
            return Err(StateError::io(place, error));
        }
    }
    let parent = place.join("..");
    File::open(&parent)
        .and_then(|folder| folder.sync_all())
        .on(&parent)?;
    Ok(!is_vacant)
}

/// Makes everything below a directory durable.
///
/// # Errors
/// What the disk says.
pub fn make_durable(dir: &Path) -> Result<(), StateError> {
    let folder = File::open(dir).on(dir)?;
    // One call for any number of files.
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(&folder).map_err(|error| StateError::io(dir, error.into()))?;
    #[cfg(not(target_os = "linux"))]
    rustix::fs::sync();
    folder.sync_all().on(dir)
}

/// Swaps two names in one step, where the file system can.
fn exchange(first: &Path, second: &Path) -> io::Result<()> {
    match renameat_with(CWD, first, CWD, second, RenameFlags::EXCHANGE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => in_three_steps(first, second),
        done => Ok(done?),
    }
}

/// The same where it cannot: a crash in between leaves both whole, one under a third name. What
/// fails is undone.
fn in_three_steps(first: &Path, second: &Path) -> io::Result<()> {
    let mut third = second.as_os_str().to_owned();
    third.push(".moving");
    fs::rename(second, &third)?;
    let rest = fs::rename(first, second).and_then(|()| {
        fs::rename(&third, first).inspect_err(|_| {
            let _ = fs::rename(second, first);
        })
    });
    rest.inspect_err(|_| {
        let _ = fs::rename(&third, second);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(path: &Path, content: &str) {
        fs::create_dir(path).expect("made");
        fs::write(path.join("file"), content).expect("written");
    }

    fn content(path: &Path) -> String {
        fs::read_to_string(path.join("file")).expect("there")
    }

    #[test]
    fn what_was_there_is_set_aside_whole() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let at = |name: &str| temp.path().join(name);
        made(&at("new"), "new");
        made(&at("place"), "old");
        assert!(swap(&at("new"), &at("place"), &at("aside")).expect("swapped"));
        assert_eq!(
            (content(&at("place")), content(&at("aside"))),
            ("new".into(), "old".into())
        );
        assert!(!at("new").exists());
    }

    #[test]
    fn a_vacant_place_sets_nothing_aside() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let at = |name: &str| temp.path().join(name);
        for place in ["missing", "empty"] {
            made(&at("new"), place);
            if place == "empty" {
                fs::create_dir(at(place)).expect("made");
            }
            assert!(!swap(&at("new"), &at(place), &at("aside")).expect("moved"));
            assert_eq!(content(&at(place)), place);
            assert!(!at("aside").exists());
        }
    }

    #[test]
    fn nothing_is_moved_over_what_lies_aside_already() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let at = |name: &str| temp.path().join(name);
        for name in ["new", "place", "aside"] {
            made(&at(name), name);
        }
        swap(&at("new"), &at("place"), &at("aside")).expect_err("refused");
        for name in ["new", "place", "aside"] {
            assert_eq!(content(&at(name)), name);
        }
    }

    #[test]
    fn three_steps_that_fail_leave_both_where_they_were() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let at = |name: &str| temp.path().join(name);
        made(&at("place"), "old");
        in_three_steps(&at("missing"), &at("place")).expect_err("there is nothing to put there");
        assert_eq!(content(&at("place")), "old");
        assert!(!at("place.moving").exists());
    }

    #[test]
    fn file_systems_without_an_exchange_get_there_in_three_steps() {
        let temp = tempfile::tempdir().expect("temporary directory");
        let at = |name: &str| temp.path().join(name);
        made(&at("a"), "a");
        made(&at("b"), "b");
        in_three_steps(&at("a"), &at("b")).expect("exchanged");
        assert_eq!(
            (content(&at("a")), content(&at("b"))),
            ("b".into(), "a".into())
        );
    }
}
