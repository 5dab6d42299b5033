//! What the pages show. No script, no style in the page, nothing from elsewhere.

use maud::{DOCTYPE, Markup, html};

use crate::assets::{MARK, STYLE};
use crate::destination::{Destination, path_with};
use crate::texts::{Refused, TEXTS};

/// What the password page shows.
pub(crate) struct PasswordPage<'a> {
    /// The host name of the portal.
    pub(crate) site: &'a str,
    /// Where the visitor wanted to go.
    pub(crate) destination: Option<&'a Destination>,
    /// The name typed before, after an error.
    pub(crate) username: &'a str,
    /// What went wrong.
    pub(crate) problem: Option<&'a str>,
    /// Whether the address to return to was left out.
    pub(crate) dropped: bool,
}

/// What the code page shows.
pub(crate) struct CodePage<'a> {
    /// The host name of the portal.
    pub(crate) site: &'a str,
    /// Where the visitor wanted to go.
    pub(crate) destination: Option<&'a Destination>,
    /// Whose password was right.
    pub(crate) username: &'a str,
    /// What went wrong.
    pub(crate) problem: Option<&'a str>,
}

/// What the signed-in page shows.
pub(crate) struct SignedInPage<'a> {
    /// The host name of the portal.
    pub(crate) site: &'a str,
    /// Who is signed in.
    pub(crate) name: &'a str,
    /// What may be opened.
    pub(crate) apps: &'a [App],
    /// Whether the address to return to was left out.
    pub(crate) dropped: bool,
}

/// An app on the signed-in page.
pub(crate) struct App {
    /// Its short name.
    pub(crate) name: String,
    /// Its address.
    pub(crate) url: String,
    /// Its address as people write it.
    pub(crate) place: String,
}

/// What the page of an invitation shows.
pub(crate) struct InvitationPage<'a> {
    /// The host name of the portal.
    pub(crate) site: &'a str,
    /// Where the form goes.
    pub(crate) action: &'a str,
    /// The user to be.
    pub(crate) username: &'a str,
    /// What went wrong.
    pub(crate) problem: Option<&'a str>,
}

/// What a guest sees who became a user.
pub(crate) struct WelcomePage<'a> {
    /// The host name of the portal.
    pub(crate) site: &'a str,
    /// The user.
    pub(crate) username: &'a str,
    /// The seed, base32.
    pub(crate) key: &'a str,
    /// The `otpauth:` address.
    pub(crate) uri: &'a str,
    /// The address as a drawing.
    pub(crate) qr: Option<Markup>,
}

/// Asks for the password of a user to be. The name is in the form for password managers.
pub(crate) fn invitation(page: &InvitationPage<'_>) -> Markup {
    let described = if page.problem.is_some() {
        "problem hint"
    } else {
        "hint"
    };
    let invalid = page.problem.map(|_| "true");
    frame(
        page.site,
        TEXTS.invited_title,
        None,
        &html! {
            h1 { (TEXTS.invited_title) }
            p.lead { (fill(TEXTS.invited_lead, page.username)) }
            (problem(page.problem))
            form method="post" action=(page.action) {
                input type="text" name="username" value=(page.username) autocomplete="username"
                    hidden;
                label for="password" { (TEXTS.new_password) }
                input #password name="password" type="password" required minlength="8"
                    autocomplete="new-password" aria-invalid=[invalid] aria-describedby=(described)
                    autofocus;
                p.hint #hint { (TEXTS.new_password_hint) }
                label for="repeated" { (TEXTS.repeat_password) }
                input #repeated name="repeated" type="password" required minlength="8"
                    autocomplete="new-password" aria-invalid=[invalid];
                button type="submit" { (TEXTS.create_account) }
            }
        },
    )
}

/// Shows the seed of a new user, once.
pub(crate) fn welcome(page: &WelcomePage<'_>) -> Markup {
    // Groups of four are easier to type; apps ignore the spaces.
    let key: Vec<&str> = (0..page.key.len())
        .step_by(4)
        .filter_map(|at| page.key.get(at..page.key.len().min(at + 4)))
        .collect();
    frame(
        page.site,
        TEXTS.account_ready,
        None,
        &html! {
            h1 { (TEXTS.account_ready) }
            p.lead role="status" { (fill(TEXTS.scan, page.username)) }
            @if let Some(qr) = &page.qr {
                div.qr role="img" aria-label=(TEXTS.qr_label) { (qr) }
            }
            h2 { (TEXTS.by_hand) }
            p.key { (key.join(" ")) }
            p { a href=(page.uri) { (TEXTS.open_in_app) } }
            p.notice { (TEXTS.shown_once) }
            a.button href="/" { (TEXTS.to_sign_in) }
        },
    )
}

/// Asks for name and password. The first field to fill has the focus.
pub(crate) fn password(page: &PasswordPage<'_>) -> Markup {
    let returning = !page.username.is_empty();
    let described = page.problem.map(|_| "problem");
    frame(
        page.site,
        TEXTS.sign_in,
        None,
        &html! {
            h1 { (TEXTS.sign_in) }
            @if let Some(destination) = page.destination {
                p.lead { (fill(TEXTS.sign_in_to_open, destination.host())) }
            }
            @if page.dropped { p.notice role="status" { (TEXTS.bad_target) } }
            (problem(page.problem))
            form method="post" action="/sign-in" {
                (carried(page.destination))
                label for="username" { (TEXTS.username) }
                input #username name="username" type="text" value=(page.username) required
                    maxlength="64" autocomplete="username" autocapitalize="none" autocorrect="off"
                    spellcheck="false" aria-invalid=[described.map(|_| "true")]
                    aria-describedby=[described] autofocus[!returning];
                label for="password" { (TEXTS.password) }
                input #password name="password" type="password" required
                    autocomplete="current-password" aria-invalid=[described.map(|_| "true")]
                    aria-describedby=[described] autofocus[returning];
                button type="submit" { (TEXTS.next) }
            }
        },
    )
}

/// Asks for the code.
pub(crate) fn code(page: &CodePage<'_>) -> Markup {
    let described = if page.problem.is_some() {
        "problem hint"
    } else {
        "hint"
    };
    frame(
        page.site,
        TEXTS.code_title,
        None,
        &html! {
            h1 { (TEXTS.code_title) }
            p.lead { (fill(TEXTS.code_lead, page.username)) }
            (problem(page.problem))
            form method="post" action="/code" {
                (carried(page.destination))
                label for="code" { (TEXTS.code) }
                input.code #code name="code" type="text" required inputmode="numeric" maxlength="12"
                    autocomplete="one-time-code" autocorrect="off" spellcheck="false"
                    aria-invalid=[page.problem.map(|_| "true")] aria-describedby=(described)
                    autofocus;
                button type="submit" { (TEXTS.confirm) }
            }
            form.aside method="post" action="/sign-out" {
                (carried(page.destination))
                input type="hidden" name="then" value="sign-in";
                button.quiet type="submit" { (TEXTS.not_you) }
            }
            p.hint #hint { (TEXTS.code_hint) }
        },
    )
}

/// Says that it worked and moves on by itself (see the crate's documentation for why this is
/// a page).
pub(crate) fn go_on(site: &str, destination: &Destination) -> Markup {
    let next = path_with("/", Some(destination));
    frame(
        site,
        TEXTS.welcome,
        Some(&next),
        &html! {
            h1 { (TEXTS.welcome) }
            p.lead role="status" { (fill(TEXTS.taking_you, destination.host())) }
            a.button href=(next) { (TEXTS.go_on) }
        },
    )
}

/// Says who is signed in, what may be opened and how to sign out.
pub(crate) fn signed_in(page: &SignedInPage<'_>) -> Markup {
    frame(
        page.site,
        TEXTS.signed_in_title,
        None,
        &html! {
            h1 { (TEXTS.signed_in_title) }
            p.lead { (fill(TEXTS.signed_in_as, page.name)) }
            @if page.dropped { p.notice role="status" { (TEXTS.bad_target) } }
            h2 #apps { (TEXTS.apps) }
            @if page.apps.is_empty() {
                p.hint { (TEXTS.no_apps) }
            } @else {
                ul.apps aria-labelledby="apps" {
                    @for app in page.apps {
                        li { a href=(app.url) { (app.name) " " span.place { (app.place) } } }
                    }
                }
            }
            (sign_out_form())
        },
    )
}

/// Asks whether to sign out.
pub(crate) fn ask_sign_out(site: &str, somebody: bool) -> Markup {
    frame(
        site,
        TEXTS.sign_out_title,
        None,
        &html! {
            h1 { (TEXTS.sign_out_title) }
            @if somebody {
                (sign_out_form())
            } @else {
                p.lead { (TEXTS.nobody_signed_in) }
                a.button href="/" { (TEXTS.to_sign_in) }
            }
        },
    )
}

/// Says that the sign-in has ended.
pub(crate) fn signed_out(site: &str) -> Markup {
    frame(
        site,
        TEXTS.signed_out_title,
        None,
        &html! {
            h1 { (TEXTS.signed_out_title) }
            p.lead role="status" { (TEXTS.signed_out) }
            a.button href="/" { (TEXTS.sign_in_again) }
        },
    )
}

/// Says why a request is not answered as asked.
pub(crate) fn refused(site: &str, words: &Refused) -> Markup {
    frame(
        site,
        words.title,
        None,
        &html! {
            h1 { (words.title) }
            p.lead role="alert" { (words.text) }
            a.button href="/" { (TEXTS.to_sign_in) }
        },
    )
}

fn frame(site: &str, title: &str, next: Option<&str>, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(TEXTS.language) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                @if let Some(next) = next {
                    meta http-equiv="refresh" content={ "0; url=" (next) };
                }
                title { (title) " · " (site) }
                link rel="stylesheet" href=(STYLE.path);
                link rel="icon" type="image/svg+xml" href=(MARK.path);
            }
            body {
                main {
                    p.brand { img src=(MARK.path) alt="" width="36" height="36"; (TEXTS.product) }
                    (content)
                }
                @if !site.is_empty() {
                    footer { (fill(TEXTS.footer, site)) }
                }
            }
        }
    }
}

fn problem(text: Option<&str>) -> Markup {
    html! {
        @if let Some(text) = text { p.problem #problem role="alert" { (text) } }
    }
}

/// The wish, carried through a form.
fn carried(destination: Option<&Destination>) -> Markup {
    html! {
        @for (name, value) in destination.map(Destination::pairs).unwrap_or_default() {
            input type="hidden" name=(name) value=(value);
        }
    }
}

fn sign_out_form() -> Markup {
    html! {
        form method="post" action="/sign-out" {
            button.quiet type="submit" aria-describedby="sign-out-means" { (TEXTS.sign_out_everywhere) }
            p.hint #sign-out-means { (TEXTS.sign_out_means) }
        }
    }
}

/// Puts `name`, in bold, in the place that the sentence keeps for it.
fn fill(sentence: &str, name: &str) -> Markup {
    let place = sentence.find('{').zip(sentence.find('}'));
    match place.and_then(|(open, close)| sentence.get(..open).zip(sentence.get(close + 1..))) {
        Some((before, after)) => html! { (before) strong { bdi { (name) } } (after) },
        None => html! { (sentence) },
    }
}
