//! `portlama server backup`.

use std::cell::RefCell;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Args;
use portlama_backup::{BACKUP_FORMAT, Head, Lock, Source, check, write};
use portlama_control::picture::way;
use portlama_model::Timestamp;
use serde_json::json;

use super::at_rest::{Task, ask_owner};
use super::keys::{self, KeyArguments};
use super::local::{Ask, PictureTaken, ask_holding};
use super::meter::{Meter, until_stopped};
use crate::output::Output;

/// What must be free beside the backup itself, octets: the server goes on writing.
const SPARE_BYTES: u64 = 16 * 1024 * 1024;
/// What a file takes in a backup beside its content, octets: header, filling, line in the list,
/// and its part of the encryption.
const FILE_OVERHEAD_BYTES: u64 = 2048;

/// Makes an encrypted copy of everything, or checks one.
#[derive(Debug, Args)]
#[command(after_help = "\
The server may run meanwhile. Everything is in it: settings, users, keys, certificates, the files of
sites, the audit. It is encrypted with a passphrase that is asked for, or to recipients of the program
`age`: their keys need never be on this machine. Keep passphrase or key where you don't keep the backup.

Examples:
  portlama server backup
      into a new file in this folder
  portlama server backup --out /mnt/nas/today.age --recipient age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p
      for a timer: nobody needs to type, and the machine cannot read its own backups
  portlama server backup --verify today.age
      whether it can be restored: opens it and checks every file in it")]
pub(crate) struct BackupArguments {
    /// The directory made by `portlama server init`.
    #[arg(long, value_name = "DIR", default_value = "/etc/portlama")]
    state_dir: PathBuf,
    /// The new file [default: portlama-NAME-TIME.age in this folder].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Who can open it, `age1…`; may be given several times.
    #[arg(long, value_name = "RECIPIENT", conflicts_with = "passphrase_file")]
    recipient: Vec<String>,
    /// Open this backup and check everything in it; nothing is written.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["out", "recipient"])]
    verify: Option<PathBuf>,
    #[command(flatten)]
    key: KeyArguments,
}

/// Makes a backup, or checks one.
pub(crate) async fn run(arguments: BackupArguments, output: Output) -> Result<ExitCode> {
    match arguments.verify.clone() {
        Some(file) => verify(file, arguments.key, output).await,
        None => make(arguments, output).await,
    }
}

async fn make(arguments: BackupArguments, output: Output) -> Result<ExitCode> {
    let BackupArguments {
        state_dir,
        out,
        recipient,
        key,
        ..
    } = arguments;
    ensure!(
        key.identity.is_none(),
        "`--identity` opens a backup: to make one, give the recipient that belongs to the key"
    );
    let lock = keys::lock(&recipient, key.passphrase_file.as_deref())?;
    let failed = format!("cannot back up {}", state_dir.display());
    let taken = ask_holding::<PictureTaken>(&state_dir, Ask::Picture).await;
    let work = |taken: PictureTaken, state_dir: PathBuf| {
        until_stopped(move |stop| {
            let meter = Meter::new(stop, output);
            written(&state_dir, &taken, out, &lock, meter)
        })
    };
    let done = match taken.with_context(|| failed.clone())? {
        Some((taken, held)) => {
            let done = work(taken, state_dir).await;
            drop(held);
            done
        }
        None => {
            let asked = ask_owner(&state_dir, Task::Picture).await;
            let (taken, kept) = asked.with_context(|| failed.clone())?;
            let done = work(taken, state_dir).await;
            kept.give_back().await;
            done
        }
    };
    report(&done.context(failed)?, output);
    Ok(ExitCode::SUCCESS)
}

/// A backup that was written.
struct Done {
    path: PathBuf,
    head: Head,
    size: u64,
    source: Source,
}

fn written(
    state_dir: &Path,
    taken: &PictureTaken,
    out: Option<PathBuf>,
    lock: &Lock,
    mut meter: Meter,
) -> Result<Done> {
    let path = out.unwrap_or_else(|| name_of(taken).into());
    let show = || format!("cannot write {}", path.display());
    let dir = match path.parent() {
        Some(dir) if dir != Path::new("") => dir,
        _ => Path::new("."),
    };
    ensure!(
        !path.try_exists().with_context(show)?,
        "{} exists: a backup never replaces a file",
        path.display()
    );
    let source = Source::look(state_dir, &way(taken.id))?;
    let amount = source.amount();
    let needs = amount.bytes + amount.files * FILE_OVERHEAD_BYTES + SPARE_BYTES;
    has_room(dir, needs).with_context(show)?;
    let head = head_of(taken, &source);
    meter.expect(amount);

    // 0600, and gone when anything goes wrong.
    let file = tempfile::Builder::new()
        .prefix(".portlama-backup-")
        .tempfile_in(dir);
    let mut file = file.with_context(show)?;
    let out = BufWriter::new(file.as_file_mut());
    let out = write(&source, &head, lock, out, &mut |done| meter.step(done))?;
    out.into_inner()
        .map_err(|error| error.into_error())?
        .flush()?;
    file.as_file().sync_all().with_context(show)?;
    let size = file.as_file().metadata()?.len();
    file.persist_noclobber(&path)
        .map_err(|error| error.error)
        .with_context(show)?;
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .with_context(show)?;
    Ok(Done {
        path,
        head,
        size,
        source,
    })
}

/// Refuses when a folder's file system has less room.
pub(super) fn has_room(folder: &Path, needs: u64) -> Result<()> {
    let found = rustix::fs::statvfs(folder)?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let mebibytes = |bytes: u64| bytes.div_ceil(1024 * 1024);
    ensure!(
        free >= needs,
        "it needs {} MiB, and {} MiB are free in {}",
        mebibytes(needs),
        mebibytes(free),
        folder.display()
    );
    Ok(())
}

fn head_of(taken: &PictureTaken, source: &Source) -> Head {
    let amount = source.amount();
    Head {
        format: BACKUP_FORMAT,
        state_format: taken.state_format,
        written_by: concat!("portlama ", env!("CARGO_PKG_VERSION")).to_owned(),
        created_at: taken.at,
        server_id: taken.server_id,
        address: taken.address,
        domain: taken.domain.clone(),
        files: amount.files,
        bytes: amount.bytes,
    }
}

fn name_of(taken: &PictureTaken) -> String {
    let address = || taken.address.to_string().replace(':', "-");
    let name = taken
        .domain
        .as_ref()
        .map_or_else(address, ToString::to_string);
    format!("portlama-{name}-{}.age", compact(taken.at))
}

/// A time as part of a file's name: `20270203T080000Z`.
pub(super) fn compact(at: Timestamp) -> String {
    let text = at.to_string();
    let seconds = text
        .split('.')
        .next()
        .unwrap_or(&text)
        .trim_end_matches('Z');
    format!("{}Z", seconds.replace(['-', ':'], ""))
}

fn report(done: &Done, output: Output) {
    let left_out = &done.source.left_out;
    if output.is_json() {
        output.document(&json!({
            "backup": done.path,
            "size": done.size,
            "createdAt": done.head.created_at,
            "files": done.head.files,
            "bytes": done.head.bytes,
            "leftOut": done.source.left_out_count,
            "leftOutFiles": left_out,
        }));
        return;
    }
    output.data(format_args!("backup  {}", done.path.display()));
    output.data(format_args!("shows   {}", done.head.created_at));
    output.data(format_args!("files   {}", done.head.files));
    if !left_out.is_empty() {
        output.note(format_args!(
            "left out, because the server does not serve them: {} files, such as {}",
            done.source.left_out_count,
            left_out.join(", ")
        ));
    }
    output.note(format_args!(
        "next: check it with `portlama server backup --verify {}`, and keep a copy away from this machine",
        done.path.display()
    ));
}

async fn verify(file: PathBuf, key: KeyArguments, output: Output) -> Result<ExitCode> {
    let failed = format!("{} cannot be restored", file.display());
    let opens = keys::key(key.identity.as_deref(), key.passphrase_file.as_deref())?;
    let checked = until_stopped(move |stop| {
        let input = File::open(&file).context("it cannot be read")?;
        let input = BufReader::new(input);
        let meter = RefCell::new(Meter::new(stop, output));
        let head = check(
            input,
            &opens,
            &mut |head| {
                meter.borrow_mut().expect(head.amount());
                Ok(())
            },
            &mut |done| meter.borrow_mut().step(done),
        )?;
        Ok(head)
    });
    let head = checked.await.with_context(|| failed)?;
    if output.is_json() {
        output.document(&json!({ "good": true, "head": head }));
        return Ok(ExitCode::SUCCESS);
    }
    let name = head.domain.as_ref().map(ToString::to_string);
    output.data(format_args!(
        "good    every file in it is what was put into it"
    ));
    output.data(format_args!(
        "server  {} at {}",
        name.unwrap_or_else(|| "no domain yet".to_owned()),
        head.address
    ));
    output.data(format_args!("shows   {}", head.created_at));
    output.data(format_args!("files   {}", head.files));
    output.data(format_args!("made by {}", head.written_by));
    Ok(ExitCode::SUCCESS)
}
