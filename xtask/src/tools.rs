//! Programs from outside that the tests and measurements drive, and how they get here.

use std::process::Command;

use anyhow::{Result, bail};

use crate::shell::{exists, run};

/// A program and the Debian package that holds it.
pub struct Tool {
    pub program: &'static str,
    pub package: &'static str,
}

/// What the whole-system tests drive.
pub const FOR_TESTS: &[Tool] = &[
    Tool {
        program: "curl",
        package: "curl",
    },
    Tool {
        program: "jq",
        package: "jq",
    },
    Tool {
        program: "openssl",
        package: "openssl",
    },
    Tool {
        program: "chromium",
        package: "chromium",
    },
    Tool {
        program: "certutil",
        package: "libnss3-tools",
    },
    Tool {
        program: "ip",
        package: "iproute2",
    },
    Tool {
        program: "nft",
        package: "nftables",
    },
    Tool {
        program: "mkfs.ext4",
        package: "e2fsprogs",
    },
    Tool {
        program: "pebble",
        package: "pebble",
    },
    Tool {
        program: "pebble-challtestsrv",
        package: "pebble",
    },
    Tool {
        program: "dbus-daemon",
        package: "dbus",
    },
    Tool {
        program: "gnome-keyring-daemon",
        package: "gnome-keyring",
    },
    Tool {
        program: "secret-tool",
        package: "libsecret-tools",
    },
];

/// What makes and boots a machine with a systemd of its own.
pub const FOR_MACHINE: &[Tool] = &[
    Tool {
        program: "debootstrap",
        package: "debootstrap",
    },
    Tool {
        program: "systemd-nspawn",
        package: "systemd-container",
    },
    Tool {
        program: "dpkg-scanpackages",
        package: "dpkg-dev",
    },
    Tool {
        program: "ip",
        package: "iproute2",
    },
    Tool {
        program: "nft",
        package: "nftables",
    },
    Tool {
        program: "curl",
        package: "curl",
    },
    Tool {
        program: "openssl",
        package: "openssl",
    },
    Tool {
        program: "pebble",
        package: "pebble",
    },
    Tool {
        program: "pebble-challtestsrv",
        package: "pebble",
    },
];

/// What packs a release and checks it.
pub const FOR_DIST: &[Tool] = &[
    Tool {
        program: "dpkg-deb",
        package: "dpkg",
    },
    Tool {
        program: "shellcheck",
        package: "shellcheck",
    },
    Tool {
        program: "tar",
        package: "tar",
    },
    Tool {
        program: "gzip",
        package: "gzip",
    },
];

/// What the measurements drive.
pub const FOR_BENCH: &[Tool] = &[
    Tool {
        program: "nginx",
        package: "nginx-light",
    },
    Tool {
        program: "h2load",
        package: "nghttp2-client",
    },
    Tool {
        program: "curl",
        package: "curl",
    },
    Tool {
        program: "openssl",
        package: "openssl",
    },
];

/// Makes sure the tools are there: installs the missing ones where this may be done, and
/// otherwise says in one line what to install.
pub fn ensure(tools: &[Tool]) -> Result<()> {
    let missing: Vec<&str> = tools
        .iter()
        .filter(|tool| !exists(tool.program))
        .map(|tool| tool.package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !exists("apt-get") || !is_root() {
        bail!(
            "missing programs: install the packages {} and run again",
            missing.join(" ")
        );
    }
    println!("installing {}", missing.join(" "));
    // The tests start their own servers; a package must not start one of its own.
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("RUNLEVEL", "1")
            .args(["-q", "-o", "DPkg::Lock::Timeout=900"])
            .args(arguments);
        run(&mut command)
    };
    apt(&["update"])?;
    let mut install = vec!["install", "-y", "--no-install-recommends"];
    install.extend(&missing);
    apt(&install)
}

/// Whether this runs with all rights.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}
