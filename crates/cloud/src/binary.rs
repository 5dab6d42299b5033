//! The program that goes onto the server: ours, for Linux on x86-64.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// What `cargo xtask dist` calls the program for servers when it lies beside another one.
pub const SERVER_BINARY: &str = concat!("portlama-", env!("CARGO_PKG_VERSION"), "-x86_64-linux");
/// How an ELF file for x86-64 begins: magic, 64 bits, little endian, and the machine at its place.
const MAGIC: [u8; 6] = [0x7f, b'E', b'L', b'F', 2, 1];
/// Where the machine stands (System V ABI, ELF header `e_machine`), and its value for x86-64.
const MACHINE: (usize, [u8; 2]) = (18, [0x3e, 0]);
/// As much of a file as tells what it is, octets.
const HEAD_BYTES: usize = 20;

/// Why there is nothing to put onto the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BinaryError {
    /// The file cannot be read.
    #[error("cannot read `{}`: {reason}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It is something else.
    #[error("`{}` is no program for Linux on x86-64, which the server needs: give one with --server-binary", .0.display())]
    Other(PathBuf),
    /// None was given and none lies where it would be looked for.
    #[error("this program does not run on Linux on x86-64, and none that does lies in {}: get one and give it with --server-binary", places(.0))]
    None(Vec<PathBuf>),
}

fn places(places: &[PathBuf]) -> String {
    let names: Vec<_> = places
        .iter()
        .map(|p| format!("`{}`", p.display()))
        .collect();
    names.join(" or ")
}

/// Chooses the program: the one that was asked for, else `running` where that fits, else the one
/// beside it, else the one in `cache`.
///
/// # Errors
/// [`BinaryError`].
pub fn choose(asked: Option<&Path>, running: &Path, cache: &Path) -> Result<PathBuf, BinaryError> {
    if let Some(asked) = asked {
        check(asked)?;
        return Ok(asked.to_owned());
    }
    let beside = running.with_file_name(SERVER_BINARY);
    let places = [beside, cache.join(SERVER_BINARY)];
    let mut candidates = std::iter::once(running.to_owned()).chain(places.clone());
    candidates
        .find(|path| check(path).is_ok())
        .ok_or_else(|| BinaryError::None(places.to_vec()))
}

/// Whether a file is a program for Linux on x86-64.
///
/// # Errors
/// [`BinaryError`].
pub fn check(path: &Path) -> Result<(), BinaryError> {
    let unreadable = |error: std::io::Error| BinaryError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let mut head = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    let mut file = file.take(HEAD_BYTES as u64);
    file.read_to_end(&mut head).map_err(unreadable)?;
    match is_elf_x86_64(&head) {
        true => Ok(()),
        false => Err(BinaryError::Other(path.to_owned())),
    }
}

fn is_elf_x86_64(head: &[u8]) -> bool {
    let (at, machine) = MACHINE;
    head.starts_with(&MAGIC) && head.get(at..at + machine.len()) == Some(&machine)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(path: &Path, machine: u8) {
        let mut head = [0; 64];
        head[..6].copy_from_slice(&MAGIC);
        head[18] = machine;
        std::fs::write(path, head).expect("written");
    }

    #[test]
    fn the_first_that_fits_is_taken() {
        let dir = tempfile::tempdir().expect("a directory");
        let (bin, cache) = (dir.path().join("bin"), dir.path().join("cache"));
        std::fs::create_dir(&bin).expect("made");
        std::fs::create_dir(&cache).expect("made");
        let running = bin.join("portlama");
        program(&running, 0xb7);
        let none = choose(None, &running, &cache).expect_err("none fits");
        assert!(none.to_string().contains("--server-binary"), "{none}");
        program(&cache.join(SERVER_BINARY), 0x3e);
        let chosen = choose(None, &running, &cache);
        assert_eq!(chosen, Ok(cache.join(SERVER_BINARY)));
        program(&bin.join(SERVER_BINARY), 0x3e);
        let chosen = choose(None, &running, &cache);
        assert_eq!(chosen, Ok(bin.join(SERVER_BINARY)));
        program(&running, 0x3e);
        assert_eq!(choose(None, &running, &cache), Ok(running.clone()));
    }

    #[test]
    fn what_was_asked_for_is_taken_or_refused_and_never_replaced() {
        let dir = tempfile::tempdir().expect("a directory");
        let running = dir.path().join("portlama");
        program(&running, 0x3e);
        let script = dir.path().join("script");
        std::fs::write(&script, "#!/bin/sh\n").expect("written");
        let choice = choose(Some(&script), &running, dir.path());
        assert_eq!(choice, Err(BinaryError::Other(script)));
        let gone = dir.path().join("gone");
        let choice = choose(Some(&gone), &running, dir.path());
        assert!(matches!(choice, Err(BinaryError::Unreadable { .. })));
    }
}
