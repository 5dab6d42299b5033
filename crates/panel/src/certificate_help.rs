//! The page for browsers that present no certificate, or none that is good: why, and the way in.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use portlama_access::NotIdentified;

use crate::pages::{page, system};

/// Makes the page.
pub(crate) fn certificate_help(reason: &NotIdentified, status: StatusCode) -> Response {
    let (title, lead) = explanation(reason);
    let main = html! {
        h1 { (title) }
        p.lead { (lead) }
        section {
            h2 { "1. Find the certificate" }
            p {
                "Setting up this server made the file " code { "client.p12" } " and a password for it. "
                "Whoever runs the server has both: they lie in the server's state directory, in "
                code { "pki/" } ". A new admin certificate takes the place of the file there."
            }
        }
        section {
            h2 { "2. Import it" }
            @if is_over(reason) {
                p {
                    "Your browser holds a certificate that opens nothing here any more. It stands where the new one "
                    "is imported: remove it there, so that it is not chosen again."
                }
            }
            (places())
        }
        section {
            h2 { "3. Come back" }
            p {
                "Close every window of the browser, open it again and come back to this address: "
                "browsers remember which certificate was chosen, and that none was. When it asks, choose "
                em { "admin" } "."
            }
        }
        (for_machines(reason))
    };
    page(status, title, &main)
}

/// Where each browser and system keeps certificates.
fn places() -> Markup {
    html! {
        dl { (system("Firefox, on any system", html! {
            "Settings, Privacy & Security, Certificates, " em { "View Certificates" } ", "
            em { "Your Certificates" } ", " em { "Import" } "."
        })) (system("macOS: Safari, Chrome, Edge", html! {
            "Double-click the file, choose the " em { "login" } " keychain, enter the password."
        })) (system("Windows: Chrome, Edge", html! {
            "Double-click the file, choose " em { "Current User" } ", enter the password, keep "
            em { "Automatically select" } "."
        })) (system("Linux: Chrome, Chromium", html! {
            "Settings, Privacy and security, Security, " em { "Manage certificates" } ", "
            em { "Your certificates" } ", " em { "Import" } "."
        })) (system("iPhone, iPad", html! {
            "Open the file, then Settings, " em { "Profile Downloaded" } ", " em { "Install" } "."
        })) (system("Android", html! {
            "Settings, Security, More security settings, " em { "Install from storage" } ", "
            em { "VPN & app user certificate" } "."
        })) }
    }
}

/// Agents have certificates, too, and some get here with theirs.
fn for_machines(reason: &NotIdentified) -> Markup {
    html! {
        p.aside {
            @if is_over(reason) {
                "If the certificate was that of a machine behind this server, it is of no use to a browser: enrol the machine "
                "again with a new token from the panel, by " code { "portlama agent setup" } " on it."
            } @else {
                "A machine whose services should be reached through this server needs no browser: run "
                code { "portlama agent setup" } " on it."
            }
        }
    }
}

/// Whether the certificate is this server's own and opened it once, so that it stands in the way
/// of the one that does.
fn is_over(reason: &NotIdentified) -> bool {
    match reason {
        NotIdentified::Expired | NotIdentified::Revoked | NotIdentified::Nobody => true,
        NotIdentified::NoCertificate | NotIdentified::Untrusted(_) | NotIdentified::NotYetValid => {
            false
        }
    }
}

fn explanation(reason: &NotIdentified) -> (&'static str, Markup) {
    match reason {
        NotIdentified::NoCertificate => (
            "This page needs your certificate",
            html! {
                "This is the panel of a Portlama server. It opens only to a browser that presents the "
                "administrator's certificate."
            },
        ),
        NotIdentified::Untrusted(_) => (
            "This certificate is not from here",
            html! {
                "Your browser presented a certificate that this server did not issue. Choose another one, or "
                "import the right one."
            },
        ),
        NotIdentified::NotYetValid => (
            "This certificate is not valid yet",
            html! {
                "Your browser presented a certificate whose time has not come. The clock of the server is "
                "probably wrong."
            },
        ),
        NotIdentified::Expired => (
            "This certificate has expired",
            html! {
                "Your browser presented a certificate whose time is over, so a copy of the file helps no more: "
                (reset()) " makes a new one. Import that, and remove the old one."
            },
        ),
        NotIdentified::Revoked => (
            "This certificate was revoked",
            html! {
                "Your browser presented a certificate that was ended, by a newer one or by hand. Import the one "
                "that was issued last, and remove this one. If nobody has that, " (reset()) " makes a new one."
            },
        ),
        NotIdentified::Nobody => (
            "This certificate is nobody's",
            html! {
                "Your browser presented a certificate that this server issued and that belongs to nobody on it any "
                "more. Import the one that was issued last. If nobody has that, " (reset()) " makes a new one."
            },
        ),
    }
}

fn reset() -> Markup {
    html! { code { "portlama server reset-admin" } " on the server" }
}
