//! The suite `dist`: what is given to people, from the program that the other suites test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{Release, Signer, deb, licences, make, pages, reproducible, sha256};
use crate::shell::{output, root, run};
use crate::{machine, tools};

/// The tests' own key, which programs of tests believe.
const TEST_KEY: &str = "crates/testkit/fixtures/release-test.key";

/// Its public half, which no program of users may know.
const TEST_KEY_PUBLIC: &str = "crates/host/src/release/test-key.pub";

/// Packs, checks here, and installs on a machine.
pub fn test() -> Result<()> {
    tools::ensure(tools::FOR_DIST)?;
    scripts_are_portable()?;
    let key = fs::read_to_string(root().join(TEST_KEY)).context("cannot read the tests' key")?;
    let signer = Signer::unprotected(&key)?;
    let release = make(Some(&signer))?;
    names_no_folder_of_this_machine(&release.program)?;
    believes_no_key_of_tests(&release.program)?;
    signatures_hold(&release, &signer)?;
    sums_hold(&release)?;
    is_a_package(&release)?;
    packs_the_same_again(&release)?;
    installs(&release)
}

fn scripts_are_portable() -> Result<()> {
    run(Command::new("shellcheck").current_dir(root()).args([
        "packaging/install.sh",
        "packaging/deb/postinst",
        "packaging/deb/prerm",
    ]))
}

/// Else two people could not compare what they built.
fn names_no_folder_of_this_machine(program: &Path) -> Result<()> {
    let octets = fs::read(program)?;
    for (folder, _) in reproducible::folders()? {
        let folder = folder.to_string_lossy().into_owned();
        let found = octets
            .windows(folder.len())
            .any(|part| part == folder.as_bytes());
        ensure!(!found, "{folder} is in the program");
    }
    Ok(())
}

/// Whose secret half everybody can read.
fn believes_no_key_of_tests(program: &Path) -> Result<()> {
    let text = fs::read_to_string(root().join(TEST_KEY_PUBLIC))?;
    let key = text.lines().nth(1).context("the tests' key has no key")?;
    let octets = fs::read(program)?;
    let found = octets.windows(key.len()).any(|part| part == key.as_bytes());
    ensure!(!found, "the program believes releases of the tests' key");
    Ok(())
}

fn signatures_hold(release: &Release, signer: &Signer) -> Result<()> {
    for file in [release.program.clone(), release.folder.join("SHA256SUMS")] {
        let mut octets = fs::read(&file)?;
        ensure!(signer.holds(&file, &octets)?, "{}", file.display());
        let middle = octets.len() / 2;
        octets[middle] ^= 1;
        ensure!(!signer.holds(&file, &octets)?, "a changed octet is signed");
    }
    Ok(())
}

fn sums_hold(release: &Release) -> Result<()> {
    run(Command::new("sha256sum")
        .current_dir(&release.folder)
        .args(["--check", "--strict", "--quiet", "SHA256SUMS"]))?;
    let sums = fs::read_to_string(release.folder.join("SHA256SUMS"))?;
    ensure!(sums.lines().count() == 4, "{sums}");
    Ok(())
}

fn is_a_package(release: &Release) -> Result<()> {
    let package = file_ending(release, ".deb")?;
    let info = output(Command::new("dpkg-deb").arg("--info").arg(&package))?;
    for line in ["Package: portlama", "Depends: libc6 (>= 2."] {
        ensure!(info.contains(line), "no {line:?} in {info}");
    }
    let list = output(Command::new("dpkg-deb").arg("--contents").arg(&package))?;
    for file in [
        "-rwxr-xr-x root/root",
        " ./usr/bin/portlama\n",
        " ./usr/share/man/man1/portlama.1.gz\n",
        " ./usr/share/man/man1/portlama-server-install.1.gz\n",
        " ./usr/share/bash-completion/completions/portlama\n",
        " ./usr/share/zsh/vendor-completions/_portlama\n",
        " ./usr/share/fish/vendor_completions.d/portlama.fish\n",
        " ./usr/share/doc/portlama/copyright\n",
        " ./usr/share/doc/portlama/licences.txt\n",
    ] {
        ensure!(list.contains(file), "no {file:?} in {list}");
    }
    ensure!(!list.contains("/usr/local"), "{list}");
    Ok(())
}

/// The package once more, from the same program.
fn packs_the_same_again(release: &Release) -> Result<()> {
    let package = file_ending(release, ".deb")?;
    let before = sha256(&package)?;
    let pages = pages::write(&release.folder)?;
    let notices = licences::write(&release.folder)?;
    let again = deb::pack(release, &pages, &notices)?;
    fs::remove_dir_all(pages)?;
    ensure!(
        sha256(&again)? == before,
        "the same program was packed into another package"
    );
    Ok(())
}

/// On a machine with systemd: the package by dpkg, the archive by its script.
fn installs(release: &Release) -> Result<()> {
    let Some(mut command) = machine::on_machines(&["portlama"], "package")? else {
        return Ok(());
    };
    command
        .args(["--", "--test-threads", "1"])
        .env("PORTLAMA_DIST", &release.folder);
    run(&mut command)
}

fn file_ending(release: &Release, ending: &str) -> Result<PathBuf> {
    let mut files = fs::read_dir(&release.folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    let found = files.find(|path| path.to_string_lossy().ends_with(ending));
    found.with_context(|| format!("there is no {ending}"))
}
