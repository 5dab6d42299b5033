//! The project's one door: `cargo xtask demo|test|tidy|limits|bench|ui|dist|ci`.
//!
//! What a person runs and what continuous integration runs is the same code.
#![forbid(unsafe_code)]

mod api;
mod bench;
mod browser;
mod demo;
mod digitalocean;
mod dist;
mod limits;
mod machine;
mod mounts;
mod python;
mod shell;
mod suites;
mod tidy;
mod tools;
mod ui;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, shows, tests and measures Portlama.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build everything and show the main job on this machine.
    Demo {
        /// Handed on to `portlama demo`; see `cargo xtask demo -- --help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Install what the tests need and run the whole suite.
    Test {
        /// Also the loops that take long: more kills, more fuzzing.
        #[arg(long)]
        long: bool,
        /// Only the suites whose name contains this.
        #[arg(long)]
        only: Option<String>,
    },
    /// Check what no lint sees: crate arrows, file sizes, forbidden words.
    Tidy,
    /// Measure throughput, latency and memory beside nginx in one run, the panel and the start.
    Bench {
        /// Seconds a sample.
        #[arg(long, default_value_t = 3)]
        seconds: u32,
        /// Interleaved repetitions.
        #[arg(long, default_value_t = 3)]
        repetitions: u32,
        /// One part alone: `visitors`, `panel` or `certificates`.
        #[arg(long, value_name = "PART", conflicts_with = "write")]
        only: Option<String>,
        /// Write docs/performance.md.
        #[arg(long)]
        write: bool,
    },
    /// Write docs/limits.md from the code.
    Limits,
    /// Build the web panel into ui/dist, from where the server's build takes it.
    Ui,
    /// Take a picture of every page, in both themes, at the size of a laptop and of a phone.
    Screenshots {
        /// Renew the pictures of README and guide, docs/screenshots.
        #[arg(long)]
        write: bool,
    },
    /// Print how soon the panel can be used in Chromium, and how a long list scrolls.
    PageSpeed,
    /// Make what is given to people: program, archive, package, notices, checksums, signatures.
    ///
    /// It lies in `dist` below the target folder; packaging/README.md tells how a release is made.
    Dist(dist::Options),
    /// What continuous integration runs: the whole suite from a clean clone.
    Ci,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Demo { arguments } => demo::run(&arguments),
        Command::Test { long, only } => suites::run(long, only.as_deref()),
        Command::Ci => suites::run(false, None),
        Command::Tidy => tidy::run(),
        Command::Limits => limits::write(),
        Command::Bench {
            seconds,
            repetitions,
            only,
            write,
        } => bench::run(seconds, repetitions, only.as_deref(), write),
        Command::Ui => ui::build(),
        Command::Dist(options) => dist::run(&options),
        Command::PageSpeed => browser::speed(),
        Command::Screenshots { write } => browser::screenshots(write),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
