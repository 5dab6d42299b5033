//! What goes wrong on demand.

use std::time::Duration;

use super::world::{Answer, Refusal, plain};

/// One request that goes wrong.
#[derive(Debug, Clone)]
pub struct Fault {
    /// `GET` and so on.
    pub method: &'static str,
    /// How the path begins.
    pub path: &'static str,
    /// What happens.
    pub deed: Deed,
}

/// How it goes wrong.
#[derive(Debug, Clone)]
pub enum Deed {
    /// A refusal with this status and these words; nothing is done.
    Refuse(u16, &'static str),
    /// 429 with a wait of so many seconds; nothing is done.
    TooMany(u64),
    /// A page with this status; nothing is done.
    Page(u16),
    /// An answer without a body; nothing is done.
    Empty(u16),
    /// JSON that ends in the middle; it is done.
    HalfJson,
    /// JSON with other types; it is done.
    WrongTypes,
    /// It is done, and the connection is cut before the answer.
    DoneThenCut,
    /// It is done, and the answer comes so much later.
    DoneThenLate(Duration),
    /// The connection is cut, and nothing is done.
    Cut,
}

impl Fault {
    /// One that goes wrong once.
    #[must_use]
    pub fn new(method: &'static str, path: &'static str, deed: Deed) -> Self {
        Self { method, path, deed }
    }

    pub(super) fn meets(&self, method: &str, path: &str) -> bool {
        self.method == method && path.starts_with(self.path)
    }
}

impl Deed {
    /// The answer of a fault in which nothing is done.
    pub(super) fn instead(&self) -> Option<Answer> {
        match self {
            Self::Refuse(status, message) => Some(
                Refusal {
                    status: *status,
                    id: "refused",
                    message,
                }
                .into(),
            ),
            Self::TooMany(seconds) => {
                let mut answer = Answer::from(Refusal {
                    status: 429,
                    id: "too_many_requests",
                    message: "API rate limit exceeded.",
                });
                let wait = seconds.to_string().parse().expect("a header");
                answer.headers_mut().insert("retry-after", wait);
                Some(answer)
            }
            Self::Page(status) => Some(plain(
                *status,
                "<html><body><h1>Bad Gateway</h1></body></html>".to_owned(),
            )),
            Self::Empty(status) => Some(plain(*status, String::new())),
            Self::HalfJson
            | Self::WrongTypes
            | Self::DoneThenCut
            | Self::DoneThenLate(_)
            | Self::Cut => None,
        }
    }
}
