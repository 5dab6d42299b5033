//! Steps of an installation or of its removal, shown before they are done and while they are.

use anyhow::Result;
use portlama_host::install::{Action, Progress, Step, Work};
use serde_json::{Value, json};

use crate::output::Output;

pub(super) fn show(steps: &[Step], output: Output) {
    if output.is_json() {
        let plan: Vec<_> = steps.iter().map(planned).collect();
        output.document(&json!({ "event": "plan", "steps": plan }));
        return;
    }
    for step in steps {
        output.data(step.title);
        match &step.work {
            Work::Nothing => output.data("  nothing to do"),
            Work::Skip(why) => output.data(format_args!("  skipped: {why}")),
            Work::Do(actions) => {
                for action in actions {
                    output.data(format_args!("  {}", action.describe()));
                }
            }
        }
    }
}

fn planned(step: &Step) -> Value {
    match &step.work {
        Work::Nothing => json!({ "step": step.key, "actions": [] }),
        Work::Skip(why) => json!({ "step": step.key, "actions": [], "skipped": why }),
        Work::Do(actions) => {
            let actions: Vec<_> = actions.iter().map(Action::describe).collect();
            json!({ "step": step.key, "actions": actions })
        }
    }
}

/// What was done; a program hears of a failure in the last line, too.
pub(super) fn with_last_line<T>(done: Result<T>, output: Output) -> Result<T> {
    if let Err(error) = &done
        && output.is_json()
    {
        output.document(&json!({
            "event": "error",
            "message": format!("{error:#}"),
            "recoverable": true,
        }));
    }
    done
}

pub(super) fn report(progress: &Progress<'_>, output: Output) {
    let event =
        |step: &Step, status: &str| json!({ "event": "step", "step": step.key, "status": status });
    if output.is_json() {
        output.document(&match progress {
            Progress::Begun(step) => event(step, "running"),
            Progress::Failed(step) => event(step, "failed"),
            Progress::Says(step, text) => {
                json!({ "event": "note", "step": step.key, "message": text })
            }
            Progress::Done(step, took) => match &step.work {
                Work::Skip(why) => {
                    json!({ "event": "step", "step": step.key, "status": "skipped", "reason": why })
                }
                work => json!({
                    "event": "step",
                    "step": step.key,
                    "status": "complete",
                    "changed": matches!(work, Work::Do(_)),
                    "durationMs": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                }),
            },
        });
        return;
    }
    match progress {
        Progress::Begun(step) if matches!(step.work, Work::Do(_)) => {
            output.note(format_args!("{} …", step.title));
        }
        Progress::Begun(_) => {}
        Progress::Failed(step) => output.note(format_args!("{}: failed", step.title)),
        Progress::Says(_, text) => output.note(format_args!("  {text}")),
        Progress::Done(step, took) => output.note(match &step.work {
            Work::Nothing => format!("{}: as it should be", step.title),
            Work::Skip(why) => format!("{}: skipped, {why}", step.title),
            Work::Do(_) => format!("{}: done in {took:.1?}", step.title),
        }),
    }
}
