//! The program in its place.

use crate::install::PROGRAM;
use crate::install::facts::Facts;
use crate::install::plan::{Action, Work};

pub(in crate::install) fn work(facts: &Facts) -> Work {
    // A copy that an earlier installation made would be found before the package's.
    if facts.is_packaged && facts.manifest.files.contains(PROGRAM) {
        return Work::Do(vec![Action::Remove(PROGRAM)]);
    }
    match facts.has_program {
        true => Work::Nothing,
        false => Work::Do(vec![Action::Program]),
    }
}
