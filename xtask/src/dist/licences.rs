//! Notices: the licence texts of everything that is in the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, Package, PackageId};

use crate::demo;
use crate::shell::{output, root};

const HEAD: &str = "The program contains parts of these packages, each under its own licence.";
/// The texts that a package may bring, by the beginning of their names.
const NAMES: [&str; 6] = [
    "license",
    "licence",
    "copying",
    "notice",
    "unlicense",
    "copyright",
];
/// The texts for packages that name their licence and bring no text: the first that fits.
const OWN_TEXTS: [(&str, &str); 2] = [("Apache-2.0", "LICENSE-APACHE"), ("MIT", "LICENSE-MIT")];

/// Writes the notices of Rust's packages and, behind them, those of the web panel's.
pub fn write(folder: &Path) -> Result<PathBuf> {
    let mut parts = vec![HEAD.to_owned()];
    parts.push(
        "The Rust standard library\nLicence: MIT OR Apache-2.0\nCopyright: The Rust Project \
         contributors"
            .to_owned(),
    );
    let packages = packages()?;
    let mut told = BTreeMap::new();
    for package in &packages {
        parts.push(describe(package, &mut told)?);
    }
    println!("notices of {} packages of Rust", packages.len());
    let panel = root().join("ui/dist/licences.txt");
    parts.push(
        fs::read_to_string(&panel)
            .with_context(|| format!("the web panel was built without {}", panel.display()))?,
    );
    let notices = folder.join("licences.txt");
    let line = format!("\n\n{}\n\n", "-".repeat(72));
    fs::write(&notices, parts.join(&line)).context("cannot write the notices")?;
    Ok(notices)
}

/// Every foreign package whose code is linked into the program, macros apart: they are no part
/// of it.
fn packages() -> Result<Vec<Package>> {
    let host = output(std::process::Command::new("rustc").arg("-vV"))?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: "));
    let metadata = MetadataCommand::new()
        .current_dir(root())
        .features(CargoOpt::SomeFeatures(vec![format!(
            "portlama/{}",
            demo::RELEASE_FEATURES
        )]))
        .other_options(vec![
            "--locked".to_owned(),
            "--filter-platform".to_owned(),
            host.context("rustc does not say its host")?.to_owned(),
        ])
        .exec()
        .context("cannot ask cargo for the packages")?;
    let linked = linked(&metadata)?;
    let foreign = metadata.packages.into_iter();
    let foreign =
        foreign.filter(|package| package.source.is_some() && linked.contains(&package.id));
    let mut foreign: Vec<Package> = foreign.collect();
    foreign.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    Ok(foreign)
}

fn linked(metadata: &Metadata) -> Result<BTreeSet<PackageId>> {
    let packages: BTreeMap<_, _> = metadata.packages.iter().map(|p| (&p.id, p)).collect();
    let graph = metadata.resolve.as_ref().context("cargo tells no graph")?;
    let nodes: BTreeMap<_, _> = graph.nodes.iter().map(|node| (&node.id, node)).collect();
    let program = metadata.packages.iter().find(|p| *p.name == "portlama");
    let mut waiting = vec![&program.context("there is no package portlama")?.id];
    let mut linked = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        let is_macro = packages
            .get(id)
            .is_some_and(|p| p.targets.iter().any(|target| target.is_proc_macro()));
        if is_macro || !linked.insert(id.clone()) {
            continue;
        }
        let dependencies = nodes.get(id).map_or(&[][..], |node| &node.deps);
        let normal = dependencies.iter().filter(|dependency| {
            let mut kinds = dependency.dep_kinds.iter();
            kinds.any(|info| info.kind == DependencyKind::Normal)
        });
        waiting.extend(normal.map(|dependency| &dependency.pkg));
    }
    Ok(linked)
}

/// `told` has the texts that stand above already, by whom: most packages bring the same two.
fn describe(package: &Package, told: &mut BTreeMap<String, String>) -> Result<String> {
    let (name, version) = (&package.name, &package.version);
    let licence = package.license.as_deref();
    let licence = licence.with_context(|| format!("{name} {version} names no licence"))?;
    let mut part = vec![format!("{name} {version}\nLicence: {licence}")];
    let folder = package.manifest_path.parent().context("a folder")?;
    let texts = texts(folder.as_std_path())?;
    if texts.is_empty() {
        let known = OWN_TEXTS.iter().find(|(id, _)| licence.contains(id));
        let (_, file) = known.with_context(|| {
            format!("{name} {version} ({licence}) brings no text, and none is known here")
        })?;
        let text = fs::read_to_string(root().join(file))?;
        // The text is everybody's, the line of who holds the rights is ours.
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("Copyright (c)"));
        let authors = match package.authors.is_empty() {
            true => format!("the authors of {name}"),
            false => package.authors.join(", "),
        };
        let text: Vec<_> = lines.collect();
        let text = text.join("\n");
        part.push(format!("Copyright: {authors}\n\n{}", text.trim()));
    }
    for file in texts {
        let text = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let text = String::from_utf8_lossy(&text).trim().to_owned();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        part.push(match told.get(&text) {
            Some(above) => format!("{name}: the same text as that of {above}"),
            None => text.clone(),
        });
        let this = format!("{} {version}, {name}", package.name);
        told.entry(text).or_insert(this);
    }
    Ok(part.join("\n\n"))
}

fn texts(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = vec![];
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?
    {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if NAMES.iter().any(|known| name.starts_with(known)) && entry.path().is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}
