//! What no lint sees: the arrows between the crates, sizes, words that do not belong.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::shell::{output, root};

/// The floors of the house, lowest first. A crate may use crates of lower floors only:
/// rooms on one floor do not know each other.
const FLOORS: &[&[&str]] = &[
    &["portlama-model"],
    &[
        "portlama-pki",
        "portlama-auth",
        "portlama-tunnel-proto",
        "portlama-dial",
        "portlama-files",
        "portlama-control-socket",
    ],
    &["portlama-access", "portlama-credentials"],
    &[
        "portlama-api",
        "portlama-state",
        "portlama-tunnel",
        "portlama-acme",
    ],
    &["portlama-control", "portlama-backup"],
    &[
        "portlama-edge",
        "portlama-portal",
        "portlama-panel",
        "portlama-agent",
        "portlama-host",
        "portlama-cloud",
    ],
    &["portlama"],
];

/// Crates in which nothing may read a socket, a file or a clock: what must be absent from
/// their dependencies.
const PURE: &[&str] = &[
    "portlama-model",
    "portlama-pki",
    "portlama-auth",
    "portlama-tunnel-proto",
    "portlama-access",
];
const IMPURE: &[&str] = &[
    "tokio", "hyper", "axum", "rusqlite", "rustix", "socket2", "mio",
];

/// The most lines a source file may have before it surely holds two topics.
const MAX_LINES: usize = 700;
/// Written by programs, so nobody reads them from top to bottom.
const GENERATED: &[&str] = &["ui/src/api/schema.ts"];

/// Promises in code that belong into an issue.
const MARKS: &[&str] = &[
    "TO\u{44}O",
    "FIX\u{4d}E",
    "X\u{58}X",
    "unimplemented\u{21}(",
    "todo\u{21}(",
];

/// Runs every check and reports all findings at once.
pub fn run() -> Result<()> {
    let mut findings = arrows()?;
    findings.extend(sources()?);
    findings.extend(crate::limits::check()?);
    for finding in &findings {
        eprintln!("tidy: {finding}");
    }
    if !findings.is_empty() {
        bail!("{} findings", findings.len());
    }
    println!("tidy: arrows, sizes and words are fine");
    Ok(())
}

fn arrows() -> Result<Vec<String>> {
    let metadata = MetadataCommand::new()
        .current_dir(root())
        .no_deps()
        .exec()
        .context("cannot ask cargo for the workspace")?;
    let floors: BTreeMap<&str, usize> = FLOORS
        .iter()
        .enumerate()
        .flat_map(|(floor, rooms)| rooms.iter().map(move |room| (*room, floor)))
        .collect();
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let Some(&floor) = floors.get(name) else {
            if !matches!(name, "xtask" | "portlama-testkit") {
                findings.push(format!("{name} stands on no floor: add it to FLOORS"));
            }
            continue;
        };
        for dependency in package
            .dependencies
            .iter()
            .filter(|d| d.kind != DependencyKind::Development)
        {
            let used = dependency.name.as_str();
            match floors.get(used) {
                Some(&below) if below >= floor => {
                    findings.push(format!("{name} uses {used}, which is not below it"));
                }
                None if used == "portlama-testkit" => {
                    findings.push(format!("{name} uses {used} outside its tests"));
                }
                _ => {}
            }
            if PURE.contains(&name) && IMPURE.contains(&used) {
                findings.push(format!("{name} is pure and must not use {used}"));
            }
        }
    }
    Ok(findings)
}

fn sources() -> Result<Vec<String>> {
    let listing = output(
        std::process::Command::new("git")
            .current_dir(root())
            .args(["ls-files", "*.rs", "*.mjs", "*.ts", "*.tsx", "*.sh"]),
    )?;
    let mut findings = Vec::new();
    for file in listing.lines().filter(|file| !GENERATED.contains(file)) {
        let path = root().join(file);
        if path.is_file() {
            findings.extend(source(file, &path)?);
        }
    }
    Ok(findings)
}

fn source(name: &str, path: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    let mut findings = Vec::new();
    let lines = text.lines().count();
    if lines > MAX_LINES {
        findings.push(format!(
            "{name} has {lines} lines, more than {MAX_LINES}: split it"
        ));
    }
    for (number, line) in text.lines().enumerate() {
        if let Some(mark) = MARKS.iter().find(|mark| line.contains(**mark)) {
            findings.push(format!("{name}:{}: {mark}", number + 1));
        }
    }
    Ok(findings)
}
