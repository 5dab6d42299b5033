//! `portlama cloud token`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use portlama_cloud::token::{Examined, NEW_TOKEN_PAGE, TOKEN_VARIABLE, Token, TokenError, examine};
use serde_json::{Value, json};

use super::place::Place;
use crate::output::Output;
use crate::secret::read_secret;

/// `portlama cloud token …`
#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Look at what a token may, and keep it when it fits.
    Set(SetArguments),
    /// Look at what the token may, and how long it holds.
    #[command(after_help = "\
Exit code: 0 it fits, 1 it does not, or nobody could be asked.

Examples:
  portlama cloud token check
      the token that is kept, or the one in PORTLAMA_CLOUD_TOKEN
  portlama cloud token check --json | jq .missingScopes
      the same for programs")]
    Check(TokenUse),
    /// Forget the token here. At DigitalOcean it stays valid until it is deleted there.
    #[command(after_help = "\
Examples:
  portlama cloud token forget
      then delete it at https://cloud.digitalocean.com/account/api/tokens, too")]
    Forget,
}

/// Arguments of `portlama cloud token set`.
#[derive(Debug, Args)]
#[command(after_help = "\
The token comes from the environment variable PORTLAMA_CLOUD_TOKEN, else from standard input,
else it is asked for. It is never an argument, because those can be seen by others. It is kept
only when it fits, in the system's credential store.

Examples:
  portlama cloud token set
      asks for a token
  portlama cloud token set < token.txt
      takes it from a file
  portlama cloud token set --credential-store file
      on a machine without a desktop: into a file that a passphrase encrypts")]
pub(super) struct SetArguments {
    #[command(flatten)]
    token: TokenUse,
    /// Keep a token of which DigitalOcean does not say what it may, without asking.
    #[arg(long)]
    yes: bool,
}

/// How tokens are looked at.
#[derive(Debug, Args)]
pub(super) struct TokenUse {
    /// Take a scope upon yourself that could harm what else is in the account, such as
    /// database:create, which DigitalOcean's page may add by itself; can be given several times.
    #[arg(long = "accept-scope", value_name = "SCOPE")]
    pub(super) accepted: Vec<String>,
}

pub(super) async fn run(command: TokenCommand, place: &Place) -> Result<ExitCode> {
    match command {
        TokenCommand::Set(arguments) => set(&arguments, place).await,
        TokenCommand::Check(arguments) => check(&arguments, place).await,
        TokenCommand::Forget => forget(place).await,
    }
}

async fn set(arguments: &SetArguments, place: &Place) -> Result<ExitCode> {
    let output = place.output;
    if output.can_ask() {
        for line in ADVICE {
            output.note(line);
        }
    }
    let token = read_token(output)?;
    let digitalocean = place.digitalocean_with(token.clone()).await?;
    let examined = look(&digitalocean, &arguments.token).await?;
    show(&examined, output);
    if !examined.verdict.is_valid() {
        output.note("the token was not kept");
        return Ok(ExitCode::FAILURE);
    }
    if !examined.verdict.verified && !arguments.yes {
        agree(output)?;
    }
    place.explained(place.credentials.keep_token(&token).await)?;
    output.note("the token is kept");
    Ok(ExitCode::SUCCESS)
}

/// Which groups a person ticks.
const ADVICE: [&str; 5] = [
    "Make a token with custom scopes at",
    "  https://cloud.digitalocean.com/account/api/tokens/new",
    "and tick all of these groups, and nothing else:",
    "  account, droplet, regions, ssh_key, tag",
    "If the account holds more than Portlama's servers, make a team of its own for them first.",
];

fn read_token(output: Output) -> Result<Token> {
    let text = read_secret("Token of DigitalOcean", TOKEN_VARIABLE, output)?;
    Token::parse(text.expose()).map_err(|error| match error {
        TokenError::Empty => {
            anyhow::anyhow!("{error}, and give it on standard input or in {TOKEN_VARIABLE}")
        }
        other => other.into(),
    })
}

fn agree(output: Output) -> Result<()> {
    if !output.can_ask() {
        bail!("the token was not kept: add --yes to keep it without knowing what it may");
    }
    if !output.confirm("Keep this token without knowing all that it may?")? {
        bail!("the token was not kept");
    }
    Ok(())
}

async fn check(arguments: &TokenUse, place: &Place) -> Result<ExitCode> {
    let digitalocean = place.digitalocean().await?;
    let examined = look(&digitalocean, arguments).await?;
    show(&examined, place.output);
    Ok(match examined.verdict.is_valid() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

async fn forget(place: &Place) -> Result<ExitCode> {
    place.explained(place.credentials.forget_token().await)?;
    if place.output.is_json() {
        place.output.document(&json!({"forgotten": true}));
    } else {
        place.output.data(
            "the token is forgotten here; delete it at https://cloud.digitalocean.com/account/api/tokens, too",
        );
    }
    Ok(ExitCode::SUCCESS)
}

async fn look(
    digitalocean: &portlama_cloud::digitalocean::DigitalOcean,
    arguments: &TokenUse,
) -> Result<Examined> {
    let examined = examine(digitalocean, &arguments.accepted).await;
    examined.map_err(super::with_advice)
}

fn show(examined: &Examined, output: Output) {
    if output.is_json() {
        output.document(&document(examined));
        return;
    }
    for line in lines(examined) {
        output.data(line);
    }
    for warning in examined.warnings() {
        output.note(format_args!("warning: {warning}"));
    }
}

/// The members of the reference, and ours.
fn document(examined: &Examined) -> Value {
    let verdict = &examined.verdict;
    let missing: Vec<_> = verdict
        .missing
        .iter()
        .map(|missing| missing.scope)
        .collect();
    json!({
        "valid": verdict.is_valid(),
        "email": examined.account.as_ref().map(|account| &account.email),
        "missingScopes": missing,
        "excessScopes": verdict.excess,
        "notedScopes": verdict.noted,
        "verified": verdict.verified,
        "daysLeft": examined.days_left(),
        "warnings": examined.warnings(),
    })
}

fn lines(examined: &Examined) -> Vec<String> {
    let verdict = &examined.verdict;
    let mut lines = Vec::new();
    let owner = examined.account.as_ref().map(|account| &account.email);
    match (verdict.is_valid(), owner) {
        (true, Some(owner)) => lines.push(format!("the token fits: {owner}")),
        (true, None) => lines.push("the token fits; it may not say whose it is".to_owned()),
        (false, _) => lines.push("the token does not fit".to_owned()),
    }
    for missing in &verdict.missing {
        lines.push(format!(
            "missing: {}, for {}",
            missing.scope, missing.needed_for
        ));
    }
    for scope in &verdict.excess {
        lines.push(format!(
            "too much: {scope}, which could harm what else is in the account"
        ));
    }
    if !verdict.is_valid() {
        lines.push(format!(
            "make a new token at {NEW_TOKEN_PAGE} with the groups account, droplet, regions, ssh_key and tag, and nothing else"
        ));
    }
    if !verdict.noted.is_empty() {
        lines.push(format!(
            "not needed, and harmless: {}",
            verdict.noted.join(", ")
        ));
    }
    match examined.days_left() {
        Some(1) => lines.push("it holds 1 more day".to_owned()),
        Some(days) => lines.push(format!("it holds {days} more days")),
        None => lines.push("it does not say when it ends".to_owned()),
    }
    lines
}
