//! The user whose process faces the internet.

use crate::install::facts::Facts;
use crate::install::plan::{Action, Work};

pub(in crate::install) fn work(facts: &Facts) -> Work {
    match facts.has_user {
        true => Work::Nothing,
        false => Work::Do(vec![Action::User]),
    }
}
