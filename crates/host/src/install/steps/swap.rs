//! A reserve for moments in which memory is short: 1 GiB, where there is none.

use std::time::Duration;

use crate::install::facts::{Facts, Swap};
use crate::install::plan::{Action, Work};
use crate::install::program::Program;

pub(in crate::install) const UNIT: &str = "/etc/systemd/system/swapfile.swap";
pub(in crate::install) const FILE: &str = "/swapfile";
const UNIT_TEXT: &str = include_str!("../files/swapfile.swap");
/// Space that must be left when the file is there, MiB.
const REST_MIB: u64 = 2048;
const SIZE_MIB: u64 = 1024;
/// A slow disk writes 10 MiB a second.
const WRITE_LIMIT: Duration = Duration::from_secs(120);

pub(in crate::install) fn work(facts: &Facts) -> Work {
    if let Some(kind) = &facts.container {
        return Work::Skip(format!(
            "this machine is a container ({kind}), and swap is its host's"
        ));
    }
    match facts.swap {
        Swap::Some => return Work::Nothing,
        Swap::Unsuited => {
            return Work::Skip("swap needs a file on ext4 or xfs, and / is neither".to_owned());
        }
        Swap::None => {}
    }
    if facts.free_disk_mib < REST_MIB + SIZE_MIB {
        return Work::Skip(format!(
            "{} MiB of disk are left, too few for a file of {SIZE_MIB}",
            facts.free_disk_mib
        ));
    }
    let fill = format!("dd if=/dev/zero of=/swapfile bs=1M count={SIZE_MIB} conv=notrunc,fsync");
    Work::Do(vec![
        // What was in memory is nobody's to read: closed first, then filled.
        Action::File {
            path: FILE,
            text: String::new(),
        },
        Action::run("chmod 0600 /swapfile"),
        Action::Run(Program::new(&fill).within(WRITE_LIMIT)),
        Action::run("mkswap /swapfile"),
        Action::File {
            path: UNIT,
            text: UNIT_TEXT.to_owned(),
        },
        Action::run("systemctl daemon-reload"),
        Action::run("systemctl enable --now swapfile.swap"),
    ])
}
