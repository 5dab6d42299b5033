//! The power goes: what was acknowledged is on the disk, and everything there can be read.
//!
//! The state lies in an ext4 file system inside an image file. What the server synced is in the
//! image; what it only wrote is in the kernel's memory. So the server is killed, which leaves
//! nobody who could sync, and the image is copied as it is: the copy is the disk after the cut,
//! and its file system is mounted for the next round. Nothing is frozen or unmounted before the
//! copy, because that would write down what a cut takes away.
//!
//! In a mount namespace of its own: however the test ends, the kernel takes mounts and loop
//! devices back with it.
// Measured times are shown with `--nocapture`.
#![allow(clippy::print_stderr)]

mod common;
#[path = "common/ledger.rs"]
mod ledger;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use ledger::Ledger;
use portlama_testkit::{EVERYTHING, Server};

/// Set for the copy of this test that runs inside the namespace.
const INSIDE: &str = "PORTLAMA_TEST_INSIDE_MOUNTS";
const IMAGE_BYTES: u64 = 96 << 20;
/// Two at the same time, so that one's syncs meet the other's half-done change.
const WRITERS: u16 = 2;
/// A file beside the state that nobody syncs.
const UNSYNCED: &str = "unsynced";

#[test]
fn no_acknowledged_change_is_lost_when_the_power_goes() -> Result<()> {
    if std::env::var_os(INSIDE).is_some() {
        return cut_and_look();
    }
    if let Some(why) = cannot_mount()? {
        if std::env::var_os(EVERYTHING).is_some() {
            bail!("no file system can be mounted here: {why}");
        }
        // Past the test harness, which would keep it to itself.
        writeln!(std::io::stderr(), "skipped: nothing can be mounted: {why}")?;
        return Ok(());
    }
    let inside = private_mounts()
        .arg(std::env::current_exe()?)
        .args([
            "--exact",
            "no_acknowledged_change_is_lost_when_the_power_goes",
            "--nocapture",
        ])
        .env(INSIDE, "1")
        .output()?;
    let said = String::from_utf8_lossy(&inside.stderr).into_owned();
    ensure!(inside.status.success(), "{said}");
    eprintln!("{said}");
    Ok(())
}

fn private_mounts() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "--"]);
    command
}

/// Why not, found out by doing it.
fn cannot_mount() -> Result<Option<String>> {
    let folder = tempfile::tempdir()?;
    let image = folder.path().join("image");
    if let Err(error) = make_file_system(&image, 4 << 20) {
        return Ok(Some(format!("{error:#}")));
    }
    let output = private_mounts()
        .args(["mount", "-o", "loop"])
        .arg(&image)
        .arg(folder.path())
        .output();
    Ok(match output {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(error.to_string()),
    })
}

fn cut_and_look() -> Result<()> {
    let rounds: u16 = if std::env::var_os("PORTLAMA_TEST_LONG").is_some() {
        60
    } else {
        6
    };
    let binary = common::binary();
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("log");
    let mut disk = Disk::make(folder.path())?;
    Server::init(&binary, &disk.state_dir())?;
    let ledger = Ledger::new(&Server::start(&binary, &disk.state_dir(), &log)?)?;
    let (mut changes, mut forgetful) = (0, 0);
    for round in 0..rounds {
        let server = Server::start(&binary, &disk.state_dir(), &log)?;
        ledger
            .check(&server)
            .with_context(|| format!("after {round} cuts"))?;
        let moment = Duration::from_millis((u64::from(round) * 67) % 480);
        changes += write_until_killed(server, &ledger, round, moment)?;
        disk = disk.cut()?;
        forgetful += u16::from(!disk.at.join(UNSYNCED).exists());
    }
    let server = Server::start(&binary, &disk.state_dir(), &log)?;
    ledger.check(&server)?;
    let log = std::fs::read_to_string(&log)?;
    ensure!(!log.contains("panicked"), "{log}");
    ensure!(changes >= u64::from(rounds), "{changes} changes");
    // Somebody else on this machine may have asked the kernel to sync all file systems.
    ensure!(
        forgetful > rounds / 2,
        "what was not synced survived {} of {rounds} cuts: these are none",
        rounds - forgetful
    );
    eprintln!("{rounds} power cuts, {changes} acknowledged changes, none lost");
    Ok(())
}

/// The number of changes acknowledged before the server is killed, `moment` after the first.
fn write_until_killed(
    server: Server,
    ledger: &Ledger,
    round: u16,
    moment: Duration,
) -> Result<u64> {
    let (first, begun) = mpsc::channel();
    let changes = std::thread::scope(|scope| {
        let (server, first) = (&server, &first);
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let prefix = format!("r{round}w{writer}");
                let port = 2000 + (round * WRITERS + writer) * 200;
                scope.spawn(move || ledger.write(server, &prefix, port, first))
            })
            .collect();
        begun
            .recv_timeout(Duration::from_secs(30))
            .expect("a change");
        std::thread::sleep(moment);
        common::kill_nine(server.pid());
        let counts = writers.into_iter().map(|writer| writer.join());
        counts.map(|count| count.expect("no panic")).sum()
    });
    // It is reaped, and so all its calls have ended, before the disk is copied.
    server.kill()?;
    Ok(changes)
}

/// A mounted image, unmounted when dropped.
struct Disk {
    folder: PathBuf,
    number: u32,
    at: PathBuf,
}

impl Disk {
    fn make(folder: &Path) -> Result<Self> {
        make_file_system(&image(folder, 0), IMAGE_BYTES)?;
        Self::mount(folder, 0)
    }

    /// As unkind as ext4 gets: names are not kept back until their content is there, a rename
    /// does not write the content by itself, and the kernel's own timer writes nothing between
    /// the kill and the copy.
    fn mount(folder: &Path, number: u32) -> Result<Self> {
        let at = folder.join(format!("disk-{number}"));
        std::fs::create_dir(&at)?;
        let options = "loop,data=writeback,noauto_da_alloc,commit=600";
        let mut mount = Command::new("mount");
        mount.args(["-t", "ext4", "-o", options]);
        run(mount.arg(image(folder, number)).arg(&at))?;
        Ok(Self {
            folder: folder.to_owned(),
            number,
            at,
        })
    }

    fn state_dir(&self) -> PathBuf {
        self.at.join("state")
    }

    /// The disk after a power cut at this moment. Mounting replays its journal.
    fn cut(self) -> Result<Self> {
        std::fs::write(self.at.join(UNSYNCED), "written, not synced")?;
        let after = self.number + 1;
        std::fs::copy(image(&self.folder, self.number), image(&self.folder, after))?;
        let (folder, used_up) = (self.folder.clone(), image(&self.folder, self.number));
        drop(self);
        std::fs::remove_file(used_up)?;
        Self::mount(&folder, after)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.at).output();
        let _ = std::fs::remove_dir(&self.at);
    }
}

fn image(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("image-{number}"))
}

fn make_file_system(image: &Path, bytes: u64) -> Result<()> {
    std::fs::File::create(image)?.set_len(bytes)?;
    // Everything is written now, and not by the kernel while the test runs.
    let mut make = Command::new("mkfs.ext4");
    make.args(["-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"]);
    run(make.arg(image))
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{command:?}: {said}");
    Ok(())
}
