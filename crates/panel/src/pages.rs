//! The pages of the panel's origin: where to type a one-time code, and what this server is. What
//! they share is here, too; the page about certificates has a file of its own.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::response::{Html, IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderValue, StatusCode};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use portlama_access::Caller;
use portlama_model::{Desired, OnboardingStatus};

const STYLE: &str = include_str!("pages.css");
/// Sends the code as JSON: the API reads no forms.
const CODE_SCRIPT: &str = include_str!("code.js");

/// Allows the one style sheet by its hash, and nothing else: no script, no image, no form.
static PAGE_POLICY: LazyLock<HeaderValue> = LazyLock::new(|| policy(""));

/// The same, and the one script by its hash, which may ask this origin alone.
static CODE_POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let script = hash(CODE_SCRIPT);
    policy(&format!(
        "script-src 'sha256-{script}'; connect-src 'self'; "
    ))
});

fn policy(more: &str) -> HeaderValue {
    let style = hash(STYLE);
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; {more}base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).expect("base64 is visible ASCII")
}

fn hash(of: &str) -> String {
    STANDARD.encode(digest(&SHA256, of.as_bytes()))
}

/// One line of a list of terms: the system's name, and what to do there.
pub(crate) fn system(name: &str, steps: Markup) -> Markup {
    html! { div { dt { (name) } dd { (steps) } } }
}

/// What the admin sees who has not typed a one-time code yet: the form, and nothing of the
/// server.
pub(crate) fn code() -> Response {
    let main = html! {
        h1 { "One-time code" }
        p.lead { "This panel asks for the code of your authenticator app as well." }
        form method="post" {
            label {
                "Code"
                input name="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9]{6}"
                    maxlength="6" required autofocus;
            }
            button { "Sign in" }
            output role="alert" {}
        }
        p.aside {
            "The key that was shown with the QR code makes the same codes in another app. Without it, whoever runs the server "
            "can run " code { "portlama server reset-admin" } " there."
        }
        noscript {
            p {
                "Your browser runs no scripts, which this form needs. A program can send "
                code { "{\"code\": \"123456\"}" } " to " code { "/api/settings/2fa/verify" } " and keep the cookie."
            }
        }
        script { (PreEscaped(CODE_SCRIPT)) }
    };
    let mut page = page(StatusCode::UNAUTHORIZED, "One-time code", &main);
    page.headers_mut()
        .insert(CONTENT_SECURITY_POLICY, CODE_POLICY.clone());
    page
}

/// What every path outside the API shows to agents, and to the admin of a server that was built
/// without the web panel.
pub(crate) fn index(caller: &Caller, desired: &Desired) -> Response {
    let name = match caller {
        Caller::Identified(identity) => identity.audit_name(),
        Caller::Anonymous => "nobody".to_owned(),
    };
    let main = html! {
        h1 { "Portlama" }
        p.lead { "The server runs, and your certificate is good." }
        dl { (system("Version", html! { (env!("CARGO_PKG_VERSION")) }))
            (system("You are", html! { code { (name) } }))
            (system("Address", html! { code { (desired.ip) } }))
            (system("Domain", html! { @match &desired.domain {
                Some(domain) => { code { (domain) } }
                None => { "not chosen yet" }
            } }))
            (system("First set-up", html! { (progress(desired.onboarding)) }))
        }
        section {
            h2 { "Managing this server" }
            p {
                @if crate::web::is_built() {
                    "The web panel opens for the administrator's certificate; this one is an agent's. "
                } @else {
                    "This server was built without its web panel, which needs Node.js (" code { "cargo xtask ui" } "). "
                }
                "The same things are done with the " code { "portlama" } " command, or with the API below "
                code { "/api" } ", which asks for this same certificate."
            }
            ul {
                li { a href="/api/onboarding/status" { code { "/api/onboarding/status" } } " – the first set-up" }
                li { a href="/api/tunnels" { code { "/api/tunnels" } } " – tunnels and how they are doing" }
                li { a href="/api/users" { code { "/api/users" } } " – who may sign in to apps" }
                li { a href="/api/certs/agent" { code { "/api/certs/agent" } } " – the machines behind the tunnels" }
            }
        }
    };
    page(StatusCode::OK, "Portlama", &main)
}

fn progress(status: OnboardingStatus) -> &'static str {
    match status {
        OnboardingStatus::Fresh => "not begun",
        OnboardingStatus::DomainSet => "the domain is chosen",
        OnboardingStatus::DnsReady => "the domain leads here",
        OnboardingStatus::Provisioning => "certificates are being set up",
        OnboardingStatus::Completed => "complete",
    }
}

pub(crate) fn page(status: StatusCode, title: &str, main: &Markup) -> Response {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (main) } }
        }
    };
    let policy = [(CONTENT_SECURITY_POLICY, PAGE_POLICY.clone())];
    (status, policy, Html(document.into_string())).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_cannot_end_its_element() {
        assert!(!STYLE.contains('<') && !CODE_SCRIPT.contains('<'));
    }

    #[test]
    fn pages_load_nothing_from_elsewhere() {
        let policy = PAGE_POLICY.to_str().expect("text");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
        assert!(!policy.contains("script-src") && !policy.contains("connect-src"));
        for word in ["url(", "@import", "http"] {
            assert!(!STYLE.contains(word), "{word}");
        }
    }
}
