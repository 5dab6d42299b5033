//! The steps while they are done: a bar on a terminal, lines elsewhere, JSON lines for programs.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use portlama_cloud::provision::{Event, Step, StepStatus};
use serde_json::Value;

use crate::output::Output;

/// How often the bar shows that something still happens.
const TICK: Duration = Duration::from_millis(120);
/// Where the bar is drawn: what is done, how far that is, and what is under way since when.
const TEMPLATE: &str = "{spinner} {bar:22} {pos}/{len}  {msg}, {elapsed}";

/// Shows events as they come.
pub(super) struct Show {
    output: Output,
    bar: Option<ProgressBar>,
}

impl Show {
    pub(super) fn new(output: Output) -> Self {
        Self {
            output,
            bar: output.is_terminal().then(bar),
        }
    }

    pub(super) fn event(&mut self, event: &Event) {
        if self.output.is_json() {
            self.output.document(event);
            return;
        }
        match event {
            Event::Step { step, status, data } => self.step(*step, *status, data.as_ref()),
            Event::Error { step, .. } => {
                self.line(&format!("✗ {}", step.label()));
                self.end();
            }
            Event::Complete { .. } => self.end(),
        }
    }

    fn step(&mut self, step: Step, status: StepStatus, data: Option<&Value>) {
        match status {
            StepStatus::Running => {
                if let Some(bar) = &self.bar {
                    bar.set_message(step.label());
                }
                if let Some(text) = data.and_then(worth_knowing) {
                    self.line(&format!("  {text}"));
                }
            }
            StepStatus::Done => {
                self.line(&format!("✓ {}{}", step.label(), brought(data)));
                if let Some(bar) = &self.bar {
                    bar.inc(1);
                }
            }
        }
    }

    /// A line that stays, above the bar where there is one.
    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => self.output.note(text),
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// A panic or an early return leaves no half bar on the terminal.
impl Drop for Show {
    fn drop(&mut self) {
        self.end();
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(Step::ALL.len() as u64);
    if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
        bar.set_style(style.progress_chars("█░░"));
    }
    bar.enable_steady_tick(TICK);
    bar
}

/// A warning, or a line that the installation wrote.
fn worth_knowing(data: &Value) -> Option<String> {
    let text = |name: &str| data[name].as_str();
    match (text("warning"), text("line")) {
        (Some(warning), _) => Some(format!("warning: {warning}")),
        (None, Some(line)) => Some(line.to_owned()),
        (None, None) => None,
    }
}

/// What a step brought, in brackets.
fn brought(data: Option<&Value>) -> String {
    let Some(members) = data.and_then(Value::as_object) else {
        return String::new();
    };
    let words = members.iter().map(|(name, value)| match value {
        Value::String(text) => format!("{name} {text}"),
        other => format!("{name} {other}"),
    });
    format!(" ({})", words.collect::<Vec<_>>().join(", "))
}
