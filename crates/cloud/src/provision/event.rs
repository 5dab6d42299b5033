//! What whoever watches is told, one object a line. No secret is among it.

use serde::Serialize;
use serde_json::Value;

use super::Step;
use crate::registry::ServerEntry;

/// How far it is. The last is [`Event::Error`] or [`Event::Complete`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// A step begins, goes on, or is done.
    Step {
        /// Which.
        step: Step,
        /// `running` or `done`.
        status: StepStatus,
        /// What it brought, or what is worth knowing.
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<Value>,
    },
    /// It failed.
    Error {
        /// In which step.
        step: Step,
        /// Why, and the way out.
        message: String,
        /// Whether everything that was made is gone again.
        recoverable: bool,
        /// What is left where it could not be taken away: one line each (ours).
        #[serde(skip_serializing_if = "Vec::is_empty")]
        left: Vec<String>,
    },
    /// The server is there.
    Complete {
        /// As it stands in the list.
        server: Box<ServerEntry>,
    },
}

/// How a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepStatus {
    /// Under way.
    Running,
    /// Done.
    Done,
}

impl Event {
    /// A step begins.
    #[must_use]
    pub fn running(step: Step) -> Self {
        Self::Step {
            step,
            status: StepStatus::Running,
            data: None,
        }
    }

    /// A step goes on, and this is worth knowing.
    #[must_use]
    pub fn goes_on(step: Step, data: Value) -> Self {
        Self::Step {
            step,
            status: StepStatus::Running,
            data: Some(data),
        }
    }

    /// A step is done and brought this.
    #[must_use]
    pub fn done(step: Step, data: Option<Value>) -> Self {
        Self::Step {
            step,
            status: StepStatus::Done,
            data,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_have_the_shape_of_the_protocol() {
        let line = |event: Event| serde_json::to_value(event).expect("JSON");
        assert_eq!(
            line(Event::running(Step::CreateDroplet)),
            json!({"event": "step", "step": "create_droplet", "status": "running"})
        );
        let data = json!({"dropletId": "4711000001"});
        assert_eq!(
            line(Event::done(Step::CreateDroplet, Some(data.clone()))),
            json!({"event": "step", "step": "create_droplet", "status": "done", "data": data})
        );
        assert_eq!(
            line(Event::Error {
                step: Step::WaitDroplet,
                message: "droplet not active after 300 s".to_owned(),
                recoverable: true,
                left: Vec::new(),
            }),
            json!({
                "event": "error",
                "step": "wait_droplet",
                "message": "droplet not active after 300 s",
                "recoverable": true,
            })
        );
    }
}
