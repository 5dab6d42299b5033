//! Where the program writes: data to standard output, everything else to standard error.
//!
//! A reader that went away (`portlama agent list | head -1`) ends nothing and panics nothing.

use std::fmt::Display;
use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, Result};
use serde::Serialize;

/// Writes for people or, with `--json`, for programs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    /// `json` is the `--json` flag.
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether a program reads.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Whether a person watches progress.
    pub(crate) fn is_terminal(self) -> bool {
        !self.json && std::io::stderr().is_terminal()
    }

    /// Whether a person can be asked.
    pub(crate) fn can_ask(self) -> bool {
        self.is_terminal() && std::io::stdin().is_terminal()
    }

    /// Asks a person; everything but a yes is a no.
    ///
    /// # Errors
    /// When standard input cannot be read.
    pub(crate) fn confirm(self, question: impl Display) -> Result<bool> {
        self.note(format_args!("{question} [y/N]"));
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        read.context("cannot read the answer")?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }

    /// A line of data.
    pub(crate) fn data(self, line: impl Display) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{line}");
        let _ = out.flush();
    }

    /// One JSON document on a line of its own.
    pub(crate) fn document(self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => self.data(text),
            Err(error) => self.note(format_args!("cannot write the answer as JSON: {error}")),
        }
    }

    /// A line for the person who watches.
    pub(crate) fn note(self, line: impl Display) {
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }
}

/// A terminal's columns: `rows`, each padded to the widest of its column.
pub(crate) fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lines_its_columns_up() {
        let row = |cells: &[&str]| {
            cells
                .iter()
                .map(|cell| (*cell).to_owned())
                .collect::<Vec<_>>()
        };
        let lines = table(&[row(&["ü", "bb", ""]), row(&["aaa", "b"])]);
        assert_eq!(lines, ["ü    bb", "aaa  b"]);
    }
}
