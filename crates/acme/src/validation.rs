//! Showing the authority that a name is ours.

use instant_acme::{
    AuthorizationStatus, ChallengeHandle, ChallengeStatus, ChallengeType as Kind, Identifier,
    Order, OrderStatus,
};
use portlama_model::ChallengeType;

use crate::issue::Task;
use crate::session::{Pauses, insist};
use crate::{AcmeError, ChallengeAnswer, ErrorKind, Step};

/// Authorisations of one order: ours has one name.
const MAX_AUTHORIZATIONS: usize = 4;

/// Presents the answers, tells the authority, waits for its verdict, and withdraws the answers
/// whatever the verdict is.
pub(crate) async fn validate(task: &Task<'_>, order: &mut Order) -> Result<(), AcmeError> {
    if order.state().authorizations.len() > MAX_AUTHORIZATIONS {
        return Err(malformed(task, "the order asks for too much"));
    }
    let mut presented = Vec::new();
    let outcome = answer_and_wait(task, order, &mut presented).await;
    for answer in &presented {
        let withdrawing = task.challenges.withdraw(task.name.host(), answer);
        if tokio::time::timeout(task.session.limits.present, withdrawing)
            .await
            .is_err()
        {
            tracing::warn!(name = %task.name, "the answer to a challenge is still there");
        }
    }
    outcome
}

async fn answer_and_wait(
    task: &Task<'_>,
    order: &mut Order,
    presented: &mut Vec<ChallengeAnswer>,
) -> Result<(), AcmeError> {
    load(task, order).await?;
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization =
            authorization.map_err(|error| task.failed("ask how to prove", error))?;
        let identifier = authorization.identifier();
        let expected = Identifier::Dns(task.name.host().to_string());
        if *identifier.identifier != expected || identifier.wildcard != task.name.is_wildcard() {
            return Err(malformed(
                task,
                "the order asks for a proof of another name",
            ));
        }
        match authorization.status {
            AuthorizationStatus::Valid => continue,
            AuthorizationStatus::Pending => {}
            // The order is about to be invalid; its own state says why.
            _ => continue,
        }
        let kind = match task.session.challenge {
            ChallengeType::TlsAlpn01 => Kind::TlsAlpn01,
            ChallengeType::Dns01 => Kind::Dns01,
        };
        let Some(mut challenge) = authorization.challenge(kind) else {
            return Err(no_challenge(task));
        };
        present(task, &challenge, presented).await?;
        task.journal.step(task.name, Step::Presented);
        if challenge.status == ChallengeStatus::Pending {
            insist!(challenge.set_ready())
                .map_err(|error| task.session.verdict(task.doing("prove"), error))?;
        }
        task.journal.step(task.name, Step::Validating);
    }
    wait_for_verdict(task, order).await
}

/// Fetches every authorisation, so that going through them afterwards is without surprises.
async fn load(task: &Task<'_>, order: &mut Order) -> Result<(), AcmeError> {
    insist!(async {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            authorization?;
        }
        Ok::<(), instant_acme::Error>(())
    })
    .map_err(|error| task.failed("ask how to prove", error))
}

async fn present(
    task: &Task<'_>,
    challenge: &ChallengeHandle<'_>,
    presented: &mut Vec<ChallengeAnswer>,
) -> Result<(), AcmeError> {
    let host = task.name.host();
    let proof = challenge.key_authorization();
    let doing = "present the answer to the challenge for";
    let answer = match task.session.challenge {
        ChallengeType::TlsAlpn01 => ChallengeAnswer::tls_alpn_01(host, proof.digest().as_ref())
            .map_err(|error| task.local(doing, error.into()))?,
        ChallengeType::Dns01 => ChallengeAnswer::dns_01(host, proof.dns_value()),
    };
    // Listed before it is served, so that a half presented answer is withdrawn, too.
    presented.push(answer);
    let Some(answer) = presented.last() else {
        return Ok(());
    };
    let limit = task.session.limits.present;
    match tokio::time::timeout(limit, task.challenges.present(host, answer)).await {
        Ok(done) => done.map_err(|error| task.local(doing, error)),
        Err(_) => Err(AcmeError::new(
            ErrorKind::Local,
            task.doing(doing),
            format!("it is not there after {} s", limit.as_secs()),
        )),
    }
}

async fn wait_for_verdict(task: &Task<'_>, order: &mut Order) -> Result<(), AcmeError> {
    let doing = format!("the authority is still looking at `{}`", task.name);
    let mut pauses = Pauses::until(task.deadline);
    loop {
        pauses.wait(&doing, task.session.asked_to_wait()).await?;
        insist!(async { order.refresh().await.map(drop) })
            .map_err(|error| task.failed("look after the order for", error))?;
        match order.state().status {
            OrderStatus::Pending => {}
            OrderStatus::Invalid => return Err(refusal(task, order).await),
            OrderStatus::Ready | OrderStatus::Processing | OrderStatus::Valid => return Ok(()),
        }
    }
}

/// Why an order is invalid, in the authority's words: the challenge knows best, then the order.
pub(crate) async fn refusal(task: &Task<'_>, order: &mut Order) -> AcmeError {
    let doing = format!("the authority refuses `{}`", task.name);
    let of_order = order.state().error.clone();
    let mut of_challenge = None;
    let asked = insist!(async {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            let state = authorization.refresh().await?;
            let errors = state
                .challenges
                .iter()
                .find_map(|found| found.error.clone());
            of_challenge = of_challenge.take().or(errors);
        }
        Ok::<(), instant_acme::Error>(())
    });
    match (of_challenge.or(of_order), asked) {
        (Some(problem), _) => AcmeError::refused(doing, problem),
        (None, Err(error)) => task.session.error(doing, error),
        (None, Ok(())) => AcmeError::new(ErrorKind::Refused, doing, "it gives no reason"),
    }
}

fn no_challenge(task: &Task<'_>) -> AcmeError {
    let (asked, way_out) = match task.session.challenge {
        ChallengeType::TlsAlpn01 if task.name.is_wildcard() => (
            "tls-alpn-01",
            "a wildcard is proved by a DNS record: set `challenge` to `dns-01`",
        ),
        ChallengeType::TlsAlpn01 => ("tls-alpn-01", "set `challenge` to `dns-01`"),
        ChallengeType::Dns01 => ("dns-01", "set `challenge` to `tls-alpn-01`"),
    };
    AcmeError::new(
        ErrorKind::Rejected,
        task.doing("prove"),
        format!("the authority offers no challenge of the type {asked}; {way_out}"),
    )
}

fn malformed(task: &Task<'_>, reason: &str) -> AcmeError {
    AcmeError::new(ErrorKind::Malformed, task.doing("prove"), reason)
}
