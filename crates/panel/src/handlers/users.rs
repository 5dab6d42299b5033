//! `/api/users`.

use axum::response::Response;
use portlama_api::{Done, NewUser, TotpReset, User, UserAnswer, UserChange, UserList};
use portlama_control::UserView;

use crate::call::{Call, created, ok};
use crate::refusal::Refusal;

#[expect(clippy::unused_async, reason = "handlers share one shape")]
pub(crate) async fn list(call: Call) -> Result<Response, Refusal> {
    ok(UserList {
        users: call.control.users().into_iter().map(user).collect(),
    })
}

pub(crate) async fn create(mut call: Call) -> Result<Response, Refusal> {
    let new: NewUser = call.json().await?;
    let new = portlama_control::NewUser {
        username: new.username,
        displayname: new.displayname,
        email: new.email,
        password: new.password,
        groups: new.groups,
    };
    let view = call.control.create_user(call.by(), new).await?;
    created(UserAnswer {
        ok: true,
        user: user(view),
    })
}

pub(crate) async fn change(mut call: Call) -> Result<Response, Refusal> {
    let username = call.username()?;
    let change: UserChange = call.json().await?;
    let change = portlama_control::UserChange {
        displayname: change.displayname,
        email: change.email,
        password: change.password,
        groups: change.groups,
    };
    let view = call
        .control
        .update_user(call.by(), &username, change)
        .await?;
    ok(UserAnswer {
        ok: true,
        user: user(view),
    })
}

pub(crate) async fn delete(call: Call) -> Result<Response, Refusal> {
    let username = call.username()?;
    call.control.delete_user(call.by(), &username).await?;
    ok(Done { ok: true })
}

pub(crate) async fn reset_totp(call: Call) -> Result<Response, Refusal> {
    let username = call.username()?;
    let totp_uri = call.control.reset_totp(call.by(), &username).await?;
    ok(TotpReset { ok: true, totp_uri })
}

fn user(view: UserView) -> User {
    User {
        username: view.username,
        displayname: view.displayname,
        email: view.email,
        groups: view.groups,
    }
}
