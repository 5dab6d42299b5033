//! The program as a Debian package brings it: dpkg's file, which apt replaces and nobody else.

use std::path::Path;

/// Where the package has the program.
pub const PACKAGED_PROGRAM: &str = "/usr/bin/portlama";

/// What dpkg knows of the package's files, one a line (dpkg-query(1), `--listfiles`).
const FILES: &str = "/var/lib/dpkg/info/portlama.list";

/// Whether a program belongs to the installed package `portlama`.
#[must_use]
pub fn belongs_to_package(program: &Path) -> bool {
    program == Path::new(PACKAGED_PROGRAM)
        && std::fs::read_to_string(FILES)
            .is_ok_and(|files| files.lines().any(|line| line == PACKAGED_PROGRAM))
}
