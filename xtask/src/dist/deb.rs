//! The Debian package: the program in `/usr/bin`, where apt replaces it. It holds no units: those
//! come by `portlama server install` or `portlama agent setup`, on machines that want them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Release, packaging, pages, place, reproducible};
use crate::shell::{root, run};

/// Packs it.
pub fn pack(release: &Release, made: &Path, notices: &Path) -> Result<PathBuf> {
    let tree = made.join("deb");
    place(&release.program, &tree, "usr/bin/portlama", 0o755)?;
    for page in pages::man(made)? {
        let name = page.file_name().unwrap_or_default().to_string_lossy();
        place_zipped(&page, &tree, &format!("usr/share/man/man1/{name}"))?;
    }
    for (name, to) in [
        ("portlama.bash", "bash-completion/completions/portlama"),
        ("portlama.fish", "fish/vendor_completions.d/portlama.fish"),
        ("_portlama", "zsh/vendor-completions/_portlama"),
    ] {
        let from = made.join("completions").join(name);
        place(&from, &tree, &format!("usr/share/{to}"), 0o644)?;
    }
    let doc = "usr/share/doc/portlama";
    let changes = root().join("CHANGELOG.md");
    place_zipped(&changes, &tree, &format!("{doc}/changelog"))?;
    place(notices, &tree, &format!("{doc}/licences.txt"), 0o644)?;
    let copyright = write(&made.join("copyright"), COPYRIGHT)?;
    place(&copyright, &tree, &format!("{doc}/copyright"), 0o644)?;

    for script in ["postinst", "prerm"] {
        let from = packaging("deb").join(script);
        place(&from, &tree, &format!("DEBIAN/{script}"), 0o755)?;
    }
    let control = write(&made.join("control"), &control(release, &tree)?)?;
    place(&control, &tree, "DEBIAN/control", 0o644)?;

    let name = format!("portlama_{}_{}.deb", release.version, architecture()?);
    let package = release.folder.join(name);
    let mut build = Command::new("dpkg-deb");
    build
        .args(["--root-owner-group", "-Zxz", "--build"])
        .args([&tree, &package])
        .env("SOURCE_DATE_EPOCH", reproducible::epoch()?.to_string());
    run(&mut build)?;
    Ok(package)
}

/// deb-control(5).
fn control(release: &Release, tree: &Path) -> Result<String> {
    let version = &release.version;
    let architecture = architecture()?;
    let kibibytes = octets_below(tree)?.div_ceil(1024);
    let depends = depends(&fs::read(&release.program)?)?;
    Ok(format!(
        "Package: portlama\n\
         Version: {version}\n\
         Architecture: {architecture}\n\
         Maintainer: The Portlama contributors\n\
         Installed-Size: {kibibytes}\n\
         Depends: {depends}\n\
         Section: net\n\
         Priority: optional\n\
         Description: secure tunnels from a public server to apps at home\n \
         Puts an app behind a router at an address of your own, with a sign-in in\n \
         between. One program is the server with the public address, its web panel,\n \
         and the agent at home.\n \
         .\n \
         Installing this starts nothing: 'portlama server install' makes a server of\n \
         the machine, 'portlama agent setup' connects it to one.\n"
    ))
}

/// The libraries that the program asks for, with the least version of glibc whose symbols it
/// names.
fn depends(program: &[u8]) -> Result<String> {
    let text = String::from_utf8_lossy(program);
    let versions = text.split("GLIBC_2.").skip(1).filter_map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().ok()
    });
    let newest = versions.max().context("the program names no glibc")?;
    let unwinder = match text.contains("libgcc_s.so.1") {
        true => ", libgcc-s1",
        false => "",
    };
    Ok(format!("libc6 (>= 2.{newest}){unwinder}"))
}

fn architecture() -> Result<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("amd64"),
        "aarch64" => Ok("arm64"),
        other => bail!("Debian's name for {other} is not known here"),
    }
}

fn octets_below(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        sum += match entry.file_type()?.is_dir() {
            true => octets_below(&entry.path())?,
            false => entry.metadata()?.len(),
        };
    }
    Ok(sum)
}

fn place_zipped(from: &Path, tree: &Path, to: &str) -> Result<()> {
    let to = place(from, tree, to, 0o644)?;
    run(Command::new("gzip").arg("-9n").arg(to))
}

fn write(to: &Path, text: &str) -> Result<PathBuf> {
    fs::write(to, text).with_context(|| format!("cannot write {}", to.display()))?;
    Ok(to.to_owned())
}

/// Debian's machine-readable form, version 1.0.
const COPYRIGHT: &str = "\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: portlama
Comment: what the program is made of stands in licences.txt beside this file

Files: *
Copyright: The Portlama contributors
License: MIT or Apache-2.0

License: Apache-2.0
 The text is in /usr/share/common-licenses/Apache-2.0.

License: MIT
 Permission is hereby granted, free of charge, to any person obtaining a copy
 of this software and associated documentation files (the \"Software\"), to deal
 in the Software without restriction, including without limitation the rights
 to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
 copies of the Software, and to permit persons to whom the Software is
 furnished to do so, subject to the following conditions:
 .
 The above copyright notice and this permission notice shall be included in all
 copies or substantial portions of the Software.
 .
 THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
 IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
 FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
 AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
 LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
 OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
 SOFTWARE.
";
