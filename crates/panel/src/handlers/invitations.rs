//! `/api/invitations` and `/api/invite`.

use std::time::Duration;

use axum::response::Response;
use portlama_api::{
    AcceptInvitation, Done, Invitation, InvitationAccepted, InvitationAnswer, InvitationList,
    InvitationMade, InvitationStatus, NewInvitation, OpenInvitation,
};
use portlama_control::InvitationView;
use portlama_model::Secret;

use crate::call::{Call, created, ok};
use crate::refusal::Refusal;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[expect(clippy::unused_async, reason = "handlers share one shape")]
pub(crate) async fn list(call: Call) -> Result<Response, Refusal> {
    let invitations = call.control.invitations();
    ok(InvitationList {
        invitations: invitations.into_iter().map(invitation).collect(),
    })
}

pub(crate) async fn create(mut call: Call) -> Result<Response, Refusal> {
    let new: NewInvitation = call.json().await?;
    let new = portlama_control::NewInvitation {
        username: new.username,
        email: new.email,
        groups: new.groups,
        lifetime: DAY * new.expires_in_days.into(),
    };
    let invited = call.control.invite(call.by(), new).await?;
    let made = invited.invitation;
    created(InvitationAnswer {
        ok: true,
        invitation: InvitationMade {
            id: made.id,
            username: made.username,
            email: made.email,
            groups: made.groups,
            created_at: made.created_at,
            expires_at: made.expires_at,
        },
        invite_url: invited.url,
        token: Secret::new(invited.token.expose()),
    })
}

pub(crate) async fn delete(call: Call) -> Result<Response, Refusal> {
    let id = call.id()?;
    call.control.withdraw_invitation(call.by(), id).await?;
    ok(Done { ok: true })
}

#[expect(clippy::unused_async, reason = "handlers share one shape")]
pub(crate) async fn look(call: Call) -> Result<Response, Refusal> {
    let open = call.control.look_at_invitation(call.segment("token"))?;
    ok(OpenInvitation {
        username: open.username,
        email: open.email,
        expires_at: open.expires_at,
    })
}

pub(crate) async fn accept(mut call: Call) -> Result<Response, Refusal> {
    let AcceptInvitation { password } = call.json().await?;
    let token = call.segment("token").to_owned();
    let accepted = call
        .control
        .accept_invitation(&token, &password, call.client_ip())
        .await?;
    ok(InvitationAccepted {
        ok: true,
        username: accepted.username,
        login_url: accepted.login_url,
        totp_uri: Some(accepted.totp_uri),
    })
}

fn invitation(view: InvitationView) -> Invitation {
    use portlama_control::InvitationStatus as Seen;
    let InvitationView { invitation, status } = view;
    Invitation {
        id: invitation.id,
        username: invitation.username,
        email: invitation.email,
        groups: invitation.groups,
        created_at: invitation.created_at,
        expires_at: invitation.expires_at,
        used: invitation.used,
        accepted_at: invitation.accepted_at,
        status: match status {
            Seen::Pending => InvitationStatus::Pending,
            Seen::Accepted => InvitationStatus::Accepted,
            Seen::Expired => InvitationStatus::Expired,
        },
    }
}
