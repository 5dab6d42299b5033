//! `docs/limits.md`: every limit with its value and its reason, read from the code.
//!
//! A limit is a documented constant of a number or a duration. The page is written by
//! `cargo xtask limits` and compared by `cargo xtask tidy`, so it cannot lie.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::shell::{output, root};

const PAGE: &str = "docs/limits.md";
const HEAD: &str = "# Limits\n\n\
Every limit of Portlama: its name in the code, its value and its reason. Written by `cargo xtask limits` \
from the constants and their comments; `cargo xtask tidy` fails when this page is stale.\n";

struct Limit {
    name: String,
    value: String,
    reason: String,
}

/// Writes the page.
pub fn write() -> Result<()> {
    let path = root().join(PAGE);
    std::fs::write(&path, page()?).with_context(|| format!("cannot write {}", path.display()))
}

/// Fails when the page does not say what the code says.
pub fn check() -> Result<Vec<String>> {
    let present = std::fs::read_to_string(root().join(PAGE)).unwrap_or_default();
    if present == page()? {
        return Ok(vec![]);
    }
    Ok(vec![format!("{PAGE} is stale: run `cargo xtask limits`")])
}

fn page() -> Result<String> {
    let listing = output(std::process::Command::new("git").current_dir(root()).args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "crates/*/src/*.rs",
        "apps/*/src/*.rs",
    ]))?;
    let mut files: Vec<&str> = listing
        .lines()
        .filter(|f| !f.starts_with("crates/testkit/"))
        .collect();
    files.sort_unstable();
    let mut page = HEAD.to_owned();
    let mut room = "";
    for file in files {
        let path = root().join(file);
        if !path.is_file() {
            continue;
        }
        let limits = limits_in(&path)?;
        if limits.is_empty() {
            continue;
        }
        let here = file.split("/src/").next().unwrap_or(file);
        if here != room {
            room = here;
            write!(
                page,
                "\n## {}\n\n| Limit | Value | Reason | File |\n|---|---|---|---|\n",
                here
            )?;
        }
        let short = file.rsplit("/src/").next().unwrap_or(file);
        for limit in limits {
            writeln!(
                page,
                "| `{}` | {} | {} | `{short}` |",
                limit.name, limit.value, limit.reason
            )?;
        }
    }
    if room.is_empty() {
        bail!("no limits were found: has the layout changed?");
    }
    Ok(page)
}

fn limits_in(path: &Path) -> Result<Vec<Limit>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let code = text
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default();
    let mut limits = Vec::new();
    let mut reason: Vec<&str> = Vec::new();
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if let Some(comment) = line.strip_prefix("///") {
            reason.push(comment.trim());
            continue;
        }
        if line.starts_with("#[") {
            continue;
        }
        if let Some(rest) = after_const(line) {
            let mut declaration = rest.to_owned();
            while !declaration.contains(';') {
                let Some(next) = lines.next() else { break };
                declaration.push(' ');
                declaration.push_str(next.trim());
            }
            limits.extend(limit(&declaration, &reason.join(" ")));
        }
        reason.clear();
    }
    Ok(limits)
}

fn after_const(line: &str) -> Option<&str> {
    let line = line
        .strip_prefix("pub(crate) ")
        .or_else(|| line.strip_prefix("pub(super) "))
        .unwrap_or(line);
    line.strip_prefix("pub ")
        .unwrap_or(line)
        .strip_prefix("const ")
}

/// `NAME: Type = value;` of a number or a duration, with a reason.
fn limit(declaration: &str, reason: &str) -> Option<Limit> {
    let (name, rest) = declaration.split_once(':')?;
    let (kind, value) = rest.split_once('=')?;
    let value = value.split(';').next()?.trim();
    let counts = matches!(
        kind.trim(),
        "Duration" | "usize" | "u8" | "u16" | "u32" | "u64" | "i32" | "i64" | "f64"
    );
    if !counts || reason.is_empty() {
        return None;
    }
    Some(Limit {
        name: name.trim().to_owned(),
        value: readable(name, kind.trim(), value),
        reason: reason.replace('|', "\\|"),
    })
}

fn readable(name: &str, kind: &str, value: &str) -> String {
    if kind == "Duration" {
        for (call, unit, scale) in [
            ("from_secs(", " s", 1),
            ("from_millis(", " ms", 1),
            ("from_mins(", " min", 1),
            ("from_hours(", " h", 1),
        ] {
            let argument = value
                .split(call)
                .nth(1)
                .and_then(|rest| rest.strip_suffix(')'));
            if let Some(number) = argument.and_then(product) {
                return duration(number * scale, unit);
            }
        }
        return format!("`{value}`");
    }
    match product(value) {
        Some(number) if name.contains("BYTES") || name.contains("WINDOW") => bytes(number),
        Some(number) => grouped(number),
        None => format!("`{}`", value.replace('|', "\\|")),
    }
}

fn duration(number: u64, unit: &str) -> String {
    match (number, unit) {
        (n, " s") if n >= 86_400 && n.is_multiple_of(86_400) => format!("{} d", n / 86_400),
        (n, " s") if n >= 7200 && n.is_multiple_of(3600) => format!("{} h", n / 3600),
        (n, " s") if n >= 120 && n.is_multiple_of(60) => format!("{} min", n / 60),
        (n, unit) => format!("{}{unit}", grouped(n)),
    }
}

fn bytes(number: u64) -> String {
    match number {
        n if n >= 1 << 20 && n.is_multiple_of(1 << 20) => format!("{} MiB", n >> 20),
        n if n >= 1 << 10 && n.is_multiple_of(1 << 10) => format!("{} KiB", n >> 10),
        n => format!("{} B", grouped(n)),
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The value of `a`, `a * b`, `a << b` with plain numbers.
fn product(text: &str) -> Option<u64> {
    if let Some((base, shift)) = text.split_once("<<") {
        return Some(product(base)? << product(shift)?);
    }
    text.split('*').try_fold(1_u64, |product, factor| {
        let factor: u64 = factor.trim().replace('_', "").parse().ok()?;
        product.checked_mul(factor)
    })
}
