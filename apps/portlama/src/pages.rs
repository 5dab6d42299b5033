//! Man pages and completions, from the very definition of the arguments. Only `cargo xtask dist`
//! builds this in; what users run has no need of it.

use std::path::Path;
use std::process::ExitCode;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use crate::Arguments;
use crate::output::Output;

/// The folder to write into.
const FOLDER: &str = "PORTLAMA_WRITE_PAGES";
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Fish, Shell::Zsh];

/// Writes them where the environment names a folder.
pub(crate) fn write_if_asked() -> Option<ExitCode> {
    let folder = std::env::var_os(FOLDER)?;
    let folder = Path::new(&folder);
    Some(match write(folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            Output::new(false).note(format_args!(
                "error: cannot write into {}: {error}",
                folder.display()
            ));
            ExitCode::FAILURE
        }
    })
}

fn write(folder: &Path) -> std::io::Result<()> {
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    for folder in [&man, &completions] {
        std::fs::create_dir_all(folder)?;
    }
    for shell in SHELLS {
        let mut command = visible(Arguments::command());
        clap_complete::generate_to(shell, &mut command, "portlama", &completions)?;
    }
    clap_mangen::generate_to(Arguments::command(), &man)
}

/// The same without hidden commands: completions offer those, too.
fn visible(command: Command) -> Command {
    if !command.get_subcommands().any(Command::is_hide_set) {
        return command.mut_subcommands(visible);
    }
    let shown = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    Command::new(command.get_name().to_owned())
        .about(command.get_about().cloned().unwrap_or_default())
        .args(command.get_arguments())
        .subcommands(shown.cloned().map(visible))
}
