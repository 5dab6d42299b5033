//! `/api/onboarding`.

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use futures_util::Stream;
use http::StatusCode;
use portlama_api::{
    DnsCheck, DomainAnswer, Done, NameCheck, NewDomain, OnboardingState, ProvisionComplete,
    ProvisionError, ProvisionFrame, ProvisionProgress, ProvisionResult, ProvisionStarted,
    ProvisionState, ProvisionTask, ResolverCheck, TaskFailed, TaskProgress, TaskStatus,
};
use portlama_control as control;
use portlama_control::{Control, ProvisionEvent, RESULT_LIFETIME};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::call::{Call, ok};
use crate::refusal::Refusal;
use crate::websocket::Frame;

#[expect(clippy::unused_async, reason = "handlers share one shape")]
pub(crate) async fn status(call: Call) -> Result<Response, Refusal> {
    let desired = call.control.live().desired();
    let settings = call.control.settings();
    ok(OnboardingState {
        status: desired.onboarding,
        domain: desired.domain.clone(),
        ip: desired.ip,
        https_port: settings.https_port,
        panel_port: settings.panel_port,
        error: call.control.provisioning_failure().map(failure),
        result_until: call.control.provisioning_result_until(),
    })
}

pub(crate) async fn set_domain(mut call: Call) -> Result<Response, Refusal> {
    let NewDomain { domain, email } = call.json().await?;
    call.control
        .set_domain(call.by(), domain.clone(), email.clone())
        .await?;
    ok(DomainAnswer {
        ok: true,
        domain,
        email,
    })
}

pub(crate) async fn verify_dns(call: Call) -> Result<Response, Refusal> {
    let check = call.control.verify_dns(call.by()).await?;
    let names = check.names.iter().map(|(name, verdict)| NameCheck {
        name: name.clone(),
        ok: verdict.is_here(),
        message: verdict.explain(name, check.expected),
    });
    let names = names.collect();
    let resolvers = check
        .resolvers
        .into_iter()
        .map(|(answer, wildcard)| ResolverCheck {
            address: answer.address.to_string(),
            a: answer.a,
            aaaa: answer.aaaa,
            wildcard,
            error: answer.error,
        });
    ok(DnsCheck {
        ok: check.verdict.is_here(),
        domain: check.domain,
        expected_ip: check.expected,
        resolved_ips: check.resolved,
        wildcard_resolved_ips: check.wildcard_resolved,
        wildcard_ok: check.wildcard.is_here(),
        message: check.message,
        names,
        resolvers: resolvers.collect(),
    })
}

pub(crate) async fn provision(call: Call) -> Result<Response, Refusal> {
    call.control.provision(call.by()).await?;
    let started = ProvisionStarted {
        ok: true,
        message: "The set-up runs; watch /api/onboarding/provision/stream".to_owned(),
    };
    Ok((StatusCode::ACCEPTED, axum::Json(started)).into_response())
}

#[expect(clippy::unused_async, reason = "handlers share one shape")]
pub(crate) async fn stream(mut call: Call) -> Result<Response, Refusal> {
    let frames = frames(Arc::clone(&call.control));
    call.websocket(frames)
}

#[expect(clippy::unused_async, reason = "handlers share one shape")]
pub(crate) async fn result(call: Call) -> Result<Response, Refusal> {
    ok(told(call.control.provisioning_result()?))
}

pub(crate) async fn acknowledge(call: Call) -> Result<Response, Refusal> {
    call.control.acknowledge_provisioning(call.by()).await?;
    ok(Done { ok: true })
}

/// Where a watcher is.
enum Watch {
    /// Before its first frame.
    New,
    /// Waiting for what happens.
    Listening(Receiver<ProvisionEvent>),
    /// The set-up is complete and all is told.
    Over,
}

/// Where things stand, then what happens. Whoever is too slow is told anew where things stand,
/// so that what waits for a watcher has a bound.
fn frames(control: Arc<Control>) -> impl Stream<Item = Frame> + Send + 'static {
    futures_util::stream::unfold((control, Watch::New), |(control, watch)| async move {
        let mut events = match watch {
            Watch::New => return Some(stand(control)),
            Watch::Listening(events) => events,
            Watch::Over => {
                // The socket stays open for whoever still reads the password from the page.
                tokio::time::sleep(RESULT_LIFETIME).await;
                return None;
            }
        };
        let event = match events.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(_)) => return Some(stand(control)),
            Err(RecvError::Closed) => return None,
        };
        let next = match event {
            ProvisionEvent::Complete => Watch::Over,
            ProvisionEvent::Progress { .. } | ProvisionEvent::Failed { .. } => {
                Watch::Listening(events)
            }
        };
        Some((text(&frame_of(event, &control)), (control, next)))
    })
}

fn stand(control: Arc<Control>) -> (Frame, (Arc<Control>, Watch)) {
    let (view, events) = control.watch_provisioning();
    let frame = ProvisionFrame::State(state(view));
    (text(&frame), (control, Watch::Listening(events)))
}

fn state(view: control::ProvisionView) -> ProvisionState {
    ProvisionState {
        kind: "state".to_owned(),
        is_running: view.is_running,
        tasks: view.tasks.into_iter().map(task).collect(),
        error: view.failure.map(failure),
        result: view.result.map(told),
    }
}

fn frame_of(event: ProvisionEvent, control: &Control) -> ProvisionFrame {
    match event {
        ProvisionEvent::Progress { task, current } => ProvisionFrame::Progress(TaskProgress {
            task: task.task.id().to_owned(),
            title: task.task.title().to_owned(),
            status: status_of(task.status),
            message: task.message,
            log: task.log,
            progress: progress(current),
        }),
        ProvisionEvent::Failed { failure, current } => ProvisionFrame::Failed(TaskFailed {
            task: failure.task.id().to_owned(),
            status: TaskStatus::Error,
            message: format!("{}: failed", failure.task.title()),
            error: failure.message,
            progress: progress(current),
        }),
        ProvisionEvent::Complete => complete(control.provisioning()),
    }
}

/// The last frame. The secrets are read at the moment they are told.
fn complete(mut view: control::ProvisionView) -> ProvisionFrame {
    match view.result.take() {
        Some(result) => ProvisionFrame::Complete(ProvisionComplete {
            task: "complete".to_owned(),
            status: TaskStatus::Done,
            message: "The server is in service".to_owned(),
            result: told(result),
            progress: progress(control::ProvisionTask::ALL.len()),
        }),
        None => ProvisionFrame::State(state(view)),
    }
}

fn text(frame: &ProvisionFrame) -> Frame {
    // Texts, numbers and lists always serialise.
    Frame::Text(serde_json::to_string(frame).unwrap_or_default())
}

fn progress(current: usize) -> ProvisionProgress {
    ProvisionProgress {
        current,
        total: control::ProvisionTask::ALL.len(),
    }
}

fn task(view: control::TaskView) -> ProvisionTask {
    ProvisionTask {
        id: view.task.id().to_owned(),
        title: view.task.title().to_owned(),
        status: status_of(view.status),
        message: view.message,
        log: view.log,
    }
}

fn status_of(status: control::TaskStatus) -> TaskStatus {
    match status {
        control::TaskStatus::Pending => TaskStatus::Pending,
        control::TaskStatus::Running => TaskStatus::Running,
        control::TaskStatus::Done => TaskStatus::Done,
        control::TaskStatus::Error => TaskStatus::Error,
    }
}

fn failure(failure: control::ProvisionFailure) -> ProvisionError {
    ProvisionError {
        task: failure.task.id().to_owned(),
        message: failure.message,
    }
}

fn told(result: control::ProvisionResult) -> ProvisionResult {
    ProvisionResult {
        admin_username: result.admin_username,
        admin_password: result.admin_password,
        admin_totp_uri: result.admin_totp_uri,
        panel_url: result.panel_url,
        auth_url: result.auth_url,
    }
}
