//! The suite `browser`: Chromium at the pages of real servers (`tests/browser`).
//!
//! It runs twice: on loopback, and in a network namespace whose one address is no loopback
//! address, because limits and identities depend on where somebody comes from.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell::{self, cargo, exists, root};
use crate::{demo, tools};

/// Chromium asks a person which client certificate to show, and reads the answer of those who
/// manage a machine from one place alone. In a mount namespace, that place is ours.
const IN_NAMESPACE: &str = r#"
    set -e
    mount -t tmpfs portlama-test /etc/chromium
    mkdir -p /etc/chromium/policies/managed
    printf '%s' '{"AutoSelectCertificateForUrls":["{\"pattern\":\"*\",\"filter\":{}}"]}' \
        > /etc/chromium/policies/managed/portlama-test.json
    if [ -n "$PORTLAMA_TEST_ADDRESS" ]; then
        ip link set lo up
        ip address add "$PORTLAMA_TEST_ADDRESS/32" dev lo
    fi
    exec node "$@"
"#;
/// Of the block for documentation (RFC 5737): nobody is there.
const OTHER_ADDRESS: &str = "192.0.2.10";
/// Two files at a time, because each waits now and then, for a one-time code or an end; and at
/// most so many milliseconds a step, of which the slowest takes one minute.
const OF_TESTS: &[&str] = &[
    "--test",
    "--test-reporter=spec",
    "--test-concurrency=2",
    "--test-timeout=240000",
];

/// The pictures that README and guide show.
const IN_DOCS: &[(&str, &str)] = &[
    ("dashboard-laptop-light.png", "dashboard.png"),
    ("onboarding-dns-laptop-light.png", "dns.png"),
    ("tunnel-not-allowed-laptop-light.png", "new-tunnel.png"),
    ("site-laptop-dark.png", "site.png"),
    ("certificates-laptop-light.png", "certificates.png"),
    ("services-laptop-dark.png", "logs.png"),
];

/// Everything on loopback, then the panel's part from the other address.
pub fn test() -> Result<()> {
    let place = prepare()?;
    println!("on loopback");
    shell::run(
        place
            .tests(&[], &[])
            .env("PORTLAMA_SCREENSHOTS", screenshots_folder()?),
    )?;
    println!("from {OTHER_ADDRESS}");
    shell::run(
        place
            .tests(&["--net"], &["panel.test.mjs"])
            .env("PORTLAMA_TEST_ADDRESS", OTHER_ADDRESS),
    )
}

/// Pictures of every page, made by the tests on their way.
pub fn screenshots(write: bool) -> Result<()> {
    let folder = screenshots_folder()?;
    shell::run(
        prepare()?
            .tests(&[], &[])
            .env("PORTLAMA_SCREENSHOTS", &folder),
    )?;
    println!("pictures: {}", folder.display());
    if write {
        for (picture, name) in IN_DOCS {
            let (from, to) = (
                folder.join(picture),
                root().join("docs/screenshots").join(name),
            );
            std::fs::copy(&from, &to)
                .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
        }
    }
    Ok(())
}

/// Prints how soon the panel can be used, and how a long list scrolls.
pub fn speed() -> Result<()> {
    shell::run(&mut prepare()?.in_namespaces(&[], &["speed.mjs"]))
}

fn screenshots_folder() -> Result<PathBuf> {
    Ok(demo::target_directory()?.join("screenshots"))
}

/// What the tests drive, built.
struct Place {
    folder: PathBuf,
    binary: PathBuf,
    authority: PathBuf,
}

fn prepare() -> Result<Place> {
    tools::ensure(tools::FOR_TESTS)?;
    if !exists("node") {
        bail!("missing programs: install Node.js 20.19 or newer and run again");
    }
    let folder = root().join("tests/browser");
    install_packages(&folder)?;
    Ok(Place {
        folder,
        binary: demo::build_release()?,
        authority: build_authority()?,
    })
}

fn install_packages(folder: &Path) -> Result<()> {
    let arguments = [
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ];
    shell::run(Command::new("npm").current_dir(folder).args(arguments))
}

/// Pebble as one program.
fn build_authority() -> Result<PathBuf> {
    let name = "portlama-test-authority";
    shell::run(cargo().args([
        "build",
        "--locked",
        "--package",
        "portlama-testkit",
        "--bin",
        name,
    ]))?;
    let binary = demo::target_directory()?.join("debug").join(name);
    binary
        .is_file()
        .then_some(binary)
        .context("the build left no authority")
}

impl Place {
    /// Test files, all when none is named, in namespaces of their own.
    fn tests(&self, namespaces: &[&str], files: &[&str]) -> Command {
        self.in_namespaces(namespaces, &[OF_TESTS, files].concat())
    }

    /// `node`, where Chromium's choice of a certificate is made.
    fn in_namespaces(&self, namespaces: &[&str], arguments: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command
            .current_dir(&self.folder)
            .arg("--mount")
            .args(namespaces)
            .args(["sh", "-c", IN_NAMESPACE, "sh"])
            .args(arguments)
            .env_remove("PORTLAMA_TEST_ADDRESS")
            .env_remove("PORTLAMA_SCREENSHOTS")
            .env("PORTLAMA_BINARY", &self.binary)
            .env("PORTLAMA_TEST_AUTHORITY", &self.authority);
        command
    }
}
