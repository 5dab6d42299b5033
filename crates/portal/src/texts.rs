//! Every sentence the portal says, in one place.
//!
//! Another language is another constant of this type; the compiler names what it lacks.
//! `{host}`, `{user}` and `{site}` stand for names that the pages put in.

/// The sentences of one language.
pub(crate) struct Texts {
    /// The language's tag for the page (BCP 47).
    pub(crate) language: &'static str,
    /// The product's name, beside the mark.
    pub(crate) product: &'static str,
    /// Says below every page whose sign-in this is, so that people can tell a forgery.
    pub(crate) footer: &'static str,

    // The password page.
    pub(crate) sign_in: &'static str,
    pub(crate) sign_in_to_open: &'static str,
    pub(crate) username: &'static str,
    pub(crate) password: &'static str,
    pub(crate) next: &'static str,

    // The code page.
    pub(crate) code_title: &'static str,
    pub(crate) code_lead: &'static str,
    pub(crate) code: &'static str,
    pub(crate) code_hint: &'static str,
    pub(crate) confirm: &'static str,
    pub(crate) not_you: &'static str,

    // The hand-over page.
    pub(crate) welcome: &'static str,
    pub(crate) taking_you: &'static str,
    pub(crate) go_on: &'static str,

    // The signed-in page.
    pub(crate) signed_in_title: &'static str,
    pub(crate) signed_in_as: &'static str,
    pub(crate) apps: &'static str,
    pub(crate) no_apps: &'static str,
    pub(crate) sign_out_everywhere: &'static str,
    pub(crate) sign_out_means: &'static str,

    // Signing out.
    pub(crate) sign_out_title: &'static str,
    pub(crate) nobody_signed_in: &'static str,
    pub(crate) signed_out_title: &'static str,
    pub(crate) signed_out: &'static str,
    pub(crate) sign_in_again: &'static str,

    // Invitations.
    pub(crate) invited_title: &'static str,
    pub(crate) invited_lead: &'static str,
    pub(crate) new_password: &'static str,
    pub(crate) new_password_hint: &'static str,
    pub(crate) repeat_password: &'static str,
    pub(crate) create_account: &'static str,
    pub(crate) password_missing: &'static str,
    pub(crate) passwords_differ: &'static str,
    pub(crate) the_password: &'static str,
    pub(crate) account_ready: &'static str,
    pub(crate) scan: &'static str,
    pub(crate) qr_label: &'static str,
    pub(crate) by_hand: &'static str,
    pub(crate) open_in_app: &'static str,
    pub(crate) shown_once: &'static str,

    // What went wrong while signing in.
    pub(crate) wrong_password: &'static str,
    pub(crate) wrong_code: &'static str,
    pub(crate) code_shape: &'static str,
    pub(crate) start_again: &'static str,
    pub(crate) bad_target: &'static str,

    // Refusals: a title and a sentence each.
    pub(crate) malformed: Refused,
    pub(crate) cross_origin: Refused,
    pub(crate) not_found: Refused,
    pub(crate) method: Refused,
    pub(crate) too_large: Refused,
    pub(crate) media_type: Refused,
    pub(crate) slow: Refused,
    pub(crate) too_many_requests: Refused,
    pub(crate) too_many_tries: Refused,
    pub(crate) busy: Refused,
    pub(crate) unavailable: Refused,
    pub(crate) internal: Refused,
    pub(crate) invitation_unknown: Refused,
    pub(crate) invitation_gone: Refused,
    pub(crate) invitation_taken: Refused,
    pub(crate) to_sign_in: &'static str,
}

/// A refusal as a page says it; programs get the sentence alone.
pub(crate) struct Refused {
    /// A few words.
    pub(crate) title: &'static str,
    /// What happened and what to do.
    pub(crate) text: &'static str,
}

/// The catalogue in use.
pub(crate) static TEXTS: Texts = Texts {
    language: "en",
    product: "Portlama",
    footer: "You are at {site}. Enter your password on this address only.",

    sign_in: "Sign in",
    sign_in_to_open: "to open {host}",
    username: "User name",
    password: "Password",
    next: "Next",

    code_title: "One more step",
    code_lead: "Hello {user}. Your authenticator app shows a code for this site.",
    code: "Six-digit code",
    code_hint: "Each code works once. If you have no code, ask the person who runs this site for a new set-up link.",
    confirm: "Sign in",
    not_you: "Use another account",

    welcome: "You are signed in",
    taking_you: "Taking you to {host} …",
    go_on: "Go on",

    signed_in_title: "You are signed in",
    signed_in_as: "Signed in as {user}",
    apps: "Your apps",
    no_apps: "No app is open to you at the moment.",
    sign_out_everywhere: "Sign out everywhere",
    sign_out_means: "Ends this sign-in here and in every app it opened.",

    sign_out_title: "Sign out",
    nobody_signed_in: "Nobody is signed in in this browser.",
    signed_out_title: "You are signed out",
    signed_out: "This sign-in has ended here and in every app it opened.",
    sign_in_again: "Sign in again",

    invited_title: "Welcome",
    invited_lead: "You were invited to this site as {user}. Choose a password; the next page sets up the codes you sign in with.",
    new_password: "Password",
    new_password_hint: "At least 8 characters. A few words that only you would put together are easy to keep in mind.",
    repeat_password: "The same password again",
    create_account: "Create account",
    password_missing: "Choose a password.",
    passwords_differ: "The two passwords are not the same. Type both again.",
    the_password: "The password",
    account_ready: "One last step",
    scan: "{user}, your account is ready. Scan this with an authenticator app on your phone. It will show the codes you sign in with.",
    qr_label: "QR code with the key for your authenticator app",
    by_hand: "Or type this key into the app",
    open_in_app: "Or open the app on this device",
    shown_once: "This page is shown once. Go on when your app shows a code for this site.",

    wrong_password: "That did not work. Check the user name and the password. After several wrong attempts, signing in is held up for some minutes, even with the right password.",
    wrong_code: "That code did not work. Wait for the next one and enter it. After several wrong attempts, signing in is held up for some minutes, even with the right code.",
    code_shape: "A code is six digits, such as 123456.",
    start_again: "Too much time has passed since your password. Please begin again.",
    bad_target: "The address you were to return to is not one of this site's apps, so it was left out.",

    malformed: Refused {
        title: "This request is incomplete",
        text: "The request could not be read: a field is missing, doubled or of the wrong kind.",
    },
    cross_origin: Refused {
        title: "Refused for your safety",
        text: "This request was started by another website, so nothing was changed. Open the sign-in page itself and try again.",
    },
    not_found: Refused {
        title: "Nothing here",
        text: "There is no page at this address.",
    },
    method: Refused {
        title: "Not done this way",
        text: "This address does not answer this kind of request.",
    },
    too_large: Refused {
        title: "Too much at once",
        text: "The request is larger than any sign-in needs: 16 KiB at most.",
    },
    media_type: Refused {
        title: "Not readable in this form",
        text: "The request has a content type that this address does not take.",
    },
    slow: Refused {
        title: "Too slow",
        text: "The request took too long to arrive. Try again when your connection is better.",
    },
    too_many_requests: Refused {
        title: "Too many requests",
        text: "Your network asks more often than people do. Wait a minute, then try again.",
    },
    too_many_tries: Refused {
        title: "Too many tries",
        text: "Invitations were opened too often from your network. Wait a minute, then open your link again.",
    },
    busy: Refused {
        title: "Very busy",
        text: "Too many people are signing in at this moment. Wait a few seconds and try again.",
    },
    unavailable: Refused {
        title: "Signing in is not possible at the moment",
        text: "The server cannot check sign-ins right now. Try again in a few minutes; if it stays so, tell the person who runs this site.",
    },
    internal: Refused {
        title: "Something went wrong",
        text: "The server made a mistake. Try again; if it stays so, tell the person who runs this site.",
    },
    invitation_unknown: Refused {
        title: "No such invitation",
        text: "The link is not complete, or the invitation was withdrawn. Open it again from the message; if it stays so, ask for a new one.",
    },
    invitation_gone: Refused {
        title: "This invitation is over",
        text: "It was used already, or its time has passed. If you have an account, sign in; if not, ask for a new invitation.",
    },
    invitation_taken: Refused {
        title: "The account exists already",
        text: "Somebody made an account with this name in another way. Ask the person who runs this site.",
    },
    to_sign_in: "To the sign-in page",
};
