//! The project's one door: `cargo xtask demo|test|tidy|limits|bench|ui|ci`.
//!
//! What a person runs and what continuous integration runs is the same code.
#![forbid(unsafe_code)]

mod api;
mod bench;
mod demo;
mod limits;
mod shell;
mod suites;
mod tidy;
mod tools;

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
    /// Measure throughput, latency and memory beside nginx in one run.
    Bench {
        /// Seconds a sample.
        #[arg(long, default_value_t = 3)]
        seconds: u32,
        /// Interleaved repetitions.
        #[arg(long, default_value_t = 3)]
        repetitions: u32,
        /// Write docs/performance.md.
        #[arg(long)]
        write: bool,
    },
    /// Write docs/limits.md from the code.
    Limits,
    /// Say how the pages are built.
    Ui,
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
            write,
        } => bench::run(seconds, repetitions, write),
        Command::Ui => {
            println!(
                "The sign-in and help pages are rendered by the server (crates/portal, crates/panel) \
                 and compiled into the binary: there is nothing to build apart from it."
            );
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
