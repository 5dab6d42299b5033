//! `portlama server restore`.

use std::cell::RefCell;
use std::fs::{self, DirBuilder, File};
use std::io::BufReader;
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, lchown};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use portlama_backup::{BackupError, Head, Key, unpack};
use portlama_control::logs::plain;
use portlama_control::restore::{Restored, Restoring, make_ready, put_in_place};
use portlama_control::{Clock as _, SystemClock};
use portlama_host::helper::{PASSWD, SERVER_USER, ids_in};
use serde_json::json;
use tokio::runtime::Handle;

use super::at_rest::{Holding, MAX_REASON_BYTES, Task, ask_owner};
use super::backup::{compact, has_room};
use super::keys::{self, KeyArguments};
use super::local::{Ask, Report, ask};
use super::meter::{Meter, until_stopped};
use crate::output::Output;

/// What a file takes on the disk beside its content, octets: what is left of its last block.
const FILE_OVERHEAD_BYTES: u64 = 4096;
/// What must be free beside the state, octets.
const SPARE_BYTES: u64 = 16 * 1024 * 1024;

/// Brings a server back from a backup, on this machine or another.
#[derive(Debug, Args)]
#[command(after_help = "\
Everything is checked before anything is touched. The present state is set aside whole, under a name
that is said, and never deleted. Afterwards everybody signs in anew, open invitations and enrolment
tokens are void, and what is revoked in the present state stays revoked.
The server must not run: stop it first (`systemctl stop 'portlama.*'`, or Ctrl-C where it runs).

Examples:
  portlama server restore portlama-example.com-20270203T080000Z.age
      the server in /etc/portlama, as it was then
  portlama server restore today.age --ip 198.51.100.23
      the same server on a new machine: then lead the DNS records to its address
  portlama server restore today.age --identity key.txt --state-dir ./try
      beside the running one, to look at; encrypted to a recipient of age")]
pub(crate) struct RestoreArguments {
    /// The backup.
    file: PathBuf,
    /// The directory to restore to.
    #[arg(long, value_name = "DIR", default_value = "/etc/portlama")]
    state_dir: PathBuf,
    /// The address under which visitors reach this machine, when it is another one than before.
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<IpAddr>,
    #[command(flatten)]
    key: KeyArguments,
}

/// Unpacks, checks, makes ready, swaps.
pub(crate) async fn run(arguments: RestoreArguments, output: Output) -> Result<ExitCode> {
    let RestoreArguments {
        file,
        state_dir,
        ip,
        key,
    } = arguments;
    let failed = format!("nothing was changed: {} was not restored", file.display());
    if let Some(Report { pid, .. }) = ask::<Report>(&state_dir, Ask::Status).await? {
        bail!(
            "nothing was changed: the server runs{}: stop it first, with its socket (`systemctl stop 'portlama.*'`)",
            pid.map(|pid| format!(" as process {pid}"))
                .unwrap_or_default()
        );
    }
    let opens = keys::key(key.identity.as_deref(), key.passphrase_file.as_deref())?;
    let done = until_stopped(move |stop| {
        let meter = Meter::new(stop, output);
        restore(&file, &opens, &state_dir, ip, meter)
    });
    report(&done.await.context(failed)?, output);
    Ok(ExitCode::SUCCESS)
}

/// A server that was restored.
struct Done {
    head: Head,
    restored: Restored,
    place: PathBuf,
    aside: Option<PathBuf>,
    /// Why the state that was there could not be opened, if it could not.
    not_held: Option<String>,
}

fn restore(
    file: &Path,
    opens: &Key,
    state_dir: &Path,
    ip: Option<IpAddr>,
    meter: Meter,
) -> Result<Done> {
    let place = whole_path(state_dir)?;
    let parent = place.parent().context("the root folder holds no state")?;
    let now = SystemClock.now();
    let staging = Staging::make(&beside(&place, "restoring"))?;
    let input = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let input = BufReader::new(input);
    let meter = RefCell::new(meter);
    let head = unpack(
        input,
        opens,
        &staging.0,
        &mut |head| {
            let all = head.amount();
            meter.borrow_mut().expect(all);
            let files = all.files.saturating_mul(FILE_OVERHEAD_BYTES);
            let needs = all.bytes.saturating_add(files).saturating_add(SPARE_BYTES);
            has_room(parent, needs).map_err(|error| BackupError::Declined(format!("{error:#}")))
        },
        &mut |done| meter.borrow_mut().step(done),
    )?;
    let runtime = Handle::current();
    let (holding, kept) = runtime.block_on(ask_owner::<Holding>(&place, Task::Hold))?;
    let with = Restoring {
        place: &place,
        ip,
        made_at: head.created_at,
        now,
    };
    let swapped = swapped(&staging, with);
    runtime.block_on(kept.give_back());
    let (restored, aside) = swapped?;
    Ok(Done {
        head,
        restored,
        not_held: match holding {
            Holding::Unreadable(why) => Some(plain(&why, MAX_REASON_BYTES)),
            Holding::Held | Holding::Nothing => None,
        },
        place,
        aside,
    })
}

/// Makes the unpacked state ready and puts it in the place of the present one, which comes to lie
/// where the second value says.
fn swapped(staging: &Staging, with: Restoring<'_>) -> Result<(Restored, Option<PathBuf>)> {
    let restored = make_ready(&staging.0, with)?;
    if let Some(owner) = owner_for(with.place)? {
        give_to(&staging.0, owner)?;
    }
    let aside = beside(with.place, &format!("before-{}", compact(with.now)));
    let is_aside = put_in_place(&staging.0, with.place, &aside)?;
    Ok((restored, is_aside.then_some(aside)))
}

/// The place without links, which need not exist.
fn whole_path(state_dir: &Path) -> Result<PathBuf> {
    if state_dir.try_exists()? {
        return Ok(state_dir.canonicalize()?);
    }
    Ok(std::path::absolute(state_dir)?)
}

/// A name in the same folder, so that names can be swapped.
fn beside(place: &Path, end: &str) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push(".");
    name.push(end);
    name.into()
}

/// The folder that a backup is unpacked into; removed unless it became the state.
struct Staging(PathBuf);

impl Staging {
    /// What an earlier attempt left is removed: nothing but an unpacked backup has this name.
    fn make(path: &Path) -> Result<Self> {
        let made = || {
            match fs::remove_dir_all(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
            DirBuilder::new().mode(0o700).create(path)
        };
        made().with_context(|| format!("cannot unpack into {}", path.display()))?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whose the state must be when root restores it: whose it is at present, else the service's.
fn owner_for(place: &Path) -> Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    if let Ok(found) = fs::metadata(place)
        && found.uid() != 0
    {
        return Ok(Some((found.uid(), found.gid())));
    }
    let users = fs::read_to_string(PASSWD).with_context(|| format!("cannot read {PASSWD}"))?;
    Ok(ids_in(&users, SERVER_USER))
}

/// A folder last: before, the owner cannot enter it and exchange something in it for a link.
fn give_to(path: &Path, (user, group): (u32, u32)) -> Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            give_to(&entry?.path(), (user, group))?;
        }
    }
    lchown(path, Some(user), Some(group))
        .with_context(|| format!("cannot give away {}", path.display()))
}

fn report(done: &Done, output: Output) {
    let Done {
        head,
        restored,
        place,
        aside,
        not_held,
    } = done;
    if output.is_json() {
        output.document(&json!({
            "stateDir": place,
            "shows": head.created_at,
            "address": restored.ip,
            "epoch": restored.epoch,
            "setAside": aside,
            "revokedSince": restored.revoked_since,
            "backAgain": restored.back_again,
            "knowsRevocations": restored.knows_revocations,
            "notOpened": not_held,
            "hasAdmin": restored.has_admin,
            "voidInvitations": restored.invitations,
        }));
        return;
    }
    output.data(format_args!(
        "restored   {}, as of {}",
        place.display(),
        head.created_at
    ));
    output.data(format_args!("address    {}", restored.ip));
    if let Some(aside) = aside {
        output.data(format_args!("set aside  {}", aside.display()));
    }
    for name in &restored.revoked_since {
        output.data(format_args!("revoked    {name}, since the backup was made"));
    }
    for name in &restored.back_again {
        output.note(format_args!(
            "warning: the user {name} was deleted since and is back: delete it again in the panel, if that was meant"
        ));
    }
    if let Some(why) = not_held {
        output.note(format_args!(
            "warning: the state that was there could not be opened: {why}"
        ));
    }
    if !restored.knows_revocations {
        output.note(format_args!(
            "warning: what was revoked after {} is not known here: revoke it again in the panel",
            head.created_at
        ));
    }
    if restored.invitations > 0 {
        output.note(format_args!(
            "{} open invitations are void: invite these people again",
            restored.invitations
        ));
    }
    if !restored.has_admin {
        output.note(
            "warning: every admin certificate in the backup was revoked since: make one with `portlama server reset-admin`",
        );
    }
    output.note(
        "everybody signs in anew; next: start the server, and lead the DNS records to its address",
    );
}
