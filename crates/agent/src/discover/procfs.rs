//! Linux: the tables of `/proc`.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::proc_net::{command_line, listening_sockets, socket_inode};
use super::sockets::{Listener, Process, Sockets};

/// The largest table of connections that is read, octets: some 400,000 connections.
const MAX_TABLE_BYTES: u64 = 64 * 1024 * 1024;
/// The most that is read of one process' command line, octets.
const MAX_COMMAND_BYTES: u64 = 4096;
// It holds sockets for services it starts later, and is named only where nobody else has the
// socket.
const INIT: u32 = 1;

/// The proc file system.
#[derive(Debug, Clone)]
pub struct ProcFs {
    root: PathBuf,
}

impl Default for ProcFs {
    fn default() -> Self {
        Self {
            root: PathBuf::from("/proc"),
        }
    }
}

impl Sockets for ProcFs {
    fn listening(&self) -> io::Result<Vec<Listener>> {
        let mut entries = listening_sockets(&read(&self.root.join("net/tcp"), MAX_TABLE_BYTES)?);
        match read(&self.root.join("net/tcp6"), MAX_TABLE_BYTES) {
            Ok(table) => entries.extend(listening_sockets(&table)),
            // A kernel without IPv6 has no such table.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let owners = self.owners(entries.iter().map(|entry| entry.inode))?;
        let listener = |entry: super::proc_net::TcpEntry| Listener {
            address: entry.address,
            process: owners.get(&entry.inode).cloned().flatten(),
        };
        Ok(entries.into_iter().map(listener).collect())
    }
}

impl ProcFs {
    /// For each socket the process that has it: the oldest, which is the master of its workers.
    /// Processes of other users keep theirs to themselves.
    fn owners(
        &self,
        inodes: impl Iterator<Item = u64>,
    ) -> io::Result<HashMap<u64, Option<Process>>> {
        let mut owners: HashMap<u64, Option<Process>> = inodes.map(|inode| (inode, None)).collect();
        let mut missing = owners.len();
        for pid in self.processes()? {
            if missing == 0 {
                break;
            }
            let folder = self.root.join(pid.to_string());
            let Ok(descriptors) = fs::read_dir(folder.join("fd")) else {
                continue;
            };
            let mut process = None;
            for descriptor in descriptors.flatten() {
                let Ok(link) = fs::read_link(descriptor.path()) else {
                    continue;
                };
                let owner = socket_inode(link.as_os_str().as_bytes())
                    .and_then(|inode| owners.get_mut(&inode))
                    .filter(|owner| owner.is_none());
                if let Some(owner) = owner {
                    let process = process.get_or_insert_with(|| describe(pid, &folder));
                    *owner = Some(process.clone());
                    missing -= 1;
                }
            }
        }
        Ok(owners)
    }

    /// The oldest first, and [`INIT`] last.
    fn processes(&self) -> io::Result<Vec<u32>> {
        let names = fs::read_dir(&self.root)?.flatten();
        let mut pids: Vec<u32> = names
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect();
        pids.sort_unstable_by_key(|pid| (*pid == INIT, *pid));
        Ok(pids)
    }
}

/// A process that ends meanwhile keeps its number and loses its name.
fn describe(pid: u32, folder: &Path) -> Process {
    let name = read(&folder.join("comm"), MAX_COMMAND_BYTES).unwrap_or_default();
    let command = read(&folder.join("cmdline"), MAX_COMMAND_BYTES).unwrap_or_default();
    Process {
        pid,
        name: String::from_utf8_lossy(&name).trim_end().to_owned(),
        command: command_line(&command),
    }
}

fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut octets)?;
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A proc file system with one listening socket, 4711, that these processes have.
    fn machine(processes: &[(u32, &str)]) -> (tempfile::TempDir, ProcFs) {
        let dir = tempfile::tempdir().expect("temporary directory");
        let root = dir.path().to_owned();
        fs::create_dir(root.join("net")).expect("made");
        let table = "   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4711 1\n";
        fs::write(root.join("net/tcp"), table).expect("written");
        for (pid, name) in processes {
            let folder = root.join(pid.to_string());
            fs::create_dir_all(folder.join("fd")).expect("made");
            fs::write(folder.join("comm"), format!("{name}\n")).expect("written");
            fs::write(folder.join("cmdline"), format!("/bin/{name}\0--x\0")).expect("written");
            symlink("/dev/null", folder.join("fd/0")).expect("linked");
            symlink("socket:[4711]", folder.join("fd/3")).expect("linked");
        }
        (dir, ProcFs { root })
    }

    fn owner(processes: &[(u32, &str)]) -> Option<Process> {
        let (_dir, proc) = machine(processes);
        let mut found = proc.listening().expect("readable");
        assert_eq!(found.len(), 1);
        found.remove(0).process
    }

    #[test]
    fn the_master_is_named_and_not_its_workers_or_init() {
        let found = owner(&[(1, "systemd"), (4243, "nginx"), (977, "nginx")]).expect("owned");
        assert_eq!((found.pid, found.name.as_str()), (977, "nginx"));
        assert_eq!(found.command, ["/bin/nginx", "--x"]);
        assert_eq!(owner(&[(1, "systemd")]).map(|process| process.pid), Some(1));
    }

    #[test]
    fn a_socket_without_a_visible_owner_is_told_all_the_same() {
        assert_eq!(owner(&[]), None);
    }
}
