//! The program in its place.

use crate::install::facts::Facts;
use crate::install::plan::{Action, Work};

pub(in crate::install) fn work(facts: &Facts) -> Work {
    match facts.has_program {
        true => Work::Nothing,
        false => Work::Do(vec![Action::Program]),
    }
}
