//! A release is copied to where root alone can write, and only that copy is verified and used:
//! nobody can exchange it in between.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use portlama_model::ReleaseVersion;
use rustix::fs::{AtFlags, Mode, OFlags, openat, unlinkat};
use serde::{Deserialize, Serialize};

use super::decide::may_replace;
use super::{Place, UpgradeError};
use crate::install::{Program, file};
use crate::release::{
    Claim, MAX_RELEASE_BYTES, MAX_SIGNATURE_BYTES, ReleaseError, ReleaseKeys, signature_of, verify,
};
use crate::{PACKAGED_PROGRAM, belongs_to_package};

/// Space for files that must be left beside the release and the copies of program and state, MiB.
pub const MIN_SPARE_MIB: u64 = 64;
/// How long the new program may take to say its version.
pub const REQUEST_LIMIT: std::time::Duration = std::time::Duration::from_secs(10);

/// What the operator wants of a release that was staged by hand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Whether an older or the same version is wanted.
    pub allow_downgrade: bool,
}

impl Request {
    /// What was written down; what comes from the server has no wishes.
    pub(super) fn read(place: &Place) -> Self {
        let written = std::fs::read(place.request()).ok();
        written
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }
}

/// Takes a file of the operator's, with its signature beside it, for the unit to find.
///
/// # Errors
/// When it is not a release that may take the place of `installed`; nothing is staged then.
pub fn stage(
    place: &Place,
    from: &Path,
    installed: &ReleaseVersion,
    request: Request,
) -> Result<Claim, UpgradeError> {
    is_ours(place)?;
    place.make().map_err(UpgradeError::File)?;
    let taken = take(place, from).and_then(|claim| {
        may_replace(installed, &claim.version, request.allow_downgrade)
            .map_err(UpgradeError::Refused)?;
        let text = serde_json::to_string(&request).map_err(|error| error.to_string());
        text.and_then(|text| file::put(&place.request(), 0o600, text.as_bytes()))
            .map_err(UpgradeError::File)?;
        Ok(claim)
    });
    if taken.is_err() {
        forget(place);
    }
    taken
}

/// Nobody but dpkg replaces a package's file.
fn is_ours(place: &Place) -> Result<(), UpgradeError> {
    if !place.program.exists() && belongs_to_package(Path::new(PACKAGED_PROGRAM)) {
        return Err(UpgradeError::Refused(format!(
            "{PACKAGED_PROGRAM} belongs to the package portlama: `apt install ./portlama_….deb` \
             brings the next version"
        )));
    }
    Ok(())
}

/// What is staged by the operator, else what the server has fetched, verified.
pub(super) fn staged(place: &Place) -> Result<Claim, UpgradeError> {
    is_ours(place)?;
    if place.release().exists() {
        return verified(place);
    }
    Inbox::open(place)
        .ok_or(UpgradeError::NothingStaged)?
        .take(place)
}

/// Removes what is staged.
pub(super) fn forget(place: &Place) {
    let release = place.release();
    for path in [signature_of(&release), release, place.request()] {
        let _ = std::fs::remove_file(path);
    }
    if let Some(inbox) = Inbox::open(place) {
        inbox.empty();
    }
}

fn take(place: &Place, from: &Path) -> Result<Claim, UpgradeError> {
    let open = |path: &Path| -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .custom_flags(UNTRUSTED.bits().cast_signed())
            .open(path)
    };
    let to = place.release();
    let signature = signature_of(from);
    copy(
        open(&signature),
        &signature,
        &signature_of(&to),
        MAX_SIGNATURE_BYTES,
    )?;
    copy(open(from), from, &to, MAX_RELEASE_BYTES)?;
    verified(place)
}

/// What is in the way of a file's owner who may exchange it at any time: no link is followed, and
/// a pipe does not make us wait.
const UNTRUSTED: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);

/// The server's folder with what it has fetched. It is held open, so that names in it lead nowhere
/// else, whatever becomes of its own name.
struct Inbox {
    folder: OwnedFd,
}

impl Inbox {
    const RELEASE: &str = "release";
    const SIGNATURE: &str = "release.minisig";

    fn open(place: &Place) -> Option<Self> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = rustix::fs::open(place.inbox(), flags, Mode::empty()).ok()?;
        Some(Self { folder })
    }

    fn take(&self, place: &Place) -> Result<Claim, UpgradeError> {
        let open = |name: &str| -> io::Result<File> {
            let flags = OFlags::RDONLY | UNTRUSTED;
            Ok(openat(&self.folder, name, flags, Mode::empty())?.into())
        };
        let release = match open(Self::RELEASE) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(UpgradeError::NothingStaged);
            }
            release => release,
        };
        let (from, to) = (place.inbox(), place.release());
        copy(
            open(Self::SIGNATURE),
            &from.join(Self::SIGNATURE),
            &signature_of(&to),
            MAX_SIGNATURE_BYTES,
        )?;
        copy(release, &from.join(Self::RELEASE), &to, MAX_RELEASE_BYTES)?;
        verified(place)
    }

    fn empty(&self) {
        for name in [Self::SIGNATURE, Self::RELEASE] {
            let _ = unlinkat(&self.folder, name, AtFlags::empty());
        }
    }
}

/// The copy is executable only from here on.
fn verified(place: &Place) -> Result<Claim, UpgradeError> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = place.release();
    let signature = signature_of(&path);
    let signature = std::fs::read_to_string(&signature)
        .map_err(|error| UpgradeError::File(format!("{}: {error}", signature.display())))?;
    let file = File::open(&path).map_err(ReleaseError::from)?;
    let claim = verify(&file, &signature, &ReleaseKeys::compiled_in())?;
    file.set_permissions(std::fs::Permissions::from_mode(0o700))
        .map_err(ReleaseError::from)?;
    Ok(claim)
}

/// Copies an opened file that is a plain one, and no more than it may have. `name` is what it is
/// called.
fn copy(opened: io::Result<File>, name: &Path, to: &Path, limit: u64) -> Result<(), UpgradeError> {
    let cannot = |error: io::Error| {
        UpgradeError::Refused(format!("{} cannot be read: {error}", name.display()))
    };
    let file = opened.map_err(cannot)?;
    let meta = file.metadata().map_err(cannot)?;
    if !meta.is_file() {
        return Err(UpgradeError::Refused(format!(
            "{} is not a plain file",
            name.display()
        )));
    }
    if meta.len() > limit {
        return Err(ReleaseError::TooLarge.into());
    }
    let _ = std::fs::remove_file(to);
    let copied = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .and_then(|mut new| {
            io::copy(&mut file.take(limit), &mut new)?;
            new.sync_all()
        });
    copied.map_err(|error| UpgradeError::File(format!("cannot write {}: {error}", to.display())))
}

/// Whether the machine can run the new program at all, and it is the one that was signed: asked
/// before the server is stopped.
pub(super) fn can_run(place: &Place, claim: &Claim) -> Result<(), UpgradeError> {
    let path = place.release();
    let program = Program::new(&format!("{} --version", path.display())).within(REQUEST_LIMIT);
    let said = program.run().map_err(|why| {
        UpgradeError::Refused(format!("this machine cannot run the new program: {why}"))
    })?;
    if said == format!("portlama {}", claim.version) {
        return Ok(());
    }
    Err(UpgradeError::Refused(format!(
        "the release is signed as {} and says that it is {said:?}",
        claim.version
    )))
}

/// Whether the disk has room for the copies of program and state.
pub(super) fn has_room(place: &Place, state_bytes: u64) -> Result<(), UpgradeError> {
    let free = rustix::fs::statvfs(&place.work)
        .map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize))
        .unwrap_or(u64::MAX);
    let program = std::fs::metadata(&place.program).map_or(0, |meta| meta.len());
    // The program is kept and written anew, and the state may have to be written back.
    let needed = program * 2 + state_bytes * 2 + MIN_SPARE_MIB * 1024 * 1024;
    if free >= needed {
        return Ok(());
    }
    let mib = |bytes: u64| bytes / 1024 / 1024;
    Err(UpgradeError::Refused(format!(
        "the disk has {} MiB left, and the upgrade with its way back needs {}: make room and try again",
        mib(free),
        mib(needed)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(folder: &Path) -> Place {
        let at = |name: &str| folder.join(name);
        Place {
            program: at("program"),
            state: at("state"),
            work: at("work"),
            snapshots: at("snapshots"),
        }
    }

    /// What is said of these files in the inbox.
    fn refusal(place: &Place) -> String {
        let taken = Inbox::open(place).map(|inbox| inbox.take(place));
        match taken {
            None => "no inbox".to_owned(),
            Some(taken) => taken.expect_err("refused").to_string(),
        }
    }

    #[test]
    fn links_pipes_and_endless_files_are_not_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(folder.path());
        place.make().expect("made");
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "for root alone").expect("written");
        std::fs::create_dir_all(place.inbox()).expect("an inbox");
        assert!(refusal(&place).contains("no release is staged"));
        let (release, signature) = (
            place.inbox().join(Inbox::RELEASE),
            place.inbox().join(Inbox::SIGNATURE),
        );
        std::fs::write(&release, "a program").expect("written");
        let mut attempts = 0;
        let mut refused = |why: &str| {
            let said = refusal(&place);
            assert!(said.contains(why), "{said}");
            attempts += 1;
            std::fs::remove_file(&signature).expect("removed");
        };
        std::os::unix::fs::symlink(&secret, &signature).expect("linked");
        refused("cannot be read");
        let mode = Mode::from_raw_mode(0o600);
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &signature, kind, mode, 0).expect("a pipe");
        refused("not a plain file");
        let too_long = vec![0; usize::try_from(MAX_SIGNATURE_BYTES).expect("fits") + 1];
        std::fs::write(&signature, too_long).expect("written");
        refused("larger than");
        std::fs::write(&signature, "a signature").expect("written");
        refused("nothing was changed");
        assert_eq!(attempts, 4);
    }

    #[test]
    fn an_inbox_that_is_a_link_is_none_and_nothing_goes_where_it_leads() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(folder.path());
        place.make().expect("made");
        let elsewhere = folder.path().join("elsewhere");
        std::fs::create_dir_all(&elsewhere).expect("a folder");
        std::fs::create_dir_all(&place.state).expect("a folder");
        std::fs::write(elsewhere.join(Inbox::RELEASE), "root's own").expect("written");
        std::os::unix::fs::symlink(&elsewhere, place.inbox()).expect("linked");
        assert_eq!(refusal(&place), "no inbox");
        forget(&place);
        assert!(elsewhere.join(Inbox::RELEASE).exists());
    }

    #[test]
    fn what_is_not_a_release_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(folder.path());
        let offered = folder.path().join("portlama-2.0.0");
        std::fs::write(&offered, "a program").expect("written");
        std::fs::write(signature_of(&offered), "a signature").expect("written");
        let installed = "1.0.0".parse().expect("a version");
        let refused = stage(&place, &offered, &installed, Request::default());
        assert!(
            matches!(refused, Err(UpgradeError::Release(_))),
            "{refused:?}"
        );
        assert!(!place.release().exists() && !place.request().exists());
    }
}
