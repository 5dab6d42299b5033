//! `cargo xtask test`: every suite in order, each with its time.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::shell::{cargo, root};
use crate::{api, browser, demo, digitalocean, dist, machine, mounts, tidy, tools, ui};

/// Seconds each fuzz target runs: a smoke test in the normal run, a search in the long one.
const FUZZ_SECONDS: u32 = 5;
const FUZZ_SECONDS_LONG: u32 = 300;

type Suite<'a> = (&'static str, Box<dyn Fn() -> Result<()> + 'a>);

/// Runs all suites, or those whose name contains `only`; stops at the first that fails.
pub fn run(long: bool, only: Option<&str>) -> Result<()> {
    let suites: Vec<Suite<'_>> = vec![
        ("format", Box::new(format)),
        ("tidy", Box::new(tidy::run)),
        ("lint", Box::new(lint)),
        ("documentation", Box::new(documentation)),
        ("units", Box::new(units)),
        ("pages", Box::new(ui::check)),
        ("whole", Box::new(move || whole(long))),
        ("dist", Box::new(dist::test)),
        ("machine", Box::new(move || machine::test(long))),
        ("api", Box::new(api::run)),
        ("digitalocean", Box::new(digitalocean::run)),
        ("browser", Box::new(browser::test)),
        ("fuzz", Box::new(move || fuzz(long))),
        ("licences", Box::new(licences)),
    ];
    let started = Instant::now();
    let mut summary = Vec::new();
    for (name, suite) in suites
        .iter()
        .filter(|(name, _)| only.is_none_or(|o| name.contains(o)))
    {
        println!("\n── {name}");
        let begun = Instant::now();
        suite().with_context(|| format!("suite `{name}`"))?;
        summary.push(format!(
            "{name:<14} {:>6.1} s",
            begun.elapsed().as_secs_f64()
        ));
    }
    if summary.is_empty() {
        bail!("no suite has a name with `{}`", only.unwrap_or_default());
    }
    println!("\n{}", summary.join("\n"));
    println!("all suites     {:>6.1} s", started.elapsed().as_secs_f64());
    println!("{} passed, 0 failed", summary.len());
    Ok(())
}

fn format() -> Result<()> {
    crate::shell::run(cargo().args(["fmt", "--all", "--check"]))
}

fn lint() -> Result<()> {
    let arguments = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--locked",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ];
    crate::shell::run(cargo().args(arguments))
}

fn documentation() -> Result<()> {
    let arguments = [
        "doc",
        "--workspace",
        "--no-deps",
        "--document-private-items",
        "--locked",
        "--quiet",
    ];
    crate::shell::run(cargo().args(arguments).env("RUSTDOCFLAGS", "-D warnings"))
}

/// Cores, rooms and everything in process. `cargo test` needs nothing but Rust and leaves out
/// what drives other programs; here nothing is left out.
fn units() -> Result<()> {
    tools::ensure(tools::FOR_TESTS)?;
    let mut command = cargo();
    command
        .args([
            "test",
            "--workspace",
            "--exclude",
            "portlama",
            // As in the suites that follow: else every dependency would be compiled twice.
            "--features",
            "portlama-credentials/system",
            "--locked",
            "--quiet",
        ])
        .env("PORTLAMA_TEST_EVERYTHING", "1");
    crate::shell::run(&mut command)
}

/// The real binary in real processes, built as users run it.
fn whole(long: bool) -> Result<()> {
    tools::ensure(tools::FOR_TESTS)?;
    let binary = demo::build_release()?;
    let mut command = cargo();
    command
        .args([
            "test",
            "--package",
            "portlama",
            "--features",
            "whole-system-tests",
            "--features",
            demo::RELEASE_FEATURES,
            "--locked",
            "--quiet",
        ])
        .env("PORTLAMA_BINARY", binary);
    // The programs are here, so mounts are all that can be missing, and who reads this knows.
    if let Some(why) = mounts::cannot_mount()? {
        println!("skipped: power cuts: no file system can be mounted here: {why}");
    } else {
        command.env("PORTLAMA_TEST_EVERYTHING", "1");
    }
    if long {
        command.env("PORTLAMA_TEST_LONG", "1");
    }
    crate::shell::run(&mut command)
}

/// Every decoder of outside bytes, from the committed corpus on.
fn fuzz(long: bool) -> Result<()> {
    let folder = root().join("fuzz");
    let seconds = if long {
        FUZZ_SECONDS_LONG
    } else {
        FUZZ_SECONDS
    };
    let target = demo::target_directory()?.join("fuzz");
    // With a target named, the instrumentation stays out of build scripts and macros, which
    // nobody links with libFuzzer.
    let host = host_triple()?;
    let mut build = cargo();
    build
        .current_dir(&folder)
        .args([
            "build",
            "--release",
            "--locked",
            "--bins",
            "--target",
            &host,
        ])
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTFLAGS", SANITIZER_COVERAGE);
    crate::shell::run(&mut build)?;
    for name in fuzz_targets(&folder)? {
        let work = target.join("corpus").join(&name);
        std::fs::create_dir_all(&work)
            .with_context(|| format!("cannot create {}", work.display()))?;
        println!("fuzzing {name} for {seconds} s");
        let mut search = Command::new(target.join(&host).join("release").join(&name));
        search
            .arg(&work)
            .arg(folder.join("corpus").join(&name))
            .arg(format!("-max_total_time={seconds}"))
            .args([
                "-rss_limit_mb=2048",
                "-timeout=10",
                "-print_final_stats=0",
                "-verbosity=0",
            ])
            .arg(format!("-artifact_prefix={}/", target.display()));
        run_quietly(&mut search, &name)?;
    }
    Ok(())
}

/// The instrumentation libFuzzer steers by; the same flags `cargo fuzz run --sanitizer none`
/// sets.
const SANITIZER_COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1";

fn host_triple() -> Result<String> {
    let text = crate::shell::output(Command::new("rustc").arg("-vV"))?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say its host")?.to_owned())
}

fn fuzz_targets(folder: &Path) -> Result<Vec<String>> {
    let entries =
        std::fs::read_dir(folder.join("fuzz_targets")).context("cannot list fuzz targets")?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.context("cannot list fuzz targets")?.file_name();
        if let Some(name) = name.to_string_lossy().strip_suffix(".rs") {
            names.push(name.to_owned());
        }
    }
    names.sort();
    if names.is_empty() {
        bail!("there is no fuzz target");
    }
    Ok(names)
}

fn run_quietly(command: &mut Command, name: &str) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("cannot start fuzz target {name}"))?;
    if !output.status.success() {
        bail!(
            "fuzz target {name} found a fault:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// The version of cargo-deny that reads `deny.toml`.
const CARGO_DENY: &str = "0.20.2";

/// Licences and unwanted crates. The tool is built once, into the cache beside our own builds.
fn licences() -> Result<()> {
    let target = demo::target_directory()?;
    let tools = target.join("tools");
    let cargo_deny = tools.join("bin/cargo-deny");
    if !cargo_deny.is_file() {
        let mut install = cargo();
        install
            .args([
                "install",
                "cargo-deny",
                "--version",
                CARGO_DENY,
                "--locked",
                "--quiet",
            ])
            .arg("--root")
            .arg(&tools)
            .env("CARGO_TARGET_DIR", target.join("tools-build"));
        crate::shell::run(&mut install)?;
    }
    let mut check = Command::new(cargo_deny);
    check.current_dir(root()).args([
        "--log-level",
        "error",
        "--offline",
        "check",
        "licenses",
        "bans",
        "sources",
    ]);
    crate::shell::run(&mut check)
}
